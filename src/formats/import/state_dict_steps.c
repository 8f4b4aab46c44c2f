/* state_dict_steps.c: what is done with bare weights, as an architecture or the objects of a file
 * say. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/text/word_list.h"
#include "formats/import/import_report.h"
#include "formats/import/state_dict.h"
#include "model/network.h"

/* Epsilon of a layer normalization whose file does not say: PyTorch's, and Lamina's own and
 * Keras's; of a batch normalization PyTorch's and Keras's. */
#define TORCH_EPSILON 1e-5
#define KERAS_EPSILON 1e-3

static lam_status make_steps(lam__state_dict *dict, size_t most)
{
    dict->steps = lam__allocate_zero(most, sizeof *dict->steps, "layers");
    return dict->steps ? LAM_OK : LAM_ERR_MEMORY;
}

static bool has_ending(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

size_t lam__state_dict_beside(const lam__state_dict *dict, size_t i, const char *ending,
                              bool or_bias)
{
    for (size_t j = 0; j < dict->items->count; j++)
        if (j != i && dict->items->items[j].kind == LAM__ITEM_ARRAY &&
            lam__same_layer(&dict->parts[i], &dict->parts[j]) &&
            (has_ending(dict->items->items[j].name, ending) ||
             (or_bias && dict->parts[j].role == LAM__ROLE_BIAS)))
            return j;
    return SIZE_MAX;
}

static const lam__item *take_beside(lam__state_dict *dict, size_t i, const char *ending,
                                    bool or_bias)
{
    const size_t j = lam__state_dict_beside(dict, i, ending, or_bias);
    if (j == SIZE_MAX)
        return NULL;
    dict->used[j] = true;
    return &dict->items->items[j];
}

static bool is_free_vector(const lam__state_dict *dict, size_t i)
{
    size_t length;
    return lam__is_vector(&dict->items->items[i], &length) && dict->items->items[i].rank == 1 &&
           !dict->used[i];
}

/* Whether an item is the gamma of a layer normalization: a vector called a weight, or gamma, with
 * no statistics beside it. */
static bool is_gamma(const lam__state_dict *dict, size_t i)
{
    return is_free_vector(dict, i) &&
           (dict->parts[i].role == LAM__ROLE_WEIGHT ||
            has_ending(dict->items->items[i].name, "gamma")) &&
           lam__state_dict_beside(dict, i, "_mean", false) == SIZE_MAX;
}

/* Whether an item is the mean of a batch normalization. */
static bool is_mean(const lam__state_dict *dict, size_t i)
{
    return is_free_vector(dict, i) && has_ending(dict->items->items[i].name, "_mean") &&
           dict->parts[i].role == LAM__ROLE_STATISTIC;
}

/* Weights called as PyTorch calls them, whatever the file. */
static bool is_torch(const lam__state_dict *dict, size_t i)
{
    return dict->items->torch || has_ending(dict->items->items[i].name, "weight") ||
           has_ending(dict->items->items[i].name, "running_mean");
}

/* Whether a step is a layer whose weight is a vector. */
static bool has_vector(const lam__state_dict_step *step)
{
    const lam__layer_type *type = step->layer.type;
    return type && type->has_parameters && !type->multiplies;
}

static void choose_epsilon(const lam__state_dict *dict, lam__state_dict_step *step, size_t at)
{
    if (step->epsilon > 0 || !(step->batch_norm || lam__state_dict_epsilon(step)))
        return;
    const bool torch = is_torch(dict, at);
    step->epsilon = torch ? TORCH_EPSILON : KERAS_EPSILON;
    lam__report(dict->items->report, LAM__ASSUMED,
                "an epsilon of %g for '%s', the usual one of %s, since the file does not say: "
                "%s:EPSILON sets another",
                step->epsilon, dict->items->items[at].name, torch ? "PyTorch" : "Keras",
                step->batch_norm ? "batch_norm" : step->layer.type->name);
}

/* The arrays of a normalization, of which `at` is the first that tells it. */
static lam_status take_normalization(lam__state_dict *dict, lam__state_dict_step *step, size_t at)
{
    const lam__item *item = &dict->items->items[at];
    step->where = item->name;
    dict->used[at] = true;
    if (has_vector(step)) {
        step->gamma = item;
    } else {
        step->mean = item;
        step->variance = take_beside(dict, at, "_var", false);
        if (!step->variance)
            step->variance = take_beside(dict, at, "_variance", false);
        step->gamma = take_beside(dict, at, "gamma", false);
        if (!step->gamma)
            step->gamma = take_beside(dict, at, "weight", false);
        if (!step->variance)
            return lam__fail(LAM_ERR_UNSUPPORTED, "%s: '%s': a mean without a variance beside it",
                             dict->items->path, item->name);
    }
    step->beta = take_beside(dict, at, "beta", true);
    choose_epsilon(dict, step, at);
    return LAM_OK;
}

/* Gives the normalizations asked for their arrays, in order. */
static lam_status find_normalizations(lam__state_dict *dict)
{
    const lam__item *before[2] = {NULL};
    for (size_t s = 0; s < dict->step_count; s++) {
        lam__state_dict_step *step = &dict->steps[s];
        size_t at = 0;
        const bool vector = has_vector(step);
        if (!vector && !step->batch_norm)
            continue;
        while (at < dict->items->count && !(vector ? is_gamma(dict, at) : is_mean(dict, at)))
            at++;
        if (at == dict->items->count)
            return lam__fail(LAM_ERR_SHAPE,
                             "%s: no arrays for layer %zu, %s: expected a vector called %s",
                             dict->items->path, s, vector ? step->layer.type->name : "batch_norm",
                             vector ? "weight or gamma" : "running_mean or moving_mean");
        const lam__item **last = &before[vector];
        if (*last && lam__order_by_names(dict->items->items[at].name, (*last)->name) < 0)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: '%s' comes before '%s' by name, and after it in the file: which "
                             "is right is not known",
                             dict->items->path, dict->items->items[at].name, (*last)->name);
        *last = &dict->items->items[at];
        LAM__TRY(take_normalization(dict, step, at));
    }
    return LAM_OK;
}

/* What stands behind "batch_norm" or "layer_norm": EPSILON, ACTIVATION or EPSILON:ACTIVATION. The
 * epsilon stays 0 where it is not told. */
static void read_tail(const char *tail, double *epsilon, const char **activation)
{
    char number[LAM__WORD_SIZE];
    *epsilon = 0.0;
    *activation = tail;
    if (!tail)
        return;
    const size_t length = strcspn(tail, ":");
    snprintf(number, sizeof number, "%.*s", (int)length, tail);
    if (!lam__parse_double(number, epsilon)) {
        *epsilon = 0.0;
        return;
    }
    *activation = tail[length] ? tail + length + 1 : NULL;
}

/* Whether a part of the architecture is `name`, alone or with a colon; *tail is what follows. */
static bool is_part(const char *part, const char *name, const char **tail)
{
    const size_t length = strlen(name);
    if (strncmp(part, name, length) != 0 || (part[length] && part[length] != ':'))
        return false;
    *tail = part[length] ? part + length + 1 : NULL;
    return true;
}

static lam_status add_batch_norm(lam__state_dict *dict, const char *tail)
{
    lam__state_dict_step *step = &dict->steps[dict->step_count++];
    const char *name;
    step->where = "the layers asked for";
    step->batch_norm = true;
    read_tail(tail, &step->epsilon, &name);
    const lam__activation *activation = name ? lam__find_activation(name) : NULL;
    if (name && !activation)
        return lam__fail(lam_error_status(), "batch_norm[:EPSILON][:ACTIVATION], not '%s': %s",
                         tail, lam_error_message());
    step->activation = activation ? activation->name : NULL;
    return LAM_OK;
}

static void copy_layer(lam__state_dict *dict, const lam_model *trial, size_t i, const char *part)
{
    lam__state_dict_step *step = &dict->steps[dict->step_count++];
    const lam__layer *layer = &trial->layers[i];
    const char *tail, *activation;
    step->where = "the layers asked for";
    step->activation = layer->activation ? layer->activation->name : NULL;
    step->layer = *layer;
    step->units = layer->out;
    if (lam__state_dict_epsilon(step) && is_part(part, layer->type->name, &tail))
        read_tail(tail, &step->epsilon, &activation);
}

/* Every part of the text is a layer of a model, but for batch_norm, which becomes part of one. */
static lam_status copy_layers(lam__state_dict *dict, const char *layers, lam_model *trial)
{
    lam__word part = lam__word_list(layers);
    const char *tail;
    size_t count = 0;
    for (bool more = true; more; count++)
        LAM__TRY(lam__next_word(layers, "layer", &part, &more));
    LAM__TRY(make_steps(dict, count));
    part = lam__word_list(layers);
    for (bool more;;) {
        LAM__TRY(lam__next_word(layers, "layer", &part, &more));
        if (!more)
            return find_normalizations(dict);
        if (is_part(part.text, "batch_norm", &tail)) {
            LAM__TRY(add_batch_norm(dict, tail));
            continue;
        }
        const size_t i = lam_model_layers(trial);
        if (lam_model_add_layers(trial, part.text) != LAM_OK)
            return lam__fail(lam_error_status(), "layer %zu (character %zu) '%s': %s", part.number,
                             part.position, part.text, strstr(lam_error_message(), "': ") + 3);
        copy_layer(dict, trial, i, part.text);
    }
}

lam_status lam__state_dict_steps_of_layers(lam__state_dict *dict, const char *layers)
{
    lam_model *trial = lam_model_new(1);
    if (!trial)
        return lam_error_status();
    lam_status status = copy_layers(dict, layers, trial);
    lam_model_free(trial);
    return status;
}

const char *lam__state_dict_example(const lam__state_dict *dict, char *text, size_t size)
{
    size_t at = 0, dense = 0;
    lam__order order = LAM__ORDER_OUT_IN;
    const lam__state_dict_plan plan = {.usual = LAM__ORDER_OUT_IN};
    if (lam__state_dict_fit(dict->items->path, dict->dense, dict->dense_count, &plan, &order) !=
        LAM_OK)
        order = LAM__ORDER_OUT_IN;
    text[0] = '\0';
    for (size_t i = 0; i < dict->items->count && at + 64 < size; i++) {
        const bool layer =
            dense < dict->dense_count && dict->dense[dense].weight == &dict->items->items[i];
        const bool batch_norm = is_mean(dict, i), layer_norm = is_gamma(dict, i);
        if (!layer && !batch_norm && !layer_norm)
            continue;
        /* the activation of a layer stands behind the normalization that follows it */
        if (dense > 0 && layer)
            at += (size_t)snprintf(text + at, size - at, ":relu,");
        else if (at > 0)
            at += (size_t)snprintf(text + at, size - at, ",");
        at += layer ? (size_t)snprintf(text + at, size - at, "%zu",
                                       lam__state_dict_outputs(dict->dense[dense++].weight, order))
                    : (size_t)snprintf(text + at, size - at, "%s",
                                       batch_norm ? "batch_norm" : "layer_norm");
    }
    if (at + 16 < size)
        snprintf(text + at, size - at, ":softmax");
    return text;
}

static lam_status ask_for_layers(const lam__state_dict *dict)
{
    char text[256];
    return lam__fail(LAM_ERR_ARGUMENT,
                     "%s: bare weights, without the network that uses them: give the "
                     "architecture, such as --layers %s",
                     dict->items->path, lam__state_dict_example(dict, text, sizeof text));
}

/* The object at `i`, whose arrays go up to `to`, by the classes of the book "Neural Networks from
 * Scratch". *told becomes false for one that is out of sequence and has weights: when it takes its
 * turn is in its code alone. */
static lam_status read_object(lam__state_dict *dict, size_t i, size_t to, bool *told)
{
    const lam__item *object = &dict->items->items[i];
    const char *tail = lam__class_tail(object->type);
    lam__state_dict_step step = {.where = object->name};
    bool weights = false;
    for (size_t j = i + 1; j < to; j++)
        for (size_t d = 0; d < dict->dense_count; d++)
            weights |= dict->dense[d].weight == &dict->items->items[j];
    if (weights && dict->sequence && dict->sequence != object->sequence)
        *told = false;
    if (weights)
        dict->sequence = object->sequence;
    if (!object->in_sequence) {
        *told = *told && !weights;
        return LAM_OK;
    }
    if (strcmp(tail, "Layer_Dense") == 0 && weights)
        step.layer.type = &lam__dense_layer;
    else if (strcmp(tail, "Layer_Dropout") == 0)
        step.layer = (lam__layer){.type = &lam__dropout_layer, .rate = (float)object->number};
    step.activation = lam__activation_of_class(object->type);
    if (strcmp(tail, "Layer_Input") == 0)
        return LAM_OK;
    if (!step.layer.type && !step.activation)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: '%s', of class %s: what is computed with it is not in the file: give "
                         "the architecture with --layers",
                         dict->items->path, object->name, object->type);
    dict->steps[dict->step_count++] = step;
    return LAM_OK;
}

lam_status lam__state_dict_steps_of_objects(lam__state_dict *dict)
{
    const lam__items *items = dict->items;
    bool told = true, any = false;
    size_t dense = 0;
    LAM__TRY(make_steps(dict, items->count));
    for (size_t i = 0; i < items->count && told; i++) {
        size_t to = i + 1;
        if (items->items[i].kind != LAM__ITEM_OBJECT)
            continue;
        while (to < items->count && items->items[to].kind != LAM__ITEM_OBJECT)
            to++;
        LAM__TRY(read_object(dict, i, to, &told));
    }
    for (size_t i = 0; i < dict->step_count; i++) {
        dense += lam__state_dict_is_dense(&dict->steps[i]);
        any = any || dict->steps[i].activation;
    }
    if (!told || !any || dense != dict->dense_count)
        return ask_for_layers(dict);
    lam__report(items->report, LAM__ASSUMED,
                "that Layer_Dense, Activation_ReLU and the like are the classes of the book "
                "\"Neural Networks from Scratch\": what they compute is not in the file");
    return LAM_OK;
}
