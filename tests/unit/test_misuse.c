/* test_misuse.c: mistaken calls: what they change (nothing), and options that would be ignored. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "lamina_features.h"

static void expect_message(const char *part)
{
    cr_expect(strstr(lam_error_message(), part), "'%s' not in '%s'", part, lam_error_message());
}

static lam_dataset *spiral(void)
{
    return lam_dataset_spiral(90, 3, 1);
}

static lam_model *untrained(void)
{
    lam_model *model = lam_model_new(2);
    cr_assert_eq(lam_model_add_layers(model, "8:relu,3:softmax"), LAM_OK);
    return model;
}

static lam_status fit(lam_model *model, const lam_dataset *data, lam_fit_options options)
{
    options.epochs = 1;
    return lam_fit(model, data, &options, NULL);
}

/* Each call is a mistake on a model that has its parameters. */
static lam_status add_dense(lam_model *model)
{
    return lam_model_dense(model, 3, "relu");
}

static lam_status add_dense_with(lam_model *model)
{
    return lam_model_dense_with(model, NULL);
}

static lam_status add_dropout(lam_model *model)
{
    return lam_model_dropout(model, 0.5f);
}

static lam_status add_norm(lam_model *model)
{
    return lam_model_layer_norm(model, -1.0f);
}

static lam_status add_layers(lam_model *model)
{
    return lam_model_add_layers(model, "4:relu,nonsense");
}

static lam_status scale(lam_model *model)
{
    return lam_model_scale_input(model, 1.0f, 1.0f, 0.0f, 1.0f);
}

static lam_status scale_to_nan(lam_model *model)
{
    return lam_model_scale_input(model, 0.0f, 1.0f, NAN, 1.0f);
}

static lam_status standardize(lam_model *model)
{
    lam_dataset *other = lam_dataset_sine(9);
    const lam_status status = lam_model_standardize_input(model, other);
    lam_dataset_free(other);
    return status;
}

static lam_status standardize_null(lam_model *model)
{
    return lam_model_standardize_input(model, NULL);
}

static lam_status name_two(lam_model *model)
{
    static const char *const names[] = {"a", "b"};
    return lam_model_set_class_names(model, names, 2);
}

static lam_status name_null(lam_model *model)
{
    static const char *const names[] = {"a", NULL, "c"};
    return lam_model_set_class_names(model, names, 3);
}

static lam_status initialize(lam_model *model)
{
    return lam_model_initialize(model, 1, "xavier");
}

static lam_status set_nan(lam_model *model)
{
    float values[51] = {NAN};
    return lam_model_set_parameters(model, values, 51);
}

static lam_status fit_other(lam_model *model)
{
    lam_dataset *other = lam_dataset_sine(9);
    const lam_status status = lam_fit(model, other, NULL, NULL);
    lam_dataset_free(other);
    return status;
}

static const struct {
    const char *what;
    lam_status (*call)(lam_model *model);
    lam_status expected;
} mistakes[] = {
    {"dense", add_dense, LAM_ERR_STATE},
    {"dense_with", add_dense_with, LAM_ERR_STATE},
    {"dropout", add_dropout, LAM_ERR_STATE},
    {"layer_norm", add_norm, LAM_ERR_STATE},
    {"add_layers", add_layers, LAM_ERR_STATE},
    {"scale_input", scale, LAM_ERR_ARGUMENT},
    {"scale_input to nan", scale_to_nan, LAM_ERR_ARGUMENT},
    {"standardize_input", standardize, LAM_ERR_SHAPE},
    {"standardize_input(NULL)", standardize_null, LAM_ERR_ARGUMENT},
    {"set_class_names of another number", name_two, LAM_ERR_SHAPE},
    {"set_class_names with NULL", name_null, LAM_ERR_ARGUMENT},
    {"initialize", initialize, LAM_ERR_NAME},
    {"set_parameters", set_nan, LAM_ERR_NUMERIC},
    {"fit on other data", fit_other, LAM_ERR_SHAPE},
};

/* The model's file as bytes[capacity]; returns their number. */
static size_t take(const lam_model *model, unsigned char *bytes, size_t capacity)
{
    size_t size;
    cr_assert_eq(lam_model_save_memory(model, bytes, capacity, &size), LAM_OK, "%s",
                 lam_error_message());
    return size;
}

Test(misuse, of_a_trained_model_changes_nothing, .disabled = !LAM__HAVE_JSON)
{
    enum { CAPACITY = 1 << 16 };
    static unsigned char before[CAPACITY], after[CAPACITY];
    lam_dataset *data = spiral();
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        lam_model *model = untrained();
        cr_assert_eq(fit(model, data, lam_fit_options_default()), LAM_OK);
        const size_t size = take(model, before, CAPACITY);
        cr_expect_eq(mistakes[i].call(model), mistakes[i].expected, "%s: %s", mistakes[i].what,
                     lam_error_message());
        cr_expect_eq(take(model, after, CAPACITY), size, "%s", mistakes[i].what);
        cr_expect_eq(memcmp(before, after, size), 0, "%s", mistakes[i].what);

        float x[2] = {0}, y[3];
        lam_scores scores;
        cr_expect_eq(lam_predict(model, x, 1, y), LAM_OK, "%s", mistakes[i].what);
        cr_expect_eq(lam_evaluate(model, data, NULL, &scores), LAM_OK, "%s", mistakes[i].what);
        cr_expect_eq(fit(model, data, lam_fit_options_default()), LAM_OK, "%s", mistakes[i].what);
        lam_model_free(model);
    }
    lam_dataset_free(data);
}

Test(misuse, class_names_fit_the_outputs)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    lam_model *model = untrained();
    cr_expect_eq(lam_model_set_class_names(model, names, 4), LAM_ERR_SHAPE);
    expect_message("4 class names for a model of 3 outputs");
    lam_model_free(model);

    model = lam_model_new(2);
    cr_assert_eq(lam_model_set_class_names(model, names, 4), LAM_OK, "there are no layers yet");
    cr_assert_eq(lam_model_dense(model, 3, "softmax"), LAM_OK);
    cr_expect_eq(lam_model_initialize(model, 1, NULL), LAM_ERR_SHAPE);
    float values[9] = {0};
    cr_expect_eq(lam_model_set_parameters(model, values, 9), LAM_ERR_SHAPE);
    lam_dataset *data = spiral();
    cr_expect_eq(fit(model, data, lam_fit_options_default()), LAM_ERR_SHAPE);
    lam_dataset_free(data);
    lam_model_free(model);

    model = lam_model_new(2);
    cr_assert_eq(lam_model_dense(model, 1, "sigmoid"), LAM_OK);
    cr_expect_eq(lam_model_set_class_names(model, names, 2), LAM_OK, "no and yes");
    cr_expect_eq(lam_model_set_class_names(model, names, 1), LAM_OK, "of the output");
    cr_expect_eq(lam_model_set_class_names(model, names, 3), LAM_ERR_SHAPE);
    lam_model_free(model);
}

/* Every text option, set from memory that is changed afterwards. */
Test(misuse, texts_of_options_are_the_librarys)
{
    static const struct {
        const char *name, *text;
    } texts[] = {{"loss", "categorical_crossentropy"},
                 {"optimizer", "sgd"},
                 {"metrics", "accuracy,precision"},
                 {"initializer", "normal:0.01"},
                 {"fill_mode", "wrap"},
                 {"callbacks", ""},
                 {"monitor", "accuracy"},
                 {"checkpoint", "/nowhere"},
                 {"checkpoint_every", "2 epochs"}};
    lam_fit_options options = lam_fit_options_default();
    char text[64];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        strcpy(text, texts[i].text);
        cr_assert_eq(lam_fit_options_set(&options, texts[i].name, text), LAM_OK, "%s",
                     lam_error_message());
        memset(text, 'x', sizeof text - 1);
    }
    cr_expect_str_eq(options.loss, "categorical_crossentropy");
    cr_expect_str_eq(options.optimizer, "sgd");
    cr_expect_str_eq(options.metrics, "accuracy,precision");
    cr_expect_str_eq(options.initializer, "normal:0.01");
    cr_expect_str_eq(options.fill_mode, "wrap");
    cr_expect_str_eq(options.callbacks, "");
    cr_expect_str_eq(options.monitor, "accuracy");
    cr_expect_str_eq(options.checkpoint, "/nowhere");
    cr_expect_str_eq(options.checkpoint_every, "2 epochs");

    lam_load_options load = lam_load_options_default();
    strcpy(text, "price");
    cr_assert_eq(lam_load_options_set(&load, "target", text), LAM_OK);
    memset(text, 'x', sizeof text - 1);
    cr_expect_str_eq(load.target, "price");

    lam_fit_options again = lam_fit_options_default();
    strcpy(text, "sgd");
    cr_assert_eq(lam_fit_options_set(&again, "optimizer", text), LAM_OK);
    cr_expect_eq(again.optimizer, options.optimizer, "one copy of equal texts");
}

/* A trainer is saved long after its options have been given. */
Test(misuse, a_trainer_keeps_no_text_of_the_caller, .disabled = !LAM__HAVE_JSON)
{
    char fill[16] = "wrap";
    lam_fit_options options = lam_fit_options_default();
    options.fill_mode = fill;
    options.width_shift = 0.1f;
    lam_model *model = untrained();
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    size_t size, size_after;
    static unsigned char before[1 << 16], after[1 << 16];
    cr_assert_eq(lam_trainer_save_memory(trainer, before, sizeof before, &size), LAM_OK);
    strcpy(fill, "vanished");
    cr_assert_eq(lam_trainer_save_memory(trainer, after, sizeof after, &size_after), LAM_OK);
    cr_expect(size == size_after && memcmp(before, after, size) == 0);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* What nothing uses is told. */
Test(misuse, options_without_effect_are_refused)
{
    static const struct {
        const char *name, *text, *with, *with_text, *message;
    } unused[] = {
        {"momentum", "0.9", "optimizer", "adam", "momentum is an option of sgd"},
        {"beta_1", "0.5", "optimizer", "sgd", "beta_1 is an option of adam"},
        {"optimizer", "adam:momentum=0.5", "epochs", "1", "momentum is an option of sgd"},
        {"optimizer", "sgd:epsilon=0.5", "epochs", "1", "epsilon is an option of adam"},
        {"beta_2", "0.5", "optimizer", "sgd", "beta_2 is an option of adam"},
        {"epsilon", "0.5", "optimizer", "sgd", "epsilon is an option of adam"},
        {"min_delta", "0.5", "patience", "0", "patience is 0"},
        {"monitor", "accuracy", "patience", "0", "patience is 0"},
        {"fill_mode", "wrap", "horizontal_flip", "false", "fill_mode has no effect"},
    };
    lam_dataset *data = spiral();
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
        lam_fit_options options = lam_fit_options_default();
        cr_assert_eq(lam_fit_options_set(&options, unused[i].with, unused[i].with_text), LAM_OK);
        cr_assert_eq(lam_fit_options_set(&options, unused[i].name, unused[i].text), LAM_OK);
        lam_model *model = untrained();
        cr_expect_eq(fit(model, data, options), LAM_ERR_ARGUMENT, "%s", unused[i].name);
        expect_message(unused[i].message);
        cr_expect_null(lam_trainer_new(model, &options), "%s", unused[i].name);
        lam_model_free(model);
    }
    lam_fit_options used = lam_fit_options_default();
    used.optimizer = "sgd";
    used.momentum = 0.9f;
    used.patience = 1;
    used.monitor = "accuracy";
    lam_model *model = untrained();
    cr_expect_eq(fit(model, data, used), LAM_OK, "%s", lam_error_message());
    lam_model_free(model);
    lam_dataset_free(data);
}
