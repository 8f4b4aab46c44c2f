/* weight_update.c: phase 2 of a step, the weights. */
#include "train/weight_update.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/blas/gemm.h"
#include "kernels/products.h"
#include "options/fit_options.h"
#include "train/input_halves.h"
#include "train/panels.h"
#include "train/task_assignment.h"

/* Floats a task of lam__weights_update takes: four arrays of it fit in a second-level cache. */
enum { UPDATE_CHUNK = 16384 };

/* The columns of a block of W: as many as have a dL/dz that stays in a cache from one slab of rows
 * to the next, beside all else. */
static size_t choose_columns(const lam__layer *layer, size_t batch)
{
    enum { LEAST_PANELS = 4 };
    const lam__products *products = lam__products_chosen();
    if (!layer->type->multiplies || !products)
        return layer->out;
    const size_t panels = (layer->out + products->panel - 1) / products->panel;
    size_t most = products->most_gradient / batch / products->panel;
    most = most < LEAST_PANELS ? LEAST_PANELS : most;
    const size_t blocks = (panels + most - 1) / most; /* equal shares */
    const size_t cols = (panels + blocks - 1) / blocks * products->panel;
    return cols < layer->out ? cols : layer->out;
}

/* The height of a block of W: the natural height of the product, at most a share of the rows that
 * leaves work for several threads. */
static size_t choose_slab_rows(const lam__layer *layer, size_t batch)
{
    if (!layer->type->multiplies)
        return layer->weight_rows;
    enum { MOST = 128, TILES_MOST = 96, TILES_FLOATS = 32768 };
    enum { UNIT = 48 };    /* whole tiles, and whole vectors of a transposed panel */
    enum { SMALL = 8192 }; /* weights of a layer that is one task */
    if (lam__products_chosen() && layer->in * layer->out >= SMALL) {
        /* the gradient of a block, its weights and two moments fit in the second-level cache, and
         * there are four slabs of rows, for balance, both as far as that leaves UNIT rows */
        size_t rows = TILES_FLOATS / choose_columns(layer, batch);
        rows = rows > layer->in / 4 ? layer->in / 4 : rows;
        rows = rows > TILES_MOST ? TILES_MOST : rows;
        rows = rows < UNIT ? UNIT : rows / UNIT * UNIT;
        return rows < layer->in ? rows : layer->in;
    }
    if (lam__products_chosen())
        return layer->in;
    size_t most = layer->in < MOST ? layer->in : MOST;
    size_t rows = lam__gemm_rows_tn(layer->out, batch, most);
    size_t slabs = (layer->in + rows - 1) / rows;
    rows = (layer->in + slabs - 1) / slabs; /* equal shares */
    rows = lam__round_up(rows, 8);
    return rows < layer->in ? rows : layer->in;
}

/* Which half of a layer a row of W belongs to, NULL where it is not split. */
static const lam__input_half *half_of(const lam__workspace *workspace, const lam__stage *stage,
                                      size_t row)
{
    if (!lam__input_halves_pay(workspace, stage))
        return NULL;
    return &workspace->halves[row >= workspace->halves[1].first];
}

/* Lists the tasks of some columns of a layer; with tasks == NULL only counts them. */
static size_t list_slabs(const lam__workspace *workspace, size_t stage, size_t first_col,
                         size_t cols, lam__weight_task *tasks)
{
    const lam__layer *layer = workspace->stages[stage].layer;
    const size_t height = choose_slab_rows(layer, workspace->use.batch);
    size_t count = 0;
    for (size_t first = 0, rows; first < layer->weight_rows; first += rows, count++) {
        const lam__input_half *half = half_of(workspace, &workspace->stages[stage], first);
        const size_t left = (half ? half->first + half->cols : layer->weight_rows) - first;
        rows = left < height ? left : height;
        if (tasks)
            tasks[count] = (lam__weight_task){stage, first, rows, first_col, cols};
    }
    return count;
}

/* Lists the tasks; with tasks == NULL only counts them. */
static size_t list_tasks(const lam__workspace *workspace, lam__weight_task *tasks)
{
    size_t count = 0;
    for (size_t s = 0; s < workspace->stage_count; s++) {
        const lam__layer *layer = workspace->stages[s].layer;
        if (!layer->type->has_parameters)
            continue;
        const size_t width = choose_columns(layer, workspace->use.batch);
        for (size_t col = 0; col < layer->out; col += width) {
            const size_t left = layer->out - col, cols = left < width ? left : width;
            count += list_slabs(workspace, s, col, cols, tasks ? tasks + count : NULL);
        }
    }
    return count;
}

/* Floats of the largest gradient of a task: its rows of W, or a bias. */
static size_t largest_task(const lam__workspace *workspace)
{
    size_t largest = 0;
    for (size_t s = 0; s < workspace->stage_count; s++) {
        const lam__layer *layer = workspace->stages[s].layer;
        if (!layer->type->has_parameters)
            continue;
        const size_t cols = choose_columns(layer, workspace->use.batch);
        size_t floats = choose_slab_rows(layer, workspace->use.batch) * cols;
        floats = floats < layer->out ? layer->out : floats;
        largest = floats > largest ? floats : largest;
    }
    return lam__round_up(largest, LAM__ALIGN / sizeof(float));
}

/* Makes the threads' shares of the tasks. */
static lam_status share_tasks(lam__weights *weights)
{
    const size_t count = weights->task_count;
    lam__assigned_task *tasks = lam__allocate(count, sizeof *tasks, "shares");
    size_t *owner = lam__allocate(count, sizeof *owner, "shares");
    double *load = lam__allocate(weights->threads, sizeof *load, "shares");
    const bool ready = tasks && owner && load;
    for (size_t t = 0; ready && t < count; t++) {
        const lam__weight_task *task = &weights->tasks[t];
        const lam__stage *stage = &weights->workspace->stages[task->stage];
        const lam__input_half *half = half_of(weights->workspace, stage, task->first);
        const double middle = (double)task->first + (double)task->rows / 2.0;
        tasks[t].work = (double)(task->rows * task->cols);
        tasks[t].position = -1.0;
        if (half)
            tasks[t].position =
                ((half->first > 0) + (middle - (double)half->first) / (double)half->cols) / 2.0;
    }
    if (ready)
        lam__assign_tasks(count, tasks, weights->threads, weights->turn, weights->starts, owner,
                          load);
    lam__release(tasks);
    lam__release(owner);
    lam__release(load);
    return ready ? LAM_OK : LAM_ERR_MEMORY;
}

static void carve(lam__weights *weights)
{
    lam__arena *arena = &weights->arena;
    const size_t floats = weights->model->parameter_floats;
    const size_t moments = weights->optimizer->moments(&weights->options);
    weights->gradients = lam__arena_take(arena, floats, sizeof(float));
    weights->scratch = lam__arena_take_apart(arena, weights->threads, weights->scratch_bytes,
                                             &weights->scratch_step);
    weights->m = moments > 0 ? lam__arena_take(arena, floats, sizeof(float)) : NULL;
    weights->v = moments > 1 ? lam__arena_take(arena, floats, sizeof(float)) : NULL;
    weights->tasks = lam__arena_take(arena, weights->task_count, sizeof *weights->tasks);
    weights->penalties = lam__arena_take(arena, weights->task_count, sizeof *weights->penalties);
    weights->turn = lam__arena_take(arena, weights->task_count, sizeof *weights->turn);
    weights->starts = lam__arena_take(arena, weights->threads + 1, sizeof *weights->starts);
}

lam_status lam__weights_open(lam__weights *weights, lam_model *model, lam__workspace *workspace,
                             const lam__optimizer *optimizer, const lam_fit_options *options,
                             size_t threads)
{
    *weights = (lam__weights){.model = model,
                              .workspace = workspace,
                              .optimizer = optimizer,
                              .options = *options,
                              .threads = threads,
                              .arena.hot = true};
    lam__optimizer_resolve(optimizer, &weights->options, weights->args.own);
    lam__own_option_texts(&weights->options);
    weights->task_count = list_tasks(workspace, NULL);
    weights->scratch_bytes = largest_task(workspace) * sizeof(float);
    carve(weights);
    LAM__TRY(lam__arena_open(&weights->arena, "gradients and moments"));
    carve(weights);
    list_tasks(workspace, weights->tasks);
    return share_tasks(weights);
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
    const size_t panel = lam__products_chosen()->panel;
    for (size_t j = 0; j < out; j += panel)
        kernels->column_sums(weights->rows, out - j < panel ? out - j : panel, panel,
                             stage->dy_panels + j * weights->workspace->use.batch, sums + j);
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
    const size_t panel = lam__products_chosen()->panel;
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
    const lam__products *products = lam__products_chosen();
    const size_t batch = weights->workspace->use.batch;
    const lam__input_half *half = half_of(weights->workspace, stage, task->first);
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
    const size_t t = weights->turn[turn];
    const lam__weight_task *task = &weights->tasks[t];
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
    lam__pool_run_shares(pool, weights->task_count, weights->starts, run_task, weights);
    if (update_too)
        weights->workspace->changes = ++weights->model->changes;
    double penalty = 0.0;
    for (size_t i = 0; i < weights->task_count; i++)
        penalty += weights->penalties[i];
    return penalty;
}

static void update_chunk(void *context, size_t chunk)
{
    const lam__weights *weights = context;
    const size_t first = chunk * UPDATE_CHUNK;
    const size_t left = weights->model->parameter_floats - first;
    update(weights, first, left < UPDATE_CHUNK ? left : UPDATE_CHUNK, weights->gradients + first);
}

void lam__weights_update(lam__weights *weights, lam__pool *pool, double base, uint64_t t)
{
    const size_t floats = weights->model->parameter_floats;
    lam__optimizer_begin(&weights->options, base, t, weights->moments_from, &weights->args);
    lam__pool_run(pool, (floats + UPDATE_CHUNK - 1) / UPDATE_CHUNK, update_chunk, weights);
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
