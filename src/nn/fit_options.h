/* fit_options.h: the one table of training options. */
#ifndef LAMINA_FIT_OPTIONS_H
#define LAMINA_FIT_OPTIONS_H

#include <lamina/fit.h>

/* Checks every field against its range and every name against its table. */
lam_status lam__check_fit_options(const lam_fit_options *options);

/* The loss for this model: options->loss, else model_loss (NULL if none), else the default of the
 * last activation. */
struct lam__loss;
struct lam__activation;
const struct lam__loss *lam__choose_loss(const lam_fit_options *options,
                                         const struct lam__loss *model_loss,
                                         const struct lam__activation *last);

/* The registered callback of that name; NULL with LAM_ERR_NAME recorded. */
const lam_callback *lam__find_callback(const char *name);

#endif
