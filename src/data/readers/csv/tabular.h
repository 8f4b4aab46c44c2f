/* tabular.h: a table as numbers: what stands between the text of a CSV file and a dataset. */
#ifndef LAMINA_TABULAR_H
#define LAMINA_TABULAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>

#include "base/text/string_set.h"
#include "data/readers/csv/csv.h"
#include "model/sample_schema.h"

/* Most categories of a text column that is a feature: each is a feature of its own. */
#define LAM__MOST_CATEGORIES 1000

/* Most classes of a target column. */
#define LAM__MOST_CLASSES 65536

/* A column of whole numbers is taken for classes when it has at most this many different ones, and
 * at least two rows for each. */
#define LAM__FEW_CLASSES 20

typedef enum lam__cell_kind {
    LAM__CELL_NUMBER, /* a number, until a text is met unless `fixed` */
    LAM__CELL_TEXT,   /* the number of a word */
    LAM__CELL_SKIP    /* not looked at */
} lam__cell_kind;

typedef struct lam__table_column {
    lam__cell_kind kind;
    bool fixed; /* it is told that its cells are numbers */
    bool target;
    size_t missing;            /* cells without a value */
    const char *first_missing; /* the first of them in the text */
    const char *first_text;    /* where a column of numbers turned out to be one of texts */
    lam__string_set words;     /* TEXT: what its cells number */
    bool closed;               /* words are told: there are no others */
    size_t unknown;            /* cells with other words then */
    const char *first_unknown;
} lam__table_column;

typedef struct lam__table {
    lam__csv csv;
    lam__table_column *columns; /* [csv.columns] */
    size_t rows;
    uint64_t memory; /* bytes that text, cells and samples may take together */
    float *cells;    /* [rows][csv.columns]: NaN where there is no value, -1 for an unknown word */
} lam__table;

/* Reads at most `limit` rows (0 = all) to cells; the kinds of the columns have been set. Columns
 * that are not `fixed` become what their cells make them. Errors name line and column. */
lam_status lam__table_read_cells(lam__table *table, size_t limit);

/* Reads the words of the text columns, a second pass over the same rows; those of columns that are
 * not `closed` are sorted by their bytes then. */
lam_status lam__table_read_words(lam__table *table);

/* LAM_ERR_MEMORY, with the numbers, when rows of `features` numbers would take more memory together
 * with what is held already than table->memory. */
lam_status lam__table_fits(const lam__table *table, size_t rows, size_t features);

void lam__table_clear(lam__table *table);

/* Marks targets and columns to leave out, as the options say. */
lam_status lam__table_choose(lam__table *table, const lam_load_options *options);

/* Turns a single target of numbers into one of classes (cells and words) where the options or its
 * values say so; `few` is false where any number of whole numbers from 0 on will do. */
lam_status lam__table_decide_target(lam__table *table, size_t target, const char *task);

/* Describes the table that has been read, learning from it what the options ask for: categories and
 * what fills gaps. */
lam_status lam__table_describe(const lam__table *table, const lam_load_options *options,
                               lam__input *input);

/* Makes the dataset that `input` describes, which it takes over, also on failure: place[i] is the
 * column of the table that stands for column i of input, or SIZE_MAX for a target that is absent.
 * The table's cells may be used up. */
lam_status lam__table_dataset(lam__table *table, lam__input *input, const size_t *place,
                              lam_dataset **dataset);

/* All of it: text that has been read becomes a dataset; csv is taken over, also on failure. */
lam_status lam__table_load(lam__csv *csv, const lam_load_options *options, lam_dataset **dataset);

/* The same as the model in options->like needs it, which was trained on a table, or on numbers. */
lam_status lam__table_load_like(lam__table *table, const lam_load_options *options,
                                lam_dataset **dataset);

#endif
