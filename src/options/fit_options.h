/* fit_options.h: the one table of training options. */
#ifndef LAMINA_FIT_OPTIONS_H
#define LAMINA_FIT_OPTIONS_H

#include <lamina/catalog.h>
#include <lamina/extend.h>
#include <lamina/fit.h>

#include "base/text/option_table.h"

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

/* Copies what the program gives, NULL for the defaults, to *own as this version has it; *options
 * then points there. Errors as lam__read_options. */
lam_status lam__take_fit_options(lam_fit_options *own, const lam_fit_options **options);

/* Checks every field against its range and every name against its table. */
lam_status lam__check_fit_options(const lam_fit_options *options);

/* Whether each option that was set is one that this training uses: LAM_ERR_ARGUMENT for one that
 * belongs to another optimizer, or to something that is off. */
lam_status lam__check_used_options(const lam_fit_options *options);

/* The same for threshold and tolerance, by which some metrics judge rows of some kinds: `kind` has
 * width, classes or targets, and argmax of what is to be judged. */
struct lam__metric;
lam_status lam__check_judging_options(const lam_fit_options *options,
                                      const struct lam__metric *const *metrics, size_t count,
                                      const lam_metric_rows *kind);

/* The same for l1, l2, bias_l1 and bias_l2, where each layer has a strength of its own. */
lam_status lam__check_penalty_options(const lam_fit_options *options, const lam_model *model);

/* Replaces the texts of options that are kept: fill_mode by the library's own, the others by NULL.
 */
void lam__own_option_texts(lam_fit_options *options);

/* The loss for this model, which has a layer with an activation: options->loss, else the one the
 * model was trained with, else the default of the last activation. NULL with LAM_ERR_NAME recorded
 * when it is not registered. */
struct lam__loss;
const struct lam__loss *lam__choose_loss(const lam_fit_options *options, const lam_model *model);

#endif
