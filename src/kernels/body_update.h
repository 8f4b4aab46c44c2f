/* body_update.h: optimizers, weight penalties and sums over rows. */
#ifndef LAMINA_BODY_UPDATE_H
#define LAMINA_BODY_UPDATE_H

#include "kernels.h"
#include "vec.h"

/* Two moments. */
#define LAM__UPDATE_BODY(name, step)                                                               \
    static void name(const lam__update_args *args)                                                 \
    {                                                                                              \
        const lam__update_args copy = *args, *a = &copy; /* the stores cannot change it */         \
        size_t i = 0;                                                                              \
        for (; i + W <= a->n; i += W) {                                                            \
            vf m = v_load(a->m + i), v = v_load(a->v + i);                                         \
            v_store(a->w + i, step(a, v_load(a->w + i), v_load(a->g + i), &m, &v));                \
            v_store(a->m + i, m);                                                                  \
            v_store(a->v + i, v);                                                                  \
        }                                                                                          \
        size_t left = a->n - i;                                                                    \
        if (left) {                                                                                \
            vf m = v_load_n(a->m + i, left), v = v_load_n(a->v + i, left);                         \
            vf w = step(a, v_load_n(a->w + i, left), v_load_n(a->g + i, left), &m, &v);            \
            v_store_n(a->w + i, w, left);                                                          \
            v_store_n(a->m + i, m, left);                                                          \
            v_store_n(a->v + i, v, left);                                                          \
        }                                                                                          \
    }

/* One moment. */
#define LAM__UPDATE_BODY_M(name, step)                                                             \
    static void name(const lam__update_args *args)                                                 \
    {                                                                                              \
        const lam__update_args copy = *args, *a = &copy;                                           \
        size_t i = 0;                                                                              \
        for (; i + W <= a->n; i += W) {                                                            \
            vf m = v_load(a->m + i);                                                               \
            v_store(a->w + i, step(a, v_load(a->w + i), v_load(a->g + i), &m));                    \
            v_store(a->m + i, m);                                                                  \
        }                                                                                          \
        size_t left = a->n - i;                                                                    \
        if (left) {                                                                                \
            vf m = v_load_n(a->m + i, left);                                                       \
            vf w = step(a, v_load_n(a->w + i, left), v_load_n(a->g + i, left), &m);                \
            v_store_n(a->w + i, w, left);                                                          \
            v_store_n(a->m + i, m, left);                                                          \
        }                                                                                          \
    }

#define LAM__LOOPS_OF_VECTORS
#include "kernels/update_loops.h"
#undef LAM__LOOPS_OF_VECTORS

/* Sums over the weights, of the halves of vectors apart: shorter chains. */
typedef struct penalty_sums {
    vd absolute[2], squares[2];
} penalty_sums;

static inline vf penalty_step(vf w, vf g, float l1, float l2, penalty_sums *sums)
{
    const vf size = v_abs(w);
    const vd low = v_low(size), high = v_high(size);
    sums->absolute[0] += low;
    sums->absolute[1] += high;
    sums->squares[0] += low * low;
    sums->squares[1] += high * high;
    vf sign = v_keep(v_lt(v_set(0.0f), size), v_with_sign(v_set(l1), v_sign(w)));
    return g + v_fma(w, v_set(2.0f * l2), sign);
}

static double body_penalty(size_t n, const float *w, float l1, float l2, float *g)
{
    penalty_sums sums = {{{0}, {0}}, {{0}, {0}}};
    size_t i = 0;
    for (; i + W <= n; i += W) {
        vf slope = g ? v_load(g + i) : v_set(0.0f);
        slope = penalty_step(v_load(w + i), slope, l1, l2, &sums);
        if (g)
            v_store(g + i, slope);
    }
    size_t left = n - i;
    if (left) {
        vf slope = g ? v_load_n(g + i, left) : v_set(0.0f);
        slope = penalty_step(v_load_n(w + i, left), slope, l1, l2, &sums);
        if (g)
            v_store_n(g + i, slope, left);
    }
    return l1 * v_sum_d(sums.absolute[0] + sums.absolute[1]) +
           l2 * v_sum_d(sums.squares[0] + sums.squares[1]);
}

/* Products with 0 are NaN where a value is not finite, and nowhere else. */
static float body_checked_copy(size_t n, const float *x, bool past_caches, float *y)
{
    const bool streams = past_caches && (uintptr_t)y % LAM__VEC_BYTES == 0;
    vf even = v_set(0.0f), odd = v_set(0.0f); /* sums: shorter chains */
    const vf zero = v_set(0.0f);
    size_t i = 0;
    for (; i + 2 * W <= n; i += 2 * W) {
        const vf a = v_load(x + i), b = v_load(x + i + W);
        even = v_fma(a, zero, even);
        odd = v_fma(b, zero, odd);
        if (streams) {
            v_stream(y + i, a);
            v_stream(y + i + W, b);
        } else {
            v_store(y + i, a);
            v_store(y + i + W, b);
        }
    }
    for (size_t left; (left = n - i) > 0; i += left < W ? left : W) {
        const vf a = left < W ? v_load_n(x + i, left) : v_load(x + i);
        even = v_fma(a, zero, even);
        if (left < W)
            v_store_n(y + i, a, left);
        else
            v_store(y + i, a);
    }
    return v_sum(even + odd);
}

enum {
    SUM_ROWS = 16,    /* of a block, a multiple of 4 */
    SUM_COLS = 256,   /* of a block, a multiple of two vectors */
    SUM_FAR = 1 << 21 /* bytes: more than a second-level cache holds */
};

/* Four running sums of each column, of rows 0, 4, 8.., 1, 5, 9.. and so on: shorter chains, smaller
 * errors. */
typedef struct column_block {
    vf s[4][SUM_COLS / W];
} column_block;

/* Adds `rows` rows of vector v of the columns, n <= W floats each; the first is row 0 of four. */
static inline void add_column(size_t rows, size_t ld, const float *x, size_t n, size_t v,
                              column_block *sums)
{
#define LAM__LOAD(p) (n < W ? v_load_n(p, n) : v_load(p))
    vf s0 = sums->s[0][v], s1 = sums->s[1][v], s2 = sums->s[2][v], s3 = sums->s[3][v];
    size_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * ld) {
        s0 += LAM__LOAD(x);
        s1 += LAM__LOAD(x + ld);
        s2 += LAM__LOAD(x + 2 * ld);
        s3 += LAM__LOAD(x + 3 * ld);
    }
    if (r < rows)
        s0 += LAM__LOAD(x);
    if (r + 1 < rows)
        s1 += LAM__LOAD(x + ld);
    if (r + 2 < rows)
        s2 += LAM__LOAD(x + 2 * ld);
    sums->s[0][v] = s0;
    sums->s[1][v] = s1;
    sums->s[2][v] = s2;
    sums->s[3][v] = s3;
#undef LAM__LOAD
}

/* The same for whole vectors v and v + 1: more is in flight. Rows that make no four are left;
 * returns how many were added. */
static inline size_t add_two_columns(size_t rows, size_t ld, const float *x, size_t v,
                                     column_block *sums)
{
    vf s0 = sums->s[0][v], s1 = sums->s[1][v], s2 = sums->s[2][v], s3 = sums->s[3][v];
    v++;
    vf t0 = sums->s[0][v], t1 = sums->s[1][v], t2 = sums->s[2][v], t3 = sums->s[3][v];
    size_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * ld) {
        s0 += v_load(x);
        t0 += v_load(x + W);
        s1 += v_load(x + ld);
        t1 += v_load(x + ld + W);
        s2 += v_load(x + 2 * ld);
        t2 += v_load(x + 2 * ld + W);
        s3 += v_load(x + 3 * ld);
        t3 += v_load(x + 3 * ld + W);
    }
    sums->s[0][v] = t0;
    sums->s[1][v] = t1;
    sums->s[2][v] = t2;
    sums->s[3][v] = t3;
    v--;
    sums->s[0][v] = s0;
    sums->s[1][v] = s1;
    sums->s[2][v] = s2;
    sums->s[3][v] = s3;
    return r;
}

/* Adds all rows in blocks, in which few vectors are added down the rows before the next few. */
static inline void add_blocks(size_t rows, size_t cols, size_t ld, const float *x,
                              column_block *sums)
{
    const size_t most = cols <= 2 * W ? rows : SUM_ROWS;
    for (size_t r = 0; r < rows; r += most, x += most * ld) {
        const size_t count = rows - r < most ? rows - r : most;
        size_t c = 0;
        for (; c + 2 * W <= cols; c += 2 * W) {
            const size_t done = add_two_columns(count, ld, x + c, c / W, sums);
            if (done == count)
                continue;
            add_column(count - done, ld, x + done * ld + c, W, c / W, sums);
            add_column(count - done, ld, x + done * ld + c + W, W, c / W + 1, sums);
        }
        for (; c < cols; c += W)
            add_column(count, ld, x + c, cols - c, c / W, sums);
    }
}

/* Adds all rows one after the other. */
static inline void add_rows(size_t rows, size_t cols, size_t ld, const float *x, column_block *sums)
{
    for (size_t r = 0; r < rows; r++, x += ld) {
        vf *s = sums->s[r % 4];
        size_t c = 0;
        for (; c + W <= cols; c += W)
            s[c / W] += v_load(x + c);
        if (c < cols)
            s[c / W] += v_load_n(x + c, cols - c);
    }
}

/* cols <= SUM_COLS columns. What is far comes fastest in the order in which it lies in memory; what
 * is near is added with fewer loads and stores of the sums. The additions are the same. */
static inline void sum_columns(size_t rows, size_t cols, size_t ld, const float *x, float *to)
{
    column_block sums;
    for (size_t q = 0; q < 4; q++)
        for (size_t c = 0; c < cols; c += W)
            sums.s[q][c / W] = v_set(0.0f);
    if (rows < SUM_FAR / sizeof *x / ld)
        add_blocks(rows, cols, ld, x, &sums);
    else
        add_rows(rows, cols, ld, x, &sums);
    for (size_t c = 0; c < cols; c += W) {
        const size_t v = c / W;
        const vf sum = (sums.s[0][v] + sums.s[2][v]) + (sums.s[1][v] + sums.s[3][v]);
        if (cols - c < W)
            v_store_n(to + c, sum, cols - c);
        else
            v_store(to + c, sum);
    }
}

static void body_column_sums(size_t rows, size_t cols, size_t ld, const float *x, float *sums)
{
    for (size_t c = 0; c < cols; c += SUM_COLS)
        sum_columns(rows, cols - c < SUM_COLS ? cols - c : SUM_COLS, ld, x + c, sums + c);
}

#endif
