/* json_out.h: a writer of JSON, one value after the other. */
#ifndef LAMINA_CLI_JSON_OUT_H
#define LAMINA_CLI_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Writes to `file`; `comma` says whether the next value needs one before it. */
typedef struct cli_json {
    FILE *file;
    bool comma;
} cli_json;

/* In all of these `key` is the member's name, NULL inside an array and at the top. */
void cli_json_open_object(cli_json *json, const char *key);
void cli_json_close_object(cli_json *json);
void cli_json_open_array(cli_json *json, const char *key);
void cli_json_close_array(cli_json *json);

/* A string; bytes that are not UTF-8 become U+FFFD. NULL becomes null. */
void cli_json_string(cli_json *json, const char *key, const char *text);

/* A number; NaN and infinities, which JSON lacks, become null. A value that is a float's is
 * written as short as the float allows, others with 10 digits. */
void cli_json_number(cli_json *json, const char *key, double value);

void cli_json_count(cli_json *json, const char *key, size_t value);
void cli_json_bool(cli_json *json, const char *key, bool value);

/* An array of numbers. */
void cli_json_floats(cli_json *json, const char *key, const float *values, size_t count);

/* Ends the line of a finished top-level value. */
void cli_json_end_line(cli_json *json);

#endif
