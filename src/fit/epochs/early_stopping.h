/* early_stopping.h: early stopping: when to stop, and the weights of the best epoch. */
#ifndef LAMINA_EARLY_STOPPING_H
#define LAMINA_EARLY_STOPPING_H

#include <lamina/fit.h>

#include "train/forward_backward.h"

typedef struct lam__early_stopping {
    size_t patience;        /* 0: off, and the rest unused */
    double min_delta;       /* what counts as better */
    const char *monitor;    /* "val_loss" */
    bool validation, lower; /* whose figure it is; whether less of it is better */
    double best;            /* so far */
    size_t best_epoch;      /* from 1; 0: none yet */
    size_t waited;          /* epochs since */
    float *weights;         /* laid out as the model's parameters: those of the best epoch */
} lam__early_stopping;

/* Prepares for a run whose epochs have the figures of `pass`. LAM_ERR_NAME for a figure to monitor
 * that the run does not have. */
lam_status lam__early_stopping_open(lam__early_stopping *early, const lam_fit_options *options,
                                    const lam__pass *pass, bool has_validation);
void lam__early_stopping_close(lam__early_stopping *early);

/* Looks at a finished epoch. */
void lam__early_stopping_update(lam__early_stopping *early, const lam_model *model,
                                const lam_epoch *epoch);

/* Whether enough epochs have passed without a better one. */
bool lam__early_stopping_is_over(const lam__early_stopping *early);

/* Gives the model the weights of the best epoch, if there was one. */
void lam__early_stopping_finish(const lam__early_stopping *early, lam_model *model);

#endif
