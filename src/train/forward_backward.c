/* forward_backward.c: phase 1 of a step, the rows. */
#include "train/forward_backward.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/finite.h"
#include "base/memory.h"
#include "model/unregistered.h"
#include "options/fit_options.h"
#include "train/input_halves.h"
#include "train/not_finite.h"
#include "train/targets.h"

static lam_status choose_parts(lam__pass *pass, const lam_fit_options *options,
                               const char *metric_list)
{
    const lam_model *model = pass->model;
    const lam__layer *last = lam__last_dense(model);
    assert(last);
    LAM__TRY(lam__model_runs(model));
    pass->loss = lam__choose_loss(options, model);
    if (!pass->loss)
        return lam_error_status();
    LAM__TRY(lam__loss_fits_outputs(pass->loss, model));
    bool ends_dense = model->layers[model->layer_count - 1].type->has_parameters;
    pass->fused = ends_dense && lam__loss_is_fused(pass->loss, last->activation);
    pass->argmax = last->activation->decision == LAM__DECIDE_ARGMAX;
    pass->threshold = options->threshold;
    pass->tolerance = options->tolerance;
    return lam__parse_metrics(metric_list, last->activation, pass->metrics, pass->metric_names,
                              &pass->metric_count);
}

static lam_status allocate(lam__pass *pass, const lam__step_request *request, uint64_t seed)
{
    const size_t batch = request->batch;
    LAM__TRY(lam__workspace_open(&pass->workspace, pass->model, request, seed));
    const lam__step_plan *plan = &pass->workspace.plan;
    const size_t slabs = lam__step_plan_cut(plan, batch, 1).slabs;
    pass->slab_loss = lam__allocate_zero(slabs, sizeof *pass->slab_loss, "sums");
    pass->slab_states = lam__allocate_zero(slabs, sizeof *pass->slab_states, "metric sums");
    pass->labels = lam__allocate_zero(batch, sizeof *pass->labels, "labels");
    pass->targets = lam__allocate_zero(batch, pass->outputs * sizeof *pass->targets, "targets");
    if (plan->row_work)
        pass->row_work = lam__allocate(plan->row_work, sizeof *pass->row_work, "rows");
    return pass->slab_loss && pass->slab_states && pass->labels && pass->targets &&
                   (pass->row_work || !plan->row_work)
               ? LAM_OK
               : LAM_ERR_MEMORY;
}

lam_status lam__pass_open(lam__pass *pass, const lam_model *model, const lam_fit_options *options,
                          const char *metric_list, const lam__step_request *request)
{
    *pass = (lam__pass){.model = model, .training = request->training};
    lam__step_request own = *request;
    pass->outputs = lam_model_outputs(model);
    if (pass->training)
        lam__augment_open(&pass->augment, options);
    own.whole_rows = pass->augment.any;
    lam_status status = choose_parts(pass, options, metric_list);
    if (status == LAM_OK)
        status = allocate(pass, &own, options->seed);
    if (status != LAM_OK)
        lam__pass_close(pass);
    return status;
}

void lam__pass_close(lam__pass *pass)
{
    lam__workspace_close(&pass->workspace);
    lam__release(pass->row_work);
    lam__release(pass->slab_loss);
    lam__release(pass->slab_states);
    lam__release(pass->labels);
    lam__release(pass->targets);
    *pass = (lam__pass){0};
}

/* What the samples are: a batch in the caller's memory does not say so itself. */
static const lam__input *image_of(const lam__pass *pass, const lam_dataset *dataset)
{
    return dataset->input.kind == LAM_INPUT_IMAGE ? &dataset->input : &pass->model->input;
}

lam_status lam__pass_accepts(const lam__pass *pass, const lam_dataset *dataset)
{
    if (dataset->features != pass->model->features)
        return lam__fail(LAM_ERR_SHAPE, "the data have %zu feature%s, the model takes %zu",
                         dataset->features, dataset->features == 1 ? "" : "s",
                         pass->model->features);
    LAM__TRY(lam__input_accepts(&pass->model->input, &dataset->input));
    if (pass->augment.images && image_of(pass, dataset)->kind != LAM_INPUT_IMAGE)
        return lam__fail(LAM_ERR_SHAPE,
                         "only images can be shifted, rotated, flipped and so on; the samples "
                         "are not known to be images");
    if (!dataset->labels && !dataset->targets)
        return lam__fail(LAM_ERR_SHAPE, "the data have no targets");
    size_t most = pass->outputs == 1 ? 2 : pass->outputs;
    if (dataset->labels && dataset->classes > most)
        return lam__fail(LAM_ERR_SHAPE, "the data have %zu classes, the model has %zu output%s",
                         dataset->classes, pass->outputs, pass->outputs == 1 ? "" : "s");
    if (dataset->labels && pass->outputs == 1 && pass->loss->takes_labels)
        return lam__fail(LAM_ERR_SHAPE,
                         "loss '%s' on class numbers needs an output for each class, the model "
                         "has 1: use sigmoid with binary_crossentropy, or %zu outputs with softmax",
                         pass->loss->name, dataset->classes < 2 ? 2 : dataset->classes);
    if (dataset->targets && dataset->outputs != pass->outputs)
        return lam__fail(LAM_ERR_SHAPE, "target rows have %zu values, the model has %zu outputs",
                         dataset->outputs, pass->outputs);
    return LAM_OK;
}

/* Brings labels and target rows of a slab to pass->labels and pass->targets. */
static void gather_targets(const lam__pass *pass, size_t first, size_t rows)
{
    const lam_dataset *dataset = pass->dataset;
    const size_t outputs = pass->outputs;
    for (size_t r = first; r < first + rows; r++) {
        size_t from = pass->index ? pass->index[r] : pass->first + r;
        float *target = pass->targets + r * outputs; /* [outputs] */
        if (dataset->targets) {
            memcpy(target, dataset->targets + from * outputs, outputs * sizeof *target);
            continue;
        }
        int32_t label = pass->labels[r] = dataset->labels[from];
        if (pass->loss->takes_labels)
            continue;
        if (outputs == 1) {
            target[0] = (float)label;
        } else {
            memset(target, 0, outputs * sizeof *target);
            target[label] = 1.0f;
        }
    }
}

static void update_metrics(const lam__pass *pass, size_t slab, size_t first, size_t rows)
{
    const lam__stage *last = lam__workspace_last(&pass->workspace);
    const bool classes = pass->dataset->labels != NULL;
    lam_metric_rows seen = {
        .rows = rows,
        .width = pass->outputs,
        .stride = last->ldy,
        .y = last->y + first * last->ldy,
        .classes = classes ? pass->labels + first : NULL,
        .targets = classes ? NULL : pass->targets + first * pass->outputs,
        .threshold = pass->threshold,
        .tolerance = pass->tolerance,
        .argmax = pass->argmax,
    };
    for (size_t i = 0; i < pass->metric_count; i++) {
        double *state = pass->slab_states[slab][i];
        memset(state, 0, LAM_METRIC_STATE * sizeof *state);
        pass->metrics[i]->update(&seen, state, pass->metrics[i]->user);
    }
}

/* The columns of one half, of the samples of a slab; the dataset can gather columns. */
static void gather_half(const lam__pass *pass, const lam__input_half *half, size_t first,
                        size_t rows)
{
    pass->dataset->ops->gather_columns(
        pass->dataset, pass->index ? pass->index + first : NULL, pass->first + first, rows,
        half->first, half->cols, &pass->model->transform, half->x + first * half->ldx, half->ldx);
}

/* Both halves of the samples of a slab, of any dataset. */
static void gather_halves(const lam__pass *pass, size_t slab, size_t first, size_t rows)
{
    const lam_dataset *dataset = pass->dataset;
    const lam__input_half *halves = pass->workspace.halves;
    if (dataset->ops->gather_columns) {
        for (int h = 0; h < 2; h++)
            gather_half(pass, &halves[h], first, rows);
        return;
    }
    float *row = pass->row_work + slab * dataset->features; /* [features] */
    for (size_t r = first; r < first + rows; r++) {
        dataset->ops->gather(dataset, pass->index ? pass->index + r : NULL, pass->first + r, 1,
                             &pass->model->transform, row, dataset->features);
        for (int h = 0; h < 2; h++)
            memcpy(halves[h].x + r * halves[h].ldx, row + halves[h].first,
                   halves[h].cols * sizeof *row);
    }
}

/* Brings the samples of a slab to workspace->x or its halves; changed at random, where that is
 * asked for. */
static void gather_samples(const lam__pass *pass, size_t slab, size_t first, size_t rows)
{
    static const lam__transform none = {.kind = LAM_TRANSFORM_NONE, .scale = 1.0f};
    const lam_dataset *dataset = pass->dataset;
    const lam__transform *transform = &pass->model->transform;
    const lam__workspace *workspace = &pass->workspace;
    const size_t features = dataset->features;
    const bool changed = pass->augment.any;
    if (workspace->plan.split) {
        gather_halves(pass, slab, first, rows);
        return;
    }
    dataset->ops->gather(dataset, pass->index ? pass->index + first : NULL, pass->first + first,
                         rows, changed ? &none : transform, workspace->x + first * workspace->ldx,
                         workspace->ldx);
    for (size_t r = first; changed && r < first + rows; r++) {
        const size_t sample = pass->index ? pass->index[r] : pass->first + r;
        const lam__input *image = image_of(pass, dataset);
        float *x = workspace->x + r * workspace->ldx, *work = pass->row_work + slab * features;
        lam__change change;
        lam__augment_draw(&pass->augment, image, pass->step, (uint32_t)sample, &change);
        lam__augment_apply(&pass->augment, image, features, dataset->dtype == LAM_UINT8, &change, x,
                           work);
        memcpy(work, x, features * sizeof *x);
        lam__transform_f32(transform, features, work, x);
    }
}

/* Whether the halves of the first layer are tasks of their own. */
static bool splits(const lam__pass *pass)
{
    return pass->workspace.plan.split && pass->workspace.sharing;
}

/* The task of gathering a slab by itself: both halves need rows that come whole. */
static void run_gather(void *context, size_t slab)
{
    const lam__pass *pass = context;
    gather_samples(pass, slab, slab * pass->cut.slab_rows, lam__slab_rows(&pass->cut, slab));
}

/* The task of a slab of one half; all slabs of one half come first. */
static void run_half(void *context, size_t task)
{
    const lam__pass *pass = context;
    const size_t slabs = pass->cut.slabs, h = task / slabs, slab = task % slabs;
    const size_t first = slab * pass->cut.slab_rows, rows = lam__slab_rows(&pass->cut, slab);
    const lam__input_half *half = &pass->workspace.halves[h];
    if (pass->dataset->ops->gather_columns)
        gather_half(pass, half, first, rows);
    lam__input_halves_multiply(&pass->workspace, pass->model->parameters, half, first, rows,
                               lam__half_is_handed_over(&pass->cut, h, slab));
}

/* Loss and metrics of a slab and, in training, what they give dL/dy of the last stage. */
static void compute_loss(lam__pass *pass, size_t slab)
{
    const lam__workspace *workspace = &pass->workspace;
    const float *parameters = pass->model->parameters;
    const size_t first = slab * pass->cut.slab_rows, rows = lam__slab_rows(&pass->cut, slab);
    const lam__stage *last = lam__workspace_last(workspace);
    const bool labels = pass->dataset->labels && pass->loss->takes_labels;
    lam__loss_args args = {
        .rows = rows,
        .cols = pass->outputs,
        .ld = last->ldy,
        .y = last->y + first * last->ldy,
        .bias = pass->fused ? parameters + last->layer->bias : NULL,
        .labels = labels ? pass->labels + first : NULL,
        .targets = labels ? NULL : pass->targets + first * pass->outputs,
        .scale = 1.0f / (float)pass->rows,
        .dy = pass->training ? last->dy + first * last->ldy : NULL,
    };
    pass->slab_loss[slab] = lam__compute_loss(pass->loss, pass->fused, &args);
    /* a loss of one's own, or one that is 0 for an infinite output, must not hide it */
    for (size_t r = 0; !pass->training && r < rows; r++)
        if (lam__first_not_finite(args.y + r * args.ld, pass->outputs) < pass->outputs)
            pass->slab_loss[slab] = NAN;
    update_metrics(pass, slab, first, rows);
}

/* The task of task_slabs slabs. */
static void run_slabs(void *context, size_t task)
{
    lam__pass *pass = context;
    const lam__workspace *workspace = &pass->workspace;
    const float *parameters = pass->model->parameters;
    const lam__batch_cut *cut = &pass->cut;
    const size_t slab = task * cut->task_slabs, first = slab * cut->slab_rows;
    const size_t most = cut->task_slabs * cut->slab_rows, left = pass->rows - first;
    const size_t rows = left < most ? left : most;

    if (!splits(pass))
        gather_samples(pass, slab, first, rows);
    gather_targets(pass, first, rows);
    lam__workspace_forward(workspace, parameters, first, rows, pass->fused, pass->step);
    for (size_t s = slab; s * cut->slab_rows < first + rows; s++)
        compute_loss(pass, s);
    if (pass->training)
        lam__workspace_backward(workspace, parameters, first, rows, pass->fused, pass->step);
}

void lam__pass_run(lam__pass *pass, lam__pool *pool, const lam_dataset *dataset,
                   const uint32_t *index, size_t first, size_t rows, uint64_t step)
{
    assert(rows >= 1 && rows <= pass->workspace.plan.request.batch);
    pass->dataset = dataset;
    pass->index = index;
    pass->first = first;
    pass->rows = rows;
    pass->step = step;
    pass->cut = lam__step_plan_cut(&pass->workspace.plan, rows, lam__pool_threads(pool));
    if (splits(pass)) {
        if (!dataset->ops->gather_columns)
            lam__pool_run(pool, pass->cut.slabs, run_gather, pass);
        lam__pool_run(pool, 2 * pass->cut.slabs, run_half, pass);
    }
    lam__pool_run(pool, pass->cut.tasks, run_slabs, pass);
}

void lam__pass_add(const lam__pass *pass, lam__metric_sums *tally)
{
    tally->samples += pass->rows;
    for (size_t s = 0; s < pass->cut.slabs; s++) {
        tally->loss += pass->slab_loss[s];
        for (size_t i = 0; i < pass->metric_count; i++)
            for (size_t k = 0; k < LAM_METRIC_STATE; k++)
                tally->states[i][k] += pass->slab_states[s][i][k];
    }
}

void lam__pass_scores(const lam__pass *pass, const lam__metric_sums *tally, lam_scores *scores)
{
    const double samples = (double)tally->samples;
    *scores = (lam_scores){.samples = tally->samples, .metrics = pass->metric_count};
    scores->data_loss = tally->loss / samples;
    scores->regularization_loss = tally->penalty / samples;
    scores->loss = scores->data_loss + scores->regularization_loss;
    for (size_t i = 0; i < pass->metric_count; i++) {
        scores->names[i] = pass->metric_names[i];
        scores->values[i] = pass->metrics[i]->result(tally->states[i], pass->metrics[i]->user);
    }
}

float lam__regression_tolerance(const lam_dataset *dataset, const uint32_t *index, size_t rows)
{
    if (!dataset->targets)
        return 0.0f;
    const double count = (double)rows * (double)dataset->outputs;
    double mean = 0.0, square = 0.0;
    for (int round = 0; round < 2; round++) {
        for (size_t r = 0; r < rows; r++) {
            const float *y = dataset->targets + (index ? index[r] : r) * dataset->outputs;
            for (size_t c = 0; c < dataset->outputs; c++) {
                if (round == 0)
                    mean += y[c] / count;
                else
                    square += (y[c] - mean) * (y[c] - mean) / count;
            }
        }
    }
    return (float)(sqrt(square) / 250.0);
}

lam_status lam__pass_uses(const lam__pass *pass, const lam_fit_options *options,
                          const lam_dataset *dataset)
{
    const lam_metric_rows kind = {
        .width = pass->outputs,
        .classes = dataset->labels,
        .targets = dataset->targets,
        .argmax = pass->argmax,
    };
    LAM__TRY(lam__check_penalty_options(options, pass->model));
    return lam__check_judging_options(options, pass->metrics, pass->metric_count, &kind);
}
