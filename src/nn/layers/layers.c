/* layers.c: the table of layer types. */
#include "nn/layers/layers.h"

#define ROW(name) &lam__##name##_layer,
static const lam__layer_type *const types[] = {LAM__LAYER_LIST(ROW)};
#undef ROW

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
