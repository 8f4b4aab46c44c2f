/* weight_update.c: phase 2 of a step, the weights. */
#include "train/weight_update.h"

#include <math.h>

#include "base/error.h"
#include "kernels/blas/gemm.h"
#include "kernels/products.h"
#include "options/fit_options.h"
#include "train/panels.h"

static void carve(lam__weights *weights)
{
    lam__arena *arena = &weights->arena;
    const lam__step_plan *plan = weights->plan;
    const size_t floats = plan->parameter_floats, moments = plan->request.moments;
    weights->gradients = lam__arena_take(arena, floats, sizeof(float));
    weights->scratch =
        lam__arena_take_apart(arena, plan->threads, plan->scratch, &weights->scratch_step);
    weights->m = moments > 0 ? lam__arena_take(arena, floats, sizeof(float)) : NULL;
    weights->v = moments > 1 ? lam__arena_take(arena, floats, sizeof(float)) : NULL;
    weights->penalties = lam__arena_take(arena, plan->task_count, sizeof *weights->penalties);
}

lam_status lam__weights_open(lam__weights *weights, lam_model *model, lam__workspace *workspace,
                             const lam__optimizer *optimizer, const lam_fit_options *options)
{
    *weights = (lam__weights){.model = model,
                              .workspace = workspace,
                              .plan = &workspace->plan,
                              .optimizer = optimizer,
                              .options = *options,
                              .arena.hot = true};
    lam__optimizer_resolve(optimizer, &weights->options, weights->args.own);
    lam__own_option_texts(&weights->options);
    carve(weights);
    LAM__TRY(lam__arena_open(&weights->arena, "gradients and moments"));
    carve(weights);
    return LAM_OK;
}

void lam__weights_close(lam__weights *weights)
{
    lam__arena_close(&weights->arena);
    *weights = (lam__weights){0};
}

/* A layer's own strength, or the one of the run. */
static float strength(float own, float inherited)
{
    return own >= 0.0f ? own : inherited;
}

static double penalize_weights(const lam__layer *layer, const lam_fit_options *options, size_t n,
                               const float *w, float *g)
{
    const float l1 = strength(layer->l1, options->l1), l2 = strength(layer->l2, options->l2);
    return l1 > 0.0f || l2 > 0.0f ? lam__kernels_chosen()->penalty(n, w, l1, l2, g) : 0.0;
}

static double penalize_bias(const lam__layer *layer, const lam_fit_options *options, const float *b,
                            float *g)
{
    const float l1 = strength(layer->bias_l1, options->bias_l1);
    const float l2 = strength(layer->bias_l2, options->bias_l2);
    return l1 > 0.0f || l2 > 0.0f ? lam__kernels_chosen()->penalty(layer->out, b, l1, l2, g) : 0.0;
}

/* Nobody reads a copy unless training fails: a large one need not push out of the caches what the
 * next step reads. A small one is written faster to them. */
static bool copy_streams(const lam__weights *weights)
{
    enum { SMALL = 1 << 16 }; /* floats, in a second-level cache with all else */
    return weights->model->parameter_floats > SMALL;
}

/* Updates n parameters at `offset` of the flat buffers from their gradient g[n]. */
static void update(const lam__weights *weights, size_t offset, size_t n, const float *g)
{
    lam__update_args args = weights->args;
    args.n = n;
    args.w = weights->model->parameters + offset;
    args.g = g;
    args.m = weights->m ? weights->m + offset : NULL;
    args.v = weights->v ? weights->v + offset : NULL;
    weights->optimizer->update(lam__kernels_chosen())(&args);
    if (weights->copy && isnan(lam__kernels_chosen()->checked_copy(n, args.w, copy_streams(weights),
                                                                   weights->copy + offset)))
        atomic_store((atomic_bool *)&weights->not_finite, true); /* by any thread of the phase */
}

/* The parameters of a task: runs that are `step` floats apart in the flat buffers. */
typedef struct runs {
    size_t offset, floats, count, step;
} runs;

static runs runs_of(const lam__layer *layer, const lam__weight_task *task)
{
    const size_t offset = layer->weight + task->first * layer->out + task->first_col;
    if (task->cols == layer->out)
        return (runs){offset, task->rows * task->cols, 1, 0};
    return (runs){offset, task->cols, task->rows, layer->out};
}

/* Where a task leaves the gradient of the parameters at `offset`: before an update, where it stays
 * in the cache and the next task writes over it. */
static float *gradient_of(const lam__weights *weights, size_t offset)
{
    return weights->update
               ? (float *)(void *)(weights->scratch + lam__pool_thread() * weights->scratch_step)
               : weights->gradients + offset;
}

/* sums[out] = the sum of dL/dz over the batch, from where phase 2 reads it. */
static void sum_dy(const lam__weights *weights, const lam__stage *stage, float *sums)
{
    const lam__kernels *kernels = lam__kernels_chosen();
    const size_t out = stage->layer->out;
    if (!stage->dy_panels) {
        kernels->column_sums(weights->rows, out, stage->ldy, stage->dy, sums);
        return;
    }
    const size_t panel = weights->workspace->products->panel;
    for (size_t j = 0; j < out; j += panel)
        kernels->column_sums(weights->rows, out - j < panel ? out - j : panel, panel,
                             stage->dy_panels + j * weights->plan->request.batch, sums + j);
}

/* The bias of a layer: its gradient is the sum of dL/dz over the batch. */
static double run_bias(const lam__weights *weights, const lam__stage *stage)
{
    const lam__layer *layer = stage->layer;
    float *g = gradient_of(weights, layer->bias); /* [out] */
    sum_dy(weights, stage, g);
    double penalty =
        penalize_bias(layer, &weights->options, weights->model->parameters + layer->bias, g);
    if (weights->update)
        update(weights, layer->bias, layer->out, g);
    return penalty;
}

enum { MOST_PREFETCHES = 6 };

/* What the update after the product will touch: weights, moments, a copy, panels. Returns how many.
 */
static size_t list_warm(const lam__weights *weights, const lam__stage *stage,
                        const lam__weight_task *task, lam__prefetch *prefetch)
{
    const lam__layer *layer = stage->layer;
    const runs r = runs_of(layer, task);
    const size_t bytes = r.floats * sizeof(float), step = r.step * sizeof(float);
    const size_t panel = weights->workspace->products->panel;
    size_t count = 0;
    prefetch[count++] =
        (lam__prefetch){weights->model->parameters + r.offset, bytes, r.count, step, false};
    if (weights->m)
        prefetch[count++] = (lam__prefetch){weights->m + r.offset, bytes, r.count, step, false};
    if (weights->v)
        prefetch[count++] = (lam__prefetch){weights->v + r.offset, bytes, r.count, step, false};
    if (weights->copy && !copy_streams(weights))
        prefetch[count++] = (lam__prefetch){weights->copy + r.offset, bytes, r.count, step, true};
    if (lam__workspace_streaming_stores(weights->workspace))
        return count; /* panels written past the caches need no fetching */
    const bool shared = weights->workspace->sharing;
    if (stage->panels)
        prefetch[count++] =
            (lam__prefetch){stage->panels + task->first_col * layer->in + task->first * panel,
                            task->rows * panel * sizeof(float), (task->cols + panel - 1) / panel,
                            layer->in * panel * sizeof(float), shared};
    if (stage->panels_transposed)
        prefetch[count++] =
            (lam__prefetch){stage->panels_transposed + task->first / panel * panel * layer->out +
                                task->first_col * panel,
                            task->cols * panel * sizeof(float), (task->rows + panel - 1) / panel,
                            layer->out * panel * sizeof(float), shared};
    return count;
}

/* g[task->rows][ldg] = X^T dZ, the block of the task. */
static void multiply(const lam__weights *weights, const lam__stage *stage,
                     const lam__weight_task *task, float *g, size_t ldg)
{
    const lam__products *products = weights->workspace->products;
    const size_t batch = weights->plan->request.batch;
    const lam__input_half *half = task->half < 0 ? NULL : &weights->workspace->halves[task->half];
    const bool packed = stage->dy_panels != NULL;
    lam__prefetch prefetch[MOST_PREFETCHES];
    if (products)
        products->columns(&(lam__product){
            .m = task->rows,
            .n = task->cols,
            .k = weights->rows,
            .a = half ? half->x + (task->first - half->first) : stage->x + task->first,
            .lda = half ? half->ldx : stage->ldx,
            .b = packed ? stage->dy_panels + task->first_col * batch : stage->dy + task->first_col,
            .ldb = packed ? products->panel : stage->ldy,
            .panel_step = products->panel * (packed ? batch : 1),
            .c = g,
            .ldc = ldg,
            .prefetch = prefetch,
            .prefetch_count = weights->update ? list_warm(weights, stage, task, prefetch) : 0,
        });
    else
        lam__gemm_tn(task->rows, task->cols, weights->rows, stage->x + task->first, stage->ldx,
                     stage->dy, stage->ldy, g, ldg);
}

static void run_task(void *context, size_t turn)
{
    lam__weights *weights = context;
    const size_t t = weights->plan->turn[turn];
    const lam__weight_task *task = &weights->plan->tasks[t];
    const lam__stage *stage = &weights->workspace->stages[task->stage];
    const lam__layer *layer = stage->layer;
    const runs r = runs_of(layer, task);
    const size_t ldg = weights->update ? task->cols : layer->out;
    float *g = gradient_of(weights, r.offset); /* [task->rows][ldg] */

    if (layer->type->multiplies) {
        multiply(weights, stage, task, g, ldg);
    } else {
        const lam__slab slab = lam__stage_slab(stage, 0, weights->rows, 0);
        layer->type->weight_gradient(layer, weights->model->parameters, &slab, g);
    }
    double penalty = 0.0;
    for (size_t i = 0, at = r.offset; i < r.count; i++, at += r.step, g += ldg) {
        penalty += penalize_weights(layer, &weights->options, r.floats,
                                    weights->model->parameters + at, g);
        if (weights->update)
            update(weights, at, r.floats, g);
    }
    if (weights->update)
        lam__panels_of_w(weights->workspace, stage, weights->model->parameters, task->first,
                         task->rows, task->first_col, task->cols);
    if (task->first == 0 && task->first_col == 0)
        penalty += run_bias(weights, stage);
    weights->penalties[t] = penalty;
}

double lam__weights_run(lam__weights *weights, lam__pool *pool, size_t rows, bool update_too,
                        double base, uint64_t t)
{
    weights->rows = rows;
    weights->update = update_too;
    weights->not_finite = false;
    if (update_too)
        lam__optimizer_begin(&weights->options, base, t, weights->moments_from, &weights->args);
    lam__pool_run_shares(pool, weights->plan->task_count, weights->plan->starts, run_task, weights);
    if (update_too)
        weights->workspace->changes = ++weights->model->changes;
    double penalty = 0.0;
    for (size_t i = 0; i < weights->plan->task_count; i++)
        penalty += weights->penalties[i];
    return penalty;
}

static void update_chunk(void *context, size_t chunk)
{
    const lam__weights *weights = context;
    const size_t first = chunk * LAM__UPDATE_FLOATS;
    const size_t left = weights->model->parameter_floats - first;
    update(weights, first, left < LAM__UPDATE_FLOATS ? left : LAM__UPDATE_FLOATS,
           weights->gradients + first);
}

void lam__weights_update(lam__weights *weights, lam__pool *pool, double base, uint64_t t)
{
    const size_t floats = weights->model->parameter_floats;
    lam__optimizer_begin(&weights->options, base, t, weights->moments_from, &weights->args);
    lam__pool_run(pool, (floats + LAM__UPDATE_FLOATS - 1) / LAM__UPDATE_FLOATS, update_chunk,
                  weights);
    weights->model->changes++;
}

double lam__penalty(const lam_model *model, const lam_fit_options *options)
{
    double penalty = 0.0;
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (!layer->type->has_parameters)
            continue;
        penalty += penalize_weights(layer, options, layer->weight_rows * layer->out,
                                    model->parameters + layer->weight, NULL);
        penalty += penalize_bias(layer, options, model->parameters + layer->bias, NULL);
    }
    return penalty;
}
