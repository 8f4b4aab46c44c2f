/* split.h: the first layer in two halves of its inputs, so that several threads share less memory.
 *
 * A first layer mostly reads far more than it writes. Cut into halves, columns of X and the rows of
 * W that belong to them, each half stays with one thread throughout: that gathers these columns,
 * multiplies them by these rows of W, and in phase 2 computes the gradient of these rows and
 * updates them. What goes from core to core is the two products, whose sum is X W. Without halves
 * it is W and X.
 *
 * Whether a layer is split depends on shapes alone, and one thread adds up the same two sums: bits
 * do not depend on the number of threads. */
#ifndef LAMINA_SPLIT_H
#define LAMINA_SPLIT_H

#include "train/chain.h"

/* Decides whether the first stage of a chain for training is split, and how; before its buffers are
 * taken. */
void lam__split_plan(lam__chain *chain, const lam_model *model);

/* Takes the halves' buffers from the chain's arena, after the first stage has its own; twice, see
 * arena.h. */
void lam__split_take(lam__chain *chain);

/* sums = X W of one half for rows first .. first + rows - 1; `shared` where another thread goes on
 * with them. */
void lam__split_multiply(const lam__chain *chain, const float *parameters, const lam__half *half,
                         size_t first, size_t rows, bool shared);

/* The first stage forward, from the sums where threads share the step, else from X. */
void lam__split_forward(const lam__chain *chain, const float *parameters, const lam__slab *slab);

/* Whether a stage is split. */
static inline bool lam__split_is(const lam__chain *chain, const lam__stage *stage)
{
    return chain->split && stage == chain->stages;
}

#endif
