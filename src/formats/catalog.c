/* catalog.c: what can be named. It stands in the last room, which sees the tables of all. */
#include <lamina/catalog.h>

#include "base/error.h"
#include "base/struct_size.h"
#include "data/readers/data_formats.h"
#include "formats/model_formats.h"
#include "nn/layers/layers.h"
#include "nn/losses.h"
#include "nn/metrics.h"
#include "nn/optimizers.h"
#include "nn/registry.h"
#include "options/fit_options.h"
#include "options/load_options.h"

static lam__name_table *const tables[] = {
    [LAM_ACTIVATION] = &lam__activations,
    [LAM_LOSS] = &lam__losses,
    [LAM_METRIC] = &lam__metrics,
    [LAM_OPTIMIZER] = &lam__optimizers,
    [LAM_INITIALIZER] = &lam__initializers,
    [LAM_LAYER] = &lam__layer_types,
    [LAM_FIT_OPTION] = &lam__fit_options,
    [LAM_CALLBACK] = &lam__callbacks,
    [LAM_MODEL_FORMAT] = &lam__model_formats,
    [LAM_LOAD_OPTION] = &lam__load_options,
    [LAM_DATA_FORMAT] = &lam__data_formats,
};

/* NULL for a kind outside the enumeration. */
static lam__name_table *table_of(lam_catalog_kind kind)
{
    const size_t i = (size_t)kind;
    return i < sizeof tables / sizeof *tables ? tables[i] : NULL;
}

size_t lam_catalog_size(lam_catalog_kind kind)
{
    lam__name_table *table = table_of(kind);
    return table ? lam__table_size(table) : 0;
}

lam_status lam_catalog_sized(lam_catalog_kind kind, size_t i, lam_catalog_entry *entry, size_t size)
{
    lam__name_table *table = table_of(kind);
    if (!table || !entry)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_catalog: entry is NULL, or there is no list %d",
                         (int)kind);
    const void *row = lam__table_at(table, i);
    if (!row)
        return lam__fail(LAM_ERR_ARGUMENT, "entry %zu of a list that has %zu", i,
                         lam__table_size(table));
    const lam__row_names names = lam__row_names_of(row);
    lam_catalog_entry own = {.name = names.name, .alias = names.alias, .help = names.help};
    if (kind == LAM_FIT_OPTION || kind == LAM_LOAD_OPTION) {
        const lam__option *option = row;
        own.argument = option->argument;
        own.default_value = option->default_text;
    }
    lam__write_struct(entry, size, &own, sizeof own);
    return LAM_OK;
}
