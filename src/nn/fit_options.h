/* fit_options.h: the one table of training options. */
#ifndef LAMINA_FIT_OPTIONS_H
#define LAMINA_FIT_OPTIONS_H

#include <lamina/catalog.h>
#include <lamina/fit.h>

#include "nn/option_table.h"

extern lam__name_table lam__fit_options;

/* What is outside of an image that is moved; in the order of the option's words. */
typedef enum lam__fill_mode {
    LAM__FILL_NEAREST, /* aaaa|abcd|dddd */
    LAM__FILL_REFLECT, /* dcba|abcd|dcba */
    LAM__FILL_WRAP,    /* abcd|abcd|abcd */
    LAM__FILL_CONSTANT /* 0000|abcd|0000 */
} lam__fill_mode;

/* The fill mode of options that have been checked. */
lam__fill_mode lam__fill_mode_of(const lam_fit_options *options);

/* Checks every field against its range and every name against its table. */
lam_status lam__check_fit_options(const lam_fit_options *options);

/* The loss for this model: options->loss, else model_loss (NULL if none), else the default of the
 * last activation. */
struct lam__loss;
struct lam__activation;
const struct lam__loss *lam__choose_loss(const lam_fit_options *options,
                                         const struct lam__loss *model_loss,
                                         const struct lam__activation *last);

/* Callbacks by name: rows that begin with their names. */
extern lam__name_table lam__callbacks;

/* The registered callback of that name; NULL with LAM_ERR_NAME recorded. */
const lam_callback *lam__find_callback(const char *name);

#endif
