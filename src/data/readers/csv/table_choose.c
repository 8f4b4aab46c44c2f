/* table_choose.c: which columns of a table are targets, and whether those are classes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/readers/csv/tabular.h"

/* The column of this name, or else of this number, counted from 1. */
static lam_status find_column(const lam__table *table, const char *option, const char *text,
                              size_t *column)
{
    const lam__csv *csv = &table->csv;
    uint64_t number;
    char message[512];
    *column = csv->header ? lam__csv_find(csv, text) : LAM__CSV_NO_COLUMN;
    if (*column != LAM__CSV_NO_COLUMN)
        return LAM_OK;
    if (lam__parse_u64(text, &number) && number >= 1 && number <= csv->columns) {
        *column = (size_t)(number - 1);
        return LAM_OK;
    }
    if (!csv->header)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "%s: %s: there is no column '%.100s': the columns have no names, and "
                         "numbers from 1 to %zu",
                         csv->name, option, text, csv->columns);
    lam__unknown_word("column", text, (const char *const *)csv->names, csv->columns, message,
                      sizeof message);
    return lam__fail(LAM_ERR_ARGUMENT, "%s: %s: %s", csv->name, option, message);
}

static lam_status mark_column(lam__table *table, size_t c, bool target)
{
    lam__table_column *column = &table->columns[c];
    if (!target) {
        column->kind = LAM__CELL_SKIP;
    } else if (column->kind == LAM__CELL_SKIP) {
        return lam__fail(LAM_ERR_ARGUMENT, "%s: column '%s' is both the target and ignored",
                         table->csv.name, table->csv.names[c]);
    } else {
        column->target = true;
    }
    return LAM_OK;
}

/* The columns that an option names: its whole text, or else its parts between commas. */
static lam_status mark(lam__table *table, const char *option, char *text, bool target)
{
    size_t column = table->csv.header ? lam__csv_find(&table->csv, text) : LAM__CSV_NO_COLUMN;
    if (column != LAM__CSV_NO_COLUMN) /* a name with a comma in it */
        return mark_column(table, column, target);
    for (char *part = text, *next; part; part = next) {
        next = strchr(part, ',');
        if (next)
            *next++ = '\0';
        LAM__TRY(find_column(table, option, part, &column));
        LAM__TRY(mark_column(table, column, target));
    }
    return LAM_OK;
}

static lam_status mark_list(lam__table *table, const char *option, const char *list, bool target)
{
    char *copy = lam__copy_string(list);
    if (!copy)
        return LAM_ERR_MEMORY;
    lam_status status = mark(table, option, copy, target);
    lam__release(copy);
    return status;
}

lam_status lam__table_choose(lam__table *table, const lam_load_options *options)
{
    if (options->ignore && options->ignore[0] != '\0')
        LAM__TRY(mark_list(table, "ignore", options->ignore, false));
    if (options->target && options->target[0] != '\0')
        return mark_list(table, "target", options->target, true);
    if (options->target)
        return LAM_OK;
    for (size_t c = table->csv.columns; c-- > 0;)
        if (table->columns[c].kind != LAM__CELL_SKIP) {
            table->columns[c].target = true;
            break;
        }
    return LAM_OK;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Whether there are few enough different values, all of them whole numbers. */
static bool seem_classes(const lam__table *table, size_t target)
{
    float seen[LAM__FEW_CLASSES];
    size_t count = 0;
    for (size_t r = 0; r < table->rows; r++) {
        const float value = table->cells[r * table->csv.columns + target];
        size_t k = 0;
        while (k < count && seen[k] != value)
            k++;
        if (k < count)
            continue;
        if (count == LAM__FEW_CLASSES || value != truncf(value))
            return false;
        seen[count++] = value;
    }
    return 2 * count <= table->rows;
}

/* The different values of a column, ascending, in values[*count], which has room for all rows. */
static void distinct(const lam__table *table, size_t column, float *values, size_t *count)
{
    size_t n = 0;
    for (size_t r = 0; r < table->rows; r++)
        values[r] = table->cells[r * table->csv.columns + column] + 0.0f; /* no -0 */
    qsort(values, table->rows, sizeof *values, by_value);
    for (size_t r = 0; r < table->rows; r++)
        if (n == 0 || values[n - 1] != values[r])
            values[n++] = values[r];
    *count = n;
}

/* Numbers become words, in ascending order, and the cells their numbers. */
static lam_status make_classes(lam__table *table, size_t target, float *values)
{
    lam__table_column *column = &table->columns[target];
    size_t count;
    distinct(table, target, values, &count);
    if (count > LAM__MOST_CLASSES)
        return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, table->csv.body, target,
                             "%zu different numbers are too many for classes, at most %d expected",
                             count, LAM__MOST_CLASSES);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        lam__format_float((double)values[i], text, sizeof text);
        LAM__TRY(lam__string_set_add(&column->words, text, strlen(text)));
    }
    for (size_t r = 0; r < table->rows; r++) {
        float *cell = &table->cells[r * table->csv.columns + target];
        const float *found = bsearch(cell, values, count, sizeof *values, by_value);
        *cell = (float)(found - values);
    }
    column->kind = LAM__CELL_TEXT;
    return LAM_OK;
}

lam_status lam__table_decide_target(lam__table *table, size_t target, const char *task)
{
    lam__table_column *column = &table->columns[target];
    char text[48];
    if (column->missing > 0)
        return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, column->first_missing, target,
                             "the target has no value here");
    if (column->kind == LAM__CELL_TEXT && strcmp(task, "regression") == 0) {
        lam__csv_field field;
        LAM__TRY(lam__csv_field_at(&table->csv, column->first_text, target, &field));
        return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, column->first_text, target,
                             "'%s' is not a number, but the task is regression",
                             lam__csv_show(&field, text));
    }
    if (column->kind == LAM__CELL_NUMBER &&
        (strcmp(task, "classification") == 0 ||
         (strcmp(task, "auto") == 0 && seem_classes(table, target)))) {
        float *values = lam__allocate(table->rows, sizeof *values, "the classes of a column");
        if (!values)
            return LAM_ERR_MEMORY;
        lam_status status = make_classes(table, target, values);
        lam__release(values);
        LAM__TRY(status);
    }
    if (column->kind == LAM__CELL_TEXT && column->words.count == 1)
        return lam__csv_fail(
            &table->csv, LAM_ERR_FORMAT, table->csv.body, target,
            "the target is '%.100s' in all %zu rows: with one class there is nothing to learn",
            column->words.words[0], table->rows);
    return LAM_OK;
}
