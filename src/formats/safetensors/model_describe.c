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

static json_t *describe_layer(const lam__layer *layer)
{
    json_t *json = json_object();
    int failed = json_object_set_new(json, "type", json_string(layer->type->name));
    if (layer->type == &lam__layer_norm_layer) {
        failed |= json_object_set_new(json, "epsilon", json_real((double)layer->epsilon));
        failed |= json_object_set_new(json, "activation", json_string(layer->activation->name));
    } else if (layer->type->has_parameters) {
        failed |= json_object_set_new(json, "units", json_integer((json_int_t)layer->out));
        failed |= json_object_set_new(json, "activation", json_string(layer->activation->name));
        failed |=
            set_initializer(json, "initializer", layer->initializer, layer->initializer_parameter);
        failed |= set_initializer(json, "bias_initializer", layer->bias_initializer,
                                  layer->bias_initializer_parameter);
        failed |= set_strength(json, "l1", layer->l1);
        failed |= set_strength(json, "l2", layer->l2);
        failed |= set_strength(json, "bias_l1", layer->bias_l1);
        failed |= set_strength(json, "bias_l2", layer->bias_l2);
    } else {
        failed |= json_object_set_new(json, "rate", json_real((double)layer->rate));
    }
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
    for (size_t i = 0; i < model->layer_count; i++)
        if (model->layers[i].type == &lam__layer_norm_layer)
            return 2;
    return model->input.kind != LAM_INPUT_VALUES ? 2 : 1;
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
