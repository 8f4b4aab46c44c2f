/* keras_read.c: the containers of Keras's networks, their chain of layers, and where weights are.
 */
#include "formats/keras/keras_read.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/contents.h"
#include "formats/import/arrays.h"
#include "formats/import/import_report.h"
#include "formats/model_formats.h"
#include "io/zip_read.h"
#include "lamina_features.h"

#if LAM__HAVE_JSON
#include "formats/keras/keras.h"
#include "io/json/json_text.h"

/* More layers than any chain has that somebody trained. */
enum { LAYERS_MOST = LAM_MOST_LAYERS };

lam_status lam__keras_fail(const lam__keras *keras, const lam__keras_layer *layer,
                           lam_status status, const char *what, const char *detail)
{
    return lam__fail(status, "%s: %s%s%s%s%s%s", keras->name, layer ? layer->where : "",
                     layer ? ": " : "", what, detail ? " (" : "", detail ? detail : "",
                     detail ? ")" : "");
}

lam_status lam__keras_shape(lam__keras *keras, const lam__keras_layer *layer, const json_t *shape)
{
    enum { RANK_MOST = sizeof keras->dims / sizeof *keras->dims };
    /* the first dense layer has a weight, of 2 bytes at least, for each value of a sample */
    const size_t most = keras->weights.size / 2 + 65536;
    const size_t axes = json_is_array(shape) ? json_array_size(shape) : 0;
    size_t product = 1;
    if (!shape || json_is_null(shape))
        return LAM_OK;
    if (axes < 2 || axes > RANK_MOST + 1)
        return lam__keras_fail(keras, layer, LAM_ERR_UNSUPPORTED, "a shape of input",
                               axes < 2 ? "no features" : "too many axes");
    for (size_t i = 1; i < axes; i++) {
        const json_t *length = json_array_get(shape, i);
        if (axes == 2 && json_is_null(length)) { /* of one axis: its layers tell */
            keras->dims[0] = 0;
            continue;
        }
        const json_int_t value = json_is_integer(length) ? json_integer_value(length) : 0;
        if (value < 1 || value > INT32_MAX || !lam__multiply(product, (size_t)value, &product) ||
            product > most)
            return lam__keras_fail(keras, layer, LAM_ERR_UNSUPPORTED,
                                   "a shape of input that is open, or larger than the file has "
                                   "weights for",
                                   NULL);
        keras->dims[i - 1] = (size_t)value;
    }
    keras->rank = axes - 1;
    return LAM_OK;
}

/* Legacy: the i-th of the names under "weight_names", which is a path in the layer's group. */
static lam_status legacy_weight(lam__keras *keras, const lam__keras_layer *layer, size_t index,
                                const char *name, uint64_t *object)
{
    char **names;
    size_t count;
    LAM__TRY(lam__h5_strings(&keras->weights, layer->group, "weight_names", &names, &count));
    lam_status status = LAM_OK;
    if (index >= count) {
        status = lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "no such weight", name);
    } else {
        const char *slash = strrchr(names[index], '/'), *last = slash ? slash + 1 : names[index];
        const size_t length = strcspn(last, ":");
        if (length != strlen(name) || strncmp(last, name, length) != 0)
            status = lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "a weight of another name",
                                     names[index]);
        else
            status = lam__h5_find(&keras->weights, layer->group, names[index], object);
    }
    lam__release(names);
    return status;
}

lam_status lam__keras_weight(lam__keras *keras, const lam__keras_layer *layer, size_t index,
                             const char *name, lam__h5_shape *shape, float **values)
{
    uint64_t object = 0;
    char path[32], where[224];
    *values = NULL;
    if (!layer->group)
        return lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "the file has no weights of it", NULL);
    if (keras->legacy) {
        LAM__TRY(legacy_weight(keras, layer, index, name, &object));
    } else {
        snprintf(path, sizeof path, "vars/%zu", index);
        LAM__TRY(lam__h5_find(&keras->weights, layer->group, path, &object));
    }
    if (!object)
        return lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "no such weight", name);
    snprintf(where, sizeof where, "%s: %s", layer->where, name);
    return lam__h5_floats(&keras->weights, object, where, shape, values);
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* "BatchNormalization" becomes "batch_normalization", "ReLU" "re_lu": as keras.src.utils.naming. */
static void snake_case(const char *class, char *out, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; class[i] && at + 2 < size; i++) {
        const bool upper = class[i] >= 'A' && class[i] <= 'Z';
        const bool before = i > 0 && is_lower(class[i - 1]);
        if (i > 0 && upper && (before || is_lower(class[i + 1])))
            out[at++] = '_';
        out[at++] = upper ? (char)(class[i] - 'A' + 'a') : class[i];
    }
    out[at] = '\0';
}

/* Newer files keep the layer's name beside its weights: it must be that of the configuration. */
static lam_status check_name(lam__keras *keras, const lam__keras_layer *layer)
{
    uint64_t vars = 0;
    char **names = NULL;
    size_t count = 0;
    LAM__TRY(lam__h5_find(&keras->weights, layer->group, "vars", &vars));
    if (vars)
        LAM__TRY(lam__h5_strings(&keras->weights, vars, "name", &names, &count));
    const bool same = count != 1 || strcmp(names[0], layer->name) == 0;
    lam_status status =
        same ? LAM_OK
             : lam__keras_fail(keras, layer, LAM_ERR_FORMAT,
                               "the weights in its place are of another layer", names[0]);
    lam__release(names);
    return status;
}

/* The group of a layer's weights: in .keras files named after the class and counted. */
static lam_status find_group(lam__keras *keras, lam__keras_layer *layer)
{
    char name[96];
    if (keras->legacy)
        return lam__h5_find(&keras->weights, keras->layers, layer->name, &layer->group);
    snake_case(layer->class, name, sizeof name - 24);
    if (layer->twin > 0)
        snprintf(name + strlen(name), 24, "_%zu", layer->twin);
    LAM__TRY(lam__h5_find(&keras->weights, keras->layers, name, &layer->group));
    return layer->group ? check_name(keras, layer) : LAM_OK;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Finds the name of the one layer that feeds this one; false when there are none or several. In
 * Keras 3 {"keras_history": ["name", 0, 0]} stands inside {"args": [...]}, in Keras 2 the list
 * ["name", 0, 0, {}] inside two more. */
static bool one_source(const json_t *value, const char **name, unsigned depth)
{
    if (depth == 0)
        return false;
    if (json_is_object(value)) {
        const json_t *history = json_object_get(value, "keras_history");
        if (history)
            return one_source(history, name, depth - 1);
        const json_t *inside = json_object_get(value, "args");
        inside = inside ? inside : json_object_get(value, "config");
        return one_source(inside, name, depth - 1);
    }
    if (!json_is_array(value) || json_array_size(value) == 0)
        return false;
    if (json_is_string(json_array_get(value, 0))) {
        *name = json_string_value(json_array_get(value, 0));
        return true;
    }
    return json_array_size(value) == 1 && one_source(json_array_get(value, 0), name, depth - 1);
}

/* A functional model must be a chain: the first layer an input, each other fed by the one before.
 */
static lam_status check_chain(const lam__keras *keras, const json_t *layers)
{
    const char *before = NULL;
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        const json_t *nodes = json_object_get(layer, "inbound_nodes");
        const char *source = NULL;
        const char *name = text_of(layer, "name");
        const bool fed = json_is_array(nodes) && json_array_size(nodes) > 0;
        if (!*name)
            name = text_of(json_object_get(layer, "config"), "name");
        if (i == 0 ? fed : !one_source(nodes, &source, 8) || strcmp(source, before) != 0)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: layer '%.64s': the model is no chain of layers", keras->name,
                             name);
        before = name;
    }
    return LAM_OK;
}

/* Whether an object of the configuration is of Keras's own: by its module, "keras.layers" or
 * "keras.src.models.functional", and by not being registered by another package ("mine>Dense").
 * Keras 2 wrote neither to .h5 files, where a class by its name is all there is. */
static bool is_own(const json_t *object)
{
    static const char *const packages[] = {"keras", "tf_keras", "tensorflow", "keras_core"};
    const json_t *module = json_object_get(object, "module");
    const char *class = text_of(object, "class_name");
    const char *registered = text_of(object, "registered_name");
    bool own = module == NULL && strchr(class, '>') == NULL;
    for (size_t i = 0; i < sizeof packages / sizeof *packages; i++) {
        const size_t length = strlen(packages[i]);
        const char *text = json_string_value(module);
        own = own || (text && strncmp(text, packages[i], length) == 0 &&
                      (text[length] == '.' || text[length] == '\0'));
    }
    return own && (!*registered || strcmp(registered, class) == 0);
}

static lam_status refuse_own(const lam__keras *keras, const json_t *object, const char *where)
{
    const char *module = text_of(object, "module");
    const char *registered = text_of(object, "registered_name");
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: %s: a class of a program's own, '%.64s'%s%.64s: what it computes is not "
                     "in the file",
                     keras->name, where, *registered ? registered : text_of(object, "class_name"),
                     *module ? " of module " : "", module);
}

/* Layers of the same class before layer `at`. */
static size_t twins(const json_t *layers, size_t at)
{
    size_t count = 0;
    const char *class = text_of(json_array_get(layers, at), "class_name");
    for (size_t i = 0; i < at; i++)
        count += strcmp(text_of(json_array_get(layers, i), "class_name"), class) == 0;
    return count;
}

static lam_status check_dtype(const lam__keras *keras, const lam__keras_layer *layer)
{
    const json_t *dtype = json_object_get(layer->config, "dtype");
    const char *class = text_of(dtype, "class_name");
    if (strncmp(class, "Quantized", 9) == 0)
        return lam__keras_fail(keras, layer, LAM_ERR_UNSUPPORTED, "quantized weights", class);
    const char *name = json_is_string(dtype) ? json_string_value(dtype)
                                             : text_of(json_object_get(dtype, "config"), "name");
    if (strncmp(name, "mixed_", 6) == 0 || strstr(name, "float16"))
        lam__report(keras->report, LAM__NOTE, "%s calculates in 16 bits (%s), and Lamina in 32",
                    layer->where, name);
    return LAM_OK;
}

static lam_status add_layer(lam__keras *keras, const json_t *layers, size_t at)
{
    const json_t *json = json_array_get(layers, at);
    lam__keras_layer layer = {.class = text_of(json, "class_name"),
                              .config = json_object_get(json, "config"),
                              .twin = twins(layers, at)};
    layer.name = text_of(layer.config, "name");
    if (!*layer.class || !json_is_object(layer.config))
        return lam__fail(LAM_ERR_FORMAT, "%s: layer %zu of its configuration is no layer",
                         keras->name, at);
    snprintf(layer.where, sizeof layer.where, "layer '%.64s' (%.64s)", layer.name, layer.class);
    if (!is_own(json))
        return refuse_own(keras, json, layer.where);
    LAM__TRY(check_dtype(keras, &layer));
    if (keras->rank == 0 && at == 0) /* Keras 2: the first layer may tell the input's shape */
        LAM__TRY(
            lam__keras_shape(keras, &layer, json_object_get(layer.config, "batch_input_shape")));
    LAM__TRY(find_group(keras, &layer));
    return lam__keras_add(keras, &layer);
}

static lam_status add_layers(lam__keras *keras, const json_t *root)
{
    const char *class = text_of(root, "class_name");
    const json_t *config = json_object_get(root, "config");
    /* an early Keras 2 wrote the list of a Sequential model itself */
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    const bool sequential = strcmp(class, "Sequential") == 0;
    if (!sequential && strcmp(class, "Functional") != 0 && strcmp(class, "Model") != 0)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: a model of class '%.64s': Sequential and Functional ones are read",
                         keras->name, class);
    if (!is_own(root))
        return refuse_own(keras, root, "the model");
    const size_t count = json_is_array(layers) ? json_array_size(layers) : 0;
    if (count == 0 || count > LAYERS_MOST)
        return lam__fail(LAM_ERR_FORMAT, "%s: its configuration has %zu layers", keras->name,
                         count);
    if (!sequential)
        LAM__TRY(check_chain(keras, layers));
    for (size_t i = 0; i < count; i++)
        LAM__TRY(add_layer(keras, layers, i));
    if (!json_object_get(json_array_get(layers, 0), "module"))
        lam__report(keras->report, LAM__ASSUMED,
                    "that the layers are Keras's own: this file does not tell whose classes are "
                    "called so");
    return LAM_OK;
}

/* Class and layers, whatever a model of Lamina can tell of them. */
static lam_status list_layers(const lam__keras *keras, const json_t *root,
                              lam_model_contents *contents)
{
    const json_t *config = json_object_get(root, "config");
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    const size_t count = json_is_array(layers) ? json_array_size(layers) : 0;
    LAM__TRY(lam__contents_fact(contents, "class", text_of(root, "class_name")));
    if (count > LAYERS_MOST)
        return lam__fail(LAM_ERR_FORMAT, "%s: its configuration has %zu layers", keras->name,
                         count);
    for (size_t i = 0; i < count; i++) {
        const json_t *layer = json_array_get(layers, i);
        LAM__TRY(lam__contents_array(contents, text_of(json_object_get(layer, "config"), "name"),
                                     text_of(layer, "class_name"), LAM_CONTENT_OBJECT, NULL));
    }
    return LAM_OK;
}

static lam_status read_network(lam__keras *keras, const char *text, size_t length,
                               lam_model **model)
{
    json_error_t error;
    json_t *root = lam__json_parse(text, length, &error);
    if (!root)
        return lam__fail(LAM_ERR_FORMAT, "%s: its configuration: line %d, column %d: %s",
                         keras->name, error.line, error.column, error.text);
    if (keras->contents) {
        const lam_status listed = list_layers(keras, root, keras->contents);
        json_decref(root);
        return listed;
    }
    keras->imported = lam__import_graph_new(keras->name);
    if (keras->imported) {
        lam__import_graph_limit(keras->imported, keras->weights.size + length);
        lam__import_graph_tell(keras->imported, keras->report);
    }
    lam_status status = keras->imported ? add_layers(keras, root) : LAM_ERR_MEMORY;
    if (status == LAM_OK)
        status = lam__import_graph_finish(keras->imported, model);
    lam__import_graph_free(keras->imported);
    json_decref(root);
    return status;
}

/* What training left in the file. */
static void tell_rest(lam__keras *keras, const char *const *groups, size_t count)
{
    lam__name_list list = {0};
    for (size_t i = 0; i < count; i++) {
        uint64_t object = 0;
        if (lam__h5_find(&keras->weights, keras->weights.root, groups[i], &object) == LAM_OK &&
            object)
            lam__name_list_add(&list, groups[i]);
    }
    if (list.count)
        lam__report(keras->report, LAM__LEFT_OUT, "what training left behind: %s",
                    lam__name_list_text(&list));
}

static lam_status read_weights(lam__keras *keras, const lam_import_options *options,
                               lam_model **model)
{
    static const char *const groups[] = {"optimizer_weights"};
    char **config;
    size_t count;
    lam__h5 *h5 = &keras->weights;
    LAM__TRY(lam__h5_strings(h5, h5->root, "model_config", &config, &count));
    if (count != 1) {
        lam__release(config);
        return lam__keras_bare(keras, options, model);
    }
    lam_status status = lam__refuse_bare_options(keras->name, options);
    if (status == LAM_OK)
        status = lam__h5_find(h5, h5->root, "model_weights", &keras->layers);
    if (status == LAM_OK && !keras->layers)
        status = lam__fail(LAM_ERR_FORMAT, "%s: no group 'model_weights'", keras->name);
    if (status == LAM_OK)
        status = read_network(keras, config[0], strlen(config[0]), model);
    lam__release(config);
    if (status == LAM_OK)
        tell_rest(keras, groups, 1);
    return status;
}

lam_status lam__keras_read_h5(const lam__foreign *file, const lam_import_options *options,
                              lam_model_contents *contents, lam_model **model)
{
    lam__keras keras = {
        .name = file->path, .legacy = true, .contents = contents, .report = file->report};
    LAM__TRY(lam__h5_open(&keras.weights, file->bytes, file->size, file->path));
    return read_weights(&keras, options, model);
}

/* An entry of the archive, which may be packed: at most twice the archive and a fixed amount. */
static lam_status read_entry(lam__zip *zip, const lam__foreign *file, const char *name,
                             unsigned char **bytes, size_t *size)
{
    const size_t entry = lam__zip_find(zip, name);
    if (entry == LAM__ZIP_NONE)
        return lam__fail(LAM_ERR_FORMAT, "%s: no '%s' in the archive", file->path, name);
    return lam__zip_read(zip, entry, 2 * (uint64_t)file->size + (16u << 20), bytes, size);
}

static lam_status read_archive(lam__zip *zip, const lam__foreign *file, unsigned char **config,
                               unsigned char **weights, lam_model_contents *contents,
                               lam_model **model)
{
    /* the second is what Keras 2.12 and 2.13 wrote */
    static const char *const groups[] = {"layers", "_layer_checkpoint_dependencies"};
    static const char *const rest[] = {"optimizer"};
    lam__keras keras = {.name = file->path, .contents = contents, .report = file->report};
    size_t config_size, size;
    LAM__TRY(read_entry(zip, file, "config.json", config, &config_size));
    LAM__TRY(read_entry(zip, file, "model.weights.h5", weights, &size));
    LAM__TRY(lam__h5_open(&keras.weights, *weights, size, file->path));
    for (size_t i = 0; i < 2 && !keras.layers; i++)
        LAM__TRY(lam__h5_find(&keras.weights, keras.weights.root, groups[i], &keras.layers));
    if (!keras.layers)
        return lam__fail(LAM_ERR_FORMAT, "%s: model.weights.h5 has no group 'layers'", file->path);
    LAM__TRY(read_network(&keras, (const char *)*config, config_size, model));
    tell_rest(&keras, rest, 1);
    return LAM_OK;
}

lam_status lam__keras_read_archive(const lam__foreign *file, const lam_import_options *options,
                                   lam_model_contents *contents, lam_model **model)
{
    lam__zip *zip;
    unsigned char *config = NULL, *weights = NULL;
    LAM__TRY(lam__refuse_bare_options(file->path, options));
    LAM__TRY(lam__zip_open_memory(file->bytes, file->size, file->path, &zip));
    lam_status status = read_archive(zip, file, &config, &weights, contents, model);
    lam__release(config);
    lam__release(weights);
    lam__zip_close(zip);
    return status;
}
#endif
