/* test_layer_norm_golden.c: 200 steps through layer normalization as PyTorch takes them.
 *
 * data/layer_norm.txt is made by make_layer_norm.py, which describes it; tolerances are those of
 * test_training_golden.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "golden.h"

#define LOSS_TOLERANCE 1e-4
#define PARAMETER_TOLERANCE 1e-3
#define PARAMETER_FLOOR 0.1
#define MAX_BATCH 16
#define MAX_WIDTH 16

typedef struct setting {
    size_t samples, features, outputs, steps, batch;
    float *x, *classes, *real; /* [samples][features], [samples], [samples][outputs] */
} setting;

typedef struct run {
    char name[64], targets[16];
    lam_model *model;
    lam_trainer *trainer;
    size_t parameters;
} run;

/* Reads the head of a run and sets it up; false at the end of the file. */
static bool open_run(golden *file, const setting *s, run *r)
{
    char word[16], layers[120], loss[32], optimizer[16];
    if (!golden_word(file, word, sizeof word))
        return false;
    cr_assert_str_eq(word, "run");
    golden_text(file, r->name, sizeof r->name);
    golden_text(file, layers, sizeof layers);
    golden_text(file, loss, sizeof loss);
    golden_text(file, r->targets, sizeof r->targets);
    golden_text(file, optimizer, sizeof optimizer);
    lam_fit_options options = lam_fit_options_default();
    options.loss = loss;
    options.optimizer = optimizer;
    options.learning_rate = (float)golden_number(file);
    options.decay = (float)golden_number(file);
    options.momentum = (float)golden_number(file);
    options.batch_size = s->batch;
    golden_expect(file, "start");
    r->parameters = golden_size(file);
    float *start = golden_new_floats(file, r->parameters);
    r->model = lam_model_new(s->features);
    lam_model_add_layers(r->model, layers);
    cr_assert_eq(lam_model_set_parameters(r->model, start, r->parameters), LAM_OK, "%s: %s",
                 r->name, lam_error_message());
    free(start);
    r->trainer = lam_trainer_new(r->model, &options);
    cr_assert_not_null(r->trainer, "%s: %s", r->name, lam_error_message());
    return true;
}

/* The batch of a step, in the order that make_training.py describes. */
static void do_step(const setting *s, const run *r, size_t step, lam_scores *scores)
{
    static float x[MAX_BATCH * MAX_WIDTH], targets[MAX_BATCH * MAX_WIDTH];
    static int32_t classes[MAX_BATCH];
    const size_t per_epoch = (s->samples + s->batch - 1) / s->batch;
    const size_t epoch = step / per_epoch, first = step % per_epoch * s->batch;
    const size_t rows = s->samples - first < s->batch ? s->samples - first : s->batch;
    cr_assert(rows <= MAX_BATCH && s->features <= MAX_WIDTH && s->outputs <= MAX_WIDTH);
    for (size_t i = 0; i < rows; i++) {
        size_t from = ((first + i) * (epoch % (s->samples - 1) + 1) + epoch) % s->samples;
        memcpy(x + i * s->features, s->x + from * s->features, s->features * sizeof *x);
        memcpy(targets + i * s->outputs, s->real + from * s->outputs, s->outputs * sizeof *x);
        classes[i] = (int32_t)s->classes[from];
    }
    lam_batch batch = {.rows = rows, .x = x};
    if (strcmp(r->targets, "classes") == 0)
        batch.classes = classes;
    else
        batch.targets = targets;
    cr_assert_eq(lam_trainer_step(r->trainer, &batch, scores), LAM_OK, "%s, step %zu: %s", r->name,
                 step, lam_error_message());
}

static void replay(golden *file, const setting *s, run *r)
{
    golden_expect(file, "losses");
    const size_t recorded = golden_size(file);
    size_t step = 0;
    lam_scores scores;
    for (size_t i = 0; i < recorded; i++) {
        const size_t at = golden_size(file);
        for (; step <= at; step++)
            do_step(s, r, step, &scores);
        const double loss = golden_number(file);
        cr_expect(fabs(scores.data_loss - loss) <= LOSS_TOLERANCE * fabs(loss),
                  "%s, step %zu: loss %.9g, PyTorch has %.9g", r->name, at, scores.data_loss, loss);
    }
    cr_assert_eq(step, s->steps);
    golden_expect(file, "parameters");
    float *expected = golden_new_floats(file, r->parameters);
    float *found = malloc(r->parameters * sizeof *found);
    cr_assert_eq(lam_model_get_parameters(r->model, found, r->parameters), LAM_OK);
    for (size_t i = 0; i < r->parameters; i++) {
        const double scale = fmax(fabs((double)expected[i]), PARAMETER_FLOOR);
        cr_expect(fabs((double)found[i] - (double)expected[i]) <= PARAMETER_TOLERANCE * scale,
                  "%s, parameter %zu: %.9g, PyTorch has %.9g", r->name, i, (double)found[i],
                  (double)expected[i]);
    }
    free(found);
    free(expected);
    lam_trainer_free(r->trainer);
    lam_model_free(r->model);
}

Test(layer_norm_golden, as_pytorch)
{
    golden *file = golden_open("layer_norm.txt");
    setting s = {.samples = golden_size(file)};
    s.features = golden_size(file);
    s.outputs = golden_size(file);
    s.steps = golden_size(file);
    s.batch = golden_size(file);
    s.x = golden_new_floats(file, s.samples * s.features);
    s.classes = golden_new_floats(file, s.samples);
    s.real = golden_new_floats(file, s.samples * s.outputs);
    size_t runs = 0;
    for (run r; open_run(file, &s, &r); runs++)
        replay(file, &s, &r);
    cr_expect_eq(runs, 6);
    free(s.x);
    free(s.classes);
    free(s.real);
    golden_close(file);
}
