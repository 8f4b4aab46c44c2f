/* input_halves.h: the first layer in two halves of its inputs, so that several threads share less
 * memory.
 *
 * A first layer mostly reads far more than it writes. Cut into halves, columns of X and the rows of
 * W that belong to them, each half stays with one thread throughout: that gathers these columns,
 * multiplies them by these rows of W, and in phase 2 computes the gradient of these rows and
 * updates them. What goes from core to core is the two products, whose sum is X W. Without halves
 * it is W and X.
 *
 * Whether a layer is split depends on shapes alone, and one thread adds up the same two sums: bits
 * do not depend on the number of threads. */
#ifndef LAMINA_INPUT_HALVES_H
#define LAMINA_INPUT_HALVES_H

#include "train/workspace.h"

/* Takes the halves' buffers from the workspace's arena, after the first stage has its own; twice,
 * see arena.h. */
void lam__input_halves_take(lam__workspace *workspace);

/* sums = X W of one half for rows first .. first + rows - 1; `shared` where another thread goes on
 * with them. */
void lam__input_halves_multiply(const lam__workspace *workspace, const float *parameters,
                                const lam__input_half *half, size_t first, size_t rows,
                                bool shared);

/* The first stage forward, from the sums where threads share the step, else from X. */
void lam__input_halves_forward(const lam__workspace *workspace, const float *parameters,
                               const lam__slab *slab);

#endif
