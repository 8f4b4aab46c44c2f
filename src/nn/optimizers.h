/* optimizers.h: the table of optimizers. One row adds one. */
#ifndef LAMINA_OPTIMIZERS_H
#define LAMINA_OPTIMIZERS_H

#include <lamina/fit.h>

#include "base/text/name_table.h"
#include "base/text/option_table.h"
#include "kernels/kernels.h"

enum { LAM__HYPERPARAMETERS_MOST = 6, LAM__OPTIMIZER_TEXT = 256 };

/* Hyperparameters are options: those of lam_fit_options by their field, others (`within`) spelled
 * with the optimizer's name, "rmsprop:rho=0.95", which lam_fit_options_set does by itself. Their
 * flags, checks and help come from here. The same name in two rows is the same option, with one
 * default. */
typedef struct lam__optimizer {
    const char *name, *alias, *help;
    float learning_rate;                               /* default */
    size_t (*moments)(const lam_fit_options *options); /* buffers like the parameters: 0, 1, 2 */
    lam__update_kernel *(*update)(const lam__kernels *kernels);
    lam__option hyperparameters[LAM__HYPERPARAMETERS_MOST]; /* up to one without a name */
} lam__optimizer;

extern lam__name_table lam__optimizers;

/* By "NAME" or "NAME:HYPERPARAMETER=X,...". */
const lam__optimizer *lam__find_optimizer(const char *text);
size_t lam__optimizer_count(void);
const lam__optimizer *lam__optimizer_at(size_t i);

/* Whether the text names an optimizer, and all that it spells is a hyperparameter of some optimizer
 * in its range. */
lam_status lam__check_optimizer(const char *text);

/* Hyperparameter k of a row; NULL at the end. */
const lam__option *lam__hyperparameter(const lam__optimizer *optimizer, size_t k);

/* Puts what options->optimizer spells into its field, and the values of those without a field, in
 * the order of the row, into own[]. The options have been checked. */
void lam__optimizer_resolve(const lam__optimizer *optimizer, lam_fit_options *options,
                            float own[LAM__OWN_MOST]);

/* The name with the values that have no field: what lam__find_optimizer reads, in text[size]. */
const char *lam__optimizer_text(const lam__optimizer *optimizer, const float own[LAM__OWN_MOST],
                                char *text, size_t size);

/* Fills the scalars of *args but own[] for step t (from 0) with the undecayed rate `base`; the
 * moments were 0 before step `from`. */
void lam__optimizer_begin(const lam_fit_options *options, double base, uint64_t t, uint64_t from,
                          lam__update_args *args);

#endif
