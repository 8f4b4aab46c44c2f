/* idx.h: the IDX files of MNIST.
 *
 * Format: two zero bytes, a type, the number of dimensions, each dimension as a big-endian 32-bit
 * integer, then the values, big-endian, row-major. Source: Y. LeCun, "The MNIST database", section
 * "The IDX file format". */
#ifndef LAMINA_IDX_H
#define LAMINA_IDX_H

#include <stddef.h>

#include <lamina/dataset.h>

#include "data/readers/arrays/npy.h"

typedef struct lam__idx {
    lam_dtype dtype;
    unsigned rank;   /* number of dimensions */
    size_t total;    /* samples in the file: its first dimension */
    size_t samples;  /* of them read */
    size_t features; /* product of the other dimensions, 1 when there is none */
    size_t sides[3]; /* the first of these, 1 where there is none */
    void *values;    /* [samples][features], released with lam__release */

    /* With values NULL they stay in a file, plain or gzipped, which is read when they are used. */
    const char *file;
    bool gzip;
    uint64_t offset;    /* unpacked, of the first value */
    lam__npy_type type; /* as they are in it */
} lam__idx;

/* Reads at most `limit` samples (0 = all) of a file, plain or gzipped. Nothing is allocated beyond
 * a small multiple of the bytes that are really there. */
lam_status lam__idx_read(const char *path, size_t limit, lam__idx *idx);

/* The same for a file in memory, called `name` in messages. */
lam_status lam__idx_parse(const void *bytes, size_t size, const char *name, size_t limit,
                          lam__idx *idx);

/* As lam__idx_read by the options, but samples that would take more memory than these allow stay in
 * the file. */
lam_status lam__idx_read_within(const char *path, const lam_load_options *options, lam__idx *idx);

/* The header alone; *need is the size of all values in bytes. */
struct lam__byte_source;
lam_status lam__idx_read_header(struct lam__byte_source *source, lam__idx *idx, size_t *need);

/* A dataset of values that stay in their file. */
lam_status lam__idx_file_backed_dataset(const lam__idx *idx, bool invert,
                                        const lam_load_options *options, lam_dataset **dataset);

/* A dataset of what was read from `path`, without targets; takes over idx->values. Bytes in two
 * dimensions, or three of which the last is 3, are images; they are turned around where
 * options->invert or the model options->like say so. */
lam_status lam__idx_dataset(lam__idx *idx, const char *path, const lam_load_options *options,
                            lam_dataset **dataset);

#endif
