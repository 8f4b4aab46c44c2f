/* import_graph.c: the steps of an import graph. */
#include "formats/import/import_graph.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/import_graph_steps.h"

lam__import_graph *lam__import_graph_new(const char *name)
{
    lam__import_graph *imported = lam__allocate_zero(1, sizeof *imported, "a network being read");
    if (!imported)
        return NULL;
    imported->left = SIZE_MAX;
    imported->name = lam__copy_string(name);
    if (imported->name)
        return imported;
    lam__release(imported);
    return NULL;
}

void lam__import_graph_free(lam__import_graph *imported)
{
    if (!imported)
        return;
    for (size_t i = 0; i < imported->count; i++)
        lam__release(imported->steps[i].a);
    lam__release(imported->steps);
    lam__release(imported->name);
    lam__release(imported);
}

size_t lam__import_graph_width(const lam__import_graph *imported)
{
    return imported->width;
}

lam_status lam__import_graph_fail(lam__import_graph *imported, lam_status status)
{
    if (imported->status == LAM_OK) {
        imported->status = status;
        snprintf(imported->message, sizeof imported->message, "%s", lam_error_message());
    }
    return status;
}

lam_status lam__import_graph_refuse(lam__import_graph *imported, const lam__step *step,
                                    lam_status status, const char *format, ...)
{
    char text[384];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return lam__import_graph_fail(
        imported, lam__fail(status, "%s: %s: %s", imported->name, step->where, text));
}

/* The least that a value takes in a file is two bytes; and 2 MB are no matter. */
void lam__import_graph_limit(lam__import_graph *imported, size_t file_size)
{
    imported->file_size = file_size;
    imported->left = file_size / 2 + ((size_t)1 << 18);
}

void lam__import_graph_tell(lam__import_graph *imported, lam_import_report *report)
{
    imported->report = report;
}

lam_status lam__import_graph_spend(lam__import_graph *imported, const lam__step *step,
                                   size_t values)
{
    if (values > imported->left)
        return lam__import_graph_refuse(
            imported, step, LAM_ERR_FORMAT,
            "%zu values, more than a file of %zu bytes can tell beside those "
            "before",
            values, imported->file_size);
    imported->left -= imported->left == SIZE_MAX ? 0 : values;
    return LAM_OK;
}

static lam_status check(const lam__import_graph *imported)
{
    return imported->status == LAM_OK ? LAM_OK
                                      : lam__fail(imported->status, "%s", imported->message);
}

static lam__step make_step(lam__step_kind kind, const char *where, size_t in, size_t out)
{
    lam__step step = {.kind = kind, .in = in, .out = out};
    snprintf(step.where, sizeof step.where, "%s", where);
    return step;
}

lam_status lam__import_graph_allows(lam__import_graph *imported, const char *where, size_t values)
{
    const lam__step step = make_step(LAM__STEP_GONE, where, 0, 0);
    const size_t left = imported->left;
    LAM__TRY(lam__import_graph_spend(imported, &step, values));
    imported->left = left;
    return LAM_OK;
}

static lam_status make_room(lam__import_graph *imported)
{
    if (imported->count < imported->capacity)
        return LAM_OK;
    const size_t capacity = imported->capacity ? 2 * imported->capacity : 8;
    lam__step *steps = lam__allocate(capacity, sizeof *steps, "the steps of a network");
    if (!steps)
        return LAM_ERR_MEMORY;
    if (imported->count)
        memcpy(steps, imported->steps, imported->count * sizeof *steps);
    lam__release(imported->steps);
    imported->steps = steps;
    imported->capacity = capacity;
    return LAM_OK;
}

/* Adds a step with room for counts[0] + counts[1] values; *added is where to fill them in. */
static lam_status add(lam__import_graph *imported, lam__step *step, size_t first, size_t second,
                      lam__step **added)
{
    LAM__TRY(check(imported));
    if (step->in == 0 || step->out == 0)
        return lam__import_graph_refuse(imported, step, LAM_ERR_SHAPE, "%zu inputs and %zu outputs",
                                        step->in, step->out);
    const bool any = step->kind == LAM__STEP_AFFINE && step->in == 1;
    if (imported->width && !any && step->in != imported->width)
        return lam__import_graph_refuse(imported, step, LAM_ERR_SHAPE,
                                        "takes %zu values, but %zu come to it", step->in,
                                        imported->width);
    size_t values;
    if (!lam__add(first, second, &values))
        values = SIZE_MAX; /* more than any file tells, and than can be allocated */
    LAM__TRY(lam__import_graph_spend(imported, step, values));
    lam_status status = make_room(imported);
    if (status == LAM_OK && values) {
        step->a = lam__allocate(values, sizeof *step->a, "the parameters of a network");
        status = step->a ? LAM_OK : LAM_ERR_MEMORY;
    }
    if (status != LAM_OK)
        return lam__import_graph_fail(imported, status);
    step->b = step->a ? step->a + first : NULL;
    imported->steps[imported->count] = *step;
    *added = &imported->steps[imported->count++];
    if (!any)
        imported->width = step->out;
    return LAM_OK;
}

/* Copies values that must be finite; NULL stands for `otherwise`. */
static lam_status fill(lam__import_graph *imported, const lam__step *step, const char *what,
                       double *to, size_t count, const float *from, double otherwise)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = from ? (double)from[i] : otherwise;
        if (!isfinite(to[i]))
            return lam__import_graph_refuse(imported, step, LAM_ERR_NUMERIC,
                                            "value %zu of the %s is not a finite number", i, what);
    }
    return LAM_OK;
}

lam_status lam__import_graph_dense(lam__import_graph *imported, const char *where, size_t in,
                                   size_t out, const float *w, const float *b)
{
    lam__step step = make_step(LAM__STEP_DENSE, where, in, out), *added;
    size_t weights;
    if (!lam__multiply(in, out, &weights))
        weights = SIZE_MAX; /* refused by add() */
    LAM__TRY(add(imported, &step, weights, out, &added));
    LAM__TRY(fill(imported, added, "weights", added->a, weights, w, 0.0));
    return fill(imported, added, "bias", added->b, out, b, 0.0);
}

lam_status lam__import_graph_affine(lam__import_graph *imported, const char *where, size_t n,
                                    const double *scale, const double *offset)
{
    lam__step step = make_step(LAM__STEP_AFFINE, where, n, n), *added;
    LAM__TRY(add(imported, &step, n, n, &added));
    for (size_t i = 0; i < n; i++) {
        added->a[i] = scale[i];
        added->b[i] = offset[i];
        if (!isfinite(scale[i]) || !isfinite(offset[i]))
            return lam__import_graph_refuse(imported, added, LAM_ERR_NUMERIC,
                                            "scale or offset %zu is not a finite number", i);
    }
    return LAM_OK;
}

lam_status lam__import_graph_batch_norm(lam__import_graph *imported, const char *where, size_t n,
                                        const float *gamma, const float *beta, const float *mean,
                                        const float *variance, double epsilon)
{
    lam__step step = make_step(LAM__STEP_AFFINE, where, n, n), *added;
    LAM__TRY(add(imported, &step, n, n, &added));
    for (size_t i = 0; i < n; i++) {
        const double deviation = sqrt((double)variance[i] + epsilon);
        added->a[i] = (gamma ? (double)gamma[i] : 1.0) / deviation;
        added->b[i] = (beta ? (double)beta[i] : 0.0) - (double)mean[i] * added->a[i];
        if (!(deviation > 0.0) || !isfinite(added->a[i]) || !isfinite(added->b[i]))
            return lam__import_graph_refuse(
                imported, added, LAM_ERR_NUMERIC,
                "feature %zu cannot be normalized: its variance, mean, gamma "
                "or beta is not a finite number, or the variance not positive",
                i);
    }
    return LAM_OK;
}

lam_status lam__import_graph_activation(lam__import_graph *imported, const char *where,
                                        const char *activation)
{
    LAM__TRY(check(imported));
    const lam__activation *found = lam__find_activation(activation);
    lam__step step = make_step(LAM__STEP_ACTIVATION, where, imported->width, imported->width),
              *added;
    if (!found) {
        char text[384];
        snprintf(text, sizeof text, "%s", lam_error_message());
        return lam__import_graph_refuse(imported, &step, lam_error_status(), "%s", text);
    }
    if (strcmp(found->name, "linear") == 0)
        return LAM_OK;
    if (imported->width == 0)
        return lam__import_graph_refuse(imported, &step, LAM_ERR_UNSUPPORTED,
                                        "the activation '%s' has no layer before it", found->name);
    step.activation = found;
    return add(imported, &step, 0, 0, &added);
}

bool lam__step_learns(const lam__step *step)
{
    return step->kind == LAM__STEP_DENSE ||
           (step->kind == LAM__STEP_LAYER && step->layer.type->has_parameters);
}

/* A layer without parameters, before the first of known width perhaps. */
static lam_status add_bare_layer(lam__import_graph *imported, lam__step *step)
{
    lam__step *added;
    const size_t width = imported->width;
    step->in = step->out = width ? width : 1;
    const lam_status status = add(imported, step, 0, 0, &added);
    imported->width = width;
    return status;
}

lam_status lam__import_graph_layer(lam__import_graph *imported, const char *where,
                                   const lam__layer *layer, size_t n, const float *weight,
                                   const float *bias)
{
    const lam__layer_type *type = layer->type;
    lam__step step = make_step(LAM__STEP_LAYER, where, n, n), *added;
    LAM__TRY(check(imported));
    step.layer = *layer;
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].kind != LAM__LAYER_NUMBER)
            continue;
        const lam_status status = lam__layer_check_number(layer, &type->fields[i]);
        char text[384];
        snprintf(text, sizeof text, "%s", status == LAM_OK ? "" : lam_error_message());
        if (status != LAM_OK)
            return lam__import_graph_refuse(imported, &step, status, "%s", text);
    }
    if (!type->has_parameters)
        return add_bare_layer(imported, &step);
    LAM__TRY(add(imported, &step, n, n, &added));
    LAM__TRY(
        fill(imported, added, type->weight_name, added->a, n, weight, (double)type->weight_start));
    return fill(imported, added, type->bias_name, added->b, n, bias, (double)type->bias_start);
}

/* ---- layers by the names that other programs have for them ---- */

lam_status lam__import_graph_dropout(lam__import_graph *imported, const char *where, float rate)
{
    return lam__import_graph_layer(
        imported, where, &(lam__layer){.type = &lam__dropout_layer, .rate = rate}, 0, NULL, NULL);
}

lam_status lam__import_graph_layer_norm(lam__import_graph *imported, const char *where, size_t n,
                                        const float *gamma, const float *beta, double epsilon)
{
    return lam__import_graph_layer(
        imported, where, &(lam__layer){.type = &lam__layer_norm_layer, .epsilon = (float)epsilon},
        n, gamma, beta);
}
