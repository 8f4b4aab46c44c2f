/* draft_run.c: a draft calculated step by step as it was told, for comparison with the model. */
#include <math.h>
#include <string.h>

#include "formats/draft_steps.h"

static void run_dense(const lam__step *step, const double *x, double *y)
{
    memcpy(y, step->b, step->out * sizeof *y);
    for (size_t i = 0; i < step->in; i++)
        for (size_t j = 0; j < step->out; j++)
            y[j] += x[i] * step->a[i * step->out + j];
}

static void run_affine(const lam__step *step, size_t width, const double *x, double *y)
{
    for (size_t i = 0; i < width; i++) {
        const size_t k = step->in == 1 ? 0 : i;
        y[i] = x[i] * step->a[k] + step->b[k];
    }
}

static void run_layer_norm(const lam__step *step, const double *x, double *y)
{
    const size_t n = step->in;
    double mean = 0.0, variance = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) / sqrt(variance + step->epsilon) * step->a[i] + step->b[i];
}

/* The library's own activation, on floats kept in the second half of the row. */
static void run_activation(const lam__step *step, size_t width, const double *x, double *y)
{
    float *z = (float *)y, *f = z + width; /* two rows of floats fill one of doubles */
    for (size_t i = 0; i < width; i++)
        f[i] = (float)x[i];
    lam__activate(step->activation, 1, width, width, NULL, f, z);
    for (size_t i = 0; i < width; i++)
        z[i] = f[i];
    for (size_t i = width; i-- > 0;) {
        const float value = z[i];
        y[i] = value; /* from the end: what is still to be read lies before it */
    }
}

static size_t features(const lam__draft *draft)
{
    for (size_t i = 0; i < draft->count; i++)
        if (draft->steps[i].in > 1 || draft->steps[i].kind == LAM__STEP_DENSE)
            return draft->steps[i].in;
    return 1;
}

void lam__draft_run(const lam__draft *draft, const float *x, double *room, double *y)
{
    size_t width = features(draft);
    double *now = room, *next = room + lam__draft_widest(draft);
    for (size_t i = 0; i < width; i++)
        now[i] = x[i];
    for (size_t s = 0; s < draft->count; s++) {
        const lam__step *step = &draft->steps[s];
        switch (step->kind) {
        case LAM__STEP_DENSE:
            run_dense(step, now, next);
            width = step->out;
            break;
        case LAM__STEP_AFFINE:
            run_affine(step, width, now, next);
            break;
        case LAM__STEP_LAYER_NORM:
            run_layer_norm(step, now, next);
            break;
        case LAM__STEP_ACTIVATION:
            run_activation(step, width, now, next);
            break;
        case LAM__STEP_DROPOUT:
        case LAM__STEP_GONE:
            continue;
        }
        double *swap = now;
        now = next;
        next = swap;
    }
    memcpy(y, now, width * sizeof *y);
}
