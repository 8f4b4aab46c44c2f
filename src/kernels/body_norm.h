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

static void body_layer_norm(const lam__norm_args *a)
{
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->ldx;
        float *y = a->y + r * a->ldy;
        const float mean = norm_total(a->cols, x) / (float)a->cols;
        const float variance = norm_squares(a->cols, x, mean) / (float)a->cols;
        const float inverse = 1.0f / v_sqrt(v_set(variance + a->epsilon))[0];
        size_t c = 0;
        for (; c + W <= a->cols; c += W)
            v_store(y + c, (v_load(x + c) - mean) * inverse * v_load(a->gamma + c));
        if (c < a->cols) {
            const size_t left = a->cols - c;
            v_store_n(y + c,
                      (v_load_n(x + c, left) - mean) * inverse * v_load_n(a->gamma + c, left),
                      left);
        }
        if (a->stats) {
            a->stats[2 * r] = mean;
            a->stats[2 * r + 1] = inverse;
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

static void body_layer_norm_sums(const lam__norm_args *a)
{
    size_t c = 0;
    for (; c + 4 * W <= a->cols; c += 4 * W)
        norm_sum_wide(a, c);
    for (; c < a->cols; c += W)
        norm_sum_narrow(a, c, a->cols - c < W ? a->cols - c : W);
}

#endif
