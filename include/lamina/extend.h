/* extend.h: your own activations, losses, metrics and callbacks, by name. Part of Lamina, MIT
 * license.
 *
 * A registered name works wherever a built-in one does: in lam_model_dense, in lam_fit_options,
 * when a model is loaded. Registration copies the descriptor and the name and lasts for the life of
 * the process. Register before the first use of the name by another thread. A name must match
 * [a-z][a-z0-9_]*, at most 63 characters, and must not be taken (LAM_ERR_NAME).
 *
 * The functions are called from several threads at once, on distinct rows: they must depend on
 * their arguments only, and must not allocate if training is not to allocate. What they return is
 * checked: an output or loss that is not finite ends training and evaluation with LAM_ERR_NUMERIC;
 * a metric may be NaN. */
#ifndef LAMINA_EXTEND_H
#define LAMINA_EXTEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/export.h>
#include <lamina/fit.h>
#include <lamina/status.h>

LAM_BEGIN_DECLS

/* An elementwise activation y = f(z). */
typedef struct lam_activation {
    const char *name;
    const char *help; /* one line, or NULL */
    /* y[i] = f(z[i]) for i in 0..n-1; y and z do not overlap. */
    void (*forward)(size_t n, const float *z, float *y, void *user);
    /* dz[i] = dy[i] * f'(z[i]), given y = f(z); dz may be the same array as dy. */
    void (*backward)(size_t n, const float *z, const float *y, const float *dy, float *dz,
                     void *user);
    void *user;
} lam_activation;

/* A loss of one sample: outputs y[width] and target t[width] (one-hot for class numbers). */
typedef struct lam_loss {
    const char *name;
    const char *help;
    /* Returns the loss of one sample; when dy is not NULL, also writes its derivative with respect
     * to y. */
    double (*sample)(size_t width, const float *y, const float *t, float *dy, void *user);
    void *user;
} lam_loss;

/* The rows of a batch that a metric sees. */
typedef struct lam_metric_rows {
    size_t rows, width, stride; /* y is [rows][stride], `width` of them meaningful */
    const float *y;             /* outputs */
    const int32_t *classes;     /* [rows], or NULL when targets are rows */
    const float *targets;       /* [rows][width], or NULL when targets are class numbers */
    float threshold;            /* of binary decisions */
    float tolerance;            /* of regression accuracy: the largest error that counts as right */
    bool argmax;                /* decide by the largest output (softmax), else by threshold */
} lam_metric_rows;

/* Number of doubles a metric may accumulate in. */
#define LAM_METRIC_STATE 4

/* A metric: `update` adds some rows to state[LAM_METRIC_STATE], which starts at zero; states of
 * different rows are combined by adding them, in a fixed order; `result` computes the figure, NaN
 * when there is nothing to divide by. */
typedef struct lam_metric {
    const char *name;
    const char *help;
    void (*update)(const lam_metric_rows *rows, double *state, void *user);
    double (*result)(const double *state, void *user);
    void *user;
} lam_metric;

/* Registers an activation. LAM_ERR_ARGUMENT when a function is missing or the name is malformed,
 * LAM_ERR_NAME when the name is taken, LAM_ERR_MEMORY. Not to be called during training. */
LAM_API lam_status lam_register_activation_sized(const lam_activation *activation, size_t size);
LAM_INLINE lam_status lam_register_activation(const lam_activation *activation)
{
    return lam_register_activation_sized(activation, sizeof *activation);
}

/* Registers a loss; errors as above. */
LAM_API lam_status lam_register_loss_sized(const lam_loss *loss, size_t size);
LAM_INLINE lam_status lam_register_loss(const lam_loss *loss)
{
    return lam_register_loss_sized(loss, sizeof *loss);
}

/* Registers a metric; errors as above. */
LAM_API lam_status lam_register_metric_sized(const lam_metric *metric, size_t size);
LAM_INLINE lam_status lam_register_metric(const lam_metric *metric)
{
    return lam_register_metric_sized(metric, sizeof *metric);
}

/* Registers a callback for lam_fit_options.callbacks; errors as above. */
LAM_API lam_status lam_register_callback_sized(const char *name, const lam_callback *callback,
                                               size_t size);
LAM_INLINE lam_status lam_register_callback(const char *name, const lam_callback *callback)
{
    return lam_register_callback_sized(name, callback, sizeof *callback);
}

LAM_END_DECLS

#endif
