/* keras_weights.c: weights alone, as Keras's save_weights writes them: Keras 2 by the names of
 * layers and weights, Keras 3 by the classes of layers and the numbers of weights. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/contents.h"
#include "formats/import/arrays.h"
#include "formats/import/import_report.h"
#include "lamina_features.h"

#if LAM__HAVE_JSON
#include "formats/keras/keras.h"

enum { MOST_ARRAYS = 4096, LONGEST_NAME = 128 };

/* The arrays that were found; names and values belong to the list. */
typedef struct found {
    lam__keras *keras;
    lam__item *items; /* [MOST_ARRAYS] */
    char *names;      /* [MOST_ARRAYS][LONGEST_NAME] */
    float **values;   /* [MOST_ARRAYS] */
    size_t count;
} found;

static bool is_big_endian(void)
{
    const unsigned short one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* Adds the array of an object of the file. */
static lam_status add(found *f, uint64_t object, const char *layer, const char *weight)
{
    lam__h5_shape shape;
    if (f->count == MOST_ARRAYS)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: more than %d arrays", f->keras->name,
                         MOST_ARRAYS);
    char *name = f->names + f->count * LONGEST_NAME;
    snprintf(name, LONGEST_NAME, "%.60s/%.60s", layer, weight);
    LAM__TRY(lam__h5_floats(&f->keras->weights, object, name, &shape, &f->values[f->count]));
    lam__item *item = &f->items[f->count];
    *item = (lam__item){.kind = LAM__ITEM_ARRAY,
                        .name = name,
                        .dtype = LAM__ST_F32,
                        .big_endian = is_big_endian(),
                        .complete = true,
                        .rank = shape.rank,
                        .data = (const unsigned char *)f->values[f->count]};
    for (size_t i = 0; i < shape.rank; i++)
        item->shape[i] = (size_t)shape.dims[i];
    lam__item_pack(item, false);
    f->count++;
    return LAM_OK;
}

static lam_status refuse_normalization(const found *f, const char *layer)
{
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: '%.64s' is a Normalization, whose place weights alone do not tell: save "
                     "the whole model with model.save",
                     f->keras->name, layer);
}

/* Keras 2: the names of the layers in an attribute, those of their weights in one of each group. */
static lam_status list_layer(found *f, const char *layer)
{
    lam__h5 *h5 = &f->keras->weights;
    uint64_t group = 0;
    char **names = NULL;
    size_t count = 0;
    LAM__TRY(lam__h5_find(h5, f->keras->layers, layer, &group));
    if (group)
        LAM__TRY(lam__h5_strings(h5, group, "weight_names", &names, &count));
    lam_status status = LAM_OK;
    for (size_t i = 0; i < count && status == LAM_OK; i++) {
        uint64_t object = 0;
        const char *slash = strrchr(names[i], '/'), *last = slash ? slash + 1 : names[i];
        if (strncmp(last, "count", 5) == 0)
            status = refuse_normalization(f, layer);
        if (status == LAM_OK)
            status = lam__h5_find(h5, group, names[i], &object);
        if (status == LAM_OK && !object)
            status = lam__fail(LAM_ERR_FORMAT, "%s: no weight '%.64s'", f->keras->name, names[i]);
        if (status == LAM_OK)
            status = add(f, object, layer, last);
    }
    lam__release(names);
    return status;
}

/* Names of the weights of a class in Keras 3, by their number. */
static const struct {
    const char *group, *names[4];
} classes[] = {
    {"dense", {"kernel", "bias", NULL, NULL}},
    {"batch_normalization", {"gamma", "beta", "moving_mean", "moving_variance"}},
    {"layer_normalization", {"gamma", "beta", NULL, NULL}},
    {"normalization", {NULL, NULL, NULL, NULL}},
};

/* All layers of a class: "dense", "dense_1", and so on. *others counts weights beyond the names. */
static lam_status list_class(found *f, size_t class)
{
    lam__h5 *h5 = &f->keras->weights;
    for (size_t twin = 0;; twin++) {
        char group_name[64], path[32];
        uint64_t group = 0, object = 0;
        snprintf(group_name, sizeof group_name, twin ? "%s_%zu" : "%s", classes[class].group, twin);
        LAM__TRY(lam__h5_find(h5, f->keras->layers, group_name, &group));
        if (!group)
            return LAM_OK;
        if (!classes[class].names[0])
            return refuse_normalization(f, group_name);
        for (size_t i = 0; i < 5; i++) {
            snprintf(path, sizeof path, "vars/%zu", i);
            LAM__TRY(lam__h5_find(h5, group, path, &object));
            if (!object)
                break;
            if (i == 4 || !classes[class].names[i])
                return lam__fail(LAM_ERR_UNSUPPORTED, "%s: '%.64s' has more than %zu weights",
                                 f->keras->name, group_name, i);
            LAM__TRY(add(f, object, group_name, classes[class].names[i]));
        }
    }
}

static lam_status list(found *f, bool *ordered)
{
    lam__h5 *h5 = &f->keras->weights;
    char **names;
    size_t count;
    f->keras->layers = h5->root;
    LAM__TRY(lam__h5_strings(h5, h5->root, "layer_names", &names, &count));
    lam_status status = LAM_OK;
    *ordered = count > 0;
    for (size_t i = 0; i < count && status == LAM_OK; i++)
        status = list_layer(f, names[i]);
    lam__release(names);
    if (status != LAM_OK || count > 0)
        return status;
    LAM__TRY(lam__h5_find(h5, h5->root, "layers", &f->keras->layers));
    if (!f->keras->layers)
        LAM__TRY(lam__h5_find(h5, h5->root, "_layer_checkpoint_dependencies", &f->keras->layers));
    if (!f->keras->layers)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: an HDF5 file without 'model_config', 'layer_names' or 'layers': not "
                         "a model or weights of Keras",
                         f->keras->name);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        LAM__TRY(list_class(f, i));
    return LAM_OK;
}

static lam_status use(found *f, const lam_import_options *options, lam_model **model)
{
    bool ordered;
    LAM__TRY(list(f, &ordered));
    const lam__items items = {.path = f->keras->name,
                              .items = f->items,
                              .count = f->count,
                              .file_size = f->keras->weights.size,
                              .ordered = ordered,
                              .report = f->keras->report};
    if (f->keras->contents)
        return lam__contents_items(f->keras->contents, &items);
    return lam__arrays_model(&items, options, model);
}

lam_status lam__keras_bare(lam__keras *keras, const lam_import_options *options, lam_model **model)
{
    found f = {.keras = keras};
    f.items = lam__allocate_zero(MOST_ARRAYS, sizeof *f.items, "the list of arrays");
    f.names = lam__allocate(MOST_ARRAYS, LONGEST_NAME, "the names of arrays");
    f.values = lam__allocate_zero(MOST_ARRAYS, sizeof *f.values, "the list of arrays");
    lam_status status = f.items && f.names && f.values ? use(&f, options, model) : LAM_ERR_MEMORY;
    for (size_t i = 0; i < f.count; i++)
        lam__release(f.values[i]);
    lam__release(f.values);
    lam__release(f.names);
    lam__release(f.items);
    return status;
}
#endif
