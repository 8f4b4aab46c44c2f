/* reference.c: every kernel once more, plainly: scalar, in double inside; elementwise activations,
 * losses and optimizers stand beside their vectors in *_loops.h. What the tests hold every
 * instruction set to. */

#include "kernels.h"

#include <math.h>
#include <stdbool.h>

#include "base/philox.h"
#include "kernels/clip.h"

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

static double biased(const float *bias, const float *z, size_t c)
{
    return (double)z[c] + (bias ? bias[c] : 0.0f);
}

static double maximum(size_t cols, const float *bias, const float *z)
{
    double most = -INFINITY;
    for (size_t c = 0; c < cols; c++)
        if (biased(bias, z, c) > most)
            most = biased(bias, z, c);
    return most;
}

static double exp_total(size_t cols, const float *bias, const float *z)
{
    double most = maximum(cols, bias, z), total = 0.0;
    for (size_t c = 0; c < cols; c++)
        total += exp(biased(bias, z, c) - most);
    return total;
}

static void lam__reference_softmax_forward(size_t rows, size_t cols, size_t ld, const float *bias,
                                           float *y)
{
    for (size_t r = 0; r < rows; r++) {
        float *z = y + r * ld;
        double total = exp_total(cols, bias, z);
        double most = maximum(cols, bias, z);
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

static double target(const lam__loss_args *a, size_t r, size_t c)
{
    if (a->labels)
        return (size_t)a->labels[r] == c;
    return a->targets[r * a->cols + c];
}

static double lam__reference_softmax_crossentropy(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t r = 0; r < a->rows; r++) {
        float *z = a->y + r * a->ld;
        double most = maximum(a->cols, a->bias, z);
        double total = exp_total(a->cols, a->bias, z);
        double sum = 0.0;
        for (size_t c = 0; c < a->cols; c++) {
            double t = target(a, r, c);
            sum += t;
            if (t != 0.0) /* an output that is not asked for counts 0 even where z = -inf */
                loss += t * (log(total) - (biased(a->bias, z, c) - most));
        }
        for (size_t c = 0; c < a->cols; c++) {
            double p = exp(biased(a->bias, z, c) - most) / total;
            z[c] = (float)p;
            if (a->dy)
                a->dy[r * a->ld + c] = (float)(a->scale * (sum * p - target(a, r, c)));
        }
    }
    return loss;
}

static double lam__reference_categorical_crossentropy(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++) {
            double y = a->y[r * a->ld + c], t = target(a, r, c);
            loss -= t * log(d_clip(y));
            if (a->dy)
                a->dy[r * a->ld + c] = d_inside(y) ? (float)(a->scale * -t / y) : 0.0f;
        }
    return loss;
}

static double lam__reference_sigmoid_crossentropy(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++) {
            double z = biased(a->bias, a->y + r * a->ld, c), t = a->targets[r * a->cols + c];
            double e = exp(-fabs(z));
            double y = z < 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
            loss += (z < 0.0 ? 0.0 : z) - z * t + log1p(e);
            a->y[r * a->ld + c] = (float)y;
            if (a->dy)
                a->dy[r * a->ld + c] = (float)(a->scale / (double)a->cols * (y - t));
        }
    return loss / (double)a->cols;
}

/* The mean over a sample's outputs, summed over the samples. */
#define LAM__LOSS_REFERENCE(name, function)                                                        \
    static double lam__reference_##name(const lam__loss_args *a)                                   \
    {                                                                                              \
        double loss = 0.0, slope;                                                                  \
        for (size_t r = 0; r < a->rows; r++)                                                       \
            for (size_t c = 0; c < a->cols; c++) {                                                 \
                const double y = a->y[r * a->ld + c];                                              \
                loss += function(y, (double)a->targets[r * a->cols + c], &slope);                  \
                if (a->dy)                                                                         \
                    a->dy[r * a->ld + c] = (float)(a->scale / (double)a->cols * slope);            \
            }                                                                                      \
        return loss / (double)a->cols;                                                             \
    }

#define LAM__LOOPS_IN_DOUBLE
#include "kernels/loss_loops.h"
#undef LAM__LOOPS_IN_DOUBLE

#define LAM__UPDATE_REFERENCE(name, step)                                                          \
    static void lam__reference_##name(const lam__update_args *a)                                   \
    {                                                                                              \
        for (size_t i = 0; i < a->n; i++) {                                                        \
            double m = a->m[i], v = a->v[i];                                                       \
            a->w[i] = (float)step(a, (double)a->w[i], (double)a->g[i], &m, &v);                    \
            a->m[i] = (float)m;                                                                    \
            a->v[i] = (float)v;                                                                    \
        }                                                                                          \
    }
#define LAM__UPDATE_REFERENCE_M(name, step)                                                        \
    static void lam__reference_##name(const lam__update_args *a)                                   \
    {                                                                                              \
        for (size_t i = 0; i < a->n; i++) {                                                        \
            double m = a->m[i];                                                                    \
            a->w[i] = (float)step(a, (double)a->w[i], (double)a->g[i], &m);                        \
            a->m[i] = (float)m;                                                                    \
        }                                                                                          \
    }

#define LAM__LOOPS_IN_DOUBLE
#include "kernels/update_loops.h"
#undef LAM__LOOPS_IN_DOUBLE

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
