/* csv.h: the text of a table, field by field.
 *
 * By RFC 4180: fields are parted by a separator and rows by CRLF, LF or CR; a field may stand in
 * quotes, which may hold separators and line ends, and a quote as two. Beyond it: a byte-order mark
 * is skipped, and so are empty lines; spaces around a field without quotes do not count; a quote
 * inside a field without quotes stands for itself. */
#ifndef LAMINA_CSV_H
#define LAMINA_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

/* NULs behind a text, so that words of several bytes can be loaded. */
#define LAM__CSV_SLACK 8

/* Most columns of a table. Each takes some hundred bytes, for its name and what is known of it,
 * which a text of two bytes a column must not ask for without end. */
#define LAM__CSV_MOST_COLUMNS 1000000

#define LAM__CSV_NO_COLUMN SIZE_MAX

typedef struct lam__csv {
    const char *name; /* of the file, for messages; the caller's */
    char *text;       /* owned: [size], then LAM__CSV_SLACK NULs, and none before */
    size_t size;
    const char *first; /* the first row */
    const char *body;  /* the first row of values: after the header, if there is one */
    char separator;
    bool header;
    size_t columns;
    char **names;    /* owned: [columns], distinct; "column 3" where there is none */
    uint32_t *slots; /* owned: [slot_count] number + 1 of a column, by its name; 0 = free */
    size_t slot_count;
    unsigned char ends[256]; /* 1 for what may stand behind a field */
} lam__csv;

typedef struct lam__csv_field {
    const char *begin, *end; /* less the quotes or spaces around */
    const char *next;        /* the separator, line end or NUL behind it */
    bool doubled;            /* quotes within are written twice */
} lam__csv_field;

/* Reads the text of a file, plain or gzipped, or copies bytes. LAM_ERR_FORMAT for UTF-16, for NUL
 * bytes and for text without a row; LAM_ERR_MEMORY for a file of more than `most` bytes. On
 * failure, and in the end, lam__csv_close. */
lam_status lam__csv_read(const char *path, uint64_t most, lam__csv *csv);
lam_status lam__csv_copy(const void *bytes, size_t size, const char *name, lam__csv *csv);
void lam__csv_close(lam__csv *csv);

/* Fills in everything from separator on: the separator given, or 0 to find it; whether there is a
 * header: "yes", "no" or "auto". `known` [known_count] are names that only a header can have, each
 * of them, or NULL. */
lam_status lam__csv_lay_out(lam__csv *csv, char separator, const char *header,
                            const char *const *known, size_t known_count);

/* The part of lam__csv_lay_out that names the columns, once they have been counted. */
lam_status lam__csv_name_columns(lam__csv *csv, const char *header, const char *const *known,
                                 size_t known_count);

/* The column of this name, LAM__CSV_NO_COLUMN where there is none. */
size_t lam__csv_find(const lam__csv *csv, const char *name);

/* The field at `at`. LAM_ERR_FORMAT for quotes that are not closed or closed too early. */
lam_status lam__csv_field_at(const lam__csv *csv, const char *at, size_t column,
                             lam__csv_field *field);

/* Behind the line end at `at`, and behind empty lines: the next row, or the final NUL. */
const char *lam__csv_next_row(const char *at);

/* Copies the content of a field, quotes undoubled; the caller releases it. */
char *lam__csv_content(const lam__csv_field *field);

/* Whether a field says that there is no value: it is empty, or NA, N/A, NaN, null, none or ?, in
 * any case. */
bool lam__csv_missing(const lam__csv_field *field);

/* Whether the whole of a field is a number. */
bool lam__csv_number(const lam__csv_field *field, float *value);

/* Records "NAME: line L, column C ('TITLE'): ..."; column from 0, or SIZE_MAX for none. */
lam_status lam__csv_fail(const lam__csv *csv, lam_status status, const char *at, size_t column,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Writes what a field holds, shortened, for messages. */
const char *lam__csv_show(const lam__csv_field *field, char buffer[48]);

#endif
