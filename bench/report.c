/* report.c: results as a table for people or as JSON lines for machines.
 *
 * Where the environment names a file in LAMINA_BENCH_JSON, each row is also added to that file as
 * JSON: scripts/bench shows the tables and keeps the results. */
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "bench_commit.h"
#include "measure.h"

enum {
    MOST_CELLS = 32,
    KEY = 48,
    TEXT = 128,
    LEAST_NUMBER = 8, /* columns of a number: what comes later may be longer than the first */
    MOST_LINES = 4    /* of a header */
};

typedef struct cell {
    char key[KEY], text[TEXT]; /* as the table shows it */
    double value;
    bool is_text;
    int width; /* of the column */
} cell;

static struct {
    const char *bench;
    bool json;
    FILE *copy; /* of the JSON lines, or NULL */
    char date[32];
    cell cells[MOST_CELLS], header[MOST_CELLS];
    size_t count, header_count;
    int least_text;
} report = {.least_text = 11};

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "bench_%s: %s '%s'\n", report.bench ? report.bench : "?", what, detail);
    exit(2);
}

static const char *known(const char *text)
{
    return text ? text : "unknown";
}

static long cores(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? count : 1;
}

void report_text_width(int width)
{
    report.least_text = width;
}

void report_open(const char *bench, bool json)
{
    const time_t now = time(NULL);
    struct tm utc;
    report.bench = bench;
    report.json = json;
    if (gmtime_r(&now, &utc))
        strftime(report.date, sizeof report.date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const char *copy = getenv("LAMINA_BENCH_JSON");
    if (copy && *copy && !(report.copy = fopen(copy, "a")))
        fail("cannot write the file that LAMINA_BENCH_JSON names,", copy);
    if (!json)
        printf("%s: %s, %ld cores; %s; kernels %s; commit %s; %s\n", bench, measure_processor(),
               cores(), known(lam_build_info("blas")), known(lam_build_info("instruction_set")),
               BENCH_COMMIT, report.date);
    fflush(stdout);
}

void report_begin(void)
{
    report.count = 0;
}

static cell *add(const char *key)
{
    if (report.count == MOST_CELLS || strlen(key) >= KEY)
        fail("a row has no room for", key);
    cell *c = &report.cells[report.count++];
    *c = (cell){.value = NAN};
    snprintf(c->key, sizeof c->key, "%s", key);
    return c;
}

void report_text(const char *key, const char *value)
{
    cell *c = add(key);
    c->is_text = true;
    snprintf(c->text, sizeof c->text, "%s", value);
}

void report_number(const char *key, int decimals, double value)
{
    cell *c = add(key);
    c->value = value;
    if (isnan(value))
        snprintf(c->text, sizeof c->text, "-");
    else
        snprintf(c->text, sizeof c->text, "%.*f", decimals, value);
}

/* The table */

/* Columns the words of a key need, one below the other. */
static int longest_word(const char *key)
{
    size_t longest = 0;
    for (const char *at = key; *at; at += strspn(at, "_")) {
        const size_t length = strcspn(at, "_");
        longest = length > longest ? length : longest;
        at += length;
    }
    return (int)longest;
}

/* The words of a key in lines of at most `width`; returns how many. The last takes the rest. */
static int break_key(const char *key, int width, char lines[MOST_LINES][KEY])
{
    int count = 0;
    lines[0][0] = '\0';
    for (const char *at = key; *at; at += strspn(at, "_")) {
        const size_t used = strlen(lines[count]), length = strcspn(at, "_");
        if (used && used + 1 + length > (size_t)width && count + 1 < MOST_LINES)
            lines[++count][0] = '\0';
        char *line = lines[count];
        snprintf(line + strlen(line), KEY - strlen(line), "%s%.*s", *line ? " " : "", (int)length,
                 at);
        at += length;
    }
    return count + 1;
}

static void print_cell(size_t column, const cell *c, const char *text)
{
    const char *gap = column ? "  " : "";
    printf(c->is_text ? "%s%-*s" : "%s%*s", gap, c->width, text);
}

/* Whether the row goes into the table whose header was printed last. */
static bool continues(void)
{
    if (report.count != report.header_count)
        return false;
    for (size_t i = 0; i < report.count; i++)
        if (strcmp(report.cells[i].key, report.header[i].key) != 0)
            return false;
    return true;
}

static void print_header(void)
{
    char lines[MOST_CELLS][MOST_LINES][KEY];
    int counts[MOST_CELLS], height = 1;
    for (size_t i = 0; i < report.count; i++) {
        cell *c = &report.cells[i];
        const int least = c->is_text ? report.least_text : LEAST_NUMBER,
                  word = longest_word(c->key);
        c->width = (int)strlen(c->text);
        c->width = c->width < word ? word : c->width;
        c->width = c->width < least ? least : c->width;
        counts[i] = break_key(c->key, c->width, lines[i]);
        height = counts[i] > height ? counts[i] : height;
    }
    putchar('\n');
    for (int line = height; line-- > 0; putchar('\n'))
        for (size_t i = 0; i < report.count; i++)
            print_cell(i, &report.cells[i], counts[i] > line ? lines[i][counts[i] - 1 - line] : "");
    memcpy(report.header, report.cells, report.count * sizeof *report.cells);
    report.header_count = report.count;
}

static void print_row(void)
{
    if (!continues())
        print_header();
    for (size_t i = 0; i < report.count; i++) {
        report.cells[i].width = report.header[i].width;
        print_cell(i, &report.cells[i], report.cells[i].text);
    }
    putchar('\n');
    fflush(stdout);
}

/* JSON */

static void put_string(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(file, "\\%c", c);
        else if (c < 0x20)
            fprintf(file, "\\u%04x", c);
        else
            putc(c, file);
    }
    putc('"', file);
}

static void put_number(FILE *file, double value)
{
    if (!isfinite(value))
        fputs("null", file);
    else if (value == floor(value) && fabs(value) < 9007199254740992.0) /* 2^53 */
        fprintf(file, "%.0f", value);
    else
        fprintf(file, "%.9g", value);
}

/* What every line holds, unless the row has a key of that name. */
static void put_fact(FILE *file, const char *key, const char *value)
{
    for (size_t i = 0; i < report.count; i++)
        if (strcmp(report.cells[i].key, key) == 0)
            return;
    fprintf(file, "\"%s\":", key);
    put_string(file, value);
    fputs(",", file);
}

static void put_line(FILE *file)
{
    fputs("{", file);
    put_fact(file, "bench", report.bench);
    put_fact(file, "date", report.date);
    put_fact(file, "commit", BENCH_COMMIT);
    put_fact(file, "processor", measure_processor());
    put_fact(file, "blas", known(lam_build_info("blas")));
    put_fact(file, "instruction_set", known(lam_build_info("instruction_set")));
    fprintf(file, "\"cores\":%ld", cores());
    for (size_t i = 0; i < report.count; i++) {
        putc(',', file);
        put_string(file, report.cells[i].key);
        putc(':', file);
        if (report.cells[i].is_text)
            put_string(file, report.cells[i].text);
        else
            put_number(file, report.cells[i].value);
    }
    fputs("}\n", file);
    if (fflush(file) != 0)
        fail("cannot write the results of", report.bench);
}

void report_end(void)
{
    if (report.copy)
        put_line(report.copy);
    if (report.json)
        put_line(stdout);
    else
        print_row();
}

void report_note(const char *format, ...)
{
    if (report.json)
        return;
    va_list arguments;
    va_start(arguments, format);
    putchar('\n');
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
    va_end(arguments);
    report.header_count = 0; /* what follows is a new table */
}
