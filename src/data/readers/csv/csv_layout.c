/* csv_layout.c: the separator, the header and the columns of a table. */
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "data/readers/csv/csv.h"

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
    if (csv->columns > LAM__CSV_MOST_COLUMNS)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: %zu columns, a table may have %d: arrays (.npy) have no such limit",
                         csv->name, csv->columns, LAM__CSV_MOST_COLUMNS);
    csv->body = lam__csv_next_row(field.next);
    return LAM_OK;
}

lam_status lam__csv_lay_out(lam__csv *csv, char separator, const char *header,
                            const char *const *known, size_t known_count)
{
    csv->separator = separator ? separator : find_separator(csv);
    memset(csv->ends, 0, sizeof csv->ends);
    csv->ends[(unsigned char)csv->separator] = 1;
    csv->ends['\n'] = csv->ends['\r'] = csv->ends[0] = 1;
    LAM__TRY(count_columns(csv));
    LAM__TRY(lam__csv_name_columns(csv, header, known, known_count));
    if (!csv->header)
        csv->body = csv->first;
    if (*csv->body == '\0')
        return lam__csv_fail(csv, LAM_ERR_FORMAT, csv->first, SIZE_MAX,
                             "a table without rows: only %zu column name%s", csv->columns,
                             csv->columns == 1 ? "" : "s");
    return LAM_OK;
}
