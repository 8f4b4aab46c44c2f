/* test_unregistered.c: models whose loss or activation is another program's own. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "formats/safetensors/model_file.h"

static void expect_message(const char *part)
{
    cr_expect(strstr(lam_error_message(), part), "'%s' not in '%s'", part, lam_error_message());
}

static lam_model *built(const char *layers)
{
    lam_model *model = lam_model_new(1);
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK, "%s", lam_error_message());
    return model;
}

/* The bytes of a model with one name in its file replaced by another of the same length, and the
 * model of them: as a program reads it that has not registered the name. */
static lam_model *renamed(const lam_model *model, const char *name, const char *other)
{
    size_t size;
    cr_assert_eq(lam_model_save_memory(model, NULL, 0, &size), LAM_OK);
    unsigned char *bytes = malloc(size);
    cr_assert_eq(lam_model_save_memory(model, bytes, size, &size), LAM_OK);
    const size_t length = strlen(name);
    size_t found = 0;
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, name, length) == 0) {
            memcpy(bytes + i, other, length);
            found++;
        }
    cr_assert_gt(found, 0);
    lam_model *loaded = lam__model_parse_unchecked(bytes, size, "m");
    free(bytes);
    cr_assert_not_null(loaded, "%s", lam_error_message());
    return loaded;
}

static double square(size_t width, const float *y, const float *t, float *dy, void *user)
{
    (void)user;
    double sum = 0.0;
    for (size_t i = 0; i < width; i++) {
        const float e = y[i] - t[i];
        sum += (double)(e * e);
        if (dy)
            dy[i] = 2.0f * e;
    }
    return sum;
}

static void forward(size_t n, const float *z, float *y, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++)
        y[i] = z[i] / (1.0f + fabsf(z[i]));
}

static void backward(size_t n, const float *z, const float *y, const float *dy, float *dz,
                     void *user)
{
    (void)z, (void)user;
    for (size_t i = 0; i < n; i++)
        dz[i] = dy[i] * (1.0f - fabsf(y[i])) * (1.0f - fabsf(y[i]));
}

static void register_loss(const char *name)
{
    const lam_loss loss = {.name = name, .sample = square};
    cr_assert_eq(lam_register_loss(&loss), LAM_OK, "%s", lam_error_message());
}

static lam_status fit(lam_model *model, const lam_dataset *data, const char *loss)
{
    lam_fit_options options = lam_fit_options_default();
    options.epochs = 1;
    options.loss = loss;
    return lam_fit(model, data, &options, NULL);
}

static lam_status evaluate(const lam_model *model, const lam_dataset *data, const char *loss)
{
    lam_fit_options options = lam_fit_options_default();
    options.loss = loss;
    lam_scores scores;
    return lam_evaluate(model, data, &options, &scores);
}

Test(unregistered, a_loss_is_needed_by_what_computes_it)
{
    register_loss("own_square");
    lam_dataset *data = lam_dataset_sine(40);
    lam_model *model = built("4:tanh,1");
    cr_assert_eq(fit(model, data, "own_square"), LAM_OK, "%s", lam_error_message());
    lam_model *loaded = renamed(model, "own_square", "the_others");
    cr_expect_str_eq(lam_model_loss(loaded), "the_others");

    const float x = 0.25f;
    float y, z;
    cr_expect_eq(lam_predict(loaded, &x, 1, &y), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(lam_predict(model, &x, 1, &z), LAM_OK);
    cr_expect_eq(y, z);
    cr_expect_eq(lam_model_decide(loaded, &y, 1, 0.5f, &z), LAM_OK);
    cr_expect_eq(evaluate(loaded, data, NULL), LAM_ERR_NAME);
    expect_message("'the_others'");
    cr_expect_eq(evaluate(loaded, data, "mean_squared_error"), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(fit(loaded, data, NULL), LAM_ERR_NAME);
    expect_message("'the_others'");
    cr_expect_null(lam_trainer_new(loaded, NULL));
    cr_expect_eq(lam_error_status(), LAM_ERR_NAME);

    lam_model *again = renamed(loaded, "the_others", "the_others"); /* the name is kept */
    cr_expect_str_eq(lam_model_loss(again), "the_others");
    register_loss("the_others"); /* after loading */
    cr_expect_eq(evaluate(again, data, NULL), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(fit(loaded, data, "mean_squared_error"), LAM_OK);
    cr_expect_str_eq(lam_model_loss(loaded), "mean_squared_error");
    lam_model_free(again);
    lam_model_free(loaded);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(unregistered, a_loss_stays_known_by_name_when_training_fails)
{
    register_loss("own_failing");
    float x[] = {0.0f, 1.0f, 2.0f, 3.0f}, t[] = {0.0f, 1.0f, 4.0f, 9.0f};
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, 4, 1, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_targets(data, t, 1), LAM_OK);
    lam_model *model = built("4:tanh,1");
    cr_assert_eq(fit(model, data, "own_failing"), LAM_OK, "%s", lam_error_message());
    lam_model *loaded = renamed(model, "own_failing", "the_failing");
    x[2] = NAN;
    cr_expect_eq(fit(loaded, data, "mean_squared_error"), LAM_ERR_NUMERIC);
    cr_assert_not_null(lam_model_loss(loaded));
    cr_expect_str_eq(lam_model_loss(loaded), "the_failing");
    lam_model_free(loaded);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(unregistered, models_are_converted_whatever_their_loss)
{
    register_loss("own_convert");
    lam_dataset *data = lam_dataset_sine(40);
    lam_model *model = built("4:tanh,1");
    cr_assert_eq(fit(model, data, "own_convert"), LAM_OK);
    lam_model *loaded = renamed(model, "own_convert", "not_by_name");
    char folder[256], path[512];
    scratch_make(folder);
    cr_expect_eq(lam_model_save(loaded, scratch_path(folder, "m.safetensors", path)), LAM_OK);
    lam_model *back = lam_model_import(path, NULL);
    cr_assert_not_null(back, "%s", lam_error_message());
    cr_expect_str_eq(lam_model_loss(back), "not_by_name");
    lam_model_free(back);
    cr_expect_eq(lam_model_export(loaded, scratch_path(folder, "m.c", path), NULL), LAM_OK, "%s",
                 lam_error_message());
    if (strcmp(lam_build_info("onnx"), "yes") == 0) {
        scratch_path(folder, "m.onnx", path);
        cr_expect_eq(lam_model_export(loaded, path, NULL), LAM_OK, "%s", lam_error_message());
        back = lam_model_import(path, NULL);
        cr_assert_not_null(back, "%s", lam_error_message());
        cr_expect_str_eq(lam_model_loss(back), "not_by_name");
        lam_model_free(back);
    }
    scratch_remove(folder);
    lam_model_free(loaded);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* Everything that would run an activation nobody has. */
static void expect_not_run(lam_model *model, const lam_dataset *data)
{
    const float x = 0.25f;
    float y, z;
    double largest;
    cr_expect_eq(lam_predict(model, &x, 1, &y), LAM_ERR_NAME);
    expect_message("layer 0: activation 'softsing'");
    y = 0.0f;
    cr_expect_null(lam_predictor_new(model, 1));
    cr_expect_eq(lam_error_status(), LAM_ERR_NAME);
    cr_expect_eq(evaluate(model, data, NULL), LAM_ERR_NAME);
    cr_expect_eq(fit(model, data, NULL), LAM_ERR_NAME);
    cr_expect_null(lam_trainer_new(model, NULL));
    cr_expect_eq(lam_error_status(), LAM_ERR_NAME);
    cr_expect_eq(lam_model_decide(model, &y, 1, 0.5f, &z), LAM_ERR_NAME);
    cr_expect_eq(lam_model_compare(model, model, 1, 1, &largest), LAM_ERR_NAME);
    cr_expect_neq(lam_model_export(model, "/nowhere/m.c", NULL), LAM_OK);
    expect_message("softsing");
    cr_expect_null(lam_quantize(model, data));
    expect_message("softsing");
}

Test(unregistered, an_activation_is_needed_to_run)
{
    const lam_activation softsign = {.name = "softsign", .forward = forward, .backward = backward};
    cr_assert_eq(lam_register_activation(&softsign), LAM_OK);
    lam_dataset *data = lam_dataset_sine(40);
    lam_model *model = built("4:softsign,layer_norm:softsign,1");
    cr_assert_eq(fit(model, data, NULL), LAM_OK, "%s", lam_error_message());
    lam_model *loaded = renamed(model, "softsign", "softsing");

    lam_layer_info info;
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(lam_model_layer(loaded, i, &info), LAM_OK);
        cr_expect_str_eq(info.activation, "softsing");
    }
    cr_expect_eq(lam_model_status(loaded), LAM_OK);
    float a[21], b[21];
    cr_assert_eq(lam_model_parameters(loaded), 21);
    cr_expect_eq(lam_model_get_parameters(loaded, a, 21), LAM_OK);
    cr_expect_eq(lam_model_get_parameters(model, b, 21), LAM_OK);
    cr_expect_eq(memcmp(a, b, sizeof a), 0);
    expect_not_run(loaded, data);

    lam_model *back = renamed(loaded, "softsing", "softsign"); /* where it is registered again */
    const float x = 0.25f;
    float y, z;
    cr_expect_eq(lam_predict(back, &x, 1, &y), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(lam_predict(model, &x, 1, &z), LAM_OK);
    cr_expect_eq(y, z);
    lam_model_free(back);
    lam_model_free(loaded);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* A name that no program could register is no reason either. */
Test(unregistered, activations_and_losses_of_any_name)
{
    lam_dataset *data = lam_dataset_sine(40);
    lam_model *model = built("4:relu,1");
    cr_assert_eq(fit(model, data, "mean_squared_error"), LAM_OK);
    lam_model *loaded = renamed(model, "mean_squared_error", "Mean Squared Error");
    const float x = 0.25f;
    float y;
    cr_expect_eq(lam_predict(loaded, &x, 1, &y), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(evaluate(loaded, data, NULL), LAM_ERR_NAME);
    expect_message("'Mean Squared Error'");
    cr_expect_eq(evaluate(loaded, data, "mean_squared_error"), LAM_OK);
    lam_model_free(loaded);

    loaded = renamed(model, "relu", "ReLU");
    cr_expect_eq(lam_model_parameters(loaded), 13);
    cr_expect_eq(lam_predict(loaded, &x, 1, &y), LAM_ERR_NAME);
    expect_message("layer 0: unknown activation 'ReLU'; did you mean 'relu'?");
    lam_model *back = renamed(loaded, "ReLU", "relu");
    cr_expect_eq(lam_predict(back, &x, 1, &y), LAM_OK, "%s", lam_error_message());
    lam_model_free(back);
    lam_model_free(loaded);
    lam_model_free(model);
    lam_dataset_free(data);
}

static lam_model *with_initializers(const char *weights, const char *biases)
{
    lam_model *model = lam_model_new(1);
    lam_dense_options options = lam_dense_options_default();
    options.units = 3;
    options.initializer = weights;
    cr_assert_eq(lam_model_dense_with(model, &options), LAM_OK, "%s", lam_error_message());
    options.units = 1;
    options.bias_initializer = biases;
    cr_assert_eq(lam_model_dense_with(model, &options), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK, "%s", lam_error_message());
    return model;
}

/* What weights began with is needed by what draws them, and by nothing else. */
static void expect_drawn_only(const lam_model *model, const char *known, const char *other,
                              const char *message)
{
    lam_dataset *data = lam_dataset_sine(40);
    lam_model *loaded = renamed(model, known, other);
    const float x = 0.25f;
    float y, z, before[10], after[10];
    double largest = 1.0;
    cr_expect_eq(lam_predict(loaded, &x, 1, &y), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(lam_predict(model, &x, 1, &z), LAM_OK);
    cr_expect_eq(y, z);
    cr_expect_eq(lam_model_compare(model, loaded, 8, 1, &largest), LAM_OK);
    cr_expect_eq(largest, 0.0);
    cr_expect_eq(evaluate(loaded, data, NULL), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(lam_model_get_parameters(loaded, before, 10), LAM_OK);
    cr_expect_neq(lam_model_initialize(loaded, 1, NULL), LAM_OK);
    expect_message(message);
    cr_expect_eq(lam_model_get_parameters(loaded, after, 10), LAM_OK);
    cr_expect_eq(memcmp(before, after, sizeof before), 0);

    lam_model *back = renamed(loaded, other, known); /* the text is kept */
    cr_expect_eq(lam_model_initialize(back, 1, NULL), LAM_OK, "%s", lam_error_message());
    lam_model_free(back);
    cr_expect_eq(fit(loaded, data, NULL), LAM_OK, "%s", lam_error_message());
    lam_model_free(loaded);
    lam_dataset_free(data);
}

Test(unregistered, an_initializer_is_needed_to_draw)
{
    lam_model *model = with_initializers("he_normal", "random_uniform:0.25");
    expect_drawn_only(model, "he_normal", "le_cun_no", "layer 0: unknown initializer 'le_cun_no'");
    expect_drawn_only(model, "random_uniform:0.25", "truncated_normal:.1",
                      "layer 1: unknown initializer 'truncated_normal'");
    expect_drawn_only(model, "random_uniform:0.25", "random_uniform:-.25", "not a parameter");
    expect_drawn_only(model, "he_normal", "He normal", "layer 0: unknown initializer 'He normal'");
    lam_model_free(model);
}

/* A checkpoint is a model, whatever its run was asked to do. */
Test(unregistered, options_of_a_run_are_needed_to_go_on)
{
    static const struct {
        const char *known, *other;
    } changed[] = {{"\\\"optimizer\\\":\\\"adam\\\"", "\\\"optimizer\\\":\\\"lion\\\""},
                   {"\\\"decay\\\"", "\\\"cosin\\\""},
                   {"\\\"nearest\\\"", "\\\"mirrors\\\""}};
    lam_dataset *data = lam_dataset_sine(40);
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        lam_model *model = built("4:relu,1");
        lam_trainer *trainer = lam_trainer_new(model, NULL);
        cr_assert_not_null(trainer, "%s", lam_error_message());
        static unsigned char bytes[1 << 16];
        size_t size;
        cr_assert_eq(lam_trainer_save_memory(trainer, bytes, sizeof bytes, &size), LAM_OK);
        const size_t length = strlen(changed[i].known);
        size_t found = 0;
        for (size_t at = 0; at + length <= size; at++)
            if (memcmp(bytes + at, changed[i].known, length) == 0 && ++found)
                memcpy(bytes + at, changed[i].other, length);
        cr_assert_eq(found, 1, "%s", changed[i].known);
        lam_model *loaded = lam__model_parse_unchecked(bytes, size, "m");
        cr_assert_not_null(loaded, "%s", lam_error_message());
        const float x = 0.25f;
        float y;
        cr_expect_eq(lam_predict(loaded, &x, 1, &y), LAM_OK, "%s", lam_error_message());
        lam_model_free(loaded);
        lam_trainer_free(trainer);
        lam_model_free(model);
    }
    lam_dataset_free(data);
}
