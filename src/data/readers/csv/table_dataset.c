/* table_dataset.c: a table that has been read becomes a dataset. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/readers/csv/tabular.h"
#include "data/source.h"
#include "options/load_options.h"

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The values of a column to values[*count]. */
static void present(const lam__table *table, size_t column, float *values, size_t *count)
{
    size_t n = 0;
    for (size_t r = 0; r < table->rows; r++) {
        const float value = table->cells[r * table->csv.columns + column];
        if (!isnan(value))
            values[n++] = value;
    }
    *count = n;
}

static float mean_of(float *values, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i];
    return (float)(sum / (double)count);
}

static float median_of(float *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return (float)(((double)values[(count - 1) / 2] + (double)values[count / 2]) / 2.0);
}

/* What fills the gaps of a column of numbers. */
static lam_status learn_fill(const lam__table *table, size_t c, lam__missing missing,
                             float constant, lam__column *column)
{
    column->has_fill = true;
    column->fill = constant;
    if (missing == LAM__MISSING_CONSTANT)
        return LAM_OK;
    size_t count;
    float *values = lam__allocate(table->rows, sizeof *values, "the values of a column");
    if (!values)
        return LAM_ERR_MEMORY;
    present(table, c, values, &count);
    if (count > 0)
        column->fill = (missing == LAM__MISSING_MEAN ? mean_of : median_of)(values, count);
    lam__release(values);
    if (count > 0)
        return LAM_OK;
    return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, table->csv.body, c,
                         "no row has a value: so there is no mean or median");
}

static lam_status fail_missing(const lam__table *table, size_t c, const char *what)
{
    return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, table->columns[c].first_missing, c,
                         "the value is missing (%zu of %zu rows): %s", table->columns[c].missing,
                         table->rows, what);
}

static lam_status describe_column(const lam__table *table, size_t c,
                                  const lam_load_options *options, lam__column *column)
{
    const lam__table_column *from = &table->columns[c];
    float constant;
    const lam__missing missing = lam__load_missing(options, &constant);
    column->name = lam__copy_string(table->csv.names[c]);
    if (!column->name)
        return LAM_ERR_MEMORY;
    column->target = from->target;
    column->missing = from->missing;
    if (from->kind == LAM__CELL_SKIP) {
        column->kind = LAM_COLUMN_IGNORED;
        return LAM_OK;
    }
    if (from->missing > 0 && missing == LAM__MISSING_REFUSE)
        return fail_missing(table, c, "option missing fills in mean, median or constant:X");
    if (from->kind == LAM__CELL_TEXT) {
        column->kind = LAM_COLUMN_TEXT;
        if (from->words.count == 0)
            return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, table->csv.body, c,
                                 "no row has a value");
        return lam__column_set_categories(column, (const char *const *)from->words.words,
                                          from->words.count);
    }
    column->kind = LAM_COLUMN_NUMBER;
    return from->target || missing == LAM__MISSING_REFUSE
               ? LAM_OK
               : learn_fill(table, c, missing, constant, column);
}

lam_status lam__table_describe(const lam__table *table, const lam_load_options *options,
                               lam__input *input)
{
    LAM__TRY(lam__input_set_table(input, table->csv.columns));
    input->header = table->csv.header;
    for (size_t c = 0; c < table->csv.columns; c++)
        LAM__TRY(describe_column(table, c, options, &input->columns[c]));
    lam__input_place_features(input);
    if (lam__input_features(input) > 0)
        return LAM_OK;
    return lam__fail(LAM_ERR_FORMAT, "%s: no column is left to learn from: %zu in all",
                     table->csv.name, table->csv.columns);
}

/* Gaps and unknown words, before anything is made of the cells. */
static lam_status check_column(const lam__table *table, const lam__column *column, size_t c)
{
    const lam__table_column *from = &table->columns[c];
    if (column->kind == LAM_COLUMN_NUMBER && from->missing > 0 && !column->has_fill)
        return fail_missing(table, c,
                            column->target
                                ? "the target is present in some rows and missing in others"
                                : "the model was trained without gaps");
    if (!column->target || column->kind != LAM_COLUMN_TEXT)
        return LAM_OK;
    if (from->missing > 0)
        return fail_missing(table, c, "the target is present in some rows and missing in others");
    if (from->unknown == 0)
        return LAM_OK;
    lam__csv_field field;
    char text[48];
    LAM__TRY(lam__csv_field_at(&table->csv, from->first_unknown, c, &field));
    return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, from->first_unknown, c,
                         "'%s' is not one of the model's %zu classes", lam__csv_show(&field, text),
                         column->category_count);
}

/* One row of features. */
static void write_row(const lam__input *input, const size_t *place, const float *cells, float *x)
{
    for (size_t i = 0; i < input->column_count; i++) {
        const lam__column *column = &input->columns[i];
        const size_t features = lam__column_features(column);
        if (features == 0)
            continue;
        const float value = cells[place[i]];
        if (column->kind == LAM_COLUMN_NUMBER) {
            *x++ = isnan(value) ? column->fill : value;
            continue;
        }
        memset(x, 0, features * sizeof *x);
        if (value >= 0) /* neither missing nor unknown */
            x[(size_t)value] = 1.0f;
        x += features;
    }
}

/* Whether features of a row can be written over its cells: none overtakes what is still needed. */
static bool in_order(const lam__input *input, const size_t *place)
{
    size_t at = 0;
    for (size_t i = 0; i < input->column_count; i++) {
        const size_t features = lam__column_features(&input->columns[i]);
        if (features > 1 ||
            (features == 1 && (place[i] < at || input->columns[i].kind != LAM_COLUMN_NUMBER)))
            return false;
        at = features == 1 ? place[i] + 1 : at;
    }
    return true;
}

/* Rows of numbers alone, over their cells: the most frequent table, and the largest. */
static lam_status pack_rows(lam__table *table, const lam__input *input, const size_t *place)
{
    const size_t columns = table->csv.columns;
    size_t *from = lam__allocate(columns, sizeof *from, "the columns of a table"), features = 0;
    float *fill = lam__allocate(columns, sizeof *fill, "the columns of a table");
    lam_status status = from && fill ? LAM_OK : LAM_ERR_MEMORY;
    for (size_t i = 0; i < input->column_count && status == LAM_OK; i++)
        if (lam__column_features(&input->columns[i]) > 0) {
            from[features] = place[i];
            fill[features++] = input->columns[i].fill;
        }
    float *x = table->cells;
    for (size_t r = 0; r < table->rows && status == LAM_OK; r++) {
        const float *cells = table->cells + r * columns;
        for (size_t k = 0; k < features; k++) {
            const float value = cells[from[k]];
            *x++ = isnan(value) ? fill[k] : value;
        }
    }
    lam__release(from);
    lam__release(fill);
    return status;
}

static lam_status make_samples(lam__table *table, const lam__input *input, const size_t *place,
                               lam_dataset **dataset)
{
    const size_t features = lam__input_features(input), columns = table->csv.columns;
    const bool over = in_order(input, place);
    size_t values;
    if (!lam__multiply(table->rows, features, &values))
        return lam__fail(LAM_ERR_MEMORY, "%s: too large for memory", table->csv.name);
    if (!over)
        LAM__TRY(lam__table_fits(table, table->rows, features));
    float *x = over ? table->cells : lam__allocate(values, sizeof *x, "the samples of a table");
    if (!x)
        return LAM_ERR_MEMORY;
    if (over)
        LAM__TRY(pack_rows(table, input, place));
    for (size_t r = 0; r < table->rows && !over; r++)
        write_row(input, place, table->cells + r * columns, x + r * features);
    if (over)
        table->cells = NULL;
    *dataset = lam__dataset_adopt(x, LAM_FLOAT32, table->rows, features);
    return *dataset ? LAM_OK : LAM_ERR_MEMORY;
}

/* Targets of a table: read before the cells are overwritten. */
struct targets {
    const lam__column *classes; /* the column of classes, or NULL */
    int32_t *labels;            /* [rows] */
    float *values;              /* [rows][outputs] */
    size_t outputs;
};

static bool is_target(const lam__input *input, const size_t *place, size_t i)
{
    return input->columns[i].target && place[i] != SIZE_MAX;
}

static lam_status collect_targets(const lam__table *table, const lam__input *input,
                                  const size_t *place, struct targets *targets)
{
    const size_t rows = table->rows, columns = table->csv.columns;
    for (size_t i = 0; i < input->column_count; i++) {
        if (!is_target(input, place, i))
            continue;
        targets->outputs++;
        if (input->columns[i].kind == LAM_COLUMN_TEXT)
            targets->classes = &input->columns[i];
    }
    if (targets->outputs == 0)
        return LAM_OK;
    if (targets->classes && targets->outputs > 1)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: several targets must be numbers, but '%s' has texts or classes",
                         table->csv.name, targets->classes->name);
    targets->labels = lam__allocate(rows, sizeof *targets->labels, "labels");
    targets->values = lam__allocate(rows * targets->outputs, sizeof *targets->values, "targets");
    if (!targets->labels || !targets->values)
        return LAM_ERR_MEMORY;
    size_t k = 0;
    for (size_t i = 0; i < input->column_count; i++) {
        if (!is_target(input, place, i))
            continue;
        for (size_t r = 0; r < rows; r++) {
            const float cell = table->cells[r * columns + place[i]];
            targets->values[r * targets->outputs + k] = cell;
            targets->labels[r] = targets->classes ? (int32_t)cell : 0;
        }
        k++;
    }
    return LAM_OK;
}

static lam_status set_targets(const struct targets *targets, lam_dataset *dataset)
{
    if (targets->outputs == 0)
        return LAM_OK;
    if (!targets->classes)
        return lam_dataset_set_targets(dataset, targets->values, targets->outputs);
    const size_t classes = targets->classes->category_count;
    LAM__TRY(lam_dataset_set_classes(dataset, targets->labels, classes));
    return lam_dataset_set_class_names(dataset, (const char *const *)targets->classes->categories,
                                       classes);
}

lam_status lam__table_dataset(lam__table *table, lam__input *input, const size_t *place,
                              lam_dataset **dataset)
{
    struct targets targets = {.outputs = 0};
    lam_status status = LAM_OK;
    for (size_t i = 0; i < input->column_count && status == LAM_OK; i++)
        if (place[i] != SIZE_MAX)
            status = check_column(table, &input->columns[i], place[i]);
    if (status == LAM_OK)
        status = collect_targets(table, input, place, &targets);
    if (status == LAM_OK)
        status = make_samples(table, input, place, dataset);
    if (status == LAM_OK)
        status = set_targets(&targets, *dataset);
    if (status == LAM_OK) {
        (*dataset)->input = *input;
        *input = (lam__input){.kind = LAM_INPUT_VALUES};
    }
    lam__release(targets.labels);
    lam__release(targets.values);
    lam__input_clear(input);
    return status;
}
