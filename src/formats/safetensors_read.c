/* safetensors_read.c: reading tensors from a file that is not trusted. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/safetensors.h"
#include "lamina_features.h"

static const struct dtype_row {
    const char *name;
    size_t size;
} dtypes[LAM__ST_DTYPES] = {
#define LAM__ST_DTYPE_ROW(name, bytes) {#name, bytes},
    LAM__ST_DTYPE_LIST(LAM__ST_DTYPE_ROW)
#undef LAM__ST_DTYPE_ROW
};

const char *lam__st_dtype_name(lam__st_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t lam__st_dtype_size(lam__st_dtype dtype)
{
    return dtypes[dtype].size;
}

#if LAM__HAVE_JSON
#include <jansson.h>

#include "formats/json_text.h"

#define LAM__METADATA "__metadata__"

/* Bytes of memory that the parsed header may take for each byte of the whole file. */
enum { HEADER_PER_BYTE = 4 };

static uint64_t little_endian_64(const unsigned char *b)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | b[i];
    return value;
}

/* Reads length and text of the header. */
static lam_status read_header(const unsigned char *bytes, size_t size, lam__st_file *file)
{
    if (size < 8)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated: %zu bytes, a safetensors file begins with "
                         "8 bytes for the length of its header",
                         file->name, size);
    uint64_t length = little_endian_64(bytes);
    if (length > LAM__ST_HEADER_MOST)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: byte 0: a header of %" PRIu64 " bytes, at most %d "
                         "expected: not a safetensors file?",
                         file->name, length, LAM__ST_HEADER_MOST);
    if (length > size - 8)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated: byte 0: a header of %" PRIu64
                         " bytes, but only %zu follow",
                         file->name, length, size - 8);
    if (length == 0 || bytes[8] != '{')
        return lam__fail(LAM_ERR_FORMAT, "%s: byte 8: the header does not begin with '{'",
                         file->name);
    size_t values; /* the data count: a header of many tensors belongs to a file that holds them */
    if (!lam__json_fits((const char *)bytes + 8, (size_t)length, HEADER_PER_BYTE * (double)size,
                        &values))
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: malformed header: %zu values in %" PRIu64
                         " bytes take too much memory for a file of %zu bytes",
                         file->name, values, length, size);
    json_error_t error;
    file->header = lam__json_parse((const char *)bytes + 8, (size_t)length, &error);
    if (!file->header && json_error_code(&error) == json_error_out_of_memory)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: header of %s", file->name);
    if (!file->header)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %d: malformed header: %s", file->name,
                         8 + error.position, error.text);
    file->data_at = 8 + (size_t)length;
    file->data = bytes + file->data_at;
    file->data_size = size - file->data_at;
    return LAM_OK;
}

static lam_status check_metadata(const lam__st_file *file)
{
    json_t *metadata = json_object_get(file->header, LAM__METADATA);
    if (metadata && !json_is_object(metadata))
        return lam__fail(LAM_ERR_FORMAT, "%s: %s is not an object", file->name, LAM__METADATA);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return lam__fail(LAM_ERR_FORMAT, "%s: %s: '%s' is not a string", file->name,
                             LAM__METADATA, key);
    }
    return LAM_OK;
}

/* A JSON value as a size; false when it is anything else. */
static bool get_size(const json_t *value, size_t *size)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uintmax_t)json_integer_value(value) > SIZE_MAX)
        return false;
    *size = (size_t)json_integer_value(value);
    return true;
}

static lam_status fail_tensor(const lam__st_file *file, const char *name, const char *what)
{
    return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s': %s", file->name, name, what);
}

static lam_status read_dtype(const lam__st_file *file, const json_t *value, lam__st_tensor *tensor)
{
    const char *text = json_string_value(value);
    if (!text)
        return fail_tensor(file, tensor->name, "its dtype is missing or not a string");
    for (int i = 0; i < LAM__ST_DTYPES; i++)
        if (strcmp(text, dtypes[i].name) == 0) {
            tensor->dtype = (lam__st_dtype)i;
            return LAM_OK;
        }
    return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s': unknown dtype '%s'", file->name,
                     tensor->name, text);
}

/* Reads the shape; *bytes is what a tensor of it takes. */
static lam_status read_shape(const lam__st_file *file, const json_t *value, lam__st_tensor *tensor,
                             size_t *bytes)
{
    if (!json_is_array(value) || json_array_size(value) > LAM__ST_DIMENSIONS)
        return fail_tensor(file, tensor->name, "its shape is not a list of at most 8 sizes");
    tensor->rank = json_array_size(value);
    *bytes = dtypes[tensor->dtype].size;
    for (size_t i = 0; i < tensor->rank; i++) {
        if (!get_size(json_array_get(value, i), &tensor->shape[i]))
            return fail_tensor(file, tensor->name, "its shape has an entry that is no size");
        if (!lam__multiply(*bytes, tensor->shape[i], bytes))
            return fail_tensor(file, tensor->name,
                               "its shape asks for more bytes than can be "
                               "addressed");
    }
    return LAM_OK;
}

static lam_status read_tensor(const lam__st_file *file, const json_t *value, lam__st_tensor *tensor)
{
    size_t bytes;
    if (!json_is_object(value) || json_object_size(value) != 3)
        return fail_tensor(file, tensor->name, "expected exactly dtype, shape and data_offsets");
    LAM__TRY(read_dtype(file, json_object_get(value, "dtype"), tensor));
    LAM__TRY(read_shape(file, json_object_get(value, "shape"), tensor, &bytes));
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (json_array_size(offsets) != 2 || !get_size(json_array_get(offsets, 0), &tensor->begin) ||
        !get_size(json_array_get(offsets, 1), &tensor->end))
        return fail_tensor(file, tensor->name, "its data_offsets are not two sizes");
    if (tensor->begin > tensor->end || tensor->end > file->data_size)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: tensor '%s': data_offsets [%zu, %zu] do not lie in "
                         "the %zu bytes of data",
                         file->name, tensor->name, tensor->begin, tensor->end, file->data_size);
    tensor->at = file->data_at + tensor->begin;
    if (tensor->end - tensor->begin != bytes)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: tensor '%s': its shape takes %zu bytes, its "
                         "data_offsets [%zu, %zu] hold %zu",
                         file->name, tensor->name, bytes, tensor->begin, tensor->end,
                         tensor->end - tensor->begin);
    return LAM_OK;
}

static int by_place(const void *a, const void *b)
{
    const lam__st_tensor *p = a, *q = b;
    if (p->begin != q->begin)
        return p->begin < q->begin ? -1 : 1;
    return (p->end > q->end) - (p->end < q->end);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const lam__st_tensor *)a)->name, ((const lam__st_tensor *)b)->name);
}

/* The tensors must cover the data exactly, each byte once. Leaves them sorted by name. */
static lam_status check_places(lam__st_file *file)
{
    size_t at = 0;
    qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
    for (size_t i = 0; i < file->count; i++) {
        const lam__st_tensor *tensor = &file->tensors[i];
        if (tensor->begin != at)
            return lam__fail(LAM_ERR_FORMAT,
                             "%s: byte %zu: tensor '%s' begins %zu bytes %s the "
                             "end of the one before",
                             file->name, file->data_at + tensor->begin, tensor->name,
                             tensor->begin > at ? tensor->begin - at : at - tensor->begin,
                             tensor->begin > at ? "after" : "before");
        at = tensor->end;
    }
    if (at != file->data_size)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: %zu trailing bytes belong to no tensor",
                         file->name, file->data_at + at, file->data_size - at);
    qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
    return LAM_OK;
}

static lam_status read_tensors(lam__st_file *file)
{
    file->tensors = lam__allocate_zero(json_object_size(file->header), sizeof *file->tensors,
                                       "the list of tensors");
    if (!file->tensors)
        return LAM_ERR_MEMORY;
    const char *key;
    json_t *value;
    json_object_foreach(file->header, key, value)
    {
        if (strcmp(key, LAM__METADATA) == 0)
            continue;
        file->tensors[file->count].name = key;
        LAM__TRY(read_tensor(file, value, &file->tensors[file->count]));
        file->count++;
    }
    return check_places(file);
}

lam_status lam__st_parse(const void *bytes, size_t size, const char *name, lam__st_file *file)
{
    *file = (lam__st_file){.name = name};
    lam_status status = read_header(bytes, size, file);
    if (status == LAM_OK)
        status = check_metadata(file);
    if (status == LAM_OK)
        status = read_tensors(file);
    if (status != LAM_OK)
        lam__st_close(file);
    return status;
}

const char *lam__st_metadata(const lam__st_file *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, LAM__METADATA), key));
}

bool lam__st_metadata_at(const lam__st_file *file, size_t i, const char **key, const char **value)
{
    json_t *metadata = json_object_get(file->header, LAM__METADATA);
    void *at = json_object_iter(metadata);
    while (at && i-- > 0)
        at = json_object_iter_next(metadata, at);
    if (!at)
        return false;
    *key = json_object_iter_key(at);
    *value = json_string_value(json_object_iter_value(at));
    return true;
}

const lam__st_tensor *lam__st_find(const lam__st_file *file, const char *name)
{
    lam__st_tensor key = {.name = name};
    return bsearch(&key, file->tensors, file->count, sizeof key, by_name);
}

void lam__st_close(lam__st_file *file)
{
    lam__release(file->tensors);
    lam__release(file->kept);
    json_decref(file->header);
    *file = (lam__st_file){.name = NULL};
}
#else
lam_status lam__st_parse(const void *bytes, size_t size, const char *name, lam__st_file *file)
{
    (void)bytes, (void)size;
    *file = (lam__st_file){.name = name};
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "cannot read %s: this build of Lamina has no JSON "
                     "library (Jansson)",
                     name);
}

const char *lam__st_metadata(const lam__st_file *file, const char *key)
{
    (void)file, (void)key;
    return NULL;
}

bool lam__st_metadata_at(const lam__st_file *file, size_t i, const char **key, const char **value)
{
    (void)file, (void)i, (void)key, (void)value;
    return false;
}

const lam__st_tensor *lam__st_find(const lam__st_file *file, const char *name)
{
    (void)file, (void)name;
    return NULL;
}

void lam__st_close(lam__st_file *file)
{
    (void)file;
}
#endif

void lam__st_value(const lam__st_file *file, const lam__st_tensor *tensor, size_t i, float *value)
{
    const unsigned char *b = file->data + tensor->begin + 4 * i;
    const uint32_t word =
        (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    memcpy(value, &word, sizeof word);
}

void lam__st_floats(const lam__st_file *file, const lam__st_tensor *tensor, float *values,
                    size_t *bad)
{
    const size_t count = (tensor->end - tensor->begin) / 4;
    *bad = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        lam__st_value(file, tensor, i, &values[i]);
        if (!isfinite(values[i]) && *bad == SIZE_MAX)
            *bad = i;
    }
}
