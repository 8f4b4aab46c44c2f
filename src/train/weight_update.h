/* weight_update.h: phase 2 of a step, the weights: gradient, penalty and update of blocks of each
 * W.
 *
 * A task is a block of one W, a slab of its rows or, where dL/dz of all columns is too much to stay
 * in the second-level cache, of some columns: one product over the whole batch gives its gradient,
 * and the optimizer updates the block at once, while the gradient is in cache. The cuts depend on
 * shapes and processor alone. */
#ifndef LAMINA_WEIGHT_UPDATE_H
#define LAMINA_WEIGHT_UPDATE_H

#include <stdatomic.h>

#include "base/machine/pool.h"
#include "nn/optimizers.h"
#include "train/workspace.h"

typedef struct lam__weights {
    lam_model *model;
    lam__workspace *workspace;
    const lam__step_plan *plan; /* of the workspace */
    const lam__optimizer *optimizer;
    lam_fit_options options; /* numbers only */
    lam__arena arena;
    float *gradients;       /* laid out as model->parameters; of the latest run without update */
    unsigned char *scratch; /* of each thread: the gradient of the task at hand */
    size_t scratch_step;    /* bytes from one to the next */
    float *m, *v;           /* moments, laid out alike, or NULL */
    uint64_t moments_from;  /* the step before which they were 0 */
    double *penalties;      /* [tasks] */

    /* the step at hand */
    bool update;
    size_t rows;            /* of the batch */
    float *copy;            /* where the updated parameters go as well, laid out alike; or NULL */
    atomic_bool not_finite; /* one of them is not; with a copy only */
    lam__update_args args;
} lam__weights;

lam_status lam__weights_open(lam__weights *weights, lam_model *model, lam__workspace *workspace,
                             const lam__optimizer *optimizer, const lam_fit_options *options);
void lam__weights_close(lam__weights *weights);

/* Phase 2 after a pass over `rows` rows: with update the optimizer's step number t (from 0) with
 * undecayed rate `base`, without it the gradients. Returns the regularization loss of the
 * parameters as they were. */
double lam__weights_run(lam__weights *weights, lam__pool *pool, size_t rows, bool update,
                        double base, uint64_t t);

/* The optimizer's step alone, from the gradients as they stand. */
void lam__weights_update(lam__weights *weights, lam__pool *pool, double base, uint64_t t);

/* The regularization loss of a model's parameters under these options. */
double lam__penalty(const lam_model *model, const lam_fit_options *options);

#endif
