/* model_parameters.c: the flat buffer of a model's parameters, and its tensors. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/finite.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "base/text.h"
#include "model/network.h"

size_t lam__tensor_count(const lam_model *model)
{
    return 2 * model->with_parameters;
}

bool lam__tensor_at(const lam_model *model, size_t i, lam__tensor_view *place)
{
    const bool bias = i % 2 == 1;
    if (i / 2 >= model->with_parameters)
        return false;
    const size_t l = model->layers[i / 2].with_parameters;
    const lam__layer *layer = &model->layers[l];
    *place = (lam__tensor_view){
        .layer = l,
        .bias = bias,
        .flat = bias || !layer->type->multiplies,
        .offset = bias ? layer->bias : layer->weight,
        .rows = bias ? 1 : layer->weight_rows,
        .cols = layer->out,
    };
    return true;
}

void lam__tensor_name(const lam__tensor_view *place, char *name, size_t size)
{
    snprintf(name, size, "layers.%zu.%s", place->layer, place->bias ? "bias" : "weight");
}

lam_status lam__allocate_parameters(lam_model *model)
{
    if (model->parameters)
        return LAM_OK;
    const size_t tensors = lam__tensor_count(model);
    if (tensors == 0)
        return lam__fail(LAM_ERR_STATE, "the model has no layer with parameters");
    float *parameters =
        lam__allocate_zero(model->parameter_floats, sizeof *parameters, "parameters");
    char(*names)[LAM__TENSOR_NAME_SIZE] =
        parameters ? lam__allocate(tensors, sizeof *names, "tensor names") : NULL;
    if (!names) {
        lam__release(parameters);
        return LAM_ERR_MEMORY;
    }
    lam__tensor_view place;
    for (size_t i = 0; i < tensors && lam__tensor_at(model, i, &place); i++)
        lam__tensor_name(&place, names[i], sizeof names[i]);
    model->parameters = parameters;
    model->tensor_names = names;
    return LAM_OK;
}

/* Why a text of a file is no initializer. */
static lam_status fail_initializer(size_t layer, const char *text)
{
    const lam__initializer *none;
    double parameter;
    char why[384] = "";
    const lam_status status = lam__parse_initializer(text, &none, &parameter);
    snprintf(why, sizeof why, "%s", lam_error_message());
    return lam__fail(status, "layer %zu: %s", layer, why);
}

/* Draws the start values of all tensors into `values`, zeroed and laid out as the parameters. */
static lam_status draw(const lam_model *model, uint64_t seed, const char *text, float *values)
{
    const lam__initializer *common;
    double common_parameter;
    LAM__TRY(lam__parse_initializer(text ? text : "glorot_uniform", &common, &common_parameter));
    lam__tensor_view place;
    for (size_t i = 0; lam__tensor_at(model, i, &place); i++) {
        const lam__layer *layer = &model->layers[place.layer];
        const lam__initializer *own = place.bias ? layer->bias_initializer : layer->initializer;
        double parameter =
            place.bias ? layer->bias_initializer_parameter : layer->initializer_parameter;
        if (!layer->type->multiplies) {
            for (size_t k = 0; k < place.cols; k++)
                values[place.offset + k] =
                    place.bias ? layer->type->bias_start : layer->type->weight_start;
            continue;
        }
        if (!own && place.bias)
            continue; /* zeros */
        if (!own) {
            own = common;
            parameter = common_parameter;
        }
        if (!own->fill)
            return fail_initializer(place.layer, own->name);
        lam__stream stream =
            lam__stream_open(lam__derive_key(seed, LAM__FOR_INITIAL, (uint32_t)i), 0);
        LAM__TRY(own->fill(place.rows, place.cols, parameter, &stream, values + place.offset));
    }
    return LAM_OK;
}

/* Parameters that exist are drawn anew aside: when that fails, they are as they were. */
static lam_status draw_anew(lam_model *model, uint64_t seed, const char *initializer)
{
    float *values = lam__allocate_zero(model->parameter_floats, sizeof *values, "start values");
    if (!values)
        return LAM_ERR_MEMORY;
    lam_status status = draw(model, seed, initializer, values);
    if (status == LAM_OK)
        memcpy(model->parameters, values, model->parameter_floats * sizeof *values);
    lam__release(values);
    return status;
}

static lam_status initialize(lam_model *model, uint64_t seed, const char *initializer)
{
    if (model->parameters)
        return draw_anew(model, seed, initializer);
    LAM__TRY(lam__model_check_class_names(model, model->class_count));
    LAM__TRY(lam__allocate_parameters(model));
    lam_status status = draw(model, seed, initializer, model->parameters);
    if (status != LAM_OK) {
        lam__release(model->parameters);
        lam__release(model->tensor_names);
        model->parameters = NULL;
        model->tensor_names = NULL;
    }
    return status;
}

lam_status lam_model_initialize(lam_model *model, uint64_t seed, const char *initializer)
{
    LAM__TRY(lam_model_status(model));
    LAM__TRY(initialize(model, seed, initializer));
    model->changes++;
    model->steps_done = model->epochs_done = 0; /* training begins anew */
    lam__model_drop_moments(model);
    return LAM_OK;
}

size_t lam__layer_parameters(const lam__layer *layer)
{
    return layer->type->has_parameters ? (layer->weight_rows + 1) * layer->out : 0;
}

size_t lam_model_parameters(const lam_model *model)
{
    size_t count = 0;
    for (size_t i = 0; model && i < model->layer_count; i++)
        count += lam__layer_parameters(&model->layers[i]);
    return count;
}

size_t lam_model_tensors(const lam_model *model)
{
    return model && model->parameters ? lam__tensor_count(model) : 0;
}

static lam_status fail_without_parameters(void)
{
    return lam__fail(LAM_ERR_STATE, "the model has no parameters yet: initialize, train or load it "
                                    "first");
}

lam_tensor lam__view_tensor(const lam_model *model, size_t i)
{
    lam__tensor_view place = {0};
    lam__tensor_at(model, i, &place);
    return (lam_tensor){
        .name = model->tensor_names[i],
        .data = model->parameters + place.offset,
        .rows = place.rows,
        .cols = place.cols,
    };
}

lam_status lam_model_tensor_sized(lam_model *model, size_t i, lam_tensor *tensor, size_t size)
{
    if (!model || !tensor)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_tensor: model or tensor is NULL");
    if (!model->parameters)
        return fail_without_parameters();
    lam__tensor_view place;
    if (!lam__tensor_at(model, i, &place))
        return lam__fail(LAM_ERR_ARGUMENT, "tensor %zu of a model that has %zu", i,
                         lam__tensor_count(model));
    const lam_tensor view = lam__view_tensor(model, i);
    lam__write_struct(tensor, size, &view, sizeof view);
    model->viewed = true;
    return LAM_OK;
}

static lam_status check_count(const lam_model *model, size_t count)
{
    const size_t expected = lam_model_parameters(model);
    if (count == expected)
        return LAM_OK;
    return lam__fail(LAM_ERR_SHAPE, "%zu values for a model with %zu parameters", count, expected);
}

lam_status lam_model_get_parameters(const lam_model *model, float *values, size_t count)
{
    if (!model || !values)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_get_parameters: model or values is NULL");
    if (!model->parameters)
        return fail_without_parameters();
    LAM__TRY(check_count(model, count));
    lam__tensor_view place;
    for (size_t i = 0; lam__tensor_at(model, i, &place); i++) {
        const size_t n = place.rows * place.cols;
        memcpy(values, model->parameters + place.offset, n * sizeof *values);
        values += n;
    }
    return LAM_OK;
}

lam_status lam__model_check_finite(const lam_model *model)
{
    lam__tensor_view at;
    for (size_t i = 0; lam__tensor_at(model, i, &at); i++) {
        const size_t count = at.rows * at.cols;
        const size_t bad = lam__first_not_finite(model->parameters + at.offset, count);
        if (bad < count)
            return lam__fail(LAM_ERR_NUMERIC,
                             "tensor '%s': value %zu is not a finite number: such a model is not "
                             "written",
                             model->tensor_names[i], bad);
    }
    return LAM_OK;
}

lam_status lam_model_set_parameters(lam_model *model, const float *values, size_t count)
{
    if (!model || !values)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_set_parameters: model or values is NULL");
    LAM__TRY(lam_model_status(model));
    LAM__TRY(check_count(model, count));
    char text[32];
    const size_t bad = lam__first_not_finite(values, count);
    if (bad < count)
        return lam__fail(LAM_ERR_NUMERIC, "parameter %zu is %s", bad,
                         lam__format_double((double)values[bad], text, sizeof text));
    if (!model->parameters)
        LAM__TRY(lam__model_check_class_names(model, model->class_count));
    LAM__TRY(lam__allocate_parameters(model));
    model->changes++;
    lam__tensor_view place;
    for (size_t i = 0; lam__tensor_at(model, i, &place); i++) {
        const size_t n = place.rows * place.cols;
        memcpy(model->parameters + place.offset, values, n * sizeof *values);
        values += n;
    }
    return LAM_OK;
}
