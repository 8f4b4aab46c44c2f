/* step_plan.h: what a pass over a batch does, decided once: how rows and weights are cut, what is
 * copied to panels, which thread takes which task, how large each buffer is.
 *
 * A plan follows from the shapes, the request and a description of the machine, and from nothing
 * else: it can be made for a processor and for threads that are not there. The rest of this room
 * follows the plan and asks neither shapes nor processor again. Cuts that change the bits of a sum
 * depend on shapes and processor alone, never on threads. */
#ifndef LAMINA_STEP_PLAN_H
#define LAMINA_STEP_PLAN_H

#include "base/machine/cpu.h"
#include "model/network.h"

/* What a plan depends on besides the network. */
typedef struct lam__plan_machine {
    lam__isa isa;          /* of the products in tiles */
    bool tiles;            /* products in tiles (products.h); else the BLAS */
    bool blas_unpacked;    /* lam__blas_multiplies_unpacked() */
    bool streaming_stores; /* lam__streaming_stores_pay() */
    size_t cores;          /* 0: lam__cores(), when it matters */
} lam__plan_machine;

/* This machine, narrowed by LAMINA_CPU and LAMINA_PRODUCTS. Thread-safe. */
lam__plan_machine lam__plan_machine_here(void);

/* What is asked for. */
typedef struct lam__step_request {
    size_t batch;    /* rows at most */
    size_t rows;     /* in all, for work too short to start threads; SIZE_MAX: without end */
    size_t threads;  /* 0: one per core */
    size_t slab;     /* at inference: rows that pass through all layers together; 0: as the plan
                        finds best */
    bool training;   /* otherwise there are no gradients and only two buffers, used in turns */
    bool whole_rows; /* in training: samples are changed at random, row by row */
    bool few_rows;   /* inference again and again with the same weights, often on few rows */
    size_t moments;  /* in training: arrays as large as the parameters that the optimizer keeps */
} lam__step_request;

/* A layer that takes part. Sizes of buffers count floats; 0 where there is none. */
typedef struct lam__stage_plan {
    const lam__layer *layer;
    size_t index;            /* of the layer in the model */
    size_t ldy;              /* floats from one row of y, z and dy to the next */
    size_t y, z, dy;         /* y: 0 at inference, where stages share two buffers */
    size_t kept;             /* [batch][kept of the type] */
    size_t mask_words, mask; /* of a row of dropout, and in all: uint64_t */
    size_t panels, panels_transposed, dy_panels; /* see panels.h */
    bool panels_stream;            /* written past the caches while threads share the step */
    bool dx;                       /* dL/dx is needed: a stage below learns */
    bool split;                    /* in halves, see input_halves.h */
    size_t pack_tasks;             /* tasks of packing all of W; 0 without panels */
    size_t block_rows, block_cols; /* of W, which a task of phase 2 takes; 0 without W */
} lam__stage_plan;

/* Half of the inputs of the first stage, see input_halves.h. */
typedef struct lam__half_plan {
    size_t first, cols; /* columns of X and rows of W */
    size_t ldx, x;      /* floats from row to row, and of the buffer */
    size_t sums;        /* floats; 0 where one thread trains */
} lam__half_plan;

/* A task of phase 2: a block of a layer's W; the first block of a layer also does its bias. */
typedef struct lam__weight_task {
    size_t stage;
    size_t first, rows;     /* of W [in][out] */
    size_t first_col, cols; /* all of them but where the layer is cut into columns */
    int half;               /* of a layer that is split: 0 or 1; else -1 */
} lam__weight_task;

/* Rows of W that one task packs, and floats that one task updates from gradients that are kept:
 * four arrays of it fit in a second-level cache. */
enum { LAM__PACKED_ROWS = 64, LAM__UPDATE_FLOATS = 16384 };

typedef struct lam__step_plan {
    lam__step_request request;
    lam__plan_machine machine;
    size_t features, outputs;

    double work;           /* multiply-adds of the forward pass over a batch */
    size_t threads;        /* that take part: 1 where the work is too small to share */
    bool tuned;            /* one thread may be faster all the same: thread_tuning.h finds out */
    bool shared;           /* in training: buffers are laid out for several threads */
    bool streaming_stores; /* what threads share is written past the caches */

    size_t slab_rows;     /* of the rows of a batch, see lam__step_plan_cut */
    size_t most_slabs[2]; /* of a task, on one thread and on several */
    size_t panel_rows;    /* from so many rows on W is read from its panels */
    size_t ldx, x;        /* of the transformed input: floats from row to row, and in all; 0 where
                             the halves have it */
    size_t turns;         /* at inference: floats of each of the two buffers */
    bool split;           /* the first stage is in halves */
    lam__half_plan halves[2];
    size_t row_work; /* floats of a row per slab, to change or to split; 0 without */

    lam__stage_plan *stages; /* [stage_count] */
    size_t stage_count;

    /* phase 2, in training */
    lam__weight_task *tasks; /* [task_count] */
    size_t task_count;
    size_t *turn;   /* [task_count] the tasks in the order of threads, see task_assignment.h */
    size_t *starts; /* [threads + 1] */
    size_t scratch; /* bytes of the largest gradient of a task; one for each thread */
    size_t parameter_floats; /* of gradients and of each moment */

    size_t workspace_bytes, weights_bytes; /* of all buffers of either phase, gaps included */
} lam__step_plan;

/* Makes the plan of passes over a model, whose layers it points to. LAM_ERR_ARGUMENT for too many
 * threads, LAM_ERR_MEMORY; then there is nothing to free. */
lam_status lam__step_plan_make(lam__step_plan *plan, const lam_model *model,
                               const lam__step_request *request, const lam__plan_machine *machine);

/* Frees what a plan holds; a zeroed one is allowed. */
void lam__step_plan_free(lam__step_plan *plan);

/* How `rows` rows are cut on `threads` threads: slabs of slab_rows rows, the last with what is
 * left, in tasks of task_slabs slabs. Slabs do not depend on threads. */
typedef struct lam__batch_cut {
    size_t rows, slabs, slab_rows, task_slabs, tasks;
} lam__batch_cut;

lam__batch_cut lam__step_plan_cut(const lam__step_plan *plan, size_t rows, size_t threads);

/* The rows of a slab, from row slab * slab_rows on. */
static inline size_t lam__slab_rows(const lam__batch_cut *cut, size_t slab)
{
    const size_t left = cut->rows - slab * cut->slab_rows;
    return left < cut->slab_rows ? left : cut->slab_rows;
}

/* Of a first layer in halves: whether another thread goes on with the sums of a slab of half h. Of
 * two threads each goes on with the slabs of one half of the rows. */
static inline bool lam__half_is_handed_over(const lam__batch_cut *cut, size_t h, size_t slab)
{
    return h != slab * 2 / cut->slabs;
}

/* Whether a pass over `rows` rows is work enough for several threads, and whether one thread may be
 * faster at it all the same: by shapes alone. */
bool lam__work_is_shared(const lam_model *model, size_t rows);
bool lam__work_is_tuned(const lam_model *model, size_t rows);

/* How a layer is cut into columns for several threads on `rows` rows at inference: tasks of `width`
 * columns; one task where that gains nothing. */
typedef struct lam__column_cut {
    size_t tasks, width;
} lam__column_cut;

lam__column_cut lam__cut_columns(const lam__plan_machine *machine, const lam__layer *layer,
                                 size_t rows);

/* Writes a plan to text[size] for people to read, several lines, cut where it does not fit. Returns
 * its whole length without the NUL, as snprintf. */
size_t lam__step_plan_print(const lam__step_plan *plan, char *text, size_t size);

/* ---- sizes that were measured, in plan_cuts.c, for step_plan.c alone ---- */

/* The height of a slab of rows: enough slabs for several threads where there is work for them, and
 * enough rows for a product to be worth its call. */
size_t lam__choose_slab_rows(const lam__step_plan *plan, const lam_model *model);

/* The most slabs of one task: as many as make 64 rows on one thread; on several, which balance
 * better with small tasks, only where a layer has so many weights that they do not stay in a
 * second-level cache from one task to the next. The library's own products alone give a row the
 * same bits in tasks of any height. */
size_t lam__choose_most_slabs(const lam__step_plan *plan, const lam_model *model, bool shared);

/* Whether a first layer in halves hands over at most half as much as it does whole, and where its
 * inputs are cut. */
bool lam__halves_pay(const lam__layer *layer, size_t batch);
size_t lam__first_half(size_t in);

/* From how many rows on products read W from panels, where there are any that have to be kept as W:
 * few rows of one thread are faster from W itself. */
size_t lam__least_panel_rows(bool shared);

/* Whether W of a stage, and its dL/dz, are kept in panels; products in tiles only. */
bool lam__w_is_packed(const lam__step_plan *plan, const lam__stage_plan *stage);
bool lam__dy_is_packed(const lam__step_plan *plan, const lam__stage_plan *stage);

/* Columns and rows of a block of W in phase 2. */
size_t lam__block_columns(const lam__plan_machine *machine, const lam__layer *layer, size_t batch);
size_t lam__block_rows(const lam__plan_machine *machine, const lam__layer *layer, size_t batch);

#endif
