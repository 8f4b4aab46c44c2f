/* hdf5_values.c: datasets of floats: compact, contiguous, or in chunks. */
#include <math.h>
#include <string.h>

#include "lamina_features.h"

#include "base/error.h"
#include "base/float16.h"
#include "base/memory.h"
#include "formats/keras/hdf5.h"
#if LAM__HAVE_GZIP
#define ZLIB_CONST /* next_in becomes const */
#include <zlib.h>
#endif

lam_status lam__h5_dataspace(const lam__h5 *file, const unsigned char *data, size_t size,
                             lam__h5_shape *shape)
{
    const uint64_t here = (uint64_t)(data - file->bytes);
    *shape = (lam__h5_shape){.count = 1};
    if (size < 4 || data[0] < 1 || data[0] > 2)
        return lam__h5_damaged(file, here, "not the shape of a dataset");
    const size_t head = data[0] == 1 ? 8 : 4, rank = data[1];
    if (rank > LAM__H5_RANK_MOST)
        return lam__h5_damaged(file, here, "more than 4 dimensions: not supported");
    if (size < head + 8 * rank)
        return lam__h5_damaged(file, here, "a shape that is too short");
    if (data[0] == 2 && data[3] == 2) /* "null": no value at all */
        shape->count = 0;
    shape->rank = rank;
    for (size_t i = 0; i < rank; i++) {
        shape->dims[i] = lam__h5_number(data + head + 8 * i, 8);
        if (shape->dims[i] > SIZE_MAX / 16 ||
            !lam__multiply(shape->count, (size_t)shape->dims[i], &shape->count))
            return lam__h5_damaged(file, here, "a shape too large to address");
    }
    return LAM_OK;
}

/* What is known of a dataset before its values are read. */
typedef struct dataset {
    lam__h5_shape shape;
    size_t item; /* bytes of a value: 2, 4 or 8 */
    lam__h5_message layout, filters;
    const char *where;
} dataset;

/* IEEE 754, little-endian: the places of exponent and mantissa tell the width. */
static lam_status check_type(lam__h5 *file, const lam__h5_message *type, dataset *d)
{
    static const struct {
        size_t size;
        unsigned char exponent_at, exponent, mantissa;
        unsigned bias;
    } known[] = {{2, 10, 5, 10, 15}, {4, 23, 8, 23, 127}, {8, 52, 11, 52, 1023}};
    const unsigned char *p = type->data;
    d->item = 0;
    for (size_t i = 0; type->size >= 20 && i < sizeof known / sizeof *known; i++)
        if ((p[0] & 15) == 1 && (p[1] & 0x41) == 0 && p[2] == 8 * known[i].size - 1 &&
            lam__h5_number(p + 4, 4) == known[i].size && lam__h5_number(p + 8, 2) == 0 &&
            lam__h5_number(p + 10, 2) == 8 * known[i].size && p[12] == known[i].exponent_at &&
            p[13] == known[i].exponent && p[14] == 0 && p[15] == known[i].mantissa &&
            lam__h5_number(p + 16, 4) == known[i].bias)
            d->item = known[i].size;
    if (d->item == 0)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: %s: its values are not little-endian floats of 16, 32 or 64 bits",
                         file->name, d->where);
    return LAM_OK;
}

static lam_status describe(lam__h5 *file, uint64_t object, dataset *d)
{
    lam__h5_message space, type, external;
    LAM__TRY(lam__h5_message_of(file, object, LAM__H5_DATASPACE, &space));
    LAM__TRY(lam__h5_message_of(file, object, LAM__H5_DATATYPE, &type));
    LAM__TRY(lam__h5_message_of(file, object, LAM__H5_LAYOUT, &d->layout));
    LAM__TRY(lam__h5_message_of(file, object, LAM__H5_FILTERS, &d->filters));
    LAM__TRY(lam__h5_message_of(file, object, LAM__H5_EXTERNAL, &external));
    if (!space.data || !type.data || !d->layout.data)
        return lam__fail(LAM_ERR_FORMAT, "%s: %s: no dataset", file->name, d->where);
    if (external.data)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: %s: its values are in another file: not supported", file->name,
                         d->where);
    LAM__TRY(lam__h5_dataspace(file, space.data, space.size, &d->shape));
    return check_type(file, &type, d);
}

static float value_at(const unsigned char *p, size_t item)
{
    const uint64_t bits = lam__h5_number(p, item);
    if (item == 2)
        return lam__from_float16((uint16_t)bits);
    if (item == 4) {
        const uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

static lam_status allocate_values(const dataset *d, float **values)
{
    *values = lam__allocate(d->shape.count, sizeof **values, "the values of a dataset");
    return *values ? LAM_OK : LAM_ERR_MEMORY;
}

/* All values one after another at `p`, `size` bytes. */
static lam_status read_whole(lam__h5 *file, const dataset *d, uint64_t at, uint64_t size,
                             float **values)
{
    size_t bytes;
    if (!lam__multiply(d->shape.count, d->item, &bytes) || bytes != size)
        return lam__fail(LAM_ERR_FORMAT, "%s: %s: %zu values of %zu bytes in %llu bytes",
                         file->name, d->where, d->shape.count, d->item, (unsigned long long)size);
    const unsigned char *p = bytes ? lam__h5_span(file, at, bytes, d->where) : file->bytes;
    if (!p)
        return LAM_ERR_FORMAT;
    LAM__TRY(allocate_values(d, values));
    for (size_t i = 0; i < d->shape.count; i++)
        (*values)[i] = value_at(p + i * d->item, d->item);
    return LAM_OK;
}

/* What happened to a chunk's bytes, in the order of writing. */
enum { GZIP = 1, SHUFFLE = 2, FILTERS_MOST = 4 };

typedef struct chunks {
    const dataset *d;
    size_t rank, chunk_values, left; /* left: chunks still to come */
    uint64_t dims[LAM__H5_RANK_MOST];
    size_t filters;
    unsigned filter[FILTERS_MOST];
    unsigned char *plain; /* [chunk_values * item] where chunks are packed */
    float *values;        /* NULL: only look whether all chunks are there and unpack */
} chunks;

/* Chunks and values of so many bytes get their memory at once, and twice as many as the file has.
 * For more, all chunks are unpacked to nowhere first. */
#define LAM__H5_UNSEEN ((size_t)8 << 20)

/* Version 1 pads the names of filters and their numbers, version 2 has no names for ours. */
static lam_status list_filters(lam__h5 *file, chunks *c)
{
    const lam__h5_message *message = &c->d->filters;
    if (!message->data)
        return LAM_OK;
    const uint64_t here = (uint64_t)(message->data - file->bytes);
    if (message->size < 2 || message->data[0] < 1 || message->data[0] > 2 ||
        message->data[1] > FILTERS_MOST)
        return lam__h5_damaged(file, here, "not a list of filters");
    const bool first = message->data[0] == 1;
    size_t at = first ? 8 : 2;
    c->filters = message->data[1];
    for (size_t i = 0; i < c->filters; i++) {
        const unsigned char *p = message->data + at;
        if (message->size < at || message->size - at < 8)
            return lam__h5_damaged(file, here, "a list of filters that is too short");
        c->filter[i] = (unsigned)lam__h5_number(p, 2);
        if (c->filter[i] != GZIP && c->filter[i] != SHUFFLE)
            return lam__fail(LAM_ERR_UNSUPPORTED, "%s: %s: packed by filter %u: not supported",
                             file->name, c->d->where, c->filter[i]);
        if (c->filter[i] == SHUFFLE ? i > 0 : i > 0 && c->filter[i - 1] == GZIP)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: %s: packed by filters other than a shuffle and then gzip: not "
                             "supported",
                             file->name, c->d->where);
        const size_t name = first ? lam__round_up((size_t)lam__h5_number(p + 2, 2), 8) : 0;
        const size_t numbers = (size_t)lam__h5_number(p + (first ? 6 : 4), 2);
        at += (first ? 8 : 6) + name + 4 * (first ? lam__round_up(numbers, 2) : numbers);
    }
    return LAM_OK;
}

#if LAM__HAVE_GZIP
/* Whether bytes unpack to exactly `expected`, which are dropped where `to` is NULL. */
static bool inflate_all(const unsigned char *from, size_t size, unsigned char *to, size_t expected)
{
    unsigned char dropped[16384];
    size_t got = 0;
    int result = Z_OK;
    z_stream z = {.next_in = from, .avail_in = (uInt)size};
    if (size > UINT32_MAX || inflateInit(&z) != Z_OK)
        return false;
    while (result == Z_OK && got <= expected) {
        const size_t left = expected - got;
        const size_t room = to && left > 0 && left < UINT32_MAX ? left : sizeof dropped;
        /* cppcheck-suppress legacyUninitvar ; inflate writes there */
        z.next_out = to && left > 0 ? to + got : dropped;
        z.avail_out = (uInt)room;
        result = inflate(&z, Z_NO_FLUSH);
        got += room - z.avail_out;
    }
    inflateEnd(&z);
    return result == Z_STREAM_END && got == expected;
}
#endif

static lam_status inflate_chunk(lam__h5 *file, const chunks *c, const unsigned char *from,
                                size_t size, size_t expected)
{
#if LAM__HAVE_GZIP
    if (!inflate_all(from, size, c->plain, expected))
        return lam__fail(LAM_ERR_FORMAT, "%s: %s: a chunk at byte %zu does not unpack to %zu bytes",
                         file->name, c->d->where, (size_t)(from - file->bytes), expected);
    return LAM_OK;
#else
    (void)from, (void)size, (void)expected;
    return lam__fail(LAM_ERR_UNSUPPORTED, "%s: %s: gzipped, and this build of Lamina has no zlib",
                     file->name, c->d->where);
#endif
}

/* Leaves the chunk's plain bytes in *p, or *shuffled ones: byte b of all values together. Filters
 * are undone from the last to the first. */
static lam_status unpack_chunk(lam__h5 *file, const chunks *c, uint64_t size, unsigned mask,
                               const unsigned char **p, bool *shuffled)
{
    const size_t expected = c->chunk_values * c->d->item;
    *shuffled = false;
    for (size_t i = c->filters; i-- > 0;) {
        if (mask >> i & 1)
            continue;
        if (c->filter[i] == SHUFFLE) {
            *shuffled = true;
            continue;
        }
        LAM__TRY(inflate_chunk(file, c, *p, (size_t)size, expected));
        *p = c->plain;
        size = expected;
    }
    if (size != expected)
        return lam__fail(LAM_ERR_FORMAT, "%s: %s: a chunk should have %zu bytes", file->name,
                         c->d->where, expected);
    return LAM_OK;
}

static float chunk_value(const chunks *c, const unsigned char *p, bool shuffled, size_t k)
{
    const size_t item = c->d->item;
    unsigned char bytes[8];
    if (!shuffled)
        return value_at(p + k * item, item);
    for (size_t b = 0; b < item; b++)
        bytes[b] = p[b * c->chunk_values + k];
    return value_at(bytes, item);
}

/* Puts a chunk where its corner says; what lies beyond the dataset's edge is padding. */
static lam_status place_chunk(lam__h5 *file, chunks *c, const unsigned char *key, uint64_t address)
{
    const lam__h5_shape *shape = &c->d->shape;
    const uint64_t size = lam__h5_number(key, 4);
    uint64_t corner[LAM__H5_RANK_MOST];
    const unsigned char *p = lam__h5_span(file, address, size, "a chunk");
    if (!p)
        return LAM_ERR_FORMAT;
    for (size_t i = 0; i < c->rank; i++) {
        corner[i] = lam__h5_number(key + 8 + 8 * i, 8);
        if (corner[i] >= shape->dims[i] || corner[i] % c->dims[i] != 0)
            return lam__h5_damaged(file, address, "a misplaced chunk");
    }
    if (c->left == 0)
        return lam__h5_damaged(file, address, "more chunks than the dataset has");
    c->left--;
    bool shuffled;
    LAM__TRY(unpack_chunk(file, c, size, (unsigned)lam__h5_number(key + 4, 4), &p, &shuffled));
    for (size_t k = 0; c->values && k < c->chunk_values; k++) {
        size_t rest = k, at = 0, stride = 1;
        bool inside = true;
        for (size_t i = c->rank; i-- > 0;) {
            const uint64_t place = corner[i] + rest % c->dims[i];
            inside = inside && place < shape->dims[i];
            rest /= (size_t)c->dims[i];
            at += (size_t)place * stride;
            stride *= (size_t)shape->dims[i];
        }
        if (inside)
            c->values[at] = chunk_value(c, p, shuffled, k);
    }
    return LAM_OK;
}

static lam_status walk_chunks(lam__h5 *file, chunks *c, uint64_t at, unsigned most)
{
    const size_t key = 8 + 8 * (c->rank + 1);
    LAM__TRY(lam__h5_step(file));
    const unsigned char *p = lam__h5_span(file, at, 24, "an index of chunks");
    if (!p)
        return LAM_ERR_FORMAT;
    const unsigned level = p[5];
    const size_t count = (size_t)lam__h5_number(p + 6, 2);
    if (memcmp(p, "TREE", 4) != 0 || p[4] != 1 || level > most)
        return lam__h5_damaged(file, at, "not an index of chunks");
    p = lam__h5_span(file, at + 24, count * (key + 8), "an index of chunks");
    if (!p)
        return LAM_ERR_FORMAT;
    for (size_t i = 0; i < count; i++, p += key + 8) {
        const uint64_t child = lam__h5_number(p + key, 8);
        if (level > 0)
            LAM__TRY(walk_chunks(file, c, child, level - 1));
        else
            LAM__TRY(place_chunk(file, c, p, child));
    }
    return LAM_OK;
}

/* Sizes of a chunk and their number, all bounded before memory is taken: a gzipped chunk may be
 * smaller than what it unpacks to, but a network whose weights shrink so far is not worth reading.
 */
static lam_status size_chunks(lam__h5 *file, chunks *c)
{
    const lam__h5_shape *shape = &c->d->shape;
    const unsigned char *p = c->d->layout.data;
    const uint64_t most = 2 * (uint64_t)file->size + (64u << 20);
    c->rank = shape->rank;
    c->chunk_values = c->left = 1;
    for (size_t i = 0; i < c->rank; i++) {
        c->dims[i] = lam__h5_number(p + 11 + 4 * i, 4);
        if (c->dims[i] == 0 ||
            !lam__multiply(c->chunk_values, (size_t)c->dims[i], &c->chunk_values) ||
            c->chunk_values > most / 8)
            return lam__h5_damaged(file, (uint64_t)(p - file->bytes), "chunks of an unlikely size");
        c->left *= (size_t)((shape->dims[i] + c->dims[i] - 1) / c->dims[i]);
    }
    if (shape->count > most / 8)
        return lam__fail(
            LAM_ERR_FORMAT,
            "%s: %s: claims %zu values, more than is plausible for a file of %zu bytes", file->name,
            c->d->where, shape->count, file->size);
    return LAM_OK;
}

static bool is_packed(const chunks *c)
{
    bool packed = false;
    for (size_t i = 0; i < c->filters; i++)
        packed = packed || c->filter[i] == GZIP;
    return packed;
}

/* All chunks to c->values, or nowhere. */
static lam_status read_chunks(lam__h5 *file, chunks *c, size_t number)
{
    c->left = number;
    LAM__TRY(walk_chunks(file, c, lam__h5_number(c->d->layout.data + 3, 8), 16));
    if (c->left > 0)
        return lam__fail(LAM_ERR_FORMAT, "%s: %s: %zu of its chunks are missing", file->name,
                         c->d->where, c->left);
    return LAM_OK;
}

/* Zeros: a damaged index may name one chunk twice and another not at all. */
static lam_status take_memory(chunks *c, size_t chunk, size_t values)
{
    c->values = lam__allocate_zero(values, 1, "the values of a dataset");
    if (!c->values)
        return LAM_ERR_MEMORY;
    c->plain = is_packed(c) ? lam__allocate(chunk, 1, "a chunk of a dataset") : NULL;
    return c->plain || !is_packed(c) ? LAM_OK : LAM_ERR_MEMORY;
}

/* Layout version 3, class 2: rank + 1, address of the index, the chunk's dimensions, item size. */
static lam_status read_chunked(lam__h5 *file, const dataset *d, float **values)
{
    chunks c = {.d = d};
    const uint64_t here = (uint64_t)(d->layout.data - file->bytes);
    if (d->layout.data[0] != 3)
        return lam__h5_damaged(file, here, "chunks with an index of version 4: not supported");
    if (d->shape.rank == 0 || d->layout.size < 11 + 4 * (d->shape.rank + 1) ||
        d->layout.data[2] != d->shape.rank + 1)
        return lam__h5_damaged(file, here, "a layout that does not fit its shape");
    LAM__TRY(list_filters(file, &c));
    LAM__TRY(size_chunks(file, &c));
    const size_t number = c.left, chunk = c.chunk_values * d->item;
    const size_t bytes = d->shape.count * sizeof *c.values;
    if (chunk + bytes > LAM__H5_UNSEEN + 2 * file->size) {
        LAM__TRY(read_chunks(file, &c, number));
        lam__h5_refill(file);
    }
    lam_status status = take_memory(&c, chunk, bytes);
    if (status == LAM_OK)
        status = read_chunks(file, &c, number);
    lam__release(c.plain);
    if (status == LAM_OK)
        *values = c.values;
    else
        lam__release(c.values);
    return status;
}

static lam_status read_layout(lam__h5 *file, const dataset *d, float **values)
{
    enum { COMPACT, CONTIGUOUS, CHUNKED };
    const unsigned char *p = d->layout.data;
    const uint64_t here = (uint64_t)(p - file->bytes);
    if (d->layout.size < 4 || p[0] < 3 || p[0] > 4)
        return lam__h5_damaged(file, here, "an unknown version of layout");
    if (p[1] == CHUNKED)
        return read_chunked(file, d, values);
    if (p[1] == COMPACT)
        return read_whole(file, d, here + 4, lam__h5_number(p + 2, 2), values);
    if (p[1] != CONTIGUOUS || d->layout.size < 18)
        return lam__h5_damaged(file, here, "an unknown kind of layout");
    return read_whole(file, d, lam__h5_number(p + 2, 8), lam__h5_number(p + 10, 8), values);
}

lam_status lam__h5_floats(lam__h5 *file, uint64_t object, const char *where, lam__h5_shape *shape,
                          float **values)
{
    dataset d = {.where = where};
    *values = NULL;
    lam__h5_refill(file);
    LAM__TRY(describe(file, object, &d));
    LAM__TRY(read_layout(file, &d, values));
    *shape = d.shape;
    for (size_t i = 0; i < d.shape.count; i++) {
        if (isfinite((*values)[i]))
            continue;
        lam__release(*values);
        *values = NULL;
        return lam__fail(LAM_ERR_NUMERIC, "%s: %s: value %zu is not a finite 32-bit float",
                         file->name, where, i);
    }
    return LAM_OK;
}
