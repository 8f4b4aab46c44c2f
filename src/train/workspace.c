/* workspace.c: the buffers of a model for a batch, and slabs of rows passing through them. */
#include "train/workspace.h"

#include "base/error.h"
#include "base/memory.h"
#include "kernels/products.h"
#include "train/input_halves.h"
#include "train/panels.h"

/* Sets up the stages that take part; buffers come later. */
static lam_status make_stages(lam__workspace *workspace, const lam_model *model)
{
    workspace->stages = lam__allocate_zero(model->layer_count, sizeof *workspace->stages, "stages");
    if (!workspace->stages)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (!workspace->use.training && layer->type->only_training)
            continue;
        lam__stage *stage = &workspace->stages[workspace->stage_count++];
        stage->layer = layer;
        stage->index = i;
        stage->key = lam__derive_key(workspace->use.seed, LAM__FOR_DROPOUT, (uint32_t)i);
    }
    return LAM_OK;
}

size_t lam__row_length(size_t width)
{
    return width % 256 == 0 ? width + 16 : width;
}

/* Takes all buffers from the arena; called twice, see arena.h. */
static void carve(lam__workspace *workspace, size_t features)
{
    lam__arena *arena = &workspace->arena;
    const size_t batch = workspace->use.batch;
    const bool training = workspace->use.training;
    size_t widest = 0;
    for (size_t i = 0; i < workspace->stage_count; i++)
        if (workspace->stages[i].layer->out > widest)
            widest = workspace->stages[i].layer->out;

    if (!workspace->split) {
        workspace->ldx = lam__row_length(features);
        workspace->x = lam__arena_take(arena, batch * workspace->ldx, sizeof(float));
    }
    float *turns[2] = {NULL, NULL};
    if (!training)
        for (int k = 0; k < 2; k++)
            turns[k] = lam__arena_take(arena, batch * lam__row_length(widest), sizeof(float));

    bool learns_below = false;
    for (size_t i = 0; i < workspace->stage_count; i++) {
        lam__stage *stage = &workspace->stages[i];
        const lam__layer *layer = stage->layer;
        /* At inference layers share buffers while slabs are in different layers: a row's place must
         * not depend on the layer. */
        stage->ldy = lam__row_length(training ? layer->out : widest);
        stage->x = i ? workspace->stages[i - 1].y : workspace->x;
        stage->ldx = i ? workspace->stages[i - 1].ldy : workspace->ldx;
        if (layer->activation && layer->activation->needs_z &&
            (training || layer->activation->custom.forward))
            stage->z = lam__arena_take(arena, batch * stage->ldy, sizeof(float));
        lam__panels_take(workspace, stage, training && learns_below);
        if (!training) {
            stage->y = turns[i % 2];
            continue;
        }
        stage->y = lam__arena_take(arena, batch * stage->ldy, sizeof(float));
        stage->dy = lam__arena_take(arena, batch * stage->ldy, sizeof(float));
        stage->dx = learns_below ? workspace->stages[i - 1].dy : NULL;
        if (layer->type->kept)
            stage->kept = lam__arena_take(arena, batch * layer->type->kept, sizeof(float));
        if (layer->type->only_training) {
            stage->mask_words = (layer->out + 63) / 64;
            stage->mask = lam__arena_take(arena, batch * stage->mask_words, sizeof(uint64_t));
        }
        learns_below = learns_below || layer->type->has_parameters;
    }
    lam__input_halves_take(workspace);
}

/* Whether batch * (all widths) floats can be counted in a size_t. */
static lam_status check_size(const lam_model *model, size_t batch)
{
    size_t widths = model->features, bytes;
    for (size_t i = 0; i < model->layer_count; i++)
        if (!lam__add(widths, model->layers[i].out, &widths))
            return lam__fail_memory(SIZE_MAX, "activations");
    if (!lam__multiply(batch, widths, &bytes) || !lam__multiply(bytes, 16 * sizeof(float), &bytes))
        return lam__fail_memory(SIZE_MAX, "activations");
    return LAM_OK;
}

lam_status lam__workspace_open(lam__workspace *workspace, const lam_model *model,
                               const lam__workspace_use *use)
{
    *workspace = (lam__workspace){.use = *use, .arena.hot = use->training};
    workspace->changes = model->changes - 1; /* nothing packed */
    LAM__TRY(check_size(model, use->batch));
    lam_status status = make_stages(workspace, model);
    if (status == LAM_OK) {
        lam__input_halves_plan(workspace, model);
        carve(workspace, model->features);
        status = lam__arena_open(&workspace->arena, "activations");
    }
    if (status != LAM_OK) {
        lam__workspace_close(workspace);
        return status;
    }
    carve(workspace, model->features);
    return LAM_OK;
}

void lam__workspace_close(lam__workspace *workspace)
{
    lam__arena_close(&workspace->arena);
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
    if (!(workspace->use.few_rows ? workspace->panels_fresh : lam__panels_serve(workspace, rows)))
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
        if (lam__input_halves_pay(workspace, stage))
            lam__input_halves_forward(workspace, parameters, &slab);
        else
            stage->layer->type->forward(stage->layer, parameters, &slab);
    }
}

/* The least multiply-adds of a layer on which several threads gain more than they cost. */
#define LEAST_SHARED_LAYER 1e5

/* Columns that one task of a shared layer computes: four panels, which a row reads side by side; of
 * a layer that has no more two, so that a second thread has something to do. */
static size_t shared_width(const lam__layer *layer)
{
    const size_t panel = lam__products_chosen()->panel;
    return (layer->out > 4 * panel ? 4 : 2) * panel;
}

size_t lam__shared_tasks(const lam__layer *layer, size_t rows)
{
    const double work = (double)rows * (double)layer->in * (double)layer->out;
    if (work < LEAST_SHARED_LAYER || !lam__dense_has_columns(layer))
        return 1;
    const size_t width = shared_width(layer);
    return (layer->out + width - 1) / width;
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
        const size_t tasks = pool ? lam__shared_tasks(layer, rows) : 1;
        if (tasks == 1) {
            layer->type->forward(layer, parameters, &c.slab);
            continue;
        }
        c.width = shared_width(layer);
        lam__pool_run(pool, tasks, columns_task, &c);
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
