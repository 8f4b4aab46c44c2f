/* sample_schema.h: what raw samples were made from: plain numbers, images or the rows of a table.
 *
 * A dataset has one, set by its reader; a model has one, taken from the data it was trained on, and
 * its file keeps it, so that later samples are brought to the same form. What happens to the
 * numbers after that is the input transform's (transform.h). */
#ifndef LAMINA_SAMPLE_SCHEMA_H
#define LAMINA_SAMPLE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/dataset.h>

/* The largest width or height of an image. */
#define LAM__MOST_PIXELS_A_SIDE 65535

/* One column of a table, in the order of the file. All strings are owned and UTF-8. */
typedef struct lam__column {
    char *name; /* owned, or in the input's names */
    lam_column_kind kind;
    bool target; /* TEXT: a class, the categories are their names; NUMBER: a value to predict */
    bool has_fill;
    float fill;        /* NUMBER: what a missing value becomes; without it, one is refused */
    char **categories; /* TEXT: [category_count] in one block (string_list.h), distinct, one feature
                          each (one-hot) */
    size_t category_count;
    size_t missing;       /* values of a dataset that were missing; not kept with a model */
    size_t first_feature; /* set by lam__input_place_features */
} lam__column;

typedef struct lam__input {
    lam_input_kind kind;
    size_t width, height, channels; /* IMAGE: features are [height][width][channels] */
    bool invert;                    /* IMAGE: black became white */
    bool header;                    /* TABLE: the names of the columns are the file's */
    lam__column *columns;           /* TABLE: [column_count] */
    size_t column_count;
    char *names; /* TABLE: where the names of all columns lie; NULL: each has its own block */
} lam__input;

/* Makes it VALUES, releasing what it holds. A zeroed one is VALUES. */
void lam__input_clear(lam__input *input);

/* *to, which is overwritten and must not hold anything, becomes a copy. VALUES on failure. */
lam_status lam__input_copy(const lam__input *from, lam__input *to);

/* Makes it IMAGE. LAM_ERR_ARGUMENT for a size out of range or channels other than 1 and 3. */
lam_status lam__input_set_image(lam__input *input, size_t width, size_t height, size_t channels,
                                bool invert);

/* Makes it TABLE with this many columns, zeroed, to be filled in; lam__input_place_features then
 * tells each which feature is its first. */
lam_status lam__input_set_table(lam__input *input, size_t columns);
void lam__input_place_features(lam__input *input);

/* Copies categories[count] to a column that has none. */
lam_status lam__column_set_categories(lam__column *column, const char *const *categories,
                                      size_t count);

/* Features a column gives: none when it is a target or ignored. */
size_t lam__column_features(const lam__column *column);

/* Features of a sample, 0 = any number (VALUES). */
size_t lam__input_features(const lam__input *input);

/* The first target column; NULL when there is none. */
const lam__column *lam__input_target(const lam__input *input);

bool lam__input_equal(const lam__input *a, const lam__input *b);

/* Whether samples made as `data` says mean to a model what it was trained on: LAM_ERR_SHAPE for an
 * image of another size, or another table. What is not known to differ is accepted. */
lam_status lam__input_accepts(const lam__input *model, const lam__input *data);

/* For the public views: *info is a struct of so many bytes. */
void lam__input_describe(const lam__input *input, lam_input_info *info, size_t size);
lam_status lam__input_column(const lam__input *input, size_t i, lam_column_info *info, size_t size);

#endif
