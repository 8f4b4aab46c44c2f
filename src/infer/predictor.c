/* predictor.c: prediction without allocation and without locks. */
#include <lamina/predictor.h>

#include <string.h>

#include "base/error.h"
#include "base/machine/denormals.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "data/source.h"
#include "kernels/blas/gemm.h"
#include "kernels/products.h"
#include "model/unregistered.h"
#include "train/engine.h"
#include "train/panels.h"
#include "train/workspace.h"

/* Rows that pass through all layers together: a slab of activations stays in the cache. */
enum { SLAB_ROWS = 64 };

/* Rows that a thread takes by itself, at least; of fewer, threads share the columns of a layer. */
enum { LEAST_ROWS = 16 };

/* Calls with 1, 2 to 3, 4 to 7 and so on rows are tuned each by themselves. */
enum { PACES = 7 };

struct lam_predictor {
    const lam_model *model;
    lam__workspace workspace; /* of slab_rows rows */
    size_t max_rows;
    lam__pool *pool; /* NULL: the caller's thread alone */
    lam__thread_tuning paces[PACES];
    bool acquired;
};

static lam_status check_model(const lam_model *model)
{
    if (!model)
        return lam__fail(LAM_ERR_ARGUMENT, "the model is NULL");
    LAM__TRY(lam_model_status(model));
    if (!model->parameters)
        return lam__fail(LAM_ERR_STATE, "the model has no parameters yet: train or load it first");
    return lam__model_runs(model);
}

void lam_predictor_options_init(lam_predictor_options *options, size_t size)
{
    lam_predictor_options own = {.threads = 0};
    lam__write_options(options, size, &own, sizeof own);
}

/* The tasks that `rows` rows can be cut into, each through all layers; 1 where that gains nothing.
 */
static size_t row_tasks(const lam_model *model, size_t rows)
{
    const bool worth = lam__products_chosen() && lam__work_is_shared(model, rows);
    return worth && rows >= 2 * LEAST_ROWS ? rows / LEAST_ROWS : 1;
}

/* The threads, of those asked for (0: as many as there are cores), that find work on `rows` rows:
 * in tasks of rows, or of layers that are large enough to be shared. */
static size_t useful_threads(const lam_model *model, size_t rows, size_t threads)
{
    const lam__plan_machine machine = lam__plan_machine_here();
    size_t most = row_tasks(model, rows);
    for (size_t i = 0; i < model->layer_count; i++) {
        const size_t tasks = lam__cut_columns(&machine, &model->layers[i], rows).tasks;
        most = tasks > most ? tasks : most;
    }
    const size_t wanted = threads ? threads : lam__cores();
    return wanted < most ? wanted : most;
}

/* `reused`: the weights are copied to where calls read them fastest. */
static lam_predictor *open_predictor(const lam_model *model, size_t max_rows, size_t threads,
                                     bool reused)
{
    if (check_model(model) != LAM_OK)
        return NULL;
    if (max_rows == 0) {
        lam__fail(LAM_ERR_ARGUMENT, "max_rows is 0");
        return NULL;
    }
    if (threads > LAM__MOST_THREADS) { /* also where the work is too small to share */
        lam__fail(LAM_ERR_ARGUMENT, "%zu threads: at most %d", threads, LAM__MOST_THREADS);
        return NULL;
    }
    lam_predictor *predictor = lam__allocate_zero(1, sizeof *predictor, "predictor");
    if (!predictor)
        return NULL;
    predictor->model = model;
    predictor->max_rows = max_rows;
    size_t slab = max_rows < SLAB_ROWS ? max_rows : SLAB_ROWS;
    lam_status status = LAM_OK;
    if (!lam__products_chosen()) {
        status = lam__blas_acquire();
        predictor->acquired = status == LAM_OK;
    }
    if (status == LAM_OK)
        status = lam__workspace_open(
            &predictor->workspace, model,
            &(lam__step_request){.batch = slab, .threads = 1, .slab = slab, .few_rows = reused}, 0);
    if (status == LAM_OK)
        status = lam__pool_new(useful_threads(model, slab, threads), &predictor->pool);
    if (status != LAM_OK) {
        lam_predictor_free(predictor);
        return NULL;
    }
    return predictor;
}

lam_predictor *lam_predictor_new(const lam_model *model, size_t max_rows)
{
    return open_predictor(model, max_rows, 1, true);
}

lam_predictor *lam_predictor_new_with(const lam_model *model, size_t max_rows,
                                      const lam_predictor_options *options)
{
    lam_predictor_options own = lam_predictor_options_default();
    if (lam__read_options(&own, sizeof own, options, "lam_predictor_options") != LAM_OK)
        return NULL;
    return open_predictor(model, max_rows, own.threads, true);
}

size_t lam_predictor_threads(const lam_predictor *predictor)
{
    return predictor ? lam__pool_threads(predictor->pool) : 0;
}

void lam_predictor_free(lam_predictor *predictor)
{
    if (!predictor)
        return;
    lam__pool_free(predictor->pool);
    lam__workspace_close(&predictor->workspace);
    if (predictor->acquired)
        lam__blas_release();
    lam__release(predictor);
}

/* Copies the outputs of the workspace's rows first .. first + rows - 1 to y[rows][outputs]. */
static void copy_outputs(const lam__workspace *workspace, size_t first, size_t rows, float *y)
{
    const lam__stage *last = lam__workspace_last(workspace);
    const size_t outputs = last->layer->out;
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * outputs, last->y + (first + r) * last->ldy, outputs * sizeof *y);
}

/* Of slabs of so many rows; NULL where several threads are faster anyway, or there is one. */
static lam__thread_tuning *pace_of(lam_predictor *predictor, size_t rows)
{
    size_t tuning = 0;
    while (tuning + 1 < PACES && rows >> (tuning + 1))
        tuning++;
    return predictor->pool && lam__work_is_tuned(predictor->model, rows) ? &predictor->paces[tuning]
                                                                         : NULL;
}

/* Rows of data from `first` on, cut into tasks. */
typedef struct cut {
    const lam__workspace *workspace;
    const lam_model *model;
    const lam_dataset *data;
    size_t first, rows, height; /* of a task */
    float *y;                   /* [rows][outputs] */
} cut;

static void slab_task(void *context, size_t task)
{
    const cut *s = context;
    const lam__workspace *workspace = s->workspace;
    const size_t at = task * s->height, left = s->rows - at;
    const size_t rows = left < s->height ? left : s->height;
    s->data->ops->gather(s->data, NULL, s->first + at, rows, &s->model->transform,
                         workspace->x + at * workspace->ldx, workspace->ldx);
    lam__workspace_forward(workspace, s->model->parameters, at, rows, false, 0);
    copy_outputs(workspace, at, rows, s->y + at * lam_model_outputs(s->model));
}

/* The rows where they lie in the caller's memory, if products may read them there: a copy has to go
 * from this core to every other one first. NULL where the model transforms them, or rows lie at a
 * distance that is slow. */
static const float *in_place(const cut *s)
{
    const size_t features = s->data->features;
    const bool apart = s->rows == 1 || s->workspace->ldx == features;
    const bool plain =
        s->data->dtype == LAM_FLOAT32 && s->model->transform.kind == LAM_TRANSFORM_NONE;
    return apart && plain ? (const float *)s->data->x + s->first * features : NULL;
}

/* Rows in memory, on all threads of the pool: each takes rows of its own or, where there are few,
 * columns of a layer at a time. */
static void run_slab(cut *s, lam__pool *pool)
{
    const lam__workspace *workspace = s->workspace;
    const size_t threads = lam__pool_threads(pool), tasks = row_tasks(s->model, s->rows);
    if (tasks > 1) {
        const size_t each = (s->rows + threads - 1) / threads;
        s->height = each < LEAST_ROWS ? LEAST_ROWS : each;
        lam__pool_run(pool, (s->rows + s->height - 1) / s->height, slab_task, s);
        return;
    }
    const float *x = in_place(s);
    if (!x)
        s->data->ops->gather(s->data, NULL, s->first, s->rows, &s->model->transform, workspace->x,
                             workspace->ldx);
    lam__workspace_forward_shared(workspace, s->model->parameters, x ? x : workspace->x,
                                  x ? s->data->features : workspace->ldx, s->rows, pool);
    copy_outputs(workspace, 0, s->rows, s->y);
}

static void predict_slab(lam_predictor *predictor, const lam_dataset *data, size_t first,
                         size_t rows, float *y)
{
    cut s = {&predictor->workspace, predictor->model, data, first, rows, rows, y};
    lam__thread_tuning *tuning = pace_of(predictor, rows);
    const bool alone = tuning && lam__thread_tuning_begin(tuning);
    run_slab(&s, alone ? NULL : predictor->pool);
    if (tuning)
        lam__thread_tuning_end(tuning);
}

/* Panels of weights that may have changed, because somebody has a writable view of them, are made
 * for many rows alone. */
static void refresh(lam_predictor *predictor, size_t rows)
{
    const lam_model *model = predictor->model;
    if (lam__panels_serve(&predictor->workspace, rows) ||
        (predictor->workspace.plan.request.few_rows && !model->viewed))
        lam__workspace_refresh(&predictor->workspace, model, predictor->pool);
    else
        predictor->workspace.panels_fresh = false;
}

static lam_status run(lam_predictor *predictor, const void *x, lam_dtype dtype, size_t rows,
                      float *y)
{
    if (!predictor || !x || !y)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_predictor_run: predictor, x or y is NULL");
    if (rows < 1 || rows > predictor->max_rows)
        return lam__fail(LAM_ERR_SHAPE, "%zu rows: the predictor takes 1 to %zu", rows,
                         predictor->max_rows);
    const lam_model *model = predictor->model;
    const lam_dataset data = {.ops = &lam__memory_source,
                              .samples = rows,
                              .features = model->features,
                              .dtype = dtype,
                              .x = x};
    const size_t outputs = lam_model_outputs(model), slab = predictor->workspace.plan.request.batch;
    const uint64_t mode = lam__denormals_flush();
    refresh(predictor, rows);
    for (size_t first = 0; first < rows; first += slab) {
        size_t count = rows - first < slab ? rows - first : slab;
        predict_slab(predictor, &data, first, count, y + first * outputs);
    }
    lam__denormals_restore(mode);
    return LAM_OK;
}

lam_status lam_predictor_run(lam_predictor *predictor, const float *x, size_t rows, float *y)
{
    return run(predictor, x, LAM_FLOAT32, rows, y);
}

lam_status lam_predictor_run_bytes(lam_predictor *predictor, const uint8_t *x, size_t rows,
                                   float *y)
{
    return run(predictor, x, LAM_UINT8, rows, y);
}

lam_status lam_predict(const lam_model *model, const float *x, size_t rows, float *y)
{
    lam_predictor *predictor = open_predictor(model, rows, 1, false);
    if (!predictor)
        return lam_error_status();
    lam_status status = lam_predictor_run(predictor, x, rows, y);
    lam_predictor_free(predictor);
    return status;
}

/* A whole dataset, some slabs for each thread at a time; the workspace comes back for the caller to
 * close. */
static lam_status predict_all(lam__workspace *workspace, cut *s, lam__engine *engine,
                              size_t threads)
{
    enum { SLABS = 32 }; /* enough for the threads of a large machine */
    const size_t samples = s->data->samples, outputs = lam_model_outputs(s->model);
    const size_t batch = samples < SLABS * SLAB_ROWS ? samples : SLABS * SLAB_ROWS;
    float *y = s->y;
    const lam__step_request request = {
        .batch = batch, .rows = samples, .threads = threads, .slab = SLAB_ROWS};
    LAM__TRY(lam__workspace_open(workspace, s->model, &request, 0));
    LAM__TRY(lam__engine_start(engine, &workspace->plan));
    const uint64_t mode = lam__denormals_flush();
    lam__workspace_refresh(workspace, s->model, engine->pool);
    lam_status status = LAM_OK;
    for (s->first = 0; s->first < samples && status == LAM_OK; s->first += batch) {
        s->rows = samples - s->first < batch ? samples - s->first : batch;
        s->y = y + s->first * outputs;
        status = lam__source_prepare(s->data, NULL, samples, s->first, s->rows);
        if (status != LAM_OK)
            break;
        lam__pool_run(engine->pool, (s->rows + SLAB_ROWS - 1) / SLAB_ROWS, slab_task, s);
        status = lam__source_trouble(s->data);
    }
    lam__denormals_restore(mode);
    return status;
}

lam_status lam_predict_dataset(const lam_model *model, const lam_dataset *dataset, size_t threads,
                               float *y)
{
    LAM__TRY(check_model(model));
    if (!dataset || !y)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_predict_dataset: dataset or y is NULL");
    if (dataset->features != model->features)
        return lam__fail(LAM_ERR_SHAPE, "the data have %zu features, the model takes %zu",
                         dataset->features, model->features);
    LAM__TRY(lam__input_accepts(&model->input, &dataset->input));
    lam__workspace workspace = {0};
    cut all = {
        .workspace = &workspace, .model = model, .data = dataset, .height = SLAB_ROWS, .y = y};
    lam__engine engine = {0};
    lam_status status = predict_all(&workspace, &all, &engine, threads);
    lam__workspace_close(&workspace);
    lam__engine_stop(&engine);
    return status;
}
