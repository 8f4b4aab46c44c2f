/* import_graph_fold.c: the steps of an import graph folded into the layers that a model has. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/import_graph_steps.h"
#include "model/network.h"

/* Values of a sample, told by the first step that knows. */
static lam_status find_features(lam__import_graph *imported, size_t *features)
{
    for (size_t i = 0; i < imported->count; i++) {
        const lam__step *step = &imported->steps[i];
        const bool tells =
            lam__step_learns(step) || (step->kind == LAM__STEP_AFFINE && step->in > 1);
        if (tells) {
            *features = step->in;
            return LAM_OK;
        }
    }
    return lam__import_graph_fail(
        imported, lam__fail(LAM_ERR_UNSUPPORTED, "%s: the network has no layers", imported->name));
}

/* Gives every affine a scale and an offset for each value that comes to it. */
static lam_status widen(lam__import_graph *imported, size_t width)
{
    for (size_t i = 0; i < imported->count; i++) {
        lam__step *step = &imported->steps[i];
        if (step->kind == LAM__STEP_AFFINE && step->in != width) {
            if (step->in != 1)
                return lam__import_graph_refuse(imported, step, LAM_ERR_SHAPE,
                                                "takes %zu values, but %zu come to it", step->in,
                                                width);
            LAM__TRY(lam__import_graph_spend(imported, step, 2 * width));
            double *wide = lam__allocate(2 * width, sizeof *wide, "scales and offsets");
            if (!wide)
                return lam__import_graph_fail(imported, LAM_ERR_MEMORY);
            for (size_t j = 0; j < width; j++) {
                wide[j] = step->a[0];
                wide[width + j] = step->b[0];
            }
            lam__release(step->a);
            step->a = wide;
            step->b = wide + width;
            step->in = step->out = width;
        } else if (lam__step_learns(step)) {
            if (step->in != width)
                return lam__import_graph_refuse(imported, step, LAM_ERR_SHAPE,
                                                "takes %zu values, but %zu come to it", step->in,
                                                width);
            width = step->out;
        } else {
            step->in = step->out = width;
        }
    }
    return LAM_OK;
}

/* later(earlier(x)): the earlier one becomes both. */
static void join(lam__step *earlier, lam__step *later)
{
    for (size_t i = 0; i < earlier->out; i++) {
        earlier->b[i] = earlier->b[i] * later->a[i] + later->b[i];
        earlier->a[i] *= later->a[i];
    }
    later->kind = LAM__STEP_GONE;
}

/* An affine of the values that come out of a layer. */
static void fold_back(lam__step *layer, lam__step *affine)
{
    const size_t n = layer->out, rows = layer->kind == LAM__STEP_DENSE ? layer->in : 1;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++)
            layer->a[i * n + j] *= affine->a[j];
    for (size_t j = 0; j < n; j++)
        layer->b[j] = layer->b[j] * affine->a[j] + affine->b[j];
    affine->kind = LAM__STEP_GONE;
}

/* An affine of the values that go into a dense layer. */
static void fold_forward(lam__step *affine, lam__step *dense)
{
    const size_t n = dense->out;
    for (size_t i = 0; i < dense->in; i++)
        for (size_t j = 0; j < n; j++) {
            dense->b[j] += affine->b[i] * dense->a[i * n + j];
            dense->a[i * n + j] *= affine->a[i];
        }
    affine->kind = LAM__STEP_GONE;
}

/* Where the walk along the steps is. */
struct walk {
    lam__step *front;   /* the affine before all layers */
    lam__step *layer;   /* the latest with parameters */
    lam__step *waiting; /* an affine that the layer cannot take, for the next dense one */
};

static lam_status refuse_waiting(lam__import_graph *imported, const struct walk *walk,
                                 const char *before)
{
    const lam__step *layer = walk->layer;
    return lam__import_graph_refuse(
        imported, walk->waiting, LAM_ERR_UNSUPPORTED,
        "scaling between the %s '%s' and %s: it can be folded only "
        "into a dense layer right after it",
        layer->activation ? "activation" : "layer",
        layer->activation ? layer->activation->name : layer->layer.type->name, before);
}

static lam_status walk_activation(lam__import_graph *imported, struct walk *walk, lam__step *step)
{
    const char *name = step->activation->name;
    if (walk->waiting)
        return refuse_waiting(imported, walk, "another activation");
    if (!walk->layer)
        return lam__import_graph_refuse(imported, step, LAM_ERR_UNSUPPORTED,
                                        "the activation '%s' has no dense layer before it", name);
    if (walk->layer->activation)
        return lam__import_graph_refuse(
            imported, step, LAM_ERR_UNSUPPORTED,
            "the activation '%s' follows the activation '%s': a layer has one", name,
            walk->layer->activation->name);
    walk->layer->activation = step->activation;
    step->kind = LAM__STEP_GONE;
    return LAM_OK;
}

/* Whether z of a layer, times a number and plus another, is z of such a layer. */
static bool takes_scale(const lam__step *layer)
{
    return layer->kind == LAM__STEP_DENSE || layer->layer.type->weight_scales;
}

static void walk_affine(struct walk *walk, lam__step *step)
{
    lam__step **slot = walk->layer ? &walk->waiting : &walk->front;
    if (walk->layer && !walk->layer->activation && !walk->waiting && takes_scale(walk->layer))
        fold_back(walk->layer, step);
    else if (*slot)
        join(*slot, step);
    else
        *slot = step;
}

static lam_status walk_step(lam__import_graph *imported, struct walk *walk, lam__step *step)
{
    switch (step->kind) {
    case LAM__STEP_DENSE:
        if (walk->waiting)
            fold_forward(walk->waiting, step);
        walk->waiting = NULL;
        walk->layer = step;
        return LAM_OK;
    case LAM__STEP_LAYER:
        if (!step->layer.type->has_parameters)
            return LAM_OK;
        if (walk->waiting)
            return refuse_waiting(imported, walk, "a layer that is not dense");
        walk->layer = step;
        return LAM_OK;
    case LAM__STEP_AFFINE:
        walk_affine(walk, step);
        return LAM_OK;
    case LAM__STEP_ACTIVATION:
        return walk_activation(imported, walk, step);
    case LAM__STEP_GONE:
        break;
    }
    return LAM_OK;
}

lam_status lam__import_graph_fold(lam__import_graph *imported, lam__step **first)
{
    struct walk walk = {0};
    for (size_t i = 0; i < imported->count; i++)
        LAM__TRY(walk_step(imported, &walk, &imported->steps[i]));
    *first = walk.front;
    return walk.waiting ? refuse_waiting(imported, &walk, "the output") : LAM_OK;
}

/* Whether all features have one scale and offset. */
static bool is_uniform(const lam__step *affine)
{
    for (size_t i = 1; i < affine->in; i++)
        if (affine->a[i] != affine->a[0] || affine->b[i] != affine->b[0])
            return false;
    return affine->a[0] != 0.0;
}

/* Whether the transform (x - mean) / std can tell it. */
static bool is_standardization(const lam__step *affine)
{
    for (size_t i = 0; i < affine->in; i++)
        if (!(affine->a[i] > 0.0) || !(1.0 / affine->a[i] <= (double)FLT_MAX) ||
            1.0 / affine->a[i] < (double)FLT_MIN ||
            fabs(affine->b[i] / affine->a[i]) > (double)FLT_MAX)
            return false;
    return true;
}

/* x * a + b as a range scaled to another: that of bytes where the scale is one for bytes. */
static lam_status make_scale(lam_model *model, const lam__step *affine)
{
    const double a = affine->a[0], b = affine->b[0];
    const double most = fabs(a) < 1.0 / 32 ? 255.0 : 1.0;
    return lam__transform_scale(&model->transform, 0.0f, (float)most, (float)b,
                                (float)(b + a * most));
}

static lam_status make_standardization(lam_model *model, const lam__step *affine)
{
    const size_t n = affine->in;
    float *values = lam__allocate(2 * n, sizeof *values, "the input transform");
    if (!values)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)(-affine->b[i] / affine->a[i]);
        values[n + i] = (float)(1.0 / affine->a[i]);
    }
    lam_status status = lam__transform_standardize(&model->transform, n, values, values + n);
    lam__release(values);
    return status;
}

/* The affine before all layers: the model's input transform, or part of its first layer. */
static lam_status place_front(lam__import_graph *imported, lam__step *front, lam_model *model)
{
    if (!front)
        return LAM_OK;
    lam_status status = LAM_OK;
    if (is_uniform(front)) {
        status = make_scale(model, front);
    } else if (is_standardization(front)) {
        status = make_standardization(model, front);
    } else {
        lam__step *next = front + 1;
        const lam__step *end = imported->steps + imported->count;
        while (next < end && (next->kind == LAM__STEP_GONE ||
                              (next->kind == LAM__STEP_LAYER && next->layer.type->only_training)))
            next++;
        if (next == end || next->kind != LAM__STEP_DENSE)
            return lam__import_graph_refuse(
                imported, front, LAM_ERR_UNSUPPORTED,
                "scales that are zero or negative can be folded only into a "
                "dense layer right after them");
        fold_forward(front, next);
    }
    front->kind = LAM__STEP_GONE;
    if (status != LAM_OK) {
        char text[384];
        snprintf(text, sizeof text, "%s", lam_error_message());
        return lam__import_graph_refuse(imported, front, status, "%s", text);
    }
    return LAM_OK;
}

static lam_status add_layer(const lam__step *step, lam_model *model)
{
    switch (step->kind) {
    case LAM__STEP_DENSE:
        return lam_model_dense(model, step->out, step->activation ? step->activation->name : NULL);
    case LAM__STEP_LAYER:
        return lam__model_add_layer(
            model,
            &(lam__layer_request){.layer = step->layer,
                                  .activation = step->activation ? step->activation->name : NULL});
    case LAM__STEP_AFFINE:
    case LAM__STEP_ACTIVATION:
    case LAM__STEP_GONE:
        break;
    }
    return LAM_OK;
}

static lam_status copy_values(lam__import_graph *imported, const lam__step *step,
                              const double *from, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)from[i];
        if (!isfinite(to[i]))
            return lam__import_graph_refuse(imported, step, LAM_ERR_NUMERIC,
                                            "parameter %zu is too large for 32 bits", i);
    }
    return LAM_OK;
}

/* Tensors of a model come in the order of its layers, weight before bias. */
static lam_status fill_parameters(lam__import_graph *imported, lam_model *model)
{
    size_t tensor = 0;
    LAM__TRY(lam__allocate_parameters(model));
    for (size_t i = 0; i < imported->count; i++) {
        const lam__step *step = &imported->steps[i];
        if (!lam__step_learns(step))
            continue;
        for (int part = 0; part < 2; part++) {
            lam__tensor_view at;
            if (!lam__tensor_at(model, tensor++, &at))
                return lam__import_graph_refuse(imported, step, LAM_ERR_STATE,
                                                "the model has no such layer");
            LAM__TRY(copy_values(imported, step, part ? step->b : step->a, at.rows * at.cols,
                                 model->parameters + at.offset));
        }
    }
    return LAM_OK;
}

static lam_status make_model(lam__import_graph *imported, lam__step *front, lam_model *model)
{
    LAM__TRY(place_front(imported, front, model));
    for (size_t i = 0; i < imported->count; i++)
        LAM__TRY(add_layer(&imported->steps[i], model));
    return fill_parameters(imported, model);
}

static lam_status fold_into(lam__import_graph *imported, size_t features, lam_model **model)
{
    lam__step *front = NULL;
    LAM__TRY(lam__import_graph_fold(imported, &front));
    *model = lam_model_new(features);
    if (!*model)
        return lam__import_graph_fail(imported, lam_error_status());
    return make_model(imported, front, *model);
}

lam_status lam__import_graph_finish(lam__import_graph *imported, lam_model **model)
{
    size_t features = 0;
    *model = NULL;
    if (imported->status != LAM_OK)
        return lam__fail(imported->status, "%s", imported->message);
    LAM__TRY(find_features(imported, &features));
    LAM__TRY(widen(imported, features));
    lam__import_graph_check *check =
        imported->report ? lam__import_graph_expect(imported, features) : NULL;
    lam_status status = imported->report && !check ? LAM_ERR_MEMORY : LAM_OK;
    if (status == LAM_OK)
        status = fold_into(imported, features, model);
    if (status == LAM_OK && check)
        status = lam__import_graph_compare(check, imported->name, *model, imported->report);
    lam__import_graph_check_free(check);
    if (status == LAM_OK)
        return LAM_OK;
    lam_model_free(*model);
    *model = NULL;
    return lam__import_graph_fail(imported, status);
}
