/* test_transform.c: the input transform: scaling and standardization, of floats and of bytes. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include <lamina/model.h>

#include "model/network.h"

enum { FEATURES = 37 }; /* whole vectors and a tail */

static float x[FEATURES], y[FEATURES];
static uint8_t bytes[FEATURES];

static void fill(void)
{
    for (size_t i = 0; i < FEATURES; i++) {
        bytes[i] = (uint8_t)(i * 7);
        x[i] = (float)bytes[i];
    }
}

TestSuite(transform, .init = fill);

Test(transform, none_changes_nothing)
{
    lam_model *model = lam_model_new(FEATURES);
    lam__transform_f32(&model->transform, FEATURES, x, y);
    cr_expect_arr_eq(x, y, sizeof x);
    memset(y, 0, sizeof y);
    lam__transform_u8(&model->transform, FEATURES, bytes, y);
    cr_expect_arr_eq(x, y, sizeof x);
    lam_transform_info info;
    lam_model_transform(model, &info);
    cr_expect_eq(info.kind, LAM_TRANSFORM_NONE);
    lam_model_free(model);
}

Test(transform, scales)
{
    lam_model *model = lam_model_new(FEATURES);
    cr_assert_eq(lam_model_scale_input(model, 0, 255, -1, 1), LAM_OK);
    lam_transform_info info;
    lam_model_transform(model, &info);
    cr_expect_eq(info.kind, LAM_TRANSFORM_SCALE);
    cr_expect_eq(info.from_lo, 0.0f);
    cr_expect_eq(info.from_hi, 255.0f);
    cr_expect_eq(info.to_lo, -1.0f);
    cr_expect_eq(info.to_hi, 1.0f);
    cr_expect_null(info.mean);
    bytes[0] = 255;
    x[0] = 255.0f;
    float from_bytes[FEATURES];
    lam__transform_f32(&model->transform, FEATURES, x, y);
    lam__transform_u8(&model->transform, FEATURES, bytes, from_bytes);
    for (size_t i = 0; i < FEATURES; i++) {
        cr_expect_float_eq((double)y[i], (double)x[i] / 127.5 - 1.0, 2e-7, "%zu", i);
        cr_expect_float_eq(from_bytes[i], y[i], 2e-7f, "%zu", i);
    }
    cr_expect_float_eq(y[0], 1.0f, 2e-7f);
    /* the range may be turned round: black becomes white */
    cr_assert_eq(lam_model_scale_input(model, 0, 255, 1, 0), LAM_OK);
    lam__transform_u8(&model->transform, FEATURES, bytes, y);
    cr_expect_float_eq(y[0], 0.0f, 1e-7f);
    lam_model_free(model);
}

Test(transform, refuses_empty_ranges)
{
    static const float bad[][4] = {
        {1, 1, 0, 1},         {0, INFINITY, 0, 1}, {NAN, 1, 0, 1},
        {0, 1, -INFINITY, 1}, {0, 1, 0, NAN},      {0, 1e-30f, 0, 1e30f},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lam_model *model = lam_model_new(1);
        cr_expect_eq(lam_model_scale_input(model, bad[i][0], bad[i][1], bad[i][2], bad[i][3]),
                     LAM_ERR_ARGUMENT, "%zu", i);
        cr_expect_eq(lam_model_status(model), LAM_ERR_ARGUMENT, "sticky");
        lam_model_free(model);
    }
    lam_model *model = lam_model_new(1);
    cr_expect_eq(lam_model_scale_input(model, 0.1f, 0.1f, 0, 1), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "0.1 to 0.1"), "%s", lam_error_message());
    lam_model_free(model);
}

Test(transform, standardizes)
{
    float mean[FEATURES], std[FEATURES], from_bytes[FEATURES];
    for (size_t i = 0; i < FEATURES; i++) {
        mean[i] = (float)i * 3.0f - 20.0f;
        std[i] = i % 5 == 0 ? 0.0f : (float)i * 0.5f;
    }
    lam__transform transform = {0};
    cr_assert_eq(lam__transform_standardize(&transform, FEATURES, mean, std), LAM_OK);
    cr_expect_eq(transform.kind, LAM_TRANSFORM_STANDARDIZE);
    cr_expect_arr_eq(transform.mean, mean, sizeof mean);
    cr_expect_arr_eq(transform.std, std, sizeof std);
    lam__transform_f32(&transform, FEATURES, x, y);
    lam__transform_u8(&transform, FEATURES, bytes, from_bytes);
    for (size_t i = 0; i < FEATURES; i++) {
        const double divisor = std[i] > 0.0f ? (double)std[i] : 1.0;
        const double expected = ((double)x[i] - (double)mean[i]) / divisor;
        cr_expect_float_eq((double)y[i], expected, 1e-4, "%zu: a constant is only centred", i);
        cr_expect_float_eq(from_bytes[i], y[i], 1e-4f, "%zu", i);
    }
    /* from its own arrays */
    cr_assert_eq(lam__transform_standardize(&transform, FEATURES, transform.mean, transform.std),
                 LAM_OK);
    cr_expect_arr_eq(transform.mean, mean, sizeof mean);
    cr_assert_eq(lam__transform_scale(&transform, 0, 1, 0, 2), LAM_OK);
    cr_expect_null(transform.mean);
    cr_expect_null(transform.scales);
    lam__transform_clear(&transform);
    lam__transform_clear(&transform);
}

Test(transform, refuses_what_is_not_finite)
{
    static const struct {
        float mean, std;
        const char *message;
    } bad[] = {
        {NAN, 1.0f, "mean of feature 2 is nan"},
        {INFINITY, 1.0f, "mean of feature 2 is inf"},
        {0.0f, NAN, "standard deviation of feature 2 is nan"},
        {0.0f, -0.1f, "standard deviation of feature 2 is -0.1"},
        {1e30f, 1e-30f, "is too small for its mean: 1e-30"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const float mean[] = {0, 0, bad[i].mean}, std[] = {1, 1, bad[i].std};
        lam__transform transform = {0};
        cr_assert_eq(lam__transform_scale(&transform, 0, 1, 0, 2), LAM_OK);
        cr_expect_eq(lam__transform_standardize(&transform, 3, mean, std), LAM_ERR_NUMERIC);
        const char *found = strstr(lam_error_message(), bad[i].message);
        cr_expect(found && strlen(found) == strlen(bad[i].message), "%s", lam_error_message());
        cr_expect_eq(transform.kind, LAM_TRANSFORM_SCALE, "a failure changes nothing");
        lam__transform_clear(&transform);
    }
    /* so small that its reciprocal is no float: only centred */
    const float mean[] = {3}, std[] = {FLT_MIN / 2}, value[] = {5};
    lam__transform transform = {0};
    float out;
    cr_assert_eq(lam__transform_standardize(&transform, 1, mean, std), LAM_OK);
    lam__transform_f32(&transform, 1, value, &out);
    cr_expect_eq(out, 2.0f);
    lam__transform_clear(&transform);
}
