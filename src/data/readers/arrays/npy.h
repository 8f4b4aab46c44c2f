/* npy.h: arrays as NumPy saves them.
 *
 * Format: "\x93NUMPY", two bytes of version, the length of the header (2 bytes little-endian in
 * version 1, 4 in versions 2 and 3), the header, which is a Python dictionary of 'descr',
 * 'fortran_order' and 'shape', then the values. Source: NumPy, "NEP 1: A simple file format for
 * NumPy arrays", and numpy.lib.format. */
#ifndef LAMINA_NPY_H
#define LAMINA_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>

#include "io/collect.h"

/* Dimensions NumPy itself allows. */
#define LAM__NPY_MOST_RANK 64

/* What kind of numbers an array has in its file. */
typedef enum lam__npy_kind {
    LAM__NPY_BOOL,
    LAM__NPY_SIGNED,
    LAM__NPY_UNSIGNED,
    LAM__NPY_FLOAT
} lam__npy_kind;

/* A type as the header and pickles write it, "<f4". */
typedef struct lam__npy_type {
    lam__npy_kind kind;
    size_t size; /* bytes per value: 1, 2, 4 or 8 */
    bool big;    /* big-endian */
} lam__npy_type;

typedef struct lam__npy {
    lam__npy_type type;
    bool fortran; /* the first dimension runs fastest in the file */
    size_t rank;
    size_t shape[LAM__NPY_MOST_RANK];
    size_t total;    /* samples in the file: the first dimension */
    size_t samples;  /* of them read */
    size_t features; /* product of the other dimensions, 1 when there is none */
    uint64_t offset; /* of the first value in the file */
    lam_dtype dtype; /* of values: bytes for bool and u1, else float32 */
    char file[4096]; /* set when the values stay in this file, "" else: then values is NULL */
    void *values; /* [samples][features], the last dimension running fastest; from lam__allocate */
} lam__npy;

/* Whether bytes begin as an .npy file does. */
bool lam__npy_recognizes(const void *bytes, size_t size);

/* Understands a type; `where` begins the message. LAM_ERR_UNSUPPORTED names complex numbers, text,
 * objects and what else is no plain number. */
lam_status lam__npy_parse_type(const char *text, const char *where, lam__npy_type *type);

/* Reads at most `limit` samples (0 = all) of a file, plain or gzipped, or of one in memory. Values
 * that are not finite as 32-bit floats are LAM_ERR_NUMERIC; reading that takes more than `most`
 * bytes of memory (0 = any) is LAM_ERR_MEMORY before it begins. On failure values is NULL. */
lam_status lam__npy_read(const char *path, size_t limit, uint64_t most, lam__npy *npy);
lam_status lam__npy_parse(const void *bytes, size_t size, const char *name, size_t limit,
                          lam__npy *npy);

/* The header alone, values NULL: whether a file can be mapped. */
lam_status lam__npy_read_header(const char *path, lam__npy *npy);

/* The same of a file, leaving the values in it when they would take more than `most` bytes of
 * memory and lie there sample by sample, plain. */
lam_status lam__npy_read_within(const char *path, size_t limit, uint64_t most, lam__npy *npy);

/* Bytes one after another, from wherever they come. */
typedef struct lam__npy_source {
    const char *name; /* for messages */
    lam__read_bytes read;
    void *context;
    uint64_t size; /* of all bytes when that is sure, else UINT64_MAX */
    uint64_t position;
    uint64_t most; /* bytes that the values may take in memory while they are read; 0 = any */
} lam__npy_source;

/* Bytes of memory that reading `samples` of the array takes: as they lie in the file, converted at
 * the same place or, where a value becomes larger or changes its order, beside it. */
uint64_t lam__npy_memory(const lam__npy *npy, size_t samples);

/* The same from anything. */
lam_status lam__npy_take(lam__npy_source *source, size_t limit, lam__npy *npy);

/* Converts count values as they lie in a file to floats; `from` and `to` may be the same place when
 * type.size >= 4. */
void lam__npy_convert(lam__npy_type type, const unsigned char *from, size_t count, float *to);

#endif
