/* draft.c: the steps of a draft. */
#include "formats/draft.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/draft_steps.h"

lam__draft *lam__draft_new(const char *name)
{
    lam__draft *draft = lam__allocate_zero(1, sizeof *draft, "a network being read");
    if (!draft)
        return NULL;
    draft->left = SIZE_MAX;
    draft->name = lam__copy_string(name);
    if (draft->name)
        return draft;
    lam__release(draft);
    return NULL;
}

void lam__draft_free(lam__draft *draft)
{
    if (!draft)
        return;
    for (size_t i = 0; i < draft->count; i++)
        lam__release(draft->steps[i].a);
    lam__release(draft->steps);
    lam__release(draft->name);
    lam__release(draft);
}

size_t lam__draft_width(const lam__draft *draft)
{
    return draft->width;
}

lam_status lam__draft_fail(lam__draft *draft, lam_status status)
{
    if (draft->status == LAM_OK) {
        draft->status = status;
        snprintf(draft->message, sizeof draft->message, "%s", lam_error_message());
    }
    return status;
}

lam_status lam__draft_refuse(lam__draft *draft, const lam__step *step, lam_status status,
                             const char *format, ...)
{
    char text[384];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return lam__draft_fail(draft, lam__fail(status, "%s: %s: %s", draft->name, step->where, text));
}

/* The least that a value takes in a file is two bytes; and 2 MB are no matter. */
void lam__draft_limit(lam__draft *draft, size_t file_size)
{
    draft->file_size = file_size;
    draft->left = file_size / 2 + ((size_t)1 << 18);
}

void lam__draft_tell(lam__draft *draft, lam_import_report *report)
{
    draft->report = report;
}

lam_status lam__draft_spend(lam__draft *draft, const lam__step *step, size_t values)
{
    if (values > draft->left)
        return lam__draft_refuse(draft, step, LAM_ERR_FORMAT,
                                 "%zu values, more than a file of %zu bytes can tell beside those "
                                 "before",
                                 values, draft->file_size);
    draft->left -= draft->left == SIZE_MAX ? 0 : values;
    return LAM_OK;
}

static lam_status check(const lam__draft *draft)
{
    return draft->status == LAM_OK ? LAM_OK : lam__fail(draft->status, "%s", draft->message);
}

static lam__step make_step(lam__step_kind kind, const char *where, size_t in, size_t out)
{
    lam__step step = {.kind = kind, .in = in, .out = out};
    snprintf(step.where, sizeof step.where, "%s", where);
    return step;
}

lam_status lam__draft_allows(lam__draft *draft, const char *where, size_t values)
{
    const lam__step step = make_step(LAM__STEP_GONE, where, 0, 0);
    const size_t left = draft->left;
    LAM__TRY(lam__draft_spend(draft, &step, values));
    draft->left = left;
    return LAM_OK;
}

static lam_status make_room(lam__draft *draft)
{
    if (draft->count < draft->capacity)
        return LAM_OK;
    const size_t capacity = draft->capacity ? 2 * draft->capacity : 8;
    lam__step *steps = lam__allocate(capacity, sizeof *steps, "the steps of a network");
    if (!steps)
        return LAM_ERR_MEMORY;
    if (draft->count)
        memcpy(steps, draft->steps, draft->count * sizeof *steps);
    lam__release(draft->steps);
    draft->steps = steps;
    draft->capacity = capacity;
    return LAM_OK;
}

/* Adds a step with room for counts[0] + counts[1] values; *added is where to fill them in. */
static lam_status add(lam__draft *draft, lam__step *step, size_t first, size_t second,
                      lam__step **added)
{
    LAM__TRY(check(draft));
    if (step->in == 0 || step->out == 0)
        return lam__draft_refuse(draft, step, LAM_ERR_SHAPE, "%zu inputs and %zu outputs", step->in,
                                 step->out);
    const bool any = step->kind == LAM__STEP_AFFINE && step->in == 1;
    if (draft->width && !any && step->in != draft->width)
        return lam__draft_refuse(draft, step, LAM_ERR_SHAPE, "takes %zu values, but %zu come to it",
                                 step->in, draft->width);
    size_t values;
    if (!lam__add(first, second, &values))
        values = SIZE_MAX; /* more than any file tells, and than can be allocated */
    LAM__TRY(lam__draft_spend(draft, step, values));
    lam_status status = make_room(draft);
    if (status == LAM_OK && values) {
        step->a = lam__allocate(values, sizeof *step->a, "the parameters of a network");
        status = step->a ? LAM_OK : LAM_ERR_MEMORY;
    }
    if (status != LAM_OK)
        return lam__draft_fail(draft, status);
    step->b = step->a ? step->a + first : NULL;
    draft->steps[draft->count] = *step;
    *added = &draft->steps[draft->count++];
    if (!any)
        draft->width = step->out;
    return LAM_OK;
}

/* Copies values that must be finite; NULL stands for `otherwise`. */
static lam_status fill(lam__draft *draft, const lam__step *step, const char *what, double *to,
                       size_t count, const float *from, double otherwise)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = from ? (double)from[i] : otherwise;
        if (!isfinite(to[i]))
            return lam__draft_refuse(draft, step, LAM_ERR_NUMERIC,
                                     "value %zu of the %s is not a finite number", i, what);
    }
    return LAM_OK;
}

lam_status lam__draft_dense(lam__draft *draft, const char *where, size_t in, size_t out,
                            const float *w, const float *b)
{
    lam__step step = make_step(LAM__STEP_DENSE, where, in, out), *added;
    size_t weights;
    if (!lam__multiply(in, out, &weights))
        weights = SIZE_MAX; /* refused by add() */
    LAM__TRY(add(draft, &step, weights, out, &added));
    LAM__TRY(fill(draft, added, "weights", added->a, weights, w, 0.0));
    return fill(draft, added, "bias", added->b, out, b, 0.0);
}

lam_status lam__draft_affine(lam__draft *draft, const char *where, size_t n, const double *scale,
                             const double *offset)
{
    lam__step step = make_step(LAM__STEP_AFFINE, where, n, n), *added;
    LAM__TRY(add(draft, &step, n, n, &added));
    for (size_t i = 0; i < n; i++) {
        added->a[i] = scale[i];
        added->b[i] = offset[i];
        if (!isfinite(scale[i]) || !isfinite(offset[i]))
            return lam__draft_refuse(draft, added, LAM_ERR_NUMERIC,
                                     "scale or offset %zu is not a finite number", i);
    }
    return LAM_OK;
}

lam_status lam__draft_batch_norm(lam__draft *draft, const char *where, size_t n, const float *gamma,
                                 const float *beta, const float *mean, const float *variance,
                                 double epsilon)
{
    lam__step step = make_step(LAM__STEP_AFFINE, where, n, n), *added;
    LAM__TRY(add(draft, &step, n, n, &added));
    for (size_t i = 0; i < n; i++) {
        const double deviation = sqrt((double)variance[i] + epsilon);
        added->a[i] = (gamma ? (double)gamma[i] : 1.0) / deviation;
        added->b[i] = (beta ? (double)beta[i] : 0.0) - (double)mean[i] * added->a[i];
        if (!(deviation > 0.0) || !isfinite(added->a[i]) || !isfinite(added->b[i]))
            return lam__draft_refuse(draft, added, LAM_ERR_NUMERIC,
                                     "feature %zu cannot be normalized: its variance, mean, gamma "
                                     "or beta is not a finite number, or the variance not positive",
                                     i);
    }
    return LAM_OK;
}

lam_status lam__draft_activation(lam__draft *draft, const char *where, const char *activation)
{
    LAM__TRY(check(draft));
    const lam__activation *found = lam__find_activation(activation);
    lam__step step = make_step(LAM__STEP_ACTIVATION, where, draft->width, draft->width), *added;
    if (!found) {
        char text[384];
        snprintf(text, sizeof text, "%s", lam_error_message());
        return lam__draft_refuse(draft, &step, lam_error_status(), "%s", text);
    }
    if (strcmp(found->name, "linear") == 0)
        return LAM_OK;
    if (draft->width == 0)
        return lam__draft_refuse(draft, &step, LAM_ERR_UNSUPPORTED,
                                 "the activation '%s' has no layer before it", found->name);
    step.activation = found;
    return add(draft, &step, 0, 0, &added);
}

lam_status lam__draft_dropout(lam__draft *draft, const char *where, float rate)
{
    LAM__TRY(check(draft));
    lam__step step = make_step(LAM__STEP_DROPOUT, where, draft->width, draft->width), *added;
    step.rate = rate;
    if (!(rate >= 0.0f && rate < 1.0f))
        return lam__draft_refuse(draft, &step, LAM_ERR_ARGUMENT,
                                 "a dropout rate must be in 0 <= rate < 1, not %g", (double)rate);
    if (draft->width == 0) /* before the first layer: its width is not told yet */
        step.in = step.out = 1;
    const size_t width = draft->width;
    lam_status status = add(draft, &step, 0, 0, &added);
    draft->width = width;
    return status;
}

lam_status lam__draft_layer_norm(lam__draft *draft, const char *where, size_t n, const float *gamma,
                                 const float *beta, double epsilon)
{
    lam__step step = make_step(LAM__STEP_LAYER_NORM, where, n, n), *added;
    step.epsilon = epsilon;
    if (!(epsilon >= 0.0) || !isfinite(epsilon))
        return lam__draft_refuse(draft, &step, LAM_ERR_NUMERIC, "its epsilon is not a number >= 0");
    LAM__TRY(add(draft, &step, n, n, &added));
    LAM__TRY(fill(draft, added, "gamma", added->a, n, gamma, 1.0));
    return fill(draft, added, "beta", added->b, n, beta, 0.0);
}
