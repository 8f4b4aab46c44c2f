/* body_norm.h: layer normalization: rows brought to mean 0 and variance 1.
 *
 * Source: Ba, Kiros, Hinton: "Layer Normalization", 2016. The variance is taken about the mean in a
 * second pass: E(x^2) - E(x)^2 would cancel. */
#ifndef LAMINA_BODY_NORM_H
#define LAMINA_BODY_NORM_H

#include "body_softmax.h"
#include "kernels.h"
#include "vec.h"

/* Sum of a row, in two chains: one would wait for each addition. */
static inline float norm_total(size_t cols, const float *x)
{
    vf even = v_set(0.0f), odd = even;
    size_t c = 0;
    for (; c + 2 * W <= cols; c += 2 * W) {
        even += v_load(x + c);
        odd += v_load(x + c + W);
    }
    if (c + W <= cols) {
        even += v_load(x + c);
        c += W;
    }
    if (c < cols)
        odd += v_load_n(x + c, cols - c);
    return v_sum(even + odd);
}

/* Sum of (x - mean)^2 over a row. */
static inline float norm_squares(size_t cols, const float *x, float mean)
{
    vf even = v_set(0.0f), odd = even;
    size_t c = 0;
    for (; c + 2 * W <= cols; c += 2 * W) {
        const vf a = v_load(x + c) - mean, b = v_load(x + c + W) - mean;
        even = v_fma(a, a, even);
        odd = v_fma(b, b, odd);
    }
    if (c + W <= cols) {
        const vf a = v_load(x + c) - mean;
        even = v_fma(a, a, even);
        c += W;
    }
    if (c < cols) {
        const vf a = v_keep(v_tail(cols - c), v_load_n(x + c, cols - c) - mean);
        odd = v_fma(a, a, odd);
    }
    return v_sum(even + odd);
}

static inline void norm_row(size_t cols, const float *x, float mean, float inverse,
                            const float *gamma, float *y)
{
    size_t c = 0;
    for (; c + W <= cols; c += W)
        v_store(y + c, (v_load(x + c) - mean) * inverse * v_load(gamma + c));
    if (c < cols) {
        const size_t left = cols - c;
        v_store_n(y + c, (v_load_n(x + c, left) - mean) * inverse * v_load_n(gamma + c, left),
                  left);
    }
}

enum {
    NORM_ROWS = 8,      /* rows that are brought through the passes together: */
    NORM_FLOATS = 4096, /* as many as stay in the first-level cache, */
    NORM_FAR = 1 << 20  /* bytes: more than a second-level cache holds */
};

/* The sums of one row would wait for each other and for the root; those of several overlap. */
static void body_layer_norm(const lam__norm_args *a)
{
    const size_t cols = a->cols, fit = NORM_FLOATS / (cols ? cols : 1);
    const size_t most = fit < 1 ? 1 : fit > NORM_ROWS ? NORM_ROWS : fit;
    float mean[NORM_ROWS], inverse[NORM_ROWS];
    for (size_t first = 0; first < a->rows; first += most) {
        const size_t rows = a->rows - first < most ? a->rows - first : most;
        const float *x = a->x + first * a->ldx;
        for (size_t r = 0; r < rows; r++)
            mean[r] = norm_total(cols, x + r * a->ldx) / (float)cols;
        for (size_t r = 0; r < rows; r++) {
            const float variance = norm_squares(cols, x + r * a->ldx, mean[r]) / (float)cols;
            inverse[r] = 1.0f / v_sqrt(v_set(variance + a->epsilon))[0];
        }
        for (size_t r = 0; r < rows; r++)
            norm_row(cols, x + r * a->ldx, mean[r], inverse[r], a->gamma,
                     a->y + (first + r) * a->ldy);
        for (size_t r = 0; a->stats && r < rows; r++) {
            a->stats[2 * (first + r)] = mean[r];
            a->stats[2 * (first + r) + 1] = inverse[r];
        }
    }
}

/* With h = (x - mean) inverse and g = dy gamma: dx = inverse (g - mean(g) - h mean(g h)). */
static void body_layer_norm_backward(const lam__norm_args *a)
{
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->ldx, *dy = a->dy + r * a->ldy;
        float *dx = a->dx + r * a->ldx;
        const float mean = a->stats[2 * r], inverse = a->stats[2 * r + 1];
        vf total = v_set(0.0f), product = total;
        size_t c = 0;
        for (; c + W <= a->cols; c += W) {
            const vf g = v_load(dy + c) * v_load(a->gamma + c);
            total += g;
            product = v_fma(g, (v_load(x + c) - mean) * inverse, product);
        }
        const size_t left = a->cols - c;
        if (left) { /* g is 0 beyond the row */
            const vf g = v_load_n(dy + c, left) * v_load_n(a->gamma + c, left);
            total += g;
            product =
                v_fma(g, v_keep(v_tail(left), (v_load_n(x + c, left) - mean) * inverse), product);
        }
        const float mean_g = v_sum(total) / (float)a->cols;
        const float mean_gh = v_sum(product) / (float)a->cols;
        const vf slope = v_set(-mean_gh);
        for (c = 0; c + W <= a->cols; c += W) {
            const vf g = v_load(dy + c) * v_load(a->gamma + c);
            const vf h = (v_load(x + c) - mean) * inverse;
            v_store(dx + c, v_fma(h, slope, g - mean_g) * inverse);
        }
        if (left) {
            const vf g = v_load_n(dy + c, left) * v_load_n(a->gamma + c, left);
            const vf h = (v_load_n(x + c, left) - mean) * inverse;
            v_store_n(dx + c, v_fma(h, slope, g - mean_g) * inverse, left);
        }
    }
}

/* Columns c .. c + 4 W - 1: four chains, each down all rows in their order. */
static inline void norm_sum_wide(const lam__norm_args *a, size_t c)
{
    vf s0 = v_set(0.0f), s1 = s0, s2 = s0, s3 = s0;
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->ldx + c, *dy = a->dy + r * a->ldy + c;
        const float mean = a->stats[2 * r], inverse = a->stats[2 * r + 1];
        s0 = v_fma((v_load(x) - mean) * inverse, v_load(dy), s0);
        s1 = v_fma((v_load(x + W) - mean) * inverse, v_load(dy + W), s1);
        s2 = v_fma((v_load(x + 2 * W) - mean) * inverse, v_load(dy + 2 * W), s2);
        s3 = v_fma((v_load(x + 3 * W) - mean) * inverse, v_load(dy + 3 * W), s3);
    }
    v_store(a->sums + c, s0);
    v_store(a->sums + c + W, s1);
    v_store(a->sums + c + 2 * W, s2);
    v_store(a->sums + c + 3 * W, s3);
}

/* Columns c .. c + n - 1, n <= W. */
static inline void norm_sum_narrow(const lam__norm_args *a, size_t c, size_t n)
{
    vf sum = v_set(0.0f);
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->ldx + c, *dy = a->dy + r * a->ldy + c;
        const float mean = a->stats[2 * r], inverse = a->stats[2 * r + 1];
        if (n == W)
            sum = v_fma((v_load(x) - mean) * inverse, v_load(dy), sum);
        else
            sum = v_fma((v_load_n(x, n) - mean) * inverse, v_load_n(dy, n), sum);
    }
    if (n == W)
        v_store(a->sums + c, sum);
    else
        v_store_n(a->sums + c, sum, n);
}

/* Adds one row. */
static inline void norm_sum_row(const lam__norm_args *a, size_t r)
{
    const float *x = a->x + r * a->ldx, *dy = a->dy + r * a->ldy;
    const float mean = a->stats[2 * r], inverse = a->stats[2 * r + 1];
    float *sums = a->sums;
    size_t c = 0;
    for (; c + W <= a->cols; c += W)
        v_store(sums + c,
                v_fma((v_load(x + c) - mean) * inverse, v_load(dy + c), v_load(sums + c)));
    if (c < a->cols) {
        const size_t left = a->cols - c;
        v_store_n(sums + c,
                  v_fma((v_load_n(x + c, left) - mean) * inverse, v_load_n(dy + c, left),
                        v_load_n(sums + c, left)),
                  left);
    }
}

/* What is far comes fastest in the order in which it lies in memory; what is near is added with
 * fewer loads and stores of the sums. The additions are the same. */
static void body_layer_norm_sums(const lam__norm_args *a)
{
    if (a->rows >= NORM_FAR / sizeof *a->x / (a->ldx + a->ldy)) {
        memset(a->sums, 0, a->cols * sizeof *a->sums);
        for (size_t r = 0; r < a->rows; r++)
            norm_sum_row(a, r);
        return;
    }
    size_t c = 0;
    for (; c + 4 * W <= a->cols; c += 4 * W)
        norm_sum_wide(a, c);
    for (; c < a->cols; c += W)
        norm_sum_narrow(a, c, a->cols - c < W ? a->cols - c : W);
}

#endif
