/* workspace.h: the buffers of a model for a batch, and slabs of rows passing through them. */
#ifndef LAMINA_WORKSPACE_H
#define LAMINA_WORKSPACE_H

#include "base/arena.h"
#include "base/machine/pool.h"
#include "kernels/products.h"
#include "train/step_plan.h"

/* A layer with its buffers. */
typedef struct lam__stage {
    const lam__stage_plan *plan;
    const lam__layer *layer;
    const float *x; /* [batch][ldx] what it reads: the y of the stage before */
    size_t ldx;
    float *y; /* [batch][ldy] */
    size_t ldy;
    float *z;       /* [batch][ldy] where the activation needs it, else NULL */
    float *dy;      /* [batch][ldy] in training, else NULL */
    float *dx;      /* the dy of the stage before; NULL where nothing below learns */
    float *kept;    /* [batch][kept of the type] in training, else NULL */
    uint64_t *mask; /* [batch][mask_words] of dropout in training, else NULL */
    size_t mask_words;
    /* where the products of products.h are used, see panels.h; else NULL */
    float *panels, *panels_transposed, *dy_panels;
    lam__key key; /* of dropout */
} lam__stage;

/* Half of the inputs of the first stage, see input_halves.h. */
typedef struct lam__input_half {
    size_t first, cols; /* columns of X and rows of W */
    float *x;           /* [batch][ldx] these columns */
    size_t ldx;
    float *sums; /* [batch][ldy of the stage] X W of the half; NULL where one thread trains */
} lam__input_half;

typedef struct lam__workspace {
    lam__arena arena;
    lam__step_plan plan;
    const lam__products *products; /* NULL: the BLAS */
    lam__stage *stages; /* [stage_count]; at inference without the layers that do nothing there */
    size_t stage_count;
    float *x; /* [batch][ldx] transformed input; NULL where the halves have it */
    size_t ldx;
    lam__input_half halves[2]; /* where the plan splits the first stage */
    bool sharing;              /* plan.shared, and several threads take part in the step at hand */
    uint64_t changes;          /* of the model's parameters when the panels were last as they */
    bool panels_fresh;
} lam__workspace;

/* Whether what one thread writes and others read goes past the caches, see products.h. */
static inline bool lam__workspace_streaming_stores(const lam__workspace *workspace)
{
    return workspace->sharing && workspace->plan.streaming_stores;
}

/* Plans passes over a model on this machine and takes the buffers for them; `seed` keys dropout. */
lam_status lam__workspace_open(lam__workspace *workspace, const lam_model *model,
                               const lam__step_request *request, uint64_t seed);
void lam__workspace_close(lam__workspace *workspace);

/* Rows first .. first + rows - 1 of workspace->x through all stages. With raw_output the last layer
 * leaves its logits, without bias, to a fused loss. `step` keys dropout. */
void lam__workspace_forward(const lam__workspace *workspace, const float *parameters, size_t first,
                            size_t rows, bool raw_output, uint64_t step);

/* Inference: forward of x[rows][ldx] as rows 0 .. rows - 1, with the columns of large layers shared
 * among the pool's threads, with the same bits. */
void lam__workspace_forward_shared(const lam__workspace *workspace, const float *parameters,
                                   const float *x, size_t ldx, size_t rows, lam__pool *pool);

/* The same rows back: from dL/dy of the last stage (dL/dz with raw_output) to dL/dz of every
 * stage that learns. */
void lam__workspace_backward(const lam__workspace *workspace, const float *parameters, size_t first,
                             size_t rows, bool raw_output, uint64_t step);

/* The slab of one stage: every matrix moved to the slab's first row. */
lam__slab lam__stage_slab(const lam__stage *stage, size_t first, size_t rows, uint64_t step);

/* The last stage: its y holds the outputs. */
static inline const lam__stage *lam__workspace_last(const lam__workspace *workspace)
{
    return &workspace->stages[workspace->stage_count - 1];
}

#endif
