/* keras_groups.c: where the weights of a layer lie in Keras's files. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "lamina_features.h"

#if LAM__HAVE_JSON
#include "formats/keras/keras.h"

/* The name of a weight inside its group: "kernel" of "dense/kernel:0"; its length in *length. */
static const char *last_part(const char *name, size_t *length)
{
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
    *length = strcspn(last, ":");
    return last;
}

static bool is_called(const char *path, const char *name)
{
    size_t length;
    const char *last = last_part(path, &length);
    return length == strlen(name) && strncmp(last, name, length) == 0;
}

/* Whether the part before the last one is the name of the layer. */
static bool is_of(const char *path, const char *layer)
{
    size_t ignored;
    const size_t length = strlen(layer);
    const char *last = last_part(path, &ignored);
    return (size_t)(last - path) > length && strncmp(last - length - 1, layer, length) == 0 &&
           ((size_t)(last - path) == length + 1 || last[-(ptrdiff_t)length - 2] == '/');
}

/* Which of the names is a layer's weight: its own group lists its weights in their order, that of a
 * model inside the model those of all its layers. SIZE_MAX after a failure. */
static size_t choose_weight(const lam__keras *keras, const lam__keras_layer *layer,
                            char *const *names, size_t count, size_t index, const char *name)
{
    if (!keras->inside && index < count && is_called(names[index], name))
        return index;
    size_t found = SIZE_MAX, matches = 0;
    for (size_t i = 0; keras->inside && i < count; i++)
        if (is_called(names[i], name) && is_of(names[i], layer->name)) {
            found = i;
            matches++;
        }
    if (matches == 1)
        return found;
    lam__keras_fail(keras, layer, LAM_ERR_FORMAT,
                    matches > 1                       ? "several weights of that name"
                    : keras->inside || index >= count ? "no such weight"
                                                      : "a weight of another name",
                    matches == 0 && !keras->inside && index < count ? names[index] : name);
    return SIZE_MAX;
}

/* Legacy: the names of weights under "weight_names" are paths in the layer's group. */
static lam_status legacy_weight(lam__keras *keras, const lam__keras_layer *layer, size_t index,
                                const char *name, uint64_t *object)
{
    char **names;
    size_t count;
    LAM__TRY(lam__h5_strings(&keras->weights, layer->group, "weight_names", &names, &count));
    const size_t chosen = choose_weight(keras, layer, names, count, index, name);
    const lam_status status =
        chosen == SIZE_MAX ? LAM_ERR_FORMAT
                           : lam__h5_find(&keras->weights, layer->group, names[chosen], object);
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

lam_status lam__keras_find_group(lam__keras *keras, lam__keras_layer *layer)
{
    char name[96];
    layer->group = keras->inside;
    if (keras->legacy)
        return keras->inside
                   ? LAM_OK
                   : lam__h5_find(&keras->weights, keras->layers, layer->name, &layer->group);
    snake_case(layer->class, name, sizeof name - 24);
    if (layer->twin > 0)
        snprintf(name + strlen(name), 24, "_%zu", layer->twin);
    LAM__TRY(lam__h5_find(&keras->weights, keras->layers, name, &layer->group));
    return layer->group ? check_name(keras, layer) : LAM_OK;
}

lam_status lam__keras_find_layers(lam__h5 *h5, uint64_t group, uint64_t *layers)
{
    /* the second is what Keras 2.12 and 2.13 wrote */
    static const char *const names[] = {"layers", "_layer_checkpoint_dependencies"};
    *layers = 0;
    for (size_t i = 0; i < 2 && !*layers; i++)
        LAM__TRY(lam__h5_find(h5, group, names[i], layers));
    return LAM_OK;
}
#endif
