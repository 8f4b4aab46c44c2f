/* fit_loop.c: the loop over epochs and batches, which can begin at any step of a run. */
#include "fit/epochs/fit_loop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/finite.h"
#include "base/machine/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/text/word_list.h"
#include "data/learn_input.h"
#include "data/order.h"
#include "infer/evaluate.h"
#include "nn/registry.h"
#include "options/fit_options.h"
#include "train/not_finite.h"
#include "train/targets.h"

void lam__fit_notify(lam__fit *run, lam_event *event)
{
    event->model = run->trainer->model;
    event->epochs = run->options->epochs;
    event->samples = run->row_count;
    event->progress = &run->epoch;
    for (size_t i = 0; i < run->callback_count; i++)
        if (run->callbacks[i]->on_event(event, run->callbacks[i]->user) == LAM_STOP)
            run->stopped = true;
}

static void tell(lam__fit *run, lam_event_kind kind, size_t batch, size_t batches)
{
    lam_event event = {.kind = kind, .batch = batch, .batches = batches};
    lam__fit_notify(run, &event);
}

static lam_status find_callbacks(lam__fit *run)
{
    if (run->options->callback) {
        if (!run->options->callback->on_event)
            return lam__fail(LAM_ERR_ARGUMENT, "the callback has no function");
        run->callbacks[run->callback_count++] = run->options->callback;
    }
    const char *list = run->options->callbacks;
    lam__word word = lam__optional_word_list(list);
    for (bool more = true;;) {
        LAM__TRY(lam__next_word(list, "callback", &word, &more));
        if (!more)
            break;
        if (run->callback_count == LAM__MOST_CALLBACKS)
            return lam__fail(LAM_ERR_ARGUMENT, "more than %d callbacks", (int)LAM__MOST_CALLBACKS);
        const lam_callback *callback = lam__find_callback(word.text);
        if (!callback)
            return lam_error_status();
        run->callbacks[run->callback_count++] = callback;
    }
    return LAM_OK;
}

static int compare_rows(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Divides the rows into those trained on and those held out, at random by the seed. */
static lam_status divide_rows(lam__fit *run)
{
    const size_t samples = run->data->samples;
    const double share = run->options->validation_split;
    if (samples > UINT32_MAX)
        return lam__fail(LAM_ERR_SHAPE, "%zu samples: at most %lu fit", samples,
                         (unsigned long)UINT32_MAX);
    run->rows = lam__allocate(samples, sizeof *run->rows, "rows");
    run->order = lam__allocate(samples, sizeof *run->order, "order of rows");
    if (!run->rows || !run->order)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < samples; i++)
        run->rows[i] = (uint32_t)i;
    run->row_count = samples;
    if (share > 0.0) {
        if (run->options->validation)
            return lam__fail(LAM_ERR_ARGUMENT, "validation_split and validation data exclude "
                                               "each other");
        run->held_out = (size_t)llround(share * (double)samples);
        if (run->held_out == 0 || run->held_out >= samples)
            return lam__fail(LAM_ERR_ARGUMENT,
                             "validation_split leaves %zu of %zu samples for validation: both "
                             "parts need at least one",
                             run->held_out, samples);
        lam__stream stream =
            lam__stream_open(lam__derive_key(run->options->seed, LAM__FOR_SPLIT, 0), 0);
        lam__permute(&stream, run->rows, samples);
        run->row_count = samples - run->held_out;
        /* without shuffling, training goes through the rows in their own order */
        qsort(run->rows, run->row_count, sizeof *run->rows, compare_rows);
        if (run->data->window > 0) /* to be read from front to back */
            qsort(run->rows + run->row_count, run->held_out, sizeof *run->rows, compare_rows);
    }
    return LAM_OK;
}

static lam_status prepare_validation(lam__fit *run)
{
    const lam_fit_options *options = run->options;
    run->validation = run->held_out ? run->data : options->validation;
    if (!run->validation)
        return LAM_OK;
    const size_t rows = run->held_out ? run->held_out : run->validation->samples;
    const size_t batch = options->batch_size < rows ? options->batch_size : rows;
    LAM__TRY(lam__pass_open(&run->judge, run->trainer->model, options,
                            options->metrics ? options->metrics : "accuracy",
                            &(lam__step_request){.batch = batch, .rows = rows, .threads = 1}));
    LAM__TRY(lam__pass_accepts(&run->judge, run->validation));
    run->judge.tolerance = run->trainer->pass.tolerance;
    return lam__targets_fit(&run->judge, run->validation,
                            run->held_out ? run->rows + run->row_count : NULL, rows);
}

static lam_status prepare_weights(lam__fit *run, const lam_model *model)
{
    const size_t floats = model->parameter_floats;
    run->weights_room = lam__allocate(floats, sizeof *run->weights_room, "weights to go back to");
    if (!run->weights_room)
        return LAM_ERR_MEMORY;
    run->epoch_weights = run->weights_room;
    run->next_weights = run->trainer->weights.gradients; /* steps that update have no use for it */
    memset(run->next_weights, 0, floats * sizeof *run->next_weights); /* what no tensor has */
    run->weights_of = model->changes - 1;                             /* not taken yet */
    return LAM_OK;
}

static lam_status prepare(lam__fit *run, lam_model *model)
{
    run->epochs_before = model->parameters ? model->epochs_done : 0;
    LAM__TRY(find_callbacks(run));
    LAM__TRY(divide_rows(run));
    lam_fit_options options = *run->options;
    if (options.batch_size > run->row_count)
        options.batch_size = run->row_count; /* buffers for rows that never come */
    run->trainer = lam_trainer_new(model, &options);
    if (!run->trainer)
        return lam_error_status();
    lam__pass *pass = &run->trainer->pass;
    LAM__TRY(lam__pass_accepts(pass, run->data));
    LAM__TRY(lam__pass_uses(pass, run->options, run->data));
    LAM__TRY(lam__targets_fit(pass, run->data, run->rows, run->row_count));
    LAM__TRY(prepare_weights(run, model));
    if (pass->tolerance == 0.0f)
        pass->tolerance = lam__regression_tolerance(run->data, run->rows, run->row_count);
    LAM__TRY(prepare_validation(run));
    LAM__TRY(lam__model_learn_input(model, run->data));
    LAM__TRY(lam__early_stopping_open(&run->early, run->options, pass, run->validation != NULL));
    run->history = lam__history_new(run->options->epochs);
    if (!run->history)
        return LAM_ERR_MEMORY;
    return run->checkpointer ? run->checkpointer->begin(run->checkpointer, run) : LAM_OK;
}

/* Whether the batch at hand, or samples in memory before it, explain a loss that is not finite. */
static bool find_cause(const lam__fit *run, char *text, size_t size)
{
    const lam__pass *pass = &run->trainer->pass;
    if (lam__find_bad_sample(pass, run->data, pass->index, pass->first, pass->rows, text, size))
        return true;
    return run->data->x &&
           lam__find_bad_sample(pass, run->data, run->rows, 0, run->row_count, text, size);
}

static lam_status fail_not_finite(const lam__fit *run, size_t batch, size_t batches)
{
    char rate[32], cause[128];
    if (find_cause(run, cause, sizeof cause))
        return lam__fail(LAM_ERR_NUMERIC,
                         "the loss stopped being finite in epoch %zu, batch %zu of %zu: %s",
                         run->epoch.epoch, batch, batches, cause);
    return lam__fail(LAM_ERR_NUMERIC,
                     "the loss stopped being finite in epoch %zu, batch %zu of %zu (learning "
                     "rate %s): a smaller learning rate or scaled input may help",
                     run->epoch.epoch, batch, batches,
                     lam__format_float((float)run->epoch.learning_rate, rate, sizeof rate));
}

size_t lam__fit_batches(const lam__fit *run)
{
    const size_t batch = run->trainer->pass.workspace.plan.request.batch;
    return (run->row_count + batch - 1) / batch;
}

/* The batches that are left of the epoch at hand. */
static lam_status run_batches(lam__fit *run)
{
    lam_trainer *trainer = run->trainer;
    lam__fit_position *place = &run->place;
    const size_t batch = trainer->pass.workspace.plan.request.batch,
                 batches = lam__fit_batches(run);
    while (place->batch < batches && !run->stopped) {
        const size_t first = place->batch * batch, left = run->row_count - first;
        run->epoch.learning_rate = lam_trainer_learning_rate(trainer);
        trainer->weights.copy = place->batch + 1 == batches ? run->next_weights : NULL;
        const lam_status status =
            lam__trainer_step(trainer, run->data, run->order, run->row_count, first,
                              left < batch ? left : batch, true, &place->tally);
        trainer->weights.copy = NULL;
        LAM__TRY(status);
        run->next_of = trainer->model->changes;
        place->batch++;
        if (!isfinite(place->tally.loss) || !isfinite(place->tally.penalty))
            return fail_not_finite(run, place->batch, batches);
        if (run->callback_count) {
            lam__pass_scores(&trainer->pass, &place->tally, &run->epoch.train);
            tell(run, LAM_EVENT_BATCH_END, place->batch, batches);
        }
        /* after the last batch the place is the beginning of the next epoch */
        if (run->checkpointer && place->batch < batches)
            run->checkpointer->step(run->checkpointer, run);
    }
    lam__pass_scores(&trainer->pass, &place->tally, &run->epoch.train);
    return LAM_OK;
}

static lam_status validate(lam__fit *run)
{
    const uint32_t *index = run->held_out ? run->rows + run->row_count : NULL;
    const lam_status status =
        lam__evaluate(&run->judge, run->trainer->engine.pool, run->validation, index,
                      run->held_out ? run->held_out : run->validation->samples,
                      lam__penalty(run->trainer->model, run->options), &run->epoch.validation);
    if (status == LAM_ERR_NUMERIC) {
        char reason[LAM__MESSAGE_SIZE / 2];
        snprintf(reason, sizeof reason, "%s", lam_error_message());
        return lam__fail(status, "validation after epoch %zu: %s", run->epoch.epoch, reason);
    }
    LAM__TRY(status);
    run->epoch.has_validation = true;
    return LAM_OK;
}

/* Draws the order of the epoch at hand. */
static lam_status begin_epoch(lam__fit *run)
{
    const lam__fit_position *place = &run->place;
    run->started = lam__now();
    run->epoch = (lam_epoch){.epoch = place->epoch + 1};
    run->epoch.learning_rate = lam_trainer_learning_rate(run->trainer);
    if (place->batch > 0)
        lam__pass_scores(&run->trainer->pass, &place->tally, &run->epoch.train);
    lam__order_rows(run->data, run->rows, run->row_count, run->options->shuffle, run->options->seed,
                    run->epochs_before + place->epoch, run->order);
    return run->checkpointer ? run->checkpointer->epoch(run->checkpointer, run) : LAM_OK;
}

/* The figures of an epoch, whole or ended by a callback. */
static lam_status end_epoch(lam__fit *run)
{
    lam__fit_position *place = &run->place;
    const bool whole = place->batch == lam__fit_batches(run);
    const lam_model *model = run->trainer->model;
    const size_t floats = model->parameter_floats;
    /* the last update can leave what no loss has shown yet; that of a whole epoch has looked */
    if (whole ? run->trainer->weights.not_finite
              : lam__first_not_finite(model->parameters, floats) < floats)
        return fail_not_finite(run, place->batch, lam__fit_batches(run));
    if (run->validation)
        LAM__TRY(validate(run));
    run->epoch.seconds = place->seconds + lam__now() - run->started;
    LAM__TRY(lam__history_add(run->history, &run->epoch));
    if (whole) { /* else the run goes on, if ever, in the middle of this epoch */
        lam__early_stopping_update(&run->early, run->trainer->model, &run->epoch);
        *place = (lam__fit_position){.epoch = place->epoch + 1};
        if (run->checkpointer)
            run->checkpointer->step(run->checkpointer, run);
    }
    tell(run, LAM_EVENT_EPOCH_END, 0, 0);
    return LAM_OK;
}

/* Takes a copy of the weights before an epoch, unless the last step before it has left one and
 * nothing can have changed them since. */
static void keep_weights(lam__fit *run)
{
    const lam_model *model = run->trainer->model;
    if (run->weights_of == model->changes && !model->viewed)
        return;
    memcpy(run->epoch_weights, model->parameters, model->parameter_floats * sizeof(float));
    run->weights_of = model->changes;
}

/* After a whole epoch. */
static void swap_weights(lam__fit *run)
{
    float *former = run->epoch_weights;
    run->epoch_weights = run->next_weights;
    run->weights_of = run->next_of;
    run->next_weights = former;
}

/* The batches and figures of the epoch at hand. If it fails, it has not been. */
static lam_status run_epoch(lam__fit *run)
{
    lam_model *model = run->trainer->model;
    const size_t bytes = model->parameter_floats * sizeof *model->parameters;
    const size_t epoch = run->place.epoch;
    const lam__loss *loss = model->loss;
    const uint64_t steps = model->steps_done;
    const char *loss_name = model->loss_name;
    keep_weights(run);
    lam_status status = run_batches(run);
    if (status == LAM_OK)
        status = end_epoch(run);
    if (status == LAM_OK) {
        if (run->place.epoch > epoch)
            swap_weights(run);
        return LAM_OK;
    }
    memcpy(model->parameters, run->epoch_weights, bytes);
    model->changes++;
    model->loss = loss;
    model->loss_name = loss_name;
    model->steps_done = steps;
    run->place.batch = 0;
    lam__model_drop_moments(model);
    run->trainer->leaves_moments = false;
    return status;
}

static lam_status run_epochs(lam__fit *run)
{
    if (run->checkpointer)
        run->checkpointer->announce(run->checkpointer, run);
    while (run->place.epoch < run->options->epochs && !run->stopped &&
           !lam__early_stopping_is_over(&run->early)) {
        LAM__TRY(begin_epoch(run));
        tell(run, LAM_EVENT_EPOCH_BEGIN, run->place.batch, lam__fit_batches(run));
        if (run->stopped)
            break;
        LAM__TRY(run_epoch(run));
    }
    return run->checkpointer ? run->checkpointer->end(run->checkpointer, run) : LAM_OK;
}

/* The epochs between the two events that always come in a pair: a callback may hold resources from
 * the one to the other. */
static lam_status run_training(lam__fit *run)
{
    tell(run, LAM_EVENT_TRAIN_BEGIN, 0, 0);
    const lam_status status = run_epochs(run);
    lam__early_stopping_finish(&run->early, run->trainer->model);
    run->history->best = run->early.best_epoch;
    char reason[LAM__MESSAGE_SIZE];
    strcpy(reason, status == LAM_OK ? "" : lam_error_message());
    tell(run, LAM_EVENT_TRAIN_END, 0, 0);
    /* whatever the callbacks came across, this is why training failed */
    return status == LAM_OK ? LAM_OK : lam__fail(status, "%s", reason);
}

lam_status lam__fit_model(lam_model *model, const lam_dataset *train,
                          const lam_fit_options *options, lam__checkpointer *checkpointer,
                          lam_history **history)
{
    lam__fit run = {.options = options, .data = train, .checkpointer = checkpointer};
    lam_status status = prepare(&run, model);
    if (status == LAM_OK)
        status = run_training(&run);
    if (run.trainer) /* an epoch that was broken off counts: the next one has another order */
        model->epochs_done = run.epochs_before + run.place.epoch + (run.place.batch > 0);
    lam_trainer_free(run.trainer);
    lam__pass_close(&run.judge);
    lam__early_stopping_close(&run.early);
    lam__release(run.rows);
    lam__release(run.order);
    lam__release(run.weights_room);
    if (history)
        *history = run.history;
    else
        lam_history_free(run.history);
    return status;
}
