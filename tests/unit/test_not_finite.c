/* test_not_finite.c: numbers that are not finite: found, named, and no decision made of them. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include <lamina/lamina.h>

enum { SAMPLES = 200, FEATURES = 3, BAD = 77, PARAMETERS = 3 * 8 + 8 + 8 + 1 };

static float x[SAMPLES * FEATURES], t[SAMPLES];

static void expect_message(const char *part)
{
    cr_expect(strstr(lam_error_message(), part), "'%s' not in '%s'", part, lam_error_message());
}

static lam_dataset *make_data(void)
{
    for (size_t i = 0; i < SAMPLES * FEATURES; i++)
        x[i] = (float)(i * 37 % 101) / 101.0f - 0.5f;
    for (size_t i = 0; i < SAMPLES; i++)
        t[i] = x[FEATURES * i] * x[FEATURES * i + 1];
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, SAMPLES, FEATURES, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_targets(data, t, 1), LAM_OK);
    return data;
}

static lam_model *built(const char *layers)
{
    lam_model *model = lam_model_new(FEATURES);
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK, "%s", lam_error_message());
    return model;
}

static void take(const lam_model *model, float *values)
{
    cr_assert_eq(lam_model_get_parameters(model, values, PARAMETERS), LAM_OK);
}

static lam_fit_options some_epochs(size_t epochs)
{
    lam_fit_options options = lam_fit_options_default();
    options.epochs = epochs;
    options.batch_size = 32;
    return options;
}

/* Makes feature 1 of sample BAD not finite once some epochs are done. */
typedef struct spoiler {
    size_t epochs;
    float value, weights[PARAMETERS];
} spoiler;

static lam_signal spoil(const lam_event *event, void *user)
{
    spoiler *s = user;
    if (event->kind == LAM_EVENT_EPOCH_END && event->progress->epoch == s->epochs) {
        x[BAD * FEATURES + 1] = s->value;
        take(event->model, s->weights);
    }
    return LAM_CONTINUE;
}

Test(not_finite, a_sample_is_named_and_the_weights_are_kept)
{
    static const float values[] = {NAN, INFINITY, -INFINITY};
    static const char *const names[] = {"is nan", "is inf", "is -inf"};
    for (size_t i = 0; i < 3; i++) {
        lam_dataset *data = make_data();
        lam_model *model = built("8:relu,1");
        spoiler s = {.epochs = 2, .value = values[i]};
        const lam_callback callback = {spoil, &s};
        lam_fit_options options = some_epochs(5);
        options.callback = &callback;
        lam_history *history;
        cr_expect_eq(lam_fit(model, data, &options, &history), LAM_ERR_NUMERIC);
        expect_message("in epoch 3, batch ");
        expect_message("feature 1 of sample 77 ");
        expect_message(names[i]);
        cr_expect_eq(lam_history_epochs(history), 2);
        lam_history_free(history);
        float weights[PARAMETERS];
        take(model, weights);
        cr_expect_eq(memcmp(weights, s.weights, sizeof weights), 0, "of before epoch 3");

        lam_scores scores = {.loss = 7.0};
        cr_expect_eq(lam_evaluate(model, data, NULL, &scores), LAM_ERR_NUMERIC);
        expect_message("feature 1 of sample 77 ");
        cr_expect_eq(scores.loss, 7.0, "unchanged");
        x[BAD * FEATURES + 1] = 0.0f;
        cr_expect_eq(lam_evaluate(model, data, NULL, &scores), LAM_OK);
        cr_expect(isfinite(scores.loss));
        options.callback = NULL;
        cr_expect_eq(lam_fit(model, data, &options, NULL), LAM_OK, "%s", lam_error_message());
        lam_model_free(model);
        lam_dataset_free(data);
    }
}

/* What a callback has done to the weights after an epoch belongs to the next one. */
static lam_signal change_and_spoil(const lam_event *event, void *user)
{
    spoiler *s = user;
    if (event->kind == LAM_EVENT_EPOCH_END && event->progress->epoch == s->epochs) {
        lam_tensor tensor;
        cr_assert_eq(lam_model_tensor((lam_model *)event->model, 0, &tensor), LAM_OK);
        tensor.data[5] = 0.75f;
    }
    return spoil(event, user);
}

Test(not_finite, weights_that_a_callback_changed_are_kept)
{
    for (size_t batch = 32; batch <= SAMPLES; batch += SAMPLES - 32) { /* or epochs of one step */
        lam_dataset *data = make_data();
        lam_model *model = built("8:relu,1");
        spoiler s = {.epochs = 2, .value = NAN};
        const lam_callback callback = {change_and_spoil, &s};
        lam_fit_options options = some_epochs(5);
        options.batch_size = batch;
        options.callback = &callback;
        cr_expect_eq(lam_fit(model, data, &options, NULL), LAM_ERR_NUMERIC);
        float weights[PARAMETERS];
        take(model, weights);
        cr_expect_eq(weights[5], 0.75f);
        cr_expect_eq(memcmp(weights, s.weights, sizeof weights), 0, "of before epoch 3");
        lam_model_free(model);
        lam_dataset_free(data);
    }
}

Test(not_finite, a_first_epoch_leaves_the_start_values)
{
    lam_dataset *data = make_data();
    x[BAD * FEATURES + 1] = NAN;
    lam_model *model = built("8:relu,1"), *same = built("8:relu,1");
    cr_expect_eq(lam_fit(model, data, NULL, NULL), LAM_ERR_NUMERIC);
    cr_assert_eq(lam_model_initialize(same, lam_fit_options_default().seed, NULL), LAM_OK);
    float a[PARAMETERS], b[PARAMETERS];
    take(model, a);
    take(same, b);
    cr_expect_eq(memcmp(a, b, sizeof a), 0);
    cr_expect_null(lam_model_loss(model), "not trained with any");
    lam_model_free(model);
    lam_model_free(same);
    lam_dataset_free(data);
}

/* With early stopping the best epoch so far is better than the last one. */
Test(not_finite, early_stopping_keeps_the_best)
{
    lam_dataset *data = make_data();
    lam_model *model = built("8:relu,1");
    spoiler s = {.epochs = 3, .value = NAN};
    const lam_callback callback = {spoil, &s};
    lam_fit_options options = some_epochs(9);
    options.callback = &callback;
    options.patience = 5;
    lam_history *history;
    cr_expect_eq(lam_fit(model, data, &options, &history), LAM_ERR_NUMERIC);
    cr_expect_geq(lam_history_best(history), 1);
    lam_history_free(history);
    float weights[PARAMETERS];
    take(model, weights);
    for (size_t i = 0; i < PARAMETERS; i++)
        cr_expect(isfinite(weights[i]));
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(not_finite, validation_samples_are_named)
{
    lam_dataset *data = make_data();
    float *other = malloc(sizeof x);
    memcpy(other, x, sizeof x);
    other[5 * FEATURES + 2] = NAN;
    lam_dataset *validation = lam_dataset_new(other, LAM_FLOAT32, SAMPLES, FEATURES, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_targets(validation, t, 1), LAM_OK);
    lam_fit_options options = some_epochs(3);
    options.validation = validation;
    lam_model *model = built("8:relu,1");
    cr_expect_eq(lam_fit(model, data, &options, NULL), LAM_ERR_NUMERIC);
    expect_message("validation after epoch 1: feature 2 of sample 5 is nan");
    lam_model_free(model);
    lam_dataset_free(validation);
    lam_dataset_free(data);
    free(other);
}

Test(not_finite, a_diverging_run_keeps_its_last_weights)
{
    lam_dataset *data = make_data();
    for (float rate = 1.0f; rate < 1e30f; rate *= 10.0f) {
        lam_model *model = built("8,1");
        lam_fit_options options = some_epochs(50);
        options.optimizer = "sgd";
        options.learning_rate = rate;
        const lam_status status = lam_fit(model, data, &options, NULL);
        if (status != LAM_OK) {
            cr_expect_eq(status, LAM_ERR_NUMERIC);
            expect_message("a smaller learning rate");
        }
        float weights[PARAMETERS];
        take(model, weights);
        for (size_t i = 0; i < PARAMETERS; i++)
            cr_assert(isfinite(weights[i]), "rate %g, weight %zu", (double)rate, i);
        lam_model_free(model);
    }
    lam_dataset_free(data);
}

Test(not_finite, a_step_names_the_row)
{
    lam_dataset *data = make_data();
    x[BAD * FEATURES + 1] = NAN;
    lam_model *model = built("8:relu,1");
    lam_trainer *trainer = lam_trainer_new(model, NULL);
    const uint32_t index[3] = {4, BAD, 9};
    cr_expect_eq(lam_trainer_step_rows(trainer, data, index, 3, NULL), LAM_ERR_NUMERIC);
    expect_message("feature 1 of sample 77 is nan");
    lam_trainer_free(trainer);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* Samples that do not lie in memory. */
static int deliver(size_t first, size_t rows, void *to, int32_t *classes, float *targets,
                   void *user)
{
    (void)classes, (void)user;
    if (to)
        memcpy(to, x + first * FEATURES, rows * FEATURES * sizeof *x);
    if (targets)
        memcpy(targets, t + first, rows * sizeof *t);
    return 0;
}

Test(not_finite, samples_of_a_source_are_named)
{
    lam_dataset_free(make_data());
    x[BAD * FEATURES + 1] = NAN;
    for (size_t window = 0; window <= 64; window += 64) {
        const lam_source source = {.samples = SAMPLES,
                                   .features = FEATURES,
                                   .dtype = LAM_FLOAT32,
                                   .outputs = 1,
                                   .window = window,
                                   .read = deliver};
        lam_dataset *data = lam_dataset_from_source(&source);
        cr_assert_not_null(data, "%s", lam_error_message());
        lam_model *model = built("8:relu,1");
        const lam_fit_options options = some_epochs(2);
        lam_scores scores;
        cr_expect_eq(lam_fit(model, data, &options, NULL), LAM_ERR_NUMERIC);
        expect_message("feature 1 of sample 77 is nan");
        cr_expect_eq(lam_evaluate(model, data, &options, &scores), LAM_ERR_NUMERIC);
        expect_message("feature 1 of sample 77 is nan");
        lam_model_free(model);
        lam_dataset_free(data);
    }
}

/* Finite samples, but outputs that are not. */
Test(not_finite, standardization_names_the_sample)
{
    const float values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        lam_dataset *data = make_data();
        lam_model *model = built("8:relu,1");
        x[BAD * FEATURES + 1] = values[i];
        cr_expect_eq(lam_model_standardize_input(model, data), LAM_ERR_NUMERIC);
        expect_message("feature 1 has no finite mean and deviation: in sample 77 it is ");
        lam_model_free(model);
        lam_dataset_free(data);
    }
}

Test(not_finite, outputs_are_no_scores)
{
    static const char *const layers[] = {"8:relu,1", "8,1:sigmoid", "8,1:tanh"};
    lam_dataset *data = make_data();
    for (size_t i = 0; i < SAMPLES; i++)
        t[i] = 0.5f;
    cr_assert_eq(lam_dataset_set_targets(data, t, 1), LAM_OK);
    for (size_t k = 0; k < 3; k++) {
        lam_model *model = built(layers[k]);
        cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
        lam_tensor bias;
        cr_assert_eq(lam_model_tensor(model, 3, &bias), LAM_OK);
        bias.data[0] = NAN;
        lam_scores scores;
        cr_expect_eq(lam_evaluate(model, data, NULL, &scores), LAM_ERR_NUMERIC, "%s", layers[k]);
        expect_message("output 0 of sample 0 is nan");
        lam_model_free(model);
    }
    lam_dataset_free(data);
}

static double swallow(size_t width, const float *y, const float *target, float *dy, void *user)
{
    (void)y, (void)target, (void)user;
    for (size_t i = 0; dy && i < width; i++)
        dy[i] = 0.0f;
    return 0.0;
}

static double explode(size_t width, const float *y, const float *target, float *dy, void *user)
{
    (void)y, (void)target, (void)user;
    for (size_t i = 0; dy && i < width; i++)
        dy[i] = NAN;
    return dy ? 1.0 : NAN;
}

static void blow_up(size_t n, const float *z, float *y, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++)
        y[i] = sqrtf(z[i]);
}

static void blow_back(size_t n, const float *z, const float *y, const float *dy, float *dz,
                      void *user)
{
    (void)z, (void)user;
    for (size_t i = 0; i < n; i++)
        dz[i] = dy[i] / (2.0f * y[i]);
}

/* What a program registers may return anything. */
Test(not_finite, registered_functions_are_not_believed)
{
    const lam_loss quiet = {.name = "own_quiet", .sample = swallow};
    const lam_loss loud = {.name = "own_loud", .sample = explode};
    const lam_activation root = {.name = "own_root", .forward = blow_up, .backward = blow_back};
    cr_assert_eq(lam_register_loss(&quiet), LAM_OK);
    cr_assert_eq(lam_register_loss(&loud), LAM_OK);
    cr_assert_eq(lam_register_activation(&root), LAM_OK);
    lam_dataset *data = make_data();
    lam_scores scores;
    lam_fit_options options = some_epochs(1);

    lam_model *model = built("8:own_root,1");
    options.loss = "own_quiet";
    cr_expect_neq(lam_fit(model, data, &options, NULL), LAM_OK, "a loss that hides NaN");
    cr_expect_eq(lam_evaluate(model, data, &options, &scores), LAM_ERR_NUMERIC);
    expect_message("output 0 of sample");
    lam_model_free(model);

    model = built("8:relu,1");
    options.loss = "own_loud";
    cr_expect_eq(lam_fit(model, data, &options, NULL), LAM_ERR_NUMERIC, "a gradient of NaN");
    float weights[PARAMETERS];
    take(model, weights);
    for (size_t i = 0; i < PARAMETERS; i++)
        cr_expect(isfinite(weights[i]));
    cr_expect_eq(lam_evaluate(model, data, &options, &scores), LAM_ERR_NUMERIC);
    expect_message("the loss of samples is not finite");
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(not_finite, no_decision_is_made_of_nan)
{
    const float y[4 * 3] = {0.2f, NAN, 0.1f, NAN, 0.5f, 0.6f, 0.1f, 0.2f, NAN, 0.1f, 0.2f, 0.7f};
    float decisions[12];
    lam_model *model = built("3:softmax");
    cr_assert_eq(lam_model_decide(model, y, 4, 0.5f, decisions), LAM_OK);
    cr_expect(isnan(decisions[0]) && isnan(decisions[1]) && isnan(decisions[2]));
    cr_expect_eq(decisions[3], 2.0f);
    lam_model_free(model);
    model = built("3:sigmoid");
    cr_assert_eq(lam_model_decide(model, y, 4, 0.5f, decisions), LAM_OK);
    for (size_t i = 0; i < 12; i++)
        cr_expect(isnan(y[i]) ? isnan(decisions[i]) : decisions[i] == (float)(y[i] > 0.5f));
    lam_model_free(model);
}
