/* safetensors_read.c: reading tensors from a file that is not trusted. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/safetensors/safetensors.h"
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

static int by_name(const void *a, const void *b)
{
    return strcmp(((const lam__st_tensor *)a)->name, ((const lam__st_tensor *)b)->name);
}

#if LAM__HAVE_JSON
#include "io/json/json_walk.h"

#define LAM__METADATA "__metadata__"

static uint64_t little_endian_64(const unsigned char *b)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | b[i];
    return value;
}

/* Finds the text of the header, after its length. */
static lam_status find_header(const unsigned char *bytes, size_t size, lam__st_file *file,
                              lam__json_piece *header)
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
    *header = (lam__json_piece){(const char *)bytes + 8, (size_t)length};
    file->data_at = 8 + (size_t)length;
    file->data = bytes + file->data_at;
    file->data_size = size - file->data_at;
    return LAM_OK;
}

static lam_status fail_header(const lam__st_file *file, lam__json_piece header, const char *at,
                              const char *what)
{
    return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: malformed header: %s", file->name,
                     8 + (size_t)(at - header.text), what);
}

/* What a header has, counted before anything is allocated for it. */
typedef struct header_sizes {
    lam__json_piece metadata; /* the object; none: text is NULL */
    size_t tensors, pairs, text;
} header_sizes;

/* Counts a member with the texts that are kept: its key, and of metadata the value. */
static lam_status count_member(const lam__st_file *file, size_t *members, const char *what)
{
    if (++*members <= LAM__ST_MEMBERS_MOST)
        return LAM_OK;
    return lam__fail(LAM_ERR_FORMAT, "%s: more than %d %s", file->name, LAM__ST_MEMBERS_MOST, what);
}

static lam_status count_pairs(const lam__st_file *file, lam__json_piece header, header_sizes *sizes)
{
    lam__json_walk walk;
    lam__json_piece key, value;
    if (!sizes->metadata.text)
        return LAM_OK;
    if (!lam__json_enter(sizes->metadata, '{', &walk))
        return lam__fail(LAM_ERR_FORMAT, "%s: %s is not an object", file->name, LAM__METADATA);
    while (lam__json_next(&walk, &key, &value)) {
        LAM__TRY(count_member(file, &sizes->pairs, "pairs of " LAM__METADATA));
        if (!lam__json_is_string(value))
            return lam__fail(LAM_ERR_FORMAT, "%s: %s: '%.*s' is not a string", file->name,
                             LAM__METADATA, (int)(key.length < 66 ? key.length - 2 : 64),
                             key.text + 1);
        sizes->text += lam__json_string_room(key) + lam__json_string_room(value);
    }
    return walk.error ? fail_header(file, header, walk.at, walk.error) : LAM_OK;
}

static lam_status count_header(const lam__st_file *file, lam__json_piece header,
                               header_sizes *sizes)
{
    lam__json_walk walk;
    lam__json_piece key, value;
    if (!lam__json_enter(header, '{', &walk))
        return fail_header(file, header, header.text, "'{' expected");
    while (lam__json_next(&walk, &key, &value)) {
        if (!lam__json_says(key, LAM__METADATA)) {
            LAM__TRY(count_member(file, &sizes->tensors, "tensors"));
            sizes->text += lam__json_string_room(key);
        } else if (sizes->metadata.text) {
            return fail_header(file, header, key.text, "duplicate key \"" LAM__METADATA "\"");
        } else {
            sizes->metadata = value;
        }
    }
    if (walk.error)
        return fail_header(file, header, walk.at, walk.error);
    return count_pairs(file, header, sizes);
}

/* The string that a piece is, kept with the file; *room is where the next one goes. */
static lam_status take_text(const lam__st_file *file, lam__json_piece header, lam__json_piece piece,
                            char **room, const char **text)
{
    size_t length;
    const char *error = lam__json_string(piece, *room, &length);
    if (error)
        return fail_header(file, header, piece.text, error);
    *text = *room;
    *room += length + 1;
    return LAM_OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const lam__st_pair *const *)a)->key, (*(const lam__st_pair *const *)b)->key);
}

/* No key of the metadata may occur twice. */
static lam_status check_keys(const lam__st_file *file)
{
    const lam__st_pair **sorted =
        lam__allocate(file->pair_count, sizeof *sorted, "the metadata of a file");
    if (!sorted)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < file->pair_count; i++)
        sorted[i] = &file->pairs[i];
    if (file->pair_count > 1)
        qsort(sorted, file->pair_count, sizeof *sorted, by_key);
    lam_status status = LAM_OK;
    for (size_t i = 1; i < file->pair_count && status == LAM_OK; i++)
        if (by_key(&sorted[i - 1], &sorted[i]) == 0)
            status =
                lam__fail(LAM_ERR_FORMAT, "%s: malformed header: duplicate key \"%.64s\" of %s",
                          file->name, sorted[i]->key, LAM__METADATA);
    lam__release(sorted);
    return status;
}

/* The pairs of the metadata, whose form has been checked by count_pairs. */
static lam_status read_pairs(lam__st_file *file, lam__json_piece header, lam__json_piece metadata,
                             char **room)
{
    lam__json_walk walk;
    lam__json_piece key, value;
    if (!metadata.text || !lam__json_enter(metadata, '{', &walk))
        return LAM_OK;
    while (lam__json_next(&walk, &key, &value)) {
        lam__st_pair *pair = &file->pairs[file->pair_count];
        LAM__TRY(take_text(file, header, key, room, &pair->key));
        LAM__TRY(take_text(file, header, value, room, &pair->value));
        file->pair_count++;
    }
    return check_keys(file);
}

static lam_status fail_tensor(const lam__st_file *file, const char *name, const char *what)
{
    return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s': %s", file->name, name, what);
}

static lam_status read_dtype(const lam__st_file *file, lam__json_piece value,
                             lam__st_tensor *tensor)
{
    if (!lam__json_is_string(value))
        return fail_tensor(file, tensor->name, "its dtype is missing or not a string");
    for (int i = 0; i < LAM__ST_DTYPES; i++)
        if (lam__json_says(value, dtypes[i].name)) {
            tensor->dtype = (lam__st_dtype)i;
            return LAM_OK;
        }
    return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s': unknown dtype '%.*s'", file->name,
                     tensor->name, (int)(value.length < 66 ? value.length - 2 : 64),
                     value.text + 1);
}

/* Reads the shape; *bytes is what a tensor of it takes. */
static lam_status read_shape(const lam__st_file *file, lam__json_piece value,
                             lam__st_tensor *tensor, size_t *bytes)
{
    lam__json_walk walk;
    lam__json_piece key, size;
    bool list = lam__json_enter(value, '[', &walk);
    *bytes = dtypes[tensor->dtype].size;
    while (list && lam__json_next(&walk, &key, &size)) {
        if (!(list = tensor->rank < LAM__ST_DIMENSIONS))
            break;
        if (!lam__json_size(size, &tensor->shape[tensor->rank]))
            return fail_tensor(file, tensor->name, "its shape has an entry that is not a size");
        if (!lam__multiply(*bytes, tensor->shape[tensor->rank++], bytes))
            return fail_tensor(file, tensor->name,
                               "its shape asks for more bytes than can be "
                               "addressed");
    }
    if (list && !walk.error)
        return LAM_OK;
    return fail_tensor(file, tensor->name, "its shape is not a list of at most 8 sizes");
}

static bool read_offsets(lam__json_piece value, lam__st_tensor *tensor)
{
    lam__json_walk walk;
    lam__json_piece key, begin, end, more;
    return lam__json_enter(value, '[', &walk) && lam__json_next(&walk, &key, &begin) &&
           lam__json_next(&walk, &key, &end) && !lam__json_next(&walk, &key, &more) &&
           !walk.error && lam__json_size(begin, &tensor->begin) &&
           lam__json_size(end, &tensor->end);
}

/* Finds the three members a tensor has, and no other. */
static lam_status find_members(const lam__st_file *file, lam__json_piece header,
                               lam__json_piece value, const char *name, lam__json_piece found[3])
{
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    lam__json_walk walk;
    lam__json_piece key, member;
    size_t members = 0;
    bool object = lam__json_enter(value, '{', &walk);
    while (object && lam__json_next(&walk, &key, &member)) {
        for (size_t i = 0; i < 3; i++) {
            if (!lam__json_says(key, keys[i]))
                continue;
            if (found[i].text)
                return fail_header(file, header, key.text, "duplicate key of a tensor");
            found[i] = member;
        }
        object = ++members <= 3;
    }
    if (object && walk.error)
        return fail_header(file, header, walk.at, walk.error);
    if (object && members == 3)
        return LAM_OK;
    return fail_tensor(file, name, "expected exactly dtype, shape and data_offsets");
}

static lam_status read_tensor(const lam__st_file *file, lam__json_piece header,
                              lam__json_piece value, lam__st_tensor *tensor)
{
    lam__json_piece members[3] = {{NULL, 0}};
    size_t bytes;
    LAM__TRY(find_members(file, header, value, tensor->name, members));
    LAM__TRY(read_dtype(file, members[0], tensor));
    LAM__TRY(read_shape(file, members[1], tensor, &bytes));
    if (!read_offsets(members[2], tensor))
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
    return LAM_OK;
}

/* Sorts by name, which must differ. */
static lam_status check_names(lam__st_file *file)
{
    qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
    for (size_t i = 1; i < file->count; i++)
        if (by_name(&file->tensors[i - 1], &file->tensors[i]) == 0)
            return lam__fail(LAM_ERR_FORMAT, "%s: malformed header: duplicate tensor '%.64s'",
                             file->name, file->tensors[i].name);
    return LAM_OK;
}

static lam_status read_tensors(lam__st_file *file, lam__json_piece header, char **room)
{
    lam__json_walk walk;
    lam__json_piece key, value;
    if (!lam__json_enter(header, '{', &walk))
        return LAM_ERR_FORMAT; /* count_header has been there */
    while (lam__json_next(&walk, &key, &value)) {
        lam__st_tensor *tensor = &file->tensors[file->count];
        if (lam__json_says(key, LAM__METADATA))
            continue;
        LAM__TRY(take_text(file, header, key, room, &tensor->name));
        LAM__TRY(read_tensor(file, header, value, tensor));
        file->count++;
    }
    LAM__TRY(check_names(file));
    LAM__TRY(check_places(file));
    qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
    return LAM_OK;
}

/* The header is gone over twice: what it has is counted, so that each list is allocated once. */
static lam_status read_header(const void *bytes, size_t size, lam__st_file *file)
{
    lam__json_piece header;
    header_sizes sizes = {.tensors = 0};
    LAM__TRY(find_header(bytes, size, file, &header));
    LAM__TRY(count_header(file, header, &sizes));
    file->tensors = lam__allocate_zero(sizes.tensors, sizeof *file->tensors, "the list of tensors");
    file->pairs = lam__allocate_zero(sizes.pairs, sizeof *file->pairs, "the metadata of a file");
    file->texts = lam__allocate(sizes.text, 1, "the header of a file");
    if (!file->tensors || !file->pairs || !file->texts)
        return LAM_ERR_MEMORY;
    char *room = file->texts;
    LAM__TRY(read_pairs(file, header, sizes.metadata, &room));
    return read_tensors(file, header, &room);
}

lam_status lam__st_parse(const void *bytes, size_t size, const char *name, lam__st_file *file)
{
    *file = (lam__st_file){.name = name};
    const lam_status status = read_header(bytes, size, file);
    if (status != LAM_OK)
        lam__st_close(file);
    return status;
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
#endif

const char *lam__st_metadata(const lam__st_file *file, const char *key)
{
    for (size_t i = 0; i < file->pair_count; i++)
        if (strcmp(file->pairs[i].key, key) == 0)
            return file->pairs[i].value;
    return NULL;
}

bool lam__st_metadata_at(const lam__st_file *file, size_t i, const char **key, const char **value)
{
    if (i >= file->pair_count)
        return false;
    *key = file->pairs[i].key;
    *value = file->pairs[i].value;
    return true;
}

const lam__st_tensor *lam__st_find(const lam__st_file *file, const char *name)
{
    lam__st_tensor key = {.name = name};
    return file->count ? bsearch(&key, file->tensors, file->count, sizeof key, by_name) : NULL;
}

void lam__st_close(lam__st_file *file)
{
    lam__release(file->tensors);
    lam__release(file->pairs);
    lam__release(file->texts);
    lam__release(file->kept);
    if (file->on_disk)
        close(file->descriptor);
    *file = (lam__st_file){.name = NULL};
}

/* The float that stands at b, little-endian, to the bit. */
static float float_at(const unsigned char *b)
{
    const uint32_t word =
        (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

void lam__st_value(const lam__st_file *file, const lam__st_tensor *tensor, size_t i, float *value)
{
    *value = float_at(file->data + tensor->begin + 4 * i);
}

lam_status lam__st_floats(const lam__st_file *file, const lam__st_tensor *tensor, float *values,
                          size_t *bad)
{
    const size_t bytes = tensor->end - tensor->begin, count = bytes / 4;
    const unsigned char *from = file->on_disk ? NULL : file->data + tensor->begin;
    *bad = SIZE_MAX;
    if (file->on_disk) { /* converted in place */
        LAM__TRY(lam__st_read(file, values, bytes, tensor->at));
        from = (const unsigned char *)values;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = float_at(from + 4 * i);
        if (!isfinite(values[i]) && *bad == SIZE_MAX)
            *bad = i;
    }
    return LAM_OK;
}
