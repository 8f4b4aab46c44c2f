/* trainer.c: lam_trainer, one step at a time: phase 1 over rows, phase 2 over weights. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/finite.h"
#include "base/machine/denormals.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "base/text.h"
#include "options/fit_options.h"
#include "train/not_finite.h"
#include "train/panels.h"
#include "train/targets.h"
#include "train/trainer_inside.h"

/* Begins where the training of the model stands, with its moments when they are to be kept. */
static lam_status begin_moments(lam_trainer *trainer, bool keep)
{
    lam_model *model = trainer->model;
    lam__weights *weights = &trainer->weights;
    lam__moments *kept = &model->moments;
    const size_t bytes = model->parameter_floats * sizeof(float);
    trainer->steps_before = weights->moments_from = model->steps_done;
    if (!keep) { /* after these steps they would be out of date */
        lam__model_drop_moments(model);
        return LAM_OK;
    }
    if (kept->optimizer && kept->optimizer != weights->optimizer)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "keep_optimizer has no effect: the model has the moments of %s, and the "
                         "optimizer is %s",
                         kept->optimizer->name, weights->optimizer->name);
    if (kept->optimizer)
        weights->moments_from = kept->from;
    if (kept->m && weights->m)
        memcpy(weights->m, kept->m, bytes);
    if (kept->v && weights->v)
        memcpy(weights->v, kept->v, bytes);
    LAM__TRY(lam__model_reserve_moments(model, weights->optimizer,
                                        weights->optimizer->moments(&weights->options)));
    trainer->leaves_moments = true;
    return LAM_OK;
}

/* Leaves finite moments with the model; no others are of use. */
static void leave_moments(lam_trainer *trainer)
{
    const lam__weights *weights = &trainer->weights;
    lam__moments *kept = &trainer->model->moments;
    const size_t floats = trainer->model->parameter_floats;
    const float *const from[] = {weights->m, weights->v};
    float *const to[] = {kept->m, kept->v};
    if (!weights->m) /* those of an earlier call with momentum */
        lam__model_drop_moments(trainer->model);
    for (size_t i = 0; i < 2; i++) {
        if (!from[i])
            continue;
        if (!to[i] || lam__first_not_finite(from[i], floats) < floats) {
            lam__model_drop_moments(trainer->model);
            return;
        }
        memcpy(to[i], from[i], floats * sizeof *to[i]);
    }
    kept->optimizer = weights->optimizer;
    kept->from = weights->moments_from;
}

static lam_status open_trainer(lam_trainer *trainer, lam_model *model,
                               const lam_fit_options *options)
{
    trainer->model = model;
    const lam__optimizer *optimizer = lam__find_optimizer(options->optimizer);
    if (!optimizer)
        return lam_error_status();
    trainer->base_rate =
        (double)(options->learning_rate > 0.0f ? options->learning_rate : optimizer->learning_rate);
    trainer->decay = options->decay;
    if (!model->parameters)
        LAM__TRY(lam_model_initialize(model, options->seed, options->initializer));
    const lam__step_request request = {.batch = options->batch_size,
                                       .rows = SIZE_MAX,
                                       .threads = options->threads,
                                       .training = true,
                                       .moments = optimizer->moments(options)};
    LAM__TRY(lam__pass_open(&trainer->pass, model, options,
                            options->metrics ? options->metrics : "accuracy", &request));
    LAM__TRY(lam__engine_start(&trainer->engine, &trainer->pass.workspace.plan));
    LAM__TRY(
        lam__weights_open(&trainer->weights, model, &trainer->pass.workspace, optimizer, options));
    return begin_moments(trainer, options->keep_optimizer);
}

lam_trainer *lam_trainer_new(lam_model *model, const lam_fit_options *options)
{
    lam_fit_options own;
    if (lam_model_status(model) != LAM_OK || lam__take_fit_options(&own, &options) != LAM_OK ||
        lam__check_fit_options(options) != LAM_OK || lam__check_used_options(options) != LAM_OK)
        return NULL;
    lam_trainer *trainer = lam__allocate_zero(1, sizeof *trainer, "trainer");
    if (trainer && open_trainer(trainer, model, options) != LAM_OK) {
        lam_trainer_free(trainer);
        return NULL;
    }
    return trainer;
}

void lam_trainer_free(lam_trainer *trainer)
{
    if (!trainer)
        return;
    if (trainer->leaves_moments)
        leave_moments(trainer);
    lam__weights_close(&trainer->weights);
    lam__pass_close(&trainer->pass);
    lam__engine_stop(&trainer->engine);
    lam__release(trainer);
}

/* The parameters have been updated once more. Only now has the model been trained with this loss:
 * a trainer that fails or makes no step leaves it as it was. */
static void count_step(lam_trainer *trainer)
{
    trainer->steps++;
    trainer->model->steps_done = trainer->steps_before + trainer->steps;
    trainer->model->loss = trainer->pass.loss;
    trainer->model->loss_name = NULL;
}

lam_status lam__trainer_step(lam_trainer *trainer, const lam_dataset *dataset,
                             const uint32_t *order, size_t count, size_t at, size_t rows,
                             bool update, lam__metric_sums *tally)
{
    LAM__TRY(lam__source_prepare(dataset, order, count, at, rows));
    const uint64_t mode = lam__denormals_flush();
    lam__engine *engine = &trainer->engine;
    lam__workspace *workspace = &trainer->pass.workspace;
    const uint64_t step = trainer->steps_before + trainer->steps; /* of the model's training */
    const bool whole = rows == workspace->plan.request.batch;
    lam__pool *pool = whole ? lam__engine_begin(engine) : lam__engine_pool(engine);
    workspace->sharing = workspace->plan.shared && pool;
    lam__workspace_refresh(workspace, trainer->model, pool);
    lam__pass_run(&trainer->pass, pool, dataset, order ? order + at : NULL, order ? 0 : at, rows,
                  step);
    double penalty =
        lam__weights_run(&trainer->weights, pool, rows, update, trainer->base_rate, step);
    if (whole)
        lam__engine_end(engine);
    lam__pass_add(&trainer->pass, tally);
    tally->penalty += penalty * (double)rows;
    trainer->has_gradients = trainer->keeps_gradients = !update;
    if (update)
        count_step(trainer);
    lam__denormals_restore(mode);
    return lam__source_trouble(dataset);
}

/* Asked before anything of the batch is read: there may be no more of it than the trainer takes. */
static lam_status check_rows(const lam_trainer *trainer, size_t rows)
{
    const size_t most = trainer->pass.workspace.plan.request.batch;
    if (rows >= 1 && rows <= most)
        return LAM_OK;
    return lam__fail(LAM_ERR_SHAPE, "a batch of %zu rows: the trainer takes 1 to %zu", rows, most);
}

/* A step with its checks and scores. */
static lam_status checked_step(lam_trainer *trainer, const lam_dataset *dataset,
                               const uint32_t *index, size_t rows, bool update, lam_scores *scores)
{
    LAM__TRY(lam__pass_accepts(&trainer->pass, dataset));
    LAM__TRY(lam__targets_fit(&trainer->pass, dataset, index, rows));
    lam__metric_sums tally = {0};
    const uint64_t step = trainer->steps;
    LAM__TRY(lam__trainer_step(trainer, dataset, index, rows, 0, rows, update, &tally));
    lam_scores own;
    lam__pass_scores(&trainer->pass, &tally, scores ? scores : &own);
    if (isfinite(tally.loss) && isfinite(tally.penalty))
        return LAM_OK;
    char bad[128];
    const bool found =
        lam__find_bad_sample(&trainer->pass, dataset, index, 0, rows, bad, sizeof bad);
    return lam__fail(LAM_ERR_NUMERIC, "the loss is not finite at step %llu%s%s",
                     (unsigned long long)step, found ? ": " : "", found ? bad : "");
}

lam_status lam_trainer_step_rows(lam_trainer *trainer, const lam_dataset *dataset,
                                 const uint32_t *index, size_t rows, lam_scores *scores)
{
    if (!trainer || !dataset)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_step_rows: trainer or dataset is NULL");
    LAM__TRY(check_rows(trainer, rows));
    for (size_t r = 0; index && r < rows; r++)
        if (index[r] >= dataset->samples)
            return lam__fail(LAM_ERR_ARGUMENT, "index[%zu] is %lu, the data have %zu samples", r,
                             (unsigned long)index[r], dataset->samples);
    if (!index && rows > dataset->samples)
        return lam__fail(LAM_ERR_ARGUMENT, "%zu rows asked for, the data have %zu samples", rows,
                         dataset->samples);
    return checked_step(trainer, dataset, index, rows, true, scores);
}

/* Sees a batch in the caller's memory as a dataset, and checks its class numbers. */
static lam_status view_batch(const lam_trainer *trainer, const lam_batch *batch, lam_dataset *view)
{
    const lam_model *model = trainer->model;
    const size_t outputs = trainer->pass.outputs;
    if (!batch->x || (batch->classes != NULL) == (batch->targets != NULL))
        return lam__fail(LAM_ERR_ARGUMENT, "a batch needs x and either classes or targets");
    LAM__TRY(check_rows(trainer, batch->rows));
    const size_t classes = outputs == 1 ? 2 : outputs;
    for (size_t r = 0; batch->classes && r < batch->rows; r++)
        if (batch->classes[r] < 0 || (size_t)batch->classes[r] >= classes)
            return lam__fail(LAM_ERR_ARGUMENT, "classes[%zu] is %ld, not in 0..%zu", r,
                             (long)batch->classes[r], classes - 1);
    *view = (lam_dataset){
        .ops = &lam__memory_source,
        .samples = batch->rows,
        .features = model->features,
        .dtype = LAM_FLOAT32,
        .x = batch->x,
        .labels = (int32_t *)(uintptr_t)batch->classes, /* only read */
        .targets = (float *)(uintptr_t)batch->targets,
        .classes = batch->classes ? classes : 0,
        .outputs = batch->targets ? outputs : 0,
    };
    return LAM_OK;
}

static lam_status batch_step(lam_trainer *trainer, const lam_batch *given, size_t size, bool update,
                             lam_scores *scores)
{
    lam_batch batch = {.rows = 0};
    lam_dataset view;
    if (given)
        LAM__TRY(lam__read_struct(&batch, sizeof batch, given, size, "lam_batch"));
    LAM__TRY(view_batch(trainer, &batch, &view));
    return checked_step(trainer, &view, NULL, batch.rows, update, scores);
}

lam_status lam_trainer_step_sized(lam_trainer *trainer, const lam_batch *batch, size_t size,
                                  lam_scores *scores)
{
    if (!trainer)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_step: trainer is NULL");
    return batch_step(trainer, batch, size, true, scores);
}

lam_status lam_trainer_gradients_sized(lam_trainer *trainer, const lam_batch *batch, size_t size,
                                       lam_scores *scores)
{
    if (!trainer)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_gradients: trainer is NULL");
    return batch_step(trainer, batch, size, false, scores);
}

lam_status lam_trainer_update(lam_trainer *trainer)
{
    if (!trainer)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_update: trainer is NULL");
    if (!trainer->has_gradients)
        return lam__fail(LAM_ERR_STATE, "no gradients since the last update: call "
                                        "lam_trainer_gradients first");
    const uint64_t mode = lam__denormals_flush();
    lam__weights_update(&trainer->weights, lam__engine_pool(&trainer->engine), trainer->base_rate,
                        trainer->steps_before + trainer->steps);
    lam__denormals_restore(mode);
    count_step(trainer);
    trainer->has_gradients = false;
    return LAM_OK;
}

lam_status lam_trainer_gradient_sized(lam_trainer *trainer, size_t i, lam_tensor *tensor,
                                      size_t size)
{
    if (!trainer || !tensor)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_gradient: trainer or tensor is NULL");
    const lam_model *model = trainer->model;
    if (!trainer->keeps_gradients)
        return lam__fail(LAM_ERR_STATE, "a step applies its gradients without keeping them: call "
                                        "lam_trainer_gradients, then lam_trainer_update");
    if (i >= lam_model_tensors(model))
        return lam__fail(LAM_ERR_ARGUMENT, "tensor %zu of a model that has %zu", i,
                         lam_model_tensors(model));
    lam_tensor view = lam__view_tensor(model, i);
    view.data = trainer->weights.gradients + (view.data - model->parameters);
    lam__write_struct(tensor, size, &view, sizeof view);
    return LAM_OK;
}

size_t lam_trainer_plan(const lam_trainer *trainer, char *text, size_t size)
{
    return trainer ? lam__step_plan_print(&trainer->pass.workspace.plan, text, text ? size : 0) : 0;
}

const float *lam_trainer_outputs(const lam_trainer *trainer, size_t *stride)
{
    if (!trainer)
        return NULL;
    const lam__stage *last = lam__workspace_last(&trainer->pass.workspace);
    if (stride)
        *stride = last->ldy;
    return last->y;
}

uint64_t lam_trainer_steps(const lam_trainer *trainer)
{
    return trainer ? trainer->steps : 0;
}

double lam_trainer_learning_rate(const lam_trainer *trainer)
{
    if (!trainer)
        return 0.0;
    return trainer->base_rate /
           (1.0 + (double)trainer->decay * (double)(trainer->steps_before + trainer->steps));
}

lam_status lam_trainer_set_learning_rate(lam_trainer *trainer, double learning_rate)
{
    if (!trainer)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_set_learning_rate: trainer is NULL");
    char text[32];
    if (!(learning_rate > 0.0) || learning_rate > (double)FLT_MAX)
        return lam__fail(LAM_ERR_ARGUMENT, "learning_rate must be a float > 0, not %s",
                         lam__format_double(learning_rate, text, sizeof text));
    trainer->base_rate = learning_rate;
    return LAM_OK;
}
