/* products.h: the matrix products of dense layers in tiles held in registers, one body compiled per
 * instruction set.
 *
 * Every element of C is one sum over k in ascending order, by fused multiply-adds where the
 * instruction set has them, whatever the sizes and however m and n are cut: a row of outputs has
 * the same bits alone or in a batch, and the same with any number of threads.
 *
 * B is read in panels of `panel` columns: row p of panel j lies at b + j * panel_step + p * ldb. A
 * row-major B [k][ldb] is that with panel_step = panel; weights packed by pack or pack_transposed
 * have ldb = panel and panel_step = k * panel, and lie in memory in the order they are read, which
 * is what makes wide layers fast. Nothing beyond column n of B or C is read or written. */
#ifndef LAMINA_PRODUCTS_H
#define LAMINA_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/machine/cpu.h"

/* `pieces` runs of `bytes` bytes, `step` bytes apart. */
typedef struct lam__prefetch {
    const void *at;
    size_t bytes, pieces, step;
    bool to_write; /* other cores have lines of it, and this one will write them */
} lam__prefetch;

/* A matrix copied to panels, a block at a time. */
typedef struct lam__packing {
    size_t in, out; /* of the matrix [in][ldw] */
    const float *w;
    size_t ldw;
    size_t first, rows;     /* of the matrix, to be copied, */
    size_t first_col, cols; /* and of which columns: first_col is a multiple of `panel` */
    float *panels;          /* those of B = W or B = W^T, 64-byte aligned */
    /* Whole vectors are written past the caches, where the processor can: for panels that other
     * cores read, where lam__streaming_stores_pay(). A line that a core writes again after others
     * have read it costs a round trip to all of them. Whoever tells the others fences first, as the
     * pool does after each task. */
    bool past_caches;
} lam__packing;

/* C[m][n] = A B. */
typedef struct lam__product {
    size_t m, n, k;
    const float *a; /* [m][lda], or [k][lda] where A is used transposed */
    size_t lda;
    const float *b; /* [k][n] in panels */
    size_t ldb, panel_step;
    float *c; /* [m][ldc] */
    size_t ldc;
    bool join; /* rows only: C += A B; the sums are as without, and added to C in the end */
    /* rows only, without join: C as in lam__packing; used where ldc is a multiple of a vector and C
     * aligned */
    bool past_caches;
    /* columns only: memory that somebody will need after the product is fetched into the
     * second-level cache meanwhile, when nothing else is asked of it; as much as there is time for,
     * and nothing where the instruction set has no use for it */
    const lam__prefetch *prefetch; /* [prefetch_count], or NULL */
    size_t prefetch_count;
} lam__product;

typedef struct lam__products {
    const char *name; /* of the instruction set */
    size_t panel;     /* columns of a panel */
    /* C = A B with A [m][lda]. */
    void (*rows)(const lam__product *product);
    /* C = A^T B with A [k][lda]. */
    void (*columns)(const lam__product *product);
    /* Rows of W to the panels of B = W. */
    void (*pack)(const lam__packing *packing);
    /* The same rows to the panels of B = W^T [out][in]. */
    void (*pack_transposed)(const lam__packing *packing);
} lam__products;

/* The products of the instruction set chosen at start, or NULL where the BLAS library is to be
 * used: on the baseline. LAMINA_PRODUCTS=tiles|blas in the environment decides otherwise, read
 * once. Thread-safe. */
const lam__products *lam__products_chosen(void);

/* The products of one instruction set, NULL where it is not built or not available. */
const lam__products *lam__products_of(lam__isa isa);

/* What a plan of products has to know of an instruction set, whether it is built and available or
 * not. */
typedef struct lam__product_limits {
    size_t panel; /* columns of a panel: two vectors */
    /* columns is faster with B in panels from so many columns on, if B is used several times */
    size_t least_packed_gradient;
    /* columns is faster on some columns of B at a time where B has more floats than so many */
    size_t most_gradient;
} lam__product_limits;

lam__product_limits lam__product_limits_of(lam__isa isa);

/* Floats of the panels of B [k][n]. */
static inline size_t lam__panels_floats(size_t panel, size_t k, size_t n)
{
    return (n + panel - 1) / panel * panel * k;
}

#endif
