/* test_losses.c: losses on values worked out by hand, fused against unfused, a user's own. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "nn/losses.h"

enum { ROWS = 3, COLS = 4, LD = 6 };

static const int32_t labels[ROWS] = {2, 0, 3};
static const float one_hot[ROWS * COLS] = {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1};

/* Probabilities, each row with sum 1; what lies between rows must not be looked at. */
static const float probabilities[ROWS * LD] = {
    0.1f,  0.2f, 0.6f, 0.1f, NAN,  NAN,  0.25f, 0.25f, 0.25f,
    0.25f, NAN,  NAN,  0.7f, 0.1f, 0.1f, 0.1f,  NAN,   NAN,
};

/* Computes a loss of `y`, gradient to dy with scale 1. */
static double compute(const char *name, const float *y, const int32_t *classes,
                      const float *targets, float *dy)
{
    const lam__loss *loss = lam__find_loss(name);
    float copy[ROWS * LD];
    cr_assert(loss, "%s", lam_error_message());
    memcpy(copy, y, sizeof copy);
    const lam__loss_args args = {.rows = ROWS,
                                 .cols = COLS,
                                 .ld = LD,
                                 .y = copy,
                                 .labels = classes,
                                 .targets = targets,
                                 .scale = 1.0f,
                                 .dy = dy};
    return lam__compute_loss(loss, false, &args);
}

Test(losses, categorical_crossentropy_by_hand)
{
    float dy[ROWS * LD] = {0};
    const double expected = -log(0.6) - log(0.25) - log(0.1);
    cr_expect_float_eq(compute("categorical_crossentropy", probabilities, labels, NULL, dy),
                       expected, 1e-5);
    cr_expect_float_eq(dy[2], -1.0f / 0.6f, 1e-5f);
    cr_expect_float_eq(dy[LD], -4.0f, 1e-5f);
    cr_expect_eq(dy[0], 0.0f);
    cr_expect_float_eq(
        compute("sparse_categorical_crossentropy", probabilities, NULL, one_hot, NULL), expected,
        1e-5, "rows and class numbers, and without a gradient");
}

Test(losses, binary_crossentropy_by_hand)
{
    double expected = 0.0;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++) {
            const double y = (double)probabilities[r * LD + c];
            expected -= (one_hot[r * COLS + c] > 0 ? log(y) : log(1.0 - y)) / COLS;
        }
    float dy[ROWS * LD] = {0};
    cr_expect_float_eq(compute("binary_crossentropy", probabilities, NULL, one_hot, dy), expected,
                       1e-5);
    cr_expect_float_eq(dy[2], -1.0f / 0.6f / COLS, 1e-5f);
    cr_expect_float_eq(dy[0], 1.0f / 0.9f / COLS, 1e-5f);
}

Test(losses, errors_by_hand)
{
    float dy[ROWS * LD] = {0};
    double squares = 0.0, absolutes = 0.0;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++) {
            const double d = (double)probabilities[r * LD + c] - (double)one_hot[r * COLS + c];
            squares += d * d / COLS;
            absolutes += fabs(d) / COLS;
        }
    cr_expect_float_eq(compute("mse", probabilities, NULL, one_hot, dy), squares, 1e-6);
    cr_expect_float_eq(dy[2], 2.0f * -0.4f / COLS, 1e-6f);
    cr_expect_float_eq(dy[0], 2.0f * 0.1f / COLS, 1e-6f);
    cr_expect_float_eq(compute("mae", probabilities, NULL, one_hot, dy), absolutes, 1e-6);
    cr_expect_eq(dy[2], -1.0f / COLS);
    cr_expect_eq(dy[0], 1.0f / COLS);
}

Test(losses, names_and_pairs)
{
    cr_expect_eq(lam__find_loss("mse"), lam__find_loss("mean_squared_error"));
    cr_expect_eq(lam__find_loss("mae"), lam__find_loss("mean_absolute_error"));
    cr_expect(lam__find_loss("categorical_crossentropy")->takes_labels);
    cr_expect(!lam__find_loss("binary_crossentropy")->takes_labels, "class numbers become rows");
    cr_expect(!lam__find_loss("mse")->takes_labels);
    cr_expect_null(lam__find_loss("hinge"));
    cr_expect_eq(lam_error_status(), LAM_ERR_NAME);
    cr_expect_null(lam__find_loss(NULL));
    size_t pairs = 0;
    for (size_t l = 0; l < lam__loss_count(); l++) {
        const lam__loss *loss = lam__loss_at(l);
        size_t own = 0;
        for (size_t a = 0; a < lam__activation_count(); a++)
            own += lam__loss_is_fused(loss, lam__activation_at(a));
        cr_expect_eq(own, loss->fused_with ? 1 : 0, "%s: the activation exists", loss->name);
        cr_expect_eq(loss->fused_with != NULL, loss->fused != NULL);
        pairs += own;
    }
    cr_expect_eq(pairs, 2);
    for (size_t a = 0; a < lam__activation_count(); a++)
        cr_expect(lam__find_loss(lam__activation_at(a)->default_loss), "%s",
                  lam__activation_at(a)->name);
}

/* For every fused loss: on logits without bias it gives what activation, loss and the way back
 * through the activation give: the value, the outputs and the gradient by the logits. */
static void check_fused(const lam__loss *loss, const float *targets, const int32_t *classes)
{
    static const float logits[ROWS * LD] = {0.5f,  -1.0f, 2.0f,  0.3f,  0, 0,
                                            -0.2f, 1.1f,  0.4f,  -2.5f, 0, 0,
                                            3.0f,  0.1f,  -0.7f, 1.0f,  0, 0};
    static const float bias[COLS] = {0.1f, -0.3f, 0.2f, 0.5f};
    const lam__activation *activation = lam__find_activation(loss->fused_with);
    float y[ROWS * LD], fused_y[ROWS * LD], dy[ROWS * LD] = {0}, fused_dy[ROWS * LD] = {0};
    memcpy(y, logits, sizeof y);
    memcpy(fused_y, logits, sizeof y);
    lam__loss_args args = {.rows = ROWS,
                           .cols = COLS,
                           .ld = LD,
                           .y = y,
                           .labels = classes,
                           .targets = targets,
                           .scale = 0.25f,
                           .dy = dy};
    lam__activate(activation, ROWS, COLS, LD, bias, y, NULL);
    const double value = lam__compute_loss(loss, false, &args);
    lam__activate_backward(activation, ROWS, COLS, LD, y, NULL, dy);
    args.y = fused_y;
    args.bias = bias;
    args.dy = fused_dy;
    double fused = lam__compute_loss(loss, true, &args);
    cr_expect_float_eq(fused, value, 1e-5 * value, "%s", loss->name);
    double sum = 0.0;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++) {
            const size_t i = r * LD + c;
            cr_expect_float_eq(fused_y[i], y[i], 1e-6f, "%s: output %zu", loss->name, i);
            cr_expect_float_eq(fused_dy[i], dy[i], 1e-6f, "%s: gradient %zu", loss->name, i);
            sum += fabs((double)dy[i]);
        }
    cr_expect_gt(sum, 0.1, "%s: there are gradients", loss->name);

    /* without a gradient: the same value and outputs */
    float only_y[ROWS * LD];
    memcpy(only_y, logits, sizeof only_y);
    args.y = only_y;
    args.dy = NULL;
    fused = lam__compute_loss(loss, true, &args);
    cr_expect_float_eq(fused, value, 1e-5 * value);
    cr_expect_arr_eq(only_y, fused_y, sizeof only_y);
}

Test(losses, fused_equals_unfused)
{
    static const float several[ROWS * COLS] = {0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1};
    static const float soft[ROWS * COLS] = {0.1f, 0.2f, 0.3f, 0.4f, 0.7f, 0.1f,
                                            0.1f, 0.1f, 0,    0,    1,    0};
    for (size_t l = 0; l < lam__loss_count(); l++) {
        const lam__loss *loss = lam__loss_at(l);
        if (!loss->fused)
            continue;
        check_fused(loss, several, NULL);
        check_fused(loss, soft, NULL);
        if (loss->takes_labels)
            check_fused(loss, NULL, labels);
    }
}

/* Squared error, scaled by what `user` points to. */
static double own_loss(size_t width, const float *y, const float *t, float *dy, void *user)
{
    const double factor = *(const double *)user;
    double sum = 0.0;
    for (size_t c = 0; c < width; c++) {
        const double d = (double)y[c] - (double)t[c];
        sum += factor * d * d;
        if (dy)
            dy[c] = (float)(factor * 2.0 * d);
    }
    return sum;
}

Test(losses, own_loss_row_by_row)
{
    static double factor = 1.0 / COLS;
    const lam_loss own = {.name = "own_error", .sample = own_loss, .user = &factor};
    cr_assert_eq(lam_register_loss(&own), LAM_OK, "%s", lam_error_message());
    float dy[ROWS * LD] = {0}, expected[ROWS * LD] = {0}, copy[ROWS * LD];
    const double value = compute("mse", probabilities, NULL, one_hot, expected);
    cr_expect_float_eq(compute("own_error", probabilities, NULL, one_hot, dy), value, 1e-6);
    cr_expect_float_eq(compute("own_error", probabilities, NULL, one_hot, NULL), value, 1e-6);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++)
            cr_expect_float_eq(dy[r * LD + c], expected[r * LD + c], 1e-6f);
    cr_expect_eq(dy[COLS], 0.0f, "nothing is written between rows");

    memcpy(copy, probabilities, sizeof copy);
    const lam__loss *loss = lam__find_loss("own_error");
    cr_expect(!loss->takes_labels);
    const lam__loss_args args = {.rows = ROWS,
                                 .cols = COLS,
                                 .ld = LD,
                                 .y = copy,
                                 .targets = one_hot,
                                 .scale = 0.5f,
                                 .dy = dy};
    lam__compute_loss(loss, false, &args);
    cr_expect_float_eq(dy[2], 0.5f * expected[2], 1e-6f, "scaled");
}
