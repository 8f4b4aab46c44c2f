/* optimizers.h: the table of optimizers. One row adds one. */
#ifndef LAMINA_OPTIMIZERS_H
#define LAMINA_OPTIMIZERS_H

#include <lamina/fit.h>

#include "base/text/name_table.h"
#include "kernels/kernels.h"

typedef struct lam__optimizer {
    const char *name, *alias, *help;
    float learning_rate;                               /* default */
    size_t (*moments)(const lam_fit_options *options); /* buffers like the parameters: 0, 1, 2 */
    lam__update_kernel *(*update)(const lam__kernels *kernels);
    const char *options[4]; /* its own training options; NULL-terminated */
} lam__optimizer;

extern lam__name_table lam__optimizers;

const lam__optimizer *lam__find_optimizer(const char *name);
size_t lam__optimizer_count(void);
const lam__optimizer *lam__optimizer_at(size_t i);

/* Fills the scalars of *args for step t (from 0) with the undecayed rate `base`; the moments were 0
 * before step `from`. */
void lam__optimizer_begin(const lam_fit_options *options, double base, uint64_t t, uint64_t from,
                          lam__update_args *args);

#endif
