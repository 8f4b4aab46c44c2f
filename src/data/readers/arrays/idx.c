/* idx.c: the IDX files of MNIST. */
#include "data/readers/arrays/idx.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/readers/data_formats.h"
#include "data/source.h"
#include "io/byte_source.h"
#include "io/collect.h"
#include "options/load_options.h"

enum { LAM__IDX_SIDES = 3 };

static const struct idx_type {
    unsigned char code;
    const char *name;
    size_t size; /* bytes per value; 0 = not read by Lamina */
    lam_dtype dtype;
} idx_types[] = {
    {0x08, "unsigned byte", 1, LAM_UINT8},  {0x09, "signed byte", 0, LAM_UINT8},
    {0x0b, "16-bit integer", 0, LAM_UINT8}, {0x0c, "32-bit integer", 0, LAM_UINT8},
    {0x0d, "32-bit float", 4, LAM_FLOAT32}, {0x0e, "64-bit float", 0, LAM_FLOAT32},
};

static uint32_t big_endian_32(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Four bytes of the header. */
static lam_status read_word(lam__byte_source *source, unsigned char word[4], const char *what)
{
    uint64_t at = source->position;
    size_t got;
    LAM__TRY(lam__byte_source_read(source, word, 4, &got));
    if (got < 4)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated: byte %" PRIu64 ": %s needs 4 bytes, %zu "
                         "are there",
                         source->name, at, what, got);
    return LAM_OK;
}

static lam_status read_magic(lam__byte_source *source, const struct idx_type **type, unsigned *rank)
{
    unsigned char magic[4];
    LAM__TRY(read_word(source, magic, "the magic number of an IDX file"));
    if (magic[0] != 0 || magic[1] != 0)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: byte 0: not an IDX file: it begins with %02x %02x "
                         "%02x %02x, expected 00 00 TYPE DIMENSIONS",
                         source->name, magic[0], magic[1], magic[2], magic[3]);
    *type = NULL;
    for (size_t i = 0; i < sizeof idx_types / sizeof idx_types[0]; i++)
        if (idx_types[i].code == magic[2])
            *type = &idx_types[i];
    if (!*type || (*type)->size == 0)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: byte 2: type 0x%02x (%s) is not supported, expected "
                         "0x08 (unsigned byte) or 0x0d (32-bit float)",
                         source->name, magic[2], *type ? (*type)->name : "unknown");
    if (magic[3] == 0)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte 3: 0 dimensions, expected at least 1",
                         source->name);
    *rank = magic[3];
    return LAM_OK;
}

/* Reads the header; *need is the size of all values in bytes. */
lam_status lam__idx_read_header(lam__byte_source *source, lam__idx *idx, size_t *need)
{
    const struct idx_type *type = idx_types;
    LAM__TRY(read_magic(source, &type, &idx->rank));
    idx->dtype = type->dtype;
    idx->features = 1;
    for (unsigned i = 0; i < LAM__IDX_SIDES; i++)
        idx->sides[i] = 1;
    *need = type->size;
    for (unsigned i = 0; i < idx->rank; i++) {
        unsigned char word[4];
        uint64_t at = source->position;
        LAM__TRY(read_word(source, word, "a dimension"));
        size_t length = big_endian_32(word);
        if (length == 0)
            return lam__fail(LAM_ERR_FORMAT,
                             "%s: byte %" PRIu64 ": dimension %u is 0, expected at "
                             "least 1",
                             source->name, at, i);
        if (i == 0)
            idx->total = length;
        else if (i <= LAM__IDX_SIDES)
            idx->sides[i - 1] = length;
        /* features divides need, so it cannot overflow when need does not */
        if (!lam__multiply(*need, length, need) ||
            (i > 0 && !lam__multiply(idx->features, length, &idx->features)))
            return lam__fail(LAM_ERR_FORMAT,
                             "%s: byte %" PRIu64 ": the dimensions up to this one "
                             "(%zu) ask for more bytes than can be addressed",
                             source->name, at, length);
    }
    return LAM_OK;
}

static lam_status fail_truncated(const lam__byte_source *source, const lam__idx *idx,
                                 uint64_t header, size_t need, uint64_t got)
{
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: truncated at byte %" PRIu64 ": %zu samples of %zu values "
                     "need %zu bytes after the header of %" PRIu64 ", found %" PRIu64,
                     source->name, header + got, idx->total, idx->features, need, header, got);
}

static lam_status fail_trailing(const lam__byte_source *source, const lam__idx *idx,
                                uint64_t header, size_t need)
{
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: trailing bytes from byte %" PRIu64 " on: %zu samples of "
                     "%zu values need %zu bytes after the header of %" PRIu64 " and no more",
                     source->name, header + need, idx->total, idx->features, need, header);
}

/* Plain files: the length is known, so it is compared before anything is allocated. */
static lam_status read_plain(lam__byte_source *source, lam__idx *idx, size_t need, size_t want)
{
    uint64_t header = source->position, there = source->size - header;
    if (need > there)
        return fail_truncated(source, idx, header, need, there);
    if (need < there)
        return fail_trailing(source, idx, header, need);
    idx->values = lam__allocate(want, 1, "the samples of an IDX file");
    if (!idx->values)
        return LAM_ERR_MEMORY;
    size_t got;
    LAM__TRY(lam__byte_source_read(source, idx->values, want, &got));
    if (got < want) /* the file shrank while it was read */
        return fail_truncated(source, idx, header, need, got);
    return LAM_OK;
}

/* Gzipped files: what the header claims is believed only as far as bytes come. */
static lam_status read_packed(lam__byte_source *source, lam__idx *idx, size_t need, size_t want)
{
    uint64_t header = source->position;
    unsigned char *bytes = NULL;
    size_t done;
    LAM__TRY(lam__collect(lam__byte_source_give, source, want, 0, "the samples of an IDX file",
                          &bytes, &done));
    idx->values = bytes;
    if (done < want)
        return fail_truncated(source, idx, header, need, done);
    if (want < need)
        return LAM_OK; /* limited: the rest is not looked at */
    unsigned char more;
    size_t got;
    LAM__TRY(lam__byte_source_read(source, &more, 1, &got)); /* also checks the gzip trailer */
    return got == 0 ? LAM_OK : fail_trailing(source, idx, header, need);
}

/* Big-endian floats to floats, in place. */
static lam_status convert_floats(const lam__byte_source *source, lam__idx *idx, uint64_t header)
{
    unsigned char *bytes = idx->values;
    size_t count = idx->samples * idx->features;
    for (size_t i = 0; i < count; i++) {
        uint32_t word = big_endian_32(bytes + 4 * i);
        float value;
        memcpy(&value, &word, sizeof value);
        if (!isfinite(value))
            return lam__fail(LAM_ERR_NUMERIC,
                             "%s: byte %" PRIu64 ": value %zu of sample %zu is "
                             "not a finite number (bits %08" PRIx32 ")",
                             source->name, header + 4 * (uint64_t)i, i % idx->features,
                             i / idx->features, word);
        memcpy(bytes + 4 * i, &value, sizeof value);
    }
    return LAM_OK;
}

static lam_status read_idx(lam__byte_source *source, size_t limit, lam__idx *idx)
{
    size_t need;
    LAM__TRY(lam__idx_read_header(source, idx, &need));
    uint64_t header = source->position;
    idx->samples = limit > 0 && limit < idx->total ? limit : idx->total;
    size_t want = need / idx->total * idx->samples;
    LAM__TRY((source->gzip ? read_packed : read_plain)(source, idx, need, want));
    return idx->dtype == LAM_FLOAT32 ? convert_floats(source, idx, header) : LAM_OK;
}

static lam_status read_and_close(lam__byte_source *source, size_t limit, lam__idx *idx)
{
    *idx = (lam__idx){.values = NULL};
    lam_status status = read_idx(source, limit, idx);
    lam__byte_source_close(source);
    if (status != LAM_OK) {
        lam__release(idx->values);
        idx->values = NULL;
    }
    return status;
}

lam_status lam__idx_read(const char *path, size_t limit, lam__idx *idx)
{
    lam__byte_source source;
    LAM__TRY(lam__byte_source_open(&source, path));
    return read_and_close(&source, limit, idx);
}

lam_status lam__idx_parse(const void *bytes, size_t size, const char *name, size_t limit,
                          lam__idx *idx)
{
    lam__byte_source source;
    LAM__TRY(lam__byte_source_open_memory(&source, bytes, size, name));
    return read_and_close(&source, limit, idx);
}

/* Whether the samples are images, and of how many channels. */
static bool is_image(const lam__idx *idx, size_t *channels)
{
    *channels = idx->rank == 4 ? idx->sides[2] : 1;
    return idx->dtype == LAM_UINT8 && (idx->rank == 3 || (idx->rank == 4 && *channels == 3)) &&
           idx->sides[0] <= LAM__MOST_PIXELS_A_SIDE && idx->sides[1] <= LAM__MOST_PIXELS_A_SIDE;
}

static void invert(unsigned char *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pixels[i] = (unsigned char)(255 - pixels[i]);
}

lam_status lam__idx_dataset(lam__idx *idx, const char *path, const lam_load_options *options,
                            lam_dataset **dataset)
{
    size_t channels;
    const bool image = is_image(idx, &channels);
    const bool turn = lam__load_input(options)->invert != options->invert;
    if (turn && !image)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "%s: only images, bytes in two dimensions per sample, can be inverted",
                         path);
    if (idx->file) {
        LAM__TRY(lam__idx_file_backed_dataset(idx, turn, options, dataset));
    } else {
        if (turn)
            invert(idx->values, idx->samples * idx->features);
        *dataset = lam__dataset_adopt(idx->values, idx->dtype, idx->samples, idx->features);
        idx->values = NULL;
        if (!*dataset)
            return LAM_ERR_MEMORY;
    }
    return image ? lam__input_set_image(&(*dataset)->input, idx->sides[1], idx->sides[0], channels,
                                        turn)
                 : LAM_OK;
}

bool lam__idx_file_recognizes(const lam__path_probe *place)
{
    return place->file && place->head_size >= 4 && place->head[0] == 0 && place->head[1] == 0 &&
           place->head[2] >= 0x08 && place->head[2] <= 0x0e && place->head[3] > 0;
}

lam_status lam__idx_file_load(const lam__path_probe *place, lam_split split,
                              const lam_load_options *options, lam_dataset **dataset)
{
    (void)split;
    lam__idx idx;
    LAM__TRY(lam__idx_read_within(place->path, options, &idx));
    const lam_status status = lam__idx_dataset(&idx, place->path, options, dataset);
    lam__release(idx.values);
    return status;
}

lam_dataset *lam_dataset_load_idx(const char *file, const lam_load_options *options)
{
    lam_load_options own;
    const lam__path_probe place = {.path = file};
    lam_dataset *dataset = NULL;
    if (!file)
        lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_load_idx: file is NULL");
    else if (lam__take_load_options(&own, &options) == LAM_OK &&
             lam__check_load_options(options) == LAM_OK &&
             lam__check_used_load_options(options, LAM__DATA_IDX, file) == LAM_OK)
        lam__idx_file_load(&place, LAM_SPLIT_TRAIN, options, &dataset);
    return dataset;
}
