/* body_update.h: optimizers, weight penalties and sums over rows. */
#ifndef LAMINA_BODY_UPDATE_H
#define LAMINA_BODY_UPDATE_H

#include "kernels.h"
#include "vec.h"

static void body_sgd_plain(const lam__update_args *a)
{
    vf rate = v_set(-a->learning_rate);
    size_t i = 0;
    for (; i + W <= a->n; i += W)
        v_store(a->w + i, v_fma(rate, v_load(a->g + i), v_load(a->w + i)));
    size_t left = a->n - i;
    if (left)
        v_store_n(a->w + i, v_fma(rate, v_load_n(a->g + i, left), v_load_n(a->w + i, left)), left);
}

static void body_sgd(const lam__update_args *a)
{
    if (!a->m) {
        body_sgd_plain(a);
        return;
    }
    vf rate = v_set(-a->learning_rate), momentum = v_set(a->momentum);
    size_t i = 0;
    for (; i + W <= a->n; i += W) {
        vf m = v_fma(momentum, v_load(a->m + i), rate * v_load(a->g + i));
        v_store(a->m + i, m);
        v_store(a->w + i, v_load(a->w + i) + m);
    }
    size_t left = a->n - i;
    if (left) {
        vf m = v_fma(momentum, v_load_n(a->m + i, left), rate * v_load_n(a->g + i, left));
        v_store_n(a->m + i, m, left);
        v_store_n(a->w + i, v_load_n(a->w + i, left) + m, left);
    }
}

/* Kingma, Ba: "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1. */
static inline vf adam_step(const lam__update_args *a, vf w, vf g, vf *m, vf *v)
{
    *m = v_fma(v_set(a->beta_1), *m, (1.0f - a->beta_1) * g);
    *v = v_fma(v_set(a->beta_2), *v, (1.0f - a->beta_2) * g * g);
    vf step = *m * (a->learning_rate * a->correction_1);
    return w - step / (v_sqrt(*v * a->correction_2) + a->epsilon);
}

static void body_adam(const lam__update_args *args)
{
    const lam__update_args copy = *args, *a = &copy; /* the stores cannot change it */
    size_t i = 0;
    for (; i + W <= a->n; i += W) {
        vf m = v_load(a->m + i), v = v_load(a->v + i);
        v_store(a->w + i, adam_step(a, v_load(a->w + i), v_load(a->g + i), &m, &v));
        v_store(a->m + i, m);
        v_store(a->v + i, v);
    }
    size_t left = a->n - i;
    if (left) {
        vf m = v_load_n(a->m + i, left), v = v_load_n(a->v + i, left);
        vf w = adam_step(a, v_load_n(a->w + i, left), v_load_n(a->g + i, left), &m, &v);
        v_store_n(a->w + i, w, left);
        v_store_n(a->m + i, m, left);
        v_store_n(a->v + i, v, left);
    }
}

static inline vf penalty_step(vf w, vf g, float l1, float l2, vd *absolute, vd *squares)
{
    const vf size = v_abs(w);
    const vd low = v_low(size), high = v_high(size);
    *absolute += low + high;
    *squares += low * low + high * high;
    vf sign = v_keep(v_lt(v_set(0.0f), size), v_with_sign(v_set(l1), v_sign(w)));
    return g + v_fma(w, v_set(2.0f * l2), sign);
}

static double body_penalty(size_t n, const float *w, float l1, float l2, float *g)
{
    vd absolute = {0}, squares = {0};
    size_t i = 0;
    for (; i + W <= n; i += W) {
        vf slope = g ? v_load(g + i) : v_set(0.0f);
        slope = penalty_step(v_load(w + i), slope, l1, l2, &absolute, &squares);
        if (g)
            v_store(g + i, slope);
    }
    size_t left = n - i;
    if (left) {
        vf slope = g ? v_load_n(g + i, left) : v_set(0.0f);
        slope = penalty_step(v_load_n(w + i, left), slope, l1, l2, &absolute, &squares);
        if (g)
            v_store_n(g + i, slope, left);
    }
    return l1 * v_sum_d(absolute) + l2 * v_sum_d(squares);
}

enum {
    SUM_ROWS = 16,         /* of a block, a multiple of 4 */
    SUM_COLS = 16 * (int)W /* of a block */
};

/* Four running sums a column, of rows 0, 4, 8.., 1, 5, 9.. and so on: shorter chains, smaller
 * errors. */
typedef struct running {
    vf s[4];
} running;

/* Adds `rows` rows of a column of vectors with n <= W floats each; the first is row 0 of four. */
static inline void add_column(size_t rows, size_t ld, const float *x, size_t n, running *sums)
{
#define LAM__LOAD(p) (n < W ? v_load_n(p, n) : v_load(p))
    running t = *sums;
    size_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * ld) {
        t.s[0] += LAM__LOAD(x);
        t.s[1] += LAM__LOAD(x + ld);
        t.s[2] += LAM__LOAD(x + 2 * ld);
        t.s[3] += LAM__LOAD(x + 3 * ld);
    }
    if (r < rows)
        t.s[0] += LAM__LOAD(x);
    if (r + 1 < rows)
        t.s[1] += LAM__LOAD(x + ld);
    if (r + 2 < rows)
        t.s[2] += LAM__LOAD(x + 2 * ld);
    *sums = t;
#undef LAM__LOAD
}

/* The same for two whole vectors side by side: more is in flight. */
static inline void add_two_columns(size_t rows, size_t ld, const float *x, running *sums)
{
    running t = sums[0], u = sums[1];
    size_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * ld) {
        for (size_t q = 0; q < 4; q++) {
            __builtin_prefetch(x + (SUM_ROWS + q) * ld, 0, 3);
            if (W == 16)
                __builtin_prefetch(x + (SUM_ROWS + q) * ld + W, 0, 3);
        }
        t.s[0] += v_load(x);
        u.s[0] += v_load(x + W);
        t.s[1] += v_load(x + ld);
        u.s[1] += v_load(x + ld + W);
        t.s[2] += v_load(x + 2 * ld);
        u.s[2] += v_load(x + 2 * ld + W);
        t.s[3] += v_load(x + 3 * ld);
        u.s[3] += v_load(x + 3 * ld + W);
    }
    sums[0] = t;
    sums[1] = u;
    if (r == rows)
        return;
    add_column(rows - r, ld, x, W, sums);
    add_column(rows - r, ld, x + W, W, sums + 1);
}

static inline vf total_of(const running *sums)
{
    return (sums->s[0] + sums->s[2]) + (sums->s[1] + sums->s[3]);
}

/* cols <= SUM_COLS columns. Blocks of rows, so that a page and a line of the first-level cache are
 * read whole before the next. */
static inline void sum_columns(size_t rows, size_t cols, size_t ld, const float *x, float *to)
{
    const size_t most = cols <= 2 * W ? rows : SUM_ROWS; /* of a block */
    running sums[SUM_COLS / W];
    memset(sums, 0, (cols + W - 1) / W * sizeof *sums);
    for (size_t r = 0; r < rows; r += most) {
        const size_t count = rows - r < most ? rows - r : most;
        const float *block = x + r * ld;
        size_t c = 0;
        for (; c + 2 * W <= cols; c += 2 * W)
            add_two_columns(count, ld, block + c, sums + c / W);
        for (; c < cols; c += W)
            add_column(count, ld, block + c, cols - c, sums + c / W);
    }
    size_t c = 0;
    for (; c + W <= cols; c += W)
        v_store(to + c, total_of(sums + c / W));
    if (c < cols)
        v_store_n(to + c, total_of(sums + c / W), cols - c);
}

static void body_column_sums(size_t rows, size_t cols, size_t ld, const float *x, float *sums)
{
    for (size_t c = 0; c < cols; c += SUM_COLS)
        sum_columns(rows, cols - c < SUM_COLS ? cols - c : SUM_COLS, ld, x + c, sums + c);
}

#endif
