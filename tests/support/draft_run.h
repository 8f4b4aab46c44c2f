/* draft_run.h: an import graph calculated step by step as it was told, nothing folded: what the
 * model that is made of it is held to. */
#ifndef LAMINA_TEST_DRAFT_RUN_H
#define LAMINA_TEST_DRAFT_RUN_H

#include <math.h>
#include <string.h>

#include "formats/import/import_graph_steps.h"

/* Widest of the samples that are run. */
enum { DRAFT_WIDEST = 64 };

static inline void draft_dense(const lam__step *step, const double *x, double *y)
{
    memcpy(y, step->b, step->out * sizeof *y);
    for (size_t i = 0; i < step->in; i++)
        for (size_t j = 0; j < step->out; j++)
            y[j] += x[i] * step->a[i * step->out + j];
}

static inline void draft_affine(const lam__step *step, size_t width, const double *x, double *y)
{
    for (size_t i = 0; i < width; i++) {
        const size_t k = step->in == 1 ? 0 : i;
        y[i] = x[i] * step->a[k] + step->b[k];
    }
}

static inline void draft_layer_norm(const lam__step *step, const double *x, double *y)
{
    const size_t n = step->in;
    double mean = 0.0, variance = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        y[i] =
            (x[i] - mean) / sqrt(variance + (double)step->layer.epsilon) * step->a[i] + step->b[i];
}

/* The library's own activation. */
static inline void draft_activation(const lam__step *step, size_t width, const double *x, double *y)
{
    float z[DRAFT_WIDEST], f[DRAFT_WIDEST];
    for (size_t i = 0; i < width; i++)
        f[i] = (float)x[i];
    lam__activate(step->activation, 1, width, width, NULL, f, z);
    for (size_t i = 0; i < width; i++)
        y[i] = (double)f[i];
}

static inline size_t draft_features(const lam__import_graph *imported)
{
    for (size_t i = 0; i < imported->count; i++)
        if (imported->steps[i].in > 1 || imported->steps[i].kind == LAM__STEP_DENSE)
            return imported->steps[i].in;
    return 1;
}

/* y[outputs] of x[features], before lam__import_graph_finish, which changes the steps. */
static inline void draft_run(const lam__import_graph *imported, const float *x, double *y)
{
    size_t width = draft_features(imported);
    double room[2][DRAFT_WIDEST], *now = room[0], *next = room[1];
    for (size_t i = 0; i < width; i++)
        now[i] = (double)x[i];
    for (size_t s = 0; s < imported->count; s++) {
        const lam__step *step = &imported->steps[s];
        switch (step->kind) {
        case LAM__STEP_DENSE:
            draft_dense(step, now, next);
            width = step->out;
            break;
        case LAM__STEP_AFFINE:
            draft_affine(step, width, now, next);
            break;
        case LAM__STEP_LAYER: /* layer_norm; the others are dropout */
            if (step->layer.type->only_training)
                continue;
            draft_layer_norm(step, now, next);
            break;
        case LAM__STEP_ACTIVATION:
            draft_activation(step, width, now, next);
            break;
        case LAM__STEP_GONE:
            continue;
        }
        double *swap = now;
        now = next;
        next = swap;
    }
    memcpy(y, now, width * sizeof *y);
}

#endif
