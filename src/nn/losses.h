/* losses.h: the table of losses. One row adds one. */
#ifndef LAMINA_LOSSES_H
#define LAMINA_LOSSES_H

#include <lamina/extend.h>

#include "nn/activations.h"

/* What targets a loss takes. */
typedef enum lam__target_kind {
    LAM__TARGETS_ANY,    /* finite */
    LAM__TARGETS_UNIT,   /* in 0..1, of outputs in 0..1 */
    LAM__TARGETS_WEIGHTS /* rows >= 0, not all 0, of outputs that sum to 1 */
} lam__target_kind;

typedef struct lam__loss {
    const char *name, *alias, *help;
    lam__loss_kernel *(*kernel)(const lam__kernels *kernels); /* on outputs; NULL for user losses */
    const char *fused_with;                                   /* an activation, or NULL */
    lam__loss_kernel *(*fused)(const lam__kernels *kernels);  /* on logits of that activation */
    bool takes_labels;        /* class numbers as they are; otherwise they become one-hot rows */
    lam__target_kind targets; /* of registered losses not used */
    lam_loss custom;          /* of lam_register_loss */
} lam__loss;

extern lam__name_table lam__losses;

const lam__loss *lam__find_loss(const char *name);
size_t lam__loss_count(void);
const lam__loss *lam__loss_at(size_t i);

/* Whether the loss takes the logits of this activation, which then is not applied before. */
bool lam__loss_is_fused(const lam__loss *loss, const lam__activation *activation);

/* The sum over the rows of the loss; with args->dy also its gradient. When lam__loss_is_fused,
 * args->y holds logits without bias and holds the outputs afterwards. */
double lam__compute_loss(const lam__loss *loss, bool fused, const lam__loss_args *args);

#endif
