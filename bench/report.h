/* report.h: results as a table for people or as JSON lines for machines.
 *
 *     report_open("gemm", json);
 *     report_begin();
 *     report_text("form", "nn");
 *     report_number("gflops", 1, 117.3);
 *     report_end();
 *
 * As text, a row whose keys differ from those of the row before starts a new table with a header.
 * As JSON, each row is one object on a line of its own, which also holds bench, date (ISO 8601,
 * UTC), commit, processor, cores, blas and instruction_set. Not thread-safe. */
#ifndef LAMINA_BENCH_REPORT_H
#define LAMINA_BENCH_REPORT_H

#include <stdbool.h>

/* Starts the report of one program; as text, prints what machine this is. */
void report_open(const char *bench, bool json);

/* The least width of columns of text from now on: of the longest text to come, where it is not the
 * first of its column. */
void report_text_width(int width);

/* A row: begin, cells in the order of the columns, end. */
void report_begin(void);
void report_text(const char *key, const char *value);
/* With so many decimals as text, and 6 significant digits at least as JSON. NaN: "-" and null. */
void report_number(const char *key, int decimals, double value);
void report_end(void);

/* A line of text between tables, left out of JSON. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
