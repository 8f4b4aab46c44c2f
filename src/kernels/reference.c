/* reference.c: every kernel once more, plainly: scalar, in double inside. The losses are in
 * reference_loss.c, layer normalization in reference_norm.c. What the tests hold every instruction
 * set to. */
#include "reference.h"

#include <math.h>
#include <stdbool.h>

#include "base/philox.h"

/* Both are right for huge |x| of either sign. */
static double sigmoid(double x)
{
    return x < 0.0 ? exp(x) / (1.0 + exp(x)) : 1.0 / (1.0 + exp(-x));
}

static double identity(double x)
{
    return x;
}

/* Lets NaN through. */
static double relu(double x)
{
    return x < 0.0 ? 0.0 : x;
}

static double sign(double x)
{
    return (x > 0.0) - (x < 0.0);
}

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
UNARY(sigmoid, sigmoid)
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

#define FORWARD(name, function)                                                                    \
    static void lam__reference_##name(size_t rows, size_t cols, size_t ld, const float *bias,      \
                                      float *y)                                                    \
    {                                                                                              \
        for (size_t r = 0; r < rows; r++)                                                          \
            for (size_t c = 0; c < cols; c++) {                                                    \
                double z = (double)y[r * ld + c] + (bias ? bias[c] : 0.0f);                        \
                y[r * ld + c] = (float)function(z);                                                \
            }                                                                                      \
    }

FORWARD(linear_forward, identity)
FORWARD(relu_forward, relu)
FORWARD(sigmoid_forward, sigmoid)
FORWARD(tanh_forward, tanh)

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

static void lam__reference_relu_backward(size_t rows, size_t cols, size_t ld, const float *y,
                                         float *dy)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            if (!(y[r * ld + c] > 0.0f))
                dy[r * ld + c] = 0.0f;
}

static void lam__reference_sigmoid_backward(size_t rows, size_t cols, size_t ld, const float *y,
                                            float *dy)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            double out = y[r * ld + c];
            dy[r * ld + c] = (float)(dy[r * ld + c] * out * (1.0 - out));
        }
}

static void lam__reference_tanh_backward(size_t rows, size_t cols, size_t ld, const float *y,
                                         float *dy)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            double out = y[r * ld + c];
            dy[r * ld + c] = (float)(dy[r * ld + c] * (1.0 - out * out));
        }
}

static void lam__reference_softmax_backward(size_t rows, size_t cols, size_t ld, const float *y,
                                            float *dy)
{
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

const lam__kernels *lam__kernels_reference(void)
{
    static const lam__kernels table = {.name = "reference",
#define ROW(name, type, help) .name = lam__reference_##name,
                                       LAM__KERNEL_LIST(ROW)
#undef ROW
    };
    return &table;
}
