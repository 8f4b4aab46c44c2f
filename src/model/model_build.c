/* model_build.c: adding layers to a model. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
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

static lam_status check_strength(const char *name, float strength)
{
    char text[32];
    if (strength == LAM_INHERIT || (strength >= 0.0f && isfinite(strength)))
        return LAM_OK;
    return lam__fail(LAM_ERR_ARGUMENT, "%s of a layer must be a number >= 0 or LAM_INHERIT, not %s",
                     name, lam__format_float(strength, text, sizeof text));
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

/* Fills the layer from the options. */
static lam_status make_dense(lam_model *model, const lam_dense_options *options, lam__layer *layer)
{
    if (options->units == 0)
        return lam__fail(LAM_ERR_ARGUMENT, "a dense layer needs at least 1 unit, not 0");
    layer->activation = choose_activation(model, options->activation);
    if (!layer->activation)
        return lam_error_status();
    LAM__TRY(choose_initializer(model, options->initializer, &layer->initializer,
                                &layer->initializer_parameter));
    LAM__TRY(choose_initializer(model, options->bias_initializer, &layer->bias_initializer,
                                &layer->bias_initializer_parameter));
    LAM__TRY(check_strength("l1", layer->l1 = options->l1));
    LAM__TRY(check_strength("l2", layer->l2 = options->l2));
    LAM__TRY(check_strength("bias_l1", layer->bias_l1 = options->bias_l1));
    return check_strength("bias_l2", layer->bias_l2 = options->bias_l2);
}

static lam_status add_dense(lam_model *model, const lam_dense_options *options)
{
    lam__layer layer = {.type = &lam__dense_layer, .in = next_inputs(model), .out = options->units};
    size_t floats = model->parameter_floats;
    LAM__TRY(make_dense(model, options, &layer));
    layer.weight_rows = layer.in;
    LAM__TRY(place_tensors(&layer, &floats));
    LAM__TRY(add_layer(model, &layer));
    model->parameter_floats = floats;
    return LAM_OK;
}

static lam_status add_layer_norm(lam_model *model, const lam_layer_norm_options *options)
{
    const size_t width = next_inputs(model);
    char text[32];
    lam__layer layer = {.type = &lam__layer_norm_layer,
                        .in = width,
                        .out = width,
                        .epsilon = options->epsilon,
                        .weight_rows = 1};
    size_t floats = model->parameter_floats;
    if (!(options->epsilon > 0.0f && isfinite(options->epsilon)))
        return lam__fail(LAM_ERR_ARGUMENT,
                         "epsilon of a layer_norm layer must be a number > 0, "
                         "not %s",
                         lam__format_float(options->epsilon, text, sizeof text));
    layer.activation = choose_activation(model, options->activation);
    if (!layer.activation)
        return lam_error_status();
    LAM__TRY(place_tensors(&layer, &floats));
    LAM__TRY(add_layer(model, &layer));
    model->parameter_floats = floats;
    return LAM_OK;
}

static lam_status add_dropout(lam_model *model, float rate)
{
    char text[32];
    if (!(rate >= 0.0f && rate < 1.0f))
        return lam__fail(LAM_ERR_ARGUMENT, "a dropout rate must be in 0 <= rate < 1, not %s",
                         lam__format_float(rate, text, sizeof text));
    const size_t width = next_inputs(model);
    const lam__layer layer = {.type = &lam__dropout_layer, .in = width, .out = width, .rate = rate};
    return add_layer(model, &layer);
}

static lam_status finish(lam_model *model, lam_status status)
{
    return status == LAM_OK ? LAM_OK : lam__model_fail(model, status);
}

lam_dense_options lam_dense_options_default(void)
{
    return (lam_dense_options){
        .l1 = LAM_INHERIT, .l2 = LAM_INHERIT, .bias_l1 = LAM_INHERIT, .bias_l2 = LAM_INHERIT};
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
    return finish(model, add_dense(model, options));
}

lam_layer_norm_options lam_layer_norm_options_default(void)
{
    return (lam_layer_norm_options){.epsilon = 1e-3f};
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
    return finish(model, add_layer_norm(model, options));
}

lam_status lam_model_dropout(lam_model *model, float rate)
{
    LAM__TRY(check_open(model));
    return finish(model, add_dropout(model, rate));
}

static lam_status add_dropout_part(lam_model *model, const char *rate_text)
{
    double rate;
    if (!rate_text || !lam__parse_double(rate_text, &rate))
        return lam__fail(LAM_ERR_ARGUMENT, "expected dropout:RATE with a number in 0 <= RATE < 1");
    if (rate < 0.0 || rate >= 1.0)
        return lam__fail(LAM_ERR_ARGUMENT, "a dropout rate must be in 0 <= rate < 1, not %s",
                         rate_text);
    return add_dropout(model, (float)rate);
}

/* What follows "layer_norm", or NULL: EPSILON, ACTIVATION or EPSILON:ACTIVATION. */
static lam_status add_layer_norm_part(lam_model *model, const char *tail)
{
    lam_layer_norm_options options = lam_layer_norm_options_default();
    const char *colon = tail ? strchr(tail, ':') : NULL;
    char number[LAM__WORD_SIZE];
    double epsilon;
    if (tail)
        snprintf(number, sizeof number, "%.*s",
                 (int)(colon ? colon - tail : (ptrdiff_t)strlen(tail)), tail);
    if (tail && lam__parse_double(number, &epsilon)) {
        options.epsilon = (float)epsilon;
        options.activation = colon ? colon + 1 : NULL;
    } else if (colon) {
        return lam__fail(LAM_ERR_ARGUMENT,
                         "expected layer_norm, layer_norm:ACTIVATION, layer_norm:EPSILON or "
                         "layer_norm:EPSILON:ACTIVATION");
    } else {
        options.activation = tail;
    }
    return add_layer_norm(model, &options);
}

/* Adds one part: UNITS, UNITS:ACTIVATION, dropout:RATE or layer_norm with its choices. */
static lam_status add_part(lam_model *model, const char *text)
{
    char head[LAM__WORD_SIZE];
    const char *colon = strchr(text, ':'), *tail = colon ? colon + 1 : NULL;
    const size_t length = colon ? (size_t)(colon - text) : strlen(text);
    memcpy(head, text, length);
    head[length] = '\0';
    if (strcmp(head, lam__dropout_layer.name) == 0)
        return add_dropout_part(model, tail);
    if (strcmp(head, lam__layer_norm_layer.name) == 0)
        return add_layer_norm_part(model, tail);
    if (head[0] == '\0' || head[strspn(head, "0123456789")] != '\0')
        return lam__fail(LAM_ERR_ARGUMENT,
                         "expected UNITS, UNITS:ACTIVATION, dropout:RATE or "
                         "layer_norm[:EPSILON][:ACTIVATION], found '%s'",
                         head);
    uint64_t units;
    if (!lam__parse_u64(head, &units) || units > lam__gemm_limit())
        return lam__fail(LAM_ERR_ARGUMENT, "%s units: the BLAS takes at most %zu", head,
                         lam__gemm_limit());
    lam_dense_options options = lam_dense_options_default();
    options.units = (size_t)units;
    options.activation = tail;
    return add_dense(model, &options);
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
