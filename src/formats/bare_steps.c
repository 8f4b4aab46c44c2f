/* bare_steps.c: what is done with bare weights, as an architecture or the objects of a file say. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/bare.h"
#include "nn/layers.h"

static lam_status make_steps(lam__bare *bare, size_t most)
{
    bare->steps = lam__allocate_zero(most, sizeof *bare->steps, "layers");
    return bare->steps ? LAM_OK : LAM_ERR_MEMORY;
}

static bool has_ending(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* The item of the same layer whose name ends so, or that is called a bias; SIZE_MAX when there is
 * none. */
static size_t find_beside(const lam__bare *bare, size_t i, const char *ending, bool or_bias)
{
    for (size_t j = 0; j < bare->items->count; j++)
        if (j != i && bare->items->items[j].kind == LAM__ITEM_ARRAY &&
            lam__same_layer(&bare->parts[i], &bare->parts[j]) &&
            (has_ending(bare->items->items[j].name, ending) ||
             (or_bias && bare->parts[j].role == LAM__ROLE_BIAS)))
            return j;
    return SIZE_MAX;
}

/* Whether an item is the gamma of a layer normalization: a vector called a weight, or gamma, with
 * no statistics beside it. */
static bool is_gamma(const lam__bare *bare, size_t i)
{
    const lam__item *item = &bare->items->items[i];
    size_t length;
    return lam__is_vector(item, &length) && item->rank == 1 && !bare->used[i] &&
           (bare->parts[i].role == LAM__ROLE_WEIGHT || has_ending(item->name, "gamma")) &&
           find_beside(bare, i, "_mean", false) == SIZE_MAX;
}

/* Gives the layer normalizations asked for their arrays, in order. */
static lam_status find_normalizations(lam__bare *bare)
{
    size_t at = 0;
    for (size_t s = 0; s < bare->step_count; s++) {
        lam__bare_step *step = &bare->steps[s];
        if (!step->layer_norm)
            continue;
        while (at < bare->items->count && !is_gamma(bare, at))
            at++;
        if (at == bare->items->count)
            return lam__fail(LAM_ERR_SHAPE,
                             "%s: no arrays for layer %zu, a layer normalization: expected a "
                             "vector called weight or gamma",
                             bare->items->path, s);
        step->gamma = &bare->items->items[at];
        step->where = step->gamma->name;
        bare->used[at] = true;
        const size_t beta = find_beside(bare, at, "beta", true);
        if (beta == SIZE_MAX)
            continue;
        step->beta = &bare->items->items[beta];
        bare->used[beta] = true;
    }
    return LAM_OK;
}

static lam_status copy_layers(lam__bare *bare, const lam_model *trial)
{
    LAM__TRY(make_steps(bare, lam_model_layers(trial)));
    for (size_t i = 0; i < lam_model_layers(trial); i++) {
        lam_layer_info info;
        lam__bare_step *step = &bare->steps[bare->step_count++];
        LAM__TRY(lam_model_layer(trial, i, &info));
        step->where = "the layers asked for";
        step->activation = info.activation;
        step->dense = strcmp(info.type, lam__dense_layer.name) == 0;
        step->dropout = strcmp(info.type, lam__dropout_layer.name) == 0;
        step->layer_norm = strcmp(info.type, lam__layer_norm_layer.name) == 0;
        step->units = info.outputs;
        step->rate = info.rate;
        step->epsilon = (double)info.epsilon;
    }
    return find_normalizations(bare);
}

lam_status lam__bare_steps_of_layers(lam__bare *bare, const char *layers)
{
    lam_model *trial = lam_model_new(1);
    if (!trial)
        return lam_error_status();
    lam_status status = lam_model_add_layers(trial, layers);
    if (status == LAM_OK)
        status = copy_layers(bare, trial);
    lam_model_free(trial);
    return status;
}

/* An architecture that the weights would fit, for the message. */
static lam_status ask_for_layers(const lam__bare *bare)
{
    char text[256] = "";
    size_t at = 0;
    lam__order order = LAM__ORDER_OUT_IN;
    const lam__bare_plan plan = {.usual = LAM__ORDER_OUT_IN};
    if (lam__bare_fit(bare->items->path, bare->dense, bare->dense_count, &plan, &order) != LAM_OK)
        order = LAM__ORDER_OUT_IN;
    for (size_t i = 0; i < bare->dense_count && at + 64 < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%zu:%s", i ? "," : "",
                               lam__bare_outputs(bare->dense[i].weight, order),
                               i + 1 < bare->dense_count ? "relu" : "softmax");
    return lam__fail(LAM_ERR_ARGUMENT,
                     "%s: bare weights, which do not say what is done with them: give the "
                     "architecture, such as --layers %s",
                     bare->items->path, text);
}

/* Classes that change nothing at inference, or hold others. */
static bool is_idle(const char *tail)
{
    static const char *const names[] = {"Flatten", "Identity", "Sequential", "Layer_Input"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(tail, names[i]) == 0)
            return true;
    return false;
}

/* Items [from, to) are the arrays of a normalization. */
static lam_status read_normalization(lam__bare *bare, lam__bare_step *step, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const lam__item *item = &bare->items->items[i];
        const lam__name_parts *parts = &bare->parts[i];
        size_t length;
        const char *leaf = strrchr(item->name, '.');
        leaf = leaf ? leaf + 1 : item->name;
        if (!lam__is_vector(item, &length))
            continue;
        bare->used[i] = true;
        if (parts->role == LAM__ROLE_WEIGHT || strcmp(leaf, "gamma") == 0)
            step->gamma = item;
        else if (parts->role == LAM__ROLE_BIAS || strcmp(leaf, "beta") == 0)
            step->beta = item;
        else if (has_ending(leaf, "mean"))
            step->mean = item;
        else if (has_ending(leaf, "var") || has_ending(leaf, "variance"))
            step->variance = item;
    }
    if (step->batch_norm && (!step->mean || !step->variance))
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: '%s': a batch normalization without statistics",
                         bare->items->path, step->where);
    return LAM_OK;
}

/* The object at `i`, whose arrays go up to `to`. *told becomes false for one that is out of
 * sequence and has weights: when it takes its turn is in its code alone. */
static lam_status read_object(lam__bare *bare, size_t i, size_t to, bool *told)
{
    const lam__item *object = &bare->items->items[i];
    const char *tail = lam__class_tail(object->type);
    lam__bare_step step = {.where = object->name, .epsilon = 1e-5};
    size_t arrays = 0;
    for (size_t j = i + 1; j < to; j++) {
        for (size_t d = 0; d < bare->dense_count; d++)
            step.dense |= bare->dense[d].weight == &bare->items->items[j];
        arrays += bare->items->items[j].rank > 0 || bare->parts[j].role != LAM__ROLE_OTHER;
    }
    step.activation = lam__activation_of_class(object->type);
    step.dropout = has_ending(tail, "Dropout");
    step.batch_norm = strstr(tail, "BatchNorm") != NULL;
    step.layer_norm = strstr(tail, "LayerNorm") != NULL;
    const bool has_values = step.dense || step.batch_norm || step.layer_norm;
    if (has_values && bare->sequence && bare->sequence != object->sequence)
        *told = false;
    if (has_values)
        bare->sequence = object->sequence;
    if (!object->in_sequence) {
        *told = *told && !has_values;
        return LAM_OK;
    }
    if (step.activation && strcmp(step.activation, "softmax") == 0 && !isnan(object->number) &&
        object->number != 1.0 && object->number != -1.0)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: '%s': a softmax over dimension %g: only over the features",
                         bare->items->path, object->name, object->number);
    if (!isnan(object->number) && step.dropout)
        step.rate = (float)object->number;
    else if (!isnan(object->number))
        step.epsilon = object->number;
    if (step.batch_norm || step.layer_norm)
        LAM__TRY(read_normalization(bare, &step, i + 1, to));
    else if (!step.dense && !step.activation && !step.dropout && is_idle(tail))
        return LAM_OK;
    else if (!step.dense && !step.activation && !step.dropout)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: '%s': an object of class '%s' with %zu arrays is no layer of Lamina",
                         bare->items->path, object->name, object->type, arrays);
    bare->steps[bare->step_count++] = step;
    return LAM_OK;
}

lam_status lam__bare_steps_of_objects(lam__bare *bare)
{
    const lam__items *items = bare->items;
    bool told = true, any = false;
    size_t dense = 0;
    LAM__TRY(make_steps(bare, items->count));
    for (size_t i = 0; i < items->count && told; i++) {
        size_t to = i + 1;
        if (items->items[i].kind != LAM__ITEM_OBJECT)
            continue;
        while (to < items->count && items->items[to].kind == LAM__ITEM_ARRAY)
            to++;
        LAM__TRY(read_object(bare, i, to, &told));
    }
    for (size_t i = 0; i < bare->step_count; i++) {
        dense += bare->steps[i].dense;
        any = any || bare->steps[i].activation;
    }
    return told && any && dense == bare->dense_count ? LAM_OK : ask_for_layers(bare);
}
