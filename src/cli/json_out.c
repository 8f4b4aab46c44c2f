/* json_out.c: a writer of JSON, one value after the other. */
#include "json_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

/* What lam_printable would not show as it is becomes an escape, so that a terminal shows the JSON
 * as it is. */
static void write_string(FILE *file, const char *text)
{
    putc('"', file);
    while (*text) {
        const size_t length = lam_utf8_length(text);
        char one[8] = "", shown[8];
        memcpy(one, text, length);
        lam_printable(one, shown, sizeof shown);
        if (length == 0)
            fputs("\\ufffd", file);
        else if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if (length == 1 && strcmp(one, shown) != 0)
            fprintf(file, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fputs(shown, file); /* itself, or \u202e, which JSON writes alike */
        text += length ? length : 1;
    }
    putc('"', file);
}

static void begin(cli_json *json, const char *key)
{
    if (json->comma)
        fputs(", ", json->file);
    if (key) {
        write_string(json->file, key);
        fputs(": ", json->file);
    }
    json->comma = true;
}

void cli_json_open_object(cli_json *json, const char *key)
{
    begin(json, key);
    putc('{', json->file);
    json->comma = false;
}

void cli_json_close_object(cli_json *json)
{
    putc('}', json->file);
    json->comma = true;
}

void cli_json_open_array(cli_json *json, const char *key)
{
    begin(json, key);
    putc('[', json->file);
    json->comma = false;
}

void cli_json_close_array(cli_json *json)
{
    putc(']', json->file);
    json->comma = true;
}

void cli_json_string(cli_json *json, const char *key, const char *text)
{
    begin(json, key);
    if (text)
        write_string(json->file, text);
    else
        fputs("null", json->file);
}

void cli_json_number(cli_json *json, const char *key, double value)
{
    char text[40];
    begin(json, key);
    if (!isfinite(value)) {
        fputs("null", json->file);
        return;
    }
    snprintf(text, sizeof text, "%.10g", value);
    if (fabs(value) < 3e38 && (double)(float)value == value)
        for (int digits = 6; digits <= 9; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, value);
            if (strtof(text, NULL) == (float)value)
                break;
        }
    fputs(text, json->file);
}

void cli_json_count(cli_json *json, const char *key, size_t value)
{
    begin(json, key);
    fprintf(json->file, "%zu", value);
}

void cli_json_bool(cli_json *json, const char *key, bool value)
{
    begin(json, key);
    fputs(value ? "true" : "false", json->file);
}

void cli_json_floats(cli_json *json, const char *key, const float *values, size_t count)
{
    cli_json_open_array(json, key);
    for (size_t i = 0; i < count; i++)
        cli_json_number(json, NULL, (double)values[i]);
    cli_json_close_array(json);
}

void cli_json_end_line(cli_json *json)
{
    putc('\n', json->file);
    json->comma = false;
}
