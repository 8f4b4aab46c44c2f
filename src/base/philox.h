/* philox.h: counter-based random numbers, Philox4x32-10.
 *
 * Source: Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011; the
 * implementation is Random123's. Every number is a pure function of (key, counter), so anything
 * random can be recomputed from its key alone. */
#ifndef LAMINA_PHILOX_H
#define LAMINA_PHILOX_H

#include <stddef.h>
#include <stdint.h>

/* What random numbers are for; part of the key, so that streams never meet. */
typedef enum lam__purpose {
    LAM__FOR_INITIAL = 1, /* index: tensor */
    LAM__FOR_ORDER,       /* index: unused */
    LAM__FOR_DROPOUT,     /* index: layer */
    LAM__FOR_SPLIT,       /* index: unused */
    LAM__FOR_TOY,         /* index: set and split */
    LAM__FOR_AUGMENT      /* index: unused */
} lam__purpose;

typedef struct lam__key {
    uint32_t k[2];
} lam__key;

/* A key for one purpose and index under a seed: Philox of (purpose, index) keyed by the seed. */
lam__key lam__derive_key(uint64_t seed, lam__purpose purpose, uint32_t index);

/* The four words of Philox4x32-10 for (key, counter). */
void lam__philox(lam__key key, const uint32_t counter[4], uint32_t out[4]);

/* A sequential stream: counter = (block low, block high, stream low, stream high). */
typedef struct lam__stream {
    lam__key key;
    uint64_t stream, block;
    uint32_t buffer[4];
    unsigned left;
} lam__stream;

lam__stream lam__stream_open(lam__key key, uint64_t stream);
uint32_t lam__next_u32(lam__stream *stream);

/* Uniform in [0, 1) with 53 bits. */
double lam__next_uniform(lam__stream *stream);

/* Standard normal deviate (Box-Muller; uses two uniforms each). */
double lam__next_normal(lam__stream *stream);

/* Uniform in 0..bound-1, without bias (Lemire 2019); bound >= 1. */
uint32_t lam__next_below(lam__stream *stream, uint32_t bound);

/* Fills index[n] with a random permutation of 0..n-1 (Fisher-Yates). */
void lam__permute(lam__stream *stream, uint32_t *index, size_t n);

#endif
