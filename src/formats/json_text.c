/* json_text.c: JSON text that may be parsed. */
#include <stdio.h>
#include <string.h>

#include "lamina_features.h"

#if LAM__HAVE_JSON
#include "formats/json_text.h"

/* Bytes counted for each value or key, its place in a list or table included. */
enum { BYTES_PER_VALUE = 100, BYTES_PER_BYTE = 16 };
#define LAM__JSON_CONSTANT ((size_t)64 << 20)

/* Values, keys and lists; what stands in strings is no value. */
static size_t count_values(const char *text, size_t length)
{
    size_t values = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            i += c == '\\';
        else
            values += c == ',' || c == ':' || c == '[' || c == '{';
    }
    return values;
}

bool lam__json_fits(const char *text, size_t length, double bytes, size_t *values)
{
    *values = count_values(text, length);
    return (double)*values <= ((double)LAM__JSON_CONSTANT + bytes) / BYTES_PER_VALUE;
}

json_t *lam__json_parse(const char *text, size_t length, json_error_t *error)
{
    const size_t values = count_values(text, length);
    if (values > (LAM__JSON_CONSTANT + BYTES_PER_BYTE * length) / BYTES_PER_VALUE) {
        memset(error, 0, sizeof *error);
        snprintf(error->text, sizeof error->text, "%zu values in %zu bytes take too much memory",
                 values, length);
        return NULL;
    }
    return json_loadb(text, length, JSON_REJECT_DUPLICATES, error);
}

#endif
