/* workspace.c: the buffers of a model for a batch, and slabs of rows passing through them. */
#include "train/workspace.h"

#include "base/error.h"
#include "base/memory.h"
#include "train/input_halves.h"
#include "train/panels.h"

/* Sets up the stages; buffers come later. */
static lam_status make_stages(lam__workspace *workspace, uint64_t seed)
{
    const lam__step_plan *plan = &workspace->plan;
    workspace->stages = lam__allocate_zero(plan->stage_count, sizeof *workspace->stages, "stages");
    if (!workspace->stages)
        return LAM_ERR_MEMORY;
    workspace->stage_count = plan->stage_count;
    for (size_t i = 0; i < plan->stage_count; i++) {
        const lam__stage_plan *stage = &plan->stages[i];
        workspace->stages[i] = (lam__stage){
            .plan = stage,
            .layer = stage->layer,
            .ldy = stage->ldy,
            .mask_words = stage->mask_words,
            .key = lam__derive_key(seed, LAM__FOR_DROPOUT, (uint32_t)stage->index),
        };
    }
    return LAM_OK;
}

/* `floats` of the arena; NULL for none. */
static float *take(lam__arena *arena, size_t floats)
{
    return floats ? lam__arena_take(arena, floats, sizeof(float)) : NULL;
}

/* Takes all buffers from the arena; called twice, see arena.h. */
static void carve(lam__workspace *workspace)
{
    const lam__step_plan *plan = &workspace->plan;
    lam__arena *arena = &workspace->arena;
    workspace->ldx = plan->ldx;
    workspace->x = take(arena, plan->x);
    float *turns[2];
    for (int k = 0; k < 2; k++)
        turns[k] = take(arena, plan->turns);

    for (size_t i = 0; i < workspace->stage_count; i++) {
        lam__stage *stage = &workspace->stages[i];
        const lam__stage_plan *sizes = stage->plan;
        stage->x = i ? workspace->stages[i - 1].y : workspace->x;
        stage->ldx = i ? workspace->stages[i - 1].ldy : workspace->ldx;
        stage->z = take(arena, sizes->z);
        stage->panels = take(arena, sizes->panels);
        stage->panels_transposed = take(arena, sizes->panels_transposed);
        stage->dy_panels = take(arena, sizes->dy_panels);
        stage->y = sizes->y ? take(arena, sizes->y) : turns[i % 2];
        stage->dy = take(arena, sizes->dy);
        stage->dx = sizes->dx ? workspace->stages[i - 1].dy : NULL;
        stage->kept = take(arena, sizes->kept);
        stage->mask = sizes->mask ? lam__arena_take(arena, sizes->mask, sizeof(uint64_t)) : NULL;
    }
    lam__input_halves_take(workspace);
}

lam_status lam__workspace_open(lam__workspace *workspace, const lam_model *model,
                               const lam__step_request *request, uint64_t seed)
{
    const lam__plan_machine machine = lam__plan_machine_here();
    *workspace = (lam__workspace){.arena.hot = request->training};
    workspace->changes = model->changes - 1; /* nothing packed */
    LAM__TRY(lam__step_plan_make(&workspace->plan, model, request, &machine));
    workspace->products = machine.tiles ? lam__products_chosen() : NULL;
    lam_status status = make_stages(workspace, seed);
    if (status == LAM_OK) {
        carve(workspace);
        status = lam__arena_open(&workspace->arena, "activations");
    }
    if (status != LAM_OK) {
        lam__workspace_close(workspace);
        return status;
    }
    carve(workspace);
    return LAM_OK;
}

void lam__workspace_close(lam__workspace *workspace)
{
    lam__arena_close(&workspace->arena);
    lam__step_plan_free(&workspace->plan);
    lam__release(workspace->stages);
    workspace->stages = NULL;
    workspace->stage_count = 0;
}

lam__slab lam__stage_slab(const lam__stage *stage, size_t first, size_t rows, uint64_t step)
{
    return (lam__slab){
        .first = first,
        .rows = rows,
        .x = stage->x ? stage->x + first * stage->ldx : NULL,
        .ldx = stage->ldx,
        .y = stage->y + first * stage->ldy,
        .ldy = stage->ldy,
        .z = stage->z ? stage->z + first * stage->ldy : NULL,
        .dy = stage->dy ? stage->dy + first * stage->ldy : NULL,
        .dx = stage->dx ? stage->dx + first * stage->ldx : NULL,
        .kept = stage->kept ? stage->kept + first * stage->layer->type->kept : NULL,
        .mask = stage->mask ? stage->mask + first * stage->mask_words : NULL,
        .panels = stage->panels,
        .panels_transposed = stage->panels_transposed,
        .key = stage->key,
        .step = step,
    };
}

/* The same for one pass: without panels where W itself is read faster, or newer. */
static lam__slab slab_of(const lam__workspace *workspace, const lam__stage *stage, size_t first,
                         size_t rows, uint64_t step)
{
    lam__slab slab = lam__stage_slab(stage, first, rows, step);
    if (!(workspace->plan.request.few_rows ? workspace->panels_fresh
                                           : lam__panels_serve(workspace, rows)))
        slab.panels = NULL;
    return slab;
}

void lam__workspace_forward(const lam__workspace *workspace, const float *parameters, size_t first,
                            size_t rows, bool raw_output, uint64_t step)
{
    for (size_t i = 0; i < workspace->stage_count; i++) {
        const lam__stage *stage = &workspace->stages[i];
        lam__slab slab = slab_of(workspace, stage, first, rows, step);
        slab.raw_output = raw_output && i + 1 == workspace->stage_count;
        if (stage->plan->split)
            lam__input_halves_forward(workspace, parameters, &slab);
        else
            stage->layer->type->forward(stage->layer, parameters, &slab);
    }
}

/* A layer's outputs, cut into columns. */
typedef struct columns {
    const lam__layer *layer;
    const float *parameters;
    lam__slab slab;
    size_t width; /* of a task */
} columns;

static void columns_task(void *context, size_t task)
{
    const columns *c = context;
    const size_t first = task * c->width, left = c->layer->out - first;
    lam__dense_columns(c->layer, c->parameters, &c->slab, first, left < c->width ? left : c->width);
}

void lam__workspace_forward_shared(const lam__workspace *workspace, const float *parameters,
                                   const float *x, size_t ldx, size_t rows, lam__pool *pool)
{
    for (size_t i = 0; i < workspace->stage_count; i++) {
        const lam__stage *stage = &workspace->stages[i];
        const lam__layer *layer = stage->layer;
        columns c = {layer, parameters, slab_of(workspace, stage, 0, rows, 0), 0};
        if (i == 0) {
            c.slab.x = x;
            c.slab.ldx = ldx;
        }
        const lam__column_cut cut = lam__cut_columns(&workspace->plan.machine, layer, rows);
        if (!pool || cut.tasks == 1) {
            layer->type->forward(layer, parameters, &c.slab);
            continue;
        }
        c.width = cut.width;
        lam__pool_run(pool, cut.tasks, columns_task, &c);
    }
}

void lam__workspace_backward(const lam__workspace *workspace, const float *parameters, size_t first,
                             size_t rows, bool raw_output, uint64_t step)
{
    for (size_t i = workspace->stage_count; i-- > 0;) {
        const lam__stage *stage = &workspace->stages[i];
        lam__slab slab = slab_of(workspace, stage, first, rows, step);
        slab.raw_output = raw_output && i + 1 == workspace->stage_count;
        stage->layer->type->backward(stage->layer, parameters, &slab);
        lam__panels_of_dy(workspace, stage, first, rows);
        if (!stage->dx)
            break;
    }
}
