/* weights.c: phase 2 of a step, the weights. */
#include "train/weights.h"

#include "base/error.h"
#include "base/memory.h"
#include "blas/gemm.h"

/* Floats a task of lam__weights_update takes: four arrays of it fit in a second-level cache. */
enum { UPDATE_CHUNK = 16384 };

/* The height of a slab of W: the natural height of the product, at most a share of the rows that
 * leaves work for several threads. */
static size_t choose_slab_rows(const lam__layer *layer, size_t batch)
{
    enum { MOST = 128 };
    size_t most = layer->in < MOST ? layer->in : MOST;
    size_t rows = lam__gemm_rows_tn(layer->out, batch, most);
    size_t slabs = (layer->in + rows - 1) / rows;
    rows = (layer->in + slabs - 1) / slabs; /* equal shares */
    rows = lam__round_up(rows, 8);
    return rows < layer->in ? rows : layer->in;
}

/* Lists the tasks; with tasks == NULL only counts them. */
static size_t list_tasks(const lam__chain *chain, lam__weight_task *tasks)
{
    size_t count = 0;
    for (size_t s = 0; s < chain->stage_count; s++) {
        const lam__layer *layer = chain->stages[s].layer;
        if (!layer->type->has_parameters)
            continue;
        const size_t height = choose_slab_rows(layer, chain->batch);
        for (size_t first = 0; first < layer->in; first += height, count++) {
            size_t left = layer->in - first;
            if (tasks)
                tasks[count] = (lam__weight_task){s, first, left < height ? left : height};
        }
    }
    return count;
}

static void carve(lam__weights *weights)
{
    lam__arena *arena = &weights->arena;
    const size_t floats = weights->model->parameter_floats;
    const size_t moments = weights->optimizer->moments(&weights->options);
    weights->gradients = lam__arena_take(arena, floats, sizeof(float));
    weights->m = moments > 0 ? lam__arena_take(arena, floats, sizeof(float)) : NULL;
    weights->v = moments > 1 ? lam__arena_take(arena, floats, sizeof(float)) : NULL;
    weights->tasks = lam__arena_take(arena, weights->task_count, sizeof *weights->tasks);
    weights->penalties = lam__arena_take(arena, weights->task_count, sizeof *weights->penalties);
}

lam_status lam__weights_open(lam__weights *weights, lam_model *model, const lam__chain *chain,
                             const lam__optimizer *optimizer, const lam_fit_options *options)
{
    *weights =
        (lam__weights){.model = model, .chain = chain, .optimizer = optimizer, .options = *options};
    weights->task_count = list_tasks(chain, NULL);
    carve(weights);
    LAM__TRY(lam__arena_open(&weights->arena, "gradients and moments"));
    carve(weights);
    list_tasks(chain, weights->tasks);
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

/* Updates n parameters at `offset` of the flat buffers. */
static void update(const lam__weights *weights, size_t offset, size_t n)
{
    lam__update_args args = weights->args;
    args.n = n;
    args.w = weights->model->parameters + offset;
    args.g = weights->gradients + offset;
    args.m = weights->m ? weights->m + offset : NULL;
    args.v = weights->v ? weights->v + offset : NULL;
    weights->optimizer->update(lam__kernels_chosen())(&args);
}

/* The bias of a layer: its gradient is the sum of dL/dz over the batch. */
static double run_bias(const lam__weights *weights, const lam__stage *stage)
{
    const lam__layer *layer = stage->layer;
    float *g = weights->gradients + layer->bias; /* [out] */
    lam__kernels_chosen()->column_sums(weights->rows, layer->out, stage->ldy, stage->dy, g);
    double penalty =
        penalize_bias(layer, &weights->options, weights->model->parameters + layer->bias, g);
    if (weights->update)
        update(weights, layer->bias, layer->out);
    return penalty;
}

static void run_task(void *context, size_t t)
{
    lam__weights *weights = context;
    const lam__weight_task *task = &weights->tasks[t];
    const lam__stage *stage = &weights->chain->stages[task->stage];
    const lam__layer *layer = stage->layer;
    const size_t offset = layer->weight + task->first * layer->out;
    const size_t n = task->rows * layer->out;
    float *g = weights->gradients + offset; /* [task->rows][out] */

    lam__gemm_tn(task->rows, layer->out, weights->rows, stage->x + task->first, stage->ldx,
                 stage->dy, stage->ldy, g, layer->out);
    double penalty =
        penalize_weights(layer, &weights->options, n, weights->model->parameters + offset, g);
    if (weights->update)
        update(weights, offset, n);
    if (task->first == 0)
        penalty += run_bias(weights, stage);
    weights->penalties[t] = penalty;
}

double lam__weights_run(lam__weights *weights, lam__pool *pool, size_t rows, bool update_too,
                        double base, uint64_t t)
{
    weights->rows = rows;
    weights->update = update_too;
    if (update_too)
        lam__optimizer_begin(&weights->options, base, t, &weights->args);
    lam__pool_run(pool, weights->task_count, run_task, weights);
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
    update(weights, first, left < UPDATE_CHUNK ? left : UPDATE_CHUNK);
}

void lam__weights_update(lam__weights *weights, lam__pool *pool, double base, uint64_t t)
{
    const size_t floats = weights->model->parameter_floats;
    lam__optimizer_begin(&weights->options, base, t, &weights->args);
    lam__pool_run(pool, (floats + UPDATE_CHUNK - 1) / UPDATE_CHUNK, update_chunk, weights);
}

double lam__penalty(const lam_model *model, const lam_fit_options *options)
{
    double penalty = 0.0;
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (!layer->type->has_parameters)
            continue;
        penalty += penalize_weights(layer, options, layer->in * layer->out,
                                    model->parameters + layer->weight, NULL);
        penalty += penalize_bias(layer, options, model->parameters + layer->bias, NULL);
    }
    return penalty;
}
