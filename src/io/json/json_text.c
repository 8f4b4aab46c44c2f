/* json_text.c: JSON text that may be parsed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lamina_features.h"

#if LAM__HAVE_JSON
#include "base/memory.h"
#include "io/json/json_text.h"

/* Bytes counted for each value or key, its place in a list or table included: Jansson 2.14 takes
 * 240 for an empty object in a list, which counts twice, and less for all else. */
enum { BYTES_PER_VALUE = 120 };
#define LAM__JSON_CONSTANT ((size_t)12 << 20)

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

static json_t *fail(json_error_t *error, enum json_error_code code, size_t at, const char *what)
{
    memset(error, 0, sizeof *error);
    error->position = (int)at;
    snprintf(error->text, sizeof error->text - 1, "%s", what);
    error->text[sizeof error->text - 1] = (char)code; /* as json_error_code reads it */
    return NULL;
}

/* Adds the values of a piece to those of its text; false when they are too many. */
static bool fits(lam__json_piece piece, size_t length, size_t *values, json_error_t *error)
{
    char what[128];
    *values += count_values(piece.text, piece.length);
    if (*values <= (LAM__JSON_CONSTANT + length) / BYTES_PER_VALUE)
        return true;
    snprintf(what, sizeof what, "%zu values in %zu bytes take too much memory", *values, length);
    fail(error, json_error_invalid_format, 0, what);
    return false;
}

json_t *lam__json_parse(const char *text, size_t length, json_error_t *error)
{
    size_t values = 0;
    if (!fits((lam__json_piece){text, length}, length, &values, error))
        return NULL;
    return json_loadb(text, length, JSON_REJECT_DUPLICATES, error);
}

json_t *lam__json_parse_piece(lam__json_piece piece, json_error_t *error)
{
    size_t values = 0;
    if (!fits(piece, piece.length, &values, error))
        return NULL;
    return json_loadb(piece.text, piece.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
}

/* A member to `left`, or parsed to `json`; false with *error filled in. */
static bool take_member(lam__json_piece key, lam__json_piece value, lam__json_left *left,
                        size_t count, json_t *json, json_error_t *error)
{
    size_t length, i = 0;
    char *name = lam__allocate(lam__json_string_room(key), 1, "a key of JSON text");
    if (!name)
        return fail(error, json_error_out_of_memory, 0, "out of memory");
    const char *wrong = lam__json_string(key, name, &length);
    while (i < count && strcmp(name, left[i].key) != 0)
        i++;
    if (!wrong && (i < count ? left[i].value.text != NULL : json_object_get(json, name) != NULL))
        wrong = "duplicate object key";
    if (wrong)
        fail(error, json_error_invalid_syntax, 0, wrong);
    else if (i < count)
        left[i].value = value;
    else if (json_object_set_new(json, name, lam__json_parse_piece(value, error)) != 0)
        wrong = "no value";
    lam__release(name);
    return !wrong;
}

json_t *lam__json_parse_but(lam__json_piece piece, lam__json_left *left, size_t count,
                            json_error_t *error)
{
    lam__json_walk walk;
    lam__json_piece key, value;
    size_t values = 0;
    for (size_t i = 0; i < count; i++)
        left[i].value = (lam__json_piece){NULL, 0};
    if (!lam__json_enter(piece, '{', &walk))
        return lam__json_parse_piece(piece, error);
    json_t *json = json_object();
    bool good = json || fail(error, json_error_out_of_memory, 0, "out of memory");
    while (good && lam__json_next(&walk, &key, &value)) {
        bool kept = false;
        for (size_t i = 0; i < count; i++)
            kept |= lam__json_says(key, left[i].key);
        good = (kept || fits(value, piece.length, &values, error)) &&
               take_member(key, value, left, count, json, error);
    }
    if (good && !walk.error)
        return json;
    json_decref(json);
    if (good)
        fail(error, json_error_invalid_syntax, (size_t)(walk.at - piece.text), walk.error);
    return NULL;
}

#endif
