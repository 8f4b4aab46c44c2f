/* test_unused.c: an option that nothing uses is an error that says what it is for. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/image_files.h"
#include "../support/scratch.h"

static char folder[256];

static void make_folder(void)
{
    scratch_make(folder);
}

static void remove_folder(void)
{
    scratch_remove(folder);
}

TestSuite(unused, .init = make_folder, .fini = remove_folder);

/* FOLDER/NAME.npy of 4 unsigned bytes in the shape given. */
static void put_npy(const char *name, const char *shape)
{
    unsigned char bytes[128];
    char full[64];
    const int length = snprintf((char *)bytes + 10, sizeof bytes - 10,
                                "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }\n", shape);
    memcpy(bytes, "\x93NUMPY\1\0", 8);
    bytes[8] = (unsigned char)length;
    bytes[9] = 0;
    memcpy(bytes + 10 + length, "\0\1\1\0", 4);
    snprintf(full, sizeof full, "%s.npy", name);
    image_put(folder, full, bytes, 14 + (size_t)length);
}

/* One set of data of each kind, in FOLDER. */
static void put_data(void)
{
    static const unsigned char idx[] = {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1, 9, 8, 7, 6};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 1, 0};
    static const uint8_t pixels[4] = {10, 200, 30, 40};
    size_t size;
    unsigned char *bmp = bmp_make(pixels, 2, 2, 1, &size);
    scratch_put(folder, "table.csv", "a,b,y\n1,2,no\n3,4,yes\n5,6,no\n7,8,yes\n");
    image_put(folder, "x.idx", idx, sizeof idx);
    image_put(folder, "mnist/train-images-idx3-ubyte", idx, sizeof idx);
    image_put(folder, "mnist/train-labels-idx1-ubyte", labels, sizeof labels);
    image_put(folder, "x.bmp", bmp, size);
    image_put(folder, "images/a/1.bmp", bmp, size);
    image_put(folder, "images/b/1.bmp", bmp, size);
    free(bmp);
    put_npy("one", "(4, 1)");
    put_npy("arrays/x", "(4, 1)");
    put_npy("arrays/y", "(4,)");
}

enum {
    TABLE = 1,
    IDX = 2,
    MNIST = 4,
    PICTURE = 8,
    PICTURES = 16,
    ARRAY = 32,
    ARRAYS = 64,
    MADE = 128
};
enum { KINDS = 8, IMAGES = PICTURE | PICTURES, FILES = 127, EVERY = 255 };
static const char *const data_names[KINDS] = {"table.csv", "x.idx",   "mnist",  "x.bmp",
                                              "images",    "one.npy", "arrays", "spiral"};

/* Each option, a value other than its default, and where it has an effect. */
static const struct use {
    const char *name, *value;
    unsigned kinds;
} uses[] = {
    {"limit", "3", FILES},
    {"samples", "9", MADE},
    {"classes", "2", MADE},
    {"data_seed", "7", MADE},
    {"test_share", "0.5", EVERY & ~(unsigned)PICTURE}, /* one sample cannot be divided */
    {"stratify", "true", 0},
    {"width", "3", IMAGES},
    {"height", "3", IMAGES},
    {"color", "rgb", IMAGES},
    {"invert", "true", IMAGES | IDX | MNIST | ARRAY | ARRAYS},
    {"multi_label", "true", PICTURES},
    {"on_error", "skip", PICTURES},
    {"target", "y", TABLE | ARRAYS},
    {"ignore", "a", TABLE},
    {"task", "classification", TABLE | ARRAYS},
    {"header", "yes", TABLE},
    {"separator", ",", TABLE},
    {"missing", "mean", TABLE},
    {"memory", "100", FILES},
    {"window", "3", 0}, /* none of these is gzipped */
};

enum { USES = sizeof uses / sizeof *uses };

static lam_status load(const char *name, const lam_load_options *options, bool whole)
{
    char path[512];
    scratch_path(folder, name, path);
    const char *from = strcmp(name, "spiral") == 0 || strcmp(name, "sine") == 0 ? name : path;
    lam_dataset *data = whole ? lam_dataset_load_file(from, options)
                              : lam_dataset_load(from, LAM_SPLIT_TRAIN, options);
    const bool good = data != NULL;
    lam_dataset_free(data);
    return good ? LAM_OK : lam_error_status();
}

Test(unused, every_loading_option_by_kind)
{
    put_data();
    cr_assert_eq(lam_catalog_size(LAM_LOAD_OPTION), USES, "an option is missing in this test");
    for (size_t u = 0; u < USES; u++)
        for (size_t k = 0; k < KINDS; k++) {
            const bool used = uses[u].kinds >> k & 1;
            lam_load_options options = lam_load_options_default();
            cr_assert_eq(lam_load_options_set(&options, uses[u].name, uses[u].value), LAM_OK);
            const lam_status status = load(data_names[k], &options, false);
            const char *message = lam_error_message();
            if (used && strcmp(uses[u].name, "invert") == 0 && 1u << k & (ARRAY | ARRAYS)) {
                cr_expect(strstr(message, "can be inverted"), "%s", message); /* no images */
            } else if (1u << k == PICTURE && strcmp(uses[u].name, "test_share") == 0) {
                cr_expect_eq(status, LAM_ERR_ARGUMENT);
            } else {
                cr_expect_eq(status, used ? LAM_OK : LAM_ERR_ARGUMENT, "%s of %s: %s", uses[u].name,
                             data_names[k], message);
                cr_expect(used || strstr(message, "has no effect"), "%s", message);
                cr_expect(used || strstr(message, uses[u].name), "%s", message);
            }
        }
}

Test(unused, defaults_are_never_told)
{
    put_data();
    for (size_t k = 0; k < KINDS; k++) {
        lam_load_options options = lam_load_options_default();
        for (size_t i = 0; i < lam_catalog_size(LAM_LOAD_OPTION); i++) {
            lam_catalog_entry entry;
            cr_assert_eq(lam_catalog(LAM_LOAD_OPTION, i, &entry), LAM_OK);
            if (entry.default_value)
                cr_assert_eq(lam_load_options_set(&options, entry.name, entry.default_value),
                             LAM_OK);
        }
        cr_expect_eq(load(data_names[k], &options, false), LAM_OK, "%s", lam_error_message());
    }
}

static void expect_refused(const char *name, const lam_load_options *options, bool whole,
                           const char *message)
{
    cr_expect_eq(load(name, options, whole), LAM_ERR_ARGUMENT, "%s: %s", name, message);
    cr_expect(strstr(lam_error_message(), message), "%s", lam_error_message());
}

Test(unused, loading_options_that_go_together)
{
    put_data();
    lam_load_options options = lam_load_options_default();
    options.stratify = true;
    expect_refused("table.csv", &options, false, "stratify has no effect without test_share");
    options.test_share = 0.5;
    options.seed = 3;
    cr_expect_eq(load("table.csv", &options, false), LAM_OK, "%s", lam_error_message());
    expect_refused("table.csv", &options, true, "all samples of the file are used");
    options = lam_load_options_default();
    options.classes = 2;
    expect_refused("sine", &options, false, "classes has no effect on 'sine'");
    options = lam_load_options_default();
    options.seed = 2;
    expect_refused("sine", &options, false, "data_seed has no effect on 'sine'");
    options = lam_load_options_default();
    options.task = "classification";
    options.target = "a,b";
    expect_refused("table.csv", &options, false, "several targets");
    options.target = "";
    expect_refused("table.csv", &options, false, "there is no target");
    expect_refused("arrays", &options, false, "task has no effect");
    char path[512];
    options = lam_load_options_default();
    options.header = "no";
    cr_expect_null(lam_dataset_load_idx(scratch_path(folder, "x.idx", path), &options));
    cr_expect(strstr(lam_error_message(), "header has no effect"), "%s", lam_error_message());
}

/* A model trained on one of the sets. */
static lam_model *train(const char *name)
{
    char path[512];
    lam_dataset *data = lam_dataset_load(scratch_path(folder, name, path), LAM_SPLIT_TRAIN, NULL);
    cr_assert_not_null(data, "%s", lam_error_message());
    lam_model *model = lam_model_new(lam_dataset_features(data));
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 1;
    cr_assert_eq(lam_model_add_layers(model, "2:softmax"), LAM_OK);
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    lam_dataset_free(data);
    return model;
}

Test(unused, what_a_model_of_images_decides)
{
    put_data();
    lam_load_options options = lam_load_options_default();
    lam_model *model = train("images");
    options.like = model;
    options.width = options.height = 2;
    options.color = "gray";
    cr_expect_eq(load("x.bmp", &options, true), LAM_OK, "the same as the model: %s",
                 lam_error_message());
    options.height = 3;
    expect_refused("x.bmp", &options, true,
                   "width is 2 and height 3, but the model takes images of 2 x 2");
    options.height = 0;
    options.color = "rgb";
    expect_refused("images", &options, false, "color is rgb, but the model takes gray");
    lam_model_free(model);
}

Test(unused, what_a_model_of_tables_decides)
{
    put_data();
    lam_load_options options = lam_load_options_default();
    lam_model *model = train("table.csv");
    options.like = model;
    options.target = "y";
    cr_expect_eq(load("table.csv", &options, false), LAM_OK, "%s", lam_error_message());
    options.target = "";
    cr_expect_eq(load("table.csv", &options, false), LAM_OK, "%s", lam_error_message());
    options.target = "b";
    expect_refused("table.csv", &options, false, "target is 'b', but the model does not predict");
    options.target = NULL;
    options.ignore = "a";
    expect_refused("table.csv", &options, true, "ignore names column 'a', which the model was");
    options.ignore = NULL;
    options.task = "regression";
    expect_refused("table.csv", &options, true, "task has no effect");
    options.task = "auto";
    options.missing = "mean";
    expect_refused("table.csv", &options, true, "missing has no effect");
    scratch_put(folder, "more.csv", "note,a,b,y\nx,1,2,no\ny,3,4,yes\n");
    options.missing = "refuse";
    options.ignore = "note";
    cr_expect_eq(load("more.csv", &options, false), LAM_OK, "%s", lam_error_message());
    lam_model_free(model);
}

/* Trains and evaluates with these options; both say the same. */
static void judge(const char *layers, lam_dataset *data, const char *metrics, float threshold,
                  float tolerance, const char *refused)
{
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 1;
    fit.metrics = metrics;
    lam_model *model = lam_model_new(2);
    lam_scores scores;
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK);
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    fit.threshold = threshold;
    fit.tolerance = tolerance;
    for (int evaluate = 0; evaluate < 2; evaluate++) {
        const lam_status status =
            evaluate ? lam_evaluate(model, data, &fit, &scores) : lam_fit(model, data, &fit, NULL);
        const char *message = lam_error_message();
        cr_expect_eq(status, refused ? LAM_ERR_ARGUMENT : LAM_OK, "%s, %s: %s", layers, metrics,
                     refused ? "was taken" : message);
        cr_expect(!refused || strstr(message, refused), "%s", message);
    }
    lam_model_free(model);
}

Test(unused, threshold_and_tolerance)
{
    lam_dataset *classes = lam_dataset_spiral(60, 2, 1);
    lam_dataset *values = lam_dataset_spiral(60, 2, 1);
    static float y[60];
    cr_assert_eq(lam_dataset_set_targets(values, y, 1), LAM_OK);
    static const char no_threshold[] = "threshold has no effect";
    static const char no_tolerance[] = "tolerance has no effect";
    judge("2:softmax", classes, "accuracy", 0.3f, 0, no_threshold);
    judge("2:softmax", classes, "precision,recall", 0.3f, 0, no_threshold);
    judge("2:softmax", classes, "binary_accuracy", 0.3f, 0, NULL);
    judge("2:softmax", classes, "accuracy", 0.5f, 0.1f, no_tolerance);
    judge("2:softmax", classes, "accuracy,regression_accuracy", 0.5f, 0.1f, NULL);
    judge("1:sigmoid", classes, "accuracy", 0.3f, 0, NULL);
    judge("1:sigmoid", classes, "categorical_accuracy", 0.3f, 0, NULL);
    judge("2:sigmoid", classes, "categorical_accuracy", 0.3f, 0, no_threshold);
    judge("2:sigmoid", classes, "recall", 0.3f, 0, NULL);
    judge("1:sigmoid", classes, "mse", 0.3f, 0, no_threshold);
    judge("1:linear", values, "accuracy", 0.3f, 0, no_threshold);
    judge("1:linear", values, "accuracy", 0.5f, 0.1f, NULL);
    judge("1:linear", values, "mae", 0.5f, 0.1f, no_tolerance);
    judge("1:linear", values, "precision", 0.3f, 0, NULL);
    lam_dataset_free(classes);
    lam_dataset_free(values);
}

Test(unused, of_checkpoints_and_files)
{
    lam_dataset *data = lam_dataset_spiral(60, 2, 1);
    lam_model *model = lam_model_new(2);
    lam_fit_options fit = lam_fit_options_default();
    cr_assert_eq(lam_model_add_layers(model, "2:softmax"), LAM_OK);
    fit.epochs = 1;
    fit.keep = 2;
    cr_expect_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "keep has no effect"), "%s", lam_error_message());
    fit.keep = 3;
    fit.checkpoint_every = "2 steps";
    cr_expect_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "checkpoint_every has no effect"), "%s",
              lam_error_message());
    fit.checkpoint_every = "1 epoch";
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK);

    char path[512];
    lam_export_options to = lam_export_options_default();
    to.name = "net";
    cr_expect_eq(lam_model_export(model, scratch_path(folder, "m.safetensors", path), &to),
                 LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "name 'net' is for C source"), "%s", lam_error_message());
    cr_expect_eq(lam_model_export(model, scratch_path(folder, "m.c", path), &to), LAM_OK);

    lam_scores scores;
    lam_quantized *quantized = lam_quantize(model, data);
    cr_assert_not_null(quantized, "%s", lam_error_message());
    fit.threshold = 0.2f;
    cr_expect_eq(lam_quantized_evaluate(quantized, data, &fit, &scores), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "threshold has no effect"), "%s", lam_error_message());
    lam_quantized_free(quantized);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(unused, penalties_where_layers_have_their_own)
{
    lam_dataset *data = lam_dataset_spiral(60, 2, 1);
    for (int own = 0; own < 2; own++)
        for (int option = 0; option < 4; option++) {
            static const char *const names[] = {"l1", "l2", "bias_l1", "bias_l2"};
            lam_model *model = lam_model_new(2);
            lam_dense_options layer = lam_dense_options_default();
            layer.units = 2;
            layer.activation = "softmax";
            if (own)
                layer.l1 = layer.l2 = layer.bias_l1 = layer.bias_l2 = 0.0f;
            cr_assert_eq(lam_model_dense_with(model, &layer), LAM_OK);
            lam_fit_options fit = lam_fit_options_default();
            fit.epochs = 1;
            cr_assert_eq(lam_fit_options_set(&fit, names[option], "0.1"), LAM_OK);
            char message[64];
            snprintf(message, sizeof message, "%s has no effect", names[option]);
            cr_expect_eq(lam_fit(model, data, &fit, NULL), own ? LAM_ERR_ARGUMENT : LAM_OK);
            cr_expect(!own || strstr(lam_error_message(), message), "%s", lam_error_message());
            lam_model_free(model);
        }
    lam_batches_options order = lam_batches_options_default();
    order.shuffle = false;
    lam_batches *batches = lam_batches_new(data, &order);
    cr_expect_not_null(batches);
    lam_batches_free(batches);
    order.seed = 5;
    cr_expect_null(lam_batches_new(data, &order));
    cr_expect(strstr(lam_error_message(), "seed has no effect"), "%s", lam_error_message());
    lam_dataset_free(data);
}
