/* body_loss.h: losses that are sums over single outputs, and cross-entropy of probabilities.
 *
 * Sums are kept in doubles, one per lane, and joined once at the end. */
#ifndef LAMINA_BODY_LOSS_H
#define LAMINA_BODY_LOSS_H

#include "body_map.h"
#include "clip.h"
#include "kernels.h"
#include "vec_math.h"

/* A loss of one vector: takes outputs (or logits) z and targets t, returns the losses; *dy is the
 * derivative, *y what becomes of z. */

static inline vf sigmoid_crossentropy_of(vf z, vf t, vf *y, vf *dy)
{
    vf e;
    *y = v_sigmoid_parts(z, &e);
    *dy = *y - t;
    return v_fma(-z, t, v_max(v_set(0.0f), z)) + v_log1p_unit(e);
}

static inline vf v_clip(vf y)
{
    return v_min(v_set(LAM__CLIP_HIGH), v_max(v_set(LAM__CLIP_LOW), y));
}

/* x where y is inside the clip range, else 0. */
static inline vf v_inside(vf y, vf x)
{
    return v_keep(v_le(v_set(LAM__CLIP_LOW), y), v_keep(v_le(y, v_set(LAM__CLIP_HIGH)), x));
}

static inline vf categorical_crossentropy_of(vf z, vf t, vf *y, vf *dy)
{
    vf p = v_clip(z);
    *y = z;
    *dy = v_inside(z, -t / p);
    return -t * v_log(p);
}

static inline vd v_both(vf x)
{
    return v_low(x) + v_high(x);
}

/* One row: adds to *sum. `fused` says that z is replaced. */
#define LAM__LOSS_ROW_BODY(name, function, fused)                                                  \
    static inline void name##_row(size_t n, float *z, const float *t, float scale, float *dy,      \
                                  vd *sum)                                                         \
    {                                                                                              \
        vf y, slope;                                                                               \
        size_t i = 0;                                                                              \
        for (; i + W <= n; i += W) {                                                               \
            *sum += v_both(function(v_load(z + i), v_load(t + i), &y, &slope));                    \
            if (fused)                                                                             \
                v_store(z + i, y);                                                                 \
            if (dy)                                                                                \
                v_store(dy + i, slope * scale);                                                    \
        }                                                                                          \
        if (i == n)                                                                                \
            return;                                                                                \
        size_t left = n - i;                                                                       \
        vf losses = function(v_load_n(z + i, left), v_load_n(t + i, left), &y, &slope);            \
        *sum += v_both(v_keep(v_mask((1u << left) - 1), losses));                                  \
        if (fused)                                                                                 \
            v_store_n(z + i, y, left);                                                             \
        if (dy)                                                                                    \
            v_store_n(dy + i, slope * scale, left);                                                \
    }

/* All rows; where rows lie without gaps, as one. `mean` divides by the number of outputs. */
#define LAM__LOSS_BODY(name, function, fused, mean)                                                \
    LAM__LOSS_ROW_BODY(name, function, fused)                                                      \
                                                                                                   \
    static double name(const lam__loss_args *a)                                                    \
    {                                                                                              \
        vd sum = {0};                                                                              \
        float scale = mean ? a->scale / (float)a->cols : a->scale;                                 \
        size_t rows = a->rows, cols = a->cols;                                                     \
        if (fused && a->bias)                                                                      \
            body_linear_forward(rows, cols, a->ld, a->bias, a->y);                                 \
        if (a->ld == cols) {                                                                       \
            cols *= rows;                                                                          \
            rows = rows ? 1 : 0;                                                                   \
        }                                                                                          \
        for (size_t r = 0; r < rows; r++)                                                          \
            name##_row(cols, a->y + r * a->ld, a->targets + r * cols, scale,                       \
                       a->dy ? a->dy + r * a->ld : NULL, &sum);                                    \
        return mean ? v_sum_d(sum) / (double)a->cols : v_sum_d(sum);                               \
    }

LAM__LOSS_BODY(body_sigmoid_crossentropy, sigmoid_crossentropy_of, 1, 1)
LAM__LOSS_BODY(targets_crossentropy, categorical_crossentropy_of, 0, 0)

#define LAM__LOOPS_OF_VECTORS
#include "kernels/loss_loops.h"
#undef LAM__LOOPS_OF_VECTORS

/* With labels only one output of a row counts. Blocks as in body_softmax_crossentropy. */
static double labels_crossentropy(const lam__loss_args *a)
{
    double loss = 0.0;
    for (size_t first = 0; first < a->rows; first += W) {
        size_t count = a->rows - first < W ? a->rows - first : W;
        float p[W], slope[W], logs[W];
        v_store(p, v_set(1.0f));
        for (size_t i = 0; i < count; i++)
            p[i] = a->y[(first + i) * a->ld + (size_t)a->labels[first + i]];
        vf y, dy;
        v_store(logs, categorical_crossentropy_of(v_load(p), v_set(1.0f), &y, &dy));
        v_store(slope, dy * a->scale);
        for (size_t i = 0; i < count; i++) {
            loss += logs[i];
            if (!a->dy)
                continue;
            float *row = a->dy + (first + i) * a->ld;
            memset(row, 0, a->cols * sizeof *row);
            row[a->labels[first + i]] = slope[i];
        }
    }
    return loss;
}

static double body_categorical_crossentropy(const lam__loss_args *a)
{
    return a->labels ? labels_crossentropy(a) : targets_crossentropy(a);
}

#endif
