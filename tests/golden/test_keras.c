/* test_keras.c: networks saved by Keras 2 and 3 give here what they gave there. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#define FOLDER GOLDEN_DATA "/keras"

static float next_number(FILE *file)
{
    double value;
    cr_assert_eq(fscanf(file, "%lf", &value), 1);
    return (float)value;
}

/* Holds a file to the samples and outputs in FILE.txt. */
static void hold(const char *name)
{
    char path[512];
    size_t rows, inputs, outputs;
    snprintf(path, sizeof path, FOLDER "/%s.txt", name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fscanf(file, "%zu %zu %zu", &rows, &inputs, &outputs), 3);
    snprintf(path, sizeof path, FOLDER "/%s", name);
    lam_model *model = lam_model_import(path, NULL);
    cr_assert_not_null(model, "%s", lam_error_message());
    cr_expect_eq(lam_model_features(model), inputs);
    cr_expect_eq(lam_model_outputs(model), outputs);
    float *x = malloc(inputs * sizeof *x), *y = malloc(outputs * sizeof *y);
    /* half precision computed in half precision is what Keras was asked for */
    const double most = strstr(name, "float16") ? 4e-3 : 1e-5;
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < inputs; i++)
            x[i] = next_number(file);
        cr_assert_eq(lam_predict(model, x, 1, y), LAM_OK);
        for (size_t i = 0; i < outputs; i++) {
            const double expected = next_number(file);
            cr_assert_leq(fabs(y[i] - expected), most * fmax(1, fabs(expected)),
                          "%s: row %zu, output %zu: %g, not %g", name, r, i, (double)y[i],
                          expected);
        }
    }
    fclose(file);
    free(x);
    free(y);
    lam_model_free(model);
}

static bool knows_layer(const char *name)
{
    lam_catalog_entry entry;
    for (size_t i = 0; i < lam_catalog_size(LAM_LAYER); i++)
        if (lam_catalog(LAM_LAYER, i, &entry) == LAM_OK && strcmp(entry.name, name) == 0)
            return true;
    return false;
}

Test(keras, every_file_gives_what_keras_gave)
{
    DIR *folder = opendir(FOLDER);
    size_t files = 0;
    cr_assert_not_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        const size_t length = strlen(entry->d_name);
        char name[256];
        if (length < 5 || strcmp(entry->d_name + length - 4, ".txt") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)length - 4, entry->d_name);
        if (strstr(name, "layer_norm") && !knows_layer("layer_norm"))
            continue;
        hold(name);
        files++;
    }
    closedir(folder);
    cr_expect_geq(files, 30);
}

static const struct {
    const char *file, *words[2];
} refused[] = {
    {"k3_convolution.keras", {"layer 'conv1d", "(Conv1D)"}},
    {"k3_leaky.keras", {"layer 'leaky_re_lu", "(LeakyReLU)"}},
    {"k3_relu6.keras", {"(ReLU)", "a maximum, slope or threshold"}},
    {"k3_unknown_activation.keras", {"(Dense)", "unknown activation 'mish'"}},
    {"k3_not_flat.keras", {"(Dense)", "Flatten should come before it"}},
    {"k3_branches.keras", {"layer 'dense", "not a chain of layers"}},
    {"k3_bare_scaling.keras", {"k3_bare_scaling.keras", ""}},
    {"k2_convolution.h5", {"layer 'conv1d", "(Conv1D)"}},
    {"k2_leaky.h5", {"layer 'leaky_re_lu", "(LeakyReLU)"}},
    {"k2_relu6.h5", {"(ReLU)", "a maximum, slope or threshold"}},
    {"k2_branches.h5", {"layer 'dense", "not a chain of layers"}},
    {"k2_own_dense.h5", {"layer 'dense", "which has no such key (factor)"}},
};

Test(keras, what_a_model_cannot_tell_is_refused_by_name)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char path[512];
        snprintf(path, sizeof path, FOLDER "/refused/%s", refused[i].file);
        cr_expect_null(lam_model_import(path, NULL), "%s", refused[i].file);
        for (size_t w = 0; w < 2; w++)
            cr_expect_not_null(strstr(lam_error_message(), refused[i].words[w]), "%s: %s",
                               refused[i].file, lam_error_message());
    }
}

/* The whole test split, where the data are installed: as many right as in Keras. */
Test(keras, fashion_scores_what_it_scored)
{
    float accuracy = 0;
    FILE *file = fopen(FOLDER "/fashion.accuracy", "r");
    cr_assert_not_null(file);
    cr_assert_eq(fscanf(file, "%f", &accuracy), 1);
    fclose(file);
    lam_dataset *data = lam_dataset_load("/usr/share/datasets/fashion-mnist", LAM_SPLIT_TEST, NULL);
    if (!data)
        cr_skip_test("no Fashion-MNIST here; 20 of its images are in fashion.keras.txt");
    lam_model *model = lam_model_import(FOLDER "/fashion.keras", NULL);
    cr_assert_not_null(model, "%s", lam_error_message());
    lam_scores scores;
    lam_fit_options options = lam_fit_options_default();
    options.metrics = "accuracy";
    cr_assert_eq(lam_evaluate(model, data, &options, &scores), LAM_OK);
    cr_expect_leq(fabs(lam_scores_get(&scores, "accuracy") - accuracy), 1e-4, "%g, not %g",
                  lam_scores_get(&scores, "accuracy"), (double)accuracy);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* In 8-bit integers it loses at most half a point. */
Test(keras, fashion_in_integers_scores_nearly_as_much)
{
    static const char path[] = "/usr/share/datasets/fashion-mnist";
    lam_dataset *train = lam_dataset_load(path, LAM_SPLIT_TRAIN, NULL);
    lam_dataset *test = lam_dataset_load(path, LAM_SPLIT_TEST, NULL);
    if (!train || !test)
        cr_skip_test("no Fashion-MNIST here; tests/unit/test_quantize.c needs none");
    lam_model *model = lam_model_import(FOLDER "/fashion.keras", NULL);
    cr_assert_not_null(model, "%s", lam_error_message());
    lam_quantized *quantized = lam_quantize(model, train);
    cr_assert_not_null(quantized, "%s", lam_error_message());
    lam_scores floats, integers;
    cr_assert_eq(lam_evaluate(model, test, NULL, &floats), LAM_OK);
    cr_assert_eq(lam_quantized_evaluate(quantized, test, NULL, &integers), LAM_OK);
    const double before = lam_scores_get(&floats, "accuracy");
    const double after = lam_scores_get(&integers, "accuracy");
    cr_expect_geq(after, before - 0.005, "%g, then %g", before, after);
    lam_quantized_free(quantized);
    lam_model_free(model);
    lam_dataset_free(train);
    lam_dataset_free(test);
}
