/* reference_norm.c: layer normalization of the scalar reference, in double inside. */
#include "reference.h"

#include <math.h>

void lam__reference_layer_norm(const lam__norm_args *a)
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

void lam__reference_layer_norm_backward(const lam__norm_args *a)
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

void lam__reference_layer_norm_sums(const lam__norm_args *a)
{
    for (size_t c = 0; c < a->cols; c++) {
        double sum = 0.0;
        for (size_t r = 0; r < a->rows; r++)
            sum += normal(a, r, c) * a->dy[r * a->ldy + c];
        a->sums[c] = (float)sum;
    }
}
