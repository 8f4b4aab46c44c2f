/* table_load.c: CSV files as data sets. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/readers/csv/tabular.h"
#include "data/readers/data_formats.h"
#include "model/network.h"
#include "options/load_options.h"

/* Columns of the table for the columns of its description: the same. */
static size_t *same_places(const lam__table *table)
{
    size_t *place = lam__allocate(table->csv.columns, sizeof *place, "the columns of a table");
    for (size_t c = 0; place && c < table->csv.columns; c++)
        place[c] = c;
    return place;
}

/* No column or several are no classes. */
static lam_status check_task(const lam__table *table, const char *task, size_t targets)
{
    if (strcmp(task, "auto") == 0 || (targets > 0 && strcmp(task, "regression") == 0))
        return LAM_OK;
    return lam__fail(LAM_ERR_ARGUMENT, "%s: task is %s, and there %s", table->csv.name, task,
                     targets == 0 ? "is no target"
                                  : "are several targets: classes come from a single column");
}

static lam_status load_as_it_is(lam__table *table, const lam_load_options *options,
                                lam_dataset **dataset)
{
    size_t target = 0, targets = 0;
    LAM__TRY(lam__table_choose(table, options));
    LAM__TRY(lam__table_read_cells(table, options->limit));
    LAM__TRY(lam__table_read_words(table));
    for (size_t c = 0; c < table->csv.columns; c++)
        if (table->columns[c].target) {
            target = c;
            targets++;
        }
    if (targets == 1)
        LAM__TRY(lam__table_decide_target(table, target, options->task));
    else
        LAM__TRY(check_task(table, options->task, targets));
    lam__input input = {.kind = LAM_INPUT_VALUES};
    lam_status status = lam__table_describe(table, options, &input);
    size_t *place = status == LAM_OK ? same_places(table) : NULL;
    if (place) {
        status = lam__table_dataset(table, &input, place, dataset);
    } else {
        lam__input_clear(&input);
        status = status == LAM_OK ? LAM_ERR_MEMORY : status;
    }
    lam__release(place);
    return status;
}

/* The names that the features of a table have in the model, to tell a header by. */
static lam_status lay_out(lam__csv *csv, const lam_load_options *options)
{
    const lam__input *like = lam__load_input(options);
    const bool named = like->kind == LAM_INPUT_TABLE && like->header;
    const char **known = NULL;
    size_t count = 0;
    if (named) {
        known = lam__allocate(like->column_count, sizeof *known, "the names of columns");
        if (!known)
            return LAM_ERR_MEMORY;
        for (size_t i = 0; i < like->column_count; i++)
            if (lam__column_features(&like->columns[i]) > 0)
                known[count++] = like->columns[i].name;
    }
    lam_status status =
        lam__csv_lay_out(csv, lam__load_separator(options), options->header, known, count);
    lam__release(known);
    return status;
}

lam_status lam__table_load(lam__csv *csv, const lam_load_options *options, lam_dataset **dataset)
{
    lam__table table = {.memory = lam__load_memory(options)};
    lam_status status = lay_out(csv, options);
    table.csv = *csv;
    *csv = (lam__csv){.name = csv->name};
    if (status == LAM_OK) {
        table.columns =
            lam__allocate_zero(table.csv.columns, sizeof *table.columns, "the columns of a table");
        status = table.columns ? LAM_OK : LAM_ERR_MEMORY;
    }
    if (status == LAM_OK)
        status = (options->like ? lam__table_load_like : load_as_it_is)(&table, options, dataset);
    lam__table_clear(&table);
    return status;
}

/* Text with a separator in its first line. */
static bool looks_like_table(const lam__path_probe *place)
{
    bool separated = false;
    size_t lines = 0;
    for (size_t i = 0; i < place->head_size; i++) {
        const unsigned char c = place->head[i];
        if (c < ' ' && c != '\t' && c != '\r' && c != '\n')
            return false;
        lines += c == '\n';
        separated |= lines == 0 && (c == ',' || c == ';' || c == '\t');
    }
    return separated;
}

/* Whether a row has all columns, and a number where it has one only; *at moves to the next,
 * *numbers counts. */
static bool is_full_row(const lam__csv *csv, const char **at, size_t *numbers)
{
    lam__csv_field field = {.next = *at};
    float value;
    const size_t before = *numbers;
    for (size_t c = 0; c < csv->columns; c++) {
        if (lam__csv_field_at(csv, *at, c, &field) != LAM_OK ||
            (c + 1 < csv->columns) != (*field.next == csv->separator))
            return false;
        *numbers += lam__csv_number(&field, &value);
        *at = field.next + 1;
    }
    *at = lam__csv_next_row(field.next);
    return csv->columns > 1 || *numbers > before;
}

/* Whether the whole lines that have been looked at make a table, with numbers: a line of prose has
 * commas, too. */
static bool reads_as_table(const lam__path_probe *place)
{
    size_t size = place->head_size, numbers = 0;
    while (place->head_size == LAM__PLACE_HEAD && size > 0 && place->head[size - 1] != '\n')
        size--;
    lam__csv csv;
    bool good = lam__csv_copy(place->head, size, place->path, &csv) == LAM_OK &&
                lam__csv_lay_out(&csv, '\0', "auto", NULL, 0) == LAM_OK;
    for (const char *at = good ? csv.body : ""; good && *at;)
        good = is_full_row(&csv, &at, &numbers);
    lam__csv_close(&csv);
    return good && numbers > 0;
}

/* By the ending of its name, else by its content: what has no ending, as standard input, is taken
 * for a table already when its first line is separated. */
bool lam__csv_recognizes(const lam__path_probe *place)
{
    static const char *const endings[] = {".csv", ".tsv", ".tab", NULL};
    const char *name = strrchr(place->path, '/');
    if (!place->file || lam__path_probe_ends(place, endings))
        return place->file;
    return (!strchr(name ? name : place->path, '.') && looks_like_table(place)) ||
           reads_as_table(place);
}

/* Refuses a file that will not fit, by the cells among its first bytes: a large one would be read
 * for minutes first. Gzipped ones do not tell their size. */
static lam_status check_size(const lam__path_probe *place, const lam_load_options *options)
{
    const uint64_t memory = lam__load_memory(options);
    size_t cells = 0, rows = 0;
    if (place->gzip || place->head_size == 0)
        return LAM_OK;
    for (size_t i = 0; i < place->head_size; i++) {
        rows += place->head[i] == '\n';
        cells +=
            place->head[i] == '\n' || (place->head[i] != '\0' && strchr(",;\t", place->head[i]));
    }
    const double mb = 1e6, text = (double)place->size, share = text / (double)place->head_size;
    double numbers = (double)cells * share;
    if (options->limit > 0 && rows > 0 && (double)options->limit < (double)rows * share)
        numbers = (double)options->limit * (double)cells / (double)rows;
    const double need = text + numbers * sizeof(float);
    if (need <= (double)memory)
        return LAM_OK;
    return lam__fail(LAM_ERR_MEMORY,
                     "%s: a table of %.0f MB takes about %.0f MB in memory with its numbers, but "
                     "samples may take %.0f MB (option memory): tables are held in memory, arrays "
                     "(.npy) are read from their file where they are larger",
                     place->path, text / mb, need / mb, (double)memory / mb);
}

lam_status lam__csv_load(const lam__path_probe *place, lam_split split,
                         const lam_load_options *options, lam_dataset **dataset)
{
    (void)split;
    lam__csv csv;
    LAM__TRY(check_size(place, options));
    lam_status status = lam__csv_read(place->path, lam__load_memory(options), &csv);
    if (status == LAM_OK)
        return lam__table_load(&csv, options, dataset);
    lam__csv_close(&csv);
    return status;
}
