/* model_restore.c: a model from its description and its tensors. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/safetensors/checkpoint_keys.h"
#include "formats/safetensors/model_file.h"
#include "lamina_features.h"
#include "model/unregistered.h"

#if LAM__HAVE_JSON
#include "formats/safetensors/json_fields.h"
#include "io/json/json_text.h"

/* A strength that is written down must not be the value that means "inherited". */
static lam_status get_strength(const struct json_context *context, const json_t *object,
                               const char *key, float *value)
{
    LAM__TRY(get_float(context, object, key, false, value));
    if (json_object_get(object, key) && *value < 0)
        return fail_at(context, "expected a number >= 0 under", key);
    return LAM_OK;
}

/* Finds a tensor of floats with exactly this shape. */
static lam_status find_tensor(const lam__st_file *file, const char *name, size_t rank, size_t rows,
                              size_t cols, const lam__st_tensor **found)
{
    const lam__st_tensor *tensor = lam__st_find(file, name);
    size_t shape[2] = {rank == 2 ? rows : cols, cols};
    if (!tensor)
        return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s' is missing", file->name, name);
    if (tensor->dtype != LAM__ST_F32)
        return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s': type %s, expected F32", file->name, name,
                         lam__st_dtype_name(tensor->dtype));
    if (tensor->rank != rank)
        return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s': %zu dimensions, expected %zu",
                         file->name, name, tensor->rank, rank);
    for (size_t i = 0; i < rank; i++)
        if (tensor->shape[i] != shape[i])
            return lam__fail(LAM_ERR_FORMAT,
                             "%s: tensor '%s': dimension %zu is %zu, but the "
                             "description asks for %zu",
                             file->name, name, i, tensor->shape[i], shape[i]);
    *found = tensor;
    return LAM_OK;
}

static lam_status read_floats(const lam__st_file *file, const lam__st_tensor *tensor, float *values)
{
    size_t bad;
    LAM__TRY(lam__st_floats(file, tensor, values, &bad));
    if (bad != SIZE_MAX)
        return lam__fail(LAM_ERR_NUMERIC,
                         "%s: tensor '%s': value %zu (byte %zu) is not a finite "
                         "number",
                         file->name, tensor->name, bad, tensor->at + 4 * bad);
    return LAM_OK;
}

static lam_status find_layer_tensor(const struct json_context *context, size_t index,
                                    const char *what, size_t rank, size_t rows, size_t cols)
{
    const lam__st_tensor *tensor = NULL;
    char name[48];
    snprintf(name, sizeof name, "layers.%zu.%s", index, what);
    return find_tensor(context->file, name, rank, rows, cols, &tensor);
}

/* What stands under a field's key. */
static lam_status get_field(const struct json_context *context, const json_t *json,
                            const lam__layer_field *field, lam__layer_request *request)
{
    float number = lam__layer_number(&request->layer, field);
    switch (field->kind) {
    case LAM__LAYER_UNITS:
        return get_size(context, json, field->name, &request->layer.out);
    case LAM__LAYER_ACTIVATION:
        return get_text(context, json, field->name, true, &request->activation);
    case LAM__LAYER_INITIALIZER:
        return get_text(context, json, field->name, false, &request->initializer);
    case LAM__LAYER_BIAS_INITIALIZER:
        return get_text(context, json, field->name, false, &request->bias_initializer);
    case LAM__LAYER_STRENGTH:
        LAM__TRY(get_strength(context, json, field->name, &number));
        break;
    case LAM__LAYER_NUMBER:
        LAM__TRY(get_float(context, json, field->name, true, &number));
        break;
    }
    lam__layer_set_number(&request->layer, field, number);
    return LAM_OK;
}

static lam_status get_fields(const struct json_context *context, json_t *json,
                             lam__layer_request *request)
{
    const lam__layer_type *type = request->layer.type;
    const char *known[LAM__LAYER_FIELDS + 2] = {"type"};
    for (size_t i = 0; i < type->field_count; i++)
        known[i + 1] = type->fields[i].name;
    LAM__TRY(check_keys(context, json, known));
    for (size_t i = 0; i < type->field_count; i++)
        LAM__TRY(get_field(context, json, &type->fields[i], request));
    return LAM_OK;
}

/* Finds the tensors of a layer in the file: adding it then allocates no more than the file holds.
 */
static lam_status find_layer_tensors(const struct json_context *context, size_t index,
                                     const lam__layer_request *request, const lam_model *model)
{
    const lam__layer_type *type = request->layer.type;
    const size_t in = lam_model_layers(model) > 0 ? lam_model_outputs(model) : model->features;
    const size_t out = lam__layer_field_of(type, LAM__LAYER_UNITS) ? request->layer.out : in;
    if (!type->has_parameters)
        return LAM_OK;
    LAM__TRY(find_layer_tensor(context, index, "weight", type->multiplies ? 2 : 1,
                               type->multiplies ? in : 1, out));
    return find_layer_tensor(context, index, "bias", 1, 1, out);
}

/* "dense, dropout or layer_norm". */
static lam_status fail_type(const struct json_context *context, const char *type)
{
    char names[256] = "";
    const size_t count = lam__table_size(&lam__layer_types);
    for (size_t i = 0, used = 0; i < count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                 i == 0           ? ""
                                 : i + 1 == count ? " or "
                                                  : ", ",
                                 lam__row_names_of(lam__table_at(&lam__layer_types, i)).name);
    return lam__fail(LAM_ERR_NAME, "%s: %s: unknown type '%s', expected %s", context->file->name,
                     context->part, type, names);
}

static lam_status restore_layer(struct json_context *context, json_t *json, size_t i,
                                lam_model *model)
{
    const char *name = NULL;
    LAM__TRY(get_text(context, json, "type", true, &name));
    const lam__layer_type *type = lam__table_lookup(&lam__layer_types, name);
    if (!type)
        return fail_type(context, name);
    if (context->version < type->version)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: %s: type '%s' in a description of version %" JSON_INTEGER_FORMAT
                         ": version %d has it",
                         context->file->name, context->part, name, context->version, type->version);
    lam__layer_request request = lam__layer_default(type);
    LAM__TRY(get_fields(context, json, &request));
    LAM__TRY(find_layer_tensors(context, i, &request, model));
    const lam_status status = lam__model_add_layer(model, &request);
    return status == LAM_OK ? LAM_OK : fail_again(context, status);
}

/* One layer after the other is a tree of JSON values: that of all would take many times the file.
 */
static lam_status restore_layers(struct json_context *context, lam__json_piece layers,
                                 lam_model *model)
{
    lam__json_walk walk;
    lam__json_piece key, value;
    size_t count;
    LAM__TRY(count_list(context, layers, "layers", &count));
    if (count > LAM_MOST_LAYERS)
        return lam__fail(LAM_ERR_FORMAT, "%s: %zu layers, at most %d are read", context->file->name,
                         count, LAM_MOST_LAYERS);
    lam__json_enter(layers, '[', &walk);
    for (size_t i = 0; i < count && lam__json_next(&walk, &key, &value); i++) {
        json_error_t error;
        snprintf(context->part, sizeof context->part, "layer %zu", i);
        json_t *layer = lam__json_parse_piece(value, &error);
        if (!layer)
            return fail_json(context, &error);
        const lam_status status = restore_layer(context, layer, i, model);
        json_decref(layer);
        LAM__TRY(status);
    }
    return LAM_OK;
}

/* Tensors that a checkpoint has beside the model's. */
static size_t count_others(const lam__st_file *file)
{
    size_t count = 0;
    const bool checkpoint = lam__st_metadata(file, LAM__CHECKPOINT_KEY) != NULL;
    for (size_t i = 0; checkpoint && i < file->count; i++)
        count += strncmp(file->tensors[i].name, LAM__CHECKPOINT_PREFIX,
                         sizeof LAM__CHECKPOINT_PREFIX - 1) == 0;
    return count;
}

/* All tensors must be the model's: `expected` counts those beside its layers'. Of a file that was
 * not read whole the model gets its structure alone. */
static lam_status restore_parameters(const lam__st_file *file, size_t expected, lam_model *model)
{
    size_t count = lam__tensor_count(model);
    if (!file->partial)
        LAM__TRY(lam__allocate_parameters(model));
    if (file->count != count + expected + count_others(file))
        return lam__fail(LAM_ERR_FORMAT, "%s: %zu tensors, but the description asks for %zu",
                         file->name, file->count, count + expected);
    for (size_t i = 0; i < count; i++) {
        lam__tensor_view at;
        const lam__st_tensor *tensor = NULL;
        char name[48];
        if (!lam__tensor_at(model, i, &at))
            return lam__fail(LAM_ERR_STATE, "%s: the model has no tensor %zu", file->name, i);
        lam__tensor_name(&at, name, sizeof name);
        LAM__TRY(find_tensor(file, name, at.flat ? 1 : 2, at.rows, at.cols, &tensor));
        if (!file->partial)
            LAM__TRY(read_floats(file, tensor, model->parameters + at.offset));
    }
    return LAM_OK;
}

/* Two numbers under a key. */
static lam_status get_range(const struct json_context *context, const json_t *json, const char *key,
                            float *lo, float *hi)
{
    const json_t *pair = json_object_get(json, key);
    if (json_array_size(pair) != 2 || !as_float(json_array_get(pair, 0), lo) ||
        !as_float(json_array_get(pair, 1), hi))
        return fail_at(context, "expected two numbers under", key);
    return LAM_OK;
}

static lam_status restore_scale(const struct json_context *context, json_t *json, lam_model *model)
{
    static const char *const known[] = {"kind", "from", "to", NULL};
    float from_lo = 0, from_hi = 0, to_lo = 0, to_hi = 0;
    LAM__TRY(check_keys(context, json, known));
    LAM__TRY(get_range(context, json, "from", &from_lo, &from_hi));
    LAM__TRY(get_range(context, json, "to", &to_lo, &to_hi));
    lam_status status = lam__transform_scale(&model->transform, from_lo, from_hi, to_lo, to_hi);
    return status == LAM_OK ? LAM_OK : fail_again(context, status);
}

static lam_status restore_standardize(const struct json_context *context, json_t *json,
                                      lam_model *model)
{
    static const char *const known[] = {"kind", NULL};
    const lam__st_file *file = context->file;
    const lam__st_tensor *mean = NULL, *std = NULL;
    size_t n = model->features;
    LAM__TRY(check_keys(context, json, known));
    LAM__TRY(find_tensor(file, LAM__TENSOR_MEAN, 1, 1, n, &mean));
    LAM__TRY(find_tensor(file, LAM__TENSOR_STD, 1, 1, n, &std));
    float *values = lam__allocate(2 * n, sizeof *values, "the input transform");
    if (!values)
        return LAM_ERR_MEMORY;
    lam_status status = read_floats(file, mean, values);
    if (status == LAM_OK)
        status = read_floats(file, std, values + n);
    for (size_t i = 0; i < n && status == LAM_OK; i++)
        if (values[n + i] < 0)
            status = lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s': value %zu is negative", file->name,
                               LAM__TENSOR_STD, i);
    if (status == LAM_OK)
        status = lam__transform_standardize(&model->transform, n, values, values + n);
    lam__release(values);
    return status;
}

/* *tensors = how many tensors of the file belong to the transform. */
static lam_status restore_transform(struct json_context *context, json_t *json, lam_model *model,
                                    size_t *tensors)
{
    const char *kind = NULL;
    *tensors = 0;
    if (!json)
        return LAM_OK;
    snprintf(context->part, sizeof context->part, "transform");
    LAM__TRY(get_text(context, json, "kind", true, &kind));
    if (strcmp(kind, "scale") == 0)
        return restore_scale(context, json, model);
    if (strcmp(kind, "standardize") != 0)
        return fail_at(context, "unknown kind", kind);
    *tensors = 2;
    return restore_standardize(context, json, model);
}

static lam_status restore_class_names(struct json_context *context, lam__json_piece piece,
                                      lam_model *model)
{
    char **names;
    size_t count;
    if (!piece.text)
        return LAM_OK;
    snprintf(context->part, sizeof context->part, "class_names");
    LAM__TRY(lam__read_strings(context, piece, "class_names", &names, &count));
    lam__model_own_class_names(model, names, count);
    return LAM_OK;
}

static lam_status restore_input(struct json_context *context, lam__json_piece piece,
                                lam_model *model)
{
    if (!piece.text)
        return LAM_OK;
    snprintf(context->part, sizeof context->part, "input");
    LAM__TRY(lam__restore_input(context, piece, &model->input));
    const size_t features = lam__input_features(&model->input);
    if (features == model->features)
        return LAM_OK;
    return lam__fail(LAM_ERR_FORMAT, "%s: %s: it gives %zu features, but the model takes %zu",
                     context->file->name, context->part, features, model->features);
}

static lam_status restore_loss(struct json_context *context, const json_t *json, lam_model *model)
{
    const char *name = NULL;
    snprintf(context->part, sizeof context->part, "description");
    LAM__TRY(get_text(context, json, "loss", false, &name));
    if (!name)
        return LAM_OK;
    const lam_status status = lam__take_loss_name(model, name);
    return status == LAM_OK ? LAM_OK : fail_again(context, status);
}

/* The members of a description that are long, and go without a tree (json_walk.h). */
enum { LAYERS, CLASS_NAMES, INPUT, LONG_MEMBERS };

static lam_status check_version(struct json_context *context, json_t *json,
                                const lam__json_left *left)
{
    static const char *const known[] = {"version", "features", "transform", "loss", NULL};
    const json_t *version = json_object_get(json, "version");
    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return fail_at(context, "expected a positive integer under", "version");
    if (json_integer_value(version) > LAM__MODEL_VERSION)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: format version %" JSON_INTEGER_FORMAT ", this "
                         "version of Lamina reads up to %d",
                         context->file->name, json_integer_value(version), LAM__MODEL_VERSION);
    context->version = json_integer_value(version);
    if (context->version < 2 && left[INPUT].value.text)
        return fail_at(context, "unknown key", left[INPUT].key);
    return check_keys(context, json, known);
}

static lam_status restore(struct json_context *context, json_t *json, const lam__json_left *left,
                          lam_model **model)
{
    size_t features = 0, tensors;
    LAM__TRY(check_version(context, json, left));
    LAM__TRY(get_size(context, json, "features", &features));
    if (!(*model = lam_model_new(features)))
        return lam_error_status();
    (*model)->restoring = true;
    LAM__TRY(restore_layers(context, left[LAYERS].value, *model));
    LAM__TRY(restore_transform(context, json_object_get(json, "transform"), *model, &tensors));
    LAM__TRY(restore_class_names(context, left[CLASS_NAMES].value, *model));
    LAM__TRY(restore_input(context, left[INPUT].value, *model));
    LAM__TRY(restore_loss(context, json, *model));
    (*model)->restoring = false;
    return restore_parameters(context->file, tensors, *model);
}

lam_status lam__model_restore(const lam__st_file *file, const char *text, lam_model **model)
{
    struct json_context context = {.file = file, .part = "description"};
    json_error_t error;
    lam__json_left left[LONG_MEMBERS] = {[LAYERS] = {.key = "layers"},
                                         [CLASS_NAMES] = {.key = "class_names"},
                                         [INPUT] = {.key = "input"}};
    *model = NULL;
    json_t *json =
        lam__json_parse_but((lam__json_piece){text, strlen(text)}, left, LONG_MEMBERS, &error);
    if (!json)
        return fail_json(&context, &error);
    lam_status status = restore(&context, json, left, model);
    json_decref(json);
    if (status != LAM_OK) {
        lam_model_free(*model);
        *model = NULL;
    }
    return status;
}
#else
lam_status lam__model_restore(const lam__st_file *file, const char *text, lam_model **model)
{
    (void)text, (void)model;
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: this build of Lamina reads no model files: it has "
                     "no JSON library (Jansson)",
                     file->name);
}
#endif
