/* hdf5_attributes.c: attributes that hold strings, of fixed or of variable length. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/keras/hdf5.h"

/* The parts of an attribute message. */
typedef struct attribute {
    const char *name;
    const unsigned char *type, *space, *data;
    size_t name_size, type_size, space_size, data_size;
} attribute;

/* Takes `size` bytes, padded to 8 in version 1; NULL when there are not as many. */
static const unsigned char *take(const unsigned char **p, size_t *left, size_t size, bool padded)
{
    const unsigned char *from = *p;
    size_t all = padded ? lam__round_up(size, 8) : size;
    if (size > *left)
        return NULL;
    all = all > *left ? *left : all;
    *p += all;
    *left -= all;
    return from;
}

static lam_status parse_attribute(lam__h5 *file, const lam__h5_message *message, attribute *a)
{
    const unsigned char *p = message->data;
    const uint64_t here = (uint64_t)(p - file->bytes);
    const unsigned version = message->size > 0 ? p[0] : 0;
    const size_t head = version == 3 ? 9 : 8;
    if (version < 1 || version > 3 || message->size < head)
        return lam__h5_damaged(file, here, "an unknown version of attribute");
    if (version > 1 && p[1] != 0)
        return lam__h5_damaged(file, here, "an attribute of a shared type: not supported");
    *a = (attribute){.name_size = (size_t)lam__h5_number(p + 2, 2),
                     .type_size = (size_t)lam__h5_number(p + 4, 2),
                     .space_size = (size_t)lam__h5_number(p + 6, 2)};
    size_t left = message->size - head;
    p += head;
    a->name = (const char *)take(&p, &left, a->name_size, version == 1);
    a->type = a->name ? take(&p, &left, a->type_size, version == 1) : NULL;
    a->space = a->type ? take(&p, &left, a->space_size, version == 1) : NULL;
    if (!a->space)
        return lam__h5_damaged(file, here, "an attribute that is too short");
    a->data = p;
    a->data_size = left;
    return LAM_OK;
}

static lam_status find_attribute(lam__h5 *file, uint64_t object, const char *name, attribute *found)
{
    lam__h5_walk walk;
    lam__h5_message message;
    const size_t length = strlen(name);
    LAM__TRY(lam__h5_walk_open(file, object, &walk));
    for (;;) {
        LAM__TRY(lam__h5_walk_next(file, &walk, &message));
        *found = (attribute){0};
        if (!message.data)
            return LAM_OK;
        if (message.type != LAM__H5_ATTRIBUTE || message.flags & 2)
            continue;
        LAM__TRY(parse_attribute(file, &message, found));
        if (found->name_size == length + 1 && memcmp(found->name, name, length) == 0)
            return LAM_OK;
    }
}

/* A string in a global heap: {length u32, address of the collection u64, index u32}. */
static lam_status heap_string(lam__h5 *file, const unsigned char *element,
                              const unsigned char **text, size_t *length)
{
    const uint64_t at = lam__h5_number(element + 4, 8), index = lam__h5_number(element + 12, 4);
    *length = (size_t)lam__h5_number(element, 4);
    *text = file->bytes;
    if (*length == 0)
        return LAM_OK;
    const unsigned char *p = lam__h5_span(file, at, 16, "a heap of strings");
    if (!p)
        return LAM_ERR_FORMAT;
    const uint64_t size = lam__h5_number(p + 8, 8);
    if (memcmp(p, "GCOL", 4) != 0 || !lam__h5_span(file, at, size, "a heap of strings"))
        return lam__h5_damaged(file, at, "not a heap of strings");
    for (uint64_t next = 16; next + 16 <= size;) {
        LAM__TRY(lam__h5_step(file));
        const uint64_t number = lam__h5_number(p + next, 2),
                       bytes = lam__h5_number(p + next + 8, 8);
        if (number == 0 || bytes > size - next - 16)
            break;
        if (number == index && *length <= bytes) {
            *text = p + next + 16;
            return LAM_OK;
        }
        next += 16 + lam__round_up((size_t)bytes, 8);
    }
    return lam__h5_damaged(file, at, "a string that is not in its heap");
}

enum { STRING = 3, VARIABLE = 9 };

typedef struct string_type {
    bool variable;
    size_t size; /* of an element */
} string_type;

static lam_status check_type(lam__h5 *file, const attribute *a, string_type *type)
{
    const uint64_t here = (uint64_t)(a->type - file->bytes);
    if (a->type_size < 8)
        return lam__h5_damaged(file, here, "a type that is too short");
    const unsigned class = a->type[0] & 15;
    type->variable = class == VARIABLE;
    type->size = (size_t)lam__h5_number(a->type + 4, 4);
    if ((class != STRING && class != VARIABLE) || (type->variable && (a->type[1] & 15) != 1))
        return lam__h5_damaged(file, here, "an attribute that should hold strings");
    if (type->size == 0 || (type->variable && type->size != 16))
        return lam__h5_damaged(file, here, "strings of an unlikely size");
    return LAM_OK;
}

/* String i, without the zeros behind it. */
static lam_status string_at(lam__h5 *file, const attribute *a, const string_type *type, size_t i,
                            const unsigned char **text, size_t *length)
{
    const unsigned char *element = a->data + i * type->size;
    *text = element;
    *length = type->size;
    if (type->variable)
        LAM__TRY(heap_string(file, element, text, length));
    const unsigned char *zero = memchr(*text, 0, *length);
    *length = zero ? (size_t)(zero - *text) : *length;
    return LAM_OK;
}

/* Strings may share their bytes in the heap: their sum is not the file's to choose. */
static lam_status measure(lam__h5 *file, const attribute *a, const string_type *type, size_t count,
                          size_t *total)
{
    const unsigned char *text;
    size_t length;
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        LAM__TRY(string_at(file, a, type, i, &text, &length));
        *total += length + 1;
        if (*total > 2 * file->size)
            return lam__h5_damaged(file, (uint64_t)(a->data - file->bytes),
                                   "strings that are longer than the file");
    }
    return LAM_OK;
}

static lam_status copy_strings(lam__h5 *file, const attribute *a, const string_type *type,
                               size_t count, char **strings)
{
    char *to = (char *)(strings + count);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *text;
        size_t length;
        LAM__TRY(string_at(file, a, type, i, &text, &length));
        strings[i] = to;
        memcpy(to, text, length);
        to[length] = '\0';
        to += length + 1;
    }
    return LAM_OK;
}

lam_status lam__h5_strings(lam__h5 *file, uint64_t object, const char *name, char ***strings,
                           size_t *count)
{
    attribute a;
    lam__h5_shape shape;
    string_type type = {0};
    size_t total;
    *strings = NULL;
    *count = 0;
    lam__h5_refill(file);
    LAM__TRY(find_attribute(file, object, name, &a));
    if (!a.name)
        return LAM_OK;
    LAM__TRY(lam__h5_dataspace(file, a.space, a.space_size, &shape));
    if (shape.count == 0)
        return LAM_OK;
    LAM__TRY(check_type(file, &a, &type));
    if (shape.count > a.data_size / type.size)
        return lam__h5_damaged(file, (uint64_t)(a.data - file->bytes),
                               "an attribute that is too short");
    LAM__TRY(measure(file, &a, &type, shape.count, &total));
    char **made = lam__allocate(shape.count * sizeof *made + total, 1, "names in an HDF5 file");
    if (!made)
        return LAM_ERR_MEMORY;
    lam__h5_refill(file);
    const lam_status status = copy_strings(file, &a, &type, shape.count, made);
    if (status != LAM_OK) {
        lam__release(made);
        return status;
    }
    *strings = made;
    *count = shape.count;
    return LAM_OK;
}
