/* transform.c: the input transform of a model, an affine map of each feature. */
#include "model/transform.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

void lam__transform_clear(lam__transform *transform)
{
    lam__release(transform->mean); /* one block with the three others */
    *transform = (lam__transform){.kind = LAM_TRANSFORM_NONE, .scale = 1.0f};
}

static lam_status fail_range(const char *what, float a, float b)
{
    char from[32], to[32];
    return lam__fail(LAM_ERR_ARGUMENT, "%s: %s to %s", what,
                     lam__format_float(a, from, sizeof from), lam__format_float(b, to, sizeof to));
}

lam_status lam__transform_scale(lam__transform *transform, float from_lo, float from_hi,
                                float to_lo, float to_hi)
{
    if (!isfinite(from_lo) || !isfinite(from_hi))
        return fail_range("the input range is not finite", from_lo, from_hi);
    if (!isfinite(to_lo) || !isfinite(to_hi))
        return fail_range("the range to scale to is not finite", to_lo, to_hi);
    if (from_lo == from_hi)
        return fail_range("the input range is empty", from_lo, from_hi);
    const double scale = ((double)to_hi - to_lo) / ((double)from_hi - from_lo);
    const double offset = to_lo - from_lo * scale;
    if (fabs(scale) > FLT_MAX || fabs(offset) > FLT_MAX)
        return fail_range("the input range is too narrow", from_lo, from_hi);
    lam__transform_clear(transform);
    transform->kind = LAM_TRANSFORM_SCALE;
    transform->from_lo = from_lo;
    transform->from_hi = from_hi;
    transform->to_lo = to_lo;
    transform->to_hi = to_hi;
    transform->scale = (float)scale;
    transform->offset = (float)offset;
    return LAM_OK;
}

/* Fills scale and offset of feature i: (x - mean) / std = x * scale + offset. */
static lam_status derive(lam__transform *made, size_t i)
{
    const double mean = made->mean[i], std = made->std[i];
    char text[32];
    if (!isfinite(mean))
        return lam__fail(LAM_ERR_NUMERIC, "the mean of feature %zu is %s", i,
                         lam__format_float(made->mean[i], text, sizeof text));
    if (!isfinite(std) || std < 0.0)
        return lam__fail(LAM_ERR_NUMERIC, "the standard deviation of feature %zu is %s", i,
                         lam__format_float(made->std[i], text, sizeof text));
    /* a constant feature is only centred; below FLT_MIN 1 / std may overflow */
    const double scale = std < (double)FLT_MIN ? 1.0 : 1.0 / std;
    if (fabs(mean * scale) > (double)FLT_MAX)
        return lam__fail(LAM_ERR_NUMERIC,
                         "the standard deviation of feature %zu is too small for its mean: %s", i,
                         lam__format_float(made->std[i], text, sizeof text));
    made->scales[i] = (float)scale;
    made->offsets[i] = (float)(-mean * scale);
    return LAM_OK;
}

lam_status lam__transform_standardize(lam__transform *transform, size_t features, const float *mean,
                                      const float *std)
{
    lam__transform made = {.kind = LAM_TRANSFORM_STANDARDIZE, .scale = 1.0f};
    size_t floats;
    if (!lam__multiply(features, 4, &floats))
        return lam__fail_memory(SIZE_MAX, "the input transform");
    made.mean = lam__allocate(floats, sizeof *made.mean, "the input transform");
    if (!made.mean)
        return LAM_ERR_MEMORY;
    made.std = made.mean + features;
    made.scales = made.std + features;
    made.offsets = made.scales + features;
    memcpy(made.mean, mean, features * sizeof *mean);
    memcpy(made.std, std, features * sizeof *std);
    for (size_t i = 0; i < features; i++) {
        lam_status status = derive(&made, i);
        if (status != LAM_OK) {
            lam__transform_clear(&made);
            return status;
        }
    }
    lam__transform_clear(transform);
    *transform = made;
    return LAM_OK;
}

void lam__transform_f32(const lam__transform *transform, size_t features, const float *x, float *y)
{
    const lam__kernels *kernels = lam__kernels_chosen();
    switch (transform->kind) {
    case LAM_TRANSFORM_NONE:
        memcpy(y, x, features * sizeof *y);
        break;
    case LAM_TRANSFORM_SCALE:
        kernels->affine_f32(features, x, transform->scale, transform->offset, y);
        break;
    case LAM_TRANSFORM_STANDARDIZE:
        kernels->affine_each_f32(features, x, transform->scales, transform->offsets, y);
        break;
    }
}

void lam__transform_u8(const lam__transform *transform, size_t features, const uint8_t *x, float *y)
{
    const lam__kernels *kernels = lam__kernels_chosen();
    switch (transform->kind) {
    case LAM_TRANSFORM_NONE:
        kernels->affine_u8(features, x, 1.0f, 0.0f, y);
        break;
    case LAM_TRANSFORM_SCALE:
        kernels->affine_u8(features, x, transform->scale, transform->offset, y);
        break;
    case LAM_TRANSFORM_STANDARDIZE:
        kernels->affine_each_u8(features, x, transform->scales, transform->offsets, y);
        break;
    }
}
