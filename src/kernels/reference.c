/* reference.c: every kernel once more, plainly: scalar, in double inside. The losses are in
 * reference_loss.c, those of activations beside their vectors in activation_loops.h. What the tests
 * hold every instruction set to. */
#include "reference.h"

#include <math.h>
#include <stdbool.h>

#include "base/philox.h"

static double sign(double x)
{
    return (x > 0.0) - (x < 0.0);
}

#define LAM__FORWARD_REFERENCE(name, function)                                                     \
    static void lam__reference_##name(size_t rows, size_t cols, size_t ld, const float *bias,      \
                                      float *y)                                                    \
    {                                                                                              \
        for (size_t r = 0; r < rows; r++)                                                          \
            for (size_t c = 0; c < cols; c++) {                                                    \
                double z = (double)y[r * ld + c] + (bias ? bias[c] : 0.0f);                        \
                y[r * ld + c] = (float)function(z);                                                \
            }                                                                                      \
    }

#define LAM__BACKWARD_REFERENCE(name, function)                                                    \
    static void lam__reference_##name(size_t rows, size_t cols, size_t ld, const float *z,         \
                                      const float *y, float *dy)                                   \
    {                                                                                              \
        for (size_t r = 0; r < rows; r++)                                                          \
            for (size_t c = 0; c < cols; c++) {                                                    \
                size_t i = r * ld + c;                                                             \
                dy[i] = (float)function(z ? (double)z[i] : NAN, (double)y[i], (double)dy[i]);      \
            }                                                                                      \
    }

#define LAM__LOOPS_IN_DOUBLE
#include "kernels/activation_loops.h"
#undef LAM__LOOPS_IN_DOUBLE

#define UNARY(name, function)                                                                      \
    static void lam__reference_##name(size_t n, const float *x, float *y)                          \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = (float)function((double)x[i]);                                                  \
    }

UNARY(exp, exp)
UNARY(expm1, expm1)
UNARY(log, log)
UNARY(tanh, tanh)
UNARY(sigmoid, d_sigmoid)
UNARY(erf, erf)

static void lam__reference_affine_u8(size_t n, const uint8_t *x, float scale, float offset,
                                     float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] * scale + offset);
}

static void lam__reference_affine_f32(size_t n, const float *x, float scale, float offset, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] * scale + offset);
}

static void lam__reference_affine_each_u8(size_t n, const uint8_t *x, const float *scale,
                                          const float *offset, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] * scale[i] + offset[i]);
}

static void lam__reference_affine_each_f32(size_t n, const float *x, const float *scale,
                                           const float *offset, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] * scale[i] + offset[i]);
}

static void lam__reference_softmax_forward(size_t rows, size_t cols, size_t ld, const float *bias,
                                           float *y)
{
    for (size_t r = 0; r < rows; r++) {
        float *z = y + r * ld;
        double total = lam__reference_exp_total(cols, bias, z);
        double most = lam__reference_maximum(cols, bias, z);
        for (size_t c = 0; c < cols; c++)
            z[c] = (float)(exp((double)z[c] + (bias ? bias[c] : 0.0f) - most) / total);
    }
}

static void lam__reference_softmax_backward(size_t rows, size_t cols, size_t ld, const float *z,
                                            const float *y, float *dy)
{
    (void)z;
    for (size_t r = 0; r < rows; r++) {
        const float *p = y + r * ld;
        float *d = dy + r * ld;
        double dot = 0.0;
        for (size_t c = 0; c < cols; c++)
            dot += (double)p[c] * d[c];
        for (size_t c = 0; c < cols; c++)
            d[c] = (float)(p[c] * (d[c] - dot));
    }
}

static void lam__reference_sgd(const lam__update_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        double step = -(double)a->learning_rate * a->g[i];
        if (a->m) {
            step += (double)a->momentum * a->m[i];
            a->m[i] = (float)step;
        }
        a->w[i] = (float)(a->w[i] + step);
    }
}

static void lam__reference_adam(const lam__update_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        double g = a->g[i];
        double m = (double)a->beta_1 * a->m[i] + (1.0 - a->beta_1) * g;
        double v = (double)a->beta_2 * a->v[i] + (1.0 - a->beta_2) * g * g;
        a->m[i] = (float)m;
        a->v[i] = (float)v;
        a->w[i] = (float)(a->w[i] - a->learning_rate * (m * a->correction_1) /
                                        (sqrt(v * a->correction_2) + a->epsilon));
    }
}

static double lam__reference_penalty(size_t n, const float *w, float l1, float l2, float *g)
{
    double absolute = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        absolute += fabs((double)w[i]);
        squares += (double)w[i] * w[i];
        if (g)
            g[i] = (float)(g[i] + l1 * sign(w[i]) + 2.0 * l2 * w[i]);
    }
    return l1 * absolute + l2 * squares;
}

static float lam__reference_checked_copy(size_t n, const float *x, bool past_caches, float *y)
{
    (void)past_caches;
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        finite = finite && isfinite(x[i]);
        y[i] = x[i];
    }
    return finite ? 0.0f : NAN;
}

static void lam__reference_column_sums(size_t rows, size_t cols, size_t ld, const float *x,
                                       float *sums)
{
    for (size_t c = 0; c < cols; c++) {
        double sum = 0.0;
        for (size_t r = 0; r < rows; r++)
            sum += x[r * ld + c];
        sums[c] = (float)sum;
    }
}

static bool kept(const lam__dropout_args *a, size_t r, size_t c)
{
    uint32_t counter[4] = {(uint32_t)(c / 64 * 16 + c % 16), a->first_row + (uint32_t)r,
                           (uint32_t)a->step, (uint32_t)(a->step >> 32)};
    uint32_t words[4];
    lam__philox((lam__key){{a->key[0], a->key[1]}}, counter, words);
    return words[c % 64 / 16] >= a->threshold;
}

static void lam__reference_dropout_apply(const lam__dropout_args *a)
{
    size_t words = (a->cols + 63) / 64;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++) {
            bool keep = a->mask[r * words + c / 64] >> (c % 64) & 1;
            a->y[r * a->ld + c] = keep ? a->x[r * a->ld + c] * a->scale : 0.0f;
        }
}

static void lam__reference_dropout(const lam__dropout_args *a)
{
    size_t words = (a->cols + 63) / 64;
    for (size_t i = 0; i < a->rows * words; i++)
        a->mask[i] = 0;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++)
            a->mask[r * words + c / 64] |= (uint64_t)kept(a, r, c) << (c % 64);
    lam__reference_dropout_apply(a);
}

static void lam__reference_layer_norm(const lam__norm_args *a)
{
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->ldx;
        double mean = 0.0, variance = 0.0;
        for (size_t c = 0; c < a->cols; c++)
            mean += (double)x[c] / (double)a->cols;
        for (size_t c = 0; c < a->cols; c++)
            variance += (x[c] - mean) * (x[c] - mean) / (double)a->cols;
        const double inverse = 1.0 / sqrt(variance + (double)a->epsilon);
        for (size_t c = 0; c < a->cols; c++)
            a->y[r * a->ldy + c] = (float)((x[c] - mean) * inverse * a->gamma[c]);
        if (a->stats) {
            a->stats[2 * r] = (float)mean;
            a->stats[2 * r + 1] = (float)inverse;
        }
    }
}

/* (x - mean) / deviation, from the statistics that forward left. */
static double normal(const lam__norm_args *a, size_t r, size_t c)
{
    return ((double)a->x[r * a->ldx + c] - a->stats[2 * r]) * a->stats[2 * r + 1];
}

static void lam__reference_layer_norm_backward(const lam__norm_args *a)
{
    for (size_t r = 0; r < a->rows; r++) {
        const float *dy = a->dy + r * a->ldy;
        double mean_g = 0.0, mean_gh = 0.0;
        for (size_t c = 0; c < a->cols; c++) {
            const double g = (double)dy[c] * a->gamma[c];
            mean_g += g / (double)a->cols;
            mean_gh += g * normal(a, r, c) / (double)a->cols;
        }
        for (size_t c = 0; c < a->cols; c++) {
            const double g = (double)dy[c] * a->gamma[c];
            a->dx[r * a->ldx + c] =
                (float)((g - mean_g - normal(a, r, c) * mean_gh) * a->stats[2 * r + 1]);
        }
    }
}

static void lam__reference_layer_norm_sums(const lam__norm_args *a)
{
    for (size_t c = 0; c < a->cols; c++) {
        double sum = 0.0;
        for (size_t r = 0; r < a->rows; r++)
            sum += normal(a, r, c) * a->dy[r * a->ldy + c];
        a->sums[c] = (float)sum;
    }
}

const lam__kernels *lam__kernels_reference(void)
{
    static const lam__kernels table = {.name = "reference",
#define ROW(name, type, help) .name = lam__reference_##name,
                                       LAM__KERNEL_LIST(ROW)
#undef ROW
    };
    return &table;
}
