/* pickle_model.c: which network a pickle holds, and the model of it. */
#include "formats/pickle/pickle_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/import_report.h"

const char *lam__pickle_class(const lam__pickle_value *object, char *text, size_t size)
{
    const lam__pickle_value *class = object->u.object.class;
    const lam__pickle_text module = class->u.class.module, name = class->u.class.name;
    const size_t most = size / 2 - 1;
    snprintf(text, size, "%.*s.%.*s", (int)(module.length < most ? module.length : most),
             module.text, (int)(name.length < most ? name.length : most), name.text);
    return text;
}

lam_status lam__pickle_floats(const lam__pickled *pickled, const char *where,
                              const lam__pickle_value *array, lam__pickle_numbers *numbers)
{
    const char *path = pickled->file->path;
    lam__item item;
    *numbers = (lam__pickle_numbers){0};
    if (array && array->kind == LAM__P_OPAQUE)
        return lam__fail(
            LAM_ERR_UNSUPPORTED,
            "%s: %s: its numbers would come from calling %.*s.%.*s, which Lamina does not do", path,
            where, (int)(array->u.class.module.length < 80 ? array->u.class.module.length : 80),
            array->u.class.module.text,
            (int)(array->u.class.name.length < 80 ? array->u.class.name.length : 80),
            array->u.class.name.text);
    if (!lam__pickle_array(array, &item) || !item.complete || !lam__dtype_is_float(item.dtype) ||
        item.rank < 1 || item.rank > 2 || lam__item_elements(&item) == 0)
        return lam__fail(LAM_ERR_SHAPE, "%s: %s: no array of floats of one or two dimensions", path,
                         where);
    numbers->rank = item.rank;
    numbers->rows = item.rank == 2 ? item.shape[0] : 1;
    numbers->cols = item.shape[item.rank - 1];
    LAM__TRY(lam__import_graph_allows(pickled->imported, where, numbers->rows * numbers->cols));
    numbers->values =
        lam__allocate(numbers->rows * numbers->cols, sizeof *numbers->values, "parameters");
    if (!numbers->values)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < numbers->rows; i++)
        for (size_t j = 0; j < numbers->cols; j++)
            numbers->values[i * numbers->cols + j] =
                item.rank == 2 ? lam__item_value(&item, i, j) : lam__item_value(&item, j, 0);
    return LAM_OK;
}

lam_status lam__pickle_vector(const lam__pickled *pickled, const char *where, const char *name,
                              const lam__pickle_value *array, size_t *n, float **values)
{
    lam__pickle_numbers read;
    *values = NULL;
    if (!array)
        return LAM_OK;
    LAM__TRY(lam__pickle_floats(pickled, where, array, &read));
    *values = read.values;
    if (read.rank != 1 || (*n && *n != read.cols))
        return lam__fail(LAM_ERR_SHAPE, "%s: %s: its %s is not a vector as wide as the layer",
                         pickled->file->path, where, name);
    *n = read.cols;
    return LAM_OK;
}

lam_status lam__pickle_turn(lam__pickle_numbers *numbers)
{
    const size_t rows = numbers->rows, cols = numbers->cols;
    float *turned = lam__allocate(rows * cols, sizeof *turned, "weights");
    if (!turned)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            turned[j * rows + i] = numbers->values[i * cols + j];
    lam__release(numbers->values);
    *numbers = (lam__pickle_numbers){2, cols, rows, turned};
    return LAM_OK;
}

/* Whether a value says by itself what it computes, or would if its code were there. */
static bool is_network(const lam__pickle_value *value)
{
    return value->kind == LAM__P_OBJECT && (lam__is_torch_module(value) || lam__is_sklearn(value));
}

/* The network: the pickle itself, or the one among the values of a dictionary, whose other keys are
 * then told. NULL where there is none; LAM_ERR_UNSUPPORTED where there are several. */
static lam_status find_network(const lam__foreign *file, const lam__pickle_value *root,
                               const lam__pickle_value **found)
{
    lam__name_list others = {0};
    char class[128];
    *found = is_network(root) ? root : NULL;
    if (root->kind == LAM__P_OBJECT &&
        strncmp(lam__pickle_class(root, class, sizeof class), "__torch__.", 10) == 0)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: TorchScript, class %s: its code is not read: give what it computes "
                         "with --layers, or export it to ONNX",
                         file->path, class);
    if (root->kind != LAM__P_DICT)
        return LAM_OK;
    for (size_t i = 0; i + 1 < root->u.list.count; i += 2) {
        const lam__pickle_value *key = root->u.list.items[i], *value = root->u.list.items[i + 1];
        char name[64] = "?";
        if (key->kind == LAM__P_TEXT)
            snprintf(name, sizeof name, "%.*s",
                     (int)(key->u.text.length < 63 ? key->u.text.length : 63), key->u.text.text);
        if (!is_network(value)) {
            lam__name_list_add(&others, name);
            continue;
        }
        if (*found)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: several networks, of which '%s' is the second: a file of one is "
                             "read",
                             file->path, name);
        *found = value;
    }
    if (*found && others.count)
        lam__report(file->report, LAM__LEFT_OUT, "beside the network: %s",
                    lam__name_list_text(&others));
    return LAM_OK;
}

static lam_status make_network(lam__pickled *pickled, const lam__pickle_value *network,
                               lam_model **model)
{
    const lam_import_options *options = pickled->options;
    const lam__pickle_value *classes = NULL;
    if (options->order)
        return lam__fail(LAM_ERR_ARGUMENT, "%s, a whole model: order is for bare weights only",
                         pickled->file->path);
    if (options->scale)
        LAM__TRY(lam__arrays_scale(options->scale, pickled->imported));
    const bool sklearn = lam__is_sklearn(network);
    LAM__TRY(sklearn ? lam__sklearn_model(pickled, network, &classes)
                     : lam__torch_module(pickled, network));
    LAM__TRY(lam__import_graph_finish(pickled->imported, model));
    return classes ? lam__sklearn_names(pickled, classes, *model) : LAM_OK;
}

static lam_status read_network(const lam__foreign *file, const lam_import_options *options,
                               lam__pickle *pickle, const lam__pickle_value *network,
                               lam_model **model)
{
    lam__pickled pickled = {file, options, pickle, lam__import_graph_new(file->path)};
    if (!pickled.imported)
        return LAM_ERR_MEMORY;
    lam__import_graph_limit(pickled.imported, file->size);
    lam__import_graph_tell(pickled.imported, file->report);
    lam_status status = make_network(&pickled, network, model);
    lam__import_graph_free(pickled.imported);
    if (status == LAM_OK)
        return LAM_OK;
    lam_model_free(*model);
    *model = NULL;
    return status;
}

/* Values of a dictionary that are no arrays: the epoch, the loss and the like. */
static void tell_values(const lam__foreign *file, const lam__pickle_value *root)
{
    lam__name_list list = {0};
    for (size_t i = 0; root->kind == LAM__P_DICT && i + 1 < root->u.list.count; i += 2) {
        const lam__pickle_value *key = root->u.list.items[i], *value = root->u.list.items[i + 1];
        char name[64];
        const bool plain = value->kind <= LAM__P_BYTES || value->kind == LAM__P_CLASS;
        if (!plain || key->kind != LAM__P_TEXT)
            continue;
        snprintf(name, sizeof name, "%.*s",
                 (int)(key->u.text.length < 63 ? key->u.text.length : 63), key->u.text.text);
        lam__name_list_add(&list, name);
    }
    if (list.count)
        lam__report(file->report, LAM__LEFT_OUT, "not arrays: %s", lam__name_list_text(&list));
}

lam_status lam__pickled_model(const lam__foreign *file, const lam_import_options *options,
                              lam__pickle *pickle, lam_model **model)
{
    const lam__pickle_value *network = NULL;
    *model = NULL;
    if (pickle->called)
        lam__report(
            file->report, LAM__NOTE,
            "the pickle would call %.*s.%.*s: it was not called, so its result is missing",
            (int)(pickle->called->u.class.module.length < 80 ? pickle->called->u.class.module.length
                                                             : 80),
            pickle->called->u.class.module.text,
            (int)(pickle->called->u.class.name.length < 80 ? pickle->called->u.class.name.length
                                                           : 80),
            pickle->called->u.class.name.text);
    if (!options->layers && !options->map)
        LAM__TRY(find_network(file, pickle->result, &network));
    if (network)
        return read_network(file, options, pickle, network, model);
    const lam__items items = {.path = file->path,
                              .items = pickle->items,
                              .count = pickle->item_count,
                              .file_size = file->size,
                              .ordered = true,
                              .torch = pickle->torch,
                              .report = file->report};
    tell_values(file, pickle->result);
    LAM__TRY(lam__arrays_model(&items, options, model));
    return LAM_OK;
}
