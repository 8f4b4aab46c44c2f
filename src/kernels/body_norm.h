/* body_norm.h: layer normalization: rows brought to mean 0 and variance 1.
 *
 * Source: Ba, Kiros, Hinton: "Layer Normalization", 2016. The variance is taken about the mean in a
 * second pass: E(x^2) - E(x)^2 would cancel. */
#ifndef LAMINA_BODY_NORM_H
#define LAMINA_BODY_NORM_H

#include "body_softmax.h"
#include "kernels.h"
#include "vec.h"

enum {
    NORM_ROWS = 8,         /* rows that are brought through the passes together: */
    NORM_FLOATS = 4096,    /* as many as stay in the first-level cache, */
    NORM_FAR = 1 << 20,    /* bytes: more than a second-level cache holds, */
    NORM_MEMORY = 1 << 24, /* or a third-level one */
    LINE = 16              /* floats of a line of the cache */
};

/* Sum of a row, in four chains: one would wait for each addition. */
static inline float norm_total(size_t cols, const float *x)
{
    vf sum[4] = {{0}, {0}, {0}, {0}};
    size_t c = 0;
    for (; c + 4 * W <= cols; c += 4 * W)
        for (size_t i = 0; i < 4; i++)
            sum[i] += v_load(x + c + i * W);
    for (; c + W <= cols; c += W)
        sum[0] += v_load(x + c);
    if (c < cols)
        sum[1] += v_load_n(x + c, cols - c);
    return v_sum(sum[0] + sum[1] + (sum[2] + sum[3]));
}

/* Sum of (x - mean)^2 over a row. It lies in the first-level cache, so there is time to fetch
 * another from the second: `ahead`, or NULL. */
static inline float norm_squares(size_t cols, const float *x, float mean, const float *ahead)
{
    vf sum[4] = {{0}, {0}, {0}, {0}};
    size_t c = 0;
    for (; c + 4 * W <= cols; c += 4 * W) {
        for (size_t i = 0; ahead && i < 4 * W; i += LINE)
            __builtin_prefetch(ahead + c + i, 0, 3);
        for (size_t i = 0; i < 4; i++) {
            const vf a = v_load(x + c + i * W) - mean;
            sum[i] = v_fma(a, a, sum[i]);
        }
    }
    for (; c + W <= cols; c += W) {
        const vf a = v_load(x + c) - mean;
        sum[0] = v_fma(a, a, sum[0]);
    }
    if (c < cols) {
        const vf a = v_keep(v_tail(cols - c), v_load_n(x + c, cols - c) - mean);
        sum[1] = v_fma(a, a, sum[1]);
    }
    return v_sum(sum[0] + sum[1] + (sum[2] + sum[3]));
}

static inline vf norm_scale(vf x, float mean, float inverse, vf gamma)
{
    return (x - mean) * inverse * gamma;
}

/* One or two rows (`more` 0 or 1) of known means, which share the loads of gamma. */
static inline void norm_write(const lam__norm_args *a, size_t more, const float *x,
                              const float *mean, const float *inverse, float *y)
{
    const float *gamma = a->gamma, *x1 = x + more * a->ldx;
    float *y1 = y + more * a->ldy;
    const float mean0 = mean[0], mean1 = mean[more], inverse0 = inverse[0],
                inverse1 = inverse[more];
    const size_t cols = a->cols;
    size_t c = 0;
    for (; c + W <= cols; c += W) {
        const vf g = v_load(gamma + c);
        v_store(y + c, norm_scale(v_load(x + c), mean0, inverse0, g));
        if (more)
            v_store(y1 + c, norm_scale(v_load(x1 + c), mean1, inverse1, g));
    }
    if (c < cols) {
        const size_t left = cols - c;
        const vf g = v_load_n(gamma + c, left);
        v_store_n(y + c, norm_scale(v_load_n(x + c, left), mean0, inverse0, g), left);
        if (more)
            v_store_n(y1 + c, norm_scale(v_load_n(x1 + c, left), mean1, inverse1, g), left);
    }
}

/* Whether x and y have so many bytes. */
static inline bool norm_has(const lam__norm_args *a, size_t bytes)
{
    return a->rows * (a->ldx + a->ldy) >= bytes / sizeof *a->x;
}

/* Rows of a group, of so many arrays. The sums of one row would wait for each other and for the
 * root; those of several overlap. Memory itself is fastest in the order in which things lie in it.
 */
static inline size_t norm_group_rows(const lam__norm_args *a, size_t arrays)
{
    const size_t fit = NORM_FLOATS / arrays / (a->cols ? a->cols : 1);
    return norm_has(a, NORM_MEMORY) || fit < 1 ? 1 : fit > NORM_ROWS ? NORM_ROWS : fit;
}

/* Rows first .. first + rows - 1; those of the `next` ones after them are fetched meanwhile. */
static inline void norm_group(const lam__norm_args *a, size_t first, size_t rows, size_t next)
{
    const size_t cols = a->cols;
    const float *x = a->x + first * a->ldx;
    float *y = a->y + first * a->ldy;
    float mean[NORM_ROWS], inverse[NORM_ROWS];
    for (size_t r = 0; r < rows; r++)
        mean[r] = norm_total(cols, x + r * a->ldx) / (float)cols;
    for (size_t r = 0; r < rows; r++) {
        const float *ahead = r < next ? x + (rows + r) * a->ldx : NULL;
        inverse[r] = norm_squares(cols, x + r * a->ldx, mean[r], ahead) / (float)cols;
    }
    for (size_t r = 0; r < rows; r++)
        inverse[r] = 1.0f / v_sqrt(v_set(inverse[r] + a->epsilon))[0];
    for (size_t r = 0; r < rows; r += 2)
        norm_write(a, r + 1 < rows, x + r * a->ldx, mean + r, inverse + r, y + r * a->ldy);
    for (size_t r = 0; a->stats && r < rows; r++) {
        a->stats[2 * (first + r)] = mean[r];
        a->stats[2 * (first + r) + 1] = inverse[r];
    }
}

static void body_layer_norm(const lam__norm_args *a)
{
    const size_t most = norm_group_rows(a, 1);
    for (size_t first = 0, rows; first < a->rows; first += rows) {
        const size_t left = a->rows - first;
        rows = left < most ? left : most;
        norm_group(a, first, rows, most == 1 ? 0 : left - rows);
    }
}

/* With d = x - mean, h = d inverse and g = dy gamma: dx = inverse (g - mean(g) - h mean(g h)). */
typedef struct norm_slopes {
    float mean, inverse;
    float g, gh; /* mean(g), mean(g h) */
} norm_slopes;

static inline void norm_step_back(vf d, vf g, vf *total, vf *product)
{
    *total += g;
    *product = v_fma(g, d, *product);
}

/* Sets the means of row r. */
static inline void norm_sums_back(const lam__norm_args *a, size_t r, norm_slopes *s)
{
    const float *x = a->x + r * a->ldx, *dy = a->dy + r * a->ldy;
    vf total[2] = {{0}, {0}}, product[2] = {{0}, {0}};
    size_t c = 0;
    s->mean = a->stats[2 * r];
    s->inverse = a->stats[2 * r + 1];
    for (; c + 2 * W <= a->cols; c += 2 * W)
        for (size_t i = 0, k = c; i < 2; i++, k += W)
            norm_step_back(v_load(x + k) - s->mean, v_load(dy + k) * v_load(a->gamma + k),
                           &total[i], &product[i]);
    for (; c + W <= a->cols; c += W)
        norm_step_back(v_load(x + c) - s->mean, v_load(dy + c) * v_load(a->gamma + c), &total[0],
                       &product[0]);
    const size_t left = a->cols - c;
    if (left) /* g is 0 beyond the row */
        norm_step_back(v_keep(v_tail(left), v_load_n(x + c, left) - s->mean),
                       v_load_n(dy + c, left) * v_load_n(a->gamma + c, left), &total[1],
                       &product[1]);
    s->g = v_sum(total[0] + total[1]) / (float)a->cols;
    s->gh = v_sum(product[0] + product[1]) * s->inverse / (float)a->cols;
}

static inline void norm_row_back(const lam__norm_args *a, size_t r, const norm_slopes *s)
{
    const float *x = a->x + r * a->ldx, *dy = a->dy + r * a->ldy, *gamma = a->gamma;
    float *dx = a->dx + r * a->ldx;
    const vf slope = v_set(-s->gh * s->inverse);
    size_t c = 0;
    for (; c + W <= a->cols; c += W) {
        const vf g = v_load(dy + c) * v_load(gamma + c);
        v_store(dx + c, v_fma(v_load(x + c) - s->mean, slope, g - s->g) * s->inverse);
    }
    const size_t left = a->cols - c;
    if (left) {
        const vf g = v_load_n(dy + c, left) * v_load_n(gamma + c, left);
        v_store_n(dx + c, v_fma(v_load_n(x + c, left) - s->mean, slope, g - s->g) * s->inverse,
                  left);
    }
}

static void body_layer_norm_backward(const lam__norm_args *args)
{
    const lam__norm_args copy = *args, *a = &copy; /* the stores cannot change it */
    const size_t most = norm_group_rows(a, 2);
    for (size_t first = 0, rows; first < a->rows; first += rows) {
        norm_slopes slopes[NORM_ROWS];
        const size_t left = a->rows - first;
        rows = left < most ? left : most;
        for (size_t r = 0; r < rows; r++)
            norm_sums_back(a, first + r, &slopes[r]);
        for (size_t r = 0; r < rows; r++)
            norm_row_back(a, first + r, &slopes[r]);
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
    if (norm_has(a, NORM_FAR)) {
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
