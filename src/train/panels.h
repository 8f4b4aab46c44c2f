/* panels.h: copies of a stage's matrices in the order in which the products of products.h read
 * them.
 *
 *   panels             W as B = W: if it is wide, or several threads read it
 *   panels_transposed  W as B = W^T, with dx
 *   dy_panels          dL/dz as B of the gradient of the weights: where that is faster, or several
 *                      threads read it
 *
 * With several threads, a matrix that one writes and all read in every step is shared in copies
 * that may go past the caches (products.h): W, which phase 2 updates, and dL/dz. Then W itself and
 * its moments stay with one thread. What phase 2 reads of X and Y is not copied: that was slower.
 * Nor are narrow layers. */
#ifndef LAMINA_PANELS_H
#define LAMINA_PANELS_H

#include "train/workspace.h"

/* Whether products of so many rows read W from panels, where there are any. */
static inline bool lam__panels_serve(const lam__workspace *workspace, size_t rows)
{
    return rows >= workspace->plan.panel_rows;
}

/* Copies rows first .. first + rows - 1 of some columns of a stage's W, the first of which begins a
 * panel, or of its dL/dz, to its panels, where there are any. Stages, rows and columns are
 * independent. */
void lam__panels_of_w(const lam__workspace *workspace, const lam__stage *stage,
                      const float *parameters, size_t first, size_t rows, size_t first_col,
                      size_t cols);
void lam__panels_of_dy(const lam__workspace *workspace, const lam__stage *stage, size_t first,
                       size_t rows);

/* Makes sure that the panels are as the model's weights: before forward. They are, unless somebody
 * has changed the weights otherwise than in phase 2 of a step, or may have. */
void lam__workspace_refresh(lam__workspace *workspace, const lam_model *model, lam__pool *pool);

#endif
