/* test_compare.c: how far two models are apart. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include <lamina/lamina.h>

static lam_model *built(const char *layers, const float *values, size_t count)
{
    lam_model *model = lam_model_new(1);
    cr_assert_eq(lam_model_scale_input(model, 0.0f, 4.0f, 0.0f, 4.0f), LAM_OK);
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK);
    cr_assert_eq(lam_model_set_parameters(model, values, count), LAM_OK, "%s", lam_error_message());
    return model;
}

/* y_0 = factor x, y_1 = x + shift, x in 0..4. */
static lam_model *lines(float factor, float shift)
{
    return built("2", (const float[]){factor, 1.0f, 0.0f, shift}, 4);
}

/* The differences, and those in relation to the size; both models are freed. */
static void expect_apart(lam_model *a, lam_model *b, double least, double most,
                         double most_relative)
{
    double largest = -1.0, relative = -1.0;
    cr_expect_eq(lam_model_compare(a, b, 64, 1, &largest), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(lam_model_compare_relative(a, b, 64, 1, &relative), LAM_OK);
    cr_expect(largest >= least && largest <= most, "%g is not in %g..%g", largest, least, most);
    cr_expect(relative >= 0.0 && relative <= most_relative, "%g", relative);
    if (least > 0.0)
        cr_expect_gt(relative, 0.0);
    lam_model_free(a);
    lam_model_free(b);
}

Test(compare, equal_infinities_are_no_difference)
{
    expect_apart(lines(FLT_MAX, 0.0f), lines(FLT_MAX, 0.0f), 0.0, 0.0, 0.0);
    expect_apart(lines(-FLT_MAX, 0.0f), lines(-FLT_MAX, 0.0f), 0.0, 0.0, 0.0);
    const float huge[] = {FLT_MAX, 0.0f, 2.0f, 0.0f}; /* every row infinite, or nearly */
    expect_apart(built("1,1", huge, 4), built("1,1", huge, 4), 0.0, 0.0, 0.0);
}

Test(compare, other_infinities_are)
{
    expect_apart(lines(FLT_MAX, 0.0f), lines(-FLT_MAX, 0.0f), INFINITY, INFINITY, INFINITY);
    expect_apart(lines(FLT_MAX, 0.0f), lines(1.0f, 0.0f), INFINITY, INFINITY, INFINITY);
    expect_apart(lines(1.0f, 0.0f), lines(FLT_MAX, 0.0f), INFINITY, INFINITY, INFINITY);
}

/* Set against the size of an infinite output any difference would be 0. */
Test(compare, a_difference_beside_an_infinity_counts)
{
    lam_model *a = lines(FLT_MAX, 0.0f), *b = lines(FLT_MAX, 0.5f);
    double relative = -1.0;
    cr_expect_eq(lam_model_compare_relative(a, b, 64, 1, &relative), LAM_OK);
    cr_expect_gt(relative, 0.0);
    lam_model_free(a);
    lam_model_free(b);
}

Test(compare, nan_is_no_agreement)
{
    const float values[] = {FLT_MAX, 0.0f, 0.0f, 1.0f}; /* inf 0 */
    expect_apart(built("1,1", values, 4), built("1,1", values, 4), INFINITY, INFINITY, INFINITY);
}
