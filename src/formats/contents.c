/* contents.c: what a file holds, whether or not it is a model. */
#include "formats/contents.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/arrays.h"
#include "formats/model_formats.h"
#include "io/file_read.h"

struct lam_model_contents {
    const char *format;
    lam_content_array *arrays; /* [array_count], their texts allocated */
    size_t array_count, array_capacity;
    lam_content_fact *facts; /* [fact_count], the same */
    size_t fact_count, fact_capacity;
    lam_status status; /* of what tells the contents */
    char message[512];
};

/* Makes room for one more of `size` bytes. */
static lam_status grow(void **list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return LAM_OK;
    const size_t more = *capacity ? 2 * *capacity : 16;
    void *made = lam__allocate(more, size, "the contents of a file");
    if (!made)
        return LAM_ERR_MEMORY;
    if (count)
        memcpy(made, *list, count * size);
    lam__release(*list);
    *list = made;
    *capacity = more;
    return LAM_OK;
}

/* Copies two texts, or neither. */
static lam_status copy_pair(const char *a, const char *b, const char **to_a, const char **to_b)
{
    char *first = lam__copy_string(a), *second = first ? lam__copy_string(b) : NULL;
    if (!second) {
        lam__release(first);
        return LAM_ERR_MEMORY;
    }
    *to_a = first;
    *to_b = second;
    return LAM_OK;
}

lam_status lam__contents_array(lam_model_contents *contents, const char *name, const char *type,
                               size_t rank, const size_t *shape)
{
    lam_content_array array = {.rank = rank <= LAM_CONTENT_DIMENSIONS || rank == LAM_CONTENT_OBJECT
                                           ? rank
                                           : LAM_CONTENT_DIMENSIONS};
    void *list = contents->arrays;
    LAM__TRY(grow(&list, contents->array_count, &contents->array_capacity, sizeof array));
    contents->arrays = list;
    for (size_t i = 0; rank != LAM_CONTENT_OBJECT && i < rank && i < LAM_CONTENT_DIMENSIONS; i++)
        array.shape[i] = shape[i];
    LAM__TRY(copy_pair(name, type, &array.name, &array.type));
    contents->arrays[contents->array_count++] = array;
    return LAM_OK;
}

lam_status lam__contents_fact(lam_model_contents *contents, const char *key, const char *value)
{
    lam_content_fact fact = {0};
    void *list = contents->facts;
    LAM__TRY(grow(&list, contents->fact_count, &contents->fact_capacity, sizeof fact));
    contents->facts = list;
    LAM__TRY(copy_pair(key, value, &fact.key, &fact.value));
    contents->facts[contents->fact_count++] = fact;
    return LAM_OK;
}

lam_status lam__contents_items(lam_model_contents *contents, const struct lam__items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        const lam__item *item = &items->items[i];
        if (item->kind != LAM__ITEM_ARRAY)
            LAM__TRY(
                lam__contents_array(contents, item->name, item->type, LAM_CONTENT_OBJECT, NULL));
        else
            LAM__TRY(lam__contents_array(contents, item->name,
                                         item->complete ? lam__st_dtype_name(item->dtype) : "?",
                                         item->rank, item->shape));
    }
    return LAM_OK;
}

static void keep_status(lam_model_contents *contents, const lam__model_format *format,
                        lam_status status)
{
    contents->format = format->name;
    contents->status = status;
    if (status != LAM_OK)
        snprintf(contents->message, sizeof contents->message, "%s", lam_error_message());
}

/* Asks the formats whose header tells everything, without reading the rest of the file. *told:
 * whether it was one of theirs. */
static lam_status peek(const char *path, lam_model_contents *contents, bool *told)
{
    const lam__model_format *format;
    *told = false;
    for (size_t i = 0; !*told && (format = lam__table_at(&lam__model_formats, i)); i++) {
        if (!format->peek)
            continue;
        const lam_status status = format->peek(path, contents, told);
        if (!*told)
            LAM__TRY(status);
        else
            keep_status(contents, format, status);
    }
    return LAM_OK;
}

/* Asks the row of the file's format. */
static lam_status describe(const lam__foreign *file, lam_model_contents *contents)
{
    const lam__model_format *format = lam__format_of_file(file);
    if (!format)
        return lam_error_status();
    keep_status(contents, format, format->describe ? format->describe(file, contents) : LAM_OK);
    return LAM_OK;
}

static lam_status read_whole(const char *path, lam_model_contents *contents)
{
    lam__foreign file = {.path = path};
    unsigned char *bytes;
    LAM__TRY(lam__file_read_all(path, SIZE_MAX, &bytes, &file.size));
    file.bytes = bytes;
    const lam_status status = describe(&file, contents);
    lam__release(bytes);
    return status;
}

lam_model_contents *lam_model_contents_read(const char *path)
{
    bool told;
    if (!path) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_model_contents_read: path is NULL");
        return NULL;
    }
    lam_model_contents *contents = lam__allocate_zero(1, sizeof *contents, "contents of a file");
    if (!contents)
        return NULL;
    lam_status status = peek(path, contents, &told);
    if (status == LAM_OK && !told)
        status = read_whole(path, contents);
    if (status == LAM_OK)
        return contents;
    lam_model_contents_free(contents);
    return NULL;
}

const char *lam_model_contents_format(const lam_model_contents *contents)
{
    return contents ? contents->format : NULL;
}

size_t lam_model_contents_arrays(const lam_model_contents *contents)
{
    return contents ? contents->array_count : 0;
}

const lam_content_array *lam_model_contents_array(const lam_model_contents *contents, size_t i)
{
    return contents && i < contents->array_count ? &contents->arrays[i] : NULL;
}

size_t lam_model_contents_facts(const lam_model_contents *contents)
{
    return contents ? contents->fact_count : 0;
}

const lam_content_fact *lam_model_contents_fact(const lam_model_contents *contents, size_t i)
{
    return contents && i < contents->fact_count ? &contents->facts[i] : NULL;
}

lam_status lam_model_contents_status(const lam_model_contents *contents)
{
    if (!contents)
        return lam__fail(LAM_ERR_ARGUMENT, "the contents are NULL");
    return contents->status == LAM_OK ? LAM_OK
                                      : lam__fail(contents->status, "%s", contents->message);
}

/* The texts were allocated here, though they are handed out as constant. */
static void release_text(const char *text)
{
    char *own;
    memcpy(&own, &text, sizeof own);
    lam__release(own);
}

void lam_model_contents_free(lam_model_contents *contents)
{
    if (!contents)
        return;
    for (size_t i = 0; i < contents->array_count; i++) {
        release_text(contents->arrays[i].name);
        release_text(contents->arrays[i].type);
    }
    for (size_t i = 0; i < contents->fact_count; i++) {
        release_text(contents->facts[i].key);
        release_text(contents->facts[i].value);
    }
    lam__release(contents->arrays);
    lam__release(contents->facts);
    lam__release(contents);
}
