/* test_targets.c: targets and outputs that a loss is not made for are refused by every call. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <lamina/lamina.h>

enum { SAMPLES = 20, FEATURES = 2 };

static void expect_message(const char *part)
{
    cr_expect(strstr(lam_error_message(), part), "'%s' not in '%s'", part, lam_error_message());
}

static const float *samples(void)
{
    static float x[SAMPLES * FEATURES];
    for (size_t i = 0; i < SAMPLES * FEATURES; i++)
        x[i] = (float)(i * 7 % 11) / 11.0f - 0.5f;
    return x;
}

static lam_model *built(const char *layers)
{
    lam_model *model = lam_model_new(FEATURES);
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    return model;
}

static lam_dataset *with_rows(const float *t, size_t outputs)
{
    lam_dataset *data = lam_dataset_new(samples(), LAM_FLOAT32, SAMPLES, FEATURES, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_targets(data, t, outputs), LAM_OK, "%s", lam_error_message());
    return data;
}

static lam_dataset *with_classes(size_t classes)
{
    int32_t labels[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++)
        labels[i] = (int32_t)(i % classes);
    lam_dataset *data = lam_dataset_new(samples(), LAM_FLOAT32, SAMPLES, FEATURES, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_classes(data, labels, classes), LAM_OK);
    return data;
}

static lam_fit_options with_loss(const char *loss)
{
    lam_fit_options options = lam_fit_options_default();
    options.loss = loss;
    options.epochs = 1;
    options.batch_size = 8;
    return options;
}

/* Each call that computes a loss of these data, by one expected status and part of a message. */
static void expect_everywhere(const char *layers, const char *loss, const lam_dataset *data,
                              const float *t, lam_status expected, const char *message)
{
    const lam_fit_options options = with_loss(loss);
    lam_model *model = built(layers);
    lam_scores scores;
    cr_expect_eq(lam_evaluate(model, data, &options, &scores), expected, "%s, %s: evaluate: %s",
                 layers, loss, lam_error_message());
    expect_message(message);
    cr_expect_eq(lam_fit(model, data, &options, NULL), expected, "%s, %s: fit: %s", layers, loss,
                 lam_error_message());
    expect_message(message);
    const bool right = expected == LAM_OK;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    if (trainer && t) {
        const uint32_t index[2] = {3, 2};
        const lam_batch batch = {.rows = 8, .x = samples(), .targets = t};
        cr_expect_eq(lam_trainer_step_rows(trainer, data, index, 2, NULL), expected, "%s, %s",
                     layers, loss);
        expect_message(message);
        cr_expect_eq(lam_trainer_step(trainer, &batch, NULL), expected, "%s, %s", layers, loss);
        expect_message(message);
        cr_expect_eq(lam_trainer_gradients(trainer, &batch, NULL), expected, "%s, %s", layers,
                     loss);
        cr_expect_eq(lam_trainer_steps(trainer), right ? 2 : 0);
    } else if (!trainer) {
        cr_expect_eq(lam_error_status(), expected, "%s, %s", layers, loss);
        expect_message(message);
    }
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* Sample 3 alone does not fit. */
static void expect_rows(const char *layers, const char *loss, size_t outputs, float usual,
                        const float *odd, lam_status expected, const char *message)
{
    float t[SAMPLES * 3];
    for (size_t i = 0; i < SAMPLES * outputs; i++)
        t[i] = i % outputs ? 0.0f : usual;
    memcpy(t + 3 * outputs, odd, outputs * sizeof *t);
    lam_dataset *data = with_rows(t, outputs);
    expect_everywhere(layers, loss, data, t, expected, message);
    lam_dataset_free(data);
}

Test(targets, of_binary_crossentropy_are_in_0_to_1)
{
    static const float outside[][1] = {{-1.0f}, {1.5f}, {-1e-6f}, {2.0f}, {16777.0f}};
    static const float inside[][1] = {{0.0f}, {0.25f}, {1.0f}, {-0.0f}};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        expect_rows("4:relu,1:sigmoid", NULL, 1, 1.0f, outside[i], LAM_ERR_ARGUMENT,
                    "target 0 of sample 3 is ");
        expect_message("binary_crossentropy takes targets in 0..1");
    }
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        expect_rows("4:relu,1:sigmoid", NULL, 1, 1.0f, inside[i], LAM_OK, "");
    static const float row[3] = {0.0f, 1.0f, 1.0001f};
    expect_rows("4:relu,3:sigmoid", "binary_crossentropy", 3, 1.0f, row, LAM_ERR_ARGUMENT,
                "target 2 of sample 3 is 1.0001");
}

Test(targets, of_categorical_crossentropy_are_weights)
{
    static const float refused[][3] = {
        {-1.0f, 1.0f, -1.0f}, {0.0f, 0.0f, 0.0f}, {1.0f, 1.0f, -1e-9f}};
    static const float taken[][3] = {{0.0f, 5.0f, 0.0f}, {0.25f, 0.5f, 0.25f}, {1.0f, 1.0f, 1.0f}};
    static const char *const messages[] = {"target 0 of sample 3 is -1",
                                           "the targets of sample 3 are all 0",
                                           "target 2 of sample 3 is -1e-09"};
    for (size_t i = 0; i < 3; i++) {
        expect_rows("4:relu,3:softmax", NULL, 3, 1.0f, refused[i], LAM_ERR_ARGUMENT, messages[i]);
        expect_rows("4:relu,3:softmax,dropout:0.1", NULL, 3, 1.0f, refused[i], LAM_ERR_ARGUMENT,
                    messages[i]);
        expect_rows("4:relu,3:softmax", NULL, 3, 1.0f, taken[i], LAM_OK, "");
    }
}

/* A one-hot row times 5 is a sample that counts five times. */
Test(targets, a_scaled_row_is_a_weighted_sample)
{
    float once[SAMPLES * 3] = {0}, five[SAMPLES * 3] = {0};
    for (size_t i = 0; i < SAMPLES; i++) {
        once[3 * i + i % 3] = 1.0f;
        five[3 * i + i % 3] = 5.0f;
    }
    lam_dataset *a = with_rows(once, 3), *b = with_rows(five, 3);
    lam_model *model = built("4:relu,3:softmax");
    lam_scores x, y;
    cr_assert_eq(lam_evaluate(model, a, NULL, &x), LAM_OK);
    cr_assert_eq(lam_evaluate(model, b, NULL, &y), LAM_OK);
    cr_expect_float_eq(y.loss, 5.0 * x.loss, 1e-5);
    lam_model_free(model);
    lam_dataset_free(a);
    lam_dataset_free(b);
}

Test(targets, other_losses_take_any_finite_value)
{
    static const float odd[3] = {-7.0f, 1e6f, 0.0f};
    static const char *const losses[] = {"mean_squared_error", "mean_absolute_error"};
    static const char *const layers[] = {"3", "3:relu", "3:tanh", "3:sigmoid", "3:softmax"};
    for (size_t l = 0; l < 2; l++)
        for (size_t k = 0; k < 5; k++)
            expect_rows(layers[k], losses[l], 3, 1.0f, odd, LAM_OK, "");
    float t[8 * 3] = {0};
    t[10] = INFINITY;
    t[11] = NAN;
    lam_model *model = built("3");
    lam_trainer *trainer = lam_trainer_new(model, NULL);
    const lam_batch batch = {.rows = 8, .x = samples(), .targets = t};
    cr_expect_eq(lam_trainer_step(trainer, &batch, NULL), LAM_ERR_ARGUMENT);
    expect_message("target 1 of sample 3 is inf");
    t[10] = 0.0f;
    cr_expect_eq(lam_trainer_step(trainer, &batch, NULL), LAM_ERR_ARGUMENT);
    expect_message("target 2 of sample 3 is nan");
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* Held out or given for validation, targets are looked at as well. */
Test(targets, of_validation_are_checked)
{
    float t[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++)
        t[i] = (float)(i % 2);
    lam_dataset *train = with_rows(t, 1);
    t[7] = 2.0f;
    lam_dataset *validation = with_rows(t, 1);
    lam_fit_options options = with_loss(NULL);
    options.validation = validation;
    lam_model *model = built("1:sigmoid");
    cr_expect_eq(lam_fit(model, train, &options, NULL), LAM_ERR_ARGUMENT);
    expect_message("target 0 of sample 7 is 2");
    options.validation = NULL;
    options.validation_split = 0.5;
    cr_expect_eq(lam_fit(model, validation, &options, NULL), LAM_ERR_ARGUMENT);
    expect_message("target 0 of sample 7 is 2");
    lam_model_free(model);
    lam_dataset_free(validation);
    lam_dataset_free(train);
}

/* Each loss after each activation, on class numbers. */
Test(targets, a_loss_takes_the_outputs_it_is_made_for)
{
    static const struct {
        const char *loss, *activation;
        bool right;
    } pairs[] = {
        {"categorical_crossentropy", "softmax", true},
        {"categorical_crossentropy", "sigmoid", false},
        {"categorical_crossentropy", "linear", false},
        {"categorical_crossentropy", "relu", false},
        {"categorical_crossentropy", "tanh", false},
        {"binary_crossentropy", "softmax", true},
        {"binary_crossentropy", "sigmoid", true},
        {"binary_crossentropy", "linear", false},
        {"binary_crossentropy", "relu", false},
        {"binary_crossentropy", "tanh", false},
        {"mean_squared_error", "softmax", true},
        {"mean_squared_error", "linear", true},
        {"mean_absolute_error", "tanh", true},
    };
    lam_dataset *data = with_classes(3);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char layers[64], message[64] = "";
        snprintf(layers, sizeof layers, "4:relu,3:%s", pairs[i].activation);
        if (!pairs[i].right)
            snprintf(message, sizeof message, "the last activation is %s", pairs[i].activation);
        expect_everywhere(layers, pairs[i].loss, data, NULL,
                          pairs[i].right ? LAM_OK : LAM_ERR_ARGUMENT, message);
    }
    lam_dataset_free(data);
}

Test(targets, softmax_over_one_output_is_refused)
{
    float t[SAMPLES] = {0};
    lam_dataset *rows = with_rows(t, 1), *classes = with_classes(2);
    static const char *const losses[] = {NULL, "mean_squared_error", "binary_crossentropy"};
    for (size_t i = 0; i < 3; i++) {
        expect_everywhere("4:relu,1:softmax", losses[i], rows, t, LAM_ERR_ARGUMENT,
                          "layer 1: softmax over one output is always 1");
        expect_everywhere("4:relu,1:softmax", losses[i], classes, NULL, LAM_ERR_ARGUMENT,
                          "layer 1: softmax over one output is always 1");
    }
    expect_everywhere("1:softmax,1:sigmoid", NULL, rows, t, LAM_ERR_ARGUMENT, "layer 0: softmax");
    lam_model *model = built("1:softmax"); /* of another program: it can be run */
    float y;
    cr_expect_eq(lam_predict(model, samples(), 1, &y), LAM_OK);
    cr_expect_eq(y, 1.0f);
    lam_model_free(model);
    lam_dataset_free(rows);
    lam_dataset_free(classes);
}

static double absolute(size_t width, const float *y, const float *t, float *dy, void *user)
{
    (void)user;
    double sum = 0.0;
    for (size_t i = 0; i < width; i++) {
        sum += fabs((double)y[i] - (double)t[i]);
        if (dy)
            dy[i] = y[i] > t[i] ? 1.0f : -1.0f;
    }
    return sum;
}

Test(targets, a_registered_loss_takes_what_it_is_given)
{
    const lam_loss loss = {.name = "own_absolute", .sample = absolute};
    cr_assert_eq(lam_register_loss(&loss), LAM_OK);
    static const float odd[3] = {-7.0f, 0.0f, 1e6f};
    static const char *const layers[] = {"3", "3:sigmoid", "3:softmax"};
    for (size_t k = 0; k < 3; k++)
        expect_rows(layers[k], "own_absolute", 3, 0.0f, odd, LAM_OK, "");
}
