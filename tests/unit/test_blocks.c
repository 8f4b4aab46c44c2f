/* test_blocks.c: phase 2 where W is cut into blocks of rows and columns: gradients against sums in
 * double, and the update of each block at once against that of all gradients afterwards. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "kernels/products.h"
#include "train/trainer_inside.h"

/* Enough rows for a dL/dz that is cut on every instruction set. */
enum { IN = 60, OUT = 301, BATCH = 3700, MIDDLE_PARAMETERS = (IN + 1) * OUT };
enum { PARAMETERS = MIDDLE_PARAMETERS + (OUT + 1) * 133 + 134 * 3 };

static float x[BATCH][IN], targets[BATCH][OUT];

static void fill(void)
{
    uint32_t state = 5;
    for (size_t r = 0; r < BATCH; r++) {
        for (size_t i = 0; i < IN; i++) {
            state = state * 1664525u + 1013904223u;
            x[r][i] = (float)(state >> 8) / 8388608.0f - 1.0f;
        }
        for (size_t c = 0; c < OUT; c++)
            targets[r][c] = x[r][c % IN] - x[r][(c + 7) % IN] / 2.0f;
    }
}

TestSuite(blocks, .init = fill);

static lam_trainer *open_trainer(const char *layers, const char *optimizer, size_t threads)
{
    lam_model *model = lam_model_new(IN);
    lam_model_add_layers(model, layers);
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = BATCH;
    options.optimizer = optimizer;
    options.threads = threads;
    options.metrics = "";
    options.l1 = 1e-4f;
    options.l2 = 1e-3f;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    const lam__step_plan *plan = &trainer->pass.workspace.plan;
    size_t cut = 0;
    for (size_t t = 0; t < plan->task_count; t++)
        cut += plan->tasks[t].first_col > 0 && plan->tasks[t].first > 0;
    cr_assert_eq(cut > 0, lam__products_chosen() != NULL, "%s is not cut into rows and columns",
                 layers);
    return trainer;
}

static void close_trainer(lam_trainer *trainer)
{
    lam_model *model = trainer->model;
    lam_trainer_free(trainer);
    lam_model_free(model);
}

static double sign(double a)
{
    return (double)(a > 0.0) - (double)(a < 0.0);
}

/* Y = X W + b, L = the mean of (Y - T)^2 + l1 |W| + l2 W^2. */
static void check_gradient(lam_trainer *trainer, size_t rows, const float *w)
{
    static double slopes[BATCH][OUT];
    const float *b = w + IN * OUT;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < OUT; c++) {
            double sum = b[c];
            for (size_t i = 0; i < IN; i++)
                sum += (double)x[r][i] * w[i * OUT + c];
            slopes[r][c] = 2.0 * (sum - targets[r][c]) / (double)(rows * OUT);
        }
    lam_tensor g, g_bias;
    cr_assert_eq(lam_trainer_gradient(trainer, 0, &g), LAM_OK);
    cr_assert_eq(lam_trainer_gradient(trainer, 1, &g_bias), LAM_OK);
    for (size_t i = 0; i < IN; i++) {
        double sums[OUT] = {0.0};
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < OUT; c++)
                sums[c] += x[r][i] * slopes[r][c];
        for (size_t c = 0; c < OUT; c++) {
            const double weight = w[i * OUT + c];
            const double sum = sums[c] + 1e-4 * sign(weight) + 2e-3 * weight;
            cr_assert_float_eq(g.data[i * OUT + c], sum, 1e-6, "%zu, %zu: %g, not %g", i, c,
                               (double)g.data[i * OUT + c], sum);
        }
    }
    for (size_t c = 0; c < OUT; c++) {
        double sum = 0.0;
        for (size_t r = 0; r < rows; r++)
            sum += slopes[r][c];
        cr_assert_float_eq(g_bias.data[c], sum, 1e-6);
    }
}

Test(blocks, gradients_are_sums_in_double)
{
    static const size_t parts[] = {BATCH, 1, BATCH - 3};
    static float w[MIDDLE_PARAMETERS];
    for (size_t threads = 1; threads <= 3; threads++) {
        lam_trainer *trainer = open_trainer("301:linear", "sgd", threads);
        cr_assert_eq(lam_model_get_parameters(trainer->model, w, MIDDLE_PARAMETERS), LAM_OK);
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            const lam_batch batch = {.rows = parts[p], .x = x[0], .targets = targets[0]};
            cr_assert_eq(lam_trainer_gradients(trainer, &batch, NULL), LAM_OK, "%s",
                         lam_error_message());
            check_gradient(trainer, parts[p], w);
        }
        close_trainer(trainer);
    }
}

/* Four steps; `at_once` by lam_trainer_step, which updates each block after its gradient. Returns
 * the last loss. */
static double train(const char *optimizer, size_t threads, bool at_once, float *to)
{
    static float narrow[BATCH][3];
    for (size_t r = 0; r < BATCH; r++)
        memcpy(narrow[r], targets[r], sizeof narrow[r]);
    lam_trainer *trainer = open_trainer("301:tanh,133:relu,3:linear", optimizer, threads);
    lam_scores scores;
    for (int step = 0; step < 4; step++) {
        const lam_batch batch = {
            .rows = step == 2 ? BATCH - 61 : BATCH, .x = x[0], .targets = narrow[0]};
        if (at_once) {
            cr_assert_eq(lam_trainer_step(trainer, &batch, &scores), LAM_OK);
            continue;
        }
        cr_assert_eq(lam_trainer_gradients(trainer, &batch, &scores), LAM_OK);
        cr_assert_eq(lam_trainer_update(trainer), LAM_OK);
    }
    cr_assert_eq(lam_model_get_parameters(trainer->model, to, PARAMETERS), LAM_OK, "%s",
                 lam_error_message());
    close_trainer(trainer);
    return scores.loss;
}

/* A stale panel of a block would show in the next step. */
Test(blocks, same_bits_at_once_and_afterwards_with_any_threads)
{
    static const char *const optimizers[] = {"sgd", "adam"};
    static float first[PARAMETERS], other[PARAMETERS];
    for (size_t o = 0; o < 2; o++) {
        const double loss = train(optimizers[o], 1, false, first);
        for (size_t threads = 1; threads <= 4; threads++) {
            cr_assert_eq(train(optimizers[o], threads, true, other), loss, "%zu threads", threads);
            cr_assert_eq(memcmp(first, other, sizeof first), 0, "%s, %zu threads", optimizers[o],
                         threads);
        }
    }
}
