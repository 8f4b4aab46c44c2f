/* test_resume.c: a run that was stopped and resumed ends as one that never was: the model's file to
 * the byte, the history to the bit, whatever stopped it and with any number of threads. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"

enum { EPOCHS = 4 };

typedef struct setup {
    const char *name, *layers, *loss, *metrics;
    bool regression;
    size_t samples, batch;
    float momentum, decay, l1, l2;
    double validation_split;
    size_t patience;
    bool shuffle;
} setup;

static const setup setups[] = {
    {"dropout, decay and both penalties", "40:relu,dropout:0.2,40:tanh,3:softmax", NULL,
     "accuracy,precision,recall", false, 301, 32, 0.9f, 1e-3f, 1e-5f, 1e-4f, 0.2, 0, true},
    {"work for several threads", "300:relu,dropout:0.1,200:sigmoid,3:softmax", NULL, NULL, false,
     700, 128, 0.0f, 0.0f, 0.0f, 0.0f, 0.0, 0, true},
    {"early stopping", "24:tanh,dropout:0.1,3:softmax", "mean_squared_error", "", false, 200, 16,
     0.5f, 1e-2f, 0.0f, 1e-4f, 0.3, 2, true},
    {"regression in the order of the data", "32:relu,1:linear", NULL, "accuracy,mean_squared_error",
     true, 333, 50, 0.0f, 1e-4f, 0.0f, 0.0f, 0.25, 0, false},
};

/* Ends a run after so many batches of it, and counts. */
typedef struct stopper {
    size_t batches, after, resumed, kept, failed;
} stopper;

static lam_signal on_event(const lam_event *event, void *user)
{
    stopper *s = user;
    s->resumed += event->kind == LAM_EVENT_RESUME && event->status == LAM_OK;
    s->kept += event->kind == LAM_EVENT_CHECKPOINT && event->status == LAM_OK;
    s->failed += event->kind >= LAM_EVENT_RESUME && event->status != LAM_OK;
    return event->kind == LAM_EVENT_BATCH_END && ++s->batches == s->after ? LAM_STOP : LAM_CONTINUE;
}

static lam_dataset *make_data(const setup *s)
{
    return s->regression ? lam_dataset_sine(s->samples) : lam_dataset_spiral(s->samples, 3, 1);
}

static lam_fit_options make_options(const setup *s, const char *optimizer, size_t threads)
{
    lam_fit_options options = lam_fit_options_default();
    options.loss = s->loss;
    options.optimizer = optimizer;
    options.metrics = s->metrics;
    options.learning_rate = 0.01f;
    options.momentum = strcmp(optimizer, "sgd") == 0 ? s->momentum : 0.0f;
    options.decay = s->decay;
    options.l1 = s->l1;
    options.l2 = s->l2;
    options.batch_size = s->batch;
    options.validation_split = s->validation_split;
    options.patience = s->patience;
    options.shuffle = s->shuffle;
    options.epochs = EPOCHS;
    options.threads = threads;
    return options;
}

/* Trains and saves to `file`. */
static lam_history *train(const setup *s, lam_fit_options options, stopper *stop, const char *file)
{
    lam_dataset *data = make_data(s);
    lam_model *model = lam_model_new(lam_dataset_features(data));
    const lam_callback callback = {on_event, stop};
    lam_history *history = NULL;
    cr_assert_eq(lam_model_standardize_input(model, data), LAM_OK);
    cr_assert_eq(lam_model_add_layers(model, s->layers), LAM_OK);
    options.callback = &callback;
    cr_assert_eq(lam_fit(model, data, &options, &history), LAM_OK, "%s: %s", s->name,
                 lam_error_message());
    cr_assert_eq(lam_model_save(model, file), LAM_OK, "%s", lam_error_message());
    lam_model_free(model);
    lam_dataset_free(data);
    return history;
}

static void expect_same_files(const char *a, const char *b, const char *label)
{
    size_t sizes[2];
    unsigned char *bytes[2] = {scratch_read(a, &sizes[0]), scratch_read(b, &sizes[1])};
    cr_assert(bytes[0] && bytes[1]);
    cr_expect(sizes[0] == sizes[1] && memcmp(bytes[0], bytes[1], sizes[0]) == 0,
              "%s: the files differ", label);
    free(bytes[0]);
    free(bytes[1]);
}

static void expect_same_scores(const lam_scores *a, const lam_scores *b, const char *label)
{
    cr_expect_eq(a->samples, b->samples, "%s", label);
    cr_expect(memcmp(&a->loss, &b->loss, 3 * sizeof a->loss) == 0, "%s: %.17g, %.17g", label,
              a->loss, b->loss);
    cr_expect_eq(a->metrics, b->metrics);
    cr_expect(memcmp(a->values, b->values, a->metrics * sizeof *a->values) == 0, "%s: metrics",
              label);
    cr_expect(memcmp(a->names, b->names, a->metrics * sizeof *a->names) == 0, "%s: names", label);
}

static void expect_same_histories(const lam_history *a, const lam_history *b, const char *label)
{
    cr_assert_eq(lam_history_epochs(a), lam_history_epochs(b), "%s: %zu and %zu epochs", label,
                 lam_history_epochs(a), lam_history_epochs(b));
    cr_expect_eq(lam_history_best(a), lam_history_best(b), "%s", label);
    for (size_t i = 0; i < lam_history_epochs(a); i++) {
        const lam_epoch *x = lam_history_epoch(a, i), *y = lam_history_epoch(b, i);
        cr_expect_eq(x->epoch, y->epoch, "%s", label);
        cr_expect_eq(x->learning_rate, y->learning_rate, "%s", label);
        cr_expect_eq(x->has_validation, y->has_validation, "%s", label);
        expect_same_scores(&x->train, &y->train, label);
        expect_same_scores(&x->validation, &y->validation, label);
    }
}

/* Stopped every `after` batches and resumed until it is done, with 1, 2, 3, 1 ... threads. */
static size_t check_stops(const setup *s, const char *optimizer, size_t after,
                          const lam_history *whole, const char *folder)
{
    char whole_file[512], file[512], checkpoints[512], label[256];
    lam_history *history = NULL;
    size_t parts = 0;
    snprintf(label, sizeof label, "%s, %s, every %zu batches", s->name, optimizer, after);
    scratch_path(folder, "whole", whole_file);
    scratch_path(folder, "parts", file);
    scratch_path(folder, "checkpoints", checkpoints);
    for (bool stopped = true; stopped; parts++) {
        stopper stop = {.after = after};
        lam_fit_options options = make_options(s, optimizer, 1 + parts % 3);
        options.checkpoint = checkpoints;
        options.checkpoint_every = parts % 2 ? "3 steps" : "1 epoch";
        options.keep = 1 + parts % 2;
        options.resume = true;
        lam_history_free(history);
        history = train(s, options, &stop, file);
        cr_expect_eq(stop.resumed, parts > 0, "%s", label);
        cr_expect_eq(stop.failed, 0, "%s", label);
        stopped = stop.batches == after;
    }
    expect_same_files(whole_file, file, label);
    expect_same_histories(whole, history, label);
    lam_history_free(history);
    scratch_remove(checkpoints);
    return parts;
}

Test(resume, every_optimizer_and_schedule, .timeout = 300)
{
    static const size_t stops[] = {2, 7, 11, 1000};
    char folder[256], file[512];
    size_t resumed = 0;
    scratch_make(folder);
    for (size_t i = 0; i < lam_catalog_size(LAM_OPTIMIZER); i++)
        for (size_t k = 0; k < sizeof setups / sizeof *setups; k++) {
            lam_catalog_entry optimizer;
            cr_assert_eq(lam_catalog(LAM_OPTIMIZER, i, &optimizer), LAM_OK);
            stopper never = {0};
            const lam_fit_options options = make_options(&setups[k], optimizer.name, 1);
            lam_history *whole =
                train(&setups[k], options, &never, scratch_path(folder, "whole", file));
            for (size_t n = 0; n < sizeof stops / sizeof *stops; n++)
                resumed += check_stops(&setups[k], optimizer.name, stops[n], whole, folder) - 1;
            lam_history_free(whole);
        }
    printf("%zu runs resumed, each as if never stopped\n", resumed);
    scratch_remove(folder);
}

/* N epochs, then 2N asked for. */
Test(resume, more_epochs)
{
    char folder[256], whole_file[512], file[512], checkpoints[512];
    const setup *s = &setups[0];
    scratch_make(folder);
    scratch_path(folder, "whole", whole_file);
    scratch_path(folder, "parts", file);
    scratch_path(folder, "checkpoints", checkpoints);
    stopper stop = {0};
    lam_history *whole = train(s, make_options(s, "adam", 1), &stop, whole_file), *history = NULL;
    for (size_t epochs = EPOCHS / 2; epochs <= EPOCHS; epochs += EPOCHS / 2) {
        lam_fit_options options = make_options(s, "adam", 2);
        options.epochs = epochs;
        options.checkpoint = checkpoints;
        options.resume = true;
        lam_history_free(history);
        history = train(s, options, &stop, file);
    }
    expect_same_files(whole_file, file, "more epochs");
    expect_same_histories(whole, history, "more epochs");
    lam_history_free(history);
    lam_history_free(whole);
    scratch_remove(folder);
}

/* A loop of one's own: saved to a file and to memory after any step. */
static void check_own_loop(const char *optimizer, size_t at, bool memory, const char *folder)
{
    enum { STEPS = 12, ROWS = 40, SAMPLES = 300 };
    char files[2][512], state[512];
    uint32_t order[SAMPLES];
    const setup *s = &setups[0];
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    for (size_t i = 0; i < SAMPLES; i++)
        order[i] = (uint32_t)(i * 7 % SAMPLES);
    scratch_path(folder, "state", state);
    for (int parts = 0; parts < 2; parts++) {
        lam_fit_options options = make_options(s, optimizer, 1 + (size_t)parts);
        options.batch_size = ROWS;
        lam_model *model = lam_model_new(2);
        cr_assert_eq(lam_model_add_layers(model, s->layers), LAM_OK);
        lam_trainer *trainer = lam_trainer_new(model, &options);
        cr_assert(trainer, "%s", lam_error_message());
        for (size_t step = 0; step < STEPS; step++) {
            if (parts && step == at) { /* all goes, but for the checkpoint */
                size_t size = 0;
                unsigned char *bytes = NULL;
                cr_assert_eq(lam_trainer_set_learning_rate(trainer, 0.02), LAM_OK);
                if (memory) {
                    cr_assert_eq(lam_trainer_save_memory(trainer, NULL, 0, &size), LAM_OK);
                    bytes = malloc(size);
                    cr_assert_eq(lam_trainer_save_memory(trainer, bytes, size - 1, &size),
                                 LAM_ERR_ARGUMENT);
                    cr_assert_eq(lam_trainer_save_memory(trainer, bytes, size, &size), LAM_OK);
                } else {
                    cr_assert_eq(lam_trainer_save(trainer, state), LAM_OK);
                }
                lam_trainer_free(trainer);
                lam_model_free(model);
                model = lam_model_new(2);
                cr_assert_eq(lam_model_add_layers(model, s->layers), LAM_OK);
                trainer = lam_trainer_new(model, &options);
                cr_assert_eq(memory ? lam_trainer_restore_memory(trainer, bytes, size)
                                    : lam_trainer_restore(trainer, state),
                             LAM_OK, "%s", lam_error_message());
                cr_assert_eq(lam_trainer_steps(trainer), at);
                free(bytes);
            }
            if (!parts && step == at)
                cr_assert_eq(lam_trainer_set_learning_rate(trainer, 0.02), LAM_OK);
            cr_assert_eq(
                lam_trainer_step_rows(trainer, data, order + step * ROWS % 240, ROWS, NULL),
                LAM_OK);
        }
        scratch_path(folder, parts ? "b" : "a", files[parts]);
        cr_assert_eq(lam_model_save(model, files[parts]), LAM_OK);
        lam_trainer_free(trainer);
        lam_model_free(model);
    }
    lam_dataset_free(data);
    expect_same_files(files[0], files[1], optimizer);
}

Test(resume, own_loop)
{
    char folder[256];
    scratch_make(folder);
    for (size_t i = 0; i < lam_catalog_size(LAM_OPTIMIZER); i++)
        for (size_t at = 0; at < 12; at += 1 + at)
            for (int memory = 0; memory < 2; memory++) {
                lam_catalog_entry optimizer;
                cr_assert_eq(lam_catalog(LAM_OPTIMIZER, i, &optimizer), LAM_OK);
                check_own_loop(optimizer.name, at, memory, folder);
            }
    scratch_remove(folder);
}
