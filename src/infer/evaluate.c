/* evaluate.c: losses and metrics over any number of rows; lam_evaluate. */
#include "infer/evaluate.h"

#include <math.h>

#include "base/error.h"
#include "base/machine/denormals.h"
#include "options/fit_options.h"
#include "train/engine.h"
#include "train/not_finite.h"
#include "train/panels.h"
#include "train/targets.h"
#include "train/weight_update.h"

/* Why the figures of the latest batch are no numbers. */
static lam_status fail_not_finite(const lam__pass *pass, const lam_dataset *dataset,
                                  const uint32_t *index, size_t first, size_t rows)
{
    char bad[128];
    if (lam__find_bad_sample(pass, dataset, index, first, rows, bad, sizeof bad) ||
        lam__find_bad_output(pass, index, first, rows, bad, sizeof bad))
        return lam__fail(LAM_ERR_NUMERIC, "%s", bad);
    return lam__fail(LAM_ERR_NUMERIC, "the loss of samples is not finite");
}

lam_status lam__evaluate(lam__pass *pass, lam__pool *pool, const lam_dataset *dataset,
                         const uint32_t *index, size_t rows, double penalty, lam_scores *scores)
{
    const size_t batch = pass->workspace.plan.request.batch;
    lam__metric_sums tally = {0};
    const uint64_t mode = lam__denormals_flush();
    lam__workspace_refresh(&pass->workspace, pass->model, pool);
    lam_status status = LAM_OK;
    for (size_t first = 0; first < rows && status == LAM_OK; first += batch) {
        size_t count = rows - first < batch ? rows - first : batch;
        status = lam__source_prepare(dataset, index, rows, first, count);
        if (status != LAM_OK)
            break;
        lam__pass_run(pass, pool, dataset, index ? index + first : NULL, index ? 0 : first, count,
                      0);
        lam__pass_add(pass, &tally);
        status = lam__source_trouble(dataset);
        if (status == LAM_OK && !isfinite(tally.loss))
            status = fail_not_finite(pass, dataset, index ? index + first : NULL, index ? 0 : first,
                                     count);
    }
    lam__denormals_restore(mode);
    LAM__TRY(status);
    if (!isfinite(penalty))
        return lam__fail(LAM_ERR_NUMERIC, "the regularization loss is not finite");
    tally.penalty = penalty * (double)rows;
    lam__pass_scores(pass, &tally, scores);
    return LAM_OK;
}

static lam_status evaluate(const lam_model *model, const lam_dataset *dataset,
                           const lam_fit_options *options, lam__engine *engine, lam__pass *pass,
                           lam_scores *scores)
{
    const lam__layer *last = lam__last_dense(model);
    const char *metrics = options->metrics;
    if (!metrics)
        metrics = last->activation->decision == LAM__DECIDE_VALUE && !dataset->labels
                      ? "accuracy,mean_absolute_error"
                      : "accuracy,precision,recall";
    /* no buffers for rows that never come */
    const size_t batch =
        dataset->samples < options->batch_size ? dataset->samples : options->batch_size;
    const lam__step_request request = {
        .batch = batch, .rows = dataset->samples, .threads = options->threads};
    LAM__TRY(lam__pass_open(pass, model, options, metrics, &request));
    LAM__TRY(lam__engine_start(engine, &pass->workspace.plan));
    LAM__TRY(lam__pass_accepts(pass, dataset));
    LAM__TRY(lam__pass_uses(pass, options, dataset));
    LAM__TRY(lam__targets_fit(pass, dataset, NULL, dataset->samples));
    if (pass->tolerance == 0.0f)
        pass->tolerance = lam__regression_tolerance(dataset, NULL, dataset->samples);
    return lam__evaluate(pass, engine->pool, dataset, NULL, dataset->samples,
                         lam__penalty(model, options), scores);
}

lam_status lam_evaluate(const lam_model *model, const lam_dataset *dataset,
                        const lam_fit_options *options, lam_scores *scores)
{
    lam_fit_options own;
    if (!model || !dataset || !scores)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_evaluate: model, dataset or scores is NULL");
    LAM__TRY(lam__take_fit_options(&own, &options));
    LAM__TRY(lam_model_status(model));
    LAM__TRY(lam__check_fit_options(options));
    if (!model->parameters)
        return lam__fail(LAM_ERR_STATE, "the model has no parameters yet: train or load it first");
    lam__engine engine = {0};
    lam__pass pass = {0};
    lam_status status = evaluate(model, dataset, options, &engine, &pass, scores);
    lam__pass_close(&pass);
    lam__engine_stop(&engine);
    return status;
}
