/* json_out.c: a writer of JSON, one value after the other. */
#include "json_out.h"

#include <math.h>
#include <stdlib.h>

/* Bytes of the UTF-8 character at `s`, 0 when it is malformed (RFC 3629, table 3-7 of Unicode). */
static size_t utf8_length(const unsigned char *s)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t length = 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        length = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        length = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        length = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    if (s[0] == 0xed)
        high = 0x9f; /* surrogates */
    if (s[0] == 0xf0)
        low = 0x90;
    if (s[0] == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < length; i++) {
        if (s[i] < low || s[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

static void write_string(FILE *file, const char *text)
{
    putc('"', file);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const size_t length = utf8_length(s);
        if (length == 0) {
            fputs("\\ufffd", file);
            s++;
        } else if (length > 1) {
            fwrite(s, 1, length, file);
            s += length;
        } else {
            if (*s == '"' || *s == '\\')
                fprintf(file, "\\%c", *s);
            else if (*s < 0x20 || *s == 0x7f)
                fprintf(file, "\\u%04x", *s);
            else
                putc(*s, file);
            s++;
        }
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
