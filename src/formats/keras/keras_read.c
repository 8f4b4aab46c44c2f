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

/* More layers than any trained network has. */
enum { LAYERS_MOST = LAM_MOST_LAYERS, DEEPEST = 8 };

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
                             "%s: layer '%.64s': the model is not a chain of layers", keras->name,
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
                     "%s: %s: a user-defined class, '%.64s'%s%.64s: what it computes is not in "
                     "the file",
                     keras->name, where, *registered ? registered : text_of(object, "class_name"),
                     *module ? " of module " : "", module);
}

/* What any layer may tell. */
#define ANY_KEYS " name trainable dtype batch_input_shape batch_shape dynamic autocast "

/* Whether the key is one of the words, which have a space between them. */
static bool is_word(const char *words, const char *key)
{
    const size_t length = strlen(key);
    for (const char *at = words; (at = strstr(at, key)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

lam_status lam__keras_check_keys(const lam__keras *keras, const lam__keras_layer *layer,
                                 const char *keys, const char *others)
{
    const char *key;
    json_t *value;
    for (const char *at = keys; *at;) {
        const size_t length = strcspn(at, " ");
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (!json_object_get(layer->config, word))
            return lam__keras_fail(keras, layer, LAM_ERR_UNSUPPORTED,
                                   "not Keras's own class, which would have told a key more", word);
        at += length + (at[length] == ' ');
    }
    json_object_foreach((json_t *)layer->config, key, value)
    {
        if (keras->legacy && *key && !is_word(ANY_KEYS, key) && !is_word(keys, key) &&
            !is_word(others, key))
            return lam__keras_fail(keras, layer, LAM_ERR_UNSUPPORTED,
                                   "not Keras's own class, which has no such key", key);
    }
    return LAM_OK;
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

/* Sequential, Functional, and what Keras 2 called the latter at first. */
static bool is_network(const char *class)
{
    return strcmp(class, "Sequential") == 0 || strcmp(class, "Functional") == 0 ||
           strcmp(class, "Model") == 0;
}

static lam_status add_layers(lam__keras *keras, const json_t *root);

/* The layers of a model that is a layer of the model, in its place. */
static lam_status add_inside(lam__keras *keras, const lam__keras_layer *layer, const json_t *json)
{
    const lam__keras former = *keras;
    if (keras->depth == DEEPEST)
        return lam__keras_fail(keras, layer, LAM_ERR_UNSUPPORTED,
                               "models inside models are too deep", NULL);
    if (!layer->group)
        return lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "the file has no weights of it", NULL);
    keras->depth++;
    if (keras->legacy)
        keras->inside = layer->group;
    else
        LAM__TRY(lam__keras_find_layers(&keras->weights, layer->group, &keras->layers));
    if (!keras->legacy && !keras->layers)
        return lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "its group has no 'layers'", NULL);
    LAM__TRY(add_layers(keras, json));
    keras->depth = former.depth;
    keras->inside = former.inside;
    keras->layers = former.layers;
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
        return lam__fail(LAM_ERR_FORMAT, "%s: layer %zu of its configuration is not a layer",
                         keras->name, at);
    snprintf(layer.where, sizeof layer.where, "layer '%.64s' (%.64s)", layer.name, layer.class);
    if (!is_own(json))
        return refuse_own(keras, json, layer.where);
    LAM__TRY(check_dtype(keras, &layer));
    if (keras->rank == 0 && at == 0) /* Keras 2: the first layer may tell the input's shape */
        LAM__TRY(
            lam__keras_shape(keras, &layer, json_object_get(layer.config, "batch_input_shape")));
    LAM__TRY(lam__keras_find_group(keras, &layer));
    if (is_network(layer.class))
        return add_inside(keras, &layer, json);
    /* what comes in is known: the input of a model inside the model says it again */
    return keras->depth > 0 && keras->rank > 0 && strcmp(layer.class, "InputLayer") == 0
               ? LAM_OK
               : lam__keras_add(keras, &layer);
}

static lam_status add_layers(lam__keras *keras, const json_t *root)
{
    const char *class = text_of(root, "class_name");
    const json_t *config = json_object_get(root, "config");
    /* an early Keras 2 wrote the list of a Sequential model itself */
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    const bool sequential = strcmp(class, "Sequential") == 0;
    if (!is_network(class))
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
    if (keras->depth == 0 && !json_object_get(json_array_get(layers, 0), "module"))
        lam__report(keras->report, LAM__ASSUMED,
                    "that the layers are Keras's own: an .h5 file names classes without the module "
                    "they are of, and a program's own of the same name and settings would look "
                    "alike; a .keras file tells");
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
        lam__report(keras->report, LAM__LEFT_OUT, "training state: %s", lam__name_list_text(&list));
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
    static const char *const rest[] = {"optimizer"};
    lam__keras keras = {.name = file->path, .contents = contents, .report = file->report};
    size_t config_size, size;
    LAM__TRY(read_entry(zip, file, "config.json", config, &config_size));
    LAM__TRY(read_entry(zip, file, "model.weights.h5", weights, &size));
    LAM__TRY(lam__h5_open(&keras.weights, *weights, size, file->path));
    LAM__TRY(lam__keras_find_layers(&keras.weights, keras.weights.root, &keras.layers));
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
