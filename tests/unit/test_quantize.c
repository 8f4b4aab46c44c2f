/* test_quantize.c: networks of 8-bit integers: near the floats, and the same bits as their C file.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/compilers.h"
#include "../support/layer_texts.h"
#include "../support/model_files.h"
#include "../support/scratch.h"
#include "base/philox.h"
#include "infer/quantized.h"

enum { SAMPLES = 400, FEATURES = 9 };

static char folder[256];

static void make_folder(void)
{
    scratch_make(folder);
}

static void remove_folder(void)
{
    char line[300];
    snprintf(line, sizeof line, "rm -rf '%s'", folder);
    cr_assert_eq(system(line), 0);
}

TestSuite(quantize, .init = make_folder, .fini = remove_folder, .timeout = 300);

static void draw(float *x, size_t count, bool bytes)
{
    lam__stream stream = lam__stream_open(lam__derive_key(7, LAM__FOR_TOY, 2), 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(bytes ? floor(256 * lam__next_uniform(&stream))
                             : 2 * lam__next_normal(&stream) + 0.5);
}

static void draw_biases(lam_model *model)
{
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        lam_tensor tensor;
        lam_model_tensor(model, i, &tensor);
        for (size_t j = 0; tensor.rows == 1 && j < tensor.cols; j++)
            tensor.data[j] = 0.1f * (float)((int)(j % 7) - 3);
    }
}

/* On the machine that ran the library the bits are the same; on another, libm may differ. */
static void hold(const compiler *c, const float *expected, size_t count)
{
    char line[1024], path[512];
    if (!compiler_works(c, folder))
        return;
    cr_assert_eq(program_run(c, folder, line), 0, "%s", line);
    if (!c->run)
        return;
    size_t bytes;
    float *y = (float *)scratch_read(scratch_path(folder, "y", path), &bytes);
    cr_assert_eq(bytes, count * sizeof *y);
    if (*c->run)
        for (size_t i = 0; i < count; i++)
            cr_assert_float_eq(y[i], expected[i], 1e-6f * fmaxf(1.0f, fabsf(expected[i])));
    else
        cr_assert_arr_eq(y, expected, count * sizeof *y, "%s %s", c->command, c->flags);
    free(y);
}

/* A network with the data it is quantized on: bytes or not, and how far from the floats it may be,
 * as a share of their range. */
typedef struct candidate {
    lam_model *model;
    bool bytes;
    double most;
} candidate;

enum { MOST = 64 }; /* networks in one program */

/* Quantizes on x, compares the outputs y with the floats, exports to folder/file. */
static void quantize(const candidate *one, float *x, float *y, const char *file)
{
    char path[512];
    lam_model *model = one->model;
    const size_t features = lam_model_features(model);
    const size_t count = SAMPLES * lam_model_outputs(model);
    float *exact = malloc(count * sizeof *exact);
    draw(x, SAMPLES * features, one->bytes);
    lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, SAMPLES, features, LAM_BORROW);
    lam_quantized *q = lam_quantize(model, set);
    cr_assert_not_null(q, "%s", lam_error_message());
    cr_assert_eq(lam_predict(model, x, SAMPLES, exact), LAM_OK);
    cr_assert_eq(lam_quantized_predict(q, x, SAMPLES, y), LAM_OK);
    double difference = 0;
    float lowest = 0, highest = 0; /* not fmin, fmax of doubles: they crash gcc 12 for aarch64 */
    for (size_t i = 0; i < count; i++) {
        lowest = exact[i] < lowest ? exact[i] : lowest;
        highest = exact[i] > highest ? exact[i] : highest;
        difference = fmax(difference, fabs((double)y[i] - exact[i]));
    }
    const double range = (double)highest - lowest;
    cr_expect_leq(difference, one->most * range, "%s: %g of %g", file, difference, range);
    cr_expect_gt(difference, 0.0);
    cr_assert_eq(lam_quantized_export(q, scratch_path(folder, file, path), NULL), LAM_OK, "%s",
                 lam_error_message());
    lam_quantized_free(q);
    lam_dataset_free(set);
    free(exact);
}

/* Quantizes each, compares with the floats and with the C files. */
static void check(const candidate *all, size_t count)
{
    char path[512], name[32];
    size_t inputs = 0, outputs = 0;
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(lam_model_status(all[i].model), LAM_OK, "%s", lam_error_message());
        inputs += SAMPLES * lam_model_features(all[i].model);
        outputs += SAMPLES * lam_model_outputs(all[i].model);
    }
    float *x = malloc(inputs * sizeof *x), *y = malloc(outputs * sizeof *y), *in = x, *out = y;
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "net%zu.c", i);
        quantize(&all[i], in, out, name);
        in += SAMPLES * lam_model_features(all[i].model);
        out += SAMPLES * lam_model_outputs(all[i].model);
        lam_model_free(all[i].model);
    }
    scratch_write(scratch_path(folder, "x", path), x, inputs * sizeof *x);
    program_write(folder, count, SAMPLES);
    if (!any_compiler_works(folder))
        cr_skip_test("no compiler that works");
    for (size_t i = 0; i < COMPILERS; i++)
        hold(&compilers[i], y, outputs);
    free(x);
    free(y);
}

Test(quantize, every_activation_inside)
{
    lam_model *model = lam_model_new(FEATURES);
    for (size_t i = 0; i < lam_catalog_size(LAM_ACTIVATION); i++) {
        lam_catalog_entry entry;
        lam_catalog(LAM_ACTIVATION, i, &entry);
        lam_model_dense(model, 12 + i, entry.name);
        lam_model_dropout(model, 0.5f);
    }
    lam_model_dense(model, 3, "linear");
    lam_model_initialize(model, 1, NULL);
    draw_biases(model);
    check(&(candidate){model, false, 0.15}, 1);
}

Test(quantize, every_activation_at_the_end)
{
    candidate all[MOST];
    const size_t count = lam_catalog_size(LAM_ACTIVATION);
    cr_assert_leq(count, MOST);
    for (size_t i = 0; i < count; i++) {
        lam_catalog_entry entry;
        lam_catalog(LAM_ACTIVATION, i, &entry);
        lam_model *model = lam_model_new(FEATURES);
        float x[FEATURES * 50];
        draw(x, FEATURES * 50, i % 3 == 1);
        lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, 50, FEATURES, LAM_BORROW);
        if (i % 3 == 1)
            lam_model_scale_input(model, 0, 255, -1, 1);
        if (i % 3 == 2)
            lam_model_standardize_input(model, set);
        lam_dataset_free(set);
        lam_model_dense(model, 33, i % 2 ? "tanh" : "relu");
        lam_model_dense(model, 4, entry.name);
        lam_model_initialize(model, i, NULL);
        draw_biases(model);
        all[i] = (candidate){model, i % 3 == 1, 0.05};
    }
    check(all, count);
}

Test(quantize, layer_normalization)
{
    lam_model *model = lam_model_new(FEATURES);
    lam_model_add_layers(model, "31:linear,layer_norm:relu,17:linear,layer_norm:tanh,5:linear,"
                                "layer_norm:linear");
    lam_model_initialize(model, 4, NULL);
    draw_biases(model);
    check(&(candidate){model, false, 0.08}, 1);
}

/* Every row of the table of layers: the first, inside, before a row's activation, and the last. */
Test(quantize, every_layer)
{
    candidate all[MOST];
    size_t count = 0;
    char text[128], softmax[128];
    for (size_t i = 0; layer_text(i, i % 2 ? "relu" : "tanh", text, sizeof text); i++) {
        lam_model *model = lam_model_new(FEATURES);
        cr_assert_leq(count, MOST);
        layer_text(i, "softmax", softmax, sizeof softmax);
        lam_model_add_layers(model, text);
        lam_model_dense(model, 15, "linear");
        lam_model_add_layers(model, softmax);
        lam_model_dense(model, 9, "linear");
        lam_model_add_layers(model, text);
        lam_model_initialize(model, 4 + i, NULL);
        draw_biases(model);
        all[count++] = (candidate){model, false, 0.15};
    }
    check(all, count);
}

Test(quantize, a_wide_network)
{
    lam_model *model = lam_model_new(784);
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, "128:relu,dropout:0.1,128:relu,10:softmax");
    lam_model_initialize(model, 4, NULL);
    draw_biases(model);
    check(&(candidate){model, true, 0.05}, 1);
}

Test(quantize, is_a_quarter_of_the_size)
{
    lam_model *model = lam_model_new(784);
    lam_model_add_layers(model, "128:relu,128:relu,10:softmax");
    lam_model_initialize(model, 4, NULL);
    float *x = calloc(784, sizeof *x);
    lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, 1, 784, LAM_BORROW);
    lam_quantized *q = lam_quantize(model, set);
    cr_assert_not_null(q);
    const double share =
        (double)lam_quantized_bytes(q) / (4.0 * (double)lam_model_parameters(model));
    cr_expect_leq(share, 0.26, "%g", share);
    lam_quantized_free(q);
    lam_dataset_free(set);
    lam_model_free(model);
    free(x);
}

/* Data that never occur, columns of zeros, biases larger than any weight, values beyond the range.
 */
Test(quantize, survives_what_calibration_did_not_see)
{
    lam_model *model = lam_model_new(2);
    lam_model_add_layers(model, "3:relu,3:tanh,2:linear");
    lam_model_initialize(model, 1, NULL);
    float parameters[29] = {0};
    parameters[6] = 1e30f;
    parameters[7] = -1e30f;
    cr_assert_eq(lam_model_set_parameters(model, parameters, lam_model_parameters(model)), LAM_OK);
    const float x[] = {0, 0}, odd[] = {INFINITY, -INFINITY, NAN, 1e30f};
    float y[4];
    lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, 1, 2, LAM_COPY);
    lam_quantized *q = lam_quantize(model, set);
    cr_assert_not_null(q, "%s", lam_error_message());
    cr_expect_eq(lam_quantized_predict(q, odd, 2, y), LAM_ERR_NUMERIC, "no byte stands for NaN");
    cr_expect(strstr(lam_error_message(), "feature 0 of sample 1 is nan"), "%s",
              lam_error_message());
    cr_assert_eq(lam_quantized_predict(q, odd, 1, y), LAM_OK);
    for (size_t i = 0; i < 2; i++)
        cr_expect(isfinite(y[i]));
    lam_quantized_free(q);
    lam_dataset_free(set);
    lam_model_free(model);
}

Test(quantize, evaluates_as_the_library_does)
{
    lam_dataset *set = lam_dataset_load("spiral", LAM_SPLIT_TRAIN, NULL);
    lam_model *model = lam_model_new(2);
    lam_model_add_layers(model, "32:relu,32:relu,3:softmax");
    lam_fit_options options = lam_fit_options_default();
    options.epochs = 150;
    options.learning_rate = 0.01f;
    cr_assert_eq(lam_fit(model, set, &options, NULL), LAM_OK);
    lam_quantized *q = lam_quantize(model, set);
    lam_scores floats, integers;
    options.metrics = "accuracy";
    cr_assert_eq(lam_evaluate(model, set, &options, &floats), LAM_OK);
    cr_assert_eq(lam_quantized_evaluate(q, set, &options, &integers), LAM_OK);
    const double before = lam_scores_get(&floats, "accuracy");
    const double after = lam_scores_get(&integers, "accuracy");
    cr_expect_gt(before, 0.8);
    cr_expect_leq(fabs(before - after), 0.03, "%g, then %g", before, after);
    cr_expect(isnan(integers.loss));
    lam_quantized_free(q);
    lam_model_free(model);
    lam_dataset_free(set);
}

Test(quantize, refuses_what_does_not_fit)
{
    const float x[] = {1, 2, 3};
    lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, 1, 3, LAM_COPY);
    lam_model *model = lam_model_new(2);
    lam_model_dense(model, 1, "linear");
    cr_expect_null(lam_quantize(model, set));
    cr_expect_eq(lam_error_status(), LAM_ERR_STATE);
    lam_model_initialize(model, 1, NULL);
    cr_expect_null(lam_quantize(model, set));
    cr_expect_eq(lam_error_status(), LAM_ERR_SHAPE);
    cr_expect_null(lam_quantize(NULL, set));
    cr_expect_null(lam_quantize(model, NULL));
    lam_model_free(model);
    lam_dataset_free(set);
}
