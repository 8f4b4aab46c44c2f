/* csv.c: the text of a table, field by field. */
#include "data/readers/csv/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text/decimal.h"
#include "io/byte_source.h"
#include "io/collect.h"

static lam_status check_text(lam__csv *csv)
{
    const unsigned char *text = (const unsigned char *)csv->text;
    if (csv->size >= 2 &&
        ((text[0] == 0xff && text[1] == 0xfe) || (text[0] == 0xfe && text[1] == 0xff)))
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: byte 0: the text is UTF-16, expected UTF-8 or ASCII: convert it "
                         "first (iconv -f UTF-16 -t UTF-8)",
                         csv->name);
    const void *nul = memchr(text, '\0', csv->size);
    if (nul)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu is 0: not the text of a table", csv->name,
                         (size_t)((const char *)nul - csv->text));
    bool mark = csv->size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    csv->first = csv->text + (mark ? 3 : 0);
    if (*csv->first == '\n' || *csv->first == '\r')
        csv->first = lam__csv_next_row(csv->first);
    if (*csv->first == '\0')
        return lam__fail(LAM_ERR_FORMAT, "%s: a table without a row", csv->name);
    return LAM_OK;
}

static lam_status fail_size(const lam__csv *csv, uint64_t most)
{
    return lam__fail(LAM_ERR_MEMORY,
                     "%s: the text of the table takes more than the %" PRIu64 " MB that samples "
                     "may take in memory (option memory)",
                     csv->name, most / 1000000);
}

/* A file of known size goes to its place at once; the size of gzipped ones is unknown. */
static lam_status take_text(lam__byte_source *source, uint64_t most, lam__csv *csv)
{
    unsigned char *text = NULL;
    if (most > SIZE_MAX - LAM__CSV_SLACK - 1)
        most = SIZE_MAX - LAM__CSV_SLACK - 1;
    if (source->gzip) {
        LAM__TRY(lam__collect(lam__byte_source_give, source, (size_t)most + 1, LAM__CSV_SLACK,
                              "the text of a table", &text, &csv->size));
        csv->text = (char *)text;
        return csv->size > most ? fail_size(csv, most) : LAM_OK;
    }
    if (source->size > most)
        return fail_size(csv, most);
    csv->text = lam__allocate((size_t)source->size + LAM__CSV_SLACK, 1, "the text of a table");
    if (!csv->text)
        return LAM_ERR_MEMORY;
    LAM__TRY(lam__byte_source_read(source, csv->text, (size_t)source->size, &csv->size));
    memset(csv->text + csv->size, 0, LAM__CSV_SLACK);
    return LAM_OK;
}

static lam_status take_and_check(lam__byte_source *source, uint64_t most, lam__csv *csv)
{
    const lam_status status = take_text(source, most, csv);
    lam__byte_source_close(source);
    return status == LAM_OK ? check_text(csv) : status;
}

lam_status lam__csv_read(const char *path, uint64_t most, lam__csv *csv)
{
    lam__byte_source source;
    *csv = (lam__csv){.name = path};
    LAM__TRY(lam__byte_source_open(&source, path));
    return take_and_check(&source, most, csv);
}

lam_status lam__csv_copy(const void *bytes, size_t size, const char *name, lam__csv *csv)
{
    lam__byte_source source;
    *csv = (lam__csv){.name = name};
    LAM__TRY(lam__byte_source_open_memory(&source, bytes, size, name));
    return take_and_check(&source, UINT64_MAX, csv);
}

void lam__csv_close(lam__csv *csv)
{
    for (size_t i = 0; csv->names && i < csv->columns; i++)
        lam__release(csv->names[i]);
    lam__release(csv->names);
    lam__release(csv->slots);
    lam__release(csv->text);
    *csv = (lam__csv){.name = csv->name};
}

const char *lam__csv_next_row(const char *at)
{
    while (*at == '\n' || *at == '\r')
        at++;
    return at;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* A field in quotes that begins at `at`. */
static lam_status quoted_field(const lam__csv *csv, const char *at, size_t column,
                               lam__csv_field *field)
{
    const char *p = at + 1;
    field->begin = p;
    for (;;) {
        p += strcspn(p, "\"");
        if (*p == '\0')
            return lam__csv_fail(csv, LAM_ERR_FORMAT, at, column,
                                 "the quote that opens here is not closed");
        if (p[1] != '"')
            break;
        field->doubled = true;
        p += 2;
    }
    field->end = p++;
    while (is_space(*p) && !csv->ends[(unsigned char)*p])
        p++;
    if (!csv->ends[(unsigned char)*p])
        return lam__csv_fail(csv, LAM_ERR_FORMAT, p, column,
                             "'%c' after the closing quote, expected '%s' or the end of the line",
                             *p, csv->separator == '\t' ? "\\t" : (char[]){csv->separator, '\0'});
    field->next = p;
    return LAM_OK;
}

lam_status lam__csv_field_at(const lam__csv *csv, const char *at, size_t column,
                             lam__csv_field *field)
{
    field->doubled = false;
    while (is_space(*at) && !csv->ends[(unsigned char)*at])
        at++;
    if (*at == '"')
        return quoted_field(csv, at, column, field);
    const char *p = at;
    while (!csv->ends[(unsigned char)*p])
        p++;
    field->begin = at;
    field->next = p;
    while (p > at && is_space(p[-1]))
        p--;
    field->end = p;
    return LAM_OK;
}

char *lam__csv_content(const lam__csv_field *field)
{
    size_t length = 0;
    char *copy = lam__allocate_text((size_t)(field->end - field->begin) + 1, "the text of a field");
    if (!copy)
        return NULL;
    for (const char *p = field->begin; p < field->end; p++) {
        copy[length++] = *p;
        if (field->doubled && *p == '"')
            p++;
    }
    copy[length] = '\0';
    return copy;
}

bool lam__csv_missing(const lam__csv_field *field)
{
    static const char *const words[] = {"na", "n/a", "nan", "null", "none", "?"};
    const size_t length = (size_t)(field->end - field->begin);
    if (length == 0)
        return true;
    if (length > 4)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t k = 0;
        while (k < length && words[i][k] != '\0' &&
               (field->begin[k] == words[i][k] ||
                (words[i][k] >= 'a' && field->begin[k] == words[i][k] - 'a' + 'A')))
            k++;
        if (k == length && words[i][k] == '\0')
            return true;
    }
    return false;
}

bool lam__csv_number(const lam__csv_field *field, float *value)
{
    /* a quote, a space, a separator or a line end is behind it: no part of a number */
    return lam__parse_float(field->begin, value) == field->end && field->begin < field->end;
}

const char *lam__csv_show(const lam__csv_field *field, char buffer[48])
{
    char text[64]; /* more than fits, so that what is cut ends in dots */
    const size_t length = (size_t)(field->end - field->begin);
    snprintf(text, sizeof text, "%.*s", length < sizeof text ? (int)length : (int)sizeof text - 1,
             field->begin);
    return lam_printable(text, buffer, 48);
}

/* Lines end as rows do, in quotes too. */
static size_t line_of(const lam__csv *csv, const char *at)
{
    size_t line = 1;
    for (const char *p = csv->text; p < at; p++)
        line += *p == '\n' || (*p == '\r' && p[1] != '\n');
    return line;
}

lam_status lam__csv_fail(const lam__csv *csv, lam_status status, const char *at, size_t column,
                         const char *format, ...)
{
    char text[512], place[160] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (column != SIZE_MAX && csv->names && csv->header && column < csv->columns)
        snprintf(place, sizeof place, ", column %zu ('%.100s')", column + 1, csv->names[column]);
    else if (column != SIZE_MAX)
        snprintf(place, sizeof place, ", column %zu", column + 1);
    return lam__fail(status, "%s: line %zu%s: %s", csv->name, line_of(csv, at), place, text);
}
