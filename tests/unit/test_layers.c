/* test_layers.c: every row of the table of layers: its text, its place in model files, and its
 * gradients against central differences. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/layer_texts.h"
#include "model/network.h"

enum { FEATURES = 6, OUTPUTS = 3, ROWS = 5, MOST_BYTES = 1 << 16 };

/* A dense layer, the layer with an activation, a dense layer. NULL after the last row. */
static lam_model *network(size_t row, const char *activation)
{
    char text[128], all[256];
    if (!layer_text(row, activation, text, sizeof text))
        return NULL;
    lam_model *model = lam_model_new(FEATURES);
    snprintf(all, sizeof all, "5:tanh,%s,%d:linear", text, OUTPUTS);
    cr_assert_eq(lam_model_add_layers(model, all), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_initialize(model, 3, NULL), LAM_OK);
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        lam_tensor tensor;
        lam_model_tensor(model, i, &tensor);
        for (size_t j = 0; tensor.rows == 1 && j < tensor.cols; j++)
            tensor.data[j] += 0.1f * (float)((int)((3 * i + j) % 7) - 3);
    }
    return model;
}

Test(layers, text_reads_back)
{
    char text[128], written[128], usage[128];
    const lam__layer_type *type;
    for (size_t i = 0; (type = layer_text(i, "tanh", text, sizeof text)); i++) {
        lam_model *model = lam_model_new(FEATURES);
        cr_assert_eq(lam_model_add_layers(model, text), LAM_OK, "%s", lam_error_message());
        cr_assert_eq(lam_model_layer_text(model, 0, written, sizeof written), LAM_OK);
        cr_expect_str_eq(written, text);
        cr_expect_eq(lam_model_layer_text(model, 0, written, strlen(text)), LAM_ERR_ARGUMENT);
        lam__layer_usage(type, usage, sizeof usage);
        cr_expect_eq(strncmp(type->help, usage, strlen(usage)), 0, "%s: %s", usage, type->help);
        lam_model_free(model);
        model = lam_model_new(FEATURES);
        cr_expect_eq(lam_model_add_layers(model, "no_such_layer"), LAM_ERR_ARGUMENT);
        cr_expect(strstr(lam_error_message(), usage), "%s", lam_error_message());
        lam_model_free(model);
    }
}

Test(layers, defaults_are_left_out)
{
    static const char *const texts[] = {
        "7", "7:relu", "layer_norm", "layer_norm:tanh", "layer_norm:0.01", "dropout:0.25"};
    char written[128];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lam_model *model = lam_model_new(FEATURES);
        cr_assert_eq(lam_model_add_layers(model, texts[i]), LAM_OK);
        cr_assert_eq(lam_model_layer_text(model, 0, written, sizeof written), LAM_OK);
        cr_expect_str_eq(written, texts[i]);
        lam_model_free(model);
    }
}

Test(layers, numbers_have_their_names)
{
    lam_model *model = lam_model_new(FEATURES);
    const char *name;
    float value;
    lam_model_add_layers(model, "4:relu,dropout:0.25,layer_norm:0.5");
    cr_expect_eq(lam_model_layer_numbers(model, 0), 4);
    cr_expect_eq(lam_model_layer_numbers(model, 3), 0);
    cr_assert_eq(lam_model_layer_number(model, 0, 1, &name, &value), LAM_OK);
    cr_expect_str_eq(name, "l2");
    cr_expect_float_eq(value, LAM_INHERIT, 0.0f);
    cr_assert_eq(lam_model_layer_number(model, 1, 0, &name, &value), LAM_OK);
    cr_expect_str_eq(name, "rate");
    cr_expect_float_eq(value, 0.25f, 0.0f);
    cr_assert_eq(lam_model_layer_number(model, 2, 0, &name, &value), LAM_OK);
    cr_expect_str_eq(name, "epsilon");
    cr_expect_eq(lam_model_layer_number(model, 2, 1, &name, &value), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_layer_number(model, 3, 0, &name, &value), LAM_ERR_ARGUMENT);
    lam_model_free(model);
}

Test(layers, model_file_keeps_all)
{
    static unsigned char bytes[MOST_BYTES];
    lam_model *model;
    for (size_t i = 0; (model = network(i, "sigmoid")); i++) {
        size_t size;
        char text[128], read[128];
        float x[ROWS * FEATURES], y[ROWS * OUTPUTS], again[ROWS * OUTPUTS];
        for (size_t k = 0; k < ROWS * FEATURES; k++)
            x[k] = sinf((float)k);
        if (lam_model_save_memory(model, bytes, sizeof bytes, &size) == LAM_ERR_UNSUPPORTED)
            cr_skip_test("a build without model files");
        lam_model *copy = lam_model_load_memory(bytes, size);
        cr_assert_not_null(copy, "%s", lam_error_message());
        for (size_t l = 0; l < lam_model_layers(model); l++) {
            lam_model_layer_text(model, l, text, sizeof text);
            lam_model_layer_text(copy, l, read, sizeof read);
            cr_expect_str_eq(text, read);
        }
        cr_assert_eq(lam_predict(model, x, ROWS, y), LAM_OK);
        cr_assert_eq(lam_predict(copy, x, ROWS, again), LAM_OK);
        cr_expect_arr_eq(y, again, sizeof y);
        lam_model_free(copy);
        lam_model_free(model);
    }
}

/* The loss as the trainer computes it, in float inside: good for differences over a wide step. */
static double loss_of(lam_trainer *trainer, const lam_batch *batch)
{
    lam_scores scores;
    cr_assert_eq(lam_trainer_gradients(trainer, batch, &scores), LAM_OK, "%s", lam_error_message());
    return scores.loss;
}

static void check_gradients(lam_model *model)
{
    static const float step = 0x1p-6f;
    float x[ROWS * FEATURES], targets[ROWS * OUTPUTS], copy[1024];
    for (size_t k = 0; k < ROWS * FEATURES; k++)
        x[k] = 1.5f * sinf(1.7f * (float)k + 0.3f);
    for (size_t k = 0; k < ROWS * OUTPUTS; k++)
        targets[k] = cosf((float)k);
    const lam_batch batch = {.rows = ROWS, .x = x, .targets = targets};
    lam_fit_options options = lam_fit_options_default();
    options.loss = "mean_squared_error";
    options.batch_size = ROWS;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    for (size_t t = 0; t < lam_model_tensors(model); t++) {
        lam_tensor values, gradient;
        lam_model_tensor(model, t, &values);
        const size_t count = values.rows * values.cols;
        cr_assert_leq(count, 1024);
        loss_of(trainer, &batch);
        cr_assert_eq(lam_trainer_gradient(trainer, t, &gradient), LAM_OK);
        memcpy(copy, gradient.data, count * sizeof *copy);
        for (size_t k = 0; k < count; k++) {
            const float was = values.data[k];
            values.data[k] = was + step;
            const double above = loss_of(trainer, &batch);
            values.data[k] = was - step;
            const double below = loss_of(trainer, &batch);
            values.data[k] = was;
            const double slope = (above - below) / (2 * (double)step);
            cr_expect_leq(fabs(slope - copy[k]), 1e-3 + 2e-3 * fabs(slope), "%s[%zu]: %g, not %g",
                          values.name, k, (double)copy[k], slope);
        }
    }
    lam_trainer_free(trainer);
}

Test(layers, gradients)
{
    lam_model *model;
    for (size_t i = 0; (model = network(i, "tanh")); i++) {
        if (!model->layers[1].type->only_training) /* the others draw anew at each step */
            check_gradients(model);
        lam_model_free(model);
    }
}
