/* npy.c: the values of .npy files. */
#include "data/readers/arrays/npy.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/finite.h"
#include "base/float16.h"
#include "base/memory.h"
#include "data/readers/arrays/npy_inside.h"
#include "io/byte_source.h"
#include "io/collect.h"

static uint64_t load_word(const unsigned char *from, size_t size, bool big)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)from[i] << 8 * (big ? size - 1 - i : i);
    return word;
}

static float float_of(uint64_t word)
{
    const uint32_t bits = (uint32_t)word;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

/* One loop a type: the compiler sees the constant size in each. */
#define LAM__CONVERT(size, expression)                                                             \
    do {                                                                                           \
        for (size_t i = 0; i < count; i++) {                                                       \
            const uint64_t w = load_word(from + (size)*i, size, type.big);                         \
            to[i] = (expression);                                                                  \
        }                                                                                          \
    } while (0)

void lam__npy_convert(lam__npy_type type, const unsigned char *from, size_t count, float *to)
{
    switch (type.kind) {
    case LAM__NPY_BOOL:
        LAM__CONVERT(1, w != 0 ? 1.0f : 0.0f);
        break;
    case LAM__NPY_SIGNED:
        switch (type.size) {
        case 1:
            LAM__CONVERT(1, (float)(int8_t)w);
            break;
        case 2:
            LAM__CONVERT(2, (float)(int16_t)w);
            break;
        case 4:
            LAM__CONVERT(4, (float)(int32_t)w);
            break;
        default:
            LAM__CONVERT(8, (float)(int64_t)w);
        }
        break;
    case LAM__NPY_UNSIGNED:
        switch (type.size) {
        case 1:
            LAM__CONVERT(1, (float)w);
            break;
        case 2:
            LAM__CONVERT(2, (float)w);
            break;
        case 4:
            LAM__CONVERT(4, (float)w);
            break;
        default:
            LAM__CONVERT(8, (float)w);
        }
        break;
    case LAM__NPY_FLOAT:
        switch (type.size) {
        case 2:
            LAM__CONVERT(2, lam__from_float16((uint16_t)w));
            break;
        case 4:
            LAM__CONVERT(4, float_of(w));
            break;
        default:
            LAM__CONVERT(8, float_of_double(w));
        }
    }
}

static lam_status fail_truncated(const lam__npy_source *source, const lam__npy *npy, size_t need,
                                 uint64_t got)
{
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: truncated at byte %" PRIu64 ": %zu samples of %zu values need %zu bytes "
                     "after the header of %" PRIu64 ", found %" PRIu64,
                     source->name, npy->offset + got, npy->total, npy->features, need, npy->offset,
                     got);
}

static lam_status fail_trailing(const lam__npy_source *source, const lam__npy *npy, size_t need)
{
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: trailing bytes from byte %" PRIu64 " on: %zu samples of %zu values need "
                     "%zu bytes after the header of %" PRIu64 " and no more",
                     source->name, npy->offset + need, npy->total, npy->features, need,
                     npy->offset);
}

/* Values that are known to be there, at once. */
static lam_status take_stored(lam__npy_source *source, const lam__npy *npy, size_t need,
                              size_t want, unsigned char **bytes, size_t *done)
{
    const uint64_t there = source->size - source->position;
    if (need > there)
        return fail_truncated(source, npy, need, there);
    if (need < there)
        return fail_trailing(source, npy, need);
    *bytes = lam__allocate(want, 1, "the values of an .npy file");
    return *bytes ? source->read(source->context, *bytes, want, done) : LAM_ERR_MEMORY;
}

/* The first `want` of `need` bytes: room for them is made only as far as bytes come, unless it is
 * sure that they are there. */
static lam_status take_bytes(lam__npy_source *source, const lam__npy *npy, size_t need, size_t want,
                             unsigned char **bytes)
{
    size_t done = 0;
    if (source->size != UINT64_MAX)
        LAM__TRY(take_stored(source, npy, need, want, bytes, &done));
    else
        LAM__TRY(lam__collect(source->read, source->context, want, 0, "the values of an .npy file",
                              bytes, &done));
    source->position += done;
    if (done < want)
        return fail_truncated(source, npy, need, done);
    if (want < need)
        return LAM_OK; /* limited: the rest is not looked at */
    unsigned char more;
    size_t got;
    LAM__TRY(source->read(source->context, &more, 1, &got)); /* also checks gzip's or zip's end */
    return got == 0 ? LAM_OK : fail_trailing(source, npy, need);
}

/* values[samples][features] from an array whose first dimension runs fastest in the file. */
static void reorder(const lam__npy *npy, const unsigned char *from, unsigned char *to, size_t size)
{
    size_t index[LAM__NPY_MOST_RANK] = {0}, stride[LAM__NPY_MOST_RANK] = {0};
    size_t next = 1, feature = 0;
    for (size_t d = npy->rank; d-- > 1;) {
        stride[d] = next;
        next *= npy->shape[d];
    }
    for (size_t column = 0; column < npy->features; column++) {
        const unsigned char *run = from + column * npy->total * size;
        for (size_t s = 0; s < npy->samples; s++)
            memcpy(to + (s * npy->features + feature) * size, run + s * size, size);
        for (size_t d = 1; d < npy->rank; d++) { /* the next place, dimension 1 running fastest */
            feature += stride[d];
            if (++index[d] < npy->shape[d])
                break;
            feature -= stride[d] * npy->shape[d];
            index[d] = 0;
        }
    }
}

static lam_status check_finite(const lam__npy_source *source, const lam__npy *npy)
{
    const float *values = npy->values;
    const size_t count = npy->samples * npy->features, i = lam__first_not_finite(values, count);
    if (i == count)
        return LAM_OK;
    return lam__fail(LAM_ERR_NUMERIC,
                     "%s: value %zu of sample %zu is %s, expected a finite number that a "
                     "32-bit float can hold",
                     source->name, i % npy->features, i / npy->features,
                     isnan(values[i]) ? "not a number" : "infinite or too large");
}

/* Bytes as in the file to values, at the same place where that is possible; takes over bytes. */
static lam_status convert(const lam__npy_source *source, lam__npy *npy, unsigned char *bytes)
{
    const size_t count = npy->samples * npy->features;
    npy->values = bytes;
    if (npy->dtype == LAM_UINT8) {
        for (size_t i = 0; npy->type.kind == LAM__NPY_BOOL && i < count; i++)
            bytes[i] = bytes[i] != 0;
        return LAM_OK;
    }
    if (npy->type.size < sizeof(float)) {
        npy->values = lam__allocate(count, sizeof(float), "the values of an .npy file");
        if (npy->values)
            lam__npy_convert(npy->type, bytes, count, npy->values);
        lam__release(bytes);
        if (!npy->values)
            return LAM_ERR_MEMORY;
    } else {
        lam__npy_convert(npy->type, bytes, count, npy->values);
    }
    return check_finite(source, npy);
}

static lam_status take_values(lam__npy_source *source, size_t limit, lam__npy *npy)
{
    const size_t need = npy->total * npy->features * npy->type.size;
    npy->samples = limit > 0 && limit < npy->total ? limit : npy->total;
    bool reordered = npy->fortran && npy->rank > 1;
    size_t want = reordered ? need : need / npy->total * npy->samples;
    unsigned char *bytes = NULL;
    lam_status status = take_bytes(source, npy, need, want, &bytes);
    if (status == LAM_OK && reordered) {
        unsigned char *ordered =
            lam__allocate(need / npy->total * npy->samples, 1, "the values of an .npy file");
        if (ordered)
            reorder(npy, bytes, ordered, npy->type.size);
        else
            status = LAM_ERR_MEMORY;
        lam__release(bytes);
        bytes = ordered;
    }
    if (status != LAM_OK) {
        lam__release(bytes);
        return status;
    }
    return convert(source, npy, bytes);
}

uint64_t lam__npy_memory(const lam__npy *npy, size_t samples)
{
    const size_t made = npy->dtype == LAM_UINT8 ? 1 : sizeof(float);
    const bool reordered = npy->fortran && npy->rank > 1;
    uint64_t each = npy->type.size; /* bytes held per value, at most */
    if (npy->type.size < made || reordered)
        each += reordered && npy->type.size > made ? npy->type.size : made;
    return (uint64_t)(reordered ? npy->total : samples) * npy->features * each;
}

static lam_status check_memory(const lam__npy_source *source, size_t limit, const lam__npy *npy)
{
    const size_t samples = limit > 0 && limit < npy->total ? limit : npy->total;
    const uint64_t need = lam__npy_memory(npy, samples);
    if (source->most == 0 || need <= source->most)
        return LAM_OK;
    return lam__fail(LAM_ERR_MEMORY,
                     "%s: %zu samples of %zu values take %" PRIu64 " MB while they are read, but "
                     "may take %" PRIu64 " MB in memory (option memory): as a plain .npy file in C "
                     "order they are read from the file",
                     source->name, samples, npy->features, need / 1000000, source->most / 1000000);
}

lam_status lam__npy_take(lam__npy_source *source, size_t limit, lam__npy *npy)
{
    LAM__TRY(lam__npy_take_header(source, npy));
    LAM__TRY(check_memory(source, limit, npy));
    lam_status status = take_values(source, limit, npy);
    if (status != LAM_OK) {
        lam__release(npy->values);
        npy->values = NULL;
    }
    return status;
}

static lam_status read_source(void *context, void *to, size_t count, size_t *got)
{
    return lam__byte_source_read(context, to, count, got);
}

static lam__npy_source source_of(lam__byte_source *bytes)
{
    return (lam__npy_source){.name = bytes->name,
                             .read = read_source,
                             .context = bytes,
                             .size = bytes->gzip ? UINT64_MAX : bytes->size};
}

lam_status lam__npy_read(const char *path, size_t limit, uint64_t most, lam__npy *npy)
{
    lam__byte_source bytes;
    LAM__TRY(lam__byte_source_open(&bytes, path));
    lam__npy_source source = source_of(&bytes);
    source.most = most;
    lam_status status = lam__npy_take(&source, limit, npy);
    lam__byte_source_close(&bytes);
    return status;
}

lam_status lam__npy_parse(const void *bytes, size_t size, const char *name, size_t limit,
                          lam__npy *npy)
{
    lam__byte_source opened;
    LAM__TRY(lam__byte_source_open_memory(&opened, bytes, size, name));
    lam__npy_source source = source_of(&opened);
    lam_status status = lam__npy_take(&source, limit, npy);
    lam__byte_source_close(&opened);
    return status;
}

lam_status lam__npy_read_header(const char *path, lam__npy *npy)
{
    lam__byte_source bytes;
    LAM__TRY(lam__byte_source_open(&bytes, path));
    lam__npy_source source = source_of(&bytes);
    lam_status status = lam__npy_take_header(&source, npy);
    lam__byte_source_close(&bytes);
    return status;
}
