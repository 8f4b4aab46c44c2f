/* reference_loss.c: the losses of the scalar reference, in double inside. */
#include "reference.h"

#include <math.h>
#include <stdbool.h>

#include "clip.h"

static double biased(const float *bias, const float *z, size_t c)
{
    return (double)z[c] + (bias ? bias[c] : 0.0f);
}

double lam__reference_maximum(size_t cols, const float *bias, const float *z)
{
    double most = -INFINITY;
    for (size_t c = 0; c < cols; c++)
        if (biased(bias, z, c) > most)
            most = biased(bias, z, c);
    return most;
}

double lam__reference_exp_total(size_t cols, const float *bias, const float *z)
{
    double most = lam__reference_maximum(cols, bias, z), total = 0.0;
    for (size_t c = 0; c < cols; c++)
        total += exp(biased(bias, z, c) - most);
    return total;
}

static double target(const lam__loss_args *a, size_t r, size_t c)
{
    if (a->labels)
        return (size_t)a->labels[r] == c;
    return a->targets[r * a->cols + c];
}

double lam__reference_softmax_crossentropy(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t r = 0; r < a->rows; r++) {
        float *z = a->y + r * a->ld;
        double most = lam__reference_maximum(a->cols, a->bias, z);
        double total = lam__reference_exp_total(a->cols, a->bias, z);
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

/* NaN stays. */
static double clip(double y)
{
    if (y < (double)LAM__CLIP_LOW)
        return LAM__CLIP_LOW;
    return y > (double)LAM__CLIP_HIGH ? LAM__CLIP_HIGH : y;
}

static bool inside(double y)
{
    return y >= (double)LAM__CLIP_LOW && y <= (double)LAM__CLIP_HIGH;
}

double lam__reference_categorical_crossentropy(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++) {
            double y = a->y[r * a->ld + c], t = target(a, r, c);
            loss -= t * log(clip(y));
            if (a->dy)
                a->dy[r * a->ld + c] = inside(y) ? (float)(a->scale * -t / y) : 0.0f;
        }
    return loss;
}

double lam__reference_sigmoid_crossentropy(const lam__loss_args *a)
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

double lam__reference_binary_crossentropy(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++) {
            double y = a->y[r * a->ld + c], t = a->targets[r * a->cols + c], p = clip(y);
            double slope = inside(y) ? (1.0 - t) / (1.0 - y) - t / y : 0.0;
            loss -= t * log(p) + (1.0 - t) * log(1.0 - p);
            if (a->dy)
                a->dy[r * a->ld + c] = (float)(a->scale / (double)a->cols * slope);
        }
    return loss / (double)a->cols;
}

double lam__reference_squared_error(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++) {
            double d = (double)a->y[r * a->ld + c] - a->targets[r * a->cols + c];
            loss += d * d;
            if (a->dy)
                a->dy[r * a->ld + c] = (float)(a->scale / (double)a->cols * 2.0 * d);
        }
    return loss / (double)a->cols;
}

double lam__reference_absolute_error(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++) {
            double d = (double)a->y[r * a->ld + c] - a->targets[r * a->cols + c];
            double slope = (d > 0.0) - (d < 0.0);
            loss += fabs(d);
            if (a->dy)
                a->dy[r * a->ld + c] = (float)(a->scale / (double)a->cols * slope);
        }
    return loss / (double)a->cols;
}
