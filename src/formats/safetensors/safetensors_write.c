/* safetensors_write.c: writing tensors to a file. */
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/safetensors/safetensors.h"
#include "io/checksum.h"
#include "io/file_write.h"
#include "lamina_features.h"

/* Floats converted at a time. */
#define LAM__ST_CHUNK 4096

size_t lam__st_entry_count(const lam__st_entry *entry)
{
    size_t count = 1;
    for (size_t i = 0; i < entry->rank; i++)
        count *= entry->shape[i];
    return count;
}

/* bytes[4 * count] = values as little-endian words, whatever the machine's own order. */
static void to_bytes(const float *values, size_t count, unsigned char *bytes)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, &values[i], sizeof word);
        for (int j = 0; j < 4; j++)
            bytes[4 * i + j] = (unsigned char)(word >> 8 * j);
    }
}

uint32_t lam__st_checksum(uint32_t crc, const lam__st_entry *entries, size_t count)
{
    unsigned char bytes[4 * LAM__ST_CHUNK];
    for (size_t i = 0; i < count; i++) {
        size_t left = lam__st_entry_count(&entries[i]);
        for (const float *from = entries[i].values; left > 0;) {
            size_t n = left < LAM__ST_CHUNK ? left : LAM__ST_CHUNK;
            to_bytes(from, n, bytes);
            crc = lam__crc32(crc, bytes, 4 * n);
            from += n;
            left -= n;
        }
    }
    return crc;
}

#if LAM__HAVE_JSON
#include "io/json/json_write.h"

/* The data begin at a multiple of this, for readers that map the file. */
#define LAM__ST_ALIGN 64

/* Adds a tensor whose data begin at `begin`; returns where they end. */
static size_t put_tensor(lam__json_out *out, const lam__st_label *label, size_t begin)
{
    size_t end = lam__st_dtype_size(label->dtype);
    lam__json_put(out, ",");
    lam__json_put_string(out, label->name);
    lam__json_put(out, ":{\"dtype\":\"");
    lam__json_put(out, lam__st_dtype_name(label->dtype));
    lam__json_put(out, "\",\"shape\":[");
    for (size_t i = 0; i < label->rank; i++) {
        lam__json_put(out, i ? "," : "");
        lam__json_put_size(out, label->shape[i]);
        end *= label->shape[i];
    }
    end += begin;
    lam__json_put(out, "],\"data_offsets\":[");
    lam__json_put_size(out, begin);
    lam__json_put(out, ",");
    lam__json_put_size(out, end);
    lam__json_put(out, "]}");
    return end;
}

static void put_header(lam__json_out *out, const lam__st_header *header)
{
    lam__json_put(out, "{\"__metadata__\":{");
    for (size_t i = 0; i < header->pair_count; i++) {
        lam__json_put(out, i ? "," : "");
        lam__json_put_string(out, header->pairs[i].key);
        lam__json_put(out, ":");
        lam__json_put_string(out, header->pairs[i].value);
    }
    lam__json_put(out, "}");
    lam__st_label label;
    for (size_t i = 0, begin = 0; header->label(header->of, i, &label); i++)
        begin = put_tensor(out, &label, begin);
    lam__json_put(out, "}");
}

/* Length of the JSON, and size of it with what stands around. */
static lam_status measure(const lam__st_header *header, size_t *length, size_t *size)
{
    lam__json_out out = {.text = NULL};
    put_header(&out, header);
    *length = out.length;
    *size = lam__round_up(8 + *length, LAM__ST_ALIGN);
    if (out.failed)
        return lam__fail(LAM_ERR_ARGUMENT, "the header of %s: a text is not UTF-8", header->what);
    if (*size - 8 <= LAM__ST_HEADER_MOST)
        return LAM_OK;
    return lam__fail(LAM_ERR_ARGUMENT,
                     "%s cannot hold the description: it takes %zu bytes, names included, "
                     "at most %d can be read back",
                     header->what, *length, LAM__ST_HEADER_MOST);
}

lam_status lam__st_make_header(const lam__st_header *header, unsigned char **bytes, size_t *size)
{
    size_t length;
    LAM__TRY(measure(header, &length, size));
    *bytes = lam__allocate(*size, 1, "the header of a file");
    if (!*bytes)
        return LAM_ERR_MEMORY;
    for (int i = 0; i < 8; i++)
        (*bytes)[i] = (unsigned char)((uint64_t)(*size - 8) >> 8 * i);
    lam__json_out out = {.text = (char *)*bytes + 8};
    put_header(&out, header);
    memset(*bytes + 8 + length, ' ', *size - 8 - length);
    return LAM_OK;
}

/* The entries of a model file, as what its header is made from. */
typedef struct entry_list {
    const lam__st_entry *entries; /* [count] */
    size_t count;
} entry_list;

static bool entry_label(const void *of, size_t i, lam__st_label *label)
{
    const entry_list *list = of;
    if (i >= list->count)
        return false;
    const lam__st_entry *entry = &list->entries[i];
    *label = (lam__st_label){.dtype = LAM__ST_F32, .rank = entry->rank};
    memcpy(label->name, entry->name, sizeof entry->name);
    memcpy(label->shape, entry->shape, sizeof entry->shape);
    return true;
}

static lam__st_header header_of(const lam__st_pair *pairs, size_t pair_count,
                                const entry_list *entries)
{
    return (lam__st_header){"a model file", pairs, pair_count, entry_label, entries};
}

static lam_status write_data(lam__file_writer *writer, const lam__st_entry *entry)
{
    unsigned char bytes[4 * LAM__ST_CHUNK];
    const float *from = entry->values;
    for (size_t left = lam__st_entry_count(entry); left > 0;) {
        size_t n = left < LAM__ST_CHUNK ? left : LAM__ST_CHUNK;
        to_bytes(from, n, bytes);
        LAM__TRY(lam__file_write(writer, bytes, 4 * n));
        from += n;
        left -= n;
    }
    return LAM_OK;
}

static lam_status write_file(const char *path, const unsigned char *header, size_t header_size,
                             const lam__st_entry *entries, size_t count)
{
    lam__file_writer writer;
    LAM__TRY(lam__file_write_open(&writer, path));
    lam_status status = lam__file_write(&writer, header, header_size);
    for (size_t i = 0; i < count && status == LAM_OK; i++)
        status = write_data(&writer, &entries[i]);
    if (status == LAM_OK)
        return lam__file_write_commit(&writer);
    lam__file_write_abandon(&writer);
    return status;
}

lam_status lam__st_check(const lam__st_pair *pairs, size_t pair_count, const lam__st_entry *entries,
                         size_t count)
{
    const entry_list list = {entries, count};
    const lam__st_header parts = header_of(pairs, pair_count, &list);
    size_t length, size;
    return measure(&parts, &length, &size);
}

lam_status lam__st_write(const char *path, const lam__st_pair *pairs, size_t pair_count,
                         const lam__st_entry *entries, size_t count)
{
    const entry_list list = {entries, count};
    const lam__st_header parts = header_of(pairs, pair_count, &list);
    unsigned char *header = NULL;
    size_t size = 0;
    LAM__TRY(lam__st_make_header(&parts, &header, &size));
    const lam_status status = write_file(path, header, size, entries, count);
    lam__release(header);
    return status;
}

lam_status lam__st_write_memory(void *buffer, size_t size, size_t *needed,
                                const lam__st_pair *pairs, size_t pair_count,
                                const lam__st_entry *entries, size_t count)
{
    const entry_list list = {entries, count};
    const lam__st_header parts = header_of(pairs, pair_count, &list);
    unsigned char *header = NULL, *to = buffer;
    size_t header_size = 0;
    LAM__TRY(lam__st_make_header(&parts, &header, &header_size));
    *needed = header_size;
    for (size_t i = 0; i < count; i++)
        *needed += 4 * lam__st_entry_count(&entries[i]);
    if (size >= *needed) {
        memcpy(to, header, header_size);
        to += header_size;
        for (size_t i = 0; i < count; i++) {
            const size_t floats = lam__st_entry_count(&entries[i]);
            to_bytes(entries[i].values, floats, to);
            to += 4 * floats;
        }
    }
    lam__release(header);
    return LAM_OK;
}
#else
lam_status lam__st_make_header(const lam__st_header *header, unsigned char **bytes, size_t *size)
{
    (void)bytes, (void)size;
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "cannot write %s: this build of Lamina has no JSON library (Jansson)",
                     header->what);
}

lam_status lam__st_write_memory(void *buffer, size_t size, size_t *needed,
                                const lam__st_pair *pairs, size_t pair_count,
                                const lam__st_entry *entries, size_t count)
{
    (void)buffer, (void)size, (void)needed;
    return lam__st_write("a model", pairs, pair_count, entries, count);
}

lam_status lam__st_check(const lam__st_pair *pairs, size_t pair_count, const lam__st_entry *entries,
                         size_t count)
{
    (void)pairs, (void)pair_count, (void)entries, (void)count;
    return lam__fail(LAM_ERR_UNSUPPORTED, "this build of Lamina writes no model files: it has no "
                                          "JSON library (Jansson)");
}

lam_status lam__st_write(const char *path, const lam__st_pair *pairs, size_t pair_count,
                         const lam__st_entry *entries, size_t count)
{
    (void)pairs, (void)pair_count, (void)entries, (void)count;
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "cannot write %s: this build of Lamina has no JSON "
                     "library (Jansson)",
                     path);
}
#endif
