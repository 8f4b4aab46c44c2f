/* test_predictor.c: predictors with threads of their own, and weights that change between calls. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

enum { FEATURES = 300, OUTPUTS = 7, ROWS = 150 };

static float x[ROWS * FEATURES], y[ROWS * OUTPUTS], expected[ROWS * OUTPUTS];

/* Layers with more and fewer columns than a task, whole panels and parts, one that needs its whole
 * row, and one too small to share. */
static lam_model *make_model(uint64_t seed)
{
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        x[i] = (float)(i * 7919 % 1009) / 504.5f - 1.0f;
    lam_model *model = lam_model_new(FEATURES);
    lam_model_add_layers(model, "531:relu,dropout:0.2,400:tanh,300:softmax,512:sigmoid,7:linear");
    cr_assert_eq(lam_model_initialize(model, seed, NULL), LAM_OK, "%s", lam_error_message());
    return model;
}

static lam_predictor *open_predictor(const lam_model *model, size_t rows, size_t threads)
{
    lam_predictor_options options = lam_predictor_options_default();
    options.threads = threads;
    lam_predictor *predictor = lam_predictor_new_with(model, rows, &options);
    cr_assert_not_null(predictor, "%s", lam_error_message());
    return predictor;
}

static bool own_products(void)
{
    return strcmp(lam_build_info("products"), "blas") != 0;
}

Test(predictor, threads_change_no_bit)
{
    lam_model *model = make_model(1);
    lam_predictor *alone = lam_predictor_new(model, ROWS);
    cr_assert_eq(lam_predictor_threads(alone), 1);
    for (size_t threads = 2; threads <= 5; threads++) {
        lam_predictor *several = open_predictor(model, ROWS, threads);
        cr_assert_eq(lam_predictor_threads(several), own_products() ? threads : 1);
        for (size_t rows = 1; rows <= ROWS; rows += rows < 9 ? 1 : 47) {
            cr_assert_eq(lam_predictor_run(alone, x, rows, expected), LAM_OK);
            memset(y, 0xff, sizeof y);
            cr_assert_eq(lam_predictor_run(several, x, rows, y), LAM_OK);
            cr_assert_arr_eq(y, expected, rows * OUTPUTS * sizeof *y, "%zu rows, %zu threads", rows,
                             threads);
        }
        lam_predictor_free(several);
    }
    lam_predictor_free(alone);
    lam_model_free(model);
}

/* Alone, among others, in a whole data set, and without copies of the weights. */
Test(predictor, a_row_has_the_same_bits_anywhere)
{
    if (!own_products())
        cr_skip_test("the BLAS makes the products");
    lam_model *model = make_model(2);
    lam_predictor *predictor = open_predictor(model, ROWS, 2);
    cr_assert_eq(lam_predictor_run(predictor, x, ROWS, expected), LAM_OK);
    for (size_t rows = 1; rows <= 30; rows += rows < 9 ? 1 : 7)
        for (size_t first = 0; first + rows <= ROWS; first += 5 * rows) {
            cr_assert_eq(lam_predictor_run(predictor, x + first * FEATURES, rows, y), LAM_OK);
            cr_assert_arr_eq(y, expected + first * OUTPUTS, rows * OUTPUTS * sizeof *y);
            cr_assert_eq(lam_predict(model, x + first * FEATURES, rows, y), LAM_OK);
            cr_assert_arr_eq(y, expected + first * OUTPUTS, rows * OUTPUTS * sizeof *y);
        }
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, ROWS, FEATURES, LAM_BORROW);
    cr_assert_eq(lam_predict_dataset(model, data, 2, y), LAM_OK);
    cr_assert_arr_eq(y, expected, sizeof y);
    lam_dataset_free(data);
    lam_predictor_free(predictor);
    lam_model_free(model);
}

/* The predictor's copy of the weights follows them, also where they are written through a view. */
Test(predictor, sees_new_weights)
{
    lam_model *model = make_model(3), *other = make_model(4);
    const size_t count = lam_model_parameters(model);
    float *values = malloc(count * sizeof *values);
    cr_assert_eq(lam_model_get_parameters(other, values, count), LAM_OK);
    lam_predictor *first = open_predictor(model, ROWS, 2), *second = open_predictor(other, ROWS, 2);
    for (size_t rows = 1; rows <= 25; rows += 12) {
        cr_assert_eq(lam_predictor_run(first, x, rows, y), LAM_OK);
        cr_assert_eq(lam_predictor_run(second, x, rows, expected), LAM_OK);
        cr_assert_arr_neq(y, expected, rows * OUTPUTS * sizeof *y);
    }
    cr_assert_eq(lam_model_set_parameters(model, values, count), LAM_OK);
    for (size_t rows = 1; rows <= 25; rows += 12) {
        cr_assert_eq(lam_predictor_run(first, x, rows, y), LAM_OK);
        cr_assert_eq(lam_predictor_run(second, x, rows, expected), LAM_OK);
        cr_assert_arr_eq(y, expected, rows * OUTPUTS * sizeof *y);
    }
    lam_tensor mine, its;
    cr_assert_eq(lam_model_tensor(model, 0, &mine), LAM_OK);
    cr_assert_eq(lam_model_tensor(other, 0, &its), LAM_OK);
    for (size_t rows = 1; rows <= 25; rows += 12) {
        mine.data[rows] += 1.0f;
        cr_assert_eq(lam_predictor_run(first, x, rows, y), LAM_OK);
        cr_assert_eq(lam_predictor_run(second, x, rows, expected), LAM_OK);
        cr_assert_arr_neq(y, expected, rows * OUTPUTS * sizeof *y);
        its.data[rows] += 1.0f;
        cr_assert_eq(lam_predictor_run(second, x, rows, expected), LAM_OK);
        cr_assert_arr_eq(y, expected, rows * OUTPUTS * sizeof *y);
    }
    free(values);
    lam_predictor_free(first);
    lam_predictor_free(second);
    lam_model_free(model);
    lam_model_free(other);
}

Test(predictor, threads_are_only_for_work)
{
    lam_model *small = lam_model_new(30);
    lam_model_add_layers(small, "64:relu,64:relu,1:sigmoid");
    cr_assert_eq(lam_model_initialize(small, 1, NULL), LAM_OK);
    lam_predictor *predictor = open_predictor(small, 1, 4);
    cr_assert_eq(lam_predictor_threads(predictor), 1);
    lam_predictor_free(predictor);
    predictor = lam_predictor_new_with(small, 1, NULL);
    cr_assert_eq(lam_predictor_threads(predictor), 1);
    lam_predictor_free(predictor);
    lam_predictor_options options = lam_predictor_options_default();
    options.threads = 100000;
    cr_assert_null(lam_predictor_new_with(small, 1, &options));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    cr_assert_null(lam_predictor_new_with(small, 0, NULL));
    cr_assert_eq(lam_predictor_threads(NULL), 0);
    lam_model_free(small);
}
