/* json_walk.c: long lists in JSON text, element by element. */
#include "io/json/json_walk.h"

#include <stdint.h>
#include <string.h>

#include "base/ascii.h"
#include "base/text.h"

/* What ends a run of characters outside strings. */
enum { PLAIN, SPACE, QUOTE, OPEN, CLOSE, BETWEEN };
static const unsigned char kinds[256] = {
    [' '] = SPACE, ['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE,  ['"'] = QUOTE,   ['['] = OPEN,
    ['{'] = OPEN,  [']'] = CLOSE,  ['}'] = CLOSE,  [','] = BETWEEN, [':'] = BETWEEN,
};

static unsigned char kind_at(const char *at)
{
    return kinds[(unsigned char)*at];
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && kind_at(at) == SPACE)
        at++;
    return at;
}

/* Behind the string that begins at `at`; NULL where it does not end. */
static const char *skip_string(const char *at, const char *end)
{
    for (const char *from = at + 1; from < end;) {
        const char *quote = memchr(from, '"', (size_t)(end - from));
        if (!quote)
            return NULL;
        const char *first = quote; /* of the backslashes before it: an odd number escapes it */
        while (first > from && first[-1] == '\\')
            first--;
        if ((quote - first) % 2 == 0)
            return quote + 1;
        from = quote + 1;
    }
    return NULL;
}

/* Behind the value that begins at `at`; NULL where it does not end, `at` where there is none. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    do {
        const unsigned char kind = at < end ? kind_at(at) : CLOSE;
        if (at >= end)
            return NULL;
        if (kind == QUOTE) {
            if (!(at = skip_string(at, end)))
                return NULL;
        } else if (kind == PLAIN) {
            while (at < end && kind_at(at) == PLAIN)
                at++;
        } else {
            if (depth == 0 && kind != OPEN)
                return at;
            depth += kind == OPEN;
            depth -= kind == CLOSE;
            at++;
        }
    } while (depth > 0);
    return at;
}

bool lam__json_enter(lam__json_piece piece, char open, lam__json_walk *walk)
{
    const char *end = piece.text ? piece.text + piece.length : NULL;
    const char *at = piece.text ? skip_space(piece.text, end) : NULL;
    *walk = (lam__json_walk){.at = at, .end = end, .close = open == '[' ? ']' : '}'};
    if (at == end || *at != open)
        return false;
    walk->at = at + 1;
    return true;
}

static bool fail(lam__json_walk *walk, const char *error)
{
    walk->error = error;
    return false;
}

/* The bracket that closes the list, and nothing after it. */
static bool finish(lam__json_walk *walk)
{
    const char *rest = skip_space(walk->at + 1, walk->end);
    if (rest == walk->end)
        return false;
    walk->at = rest;
    return fail(walk, "end of text expected");
}

static bool take(lam__json_walk *walk, lam__json_piece *piece)
{
    const char *after = skip_value(walk->at, walk->end);
    if (after == walk->at)
        return fail(walk, "value expected");
    if (!after) {
        walk->at = walk->end;
        return fail(walk, "premature end of text");
    }
    *piece = (lam__json_piece){walk->at, (size_t)(after - walk->at)};
    walk->at = skip_space(after, walk->end);
    return true;
}

bool lam__json_next(lam__json_walk *walk, lam__json_piece *key, lam__json_piece *value)
{
    walk->at = skip_space(walk->at, walk->end);
    if (walk->at == walk->end)
        return fail(walk, "premature end of text");
    if (*walk->at == walk->close)
        return finish(walk);
    if (walk->begun) {
        if (*walk->at != ',')
            return fail(walk, "',' expected");
        walk->at = skip_space(walk->at + 1, walk->end);
    }
    walk->begun = true;
    if (walk->close == '}') {
        if (walk->at == walk->end || *walk->at != '"')
            return fail(walk, "string expected");
        if (!take(walk, key))
            return false;
        if (walk->at == walk->end || *walk->at != ':')
            return fail(walk, "':' expected");
        walk->at = skip_space(walk->at + 1, walk->end);
    }
    return take(walk, value);
}

bool lam__json_count(lam__json_piece piece, size_t *count, const char **error)
{
    lam__json_walk walk;
    lam__json_piece key, value;
    *count = 0;
    const bool list = lam__json_enter(piece, '[', &walk);
    while (list && lam__json_next(&walk, &key, &value))
        ++*count;
    *error = walk.error;
    return list && !walk.error;
}

bool lam__json_is_string(lam__json_piece piece)
{
    return piece.text && piece.length >= 2 && piece.text[0] == '"';
}

size_t lam__json_string_room(lam__json_piece piece)
{
    const char *at = piece.text + 1, *end = piece.text + piece.length - 1;
    size_t room = (size_t)(end - at) + 1;
    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        room--;
        at += at + 2 < end ? 2 : end - at;
    }
    return room;
}

/* Four hexadecimal digits; negative where they are not. */
static int32_t hex(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const int digit = lam__hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* A code point as UTF-8; returns how many bytes it takes. */
static size_t put_utf8(int32_t code, char *to)
{
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (char)(first[more] | code >> 6 * more);
    for (int i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3f));
    return (size_t)more + 1;
}

/* The escape at *at, a backslash, to `to`; *at is then behind it. */
static const char *unescape(const char **at, const char *end, char *to, size_t *length)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *name = end - *at > 1 ? memchr(names, (*at)[1], sizeof names - 1) : NULL;
    if (name) {
        to[(*length)++] = values[name - names];
        *at += 2;
        return NULL;
    }
    int32_t code = end - *at > 1 && (*at)[1] == 'u' ? hex(*at + 2, end) : -1;
    if (code < 0)
        return "invalid escape";
    if (code == 0)
        return "\\u0000 is not allowed";
    *at += 6;
    if (code >= 0xd800 && code < 0xe000) {
        const bool pair = code < 0xdc00 && end - *at > 1 && (*at)[0] == '\\' && (*at)[1] == 'u';
        const int32_t low = pair ? hex(*at + 2, end) : -1;
        if (low < 0xdc00 || low >= 0xe000)
            return "an incomplete surrogate pair";
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *at += 6;
    }
    *length += put_utf8(code, to + *length);
    return NULL;
}

const char *lam__json_string(lam__json_piece piece, char *to, size_t *length)
{
    const char *at = piece.text + 1, *end = piece.text + piece.length - 1;
    *length = 0;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const size_t run = (size_t)((escape ? escape : end) - at);
        for (size_t i = 0; i < run; i++)
            if ((unsigned char)at[i] < 0x20)
                return "control character in a string";
        memcpy(to + *length, at, run);
        *length += run;
        at += run;
        const char *error = escape ? unescape(&at, end, to, length) : NULL;
        if (error)
            return error;
    }
    to[*length] = '\0';
    return lam__bytes_are_utf8(to, *length) ? NULL : "bytes that are not UTF-8";
}

bool lam__json_says(lam__json_piece piece, const char *text)
{
    const size_t length = strlen(text);
    return lam__json_is_string(piece) && piece.length == length + 2 &&
           memcmp(piece.text + 1, text, length) == 0;
}

bool lam__json_size(lam__json_piece piece, size_t *size)
{
    size_t value = 0;
    if (!piece.text || piece.length == 0 || (piece.length > 1 && piece.text[0] == '0'))
        return false;
    for (size_t i = 0; i < piece.length; i++) {
        const char c = piece.text[i];
        if (c < '0' || c > '9' || value > (SIZE_MAX - (size_t)(c - '0')) / 10)
            return false;
        value = value * 10 + (size_t)(c - '0');
    }
    *size = value;
    return true;
}
