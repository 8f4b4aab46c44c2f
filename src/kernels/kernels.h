/* kernels.h: the table of elementwise loops, one body compiled per instruction set.
 *
 * LAM__KERNEL_LIST is the one list. From it come this table, the table of each instruction set and
 * of the scalar reference, the tests that hold each to the reference, and the benchmark.
 *
 * Matrices are [rows][ld] with `cols` meaningful floats a row (ld >= cols). Pointers need the
 * alignment of their type only. Nothing outside the meaningful floats is read as data or written.
 * A value never depends on its position: tails take the same vector code. */
#ifndef LAMINA_KERNELS_H
#define LAMINA_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/machine/cpu.h"
#include "kernels/activation_loops.h"
#include "kernels/loss_loops.h"
#include "kernels/update_loops.h"

/* Unary y[i] = f(x[i]), i in 0..n-1; y may be x. */
typedef void lam__unary_kernel(size_t n, const float *x, float *y);

/* y[i] = x[i] * scale + offset. */
typedef void lam__affine_u8_kernel(size_t n, const uint8_t *x, float scale, float offset, float *y);
typedef void lam__affine_f32_kernel(size_t n, const float *x, float scale, float offset, float *y);

/* y[i] = x[i] * scale[i] + offset[i]. */
typedef void lam__affine_each_u8_kernel(size_t n, const uint8_t *x, const float *scale,
                                        const float *offset, float *y);
typedef void lam__affine_each_f32_kernel(size_t n, const float *x, const float *scale,
                                         const float *offset, float *y);

/* In place y = f(y + bias), y [rows][ld], bias [cols] (NULL = 0). */
typedef void lam__forward_kernel(size_t rows, size_t cols, size_t ld, const float *bias, float *y);

/* In place dy = dL/dz from dy = dL/dy, the outputs y and, where the activation needs it, z with the
 * bias (else NULL), all [rows][ld]. */
typedef void lam__backward_kernel(size_t rows, size_t cols, size_t ld, const float *z,
                                  const float *y, float *dy);

/* Losses. Either labels or targets is set (losses other than cross-entropy: always targets). */
typedef struct lam__loss_args {
    size_t rows, cols, ld;
    float *y;              /* [rows][ld]: outputs; fused losses: logits in, probabilities out */
    const float *bias;     /* [cols] or NULL; fused losses: added to the logits first */
    const int32_t *labels; /* [rows], in 0..cols-1, or NULL */
    const float *targets;  /* [rows][cols], or NULL */
    float scale;           /* factor of the gradient: 1 / batch */
    float *dy;             /* [rows][ld] receives the gradient, or NULL; not the array y */
} lam__loss_args;

/* Returns the sum over the rows of each row's loss, in double; with dy, writes scale times its
 * derivative by y (fused losses: by the logits). */
typedef double lam__loss_kernel(const lam__loss_args *args);

enum { LAM__OWN_MOST = 4 };

/* One optimizer's update of n parameters. */
typedef struct lam__update_args {
    size_t n;
    float *w;       /* [n] parameters */
    const float *g; /* [n] gradient */
    float *m, *v;   /* [n] moments, or NULL where the optimizer has none */
    float learning_rate;
    float momentum;
    float beta_1, beta_2, epsilon;
    float own[LAM__OWN_MOST];         /* hyperparameters that have no field here */
    float correction_1, correction_2; /* 1 / (1 - beta^t), t from 1 */
} lam__update_args;

typedef void lam__update_kernel(const lam__update_args *args);

/* g[i] += l1 * sign(w[i]) + 2 * l2 * w[i], sign(0) = 0, g may be NULL; returns
 * l1 * sum |w| + l2 * sum w^2 in double. */
typedef double lam__penalty_kernel(size_t n, const float *w, float l1, float l2, float *g);

/* y[i] = x[i], not in place, past the caches if asked for (the pool's regions end with a fence);
 * returns 0, or NaN where a value is not finite. */
typedef float lam__checked_copy_kernel(size_t n, const float *x, bool past_caches, float *y);

/* sums[c] = sum over the rows of x[r][c]. */
typedef void lam__column_sums_kernel(size_t rows, size_t cols, size_t ld, const float *x,
                                     float *sums);

/* Dropout of rows first_row .. first_row + rows - 1 of a batch. Bit c of a row's mask says whether
 * column c is kept: word w (w = c % 64 / 16) of Philox4x32-10 with the given key and the counter
 * (c / 64 * 16 + c % 16, row, step low, step high) is >= threshold, threshold = rate * 2^32. */
typedef struct lam__dropout_args {
    size_t rows, cols, ld;
    const float *x; /* [rows][ld] */
    float *y;       /* [rows][ld]; may be x */
    uint64_t *mask; /* [rows][(cols + 63) / 64]; bits beyond cols are 0 */
    float scale;    /* 1 / (1 - rate) */
    uint32_t key[2];
    uint32_t first_row;
    uint64_t step;
    uint32_t threshold;
} lam__dropout_args;

/* dropout: draws the mask and y = mask ? x * scale : 0. dropout_apply: the same with the mask as it
 * stands (backward). */
typedef void lam__dropout_kernel(const lam__dropout_args *args);

/* Layer normalization of rows: mean and (biased) variance over the columns of each. A kernel uses
 * the arrays that are its business. */
typedef struct lam__norm_args {
    size_t rows, cols, ldx, ldy;
    const float *x;     /* [rows][ldx] */
    const float *gamma; /* [cols] */
    float epsilon;      /* added to the variance */
    float *y;           /* layer_norm: [rows][ldy] receives gamma (x - mean) / deviation; not x */
    float *stats;       /* [rows][2] mean and 1 / deviation: layer_norm writes them, unless NULL,
                           the others read them */
    const float *dy;    /* [rows][ldy] the gradient by y */
    float *dx;          /* layer_norm_backward: [rows][ldx] receives the gradient by x; not dy */
    float *sums;        /* layer_norm_sums: [cols] receives the gradient by gamma */
} lam__norm_args;

typedef void lam__norm_kernel(const lam__norm_args *args);

/* X(name, type, help). */
#define LAM__KERNEL_LIST(X)                                                                        \
    X(exp, unary, "e^x, at most 2 ulp")                                                            \
    X(expm1, unary, "e^x - 1, at most 4 ulp")                                                      \
    X(log, unary, "natural logarithm, at most 4 ulp")                                              \
    X(tanh, unary, "hyperbolic tangent, at most 4 ulp")                                            \
    X(sigmoid, unary, "1 / (1 + e^-x), at most 4 ulp")                                             \
    X(erf, unary, "error function, at most 4 ulp")                                                 \
    X(affine_u8, affine_u8, "bytes to floats, one scale")                                          \
    X(affine_f32, affine_f32, "floats, one scale")                                                 \
    X(affine_each_u8, affine_each_u8, "bytes to floats, a scale each")                             \
    X(affine_each_f32, affine_each_f32, "floats, a scale each")                                    \
    LAM__ACTIVATION_KERNELS(X)                                                                     \
    LAM__LOSS_KERNELS(X)                                                                           \
    LAM__UPDATE_KERNELS(X)                                                                         \
    X(penalty, penalty, "L1 and L2 regularization")                                                \
    X(checked_copy, checked_copy, "a copy, and whether it is finite")                              \
    X(column_sums, column_sums, "sums over rows: the bias gradient")                               \
    X(dropout, dropout, "inverted dropout, drawing the mask")                                      \
    X(dropout_apply, dropout, "inverted dropout with a given mask")                                \
    X(layer_norm, norm, "gamma (x - mean) / deviation of each row")                                \
    X(layer_norm_backward, norm, "the gradient of layer_norm by x")                                \
    X(layer_norm_sums, norm, "the gradient of layer_norm by gamma: sums over rows")

typedef struct lam__kernels {
    const char *name; /* of the instruction set, or "reference" */
#define LAM__KERNEL_MEMBER(name, type, help) lam__##type##_kernel *name;
    LAM__KERNEL_LIST(LAM__KERNEL_MEMBER)
#undef LAM__KERNEL_MEMBER
} lam__kernels;

/* lam__kernel_NAME takes one from a table: how rows of other tables name theirs. */
#define LAM__KERNEL_GETTER(name, type, help)                                                       \
    static inline lam__##type##_kernel *lam__kernel_##name(const lam__kernels *kernels)            \
    {                                                                                              \
        return kernels->name;                                                                      \
    }
LAM__KERNEL_LIST(LAM__KERNEL_GETTER)
#undef LAM__KERNEL_GETTER

/* The table for the instruction set chosen at start (base/cpu.h). Thread-safe. */
const lam__kernels *lam__kernels_chosen(void);

/* The table of one instruction set, NULL where it is not built or not available. */
const lam__kernels *lam__kernels_of(lam__isa isa);

/* The plain scalar reference of every kernel, in double inside. */
const lam__kernels *lam__kernels_reference(void);

#endif
