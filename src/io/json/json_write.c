/* json_write.c: JSON text with long lists, without a tree of it. */
#include <stdio.h>
#include <string.h>

#include "lamina_features.h"

#if LAM__HAVE_JSON
#include "base/text.h"
#include "io/json/json_write.h"

#define LAM__JSON_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))

static void put(lam__json_out *out, const char *text, size_t length)
{
    if (out->text)
        memcpy(out->text + out->length, text, length);
    out->length += length;
}

void lam__json_put(lam__json_out *out, const char *text)
{
    put(out, text, strlen(text));
}

/* A character that must not stand in a string as it is. */
static void put_escaped(lam__json_out *out, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = c ? strchr(plain, c) : NULL;
    char escape[8];
    if (found)
        snprintf(escape, sizeof escape, "\\%c", names[found - plain]);
    else
        snprintf(escape, sizeof escape, "\\u%04X", c);
    lam__json_put(out, escape);
}

void lam__json_put_string(lam__json_out *out, const char *string)
{
    const char *run = string, *at = string;
    out->failed |= !lam__is_utf8(string);
    lam__json_put(out, "\"");
    for (; *at; at++) {
        const unsigned char c = (unsigned char)*at;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(out, run, (size_t)(at - run));
        put_escaped(out, c);
        run = at + 1;
    }
    put(out, run, (size_t)(at - run));
    lam__json_put(out, "\"");
}

void lam__json_put_real(lam__json_out *out, double number)
{
    lam__json_put_value(out, json_real(number));
}

void lam__json_put_size(lam__json_out *out, size_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", number);
    lam__json_put(out, text);
}

void lam__json_put_value(lam__json_out *out, json_t *value)
{
    const size_t length = value ? json_dumpb(value, NULL, 0, LAM__JSON_FLAGS) : 0;
    if (length == 0 || (out->text && json_dumpb(value, out->text + out->length, length,
                                                LAM__JSON_FLAGS) != length))
        out->failed = true;
    out->length += length;
    json_decref(value);
}

#endif
