/* model.c: a model as a whole: its life, its errors, its input transform, what it is. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "base/text/string_list.h"
#include "model/unregistered.h"

lam_model *lam_model_new(size_t features)
{
    if (features == 0) {
        lam__fail(LAM_ERR_ARGUMENT, "a model needs at least 1 feature, not 0");
        return NULL;
    }
    if (lam_check_environment() != LAM_OK)
        return NULL;
    lam_model *model = lam__allocate_zero(1, sizeof *model, "a model");
    if (!model)
        return NULL;
    model->features = features;
    lam__transform_clear(&model->transform);
    return model;
}

static void free_class_names(lam_model *model)
{
    lam__release(model->class_names);
    model->class_names = NULL;
    model->class_count = 0;
}

void lam__model_drop_moments(lam_model *model)
{
    lam__release(model->moments.m);
    lam__release(model->moments.v);
    model->moments = (lam__moments){0};
}

lam_status lam__model_reserve_moments(lam_model *model, const lam__optimizer *optimizer,
                                      size_t count)
{
    lam__moments *moments = &model->moments;
    float **const buffers[] = {&moments->m, &moments->v};
    if (moments->optimizer && moments->optimizer != optimizer)
        lam__model_drop_moments(model);
    for (size_t i = 0; i < 2; i++) {
        if (i < count && !*buffers[i])
            *buffers[i] = lam__allocate_zero(model->parameter_floats, sizeof(float), "moments");
        if (i < count && !*buffers[i])
            return LAM_ERR_MEMORY;
    }
    return LAM_OK;
}

void lam_model_free(lam_model *model)
{
    if (!model)
        return;
    free_class_names(model);
    lam__input_clear(&model->input);
    lam__transform_clear(&model->transform);
    lam__model_drop_moments(model);
    lam__release(model->parameters);
    lam__release(model->tensor_names);
    lam__release(model->layers);
    lam__release_unregistered(model);
    lam__release(model);
}

lam_status lam__model_fail(lam_model *model, lam_status status)
{
    /* a mistake in building is kept; one about a network that is ready has changed nothing */
    if (model->status == LAM_OK && !model->parameters) {
        model->status = status;
        snprintf(model->message, sizeof model->message, "%s", lam_error_message());
    }
    return status;
}

lam_status lam_model_status(const lam_model *model)
{
    if (!model)
        return lam__fail(LAM_ERR_ARGUMENT, "the model is NULL");
    return model->status == LAM_OK ? LAM_OK : lam__fail(model->status, "%s", model->message);
}

lam_status lam_model_scale_input(lam_model *model, float from_lo, float from_hi, float to_lo,
                                 float to_hi)
{
    LAM__TRY(lam_model_status(model));
    lam_status status = lam__transform_scale(&model->transform, from_lo, from_hi, to_lo, to_hi);
    return status == LAM_OK ? LAM_OK : lam__model_fail(model, status);
}

void lam_model_transform_sized(const lam_model *model, lam_transform_info *info, size_t size)
{
    lam_transform_info own = {.kind = LAM_TRANSFORM_NONE};
    if (model)
        own = (lam_transform_info){
            .kind = model->transform.kind,
            .from_lo = model->transform.from_lo,
            .from_hi = model->transform.from_hi,
            .to_lo = model->transform.to_lo,
            .to_hi = model->transform.to_hi,
            .mean = model->transform.mean,
            .std = model->transform.std,
        };
    if (info)
        lam__write_struct(info, size, &own, sizeof own);
}

void lam_model_input_sized(const lam_model *model, lam_input_info *info, size_t size)
{
    static const lam__input none = {.kind = LAM_INPUT_VALUES};
    if (info)
        lam__input_describe(model ? &model->input : &none, info, size);
}

lam_status lam_model_column_sized(const lam_model *model, size_t i, lam_column_info *info,
                                  size_t size)
{
    if (!model || !info)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_column: model or info is NULL");
    return lam__input_column(&model->input, i, info, size);
}

/* Copies names[count]; NULL with the error recorded. */
static char **copy_names(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!names[i]) {
            lam__fail(LAM_ERR_ARGUMENT, "the name of class %zu is NULL", i);
            return NULL;
        }
    return lam__string_list_copy(names, count, "class names");
}

lam_status lam__model_check_class_names(const lam_model *model, size_t count)
{
    const size_t outputs = lam_model_outputs(model);
    if (count == 0 || outputs == 0 || count == outputs || (outputs == 1 && count == 2))
        return LAM_OK;
    return lam__fail(LAM_ERR_SHAPE, "%zu class names for a model of %zu output%s%s", count, outputs,
                     outputs == 1 ? "" : "s",
                     outputs == 1 ? ": it takes 2, for 0 and 1, or a name of the output" : "");
}

lam_status lam__model_take_class_names(lam_model *model, const char *const *names, size_t count)
{
    if (!names || count == 0)
        return lam__fail(LAM_ERR_ARGUMENT, "no class names given");
    char **copy = copy_names(names, count);
    if (!copy)
        return lam_error_status();
    lam__model_own_class_names(model, copy, count);
    return LAM_OK;
}

void lam__model_own_class_names(lam_model *model, char **names, size_t count)
{
    free_class_names(model);
    model->class_names = names;
    model->class_count = count;
}

lam_status lam_model_set_class_names(lam_model *model, const char *const *names, size_t count)
{
    LAM__TRY(lam_model_status(model));
    lam_status status = lam__model_check_class_names(model, count);
    if (status == LAM_OK)
        status = lam__model_take_class_names(model, names, count);
    return status == LAM_OK ? LAM_OK : lam__model_fail(model, status);
}

const char *lam_model_class_name(const lam_model *model, size_t i)
{
    return model && i < model->class_count ? model->class_names[i] : NULL;
}

const char *lam_model_loss(const lam_model *model)
{
    if (!model)
        return NULL;
    return model->loss ? model->loss->name : model->loss_name;
}

size_t lam_model_features(const lam_model *model)
{
    return model ? model->features : 0;
}

size_t lam_model_layers(const lam_model *model)
{
    return model ? model->layer_count : 0;
}

size_t lam_model_outputs(const lam_model *model)
{
    return model && model->layer_count ? model->layers[model->layer_count - 1].out : 0;
}

static lam_status fail_layer(const lam_model *model, size_t i)
{
    return lam__fail(LAM_ERR_ARGUMENT, "layer %zu of a model that has %zu", i, model->layer_count);
}

lam_status lam_model_layer_sized(const lam_model *model, size_t i, lam_layer_info *info,
                                 size_t size)
{
    if (!model || !info)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_layer: model or info is NULL");
    if (i >= model->layer_count)
        return fail_layer(model, i);
    const lam__layer *layer = &model->layers[i];
    const lam_layer_info own = {
        .type = layer->type->name,
        .activation = layer->activation ? layer->activation->name : NULL,
        .inputs = layer->in,
        .outputs = layer->out,
        .parameters = lam__layer_parameters(layer),
        .rate = layer->rate,
        .epsilon = layer->epsilon,
        .l1 = layer->l1,
        .l2 = layer->l2,
        .bias_l1 = layer->bias_l1,
        .bias_l2 = layer->bias_l2,
    };
    lam__write_struct(info, size, &own, sizeof own);
    return LAM_OK;
}

static bool is_number(const lam__layer_field *field)
{
    return field->kind == LAM__LAYER_NUMBER || field->kind == LAM__LAYER_STRENGTH;
}

size_t lam_model_layer_numbers(const lam_model *model, size_t i)
{
    size_t count = 0;
    if (!model || i >= model->layer_count)
        return 0;
    const lam__layer_type *type = model->layers[i].type;
    for (size_t k = 0; k < type->field_count; k++)
        count += is_number(&type->fields[k]);
    return count;
}

lam_status lam_model_layer_number(const lam_model *model, size_t i, size_t which, const char **name,
                                  float *value)
{
    if (!model || !name || !value)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_layer_number: model, name or value is NULL");
    if (i >= model->layer_count)
        return fail_layer(model, i);
    const lam__layer *layer = &model->layers[i];
    size_t left = which;
    for (size_t k = 0; k < layer->type->field_count; k++) {
        const lam__layer_field *field = &layer->type->fields[k];
        if (!is_number(field) || left-- > 0)
            continue;
        *name = field->name;
        *value = lam__layer_number(layer, field);
        return LAM_OK;
    }
    return lam__fail(LAM_ERR_ARGUMENT, "number %zu of a %s layer that has %zu", which,
                     layer->type->name, lam_model_layer_numbers(model, i));
}

lam_status lam_model_layer_text(const lam_model *model, size_t i, char *text, size_t size)
{
    char room[256];
    if (!model || !text)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_layer_text: model or text is NULL");
    if (i >= model->layer_count)
        return fail_layer(model, i);
    const size_t length = strlen(lam__layer_text(&model->layers[i], room, sizeof room));
    if (length >= size)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_layer_text: %zu characters do not fit in %zu",
                         length, size);
    memcpy(text, room, length + 1);
    return LAM_OK;
}

const lam__layer *lam__last_dense(const lam_model *model)
{
    for (size_t i = model->layer_count; i-- > 0;)
        if (model->layers[i].activation)
            return &model->layers[i];
    return NULL;
}
