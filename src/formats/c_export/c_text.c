/* c_text.c: writing C source: text with names put in, numbers, strings and statements. */
#include "formats/c_export/c_text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* Columns of a line of numbers. */
enum { LINE_MOST = 96 };

lam_status lam__c_text_open(lam__c_text *text, const char *path, const char *name)
{
    text->status = LAM_OK;
    text->used = text->column = text->table_bytes = 0;
    text->plain = false;
    snprintf(text->name, sizeof text->name, "%s", name);
    for (size_t i = 0; i < sizeof text->name; i++) {
        const char c = text->name[i];
        text->upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return lam__file_write_open(&text->file, path);
}

static void flush(lam__c_text *text)
{
    if (text->status == LAM_OK)
        text->status = lam__file_write(&text->file, text->buffer, text->used);
    text->used = 0;
}

static void append(lam__c_text *text, const char *bytes, size_t count)
{
    while (count > 0) {
        if (text->used == sizeof text->buffer)
            flush(text);
        size_t part = sizeof text->buffer - text->used;
        part = count < part ? count : part;
        memcpy(text->buffer + text->used, bytes, part);
        text->used += part;
        bytes += part;
        count -= part;
    }
}

/* Replaces '@' and '$' in a format. No format here is as long as the room for it. */
static void put_names(const lam__c_text *text, const char *format, char *out, size_t size)
{
    size_t at = 0;
    for (; *format && at + 1 < size; format++) {
        const char *name = *format == '@' ? text->name : *format == '$' ? text->upper : NULL;
        if (!name) {
            out[at++] = *format;
            continue;
        }
        while (*name && at + 1 < size)
            out[at++] = *name++;
    }
    out[at] = '\0';
}

__attribute__((format(printf, 2, 3))) void lam__c_put(lam__c_text *text, const char *format, ...)
{
    char named[4096], line[4096];
    va_list arguments;
    put_names(text, format, named, sizeof named);
    va_start(arguments, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const int length = vsnprintf(line, sizeof line, named, arguments);
#pragma GCC diagnostic pop
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof line)
        append(text, line, (size_t)length);
    else if (text->status == LAM_OK)
        text->status = lam__fail(LAM_ERR_ARGUMENT, "a piece of C source is too long");
}

static size_t format_constant(float value, char *out, size_t size)
{
    lam__format_float(value, out, size - 3);
    if (!strpbrk(out, ".e"))
        strcat(out, ".0");
    strcat(out, "f");
    return strlen(out);
}

void lam__c_float(lam__c_text *text, float value)
{
    char number[40];
    append(text, number, format_constant(value, number, sizeof number));
}

/* One number of an array, on this line or the next. */
static void item(lam__c_text *text, const char *number, size_t length)
{
    const bool first = text->column == 0;
    if (first || text->column + length + 3 > LINE_MOST) {
        append(text, first ? "    " : ",\n    ", first ? 4 : 6);
        text->column = 4;
    } else {
        append(text, ", ", 2);
        text->column += 2;
    }
    append(text, number, length);
    text->column += length;
}

static void open_array(lam__c_text *text, const char *type, size_t bytes, const char *what,
                       size_t count)
{
    lam__c_put(text,
               text->plain ? "static const %s @_%s[%zu] = {\n"
                           : "static const %s @_%s[%zu] $_FLASH = {\n",
               type, what, count);
    text->column = 0;
    text->table_bytes += text->plain ? 0 : count * bytes;
}

static void close_array(lam__c_text *text)
{
    lam__c_put(text, "\n};\n\n");
}

void lam__c_floats(lam__c_text *text, const char *what, size_t count, const float *values)
{
    char number[40];
    open_array(text, "float", 4, what, count);
    for (size_t i = 0; i < count; i++)
        item(text, number, format_constant(values[i], number, sizeof number));
    close_array(text);
}

static void item_of_int(lam__c_text *text, int value)
{
    char number[16];
    /* the least int has no constant of its own */
    const int length = snprintf(number, sizeof number, "%d", value);
    item(text, number, (size_t)length);
}

void lam__c_bytes(lam__c_text *text, const char *what, size_t count, const signed char *values)
{
    open_array(text, "int8_t", 1, what, count);
    for (size_t i = 0; i < count; i++)
        item_of_int(text, values[i]);
    close_array(text);
}

void lam__c_unsigned_bytes(lam__c_text *text, const char *what, size_t count,
                           const unsigned char *values)
{
    open_array(text, "uint8_t", 1, what, count);
    for (size_t i = 0; i < count; i++)
        item_of_int(text, values[i]);
    close_array(text);
}

void lam__c_ints(lam__c_text *text, const char *what, size_t count, const int *values)
{
    open_array(text, "int32_t", 4, what, count);
    for (size_t i = 0; i < count; i++)
        item_of_int(text, values[i]);
    close_array(text);
}

void lam__c_string(lam__c_text *text, const char *string)
{
    append(text, "\"", 1);
    for (; *string; string++) {
        const unsigned char c = (unsigned char)*string;
        char escaped[8];
        if (c < 0x20 || c > 0x7e)
            snprintf(escaped, sizeof escaped, "\\%03o", c);
        else if (c == '"' || c == '\\' || c == '?') /* "??=" is a trigraph */
            snprintf(escaped, sizeof escaped, "\\%c", c);
        else
            snprintf(escaped, sizeof escaped, "%c", c);
        append(text, escaped, strlen(escaped));
    }
    append(text, "\"", 1);
}

static void indent(lam__c_text *text, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        append(text, "    ", 4);
}

void lam__c_statements(lam__c_text *text, const char *statements, size_t depth)
{
    size_t parentheses = 0;
    bool at_start = true;
    for (const char *c = statements; *c; c++) {
        if (at_start && *c == ' ')
            continue;
        if (*c == '}' && depth > 0)
            depth--;
        if (at_start)
            indent(text, depth);
        append(text, c, 1);
        parentheses += *c == '(';
        parentheses -= *c == ')';
        depth += *c == '{';
        at_start = *c == '{' || *c == '}' || (*c == ';' && parentheses == 0);
        if (at_start)
            append(text, "\n", 1);
    }
}

lam_status lam__c_text_finish(lam__c_text *text)
{
    flush(text);
    return text->status;
}
