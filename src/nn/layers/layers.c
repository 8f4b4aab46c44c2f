/* layers.c: the table of layer types. */
#include "nn/layers/layers.h"

static const lam__layer_type *const types[] = {&lam__dense_layer, &lam__dropout_layer,
                                               &lam__layer_norm_layer};

LAM__CHECK_ROW(lam__layer_type);

static const void *built_in(size_t i)
{
    return types[i];
}

lam__name_table lam__layer_types = {
    .kind = "layer",
    .built_in = built_in,
    .built_in_count = sizeof types / sizeof *types,
};

size_t lam__layer_type_count(void)
{
    return lam__table_size(&lam__layer_types);
}

const lam__layer_type *lam__layer_type_at(size_t i)
{
    return lam__table_at(&lam__layer_types, i);
}
