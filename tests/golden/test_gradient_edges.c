/* test_gradient_edges.c: gradients at the kinks, where differences say nothing, and with dropout.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <lamina/lamina.h>

#include "problem.h"

static lam_trainer *open_trainer(lam_model *model, const lam_fit_options *options)
{
    lam_trainer *trainer = lam_trainer_new(model, options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    return trainer;
}

static lam_tensor gradient_of(lam_trainer *trainer, size_t tensor)
{
    lam_tensor gradient;
    cr_assert_eq(lam_trainer_gradient(trainer, tensor, &gradient), LAM_OK);
    return gradient;
}

/* Gradient of tensor 0 of a 2-2-1 network with all pre-activations 0. */
static float slope_at_zero(const char *activation)
{
    const float parameters[9] = {[6] = 1.0f, [7] = 1.0f}, x[2] = {1.0f, 2.0f}, target[1] = {3.0f};
    lam_model *model = lam_model_new(2);
    lam_model_dense(model, 2, activation);
    lam_model_dense(model, 1, "linear");
    cr_assert_eq(lam_model_set_parameters(model, parameters, 9), LAM_OK);
    lam_trainer *trainer = open_trainer(model, NULL);
    cr_assert_eq(
        lam_trainer_gradients(trainer, &(lam_batch){.rows = 1, .x = x, .targets = target}, NULL),
        LAM_OK);
    float slope = gradient_of(trainer, 0).data[0];
    lam_trainer_free(trainer);
    lam_model_free(model);
    return slope;
}

/* The derivative of relu at 0 is 0; that of tanh, to see that anything arrives, is 1. */
Test(gradient_edges, relu_at_zero)
{
    cr_expect_eq(slope_at_zero("relu"), 0.0f);
    cr_expect_float_eq(slope_at_zero("tanh"), -6.0f, 1e-5); /* 2 (0 - 3) * 1 * x[0] */
}

/* y = x W + b hits two of four targets exactly: they have no slope, the others sign / (2 * 2). */
Test(gradient_edges, absolute_error_at_zero)
{
    const float parameters[6] = {0.5f, 1.0f, -0.25f, 0.5f, 0.25f, -1.0f}; /* W [2][2], b [2] */
    const float x[4] = {1.0f, 2.0f, -2.0f, 1.0f};
    const float targets[4] = {0.25f, 2.0f, 4.0f, -2.5f}; /* y is .25 1, -1 -2.5 */
    lam_model *model = lam_model_new(2);
    lam_model_dense(model, 2, "linear");
    cr_assert_eq(lam_model_set_parameters(model, parameters, 6), LAM_OK);
    lam_fit_options options = lam_fit_options_default();
    options.loss = "mean_absolute_error";
    lam_trainer *trainer = open_trainer(model, &options);
    lam_scores scores;
    cr_assert_eq(lam_trainer_gradients(trainer, &(lam_batch){.rows = 2, .x = x, .targets = targets},
                                       &scores),
                 LAM_OK);
    const float weight[4] = {0.5f, -0.25f, -0.25f, -0.5f}, bias[2] = {-0.25f, -0.25f};
    cr_expect_float_eq(scores.data_loss, 1.5, 1e-6);
    cr_expect_arr_eq(gradient_of(trainer, 0).data, weight, sizeof weight);
    cr_expect_arr_eq(gradient_of(trainer, 1).data, bias, sizeof bias);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* L1 pulls with its strength against the sign, and not at all at 0 and -0. */
Test(gradient_edges, l1_at_zero)
{
    const float parameters[6] = {0.0f, -0.0f, 0.5f, -0.5f, 0.0f, -0.25f}; /* W [2][2], b [2] */
    const float x[2] = {1.0f, 1.0f}, target[2] = {0.5f, -0.75f};          /* what comes out */
    lam_model *model = lam_model_new(2);
    lam_model_dense(model, 2, "linear");
    cr_assert_eq(lam_model_set_parameters(model, parameters, 6), LAM_OK);
    lam_fit_options options = lam_fit_options_default();
    options.l1 = 0.125f;
    options.bias_l1 = 0.0625f;
    lam_trainer *trainer = open_trainer(model, &options);
    lam_scores scores;
    cr_assert_eq(
        lam_trainer_gradients(trainer, &(lam_batch){.rows = 1, .x = x, .targets = target}, &scores),
        LAM_OK);
    const float weight[4] = {0.0f, 0.0f, 0.125f, -0.125f}, bias[2] = {0.0f, -0.0625f};
    cr_expect_float_eq(scores.data_loss, 0.0, 1e-12);
    cr_expect_float_eq(scores.regularization_loss, 0.125 * 1.0 + 0.0625 * 0.25, 1e-7);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(gradient_of(trainer, 0).data[i], weight[i], "weight %zu", i);
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(gradient_of(trainer, 1).data[i], bias[i], "bias %zu", i);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* Fills factors with what dropout did to the outputs of the first layer, from the gradient of the
 * next layer's W: a row of it belongs to one output, and is 0 where that was dropped. */
static size_t read_mask(lam_trainer *trainer, float rate, double *factors)
{
    const lam_tensor next = gradient_of(trainer, 2);
    size_t kept = 0;
    for (size_t i = 0; i < next.rows; i++) {
        bool zero = true;
        for (size_t j = 0; j < next.cols; j++)
            zero = zero && next.data[i * next.cols + j] == 0.0f;
        factors[i] = zero ? 0.0 : 1.0 / (1.0 - (double)rate);
        kept += !zero;
    }
    return kept;
}

/* Gradients of a step against differences of the reference under the same mask. */
static void compare_masked(problem *p, lam_trainer *trainer, const lam_scores *scores, size_t step)
{
    const double loss = problem_loss(p, NULL);
    cr_expect_float_eq(scores->loss, loss, 1e-5 * (1.0 + loss), "step %zu: loss %.9g, not %.9g",
                       step, scores->loss, loss);
    size_t at = 0;
    for (size_t tensor = 0; tensor < 2 * p->net.layers; tensor++) {
        const lam_tensor gradient = gradient_of(trainer, tensor);
        const size_t count = gradient.rows * gradient.cols;
        for (size_t i = 0; i < count; i++, at++) {
            double slope = problem_slope(p, at), found = gradient.data[i];
            cr_expect(fabs(found - slope) <= 1e-4 * (0.1 + fabs(slope)),
                      "step %zu, %s, %zu: %.9g, expected %.9g", step, gradient.name, i, found,
                      slope);
            if (tensor < 2 && p->net.keep[i % gradient.cols] == 0.0)
                cr_expect_eq(found, 0.0, "step %zu: a dropped unit learns", step);
        }
    }
    cr_assert_eq(at, p->parameter_count);
}

/* A batch of one row shows its mask in the gradients; under that mask they must be right. */
Test(gradient_edges, dropout)
{
    const float rate = 0.4f;
    enum { WIDTH = 12, STEPS = 12 };
    problem p = {
        .net = {.layers = 3,
                .width = {4, WIDTH, 5, 3},
                .activation = {reference_find_activation("tanh"),
                               reference_find_activation("sigmoid"),
                               reference_find_activation("softmax")},
                .loss = reference_find_loss("categorical_crossentropy")},
        .label = "dropout",
        .rows = 1,
        .class_numbers = true,
    };
    problem_open(&p);
    problem_draw(&p, 3);
    lam_model *model = problem_model(&p, rate);
    lam_fit_options options = problem_options(&p);
    options.optimizer = "sgd";
    options.learning_rate = 1e-30f; /* counts steps, leaves the parameters */
    lam_trainer *trainer = open_trainer(model, &options);
    const lam_batch batch = problem_batch(&p);
    double before[WIDTH];
    size_t kept = 0, changes = 0;
    for (size_t step = 0; step < STEPS; step++) {
        lam_scores scores;
        cr_assert_eq(lam_trainer_gradients(trainer, &batch, &scores), LAM_OK);
        kept += read_mask(trainer, rate, p.net.keep);
        compare_masked(&p, trainer, &scores, step);
        changes += step > 0 && memcmp(before, p.net.keep, sizeof before) != 0;
        memcpy(before, p.net.keep, sizeof before);
        cr_assert_eq(lam_trainer_update(trainer), LAM_OK);
    }
    cr_expect(kept > 0 && kept < WIDTH * STEPS);
    cr_expect_geq(changes, STEPS - 3, "the mask changed only %zu times", changes);
    lam_trainer_free(trainer);
    lam_model_free(model);
    problem_close(&p);
}

#define WIDE 100
#define ROWS 64

/* WIDE inputs through identity, dropout, identity. */
static lam_model *transparent_model(float rate)
{
    static float parameters[2 * (WIDE + 1) * WIDE];
    for (size_t layer = 0; layer < 2; layer++)
        for (size_t i = 0; i < WIDE; i++)
            parameters[layer * (WIDE + 1) * WIDE + i * WIDE + i] = 1.0f;
    lam_model *model = lam_model_new(WIDE);
    lam_model_dense(model, WIDE, "linear");
    lam_model_dropout(model, rate);
    lam_model_dense(model, WIDE, "linear");
    cr_assert_eq(
        lam_model_set_parameters(model, parameters, sizeof parameters / sizeof *parameters),
        LAM_OK);
    return model;
}

/* What comes out of two steps on ones: out [2][ROWS][WIDE]. */
static void run_transparent(float rate, uint64_t seed, float *out)
{
    static float x[ROWS * WIDE], targets[ROWS * WIDE];
    for (size_t i = 0; i < ROWS * WIDE; i++)
        x[i] = 1.0f;
    lam_model *model = transparent_model(rate);
    lam_fit_options options = lam_fit_options_default();
    options.optimizer = "sgd";
    options.learning_rate = 1e-30f;
    options.seed = seed;
    lam_trainer *trainer = open_trainer(model, &options);
    for (size_t step = 0; step < 2; step++) {
        size_t stride;
        cr_assert_eq(
            lam_trainer_step(trainer, &(lam_batch){.rows = ROWS, .x = x, .targets = targets}, NULL),
            LAM_OK);
        const float *y = lam_trainer_outputs(trainer, &stride);
        for (size_t r = 0; r < ROWS; r++)
            memcpy(out + (step * ROWS + r) * WIDE, y + r * stride, WIDE * sizeof *out);
    }
    lam_trainer_free(trainer);
    static float plain[ROWS * WIDE];
    cr_assert_eq(lam_predict(model, x, ROWS, plain), LAM_OK);
    for (size_t i = 0; i < ROWS * WIDE; i++)
        cr_assert_float_eq(plain[i], 1.0f, 1e-6, "dropout acts at inference");
    lam_model_free(model);
}

/* Kept with probability 1 - rate and scaled by 1 / (1 - rate); masks depend on seed, step, row. */
Test(gradient_edges, dropout_masks)
{
    enum { CELLS = 2 * ROWS * WIDE, STEP = ROWS * WIDE };
    static const float rates[] = {0.1f, 0.5f, 0.75f};
    static float y[CELLS], again[CELLS], other[CELLS];
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        const double keep = 1.0 - (double)rates[k];
        size_t kept = 0, repeated = 0;
        run_transparent(rates[k], 5, y);
        for (size_t i = 0; i < CELLS; i++) {
            kept += y[i] > 1e-6f;
            cr_assert(fabsf(y[i]) < 1e-6f || fabs(y[i] - 1.0 / keep) < 1e-5, "%.9g", (double)y[i]);
        }
        const double sigma = sqrt(CELLS * keep * (1.0 - keep));
        cr_expect(fabs((double)kept - CELLS * keep) < 5.0 * sigma, "rate %g keeps %zu of %d",
                  (double)rates[k], kept, CELLS);
        for (size_t r = 1; r < 2 * ROWS; r++)
            repeated += memcmp(y + r * WIDE, y + (r - 1) * WIDE, WIDE * sizeof *y) == 0;
        cr_expect_eq(repeated, 0, "rows share a mask");
        cr_expect(memcmp(y, y + STEP, STEP * sizeof *y) != 0, "steps share a mask");
        run_transparent(rates[k], 5, again);
        cr_expect_arr_eq(y, again, sizeof y);
        run_transparent(rates[k], 6, other);
        cr_expect(memcmp(y, other, sizeof y) != 0, "seeds share masks");
    }
}
