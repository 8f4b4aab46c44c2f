/* tables.h: datasets from the text of a table, for tests. */
#ifndef LAMINA_TEST_TABLES_H
#define LAMINA_TEST_TABLES_H

#include <string.h>

#include <lamina/lamina.h>

#include "data/readers/csv/tabular.h"

static inline lam_status table_from(const void *text, size_t size, const lam_load_options *options,
                                    lam_dataset **dataset)
{
    const lam_load_options defaults = lam_load_options_default();
    lam__csv csv;
    *dataset = NULL;
    lam_status status = lam__csv_copy(text, size, "in.csv", &csv);
    if (status == LAM_OK)
        status = lam__table_load(&csv, options ? options : &defaults, dataset);
    lam__csv_close(&csv);
    if (status != LAM_OK) {
        lam_dataset_free(*dataset);
        *dataset = NULL;
    }
    return status;
}

#endif
