/* model_build.c: adding layers to a model. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "base/text.h"
#include "base/text/word_list.h"
#include "kernels/blas/gemm.h"
#include "model/unregistered.h"

/* Tensors start at multiples of this many floats: one cache line. */
enum { TENSOR_UNIT = LAM__ALIGN / sizeof(float) };

/* Whether a layer may be added now. */
static lam_status check_open(lam_model *model)
{
    LAM__TRY(lam_model_status(model));
    if (model->parameters)
        return lam__model_fail(model,
                               lam__fail(LAM_ERR_STATE, "layers cannot be added to a model that "
                                                        "has its parameters"));
    return LAM_OK;
}

static lam_status add_layer(lam_model *model, const lam__layer *layer)
{
    if (model->layer_count == LAM_MOST_LAYERS)
        return lam__fail(LAM_ERR_ARGUMENT, "a model of more than %d layers", LAM_MOST_LAYERS);
    if (model->layer_count == model->layer_capacity) {
        const size_t capacity = model->layer_capacity ? 2 * model->layer_capacity : 8;
        lam__layer *layers = lam__allocate(capacity, sizeof *layers, "layers");
        if (!layers)
            return LAM_ERR_MEMORY;
        if (model->layer_count)
            memcpy(layers, model->layers, model->layer_count * sizeof *layers);
        lam__release(model->layers);
        model->layers = layers;
        model->layer_capacity = capacity;
    }
    model->layers[model->layer_count] = *layer;
    if (layer->type->has_parameters)
        model->layers[model->with_parameters++].with_parameters = model->layer_count;
    model->layer_count++;
    return LAM_OK;
}

static size_t next_inputs(const lam_model *model)
{
    return model->layer_count ? lam_model_outputs(model) : model->features;
}

/* Reserves `count` floats of the flat buffer at *offset; false when sizes overflow. */
static bool reserve(size_t *floats, size_t count, size_t *offset)
{
    *offset = *floats;
    if (count > SIZE_MAX / sizeof(float) - TENSOR_UNIT)
        return false;
    return lam__add(*floats, lam__round_up(count, TENSOR_UNIT), floats) &&
           *floats <= SIZE_MAX / sizeof(float);
}

/* Places W and b in the flat buffer. */
static lam_status place_tensors(lam__layer *layer, size_t *floats)
{
    const size_t limit = lam__gemm_limit();
    if (layer->in > limit || layer->out > limit)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "a %s layer with %zu inputs and %zu units: the BLAS takes at most %zu",
                         layer->type->name, layer->in, layer->out, limit);
    size_t weights;
    if (!lam__multiply(layer->weight_rows, layer->out, &weights) ||
        !reserve(floats, weights, &layer->weight) || !reserve(floats, layer->out, &layer->bias))
        return lam__fail(LAM_ERR_ARGUMENT,
                         "a %s layer with %zu inputs and %zu units has too many parameters",
                         layer->type->name, layer->in, layer->out);
    return LAM_OK;
}

/* The activation of a layer to be added; NULL with the error recorded. */
static const lam__activation *choose_activation(lam_model *model, const char *name)
{
    if (!name)
        name = "linear";
    return model->restoring ? lam__restored_activation(model, name) : lam__find_activation(name);
}

/* The initializer of a layer to be added; *initializer stays as it is where there is no text. */
static lam_status choose_initializer(lam_model *model, const char *text,
                                     const lam__initializer **initializer, double *parameter)
{
    if (!text)
        return LAM_OK;
    return model->restoring ? lam__restored_initializer(model, text, initializer, parameter)
                            : lam__parse_initializer(text, initializer, parameter);
}

/* Fills and checks what a field asks for. */
static lam_status choose_field(lam_model *model, const lam__layer_request *request,
                               const lam__layer_field *field, lam__layer *layer)
{
    switch (field->kind) {
    case LAM__LAYER_UNITS:
        if (layer->out == 0)
            return lam__fail(LAM_ERR_ARGUMENT, "a %s layer needs at least 1 unit, not 0",
                             layer->type->name);
        return LAM_OK;
    case LAM__LAYER_ACTIVATION:
        layer->activation = choose_activation(model, request->activation);
        return layer->activation ? LAM_OK : lam_error_status();
    case LAM__LAYER_INITIALIZER:
        return choose_initializer(model, request->initializer, &layer->initializer,
                                  &layer->initializer_parameter);
    case LAM__LAYER_BIAS_INITIALIZER:
        return choose_initializer(model, request->bias_initializer, &layer->bias_initializer,
                                  &layer->bias_initializer_parameter);
    case LAM__LAYER_STRENGTH:
    case LAM__LAYER_NUMBER:
        break;
    }
    return lam__layer_check_number(layer, field);
}

static lam_status add_request(lam_model *model, const lam__layer_request *request)
{
    lam__layer layer = request->layer;
    const lam__layer_type *type = layer.type;
    size_t floats = model->parameter_floats;
    layer.in = next_inputs(model);
    if (!lam__layer_field_of(type, LAM__LAYER_UNITS))
        layer.out = layer.in;
    for (size_t i = 0; i < type->field_count; i++)
        LAM__TRY(choose_field(model, request, &type->fields[i], &layer));
    if (type->has_parameters) {
        layer.weight_rows = type->multiplies ? layer.in : 1;
        LAM__TRY(place_tensors(&layer, &floats));
    }
    LAM__TRY(add_layer(model, &layer));
    model->parameter_floats = floats;
    return LAM_OK;
}

static lam_status finish(lam_model *model, lam_status status)
{
    return status == LAM_OK ? LAM_OK : lam__model_fail(model, status);
}

lam_status lam__model_add_layer(lam_model *model, const lam__layer_request *request)
{
    LAM__TRY(check_open(model));
    return finish(model, add_request(model, request));
}

/* ---- the typed calls of the public interface, one or two for each type that has them ---- */

void lam_dense_options_init(lam_dense_options *options, size_t size)
{
    lam_dense_options own = {
        .l1 = LAM_INHERIT, .l2 = LAM_INHERIT, .bias_l1 = LAM_INHERIT, .bias_l2 = LAM_INHERIT};
    lam__write_options(options, size, &own, sizeof own);
}

lam_status lam_model_dense(lam_model *model, size_t units, const char *activation)
{
    lam_dense_options options = lam_dense_options_default();
    options.units = units;
    options.activation = activation;
    return lam_model_dense_with(model, &options);
}

lam_status lam_model_dense_with(lam_model *model, const lam_dense_options *options)
{
    LAM__TRY(check_open(model));
    if (!options)
        return finish(model, lam__fail(LAM_ERR_ARGUMENT, "the options of a dense layer are NULL"));
    lam_dense_options own = lam_dense_options_default();
    const lam_status status = lam__read_options(&own, sizeof own, options, "lam_dense_options");
    if (status != LAM_OK)
        return finish(model, status);
    const lam__layer_request request = {
        .layer = {.type = &lam__dense_layer,
                  .out = own.units,
                  .l1 = own.l1,
                  .l2 = own.l2,
                  .bias_l1 = own.bias_l1,
                  .bias_l2 = own.bias_l2},
        .activation = own.activation,
        .initializer = own.initializer,
        .bias_initializer = own.bias_initializer,
    };
    return lam__model_add_layer(model, &request);
}

void lam_layer_norm_options_init(lam_layer_norm_options *options, size_t size)
{
    lam_layer_norm_options own = {.epsilon = 1e-3f};
    lam__write_options(options, size, &own, sizeof own);
}

lam_status lam_model_layer_norm(lam_model *model, float epsilon)
{
    lam_layer_norm_options options = lam_layer_norm_options_default();
    options.epsilon = epsilon;
    return lam_model_layer_norm_with(model, &options);
}

lam_status lam_model_layer_norm_with(lam_model *model, const lam_layer_norm_options *options)
{
    LAM__TRY(check_open(model));
    if (!options)
        return finish(model,
                      lam__fail(LAM_ERR_ARGUMENT, "the options of a layer_norm layer are NULL"));
    lam_layer_norm_options own = lam_layer_norm_options_default();
    const lam_status status =
        lam__read_options(&own, sizeof own, options, "lam_layer_norm_options");
    if (status != LAM_OK)
        return finish(model, status);
    const lam__layer_request request = {
        .layer = {.type = &lam__layer_norm_layer, .epsilon = own.epsilon},
        .activation = own.activation,
    };
    return lam__model_add_layer(model, &request);
}

lam_status lam_model_dropout(lam_model *model, float rate)
{
    const lam__layer_request request = {.layer = {.type = &lam__dropout_layer, .rate = rate}};
    return lam__model_add_layer(model, &request);
}

static lam_status add_part(lam_model *model, const char *text)
{
    lam__layer_request request;
    LAM__TRY(lam__layer_parse(text, &request));
    return add_request(model, &request);
}

static lam_status add_parts(lam_model *model, const char *layers)
{
    lam__word part = lam__word_list(layers);
    for (bool more;;) {
        LAM__TRY(lam__next_word(layers, "layer", &part, &more));
        if (!more)
            return LAM_OK;
        lam_status status = add_part(model, part.text);
        if (status != LAM_OK)
            return lam__fail(status, "layer %zu (character %zu) '%s': %s", part.number,
                             part.position, part.text, lam_error_message());
    }
}

lam_status lam_model_add_layers(lam_model *model, const char *layers)
{
    LAM__TRY(check_open(model));
    if (!layers)
        return finish(model, lam__fail(LAM_ERR_ARGUMENT, "the text of the layers is NULL"));
    return finish(model, add_parts(model, layers));
}
