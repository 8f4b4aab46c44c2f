/* model_describe.c: the architecture of a model as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "formats/safetensors/model_file.h"
#include "lamina_features.h"
#include "model/network.h"

#if LAM__HAVE_JSON
#include "formats/safetensors/json_fields.h"

/* Sets a strength of regularization, unless it is left to the options of the run. */
static int set_strength(json_t *layer, const char *key, float strength)
{
    return strength < 0 ? 0 : json_object_set_new(layer, key, json_real((double)strength));
}

/* "name" or "name:X", as lam__parse_initializer reads it. */
static int set_initializer(json_t *layer, const char *key, const lam__initializer *initializer,
                           double parameter)
{
    char text[128], number[40];
    if (!initializer)
        return 0;
    if (!initializer->has_parameter)
        return json_object_set_new(layer, key, json_string(initializer->name));
    snprintf(text, sizeof text, "%s:%s", initializer->name,
             lam__format_double(parameter, number, sizeof number));
    return json_object_set_new(layer, key, json_string(text));
}

static int set_field(json_t *json, const lam__layer *layer, const lam__layer_field *field)
{
    const char *key = field->name;
    switch (field->kind) {
    case LAM__LAYER_UNITS:
        return json_object_set_new(json, key, json_integer((json_int_t)layer->out));
    case LAM__LAYER_ACTIVATION:
        return json_object_set_new(json, key, json_string(layer->activation->name));
    case LAM__LAYER_INITIALIZER:
        return set_initializer(json, key, layer->initializer, layer->initializer_parameter);
    case LAM__LAYER_BIAS_INITIALIZER:
        return set_initializer(json, key, layer->bias_initializer,
                               layer->bias_initializer_parameter);
    case LAM__LAYER_STRENGTH:
        return set_strength(json, key, lam__layer_number(layer, field));
    case LAM__LAYER_NUMBER:
        break;
    }
    return json_object_set_new(json, key, json_real((double)lam__layer_number(layer, field)));
}

static json_t *describe_layer(const lam__layer *layer)
{
    json_t *json = json_object();
    int failed = json_object_set_new(json, "type", json_string(layer->type->name));
    for (size_t i = 0; i < layer->type->field_count; i++)
        failed |= set_field(json, layer, &layer->type->fields[i]);
    if (!failed)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *describe_transform(const lam__transform *transform)
{
    if (transform->kind == LAM_TRANSFORM_STANDARDIZE)
        return json_pack("{s:s}", "kind", "standardize");
    return json_pack("{s:s, s:[f, f], s:[f, f]}", "kind", "scale", "from",
                     (double)transform->from_lo, (double)transform->from_hi, "to",
                     (double)transform->to_lo, (double)transform->to_hi);
}

/* The least version that can tell everything about the model. */
static int version_of(const lam_model *model)
{
    int version = model->input.kind != LAM_INPUT_VALUES ? 2 : 1;
    for (size_t i = 0; i < model->layer_count; i++)
        if (model->layers[i].type->version > version)
            version = model->layers[i].type->version;
    return version;
}

static void put_description(lam__json_out *out, const lam_model *model)
{
    lam__json_put(out, "{\"version\":");
    lam__json_put_size(out, (size_t)version_of(model));
    lam__json_put(out, ",\"features\":");
    lam__json_put_size(out, model->features);
    lam__json_put(out, ",\"layers\":[");
    for (size_t i = 0; i < model->layer_count; i++) {
        lam__json_put(out, i ? "," : "");
        lam__json_put_value(out, describe_layer(&model->layers[i]));
    }
    lam__json_put(out, "]");
    if (model->transform.kind != LAM_TRANSFORM_NONE) {
        lam__json_put(out, ",\"transform\":");
        lam__json_put_value(out, describe_transform(&model->transform));
    }
    if (model->class_count > 0) {
        lam__json_put(out, ",\"class_names\":");
        lam__put_strings(out, model->class_names, model->class_count);
    }
    if (model->input.kind != LAM_INPUT_VALUES) {
        lam__json_put(out, ",\"input\":");
        lam__put_input(out, &model->input);
    }
    if (lam_model_loss(model)) {
        lam__json_put(out, ",\"loss\":");
        lam__json_put_string(out, lam_model_loss(model));
    }
    lam__json_put(out, "}");
}

/* JSON holds UTF-8 only, and Jansson says no more than that it could not. */
static lam_status check_class_names(const lam_model *model)
{
    for (size_t i = 0; i < model->class_count; i++)
        if (!lam__is_utf8(model->class_names[i]))
            return lam__fail(LAM_ERR_ARGUMENT,
                             "the name of class %zu ('%.100s') is not valid UTF-8: a model file "
                             "cannot hold it",
                             i, model->class_names[i]);
    return LAM_OK;
}

lam_status lam__model_describe(const lam_model *model, char **text)
{
    LAM__TRY(check_class_names(model));
    LAM__TRY(lam__check_input_text(&model->input));
    lam__json_out out = {.text = NULL};
    put_description(&out, model);
    char *made = out.failed ? NULL : lam__allocate(out.length + 1, 1, "the description of a model");
    if (out.failed)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: the description of a model");
    if (!made)
        return LAM_ERR_MEMORY;
    out = (lam__json_out){.text = made};
    put_description(&out, model);
    if (out.failed) {
        lam__release(made);
        return lam__fail(LAM_ERR_MEMORY, "out of memory: the description of a model");
    }
    made[out.length] = '\0';
    *text = made;
    return LAM_OK;
}
#else
lam_status lam__model_describe(const lam_model *model, char **text)
{
    (void)model, (void)text;
    return lam__fail(LAM_ERR_UNSUPPORTED, "this build of Lamina writes no model files: it has no "
                                          "JSON library (Jansson)");
}
#endif
