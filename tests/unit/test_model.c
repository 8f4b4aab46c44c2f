/* test_model.c: building a model, its parameters, its errors, its decisions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/model.h>

#include "model/network.h"

static void expect_message(const char *part)
{
    cr_expect(strstr(lam_error_message(), part), "'%s' not in '%s'", part, lam_error_message());
}

static lam_model *make(size_t features, const char *layers)
{
    lam_model *model = lam_model_new(features);
    cr_assert(model);
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK, "%s", lam_error_message());
    return model;
}

Test(model, says_what_it_is_made_of)
{
    lam_model *model = lam_model_new(4);
    cr_assert_eq(lam_model_outputs(model), 0);
    cr_assert_eq(lam_model_dense(model, 3, "relu"), LAM_OK);
    cr_assert_eq(lam_model_dropout(model, 0.25f), LAM_OK);
    lam_dense_options options = lam_dense_options_default();
    options.units = 2;
    options.l1 = 0.5f;
    options.bias_l2 = 0.0f;
    options.initializer = "normal:0.01";
    cr_assert_eq(lam_model_dense_with(model, &options), LAM_OK);

    cr_expect_eq(lam_model_features(model), 4);
    cr_expect_eq(lam_model_layers(model), 3);
    cr_expect_eq(lam_model_outputs(model), 2);
    cr_expect_eq(lam_model_parameters(model), 4 * 3 + 3 + 3 * 2 + 2);
    cr_expect_eq(lam_model_tensors(model), 0, "none before they exist");

    lam_layer_info info;
    cr_assert_eq(lam_model_layer(model, 0, &info), LAM_OK);
    cr_expect_str_eq(info.type, "dense");
    cr_expect_str_eq(info.activation, "relu");
    cr_expect_eq(info.inputs, 4);
    cr_expect_eq(info.outputs, 3);
    cr_expect_eq(info.parameters, 15);
    cr_expect_eq(info.l1, LAM_INHERIT);
    cr_assert_eq(lam_model_layer(model, 1, &info), LAM_OK);
    cr_expect_str_eq(info.type, "dropout");
    cr_expect_null(info.activation);
    cr_expect_eq(info.inputs, 3);
    cr_expect_eq(info.outputs, 3);
    cr_expect_eq(info.parameters, 0);
    cr_expect_eq(info.rate, 0.25f);
    cr_assert_eq(lam_model_layer(model, 2, &info), LAM_OK);
    cr_expect_str_eq(info.activation, "linear");
    cr_expect_eq(info.l1, 0.5f);
    cr_expect_eq(info.l2, LAM_INHERIT);
    cr_expect_eq(info.bias_l2, 0.0f);
    cr_expect_eq(lam_model_layer(model, 3, &info), LAM_ERR_ARGUMENT);
    expect_message("layer 3");
    lam_model_free(model);
}

Test(model, reads_layers_from_text)
{
    lam_model *model = make(7, " 5 , 4:relu,\tdropout:0.5 ,dropout:0,3:softmax ");
    lam_layer_info info;
    static const size_t outputs[] = {5, 4, 4, 4, 3};
    cr_assert_eq(lam_model_layers(model), 5);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(lam_model_layer(model, i, &info), LAM_OK);
        cr_expect_eq(info.outputs, outputs[i], "layer %zu", i);
    }
    cr_expect_str_eq(info.activation, "softmax");
    lam_model_free(model);
}

Test(model, has_layer_normalization)
{
    lam_model *model =
        make(7, "5:relu,layer_norm,layer_norm:tanh,layer_norm:1e-5,layer_norm:0.5:relu");
    static const struct {
        float epsilon;
        const char *activation;
    } expected[] = {{1e-3f, "linear"}, {1e-3f, "tanh"}, {1e-5f, "linear"}, {0.5f, "relu"}};
    lam_layer_info info;
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(lam_model_layer(model, i + 1, &info), LAM_OK);
        cr_expect_str_eq(info.type, "layer_norm");
        cr_expect_str_eq(info.activation, expected[i].activation);
        cr_expect_eq(info.epsilon, expected[i].epsilon);
        cr_expect(info.inputs == 5 && info.outputs == 5 && info.parameters == 10);
    }
    cr_expect_eq(lam_model_parameters(model), 7 * 5 + 5 + 4 * 10);
    cr_assert_eq(lam_model_initialize(model, 1, "he_normal"), LAM_OK);
    cr_assert_eq(lam_model_tensors(model), 10);
    for (size_t i = 2; i < 10; i++) {
        lam_tensor tensor;
        cr_assert_eq(lam_model_tensor(model, i, &tensor), LAM_OK);
        cr_expect(tensor.rows == 1 && tensor.cols == 5);
        for (size_t k = 0; k < 5; k++)
            cr_expect_eq(tensor.data[k], i % 2 ? 0.0f : 1.0f, "%s starts as 1 or 0", tensor.name);
    }
    lam_model_free(model);
    model = lam_model_new(3);
    cr_expect_eq(lam_model_layer_norm(model, 0.0f), LAM_ERR_ARGUMENT);
    lam_model_free(model);
    model = lam_model_new(3);
    cr_expect_eq(lam_model_layer_norm(model, (float)NAN), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_layer_norm_with(model, NULL), LAM_ERR_ARGUMENT);
    lam_model_free(model);
    cr_expect_eq(lam_model_layer_norm(NULL, 1e-3f), LAM_ERR_ARGUMENT);
}

Test(model, refuses_malformed_layers)
{
    static const struct {
        const char *layers;
        lam_status status;
        const char *message;
    } bad[] = {
        {"", LAM_ERR_ARGUMENT, "layer 1"},
        {"5,,3", LAM_ERR_ARGUMENT, "layer 2 (character 3"},
        {"5,3,", LAM_ERR_ARGUMENT, "layer 3"},
        {"0", LAM_ERR_ARGUMENT, "'0': a dense layer needs at least 1 unit"},
        {"-5", LAM_ERR_ARGUMENT, "found '-5'"},
        {"5.5", LAM_ERR_ARGUMENT, "found '5.5'"},
        {"relu", LAM_ERR_ARGUMENT, "expected UNITS"},
        {"99999999999999999999:relu", LAM_ERR_ARGUMENT,
         "99999999999999999999 units: the BLAS takes at most"},
        {"9999999999999:relu", LAM_ERR_ARGUMENT, "the BLAS takes at most"},
        {"5:relu, 3:rlu", LAM_ERR_NAME, "layer 2 (character 9) '3:rlu'"},
        {"3:rlu", LAM_ERR_NAME, "did you mean 'relu'"},
        {"3:", LAM_ERR_NAME, "layer 1"},
        {"3:relu:1", LAM_ERR_NAME, "relu:1"},
        {"3: relu", LAM_ERR_NAME, "' relu'"},
        {"dropout", LAM_ERR_ARGUMENT, "expected dropout:RATE"},
        {"dropout:", LAM_ERR_ARGUMENT, "expected dropout:RATE"},
        {"dropout:x", LAM_ERR_ARGUMENT, "expected dropout:RATE"},
        {"dropout:nan", LAM_ERR_ARGUMENT, "expected dropout:RATE"},
        {"dropout:1", LAM_ERR_ARGUMENT, "not 1"},
        {"dropout:0.9999999999", LAM_ERR_ARGUMENT, "not 1"},
        {"dropout:-0.1", LAM_ERR_ARGUMENT, "not -0.1"},
        {"dropout:0,5", LAM_OK, ""},
        {"layer_norm:rlu", LAM_ERR_NAME, "did you mean 'relu'"},
        {"layer_norm:", LAM_ERR_NAME, "layer 1"},
        {"layer_norm:0", LAM_ERR_ARGUMENT, "must be a number > 0, not 0"},
        {"layer_norm:-1:relu", LAM_ERR_ARGUMENT, "not -1"},
        {"layer_norm:1e99", LAM_ERR_ARGUMENT, "not inf"},
        {"layer_norm:relu:1e-3", LAM_ERR_ARGUMENT, "expected layer_norm"},
        {"layer_norm:1e-3:", LAM_ERR_NAME, "layer 1"},
        {"layer_norm:1e-3:relu", LAM_OK, ""},
        {"5:"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "a"
         "aaaaaaaaaaaaaaaaaaaaaaaaa",
         LAM_ERR_ARGUMENT, "characters, more than"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lam_model *model = lam_model_new(2);
        cr_expect_eq(lam_model_add_layers(model, bad[i].layers), bad[i].status, "%s: %s",
                     bad[i].layers, lam_error_message());
        if (bad[i].status != LAM_OK)
            expect_message(bad[i].message);
        cr_expect_eq(lam_model_status(model), bad[i].status);
        lam_model_free(model);
    }
}

Test(model, remembers_its_first_error)
{
    lam_model *model = lam_model_new(3);
    cr_assert_eq(lam_model_status(model), LAM_OK);
    cr_assert_eq(lam_model_dense(model, 3, "relo"), LAM_ERR_NAME);
    char first[256];
    snprintf(first, sizeof first, "%s", lam_error_message());
    const lam_dense_options options = lam_dense_options_default();
    static const char *const names[] = {"a"};
    lam_model_new(0); /* another message on this thread */
    cr_expect_eq(lam_model_dense(model, 3, "relu"), LAM_ERR_NAME);
    cr_expect_eq(lam_model_dense_with(model, &options), LAM_ERR_NAME);
    cr_expect_eq(lam_model_dropout(model, 2.0f), LAM_ERR_NAME);
    cr_expect_eq(lam_model_add_layers(model, "nonsense"), LAM_ERR_NAME);
    cr_expect_eq(lam_model_scale_input(model, 0, 0, 0, 0), LAM_ERR_NAME);
    cr_expect_eq(lam_model_set_class_names(model, names, 1), LAM_ERR_NAME);
    cr_expect_eq(lam_model_initialize(model, 1, NULL), LAM_ERR_NAME);
    lam_model_new(0);
    cr_expect_eq(lam__model_fail(model, LAM_ERR_ARGUMENT), LAM_ERR_ARGUMENT, "another room's");
    cr_expect_eq(lam_model_status(model), LAM_ERR_NAME);
    cr_expect_str_eq(lam_error_message(), first);
    cr_expect_eq(lam_model_layers(model), 0);
    lam_model_free(model);
}

Test(model, refuses_wrong_options)
{
    static const struct {
        lam_dense_options options;
        lam_status status;
        const char *message;
    } bad[] = {
        {{.units = 0}, LAM_ERR_ARGUMENT, "at least 1 unit"},
        {{.units = SIZE_MAX},
         LAM_ERR_ARGUMENT,
         SIZE_MAX > UINT32_MAX ? "18446744073709551615" : "4294967295"},
        {{.units = 2, .activation = "ReLU"}, LAM_ERR_NAME, "did you mean 'relu'"},
        {{.units = 2, .initializer = "xavier"}, LAM_ERR_NAME, "xavier"},
        {{.units = 2, .initializer = "he_normal:2"}, LAM_ERR_ARGUMENT, "takes no parameter"},
        {{.units = 2, .initializer = "normal:-1"}, LAM_ERR_ARGUMENT, "'-1'"},
        {{.units = 2, .initializer = "normal:"}, LAM_ERR_ARGUMENT, "normal:"},
        {{.units = 2, .bias_initializer = "zero"}, LAM_ERR_NAME, "did you mean 'zeros'"},
        {{.units = 2, .l1 = -0.5f}, LAM_ERR_ARGUMENT, "l1"},
        {{.units = 2, .l2 = NAN}, LAM_ERR_ARGUMENT, "l2"},
        {{.units = 2, .bias_l1 = INFINITY}, LAM_ERR_ARGUMENT, "bias_l1"},
        {{.units = 2, .bias_l2 = -2.0f}, LAM_ERR_ARGUMENT, "bias_l2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lam_model *model = lam_model_new(2);
        lam_dense_options options = bad[i].options; /* 0 where nothing is said */
        options.struct_size = sizeof options;
        cr_expect_eq(lam_model_dense_with(model, &options), bad[i].status, "%zu", i);
        expect_message(bad[i].message);
        lam_model_free(model);
    }
    static const float rates[] = {-0.1f, 1.0f, 1.5f, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        lam_model *model = lam_model_new(2);
        cr_expect_eq(lam_model_dropout(model, rates[i]), LAM_ERR_ARGUMENT, "%g", (double)rates[i]);
        lam_model_free(model);
    }
}

/* As short as they read back: 0.1f is no 0.10000000149011612 to a user. */
Test(model, shows_floats_as_they_were_written)
{
    lam_dense_options options = lam_dense_options_default();
    options.units = 3;
    options.l1 = -0.1f;
    lam_model *model = lam_model_new(2);
    cr_expect_eq(lam_model_dense_with(model, &options), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "LAM_INHERIT, not -0.1"), "%s", lam_error_message());
    cr_expect_null(strstr(lam_error_message(), "-0.10"), "%s", lam_error_message());
    lam_model_free(model);
    model = lam_model_new(2);
    cr_expect_eq(lam_model_dropout(model, 1.1f), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "not 1.1"), "%s", lam_error_message());
    cr_expect_null(strstr(lam_error_message(), "1.10"), "%s", lam_error_message());
    lam_model_free(model);
}

Test(model, lays_parameters_out_in_lines)
{
    lam_model *model = make(5, "3:relu,dropout:0.5,7:tanh,1");
    lam_dense_options options = lam_dense_options_default();
    options.units = 2;
    options.bias_initializer = "ones";
    cr_assert_eq(lam_model_dense_with(model, &options), LAM_OK);
    cr_assert_eq(lam_model_initialize(model, 3, "ones"), LAM_OK, "%s", lam_error_message());
    static const struct {
        const char *name;
        size_t rows, cols;
        float value;
    } expected[] = {
        {"layers.0.weight", 5, 3, 1.0f}, {"layers.0.bias", 1, 3, 0.0f},
        {"layers.2.weight", 3, 7, 1.0f}, {"layers.2.bias", 1, 7, 0.0f},
        {"layers.3.weight", 7, 1, 1.0f}, {"layers.3.bias", 1, 1, 0.0f},
        {"layers.4.weight", 1, 2, 1.0f}, {"layers.4.bias", 1, 2, 1.0f},
    };
    cr_assert_eq(lam_model_tensors(model), 8);
    cr_assert_eq(model->parameter_floats % 16, 0);
    cr_assert_eq((uintptr_t)model->parameters % 64, 0);
    double sum = 0.0;
    size_t end = 0;
    for (size_t i = 0; i < 8; i++) {
        lam_tensor tensor;
        cr_assert_eq(lam_model_tensor(model, i, &tensor), LAM_OK);
        cr_expect_str_eq(tensor.name, expected[i].name);
        cr_expect_eq(tensor.rows, expected[i].rows);
        cr_expect_eq(tensor.cols, expected[i].cols);
        const size_t offset = (size_t)(tensor.data - model->parameters);
        cr_expect_eq(offset % 16, 0, "%s at %zu", tensor.name, offset);
        cr_expect_geq(offset, end, "%s overlaps", tensor.name);
        end = offset + tensor.rows * tensor.cols;
        for (size_t k = 0; k < tensor.rows * tensor.cols; k++) {
            cr_expect_eq(tensor.data[k], expected[i].value, "%s[%zu]", tensor.name, k);
            sum += (double)tensor.data[k];
        }
    }
    cr_expect_leq(end, model->parameter_floats);
    for (size_t k = 0; k < model->parameter_floats; k++)
        sum -= (double)model->parameters[k];
    cr_expect_eq(sum, 0.0, "padding is zero");
    lam_tensor tensor;
    cr_expect_eq(lam_model_tensor(model, 8, &tensor), LAM_ERR_ARGUMENT);
    expect_message("tensor 8");
    lam_model_free(model);
}

Test(model, gets_and_sets_parameters)
{
    lam_model *model = make(3, "2:relu,1");
    float values[11], back[11];
    cr_assert_eq(lam_model_parameters(model), 11);
    for (int i = 0; i < 11; i++)
        values[i] = (float)i - 5.0f;
    cr_expect_eq(lam_model_get_parameters(model, back, 11), LAM_ERR_STATE);
    cr_expect_eq(lam_model_set_parameters(model, values, 10), LAM_ERR_SHAPE);
    expect_message("10 values for a model with 11");
    values[7] = NAN;
    cr_expect_eq(lam_model_set_parameters(model, values, 11), LAM_ERR_NUMERIC);
    expect_message("parameter 7 is nan");
    cr_expect_eq(lam_model_tensors(model), 0, "nothing has changed");
    values[7] = 2.0f;
    cr_assert_eq(lam_model_set_parameters(model, values, 11), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_get_parameters(model, back, 11), LAM_OK);
    cr_expect_arr_eq(values, back, sizeof values);
    cr_expect_eq(lam_model_get_parameters(model, back, 12), LAM_ERR_SHAPE);
    lam_tensor bias;
    cr_assert_eq(lam_model_tensor(model, 1, &bias), LAM_OK);
    cr_expect_eq(bias.data[0], values[6]);
    float other[11] = {1};
    other[10] = INFINITY;
    cr_expect_eq(lam_model_set_parameters(model, other, 11), LAM_ERR_NUMERIC);
    expect_message("parameter 10 is inf");
    cr_assert_eq(lam_model_get_parameters(model, back, 11), LAM_OK);
    cr_expect_arr_eq(values, back, sizeof values, "nothing has changed");
    cr_expect_eq(lam_model_status(model), LAM_OK, "not a building error");
    lam_model_free(model);
}

Test(model, initializes_by_seed)
{
    enum { COUNT = 20 * 30 + 30 + 30 * 20 + 20 };
    static float a[COUNT], b[COUNT];
    lam_model *one = make(20, "30:relu,20"), *two = make(20, "30:relu,20");
    cr_assert_eq(lam_model_parameters(one), COUNT);
    cr_assert_eq(lam_model_initialize(one, 7, NULL), LAM_OK);
    cr_assert_eq(lam_model_initialize(two, 7, "glorot_uniform"), LAM_OK);
    lam_model_get_parameters(one, a, COUNT);
    lam_model_get_parameters(two, b, COUNT);
    cr_expect_arr_eq(a, b, sizeof a, "the same seed, and glorot_uniform is the default");

    /* both layers have 600 weights and the same fans: other values all the same */
    size_t equal = 0;
    for (size_t i = 0; i < 600; i++)
        equal += a[i] == a[630 + i];
    cr_expect_lt(equal, 5, "layers differ");

    lam_tensor before, after;
    cr_assert_eq(lam_model_tensor(one, 0, &before), LAM_OK);
    cr_assert_eq(lam_model_initialize(one, 8, NULL), LAM_OK);
    cr_assert_eq(lam_model_tensor(one, 0, &after), LAM_OK);
    cr_expect_eq(before.data, after.data, "views stay valid");
    lam_model_get_parameters(one, b, COUNT);
    equal = 0;
    for (size_t i = 0; i < 600; i++)
        equal += a[i] == b[i];
    cr_expect_lt(equal, 5, "seeds differ");

    cr_expect_eq(lam_model_initialize(one, 7, "glorot_unifrom"), LAM_ERR_NAME);
    expect_message("did you mean 'glorot_uniform'");
    lam_model_get_parameters(one, a, COUNT);
    cr_expect_arr_eq(a, b, sizeof a, "a failure changes nothing");
    cr_expect_eq(lam_model_status(one), LAM_OK);
    cr_assert_eq(lam_model_initialize(one, 7, NULL), LAM_OK);
    lam_model_free(one);
    lam_model_free(two);
}

Test(model, is_closed_once_it_has_parameters)
{
    lam_model *model = lam_model_new(2);
    cr_expect_eq(lam_model_initialize(model, 1, NULL), LAM_ERR_STATE);
    expect_message("no layer with parameters");
    cr_assert_eq(lam_model_dropout(model, 0.1f), LAM_OK);
    cr_expect_eq(lam_model_initialize(model, 1, NULL), LAM_ERR_STATE);
    cr_assert_eq(lam_model_dense(model, 2, NULL), LAM_OK, "still open");
    cr_expect_eq(lam_model_initialize(model, 1, "nonsense"), LAM_ERR_NAME);
    cr_expect_eq(lam_model_tensors(model), 0);
    cr_assert_eq(lam_model_dense(model, 2, NULL), LAM_OK, "still open");
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    cr_assert_eq(lam_model_scale_input(model, 0, 255, 0, 1), LAM_OK, "not a layer");
    cr_expect_eq(lam_model_dense(model, 2, NULL), LAM_ERR_STATE);
    cr_expect_eq(lam_model_status(model), LAM_OK, "it is no worse for it");
    lam_model_free(model);
}

/* An allocator that has a gigabyte at most, whatever the system would promise. */
static void *allocate_little(size_t size, size_t alignment, void *user)
{
    (void)user;
    void *pointer = NULL;
    if (size > (size_t)1 << 30 || posix_memalign(&pointer, alignment, size) != 0)
        return NULL;
    return pointer;
}

static void release(void *pointer, void *user)
{
    (void)user;
    free(pointer);
}

Test(model, refuses_what_cannot_be_counted)
{
    const lam_allocator little = {allocate_little, release, NULL};
    cr_assert_eq(lam_set_allocator(&little), LAM_OK);
    /* each width fits the BLAS, their product no size_t when multiplied by 4 bytes and more */
    const size_t wide = (size_t)1 << 30;
    lam_model *model = lam_model_new(wide);
    lam_status status = LAM_OK;
    for (int i = 0; i < 64 && status == LAM_OK; i++)
        status = lam_model_dense(model, wide, NULL);
    cr_expect_eq(status, LAM_ERR_ARGUMENT);
    expect_message("1073741824");
    lam_model_free(model);

    model = lam_model_new((size_t)1 << 14);
    cr_assert_eq(lam_model_dense(model, (size_t)1 << 15, NULL), LAM_OK);
    cr_expect_eq(lam_model_initialize(model, 1, NULL), LAM_ERR_MEMORY, "2^31 bytes");
    expect_message("parameters");
    cr_expect_eq(lam_model_tensors(model), 0);
    lam_model_free(model);
}

Test(model, keeps_class_names)
{
    lam_model *model = lam_model_new(2);
    char first[] = "cat";
    const char *names[] = {first, "dog"};
    cr_expect_null(lam_model_class_name(model, 0));
    cr_assert_eq(lam_model_set_class_names(model, names, 2), LAM_OK);
    first[0] = 'b';
    cr_expect_str_eq(lam_model_class_name(model, 0), "cat", "copied");
    cr_expect_str_eq(lam_model_class_name(model, 1), "dog");
    cr_expect_null(lam_model_class_name(model, 2));
    cr_assert_eq(lam_model_set_class_names(model, names, 1), LAM_OK);
    cr_expect_str_eq(lam_model_class_name(model, 0), "bat", "replaced");
    cr_expect_null(lam_model_class_name(model, 1));
    names[1] = NULL;
    cr_expect_eq(lam_model_set_class_names(model, names, 2), LAM_ERR_ARGUMENT);
    expect_message("class 1");
    cr_expect_str_eq(lam_model_class_name(model, 0), "bat", "a failure changes nothing");
    lam_model_free(model);
}

Test(model, decides)
{
    static const float outputs[2 * 3] = {0.2f, 0.4f, 0.4f, 0.5f, 0.1f, 0.7f};
    float decisions[6];
    lam_model *model = make(1, "3:softmax");
    cr_expect_eq(lam_model_decision_width(model), 1);
    cr_assert_eq(lam_model_decide(model, outputs, 2, 0.5f, decisions), LAM_OK);
    cr_expect_eq(decisions[0], 1.0f, "the first of equals");
    cr_expect_eq(decisions[1], 2.0f);
    cr_expect_eq(lam_model_decide(model, outputs, 2, NAN, decisions), LAM_ERR_ARGUMENT);
    lam_model_free(model);

    model = make(1, "3:sigmoid,dropout:0.5");
    cr_expect_eq(lam_model_decision_width(model), 3);
    cr_assert_eq(lam_model_decide(model, outputs, 2, 0.5f, decisions), LAM_OK);
    static const float half[] = {0, 0, 0, 0, 0, 1}, third[] = {0, 1, 1, 1, 0, 1};
    cr_expect_arr_eq(decisions, half, sizeof half, "0.5 does not exceed 0.5");
    cr_assert_eq(lam_model_decide(model, outputs, 2, 0.3f, decisions), LAM_OK);
    cr_expect_arr_eq(decisions, third, sizeof third);
    lam_model_free(model);

    model = make(1, "3:tanh");
    cr_expect_eq(lam_model_decision_width(model), 3);
    cr_assert_eq(lam_model_decide(model, outputs, 2, 0.5f, decisions), LAM_OK);
    cr_expect_arr_eq(decisions, outputs, sizeof outputs);
    lam_model_free(model);

    model = lam_model_new(3);
    cr_expect_eq(lam_model_decide(model, outputs, 2, 0.5f, decisions), LAM_ERR_STATE);
    lam_model_free(model);
}

Test(model, takes_null)
{
    lam_model *model = make(2, "2");
    lam_transform_info info;
    lam_tensor tensor;
    float value = 0.0f;
    cr_expect_null(lam_model_new(0));
    cr_expect_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    lam_model_free(NULL);
    cr_expect_eq(lam_model_status(NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_dense(NULL, 1, NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_dense_with(NULL, NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_dropout(NULL, 0.1f), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_add_layers(NULL, "1"), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_scale_input(NULL, 0, 1, 0, 1), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_set_class_names(NULL, NULL, 0), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_initialize(NULL, 1, NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_tensor(NULL, 0, &tensor), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_tensor(model, 0, NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_tensor(model, 0, &tensor), LAM_ERR_STATE);
    cr_expect_eq(lam_model_get_parameters(NULL, &value, 1), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_get_parameters(model, NULL, 6), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_set_parameters(NULL, &value, 1), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_set_parameters(model, NULL, 6), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_layer(NULL, 0, NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_layer(model, 0, NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_decide(NULL, &value, 1, 0.5f, &value), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_decide(model, NULL, 1, 0.5f, &value), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_features(NULL) + lam_model_layers(NULL) + lam_model_outputs(NULL) +
                     lam_model_parameters(NULL) + lam_model_tensors(NULL) +
                     lam_model_decision_width(NULL),
                 0);
    cr_expect_null(lam_model_class_name(NULL, 0));
    cr_expect_null(lam_model_loss(NULL));
    cr_expect_null(lam_model_loss(model));
    lam_model_transform(model, NULL);
    lam_model_transform(NULL, &info);
    cr_expect_eq(info.kind, LAM_TRANSFORM_NONE);
    lam_model_free(model);

    model = lam_model_new(1);
    cr_expect_eq(lam_model_dense_with(model, NULL), LAM_ERR_ARGUMENT);
    lam_model_free(model);
    model = lam_model_new(1);
    cr_expect_eq(lam_model_add_layers(model, NULL), LAM_ERR_ARGUMENT);
    lam_model_free(model);
}
