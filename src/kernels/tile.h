/* tile.h: a short bias repeated, so that a matrix without gaps is walked as one array.
 *
 * Rows that are no multiple of a vector would end in a masked store each, and the load of the next
 * row, which overlaps it, would wait for that store to reach the cache. */
#ifndef LAMINA_TILE_H
#define LAMINA_TILE_H

#include <stdbool.h>

#include "vec.h"

enum { TILE_COLS = 256 };

typedef struct tile {
    float at[TILE_COLS + W]; /* at[k..k+W-1] belong to the elements from i on, k = i % cols */
    size_t cols, step;
} tile;

/* Whether walking with a tile is possible and worth it. */
static inline bool tile_fits(size_t rows, size_t cols, size_t ld, const float *bias)
{
    return bias && rows > 1 && ld == cols && cols % W != 0 && cols <= TILE_COLS;
}

static inline void tile_fill(tile *t, size_t cols, const float *bias)
{
    memcpy(t->at, bias, cols * sizeof *bias);
    for (size_t i = cols; i < cols + W; i++)
        t->at[i] = t->at[i - cols];
    t->cols = cols;
    t->step = W % cols;
}

/* k of the next vector. */
static inline size_t tile_next(const tile *t, size_t k)
{
    k += t->step;
    return k < t->cols ? k : k - t->cols;
}

#endif
