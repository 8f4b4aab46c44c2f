/* npy_header.c: the header of an .npy file, a Python dictionary of three known keys. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/readers/arrays/npy_inside.h"

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

bool lam__npy_recognizes(const void *bytes, size_t size)
{
    return size >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/* What a type character stands for, where it is no number of ours. */
static const struct refused {
    char letter;
    const char *what;
} refused[] = {
    {'O', "Python objects (pickled), which could run any code"},
    {'c', "complex numbers"},
    {'S', "byte strings"},
    {'a', "byte strings"},
    {'U', "text"},
    {'V', "records"},
    {'M', "dates"},
    {'m', "differences of dates"},
};

static const struct known {
    char letter;
    size_t size;
    lam__npy_kind kind;
} known[] = {
    {'b', 1, LAM__NPY_BOOL},     {'i', 1, LAM__NPY_SIGNED},   {'i', 2, LAM__NPY_SIGNED},
    {'i', 4, LAM__NPY_SIGNED},   {'i', 8, LAM__NPY_SIGNED},   {'u', 1, LAM__NPY_UNSIGNED},
    {'u', 2, LAM__NPY_UNSIGNED}, {'u', 4, LAM__NPY_UNSIGNED}, {'u', 8, LAM__NPY_UNSIGNED},
    {'f', 2, LAM__NPY_FLOAT},    {'f', 4, LAM__NPY_FLOAT},    {'f', 8, LAM__NPY_FLOAT},
};

static bool host_is_big(void)
{
    const uint16_t one = 1;
    return *(const unsigned char *)&one == 0;
}

lam_status lam__npy_parse_type(const char *text, const char *where, lam__npy_type *type)
{
    const char *p = text;
    bool big = host_is_big();
    if (*p == '<' || *p == '>') {
        big = *p == '>';
        p++;
    } else if (*p == '=' || *p == '|') {
        p++;
    }
    if (strcmp(p, "?") == 0)
        p = "b1";
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (*p == refused[i].letter)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: type '%.16s' is refused: an array of %s, expected numbers", where,
                             text, refused[i].what);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (p[0] == known[i].letter && p[1] == (char)('0' + known[i].size) && p[2] == '\0') {
            *type = (lam__npy_type){known[i].kind, known[i].size, big};
            return LAM_OK;
        }
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: type '%.16s' is not supported, expected b1, i1, i2, i4, i8, u1, u2, u4, "
                     "u8, f2, f4 or f8",
                     where, text);
}

/* A place in the header's text, which ends in a NUL. */
struct cursor {
    const char *name; /* the file's */
    const char *text, *p;
    uint64_t offset; /* of text in the file */
    lam__npy *npy;
    bool has_descr, has_fortran, has_shape;
};

static lam_status fail_at(const struct cursor *c, const char *what)
{
    char found[24];
    unsigned char at = (unsigned char)*c->p;
    if (at == '\0')
        snprintf(found, sizeof found, "its end");
    else if (at < 0x20 || at >= 0x7f)
        snprintf(found, sizeof found, "byte %02x", at);
    else
        snprintf(found, sizeof found, "'%c'", at);
    return lam__fail(LAM_ERR_FORMAT, "%s: byte %" PRIu64 ": the header has %s where %s", c->name,
                     c->offset + (uint64_t)(c->p - c->text), found, what);
}

static void skip_space(struct cursor *c)
{
    while (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r')
        c->p++;
}

static lam_status expect(struct cursor *c, char wanted, const char *what)
{
    skip_space(c);
    if (*c->p != wanted)
        return fail_at(c, what);
    c->p++;
    return LAM_OK;
}

/* 'text' or "text", without escapes. */
static lam_status take_string(struct cursor *c, char *to, size_t room, const char *what)
{
    skip_space(c);
    char quote = *c->p;
    if (quote != '\'' && quote != '"')
        return fail_at(c, what);
    size_t length = 0;
    for (c->p++; *c->p != quote; c->p++) {
        if (*c->p == '\0' || *c->p == '\\' || length + 1 == room)
            return fail_at(c, what);
        to[length++] = *c->p;
    }
    to[length] = '\0';
    c->p++;
    return LAM_OK;
}

static lam_status take_descr(struct cursor *c)
{
    char text[32], where[512];
    skip_space(c);
    snprintf(where, sizeof where, "%.440s: byte %" PRIu64, c->name,
             c->offset + (uint64_t)(c->p - c->text));
    if (*c->p == '[' || *c->p == '(' || *c->p == '{')
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: an array of records with named fields, expected plain numbers",
                         where);
    LAM__TRY(take_string(c, text, sizeof text, "a type such as '<f4' was expected"));
    return lam__npy_parse_type(text, where, &c->npy->type);
}

static lam_status take_fortran(struct cursor *c)
{
    skip_space(c);
    if (strncmp(c->p, "True", 4) == 0) {
        c->npy->fortran = true;
        c->p += 4;
    } else if (strncmp(c->p, "False", 5) == 0) {
        c->npy->fortran = false;
        c->p += 5;
    } else {
        return fail_at(c, "True or False was expected");
    }
    return LAM_OK;
}

static lam_status take_length(struct cursor *c, size_t *length)
{
    if (*c->p < '0' || *c->p > '9')
        return fail_at(c, "a dimension was expected");
    const char *begin = c->p;
    *length = 0;
    for (; *c->p >= '0' && *c->p <= '9'; c->p++)
        if (!lam__multiply(*length, 10, length) ||
            !lam__add(*length, (size_t)(*c->p - '0'), length)) {
            c->p = begin;
            return fail_at(c, "a dimension that can be addressed was expected");
        }
    if (*c->p == 'L') /* Python 2 */
        c->p++;
    return LAM_OK;
}

static lam_status take_shape(struct cursor *c)
{
    lam__npy *npy = c->npy;
    LAM__TRY(expect(c, '(', "a tuple of dimensions was expected"));
    for (npy->rank = 0;; npy->rank++) {
        skip_space(c);
        if (*c->p == ')')
            break;
        if (npy->rank == LAM__NPY_MOST_RANK)
            return fail_at(c, "the end of at most 64 dimensions was expected");
        LAM__TRY(take_length(c, &npy->shape[npy->rank]));
        skip_space(c);
        if (*c->p == ',')
            c->p++;
        else if (*c->p != ')' || npy->rank == 0) /* (3) is a number in Python, not a tuple */
            return fail_at(c, "a comma was expected");
    }
    c->p++;
    return LAM_OK;
}

static lam_status take_item(struct cursor *c)
{
    static const char *const what =
        "the key 'descr', 'fortran_order' or 'shape' was expected, once";
    char key[16];
    skip_space(c);
    struct cursor before = *c;
    LAM__TRY(take_string(c, key, sizeof key, what));
    bool *seen = strcmp(key, "descr") == 0           ? &c->has_descr
                 : strcmp(key, "fortran_order") == 0 ? &c->has_fortran
                 : strcmp(key, "shape") == 0         ? &c->has_shape
                                                     : NULL;
    if (!seen || *seen)
        return fail_at(&before, what);
    *seen = true;
    LAM__TRY(expect(c, ':', "a colon was expected"));
    return seen == &c->has_descr     ? take_descr(c)
           : seen == &c->has_fortran ? take_fortran(c)
                                     : take_shape(c);
}

static lam_status take_dictionary(struct cursor *c)
{
    LAM__TRY(expect(c, '{', "'{' was expected"));
    for (;;) {
        skip_space(c);
        if (*c->p == '}')
            break;
        LAM__TRY(take_item(c));
        skip_space(c);
        if (*c->p == ',')
            c->p++;
        else if (*c->p != '}')
            return fail_at(c, "',' or '}' was expected");
    }
    if (!c->has_descr || !c->has_fortran || !c->has_shape)
        return fail_at(c, "'descr', 'fortran_order' and 'shape' were expected before");
    c->p++;
    skip_space(c);
    return *c->p == '\0' ? LAM_OK : fail_at(c, "only space was expected");
}

/* Computes total, features and checks that the values can be addressed, as floats too. */
static lam_status measure(const struct cursor *c)
{
    lam__npy *npy = c->npy;
    size_t bytes = npy->type.size > sizeof(float) ? npy->type.size : sizeof(float);
    if (npy->rank == 0)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: a single number (shape ()), expected at least 1 dimension", c->name);
    npy->features = 1;
    for (size_t i = 0; i < npy->rank; i++) {
        if (npy->shape[i] == 0)
            return lam__fail(LAM_ERR_FORMAT, "%s: dimension %zu is 0, expected at least 1", c->name,
                             i);
        if (!lam__multiply(bytes, npy->shape[i], &bytes))
            return lam__fail(LAM_ERR_FORMAT,
                             "%s: the dimensions up to number %zu (%zu) ask for more bytes than "
                             "can be addressed",
                             c->name, i, npy->shape[i]);
        if (i > 0)
            npy->features *= npy->shape[i]; /* divides bytes, so it cannot overflow */
    }
    npy->total = npy->shape[0];
    npy->dtype = npy->type.kind == LAM__NPY_BOOL ||
                         (npy->type.kind == LAM__NPY_UNSIGNED && npy->type.size == 1)
                     ? LAM_UINT8
                     : LAM_FLOAT32;
    return LAM_OK;
}

lam_status lam__npy_need(lam__npy_source *source, void *to, size_t count, const char *what)
{
    size_t got;
    uint64_t at = source->position;
    LAM__TRY(source->read(source->context, to, count, &got));
    source->position += got;
    if (got < count)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated: byte %" PRIu64 ": %s needs %zu bytes, %zu are there",
                         source->name, at, what, count, got);
    return LAM_OK;
}

static lam_status take_preamble(lam__npy_source *source, size_t *length)
{
    unsigned char start[8], size[4] = {0};
    LAM__TRY(lam__npy_need(source, start, sizeof start, "the start of an .npy file"));
    if (!lam__npy_recognizes(start, sizeof start))
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: byte 0: not an .npy file: it begins with %02x %02x %02x %02x %02x "
                         "%02x, expected 93 'NUMPY'",
                         source->name, start[0], start[1], start[2], start[3], start[4], start[5]);
    if (start[6] < 1 || start[6] > 3 || start[7] != 0)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: byte 6: version %u.%u of the format, expected 1.0, 2.0 or 3.0",
                         source->name, start[6], start[7]);
    LAM__TRY(lam__npy_need(source, size, start[6] == 1 ? 2 : 4, "the length of the header"));
    *length =
        (size_t)size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    if (*length > LAM__NPY_MOST_HEADER)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte 8: a header of %zu bytes, at most %d expected",
                         source->name, *length, LAM__NPY_MOST_HEADER);
    return LAM_OK;
}

lam_status lam__npy_take_header(lam__npy_source *source, lam__npy *npy)
{
    size_t length = 0;
    *npy = (lam__npy){.values = NULL};
    LAM__TRY(take_preamble(source, &length));
    char *text = lam__allocate(length + 1, 1, "the header of an .npy file");
    if (!text)
        return LAM_ERR_MEMORY;
    struct cursor cursor = {
        .name = source->name, .text = text, .p = text, .offset = source->position, .npy = npy};
    lam_status status = lam__npy_need(source, text, length, "the header");
    text[status == LAM_OK ? length : 0] = '\0';
    if (status == LAM_OK && strlen(text) < length) {
        cursor.p += strlen(text);
        status = lam__fail(LAM_ERR_FORMAT, "%s: byte %" PRIu64 ": a NUL in the header",
                           source->name, cursor.offset + (uint64_t)(cursor.p - text));
    }
    if (status == LAM_OK)
        status = take_dictionary(&cursor);
    if (status == LAM_OK)
        status = measure(&cursor);
    lam__release(text);
    npy->offset = source->position;
    return status;
}
