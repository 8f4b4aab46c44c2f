/* test_c_source.c: models as C files: compiled by the compilers at hand, run, and compared. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/comma_locale.h"
#include "../support/compilers.h"
#include "../support/layer_texts.h"
#include "../support/model_files.h"
#include "../support/scratch.h"
#include "base/philox.h"
#include "formats/c_export/c_source.h"

enum { SAMPLES = 300, FEATURES = 7 };

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

TestSuite(c_source, .init = make_folder, .fini = remove_folder, .timeout = 300);

enum { MOST = 64 }; /* models in one program */

static size_t write_samples(const lam_model *model, float *x)
{
    lam__stream stream = lam__stream_open(lam__derive_key(3, LAM__FOR_TOY, 1), 0);
    const size_t count = SAMPLES * lam_model_features(model);
    for (size_t i = 0; i < count; i++)
        x[i] =
            (float)(model->transform.kind == LAM_TRANSFORM_SCALE ? 255 * lam__next_uniform(&stream)
                                                                 : 2 * lam__next_normal(&stream));
    return count;
}

/* Compiles the networks with their self-tests, and holds their outputs to the models'. */
static void hold(const compiler *c, const float *expected, size_t count, float most)
{
    char line[1024], path[512];
    if (!compiler_works(c, folder))
        return;
    cr_assert_eq(program_run(c, folder, line), 0, "%s", line);
    if (!c->run)
        return;
    size_t size;
    float *y = (float *)scratch_read(scratch_path(folder, "y", path), &size);
    cr_assert_eq(size, count * sizeof *y);
    for (size_t i = 0; i < count; i++)
        cr_assert_leq(fabsf(y[i] - expected[i]), most * fmaxf(1.0f, fabsf(expected[i])),
                      "%s: output %zu: %g, not %g", c->command, i, (double)y[i],
                      (double)expected[i]);
    free(y);
}

static void hold_everywhere(lam_model *const *models, size_t count)
{
    char path[512], name[32];
    size_t inputs = 0, outputs = 0;
    cr_assert_leq(count, MOST);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(lam_model_status(models[i]), LAM_OK, "%s", lam_error_message());
        inputs += SAMPLES * lam_model_features(models[i]);
        outputs += SAMPLES * lam_model_outputs(models[i]);
    }
    float *x = malloc(inputs * sizeof *x), *y = malloc(outputs * sizeof *y), *in = x, *out = y;
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "net%zu.c", i);
        const size_t drawn = write_samples(models[i], in);
        cr_assert_eq(lam_predict(models[i], in, SAMPLES, out), LAM_OK);
        cr_assert_eq(lam__c_source_write(models[i], scratch_path(folder, name, path), NULL), LAM_OK,
                     "%s", lam_error_message());
        in += drawn;
        out += SAMPLES * lam_model_outputs(models[i]);
        lam_model_free(models[i]);
    }
    scratch_write(scratch_path(folder, "x", path), x, inputs * sizeof *x);
    program_write(folder, count, SAMPLES);
    if (!any_compiler_works(folder))
        cr_skip_test("no compiler that works");
    for (size_t i = 0; i < COMPILERS; i++)
        hold(&compilers[i], y, outputs, 1e-5f);
    free(x);
    free(y);
}

/* Biases start at zero: other values tell more. */
static void draw_biases(lam_model *model)
{
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        lam_tensor tensor;
        lam_model_tensor(model, i, &tensor);
        for (size_t j = 0; tensor.rows == 1 && j < tensor.cols; j++)
            tensor.data[j] = 0.1f * (float)((int)(j % 7) - 3);
    }
}

/* Every activation in the middle of one chain. */
Test(c_source, equals_the_library_for_every_activation_inside)
{
    lam_model *model = lam_model_new(FEATURES);
    for (size_t i = 0; i < lam_catalog_size(LAM_ACTIVATION); i++) {
        lam_catalog_entry entry;
        lam_catalog(LAM_ACTIVATION, i, &entry);
        lam_model_dense(model, 5 + 3 * i, entry.name);
        lam_model_dropout(model, 0.5f);
        if (i % 2)
            lam_model_layer_norm(model, 1e-3f);
    }
    lam_model_dense(model, 3, "linear");
    lam_model_initialize(model, 1, NULL);
    draw_biases(model);
    hold_everywhere(&model, 1);
}

/* And at the end, with each input transform and with widths around the four taken together. */
Test(c_source, equals_the_library_for_every_activation_at_the_end)
{
    lam_model *models[MOST];
    const size_t count = lam_catalog_size(LAM_ACTIVATION);
    cr_assert_leq(count, MOST);
    for (size_t i = 0; i < count; i++) {
        lam_catalog_entry entry;
        lam_catalog(LAM_ACTIVATION, i, &entry);
        const size_t features = 1 + i;
        lam_model *model = models[i] = lam_model_new(features);
        float x[64];
        for (size_t j = 0; j < 64; j++)
            x[j] = (float)(j * j % 31);
        lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, 64 / features, features, LAM_BORROW);
        if (i % 3 == 1)
            lam_model_scale_input(model, 0, 255, -1, 1);
        if (i % 3 == 2)
            lam_model_standardize_input(model, set);
        lam_dataset_free(set);
        if (i > 0)
            lam_model_dense(model, 33, "tanh");
        lam_model_dense(model, 4, entry.name);
        lam_model_initialize(model, i, NULL);
        draw_biases(model);
    }
    hold_everywhere(models, count);
}

Test(c_source, equals_the_library_for_layer_normalization)
{
    lam_model *model = lam_model_new(FEATURES);
    lam_model_add_layers(model, "layer_norm,17:linear,layer_norm:tanh,5:linear,layer_norm:softmax");
    lam_model_initialize(model, 4, NULL);
    draw_biases(model);
    hold_everywhere(&model, 1);
}

/* Every row of the table of layers: the first, inside and the last of a network. */
Test(c_source, equals_the_library_for_every_layer)
{
    lam_model *models[MOST];
    size_t count = 0;
    char text[128];
    for (size_t i = 0; layer_text(i, i % 2 ? "tanh" : "relu", text, sizeof text); i++) {
        lam_model *model = models[count++] = lam_model_new(FEATURES);
        cr_assert_leq(count, MOST);
        lam_model_add_layers(model, text);
        lam_model_dense(model, 5, "linear");
        lam_model_add_layers(model, text);
        lam_model_dense(model, 4, "linear");
        lam_model_add_layers(model, text);
        lam_model_initialize(model, i, NULL);
        draw_biases(model);
    }
    hold_everywhere(models, count);
}

Test(c_source, equals_the_library_for_a_wide_network)
{
    lam_model *model = lam_model_new(784);
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, "128:relu,dropout:0.1,128:relu,10:softmax");
    lam_model_initialize(model, 4, NULL);
    draw_biases(model);
    hold_everywhere(&model, 1);
}

static unsigned char *written(const lam_model *model, const char *file, const char *shown,
                              size_t *size)
{
    char path[512];
    cr_assert_eq(lam__c_source_write(model, scratch_path(folder, file, path), NULL), LAM_OK, "%s",
                 lam_error_message());
    unsigned char *bytes = scratch_read(scratch_path(folder, shown, path), size);
    cr_assert_not_null(bytes);
    bytes[*size] = '\0';
    return bytes;
}

Test(c_source, has_the_same_bytes_in_every_locale)
{
    lam_model *model = sample_model();
    size_t size, other;
    unsigned char *first = written(model, "net.c", "net.c", &size);
    if (!comma_locale_enter())
        cr_skip_test("no locale with a decimal comma");
    unsigned char *again = written(model, "net.c", "net.c", &other);
    setlocale(LC_ALL, "C");
    cr_expect_eq(size, other);
    cr_expect_arr_eq(first, again, size);
    free(first);
    free(again);
    lam_model_free(model);
}

Test(c_source, header_tells_sizes_and_class_names_stay_ascii)
{
    lam_model *model = sample_model();
    size_t size;
    char *header = (char *)written(model, "my-net.c", "my-net.h", &size);
    cr_expect_not_null(strstr(header, "#define MY_NET_INPUTS 3\n"));
    cr_expect_not_null(strstr(header, "#define MY_NET_OUTPUTS 2\n"));
    cr_expect_not_null(strstr(header, "#define MY_NET_CLASSES 2\n"));
    cr_expect_not_null(strstr(header, "void my_net_predict(const float *x, float *y);\n"));
    char *source = (char *)written(model, "my-net.c", "my-net.c", &size);
    cr_expect_not_null(strstr(source, "\"caf\\303\\251 \\\"au\\\" lait\""), "%s", source);
    for (size_t i = 0, column = 0; i < size; i++) {
        cr_assert_lt((unsigned char)source[i], 0x80);
        column = source[i] == '\n' ? 0 : column + 1;
        cr_assert_leq(column, 160);
    }
    free(header);
    free(source);
    lam_model_free(model);
}

static void refuse(lam_model *model, const char *file, const char *name, lam_status status,
                   const char *words)
{
    char path[512];
    cr_expect_eq(lam__c_source_write(model, scratch_path(folder, file, path), name), status);
    cr_expect_not_null(strstr(lam_error_message(), words), "%s", lam_error_message());
    cr_expect_eq(scratch_count(folder), 0);
}

static void cube(size_t n, const float *z, float *y, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++)
        y[i] = z[i] * z[i] * z[i];
}

static void cube_slope(size_t n, const float *z, const float *y, const float *dy, float *dz,
                       void *user)
{
    (void)user, (void)y;
    for (size_t i = 0; i < n; i++)
        dz[i] = dy[i] * 3 * z[i] * z[i];
}

Test(c_source, refuses_what_c_cannot_tell)
{
    lam_model *model = sample_model();
    refuse(model, "net.txt", NULL, LAM_ERR_ARGUMENT, "is called NAME.c");
    refuse(model, ".c", NULL, LAM_ERR_ARGUMENT, "is called NAME.c");
    refuse(model, "a\"b.c", NULL, LAM_ERR_ARGUMENT, "cannot stand");
    refuse(model, "9.c", NULL, LAM_ERR_ARGUMENT, "give another name");
    refuse(model, "net.c", "a b", LAM_ERR_ARGUMENT, "not a C identifier");
    refuse(model, "net.c", "", LAM_ERR_ARGUMENT, "not a C identifier");
    model->parameters[0] = NAN;
    refuse(model, "net.c", NULL, LAM_ERR_NUMERIC, "not a finite number");
    lam_model_free(model);
    const lam_activation own = {.name = "cube", .forward = cube, .backward = cube_slope};
    cr_assert_eq(lam_register_activation(&own), LAM_OK);
    model = lam_model_new(2);
    lam_model_dense(model, 2, "cube");
    lam_model_initialize(model, 1, NULL);
    refuse(model, "net.c", NULL, LAM_ERR_UNSUPPORTED, "layer 0: the activation 'cube'");
    lam_model_free(model);
}
