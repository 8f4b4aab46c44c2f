/* test_foreign_golden.c: models of other programs, and of version 0.1, compute here what they
 * computed there; data/foreign.txt is made by make_foreign.py. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lamina/lamina.h>

#include "golden.h"

#define IMAGES "/usr/share/datasets/fashion-mnist"

static const char *given(const char *word)
{
    return strcmp(word, "-") == 0 ? NULL : word;
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* Whether this build can read the file: some need a library. */
static bool built_in(const char *file)
{
    const char *need = ends_with(file, ".safetensors") ? "json"
                       : ends_with(file, ".pt")        ? "zip"
                                                       : NULL;
    return !need || strcmp(lam_build_info(need), "yes") == 0;
}

static void check_outputs(golden *file, const char *name, lam_model *model, size_t rows,
                          size_t inputs, size_t outputs)
{
    float *x = golden_new_floats(file, rows * inputs), *y = golden_new_floats(file, rows * outputs);
    float *found = calloc(rows * outputs, sizeof *found);
    if (model) {
        cr_assert_eq(lam_model_features(model), inputs, "%s", name);
        cr_assert_eq(lam_model_outputs(model), outputs, "%s", name);
        lam_predictor *predictor = lam_predictor_new(model, rows);
        cr_assert_eq(lam_predictor_run(predictor, x, rows, found), LAM_OK);
        for (size_t i = 0; i < rows * outputs; i++)
            cr_expect_float_eq(found[i], y[i], 2e-6f * (1.0f + fabsf(y[i])),
                               "%s: output %zu: %g, %g", name, i, (double)found[i], (double)y[i]);
        lam_predictor_free(predictor);
    }
    free(x);
    free(y);
    free(found);
}

/* One case; false at the end of the cases. */
static bool check_case(golden *file, lam_model **fashion)
{
    char word[16], name[64], layers[96], map[96], order[16], scale[32], path[1024];
    golden_text(file, word, sizeof word);
    if (strcmp(word, "fashion") == 0)
        return false;
    cr_assert_str_eq(word, "file");
    golden_text(file, name, sizeof name);
    golden_text(file, layers, sizeof layers);
    golden_text(file, map, sizeof map);
    golden_text(file, order, sizeof order);
    golden_text(file, scale, sizeof scale);
    const size_t rows = golden_size(file), inputs = golden_size(file), outputs = golden_size(file);
    lam_import_options options = lam_import_options_default();
    options.layers = given(layers);
    options.map = given(map);
    options.order = given(order);
    options.scale = given(scale);
    snprintf(path, sizeof path, "%s/foreign/%s", GOLDEN_DATA, name);
    lam_model *model = lam_model_import(path, &options);
    if (built_in(name))
        cr_assert_not_null(model, "%s", lam_error_message());
    else
        cr_assert_eq(lam_error_status(), LAM_ERR_UNSUPPORTED, "%s", lam_error_message());
    check_outputs(file, name, model, rows, inputs, outputs);
    if (strcmp(name, "fashion.pt") == 0)
        *fashion = model;
    else
        lam_model_free(model);
    return true;
}

/* The network trained by PyTorch scores on the real images what it scored there. */
static void check_score(lam_model *model, size_t right)
{
    struct stat info;
    if (!model || stat(IMAGES, &info) != 0 || strcmp(lam_build_info("gzip"), "yes") != 0)
        return; /* the images are an optional package: what it computes was checked on some */
    lam_dataset *test = lam_dataset_load(IMAGES, LAM_SPLIT_TEST, NULL);
    cr_assert_not_null(test, "%s", lam_error_message());
    const size_t samples = lam_dataset_samples(test);
    lam_fit_options options = lam_fit_options_default();
    options.metrics = "accuracy";
    lam_scores result;
    cr_assert_eq(lam_evaluate(model, test, &options, &result), LAM_OK, "%s", lam_error_message());
    cr_expect_eq((size_t)lround(result.values[0] * (double)samples), right, "accuracy %g",
                 result.values[0]);
    lam_dataset_free(test);
}

Test(foreign_golden, the_same_outputs)
{
    golden *file = golden_open("foreign.txt");
    lam_model *fashion = NULL;
    size_t cases = 0;
    while (check_case(file, &fashion))
        cases++;
    cr_expect_geq(cases, 30);
    check_score(fashion, golden_size(file));
    lam_model_free(fashion);
    golden_close(file);
}
