/* test_training_golden.c: 200 steps from the same start on the same batches as PyTorch.
 *
 * data/training.txt is made by make_training.py, which describes it. A loss may differ from
 * PyTorch's by 1e-4 of it, a parameter w by 1e-3 max(|w|, 0.1). Both compute in float32, with
 * roundings of their own; the runs were chosen so that these do not grow (make_training.py). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "golden.h"

#define LOSS_TOLERANCE 1e-4
#define PARAMETER_TOLERANCE 1e-3
#define PARAMETER_FLOOR 0.1
#define DENSE_LAYERS 3
#define MAX_BATCH 67

/* What all runs share. */
typedef struct setting {
    size_t samples, features, hidden_1, hidden_2, outputs, steps, parameters;
    float *x;        /* [samples][features] */
    float *classes;  /* [samples] */
    float *multihot; /* [samples][outputs] */
    float *real;     /* [samples][outputs] */
    float *start;    /* [parameters] */
} setting;

typedef struct run {
    char name[64], hidden[16], output[16], loss[32], targets[16], optimizer[16], scope[8];
    float rate, decay, momentum;
    size_t batch;
    float penalties[DENSE_LAYERS][4]; /* l1, l2, bias_l1, bias_l2 */
} run;

static void read_setting(golden *file, setting *s)
{
    s->samples = golden_size(file);
    s->features = golden_size(file);
    s->hidden_1 = golden_size(file);
    s->hidden_2 = golden_size(file);
    s->outputs = golden_size(file);
    s->steps = golden_size(file);
    s->parameters = (s->features + 1) * s->hidden_1 + (s->hidden_1 + 1) * s->hidden_2 +
                    (s->hidden_2 + 1) * s->outputs;
    s->x = golden_new_floats(file, s->samples * s->features);
    s->classes = golden_new_floats(file, s->samples);
    s->multihot = golden_new_floats(file, s->samples * s->outputs);
    s->real = golden_new_floats(file, s->samples * s->outputs);
    s->start = golden_new_floats(file, s->parameters);
}

static void free_setting(setting *s)
{
    free(s->x);
    free(s->classes);
    free(s->multihot);
    free(s->real);
    free(s->start);
}

/* Reads the head of a run; false at the end of the file. */
static bool read_run(golden *file, run *r)
{
    char word[16];
    if (!golden_word(file, word, sizeof word))
        return false;
    cr_assert_str_eq(word, "run");
    golden_text(file, r->name, sizeof r->name);
    golden_text(file, r->hidden, sizeof r->hidden);
    golden_text(file, r->output, sizeof r->output);
    golden_text(file, r->loss, sizeof r->loss);
    golden_text(file, r->targets, sizeof r->targets);
    golden_text(file, r->optimizer, sizeof r->optimizer);
    r->rate = (float)golden_number(file);
    r->decay = (float)golden_number(file);
    r->momentum = (float)golden_number(file);
    r->batch = golden_size(file);
    golden_expect(file, "penalty");
    golden_text(file, r->scope, sizeof r->scope);
    for (size_t i = 0; i < DENSE_LAYERS; i++)
        golden_floats(file, r->penalties[i], 4);
    return true;
}

static lam_model *build_model(const setting *s, const run *r)
{
    const size_t units[DENSE_LAYERS] = {s->hidden_1, s->hidden_2, s->outputs};
    lam_model *model = lam_model_new(s->features);
    if (strcmp(r->scope, "run") == 0) {
        char layers[128];
        snprintf(layers, sizeof layers, "%zu:%s,%zu:%s,%zu:%s", units[0], r->hidden, units[1],
                 r->hidden, units[2], r->output);
        lam_model_add_layers(model, layers);
    } else {
        for (size_t i = 0; i < DENSE_LAYERS; i++) {
            lam_dense_options layer = lam_dense_options_default();
            layer.units = units[i];
            layer.activation = i + 1 < DENSE_LAYERS ? r->hidden : r->output;
            layer.l1 = r->penalties[i][0];
            layer.l2 = r->penalties[i][1];
            layer.bias_l1 = r->penalties[i][2];
            layer.bias_l2 = r->penalties[i][3];
            lam_model_dense_with(model, &layer);
        }
    }
    cr_assert_eq(lam_model_set_parameters(model, s->start, s->parameters), LAM_OK, "%s: %s",
                 r->name, lam_error_message());
    return model;
}

static lam_trainer *build_trainer(lam_model *model, const run *r)
{
    lam_fit_options options = lam_fit_options_default();
    options.loss = r->loss;
    options.optimizer = r->optimizer;
    options.learning_rate = r->rate;
    options.decay = r->decay;
    options.momentum = r->momentum;
    options.batch_size = r->batch;
    if (strcmp(r->scope, "run") == 0) {
        options.l1 = r->penalties[0][0];
        options.l2 = r->penalties[0][1];
        options.bias_l1 = r->penalties[0][2];
        options.bias_l2 = r->penalties[0][3];
    } else { /* the layers have their own, which go before these */
        options.l1 = options.l2 = options.bias_l1 = options.bias_l2 = 0.5f;
    }
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s: %s", r->name, lam_error_message());
    return trainer;
}

/* The batch of a step, in the order that make_training.py describes. */
static void do_step(lam_trainer *trainer, const setting *s, const run *r, size_t step,
                    lam_scores *scores)
{
    static float x[MAX_BATCH * 16], targets[MAX_BATCH * 16];
    static int32_t classes[MAX_BATCH];
    const size_t per_epoch = (s->samples + r->batch - 1) / r->batch;
    const size_t epoch = step / per_epoch, first = step % per_epoch * r->batch;
    const size_t rows = s->samples - first < r->batch ? s->samples - first : r->batch;
    const bool numbers = strcmp(r->targets, "classes") == 0;
    const float *all = strcmp(r->targets, "real") == 0 ? s->real : s->multihot;
    cr_assert(rows <= MAX_BATCH && s->features <= 16 && s->outputs <= 16);
    for (size_t i = 0; i < rows; i++) {
        size_t from = ((first + i) * (epoch % (s->samples - 1) + 1) + epoch) % s->samples;
        memcpy(x + i * s->features, s->x + from * s->features, s->features * sizeof *x);
        memcpy(targets + i * s->outputs, all + from * s->outputs, s->outputs * sizeof *targets);
        classes[i] = (int32_t)s->classes[from];
    }
    lam_batch batch = {.rows = rows, .x = x};
    if (numbers)
        batch.classes = classes;
    else
        batch.targets = targets;
    cr_assert_eq(lam_trainer_step(trainer, &batch, scores), LAM_OK, "%s, step %zu: %s", r->name,
                 step, lam_error_message());
}

static void compare_loss(const run *r, size_t step, const char *what, double found, double expected)
{
    cr_expect(fabs(found - expected) <= LOSS_TOLERANCE * fabs(expected),
              "%s, step %zu, %s: %.9g, PyTorch has %.9g", r->name, step, what, found, expected);
}

static void compare_parameters(golden *file, const setting *s, const run *r, const lam_model *model)
{
    float *found = malloc(s->parameters * sizeof *found);
    golden_expect(file, "parameters");
    float *expected = golden_new_floats(file, s->parameters);
    cr_assert_eq(lam_model_get_parameters(model, found, s->parameters), LAM_OK);
    for (size_t i = 0; i < s->parameters; i++) {
        double scale = fmax(fabs((double)expected[i]), PARAMETER_FLOOR);
        cr_expect(fabs((double)found[i] - (double)expected[i]) <= PARAMETER_TOLERANCE * scale,
                  "%s, parameter %zu: %.9g, PyTorch has %.9g", r->name, i, (double)found[i],
                  (double)expected[i]);
    }
    free(expected);
    free(found);
}

/* Trains as a run did and compares. */
static void replay(golden *file, const setting *s, const run *r)
{
    lam_model *model = build_model(s, r);
    lam_trainer *trainer = build_trainer(model, r);
    golden_expect(file, "losses");
    const size_t recorded = golden_size(file);
    size_t step = 0;
    lam_scores scores;
    for (size_t i = 0; i < recorded; i++) {
        const size_t at = golden_size(file);
        for (; step <= at; step++)
            do_step(trainer, s, r, step, &scores);
        const double data_loss = golden_number(file), penalty = golden_number(file);
        compare_loss(r, at, "data loss", scores.data_loss, data_loss);
        compare_loss(r, at, "regularization loss", scores.regularization_loss, penalty);
        compare_loss(r, at, "loss", scores.loss, data_loss + penalty);
    }
    cr_assert_eq(step, s->steps, "%s: %zu steps recorded", r->name, step);
    cr_assert_eq(lam_trainer_steps(trainer), s->steps);
    lam_trainer_free(trainer);
    compare_parameters(file, s, r, model);
    lam_model_free(model);
}

/* Remembers that a combination was there. */
static void mark(const run *r, bool seen[5][3][4])
{
    static const char *const hidden[] = {"relu", "tanh", "sigmoid"};
    static const char *const loss[] = {"categorical_crossentropy", "binary_crossentropy",
                                       "mean_squared_error", "mean_absolute_error"};
    const bool adam = strcmp(r->optimizer, "adam") == 0;
    const size_t o = adam ? 3u + (r->decay > 0.0f)
                          : (r->decay > 0.0f      ? 2u
                             : r->momentum > 0.0f ? 1u
                                                  : 0u);
    for (size_t h = 0; h < 3; h++)
        for (size_t l = 0; l < 4; l++)
            if (strcmp(r->hidden, hidden[h]) == 0 && strcmp(r->loss, loss[l]) == 0)
                seen[o][h][l] = true;
}

Test(training_golden, as_pytorch)
{
    golden *file = golden_open("training.txt");
    bool seen[5][3][4] = {{{false}}};
    setting s;
    run r;
    read_setting(file, &s);
    while (read_run(file, &r)) {
        replay(file, &s, &r);
        mark(&r, seen);
    }
    for (size_t o = 0; o < 5; o++)
        for (size_t h = 0; h < 3; h++)
            for (size_t l = 0; l < 4; l++)
                cr_expect(seen[o][h][l], "no run with optimizer %zu, activation %zu, loss %zu", o,
                          h, l);
    free_setting(&s);
    golden_close(file);
}
