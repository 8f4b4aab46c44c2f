/* table_cells.c: the two passes over the rows of a table: numbers, then the words of texts. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/text/decimal.h"
#include "data/readers/csv/tabular.h"

/* No more rows than this are there: each ends a line, and has a byte for each column but one. */
static size_t most_rows(const lam__csv *csv)
{
    const size_t size = csv->size - (size_t)(csv->body - csv->text);
    const char *end = csv->text + csv->size;
    size_t lines = 1;
    for (const char *p = csv->body; p < end; p++)
        lines += *p == '\n' || *p == '\r';
    return lines < size / csv->columns + 1 ? lines : size / csv->columns + 1;
}

static lam_status fail_not_a_number(const lam__csv *csv, const lam__csv_field *field, size_t column)
{
    char text[48];
    lam__csv_field part = *field;
    float value;
    for (part.end = part.begin; part.end < field->end && *part.end != ','; part.end++)
        ;
    bool comma = part.end < field->end && lam__csv_number(&part, &value);
    return lam__csv_fail(csv, LAM_ERR_FORMAT, field->begin, column, "'%s' is not a number%s",
                         lam__csv_show(field, text), comma ? ": the decimal point is '.'" : "");
}

/* Whether a field says infinity, in any case. */
static bool is_infinity(const lam__csv_field *field)
{
    static const char *const words[] = {"inf", "infinity"};
    const char *begin = field->begin + (*field->begin == '-' || *field->begin == '+');
    for (size_t w = 0; w < 2; w++) {
        const size_t length = strlen(words[w]);
        size_t i = 0;
        while (i < length && begin + i < field->end &&
               (begin[i] == words[w][i] || begin[i] == words[w][i] - 'a' + 'A'))
            i++;
        if (i == length && begin + i == field->end)
            return true;
    }
    return false;
}

/* A cell of a number that is not one right away; returns where it ends in *at. */
static lam_status other_cell(lam__table *table, const char **at, size_t c, float *cell)
{
    lam__table_column *column = &table->columns[c];
    lam__csv_field field;
    char text[48];
    LAM__TRY(lam__csv_field_at(&table->csv, *at, c, &field));
    *at = field.next;
    if (lam__csv_number(&field, cell)) {
        if (isfinite(*cell))
            return LAM_OK;
        return lam__csv_fail(&table->csv, LAM_ERR_NUMERIC, field.begin, c,
                             "%s is too large for a 32-bit float", lam__csv_show(&field, text));
    }
    *cell = NAN;
    if (lam__csv_missing(&field)) {
        if (column->missing++ == 0)
            column->first_missing = field.begin;
        return LAM_OK;
    }
    /* the first word of a text may be one, a number of a column may not */
    if (is_infinity(&field) && column->missing < table->rows)
        return lam__csv_fail(&table->csv, LAM_ERR_NUMERIC, field.begin, c,
                             "%s is not a finite number", lam__csv_show(&field, text));
    if (column->fixed)
        return fail_not_a_number(&table->csv, &field, c);
    column->kind = LAM__CELL_TEXT;
    column->first_text = field.begin;
    return LAM_OK;
}

static lam_status fail_ragged(const lam__table *table, const char *row, size_t found, bool more)
{
    return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, row, SIZE_MAX,
                         "%s%zu field%s, expected %zu as in the first row",
                         more ? "more than " : "", found, found == 1 ? "" : "s",
                         table->csv.columns);
}

/* A whole number of 1 to 7 digits with the end of a field behind it: eight bytes at once, without a
 * branch on how many digits there are. Returns its end, NULL for everything else. */
static inline const char *short_number(const lam__csv *csv, const char *p, float *value)
{
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t x;
    memcpy(&x, p, sizeof x);
    x ^= 0x3030303030303030; /* a digit is now 0..9 */
    const uint64_t other = ((x + 0x7676767676767676) | x) & 0x8080808080808080;
    const unsigned digits = other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
    if (digits - 1 > 6 || !csv->ends[(unsigned char)p[digits]])
        return NULL;
    x <<= 64 - 8 * digits; /* zeros before the first digit */
    x = (10 * x + (x >> 8)) & 0x00ff00ff00ff00ff;
    x = (100 * x + (x >> 16)) & 0x0000ffff0000ffff;
    x = (10000 * x + (x >> 32)) & 0xffffffff;
    *value = (float)(int32_t)x;
    return p + digits;
#else
    (void)csv, (void)p, (void)value;
    return NULL;
#endif
}

/* One row to cells[csv.columns]; *at moves to the next. */
static lam_status read_row(lam__table *table, const char **at, float *cells)
{
    const lam__csv *csv = &table->csv;
    const char *p = *at;
    for (size_t c = 0; c < csv->columns; c++) {
        if (c > 0) {
            if (*p != csv->separator)
                return fail_ragged(table, *at, c, false);
            p++;
        }
        if (table->columns[c].kind == LAM__CELL_NUMBER) {
            const char *end = short_number(csv, p, &cells[c]);
            if (!end)
                end = lam__parse_float(p, &cells[c]);
            if (end && csv->ends[(unsigned char)*end] && isfinite(cells[c]))
                p = end;
            else
                LAM__TRY(other_cell(table, &p, c, &cells[c]));
        } else {
            lam__csv_field field;
            LAM__TRY(lam__csv_field_at(csv, p, c, &field));
            p = field.next;
            cells[c] = NAN;
        }
    }
    if (*p == csv->separator)
        return fail_ragged(table, *at, csv->columns, true);
    *at = lam__csv_next_row(p);
    return LAM_OK;
}

lam_status lam__table_fits(const lam__table *table, size_t rows, size_t features)
{
    const double mb = 1e6, held = (double)table->csv.size +
                                  (double)table->rows * (double)table->csv.columns * sizeof(float);
    const double more = (double)rows * (double)features * sizeof(float);
    if (held + more <= (double)table->memory)
        return LAM_OK;
    return lam__fail(
        LAM_ERR_MEMORY,
        "%s: %zu rows of %zu numbers take %.0f MB beside the %.0f MB of the table as it "
        "is, but samples may take %.0f MB in memory (option memory): tables are held "
        "in memory, arrays (.npy) are read from their file where they are larger",
        table->csv.name, rows, features, more / mb, held / mb, (double)table->memory / mb);
}

lam_status lam__table_read_cells(lam__table *table, size_t limit)
{
    const lam__csv *csv = &table->csv;
    size_t most = most_rows(csv), cells;
    if (limit > 0 && limit < most)
        most = limit;
    if (!lam__multiply(most, csv->columns, &cells))
        return lam__fail(LAM_ERR_MEMORY, "%s: too large for memory", csv->name);
    LAM__TRY(lam__table_fits(table, most, csv->columns));
    table->cells = lam__allocate(cells, sizeof *table->cells, "the numbers of a table");
    if (!table->cells)
        return LAM_ERR_MEMORY;
    for (const char *at = csv->body; *at != '\0' && table->rows < most; table->rows++)
        LAM__TRY(read_row(table, &at, table->cells + table->rows * csv->columns));
    return LAM_OK;
}

/* The number of a text among the words; the classes of a model may be numbers, written otherwise.
 */
static size_t find_word(const lam__table_column *column, const char *bytes, size_t length)
{
    size_t found = lam__string_set_find(&column->words, bytes, length);
    char text[64];
    float value;
    if (found != LAM__NO_WORD || !column->closed || !column->target || length >= sizeof text)
        return found;
    memcpy(text, bytes, length);
    text[length] = '\0';
    if (lam__parse_float(text, &value) != text + length)
        return found;
    lam__format_float((double)value, text, sizeof text);
    return lam__string_set_find(&column->words, text, strlen(text));
}

static lam_status add_word(lam__table *table, size_t c, const lam__csv_field *field,
                           const char *bytes, size_t length)
{
    lam__table_column *column = &table->columns[c];
    const size_t most = column->target ? LAM__MOST_CLASSES : LAM__MOST_CATEGORIES;
    if (column->words.count == most)
        return lam__csv_fail(
            &table->csv, LAM_ERR_FORMAT, field->begin, c, "more than %zu different texts: %s", most,
            column->target ? "no column of classes"
                           : "each would be a feature; leave the column out (option ignore)");
    if (!lam__bytes_are_utf8(bytes, length))
        return lam__csv_fail(&table->csv, LAM_ERR_FORMAT, field->begin, c, "the text is not UTF-8");
    return lam__string_set_add(&column->words, bytes, length);
}

static lam_status word_cell(lam__table *table, const lam__csv_field *field, size_t c, float *cell)
{
    lam__table_column *column = &table->columns[c];
    char *copy = NULL;
    const char *bytes = field->begin;
    size_t length = (size_t)(field->end - field->begin);
    if (lam__csv_missing(field)) {
        if (column->missing++ == 0)
            column->first_missing = field->begin;
        *cell = NAN;
        return LAM_OK;
    }
    if (field->doubled) {
        if (!(copy = lam__csv_content(field)))
            return LAM_ERR_MEMORY;
        bytes = copy;
        length = strlen(copy);
    }
    lam_status status = LAM_OK;
    size_t word = find_word(column, bytes, length);
    if (word == LAM__NO_WORD && !column->closed) {
        word = column->words.count;
        status = add_word(table, c, field, bytes, length);
    } else if (word == LAM__NO_WORD && column->unknown++ == 0) {
        column->first_unknown = field->begin;
    }
    *cell = word == LAM__NO_WORD ? -1.0f : (float)word;
    lam__release(copy);
    return status;
}

/* Numbers the words in their order. */
static lam_status sort_words(lam__table *table, size_t c)
{
    lam__string_set *words = &table->columns[c].words;
    size_t *order = lam__allocate(words->count, sizeof *order, "the words of a column");
    if (!order)
        return LAM_ERR_MEMORY;
    lam_status status = lam__string_set_sort(words, order);
    for (size_t r = 0; status == LAM_OK && r < table->rows; r++) {
        float *cell = &table->cells[r * table->csv.columns + c];
        if (*cell >= 0)
            *cell = (float)order[(size_t)*cell];
    }
    lam__release(order);
    return status;
}

lam_status lam__table_read_words(lam__table *table)
{
    const lam__csv *csv = &table->csv;
    size_t last = SIZE_MAX;
    for (size_t c = 0; c < csv->columns; c++)
        if (table->columns[c].kind == LAM__CELL_TEXT) {
            table->columns[c].missing = 0; /* the first pass has counted some */
            last = c;
        }
    if (last == SIZE_MAX)
        return LAM_OK;
    const char *at = csv->body;
    for (size_t r = 0; r < table->rows; r++) {
        lam__csv_field field = {.next = at};
        for (size_t c = 0; c < csv->columns; c++, at = field.next + 1) {
            LAM__TRY(lam__csv_field_at(csv, at, c, &field));
            if (table->columns[c].kind == LAM__CELL_TEXT)
                LAM__TRY(word_cell(table, &field, c, &table->cells[r * csv->columns + c]));
        }
        at = lam__csv_next_row(field.next);
    }
    for (size_t c = 0; c < csv->columns; c++)
        if (table->columns[c].kind == LAM__CELL_TEXT && !table->columns[c].closed)
            LAM__TRY(sort_words(table, c));
    return LAM_OK;
}

void lam__table_clear(lam__table *table)
{
    for (size_t c = 0; table->columns && c < table->csv.columns; c++)
        lam__string_set_clear(&table->columns[c].words);
    lam__release(table->columns);
    lam__release(table->cells);
    lam__csv_close(&table->csv);
    *table = (lam__table){.rows = 0};
}
