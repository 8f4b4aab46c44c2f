/* csv_layout.c: the separator, the header and the columns of a table. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/csv.h"

/* Candidates, the surest first: commas also stand within numbers and texts. */
static const char separators[] = "\t;,|";

/* Rows that are looked at to find the separator. */
enum { LOOKED_AT = 10, CANDIDATES = sizeof separators - 1 };

/* Counts candidates outside quotes in the row at `at`; returns the next row. */
static const char *count_row(const char *at, size_t counts[CANDIDATES])
{
    bool quoted = false;
    memset(counts, 0, CANDIDATES * sizeof *counts);
    for (; *at != '\0' && (quoted || (*at != '\n' && *at != '\r')); at++) {
        const char *found = strchr(separators, *at);
        if (*at == '"')
            quoted = !quoted;
        else if (!quoted && found)
            counts[found - separators]++;
    }
    return lam__csv_next_row(at);
}

/* The first candidate that all rows looked at have equally often; else the one the first row has
 * most of; a comma where there is none at all. */
static char find_separator(const lam__csv *csv)
{
    size_t first[CANDIDATES], counts[CANDIDATES];
    bool same[CANDIDATES];
    const char *at = count_row(csv->first, first);
    for (size_t i = 0; i < CANDIDATES; i++)
        same[i] = first[i] > 0;
    for (int row = 1; row < LOOKED_AT && *at != '\0'; row++) {
        at = count_row(at, counts);
        for (size_t i = 0; i < CANDIDATES; i++)
            same[i] = same[i] && counts[i] == first[i];
    }
    size_t most = 2; /* the comma */
    for (size_t i = 0; i < CANDIDATES; i++)
        if (same[i])
            return separators[i];
    for (size_t i = 0; i < CANDIDATES; i++)
        if (first[i] > first[most])
            most = i;
    return separators[most];
}

static lam_status count_columns(lam__csv *csv)
{
    lam__csv_field field = {.next = csv->first};
    csv->columns = 0;
    for (const char *at = csv->first;; at = field.next + 1) {
        LAM__TRY(lam__csv_field_at(csv, at, csv->columns, &field));
        csv->columns++;
        if (*field.next != csv->separator)
            break;
    }
    csv->body = lam__csv_next_row(field.next);
    return LAM_OK;
}

static bool is_one_of(const char *name, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* A first row with a number in it is no header; one that has all the known names surely is. */
static bool seems_header(const lam__csv *csv, bool numbers, const char *const *known, size_t count)
{
    if (!numbers)
        return true;
    for (size_t i = 0; i < count; i++)
        if (!is_one_of(known[i], csv->names, csv->columns))
            return false;
    return count > 0;
}

/* Takes the first row for names; *numbers tells whether a number was among them. */
static lam_status take_names(lam__csv *csv, bool *numbers)
{
    lam__csv_field field;
    const char *at = csv->first;
    *numbers = false;
    csv->names = lam__allocate_zero(csv->columns, sizeof *csv->names, "the names of columns");
    if (!csv->names)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < csv->columns; i++, at = field.next + 1) {
        float value;
        LAM__TRY(lam__csv_field_at(csv, at, i, &field));
        *numbers |= lam__csv_number(&field, &value);
        csv->names[i] = lam__csv_content(&field);
        if (!csv->names[i])
            return LAM_ERR_MEMORY;
    }
    return LAM_OK;
}

/* Gives a name to columns that have none: to all of them where there is no header. */
static lam_status name_by_number(lam__csv *csv)
{
    for (size_t i = 0; i < csv->columns; i++) {
        char name[32];
        if (csv->header && csv->names[i][0] != '\0')
            continue;
        snprintf(name, sizeof name, "column %zu", i + 1);
        lam__release(csv->names[i]);
        csv->names[i] = lam__copy_string(name);
        if (!csv->names[i])
            return LAM_ERR_MEMORY;
    }
    return LAM_OK;
}

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo). */
static size_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3;
    return (size_t)(h ^ h >> 32);
}

/* Columns are found by name: each must be another, and go into a model file. */
static lam_status check_names(const lam__csv *csv)
{
    size_t slots = 16;
    while (slots / 2 < csv->columns)
        slots *= 2;
    size_t *table = lam__allocate_zero(slots, sizeof *table, "the names of columns");
    if (!table)
        return LAM_ERR_MEMORY;
    lam_status status = LAM_OK;
    for (size_t i = 0; i < csv->columns && status == LAM_OK; i++) {
        const char *name = csv->names[i];
        size_t slot = hash(name) & (slots - 1);
        while (table[slot] > 0 && strcmp(csv->names[table[slot] - 1], name) != 0)
            slot = (slot + 1) & (slots - 1);
        if (!lam__is_utf8(name, strlen(name)))
            status = lam__csv_fail(csv, LAM_ERR_FORMAT, csv->first, i, "the name is not UTF-8");
        else if (table[slot] > 0)
            status = lam__csv_fail(csv, LAM_ERR_FORMAT, csv->first, i,
                                   "column %zu has the same name", table[slot]);
        table[slot] = i + 1;
    }
    lam__release(table);
    return status;
}

lam_status lam__csv_lay_out(lam__csv *csv, char separator, const char *header,
                            const char *const *known, size_t known_count)
{
    bool numbers;
    csv->separator = separator ? separator : find_separator(csv);
    memset(csv->ends, 0, sizeof csv->ends);
    csv->ends[(unsigned char)csv->separator] = 1;
    csv->ends['\n'] = csv->ends['\r'] = csv->ends[0] = 1;
    LAM__TRY(count_columns(csv));
    LAM__TRY(take_names(csv, &numbers));
    csv->header = strcmp(header, "yes") == 0 ||
                  (strcmp(header, "no") != 0 && seems_header(csv, numbers, known, known_count));
    if (!csv->header)
        csv->body = csv->first;
    LAM__TRY(name_by_number(csv));
    LAM__TRY(check_names(csv));
    if (*csv->body == '\0')
        return lam__csv_fail(csv, LAM_ERR_FORMAT, csv->first, SIZE_MAX,
                             "a table without rows: only %zu column name%s", csv->columns,
                             csv->columns == 1 ? "" : "s");
    return LAM_OK;
}
