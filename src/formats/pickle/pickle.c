/* pickle.c: memory, values and messages of the machine that reads pickles. */
#include "formats/pickle/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Memory comes in chunks; what is larger gets one of its own. */
enum { CHUNK = 16384 };

struct lam__pickle_chunk {
    struct lam__pickle_chunk *next;
    size_t used, size; /* of the bytes that follow */
};

void lam__pickle_open(lam__pickle *pickle, const char *name, const unsigned char *bytes,
                      size_t size, size_t file_size)
{
    *pickle = (lam__pickle){.name = name, .bytes = bytes, .size = size};
    if (file_size > (SIZE_MAX - LAM__PICKLE_FIXED) / 64)
        file_size = (SIZE_MAX - LAM__PICKLE_FIXED) / 64;
    pickle->budget = 2 * file_size + LAM__PICKLE_FIXED;
    pickle->steps = 16 * file_size + LAM__PICKLE_FIXED;
}

void lam__pickle_close(lam__pickle *pickle)
{
    while (pickle->chunks) {
        struct lam__pickle_chunk *next = pickle->chunks->next;
        lam__release(pickle->chunks);
        pickle->chunks = next;
    }
}

lam_status lam__pickle_fail(const lam__pickle *pickle, lam_status status, const char *format, ...)
{
    char text[512];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return lam__fail(status, "%s: byte %zu: %s", pickle->name, pickle->opcode, text);
}

void *lam__pickle_take(lam__pickle *pickle, size_t size)
{
    struct lam__pickle_chunk *chunk = pickle->chunks;
    if (size <= SIZE_MAX / 2)
        size = (size + 15) / 16 * 16;
    if (!chunk || size > chunk->size - chunk->used) {
        const size_t room = size < CHUNK / 4 ? CHUNK : size;
        const size_t all = lam__round_up(sizeof *chunk + 16 + room, LAM__ALIGN);
        if (room > pickle->budget || all > pickle->budget) {
            lam__pickle_fail(pickle, LAM_ERR_MEMORY,
                             "the pickle needs more memory than twice its file's size");
            return NULL;
        }
        chunk = lam__allocate(1, all, "a pickle");
        if (!chunk)
            return NULL;
        *chunk = (struct lam__pickle_chunk){.next = pickle->chunks, .size = room};
        pickle->chunks = chunk;
        pickle->budget -= all;
    }
    unsigned char *at = (unsigned char *)chunk + (sizeof *chunk + 15) / 16 * 16 + chunk->used;
    chunk->used += size;
    return at;
}

lam__pickle_value *lam__pickle_new(lam__pickle *pickle, lam__pickle_kind kind)
{
    lam__pickle_value *value = lam__pickle_take(pickle, sizeof *value);
    if (!value)
        return NULL;
    memset(value, 0, sizeof *value);
    value->kind = kind;
    value->at = pickle->opcode;
    return value;
}

lam_status lam__pickle_append(lam__pickle *pickle, lam__pickle_value *list,
                              lam__pickle_value *value)
{
    if (list->u.list.count == list->u.list.capacity) {
        const size_t capacity = list->u.list.capacity ? 2 * list->u.list.capacity : 4;
        lam__pickle_value **items = lam__pickle_take(pickle, capacity * sizeof(value));
        if (!items)
            return LAM_ERR_MEMORY;
        if (list->u.list.count)
            memcpy(items, list->u.list.items, list->u.list.count * sizeof(value));
        list->u.list.items = items;
        list->u.list.capacity = capacity;
    }
    list->u.list.items[list->u.list.count++] = value;
    return LAM_OK;
}

bool lam__pickle_is(lam__pickle_text text, const char *expected)
{
    return text.length == strlen(expected) && memcmp(text.text, expected, text.length) == 0;
}

lam__pickle_value *lam__pickle_member(const lam__pickle_value *dict, const char *name)
{
    if (!dict || dict->kind != LAM__P_DICT)
        return NULL;
    for (size_t i = 0; i + 1 < dict->u.list.count; i += 2) {
        const lam__pickle_value *key = dict->u.list.items[i];
        if (key->kind == LAM__P_TEXT && lam__pickle_is(key->u.text, name))
            return dict->u.list.items[i + 1];
    }
    return NULL;
}

bool lam__pickle_is_object(const lam__pickle_value *value, const char *module, const char *name)
{
    return value && value->kind == LAM__P_OBJECT &&
           lam__pickle_is(value->u.object.class->u.class.module, module) &&
           lam__pickle_is(value->u.object.class->u.class.name, name);
}

bool lam__pickle_size(const lam__pickle_value *value, size_t *size)
{
    if (!value || value->kind != LAM__P_INT || value->u.integer < 0 ||
        (uint64_t)value->u.integer > SIZE_MAX)
        return false;
    *size = (size_t)value->u.integer;
    return true;
}
