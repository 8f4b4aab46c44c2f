/* state_dict_model.c: a model made of bare weights. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/text/word_list.h"
#include "formats/import/import_graph.h"
#include "formats/import/import_report.h"
#include "formats/import/state_dict.h"

lam_status lam__refuse_bare_options(const char *path, const lam_import_options *options)
{
    const char *name = options->layers  ? "layers"
                       : options->map   ? "map"
                       : options->order ? "order"
                       : options->scale ? "scale"
                                        : NULL;
    return name ? lam__fail(LAM_ERR_ARGUMENT, "%s, a whole model: %s is for bare weights only",
                            path, name)
                : LAM_OK;
}

static lam_status read_order(const char *text, lam__order *order)
{
    *order = LAM__ORDER_UNKNOWN;
    if (!text)
        return LAM_OK;
    if (strcmp(text, "out,in") == 0)
        *order = LAM__ORDER_OUT_IN;
    else if (strcmp(text, "in,out") == 0)
        *order = LAM__ORDER_IN_OUT;
    else
        return lam__fail(LAM_ERR_ARGUMENT, "the order of dimensions is out,in or in,out, not '%s'",
                         text);
    return LAM_OK;
}

/* "LO,HI" or "FROM_LO,FROM_HI,LO,HI" */
lam_status lam__arrays_scale(const char *text, lam__import_graph *imported)
{
    double n[4] = {0.0, 255.0};
    size_t count = 0;
    lam__word word = lam__word_list(text);
    for (bool more = true; more;) {
        LAM__TRY(lam__next_word(text, "number", &word, &more));
        if (more && (count == 4 || !lam__parse_double(word.text, &n[count++])))
            return lam__fail(LAM_ERR_ARGUMENT,
                             "scale is LO,HI or FROM_LO,FROM_HI,LO,HI, not '%.100s'", text);
    }
    if (count == 2) {
        n[2] = n[0];
        n[3] = n[1];
        n[0] = 0.0;
        n[1] = 255.0;
    }
    if ((count != 2 && count != 4) || n[0] == n[1] || n[2] == n[3])
        return lam__fail(LAM_ERR_ARGUMENT,
                         "scale is LO,HI or FROM_LO,FROM_HI,LO,HI, two different numbers each, not "
                         "'%.100s'",
                         text);
    const double scale = (n[3] - n[2]) / (n[1] - n[0]), offset = n[2] - n[0] * scale;
    return lam__import_graph_affine(imported, "scale", 1, &scale, &offset);
}

static lam_status check_complete(const lam__state_dict *dict, const lam__item *item)
{
    return item->complete ? LAM_OK
                          : lam__fail(LAM_ERR_FORMAT, "%s: '%s': its values are not in the file",
                                      dict->items->path, item->name);
}

/* A vector as floats, NULL staying NULL with LAM_OK. */
static lam_status read_vector(const lam__state_dict *dict, const lam__item *item, size_t n,
                              float **values)
{
    size_t length = n;
    *values = NULL;
    if (!item)
        return LAM_OK;
    LAM__TRY(check_complete(dict, item));
    if (!lam__is_vector(item, &length) || length != n)
        return lam__fail(LAM_ERR_SHAPE, "%s: '%s': expected %zu values", dict->items->path,
                         item->name, n);
    *values = lam__allocate(n, sizeof **values, "parameters");
    if (!*values)
        return LAM_ERR_MEMORY;
    const bool row = item->rank == 2 && item->shape[0] == 1; /* [1][n] */
    for (size_t i = 0; i < n; i++)
        (*values)[i] = row ? lam__item_value(item, 0, i) : lam__item_value(item, i, 0);
    return LAM_OK;
}

static lam_status add_dense(const lam__state_dict *dict, const lam__state_dict_dense *dense,
                            lam__order order, lam__import_graph *imported)
{
    const lam__item *weight = dense->weight;
    const size_t in = lam__state_dict_inputs(weight, order),
                 out = lam__state_dict_outputs(weight, order);
    char where[96];
    float *b = NULL;
    LAM__TRY(check_complete(dict, weight));
    LAM__TRY(read_vector(dict, dense->bias, out, &b));
    float *w = lam__allocate(in * out, sizeof *w, "weights");
    if (!w) {
        lam__release(b);
        return LAM_ERR_MEMORY;
    }
    for (size_t i = 0; i < in; i++)
        for (size_t j = 0; j < out; j++)
            w[i * out + j] = order == LAM__ORDER_OUT_IN ? lam__item_value(weight, j, i)
                                                        : lam__item_value(weight, i, j);
    snprintf(where, sizeof where, "'%.90s'", weight->name);
    lam_status status = lam__import_graph_dense(imported, where, in, out, w, b);
    lam__release(w);
    lam__release(b);
    return status;
}

const lam__layer_field *lam__state_dict_epsilon(const lam__state_dict_step *step)
{
    const lam__layer_type *type = step->layer.type;
    for (size_t i = 0; type && i < type->field_count; i++)
        if (type->fields[i].kind == LAM__LAYER_NUMBER &&
            strcmp(type->fields[i].name, "epsilon") == 0)
            return &type->fields[i];
    return NULL;
}

/* A layer whose weight and bias are vectors, or NULL. */
static lam_status add_vectors(const lam__state_dict_step *step, const char *where, size_t n,
                              const float *weight, const float *bias, lam__import_graph *imported)
{
    lam__layer layer = step->layer;
    const lam__layer_field *epsilon = lam__state_dict_epsilon(step);
    if (epsilon)
        lam__layer_set_number(&layer, epsilon, (float)step->epsilon);
    return lam__import_graph_layer(imported, where, &layer, n, weight, bias);
}

static lam_status add_normalization(const lam__state_dict *dict, const lam__state_dict_step *step,
                                    const char *where, lam__import_graph *imported)
{
    size_t n = lam__import_graph_width(imported);
    const lam__item *items[] = {step->gamma, step->beta, step->mean, step->variance};
    float *values[4] = {NULL};
    lam_status status = LAM_OK;
    for (int i = 0; n == 0 && i < 4; i++) /* before all layers: its arrays tell */
        if (items[i] && !lam__is_vector(items[i], &n))
            n = 0;
    if (n == 0)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: %s: a normalization of unknown width before all layers",
                         dict->items->path, where);
    for (int i = 0; i < 4 && status == LAM_OK; i++)
        status = read_vector(dict, items[i], n, &values[i]);
    if (status == LAM_OK && step->batch_norm)
        status = lam__import_graph_batch_norm(imported, where, n, values[0], values[1], values[2],
                                              values[3], step->epsilon);
    else if (status == LAM_OK)
        status = add_vectors(step, where, n, values[0], values[1], imported);
    for (int i = 0; i < 4; i++)
        lam__release(values[i]);
    return status;
}

static lam_status add_steps(const lam__state_dict *dict, lam__order order,
                            lam__import_graph *imported)
{
    size_t dense = 0;
    for (size_t i = 0; i < dict->step_count; i++) {
        const lam__state_dict_step *step = &dict->steps[i];
        char where[96];
        snprintf(where, sizeof where, "'%.90s'", step->where);
        const lam__layer_type *type = step->layer.type;
        if (lam__state_dict_is_dense(step))
            LAM__TRY(add_dense(dict, &dict->dense[dense++], order, imported));
        else if (type && !type->has_parameters)
            LAM__TRY(lam__import_graph_layer(imported, where, &step->layer, 0, NULL, NULL));
        else if (step->batch_norm || type)
            LAM__TRY(add_normalization(dict, step, where, imported));
        if (step->activation)
            LAM__TRY(lam__import_graph_activation(imported, where, step->activation));
    }
    return LAM_OK;
}

/* Parts of names of what an optimizer or a training loop keeps. */
static bool is_of_training(const char *name)
{
    static const char *const words[] = {"optim", "exp_avg", "momentum", "velocity", "cache",
                                        "_avg",  "grad",    "ema",      "step",     "moment"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}

/* Arrays that are called parameters must not be left out. */
static lam_status check_unused(const lam__state_dict *dict)
{
    char example[256];
    for (size_t i = 0; i < dict->items->count; i++) {
        const lam__item *item = &dict->items->items[i];
        const lam__array_role role = dict->parts[i].role;
        if (item->kind == LAM__ITEM_OPAQUE && role != LAM__ROLE_OTHER)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: '%s' would come from calling %s, which Lamina does not do",
                             dict->items->path, item->name, item->type);
        if (item->kind != LAM__ITEM_ARRAY || dict->used[i] || item->rank == 0 ||
            role == LAM__ROLE_OTHER)
            continue;
        const bool batch_norm = lam__state_dict_beside(dict, i, "_mean", false) != SIZE_MAX ||
                                role == LAM__ROLE_STATISTIC;
        if (batch_norm || (role == LAM__ROLE_WEIGHT && item->rank == 1))
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: '%s' is of a %s normalization, which the layers asked for do not "
                             "have: say where it stands, such as --layers %s",
                             dict->items->path, item->name, batch_norm ? "batch" : "layer",
                             lam__state_dict_example(dict, example, sizeof example));
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: '%s' (%zu dimensions) is not part of a dense layer; --map names "
                         "the arrays to take and leaves others out",
                         dict->items->path, item->name, item->rank);
    }
    return LAM_OK;
}

/* A layer without a bias, and vectors that could be one under a name of its own: zeros would be a
 * guess. */
static lam_status check_biases(const lam__state_dict *dict, lam__order order)
{
    lam__name_list none = {0}, guessed = {0};
    for (size_t d = 0; d < dict->dense_count; d++) {
        const lam__state_dict_dense *dense = &dict->dense[d];
        const size_t out = lam__state_dict_outputs(dense->weight, order);
        if (dense->bias && dense->guessed)
            lam__name_list_add(&guessed, dense->bias->name);
        if (dense->bias)
            continue;
        lam__name_list_add(&none, dense->weight->name);
        for (size_t i = 0; i < dict->items->count; i++) {
            const lam__item *item = &dict->items->items[i];
            size_t length;
            if (!dict->used[i] && item->kind == LAM__ITEM_ARRAY && lam__is_vector(item, &length) &&
                length == out && !is_of_training(item->name))
                return lam__fail(LAM_ERR_ARGUMENT,
                                 "%s: '%s' has no bias, and '%s' [%zu] could be one: say which "
                                 "arrays to take, --map '%s+%s,...', or --map '%s,...' without",
                                 dict->items->path, dense->weight->name, item->name, length,
                                 dense->weight->name, item->name, dense->weight->name);
        }
    }
    if (none.count)
        lam__report(dict->items->report, LAM__ASSUMED, "biases of zero for %s: the file has none",
                    lam__name_list_text(&none));
    if (guessed.count)
        lam__report(dict->items->report, LAM__ASSUMED,
                    "that these are biases, from their position: %s",
                    lam__name_list_text(&guessed));
    return LAM_OK;
}

/* What the model has no place for. */
static void tell_unused(const lam__state_dict *dict)
{
    lam__name_list list = {0};
    for (size_t i = 0; i < dict->items->count; i++)
        if (dict->items->items[i].kind != LAM__ITEM_OBJECT && !dict->used[i])
            lam__name_list_add(&list, dict->items->items[i].name);
    if (list.count)
        lam__report(dict->items->report, LAM__LEFT_OUT, "%zu array%s: %s", list.count,
                    list.count == 1 ? "" : "s", lam__name_list_text(&list));
}

static lam_status check_count(const lam__state_dict *dict, size_t layers)
{
    char names[300] = "";
    size_t at = 0;
    if (layers == dict->dense_count)
        return LAM_OK;
    for (size_t i = 0; i < dict->dense_count && at + 80 < sizeof names; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s'%.60s'", i ? ", " : "",
                               dict->dense[i].weight->name);
    return lam__fail(LAM_ERR_SHAPE, "%s: %zu dense layers asked for, but %zu weights found: %s%s",
                     dict->items->path, layers, dict->dense_count, names,
                     at + 80 < sizeof names ? "" : ", ...");
}

/* x W + b has biases that are rows, W x + b columns: [1][n] and [n][1]. */
static lam__order order_of_biases(const lam__state_dict *dict)
{
    size_t rows = 0, columns = 0;
    for (size_t i = 0; i < dict->dense_count; i++) {
        const lam__item *bias = dict->dense[i].bias;
        rows += bias && bias->rank == 2 && bias->shape[0] == 1 && bias->shape[1] > 1;
        columns += bias && bias->rank == 2 && bias->shape[0] > 1 && bias->shape[1] == 1;
    }
    if ((rows > 0) == (columns > 0))
        return LAM__ORDER_UNKNOWN;
    return rows > 0 ? LAM__ORDER_IN_OUT : LAM__ORDER_OUT_IN;
}

/* Whether all weights are called as it is usual with one order, or their biases tell. */
static lam__order usual_order(const lam__state_dict *dict)
{
    lam__order usual = LAM__ORDER_UNKNOWN;
    for (size_t i = 0; i < dict->dense_count; i++) {
        const size_t at = (size_t)(dict->dense[i].weight - dict->items->items);
        const lam__order one = lam__usual_order(&dict->parts[at]);
        if (i > 0 && one != usual)
            return LAM__ORDER_UNKNOWN;
        usual = one;
    }
    return usual != LAM__ORDER_UNKNOWN ? usual : order_of_biases(dict);
}

/* Brings weights and steps together; *order is that of the weights' dimensions. */
static lam_status fit(lam__state_dict *dict, const lam_import_options *options, lam__order *order)
{
    size_t layers = 0;
    bool guessed = false;
    lam__order asked;
    LAM__TRY(read_order(options->order, &asked));
    for (size_t i = 0; i < dict->step_count; i++)
        layers += lam__state_dict_is_dense(&dict->steps[i]);
    LAM__TRY(check_count(dict, layers));
    size_t *units = lam__allocate_zero(layers + 1, sizeof *units, "layers");
    if (!units)
        return LAM_ERR_MEMORY;
    for (size_t i = 0, n = 0; i < dict->step_count; i++)
        if (lam__state_dict_is_dense(&dict->steps[i]))
            units[n++] = dict->steps[i].units;
    const lam__state_dict_plan plan = {.units = units,
                                       .count = layers,
                                       .order = asked,
                                       .usual = usual_order(dict),
                                       .rearrange = options->layers && !options->map,
                                       .ordered = dict->items->ordered,
                                       .guessed = &guessed};
    lam_status status = lam__state_dict_fit(dict->items->path, dict->dense, layers, &plan, order);
    if (status == LAM_OK && guessed)
        lam__report(dict->items->report, LAM__ASSUMED,
                    "weights of dimensions [%s], by their names or the shapes of their biases: "
                    "--order overrides this",
                    *order == LAM__ORDER_OUT_IN ? "out,in" : "in,out");
    lam__release(units);
    return status;
}

static lam_status make(lam__state_dict *dict, const lam_import_options *options,
                       lam__import_graph *imported, lam_model **model)
{
    lam__order order;
    LAM__TRY(options->map ? lam__state_dict_map(dict, options->map) : lam__state_dict_find(dict));
    LAM__TRY(options->layers ? lam__state_dict_steps_of_layers(dict, options->layers)
                             : lam__state_dict_steps_of_objects(dict));
    if (!options->map)
        LAM__TRY(check_unused(dict));
    LAM__TRY(fit(dict, options, &order));
    if (!options->map)
        LAM__TRY(check_biases(dict, order));
    tell_unused(dict);
    if (options->scale)
        LAM__TRY(lam__arrays_scale(options->scale, imported));
    LAM__TRY(add_steps(dict, order, imported));
    return lam__import_graph_finish(imported, model);
}

lam_status lam__arrays_model(const lam__items *items, const lam_import_options *options,
                             lam_model **model)
{
    lam__state_dict dict;
    *model = NULL;
    lam__import_graph *imported = lam__import_graph_new(items->path);
    if (imported && items->file_size)
        lam__import_graph_limit(imported, items->file_size);
    if (imported)
        lam__import_graph_tell(imported, items->report);
    lam_status status = imported ? lam__state_dict_open(&dict, items) : LAM_ERR_MEMORY;
    if (status == LAM_OK)
        status = make(&dict, options, imported, model);
    if (imported)
        lam__state_dict_close(&dict);
    lam__import_graph_free(imported);
    return status;
}
