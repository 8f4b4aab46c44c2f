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
    vd low = v_low(w), high = v_high(w);
    vf size = v_abs(w);
    *absolute += v_low(size) + v_high(size);
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

/* Four running sums, of rows 0, 4, 8.., 1, 5, 9.. and so on: shorter chains, smaller errors. */
static inline vf column_sum(size_t rows, size_t ld, const float *x, size_t n)
{
#define LAM__LOAD(p) (n < W ? v_load_n(p, n) : v_load(p))
    vf s0 = v_set(0.0f), s1 = s0, s2 = s0, s3 = s0;
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
    return (s0 + s2) + (s1 + s3);
#undef LAM__LOAD
}

static void body_column_sums(size_t rows, size_t cols, size_t ld, const float *x, float *sums)
{
    size_t c = 0;
    for (; c + W <= cols; c += W)
        v_store(sums + c, column_sum(rows, ld, x + c, W));
    if (c < cols)
        v_store_n(sums + c, column_sum(rows, ld, x + c, cols - c), cols - c);
}

#endif
