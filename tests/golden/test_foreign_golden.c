/* test_foreign_golden.c: models of other programs, and of version 0.1, compute here what they
 * computed there; data/foreign.txt is made by make_foreign.py, data/modules.txt by
 * make_modules.py, data/exports.txt by make_exports.py. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
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

/* Packed by zlib or gzip, which joblib's names do not tell. */
static bool is_packed(const char *file)
{
    return !strstr(file, "three") && !strstr(file, "values");
}

/* Whether this build can read the file: some need a library. */
static bool built_in(const char *file)
{
    static const struct {
        const char *ending, *library;
    } needs[] = {{".safetensors", "json"}, {".h5", "json"}, {".keras", "json"}, {".keras", "zip"},
                 {".onnx", "onnx"},        {".pt", "zip"},  {".joblib", "gzip"}};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (ends_with(file, needs[i].ending) && !strstr(file, "former") &&
            (strcmp(needs[i].library, "gzip") != 0 || is_packed(file)) &&
            strcmp(lam_build_info(needs[i].library), "yes") != 0)
            return false;
    return true;
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

/* One case of a file in a folder of the data; false at the end of the cases. */
static bool check_case(golden *file, const char *folder, lam_model **fashion)
{
    char word[16], name[64], layers[96], map[96], order[16], scale[32], path[1024];
    golden_text(file, word, sizeof word);
    if (strcmp(word, "fashion") == 0 || strcmp(word, "end") == 0)
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
    snprintf(path, sizeof path, "%s/%s/%s", GOLDEN_DATA, folder, name);
    lam_import_report *report;
    lam_model *model = lam_model_import_report(path, &options, &report);
    if (built_in(name))
        cr_assert_not_null(model, "%s", lam_error_message());
    else
        cr_assert_eq(lam_error_status(), LAM_ERR_UNSUPPORTED, "%s", lam_error_message());
    check_outputs(file, name, model, rows, inputs, outputs);
    lam_import_report_free(report);
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
    while (check_case(file, "foreign", &fashion))
        cases++;
    cr_expect_geq(cases, 30);
    check_score(fashion, golden_size(file));
    lam_model_free(fashion);
    golden_close(file);
}

Test(foreign_golden, modules_and_estimators)
{
    golden *file = golden_open("modules.txt");
    lam_model *none = NULL;
    size_t cases = 0;
    while (check_case(file, "modules", &none))
        cases++;
    cr_expect_geq(cases, 20);
    golden_close(file);
}

Test(foreign_golden, exports)
{
    golden *file = golden_open("exports.txt");
    lam_model *none = NULL;
    size_t cases = 0;
    while (check_case(file, "exports", &none))
        cases++;
    cr_expect_geq(cases, 8);
    golden_close(file);
}

/* A file, the layers asked for, and words of the refusal. */
struct refusal {
    const char *file, *layers, *words;
};

static void check_refusals(const char *folder, const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[1024];
        lam_import_options options = lam_import_options_default();
        options.layers = cases[i].layers;
        snprintf(path, sizeof path, "%s/%s/refused/%s", GOLDEN_DATA, folder, cases[i].file);
        cr_expect_null(lam_model_import(path, &options), "%s", cases[i].file);
        cr_expect(strstr(lam_error_message(), cases[i].words) || !built_in(cases[i].file), "%s: %s",
                  cases[i].file, lam_error_message());
    }
}

/* What cannot be known is refused by name, with the option that helps. */
Test(foreign_golden, what_is_not_in_the_file_is_refused)
{
    static const struct refusal cases[] = {
        {"own-module.pt", NULL, "the module (__main__.Net): a user-defined class"},
        {"own-module.pt", NULL, "--layers"},
        {"own-tanh.pt", NULL, "'1' (__main__.Tanh): a user-defined class"},
        {"own-linear.pt", NULL, "'0' (__main__.Linear): a user-defined class"},
        {"own-sequential.pt", NULL, "the module (__main__.Sequential): a user-defined class"},
        {"module-list.pt", NULL, "(torch.nn.modules.container.ModuleList)"},
        {"leaky.pt", NULL, "'1' (torch.nn.modules.activation.LeakyReLU)"},
        {"hook.pt", NULL, "'1' (torch.nn.modules.activation.ReLU): has forward hooks"},
        {"forward.pt", NULL, "'1' (torch.nn.modules.activation.ReLU): has its own forward"},
        {"weight-norm.pt", NULL, "'0' (torch.nn.modules.linear.Linear): has"},
        {"no-statistics.pt", NULL, "keeps no running statistics"},
        {"script.pt", NULL, "__torch__."},
        {"square-state.pt", "6:relu,6", "the order of the file and in that of their names"},
        {"packed.joblib", NULL, "packed by xz"},
        {"clip.joblib", NULL, "MinMaxScaler: clips"},
        {"scaler.joblib", NULL, "sklearn.preprocessing._data.StandardScaler: no MLPClassifier"},
        {"not-fitted.joblib", NULL, "it has not been fitted"},
        {"odd-bias.pkl", "8:relu,3", "'W1' has no bias, and 'c1' [8] could be one"},
        {"opaque-bias.pkl", "8:relu,3", "'b1' would come from calling numpy.ma.core"},
        {"one-short.pkl", "8:relu,8:relu,3", "--map WEIGHT+BIAS"},
    };
    check_refusals("modules", cases, sizeof cases / sizeof *cases);
}

/* Paths in a file lead nowhere but down from its folder, and classes are Keras's by their module.
 */
Test(foreign_golden, exports_are_not_believed)
{
    static const struct refusal cases[] = {
        {"above.onnx", NULL, "'../default.onnx.data': only one beside the model"},
        {"below-above.onnx", NULL, "'x/../../default.onnx.data': only one beside the model"},
        {"absolute.onnx", NULL, "'/etc/hostname': only one beside the model"},
        {"beyond.onnx", NULL, "from byte 999999 on"},
        {"short.onnx", NULL, "but 4 of the"},
        {"k3_own_dense.keras", NULL, "(Dense): a user-defined class, 'mine>Dense'"},
        {"k3_own_dense.h5", NULL, "(mine>Dense): a user-defined class, 'mine>Dense'"},
        {"k3_own_dropout.keras", NULL, "(Dropout): a user-defined class, 'Dropout'"},
        {"k3_own_dropout.h5", NULL, "(Dropout): not Keras's own class"},
        {"../k3.weights.h5", NULL, "such as --layers 5:relu,2,batch_norm:softmax"},
        {"../k3.weights.h5", "5:relu,2", "is of a batch normalization"},
        {"../k2_normalization.h5", "16:relu,1", "a whole model: layers is for bare weights only"},
    };
    check_refusals("exports", cases, sizeof cases / sizeof *cases);
}

static void copy_export(const char *folder, const char *from, const char *to)
{
    char path[512];
    size_t size;
    snprintf(path, sizeof path, "%s/exports/%s", GOLDEN_DATA, from);
    unsigned char *bytes = scratch_read(path, &size);
    cr_assert_not_null(bytes, "%s", path);
    scratch_write(scratch_path(folder, to, path), bytes, size);
    free(bytes);
}

/* A link out of the model's folder is not followed; one inside is. */
Test(foreign_golden, links_of_values_stay_below_the_model)
{
    char folder[256], path[512], link[512];
    if (strcmp(lam_build_info("onnx"), "yes") != 0)
        return;
    scratch_make(folder);
    copy_export(folder, "default.onnx", "default.onnx");
    scratch_path(folder, "default.onnx", path);
    scratch_path(folder, "default.onnx.data", link);
    cr_assert_eq(symlink(GOLDEN_DATA "/exports/default.onnx.data", link), 0);
    cr_expect_null(lam_model_import(path, NULL));
    cr_expect(strstr(lam_error_message(), "not in the folder of the model"), "%s",
              lam_error_message());
    cr_assert_eq(unlink(link), 0);
    copy_export(folder, "default.onnx.data", "values");
    cr_assert_eq(symlink("values", link), 0);
    lam_model *model = lam_model_import(path, NULL);
    cr_expect_not_null(model, "%s", lam_error_message());
    lam_model_free(model);
    scratch_remove(folder);
}

/* What is left out and taken for granted is told, and the class names come with the network. */
Test(foreign_golden, reports_tell_what_is_left_out)
{
    lam_import_options options = lam_import_options_default();
    lam_import_report *report = NULL;
    lam_model *model =
        lam_model_import_report(GOLDEN_DATA "/modules/sklearn-three.joblib", &options, &report);
    cr_assert_not_null(model, "%s", lam_error_message());
    cr_expect_str_eq(lam_model_class_name(model, 0), "jein");
    cr_expect_str_eq(lam_model_class_name(model, 1), "j\303\244");
    char all[4096] = "";
    for (size_t i = 0; i < lam_import_report_lines(report); i++) {
        const lam_import_line *line = lam_import_report_line(report, i);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s: %s\n", line->key, line->value);
    }
    cr_expect(strstr(all, "left out: training state: '_optimizer'"), "%s", all);
    cr_expect(strstr(all, "checked: against the steps in the file"), "%s", all);
    cr_expect(strstr(all, "not compared with the program that made it"), "%s", all);
    cr_expect_null(lam_import_report_line(report, lam_import_report_lines(report)));
    lam_import_report_free(report);
    lam_model_free(model);
}
