/* file_backed_arrays.c: arrays that would take too much memory stay in their files. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/readers/arrays/file_rows.h"
#include "data/readers/arrays/idx.h"
#include "data/row_stream.h"
#include "io/byte_source.h"
#include "options/load_options.h"

lam_status lam__npy_read_within(const char *path, size_t limit, uint64_t most, lam__npy *npy)
{
    LAM__TRY(lam__npy_read_header(path, npy));
    const size_t samples = limit > 0 && limit < npy->total ? limit : npy->total;
    lam__byte_source source;
    LAM__TRY(lam__byte_source_open(&source, path));
    const bool plain = !source.gzip;
    lam__byte_source_close(&source);
    const bool in_order = !npy->fortran || npy->rank == 1;
    if (lam__npy_memory(npy, samples) <= most || !plain || !in_order ||
        strlen(path) >= sizeof npy->file)
        return lam__npy_read(path, limit, most, npy);
    npy->samples = samples;
    snprintf(npy->file, sizeof npy->file, "%s", path);
    return LAM_OK;
}

lam_status lam__idx_read_within(const char *path, const lam_load_options *options, lam__idx *idx)
{
    lam__byte_source source;
    size_t need;
    *idx = (lam__idx){.values = NULL};
    LAM__TRY(lam__byte_source_open(&source, path));
    lam_status status = lam__idx_read_header(&source, idx, &need);
    idx->offset = source.position;
    idx->gzip = source.gzip;
    /* what is wrong with the size is the reader's to say */
    const bool whole = source.gzip || source.size - source.position == need;
    lam__byte_source_close(&source);
    if (status != LAM_OK)
        return status;
    if (options->window > 0 && !idx->gzip)
        return lam__fail(
            LAM_ERR_ARGUMENT,
            "window has no effect on '%.200s': it is not gzipped, so any sample can be "
            "read at any time",
            path);
    const size_t limit = options->limit;
    const size_t samples = limit > 0 && limit < idx->total ? limit : idx->total;
    if (!whole || need / idx->total * samples <= lam__load_memory(options))
        return lam__idx_read(path, limit, idx);
    const bool bytes = idx->dtype == LAM_UINT8;
    idx->samples = samples;
    idx->file = path;
    idx->type = (lam__npy_type){.kind = bytes ? LAM__NPY_UNSIGNED : LAM__NPY_FLOAT,
                                .size = bytes ? 1 : sizeof(float),
                                .big = true};
    return LAM_OK;
}

/* A gzipped file, read from front to back. */
typedef struct packed {
    char *path;
    lam__byte_source source;
    bool open, invert;
    uint64_t offset;
    size_t row_bytes, features, samples, next;
    lam__npy_type type;
} packed;

static lam_status skip(packed *file, uint64_t count)
{
    unsigned char buffer[4096];
    while (count > 0) {
        const size_t ask = count < sizeof buffer ? (size_t)count : sizeof buffer;
        size_t got;
        LAM__TRY(lam__byte_source_read(&file->source, buffer, ask, &got));
        if (got < ask)
            return lam__fail(LAM_ERR_FORMAT, "%s: truncated at unpacked byte %" PRIu64, file->path,
                             file->source.position);
        count -= got;
    }
    return LAM_OK;
}

/* Brings the file to sample `first`. */
static lam_status go_to(packed *file, size_t first)
{
    if (file->open && first < file->next) {
        lam__byte_source_close(&file->source);
        file->open = false;
    }
    if (!file->open) {
        LAM__TRY(lam__byte_source_open(&file->source, file->path));
        file->open = true;
        file->next = 0;
        LAM__TRY(skip(file, file->offset));
    }
    LAM__TRY(skip(file, (uint64_t)(first - file->next) * file->row_bytes));
    file->next = first;
    return LAM_OK;
}

static lam_status read_rows(packed *file, size_t first, size_t rows, unsigned char *x)
{
    size_t got;
    LAM__TRY(go_to(file, first));
    const size_t bytes = rows * file->row_bytes, values = rows * file->features;
    LAM__TRY(lam__byte_source_read(&file->source, x, bytes, &got));
    if (got < bytes)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated at unpacked byte %" PRIu64 ", in sample %zu", file->path,
                         file->source.position, first + got / file->row_bytes);
    file->next = first + rows;
    if (file->type.size == sizeof(float)) {
        float *floats = (float *)(void *)x;
        lam__npy_convert(file->type, x, values, floats);
        const size_t bad = lam__find_not_finite(floats, values);
        if (bad < values)
            return lam__fail(LAM_ERR_NUMERIC, "%s: value %zu of sample %zu is not a finite number",
                             file->path, bad % file->features, first + bad / file->features);
    }
    for (size_t i = 0; file->invert && i < values; i++)
        x[i] = (unsigned char)(255 - x[i]);
    return LAM_OK;
}

/* Adds how many whole samples are there to what is wrong with a file that ends too early. */
static void add_count(const packed *file)
{
    const uint64_t end = file->source.position;
    const uint64_t there = end < file->offset ? 0 : (end - file->offset) / file->row_bytes;
    if (there < file->samples)
        lam__fail(LAM_ERR_FORMAT, "%s; %" PRIu64 " of %zu samples are there", lam_error_message(),
                  there, file->samples);
}

/* After a failure the file is opened anew. */
static lam_status read_packed(void *context, size_t first, size_t rows, void *x)
{
    packed *file = context;
    const lam_status status = read_rows(file, first, rows, x);
    if (status == LAM_ERR_FORMAT && file->open)
        add_count(file);
    if (status != LAM_OK && file->open) {
        lam__byte_source_close(&file->source);
        file->open = false;
    }
    return status;
}

static void close_packed(void *context)
{
    packed *file = context;
    if (file->open)
        lam__byte_source_close(&file->source);
    lam__release(file->path);
    lam__release(file);
}

/* The name in messages is the file's own: sources keep a pointer to it. */
static lam_status stream_packed(const lam__idx *idx, bool invert, const lam_load_options *options,
                                lam_dataset **dataset)
{
    packed *file = lam__allocate_zero(1, sizeof *file, "a gzipped file");
    if (!file)
        return LAM_ERR_MEMORY;
    if (!(file->path = lam__copy_string(idx->file))) {
        lam__release(file);
        return LAM_ERR_MEMORY;
    }
    file->invert = invert;
    file->offset = idx->offset;
    file->features = idx->features;
    file->samples = idx->samples;
    file->row_bytes = idx->features * idx->type.size;
    file->type = idx->type;
    const lam__reader reader = {.read = read_packed, .close = close_packed, .context = file};
    return lam__row_stream_open(&reader, idx->dtype, idx->samples, idx->features,
                                lam__load_window(options, file->row_bytes), dataset);
}

lam_status lam__idx_file_backed_dataset(const lam__idx *idx, bool invert,
                                        const lam_load_options *options, lam_dataset **dataset)
{
    if (idx->samples > UINT32_MAX)
        return lam__fail(LAM_ERR_FORMAT, "%s: %zu samples, at most %lu can be used", idx->file,
                         idx->samples, (unsigned long)UINT32_MAX);
    if (idx->gzip)
        return stream_packed(idx, invert, options, dataset);
    const lam__file_rows rows = {
        .path = idx->file,
        .offset = idx->offset,
        .type = idx->type,
        .samples = idx->samples,
        .features = idx->features,
        .invert = invert,
    };
    return lam__file_rows_open(&rows, dataset);
}
