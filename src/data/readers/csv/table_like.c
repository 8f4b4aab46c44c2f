/* table_like.c: a table as a trained model needs it: its columns, in its order, by its categories.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/readers/csv/tabular.h"
#include "model/network.h"
#include "options/load_options.h"

static size_t count_columns(const lam__input *like, bool targets, bool ignored)
{
    size_t count = 0;
    for (size_t i = 0; i < like->column_count; i++)
        count += lam__column_features(&like->columns[i]) > 0 ||
                 (targets && like->columns[i].target) ||
                 (ignored && like->columns[i].kind == LAM_COLUMN_IGNORED);
    return count;
}

/* By name: a target may be absent, and what the model does not know is left out. */
static lam_status place_by_name(const lam__table *table, const lam__input *like, size_t *place)
{
    for (size_t i = 0; i < like->column_count; i++) {
        place[i] = lam__csv_find(&table->csv, like->columns[i].name);
        if (place[i] == SIZE_MAX && lam__column_features(&like->columns[i]) > 0)
            return lam__fail(LAM_ERR_FORMAT,
                             "%s: there is no column '%.100s', which the model was trained on",
                             table->csv.name, like->columns[i].name);
    }
    return LAM_OK;
}

/* By position: all columns as at training, or without the targets, or the features alone. */
static lam_status place_by_position(const lam__table *table, const lam__input *like, size_t *place)
{
    const size_t found = table->csv.columns;
    bool targets = found == like->column_count, ignored = targets;
    if (!targets) {
        ignored = found == count_columns(like, false, true);
        if (!ignored && found != count_columns(like, false, false)) {
            targets = found == count_columns(like, true, false);
            if (!targets)
                return lam__fail(LAM_ERR_FORMAT,
                                 "%s: %zu columns, expected the %zu of the model's table, or %zu "
                                 "without the target",
                                 table->csv.name, found, like->column_count,
                                 count_columns(like, false, true));
        }
    }
    size_t next = 0;
    for (size_t i = 0; i < like->column_count; i++) {
        const lam__column *column = &like->columns[i];
        const bool there = column->target                       ? targets
                           : column->kind == LAM_COLUMN_IGNORED ? ignored
                                                                : true;
        place[i] = there ? next++ : SIZE_MAX;
    }
    return LAM_OK;
}

static lam_status close_words(lam__table_column *column, const char *const *words, size_t count)
{
    column->kind = LAM__CELL_TEXT;
    column->closed = true;
    for (size_t i = 0; i < count; i++)
        LAM__TRY(lam__string_set_add(&column->words, words[i], strlen(words[i])));
    return LAM_OK;
}

/* Tells each column of the text what it is to the model. */
static lam_status prepare(lam__table *table, const lam__input *like, const size_t *place)
{
    for (size_t c = 0; c < table->csv.columns; c++)
        table->columns[c].kind = LAM__CELL_SKIP;
    for (size_t i = 0; i < like->column_count; i++) {
        const lam__column *from = &like->columns[i];
        if (place[i] == SIZE_MAX || from->kind == LAM_COLUMN_IGNORED)
            continue;
        lam__table_column *column = &table->columns[place[i]];
        column->target = from->target;
        column->kind = LAM__CELL_NUMBER;
        column->fixed = true;
        if (from->kind == LAM_COLUMN_TEXT)
            LAM__TRY(
                close_words(column, (const char *const *)from->categories, from->category_count));
    }
    return LAM_OK;
}

/* Whether the column is one of the model's that `want` asks for. */
static bool is_models(const lam__input *like, const size_t *place, size_t column, bool target)
{
    for (size_t i = 0; i < like->column_count; i++)
        if (place[i] == column)
            return target ? like->columns[i].target : lam__column_features(&like->columns[i]) > 0;
    return false;
}

/* The model says what its columns are: options may say the same, and nothing else, but that there
 * is no target. */
static lam_status check_columns(lam__table *table, const lam_load_options *options,
                                const lam__input *like, size_t *place)
{
    if (strcmp(options->task, "auto") != 0 || strcmp(options->missing, "refuse") != 0)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "%s has no effect on '%.200s': it was decided when the model was trained",
                         strcmp(options->task, "auto") != 0 ? "task" : "missing", table->csv.name);
    if (!options->target && !(options->ignore && options->ignore[0]))
        return LAM_OK;
    LAM__TRY(lam__table_choose(table, options));
    for (size_t i = 0; options->target && !options->target[0] && i < like->column_count; i++)
        if (like->columns[i].target)
            place[i] = SIZE_MAX;
    for (size_t c = 0; c < table->csv.columns; c++) {
        const lam__table_column *column = &table->columns[c];
        if (options->target && options->target[0] &&
            column->target != is_models(like, place, c, true))
            return lam__fail(LAM_ERR_ARGUMENT, "%s: target is '%.100s', but the model %s '%.100s'",
                             table->csv.name, options->target,
                             column->target ? "does not predict" : "predicts", table->csv.names[c]);
        if (column->kind == LAM__CELL_SKIP && is_models(like, place, c, false))
            return lam__fail(LAM_ERR_ARGUMENT,
                             "%s: ignore names column '%.100s', which the model was trained on",
                             table->csv.name, table->csv.names[c]);
    }
    for (size_t c = 0; c < table->csv.columns; c++) /* the model tells, not what was marked here */
        table->columns[c].target = false;
    return LAM_OK;
}

static lam_status read_like_table(lam__table *table, const lam_load_options *options,
                                  const lam__input *like, size_t *place, lam_dataset **dataset)
{
    LAM__TRY((table->csv.header && like->header ? place_by_name : place_by_position)(table, like,
                                                                                     place));
    LAM__TRY(check_columns(table, options, like, place));
    LAM__TRY(prepare(table, like, place));
    LAM__TRY(lam__table_read_cells(table, options->limit));
    LAM__TRY(lam__table_read_words(table));
    for (size_t i = 0; i < like->column_count; i++) /* a target without a single value is absent */
        if (like->columns[i].target && place[i] != SIZE_MAX &&
            table->columns[place[i]].missing == table->rows)
            place[i] = SIZE_MAX;
    lam__input input;
    LAM__TRY(lam__input_copy(like, &input));
    return lam__table_dataset(table, &input, place, dataset);
}

/* A model that was trained on numbers: as many columns as it has features, and maybe a target. */
static lam_status read_like_numbers(lam__table *table, const lam_load_options *options,
                                    size_t *place, lam_dataset **dataset)
{
    const lam_model *model = options->like;
    size_t features = 0, target = SIZE_MAX;
    const bool named =
        (options->target && options->target[0]) || (options->ignore && options->ignore[0]);
    if (table->csv.columns != model->features || named)
        LAM__TRY(lam__table_choose(table, options));
    for (size_t c = 0; c < table->csv.columns; c++) {
        place[c] = c;
        table->columns[c].fixed = !table->columns[c].target;
        if (table->columns[c].target)
            target = c;
        else
            features += table->columns[c].kind != LAM__CELL_SKIP;
    }
    if (features != model->features)
        return lam__fail(LAM_ERR_SHAPE,
                         "%s: %zu columns of features, expected the %zu of the model (and a target "
                         "or none)",
                         table->csv.name, features, model->features);
    if (target != SIZE_MAX && model->class_count > 0)
        LAM__TRY(close_words(&table->columns[target], (const char *const *)model->class_names,
                             model->class_count));
    if (strcmp(options->task, "regression") == 0 && model->class_count > 0)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "%s: task is regression, but the model knows %zu classes", table->csv.name,
                         model->class_count);
    LAM__TRY(lam__table_read_cells(table, options->limit));
    LAM__TRY(lam__table_read_words(table));
    if (target != SIZE_MAX && table->columns[target].missing == table->rows) {
        place[target] = SIZE_MAX;
        table->columns[target].kind = LAM__CELL_NUMBER;
    } else if (target != SIZE_MAX && model->class_count == 0) {
        LAM__TRY(lam__table_decide_target(table, target, options->task));
    }
    lam__input input = {.kind = LAM_INPUT_VALUES};
    lam_status status = lam__table_describe(table, options, &input);
    if (status == LAM_OK)
        return lam__table_dataset(table, &input, place, dataset);
    lam__input_clear(&input);
    return status;
}

lam_status lam__table_load_like(lam__table *table, const lam_load_options *options,
                                lam_dataset **dataset)
{
    const lam__input *like = lam__load_input(options);
    const bool is_table = like->kind == LAM_INPUT_TABLE;
    const size_t count = is_table ? like->column_count : table->csv.columns;
    size_t *place = lam__allocate(count, sizeof *place, "the columns of a table");
    if (!place)
        return LAM_ERR_MEMORY;
    lam_status status = is_table ? read_like_table(table, options, like, place, dataset)
                                 : read_like_numbers(table, options, place, dataset);
    lam__release(place);
    return status;
}
