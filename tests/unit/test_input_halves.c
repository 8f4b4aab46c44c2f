/* test_input_halves.c: the first layer in two halves, against sums in double, with any number of
 * threads, from any dataset; and who takes which task. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "kernels/products.h"
#include "train/task_assignment.h"
#include "train/trainer_inside.h"

enum { IN = 301, OUT = 4, SAMPLES = 700, BATCH = 600 };

static uint8_t pixels[SAMPLES][IN];
static float targets[SAMPLES][OUT];

static void fill(void)
{
    uint32_t state = 7;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (size_t j = 0; j < IN; j++) {
            state = state * 1664525u + 1013904223u;
            pixels[i][j] = (uint8_t)(state >> 24);
        }
        for (size_t j = 0; j < OUT; j++)
            targets[i][j] = (float)pixels[i][j] / 64.0f - (float)pixels[i][IN - 1 - j] / 128.0f;
    }
}

TestSuite(split, .init = fill);

static int read_pixels(size_t first, size_t rows, void *x, int32_t *classes, float *to, void *user)
{
    (void)classes;
    (void)user;
    if (x)
        memcpy(x, pixels[first], rows * sizeof pixels[0]);
    if (to)
        memcpy(to, targets[first], rows * sizeof targets[0]);
    return 0;
}

/* The samples in memory, or from a source that gives whole rows. */
static lam_dataset *open_data(bool stream)
{
    const lam_source source = {.samples = SAMPLES,
                               .features = IN,
                               .dtype = LAM_UINT8,
                               .outputs = OUT,
                               .read = read_pixels};
    lam_dataset *data = stream ? lam_dataset_from_source(&source)
                               : lam_dataset_new(pixels, LAM_UINT8, SAMPLES, IN, LAM_BORROW);
    cr_assert_not_null(data, "%s", lam_error_message());
    if (!stream)
        cr_assert_eq(lam_dataset_set_targets(data, targets[0], OUT), LAM_OK);
    return data;
}

static lam_trainer *open_trainer(const lam_dataset *data, const char *layers, size_t batch,
                                 bool standardize, size_t threads)
{
    lam_model *model = lam_model_new(IN);
    lam_model_add_layers(model, layers);
    if (standardize)
        lam_model_standardize_input(model, data);
    else
        lam_model_scale_input(model, 0, 255, -1, 1);
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = batch;
    options.threads = threads;
    options.metrics = "";
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    cr_assert_eq(trainer->pass.workspace.plan.split, lam__products_chosen() != NULL);
    return trainer;
}

static void close_trainer(lam_trainer *trainer)
{
    lam_model *model = trainer->model;
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* Y = X W + b, L = the mean of (Y - T)^2, dL/dW = X^T 2 (Y - T) / (rows * OUT), in double. */
static void check_linear(const lam_trainer *trainer, size_t rows, const float *w, const float *b)
{
    static double slopes[BATCH][OUT];
    size_t stride;
    const float *y = lam_trainer_outputs(trainer, &stride);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < OUT; c++) {
            double sum = b[c];
            for (size_t i = 0; i < IN; i++)
                sum += (pixels[r][i] / 127.5 - 1.0) * w[i * OUT + c];
            cr_assert_float_eq(y[r * stride + c], sum, 2e-5, "row %zu, output %zu: %g, not %g", r,
                               c, (double)y[r * stride + c], sum);
            slopes[r][c] = 2.0 * (sum - targets[r][c]) / (double)(rows * OUT);
        }
    lam_tensor g;
    cr_assert_eq(lam_trainer_gradient((lam_trainer *)(uintptr_t)trainer, 0, &g), LAM_OK);
    for (size_t i = 0; i < IN; i++)
        for (size_t c = 0; c < OUT; c++) {
            double sum = 0.0;
            for (size_t r = 0; r < rows; r++)
                sum += (pixels[r][i] / 127.5 - 1.0) * slopes[r][c];
            cr_assert_float_eq(g.data[i * OUT + c], sum, 2e-5, "input %zu: %g, not %g", i,
                               (double)g.data[i * OUT + c], sum);
        }
}

/* Outputs and gradients, on a whole batch and on parts of one slab and more. */
Test(split, sums_in_double)
{
    static const size_t parts[] = {BATCH, 1, 65, BATCH - 1};
    static float x[BATCH][IN];
    for (size_t r = 0; r < BATCH; r++)
        for (size_t i = 0; i < IN; i++)
            x[r][i] = pixels[r][i];
    lam_dataset *data = open_data(false);
    for (size_t threads = 1; threads <= 3; threads++) {
        lam_trainer *trainer = open_trainer(data, "4:linear", BATCH, false, threads);
        float w[(IN + 1) * OUT];
        cr_assert_eq(lam_model_get_parameters(trainer->model, w, (IN + 1) * OUT), LAM_OK);
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            const lam_batch batch = {.rows = parts[p], .x = x[0], .targets = targets[0]};
            cr_assert_eq(lam_trainer_gradients(trainer, &batch, NULL), LAM_OK, "%s",
                         lam_error_message());
            check_linear(trainer, parts[p], w, w + IN * OUT);
        }
        close_trainer(trainer);
    }
    lam_dataset_free(data);
}

enum { MOST_PARAMETERS = (IN + 1) * 260 + 261 * OUT };

/* Some steps in a shuffled order, on whole batches and parts. */
static void train(bool stream, const char *layers, size_t batch, bool standardize, size_t threads,
                  float *to)
{
    lam_dataset *data = open_data(stream);
    lam_trainer *trainer = open_trainer(data, layers, batch, standardize, threads);
    uint32_t order[SAMPLES];
    for (uint32_t i = 0; i < SAMPLES; i++)
        order[i] = i * 197 % SAMPLES;
    for (int step = 0; step < 6; step++) {
        const bool whole = step % 3 != 2;
        lam_scores scores;
        cr_assert_eq(lam_trainer_step_rows(trainer, data, order + (whole ? 0 : batch),
                                           whole ? batch : batch / 2 + 1, &scores),
                     LAM_OK, "%s", lam_error_message());
    }
    cr_assert_eq(lam_model_get_parameters(trainer->model, to, lam_model_parameters(trainer->model)),
                 LAM_OK);
    close_trainer(trainer);
    lam_dataset_free(data);
}

/* With W as it lies and in panels, each thread with a whole half or a part of one, from memory and
 * from a source that has no columns to give. */
Test(split, same_bits_whatever_the_threads_and_the_source)
{
    static const char *const layers[] = {"64:tanh,4:linear", "260:relu,4:linear"};
    static const size_t floats[] = {(IN + 1) * 64 + 65 * OUT, MOST_PARAMETERS};
    static const size_t batches[] = {450, 96};
    static float first[MOST_PARAMETERS], other[MOST_PARAMETERS];
    for (size_t l = 0; l < 2; l++)
        for (int standardize = 0; standardize < 2; standardize++) {
            train(false, layers[l], batches[l], standardize, 1, first);
            for (size_t threads = 1; threads <= 5; threads++)
                for (int stream = 0; stream < 2; stream++) {
                    train(stream, layers[l], batches[l], standardize, threads, other);
                    cr_assert_eq(memcmp(first, other, floats[l] * sizeof *first), 0,
                                 "%s, %zu threads%s", layers[l], threads,
                                 stream ? ", from a source" : "");
                }
        }
}

/* Images that are changed at random come in whole rows: no halves. */
Test(split, not_what_is_changed_at_random)
{
    lam_dataset *data = open_data(false);
    lam_model *model = lam_model_new(IN);
    lam_model_add_layers(model, "64:tanh,4:linear");
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = BATCH;
    options.noise = 0.1f;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    cr_assert_not(trainer->pass.workspace.plan.split);
    cr_assert_eq(lam_trainer_step_rows(trainer, data, NULL, BATCH, NULL), LAM_OK, "%s",
                 lam_error_message());
    close_trainer(trainer);
    lam_dataset_free(data);
}

/* Every task once; those with a place where they belong; the others where work is missing. */
Test(shares, tasks_of_halves_stay_and_others_balance)
{
    enum { COUNT = 40, MOST = 9 };
    for (size_t threads = 1; threads <= MOST; threads++) {
        lam__assigned_task tasks[COUNT];
        size_t turn[COUNT], starts[MOST + 1], owner[COUNT], seen[COUNT] = {0};
        double load[MOST], total = 0.0, most = 0.0;
        for (size_t t = 0; t < COUNT; t++) {
            tasks[t].work = t < 16 ? 1.0 : 0.25;
            tasks[t].position = t < 16 ? ((double)t + 0.5) / 16.0 : -1.0;
            total += tasks[t].work;
        }
        lam__assign_tasks(COUNT, tasks, threads, turn, starts, owner, load);
        cr_assert_eq(starts[0], 0);
        cr_assert_eq(starts[threads], COUNT);
        for (size_t i = 0; i < threads; i++)
            for (size_t k = starts[i]; k < starts[i + 1]; k++) {
                seen[turn[k]]++;
                if (turn[k] < 16)
                    cr_assert_eq(i, (2 * turn[k] + 1) * threads / 32);
            }
        for (size_t t = 0; t < COUNT; t++)
            cr_assert_eq(seen[t], 1);
        for (size_t i = 0; i < threads; i++)
            most = load[i] > most ? load[i] : most;
        cr_assert_leq(most, total / (double)threads + 1.0, "%zu threads: %g of %g", threads, most,
                      total);
    }
}
