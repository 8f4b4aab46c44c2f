/* test_gradients.c: the library's gradients against central differences of the reference's loss.
 *
 * The reference (reference.c) computes in double and takes the same parameters, so that a
 * difference has eight good digits. Data are drawn away from every kink (relu, absolute value,
 * clipping, L1), so that nothing has to be skipped; the kinks themselves have tests of their own.
 * Activations and losses come from the catalog: one that the reference does not know fails. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "problem.h"

#define KINK_MARGIN 1e-3
#define CLIP_MARGIN 2e-2 /* near 0, 1 / y is too curved for a central difference */
#define LEAST_SLOPE 2e-5 /* each tensor must have a gradient larger than this */
#define TOLERANCE 5e-5   /* of the tensor's largest gradient */

/* L1, L2 on weights, L1, L2 on biases. */
static const double penalties[][4] = {
    {0.0, 0.0, 0.0, 0.0},     {0.03, 0.0, 0.05, 0.0}, {0.0, 0.07, 0.0, 0.02},
    {0.03, 0.07, 0.05, 0.02}, {0.03, 0.07, 0.0, 0.0}, {0.0, 0.0, 0.05, 0.02},
};
#define PENALTIES (sizeof penalties / sizeof *penalties)

/* Tensor i of the parameters: its first parameter and its number of them. */
static size_t tensor_place(const problem *p, size_t tensor, size_t *count)
{
    size_t first = 0;
    for (size_t k = 0; k < tensor / 2; k++)
        first += reference_weights(&p->net, k) + p->net.width[k + 1];
    const size_t weights = reference_weights(&p->net, tensor / 2);
    *count = tensor % 2 ? p->net.width[tensor / 2 + 1] : weights;
    return tensor % 2 ? first + weights : first;
}

/* The distance of the gradients that are checked, when `most` of a tensor are. */
static size_t stride_for(size_t count, size_t most)
{
    return count <= most ? 1 : count / most + 1;
}

/* Whether the problem as drawn can be differentiated, with something to see: fills slopes
 * [parameter_count], at most `most` of each tensor. */
static bool usable(problem *p, double *slopes, size_t most)
{
    double margin;
    problem_loss(p, &margin);
    const bool clips = p->net.loss->clips;
    if (margin < (clips ? CLIP_MARGIN : KINK_MARGIN))
        return false;
    for (size_t i = 0; i < p->parameter_count; i++)
        if (fabs(p->parameters_exact[i]) < KINK_MARGIN && p->net.l1 + p->net.bias_l1 > 0.0)
            return false;
    for (size_t tensor = 0; tensor < 2 * p->net.layers; tensor++) {
        size_t count, first = tensor_place(p, tensor, &count);
        double largest = 0.0;
        for (size_t i = first; i < first + count; i += stride_for(count, most))
            largest = fmax(largest, fabs(slopes[i] = problem_slope(p, i)));
        if (largest < LEAST_SLOPE)
            return false;
    }
    return true;
}

static void draw_usable(problem *p, double *slopes, size_t most)
{
    for (uint32_t seed = 1; seed <= 3000; seed++) {
        problem_draw(p, seed);
        if (usable(p, slopes, most))
            return;
    }
    cr_assert_fail("%s: no draw is away from all kinks with gradients in all tensors", p->label);
}

/* Compares the gradient tensors of the latest lam_trainer_gradients with slopes. */
static void compare_gradients(const problem *p, lam_model *model, lam_trainer *trainer,
                              const double *slopes, size_t most)
{
    cr_assert_eq(lam_model_tensors(model), 2 * p->net.layers);
    for (size_t tensor = 0; tensor < 2 * p->net.layers; tensor++) {
        size_t count, first = tensor_place(p, tensor, &count);
        lam_tensor gradient, parameters;
        cr_assert_eq(lam_trainer_gradient(trainer, tensor, &gradient), LAM_OK);
        cr_assert_eq(lam_model_tensor(model, tensor, &parameters), LAM_OK);
        cr_assert_str_eq(gradient.name, parameters.name);
        cr_assert(gradient.rows == parameters.rows && gradient.cols == parameters.cols);
        cr_assert_eq(gradient.rows * gradient.cols, count);
        const size_t stride = stride_for(count, most);
        double scale = 0.0, largest = 0.0;
        for (size_t i = 0; i < count; i += stride)
            scale = fmax(scale, fabs(slopes[first + i]));
        for (size_t i = 0; i < count; i += stride) {
            double found = gradient.data[i], expected = slopes[first + i];
            largest = fmax(largest, fabs(found));
            cr_expect(fabs(found - expected) <= TOLERANCE * scale,
                      "%s: gradient %zu of %s is %.9g, expected %.9g, the largest %.3g", p->label,
                      i, gradient.name, found, expected, scale);
        }
        cr_expect(largest > 0.5 * LEAST_SLOPE, "%s: gradient of %s is zero", p->label,
                  gradient.name);
    }
}

/* Outputs and loss of the library against the reference's. */
static void compare_forward(const problem *p, lam_trainer *trainer, const lam_scores *scores)
{
    const size_t out = p->net.width[p->net.layers];
    double margin, *expected = malloc(p->rows * out * sizeof *expected);
    cr_assert_not_null(expected);
    double loss = reference_data_loss(&p->net, p->parameters_exact, p->rows, p->x_exact,
                                      p->targets_exact, expected, &margin);
    double penalty = reference_penalty(&p->net, p->parameters_exact);
    cr_expect(fabs(scores->data_loss - loss) <= 1e-5 * (1.0 + fabs(loss)),
              "%s: data loss %.9g, reference %.9g", p->label, scores->data_loss, loss);
    cr_expect(fabs(scores->regularization_loss - penalty) <= 1e-5 * penalty,
              "%s: regularization loss %.9g, reference %.9g", p->label, scores->regularization_loss,
              penalty);
    cr_expect(fabs(scores->loss - loss - penalty) <= 1e-5 * (1.0 + fabs(loss) + penalty),
              "%s: loss %.9g, reference %.9g", p->label, scores->loss, loss + penalty);
    size_t stride = 0;
    const float *y = lam_trainer_outputs(trainer, &stride);
    cr_assert(y && stride >= out);
    for (size_t i = 0; i < p->rows * out; i++) {
        double found = y[i / out * stride + i % out];
        cr_expect(fabs(found - expected[i]) <= 2e-5 * (1.0 + fabs(expected[i])),
                  "%s: output %zu is %.9g, reference %.9g", p->label, i, found, expected[i]);
    }
    free(expected);
}

/* Outputs that a loss is not made for: a trainer says so. */
static bool is_refused(const problem *p)
{
    const char *output = p->net.activation[p->net.layers - 1]->name, *loss = p->net.loss->name;
    if (strcmp(loss, "categorical_crossentropy") == 0)
        return strcmp(output, "softmax") != 0;
    return strcmp(loss, "binary_crossentropy") == 0 && strcmp(output, "sigmoid") != 0 &&
           strcmp(output, "softmax") != 0;
}

static void check_refusal(problem *p)
{
    problem_open(p);
    lam_model *model = problem_model(p, 0.0f);
    const lam_fit_options options = problem_options(p);
    cr_expect_null(lam_trainer_new(model, &options), "%s", p->label);
    cr_expect_eq(lam_error_status(), LAM_ERR_ARGUMENT, "%s", p->label);
    lam_model_free(model);
    problem_close(p);
}

/* One problem: draws it, and checks forward and backward; `most` gradients of each tensor. */
static void check(problem *p, size_t most)
{
    if (is_refused(p)) {
        check_refusal(p);
        return;
    }
    problem_open(p);
    double *slopes = calloc(p->parameter_count, sizeof *slopes);
    cr_assert_not_null(slopes);
    draw_usable(p, slopes, most);
    lam_model *model = problem_model(p, 0.0f);
    const lam_fit_options options = problem_options(p);
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s: %s", p->label, lam_error_message());
    const lam_batch batch = problem_batch(p);
    lam_scores scores;
    cr_assert_eq(lam_trainer_gradients(trainer, &batch, &scores), LAM_OK, "%s: %s", p->label,
                 lam_error_message());
    cr_expect_eq(scores.samples, p->rows);
    cr_expect_eq(lam_trainer_steps(trainer), 0, "gradients alone are no step");
    compare_forward(p, trainer, &scores);
    compare_gradients(p, model, trainer, slopes, most);
    lam_trainer_free(trainer);
    lam_model_free(model);
    free(slopes);
    problem_close(p);
}

static const char *entry_name(lam_catalog_kind kind, size_t i)
{
    lam_catalog_entry entry;
    cr_assert_eq(lam_catalog(kind, i, &entry), LAM_OK);
    return entry.name;
}

static const reference_activation *activation_at(size_t i)
{
    const char *name = entry_name(LAM_ACTIVATION, i);
    const reference_activation *activation = reference_find_activation(name);
    cr_assert_not_null(activation, "reference.c does not know activation '%s'", name);
    return activation;
}

static const reference_loss *loss_at(size_t i)
{
    const char *name = entry_name(LAM_LOSS, i);
    const reference_loss *loss = reference_find_loss(name);
    cr_assert_not_null(loss, "reference.c does not know loss '%s'", name);
    return loss;
}

static problem make_problem(const size_t width[4], const reference_activation *hidden,
                            const reference_activation *output, const reference_loss *loss,
                            const double penalty[4], size_t rows, bool class_numbers)
{
    problem p = {
        .net = {.layers = 3,
                .width = {width[0], width[1], width[2], width[3]},
                .activation = {hidden, hidden, output},
                .loss = loss,
                .l1 = (float)penalty[0],
                .l2 = (float)penalty[1],
                .bias_l1 = (float)penalty[2],
                .bias_l2 = (float)penalty[3]},
        .rows = rows,
        .class_numbers = class_numbers,
    };
    snprintf(p.label, sizeof p.label, "%zu-%zu-%zu-%zu %s %s %s %s l1 %g l2 %g bias %g %g",
             width[0], width[1], width[2], width[3], hidden->name, output->name, loss->name,
             class_numbers ? "class numbers" : "rows", penalty[0], penalty[1], penalty[2],
             penalty[3]);
    return p;
}

/* Every hidden activation x output activation x loss x penalty x kind of targets. */
Test(gradients, every_combination, .timeout = 300)
{
    static const size_t width[4] = {4, 5, 4, 3};
    const size_t activations = lam_catalog_size(LAM_ACTIVATION);
    const size_t losses = lam_catalog_size(LAM_LOSS);
    cr_assert(activations >= 5 && losses >= 4);
    for (size_t h = 0; h < activations; h++)
        for (size_t o = 0; o < activations; o++)
            for (size_t l = 0; l < losses; l++)
                for (size_t k = 0; k < PENALTIES; k++)
                    for (int numbers = 0; numbers < 2; numbers++) {
                        problem p = make_problem(width, activation_at(h), activation_at(o),
                                                 loss_at(l), penalties[k], 5, numbers);
                        check(&p, 1000);
                    }
}

/* One output: class numbers 0 and 1 are targets as they are, for every loss that takes them so.
 * (A softmax of one output is 1 whatever it gets.) */
Test(gradients, one_output)
{
    static const size_t width[4] = {3, 4, 2, 1};
    for (size_t o = 0; o < lam_catalog_size(LAM_ACTIVATION); o++)
        for (size_t l = 0; l < lam_catalog_size(LAM_LOSS); l++)
            for (int numbers = 0; numbers < 2; numbers++) {
                const char *output = activation_at(o)->name, *loss = loss_at(l)->name;
                if (strcmp(output, "softmax") == 0 ||
                    (numbers && strcmp(loss, "categorical_crossentropy") == 0))
                    continue;
                problem p = make_problem(width, reference_find_activation("tanh"), activation_at(o),
                                         loss_at(l), penalties[3], 6, numbers);
                check(&p, 1000);
            }
}

/* Layer normalization at each place of the network, with each activation and each loss. */
Test(gradients, layer_normalization, .timeout = 300)
{
    static const size_t widths[3][4] = {{5, 5, 4, 3}, {5, 6, 6, 3}, {5, 7, 4, 4}};
    for (size_t place = 0; place < 3; place++)
        for (size_t a = 0; a < lam_catalog_size(LAM_ACTIVATION); a++)
            for (size_t l = 0; l < lam_catalog_size(LAM_LOSS); l++) {
                const bool last = place == 2, numbers = l % 2;
                problem p = make_problem(
                    widths[place], last ? reference_find_activation("tanh") : activation_at(a),
                    last ? activation_at(a) : reference_find_activation("sigmoid"), loss_at(l),
                    penalties[a % PENALTIES], 7, numbers);
                p.net.epsilon[place] = place == 1 ? 1e-3 : 0.25;
                snprintf(p.label + strlen(p.label), sizeof p.label - strlen(p.label),
                         ", layer %zu normalizes", place);
                check(&p, 1000);
            }
}

/* Shapes with several slabs of rows and of weights; a sample of the gradients. */
Test(gradients, larger_shapes, .timeout = 300)
{
    static const size_t widths[][4] = {{130, 67, 33, 10}, {31, 300, 129, 5}, {64, 128, 128, 10}};
    static const char *const hidden[] = {"tanh", "sigmoid", "softmax"};
    for (size_t s = 0; s < sizeof widths / sizeof *widths; s++) {
        problem fused = make_problem(
            widths[s], reference_find_activation(hidden[s]), reference_find_activation("softmax"),
            reference_find_loss("categorical_crossentropy"), penalties[3], 97, true);
        fused.net.l1 = fused.net.bias_l1 = 0.0; /* some weights are next to 0 */
        check(&fused, 12);
        problem jacobian = make_problem(
            widths[s], reference_find_activation("tanh"), reference_find_activation("softmax"),
            reference_find_loss("mean_squared_error"), penalties[0], 97, false);
        check(&jacobian, 12);
    }
}
