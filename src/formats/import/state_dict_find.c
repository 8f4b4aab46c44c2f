/* state_dict_find.c: the dense layers among the arrays of a file. */
#include <stdio.h>
#include <string.h>

#include <lamina/catalog.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text/word_list.h"
#include "formats/import/state_dict.h"

/* More dense layers than anyone has; keeps the time for a hostile file short. */
enum { MOST_LAYERS = 1024 };

/* No weights: perhaps they are what a call would give. */
static lam_status refuse_items(const lam__items *items)
{
    const lam__item *opaque = NULL;
    for (size_t i = 0; i < items->count && !opaque; i++)
        if (items->items[i].kind == LAM__ITEM_OPAQUE)
            opaque = &items->items[i];
    if (opaque)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: no array of two dimensions that could be the weights of a dense "
                         "layer; '%s' would come from calling %s, which Lamina does not do",
                         items->path, opaque->name, opaque->type);
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: no array of two dimensions that could be the weights of a dense layer",
                     items->path);
}

lam_status lam__state_dict_open(lam__state_dict *dict, const lam__items *items)
{
    *dict = (lam__state_dict){.items = items};
    size_t matrices = 0;
    for (size_t i = 0; i < items->count; i++)
        matrices += lam__is_matrix(&items->items[i]);
    if (matrices == 0)
        return refuse_items(items);
    dict->parts = lam__allocate_zero(items->count, sizeof *dict->parts, "names of arrays");
    dict->used = lam__allocate_zero(items->count, sizeof *dict->used, "names of arrays");
    dict->dense = lam__allocate_zero(matrices, sizeof *dict->dense, "layers");
    if (!dict->parts || !dict->used || !dict->dense)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < items->count; i++)
        lam__take_name_apart(items->items[i].name, &dict->parts[i]);
    return LAM_OK;
}

void lam__state_dict_close(lam__state_dict *dict)
{
    lam__release(dict->parts);
    lam__release(dict->used);
    lam__release(dict->dense);
    lam__release(dict->steps);
}

static bool is_weight(const lam__state_dict *dict, size_t i)
{
    return dict->parts[i].role == LAM__ROLE_WEIGHT && lam__is_matrix(&dict->items->items[i]);
}

/* Whether a vector could be the bias of a weight: as long as one of its sides. */
static bool could_be_bias(const lam__item *weight, const lam__item *item)
{
    size_t length;
    return item != weight && lam__is_vector(item, &length) &&
           (length == weight->shape[0] || length == weight->shape[1]);
}

/* The bias of the weight i: the array of its layer that is called so, else the first vector of its
 * object that is as long as it is wide. */
static size_t find_bias(const lam__state_dict *dict, size_t i)
{
    const lam__item *items = dict->items->items, *weight = &items[i];
    size_t other = SIZE_MAX;
    for (size_t j = 0; j < dict->items->count; j++) {
        if (j == i || dict->used[j] || items[j].kind != LAM__ITEM_ARRAY)
            continue;
        const lam__name_parts *parts = &dict->parts[j];
        const bool same_object =
            parts->base.length > 0 && parts->base.length == dict->parts[i].base.length &&
            memcmp(parts->base.text, dict->parts[i].base.text, parts->base.length) == 0;
        if (parts->role == LAM__ROLE_BIAS && lam__same_layer(parts, &dict->parts[i]))
            return j;
        if (parts->role == LAM__ROLE_OTHER && same_object && other == SIZE_MAX &&
            could_be_bias(weight, &items[j]))
            other = j;
    }
    return other;
}

lam_status lam__state_dict_add(lam__state_dict *dict, size_t weight)
{
    if (dict->dense_count == MOST_LAYERS)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: more than %d dense layers", dict->items->path,
                         MOST_LAYERS);
    dict->dense[dict->dense_count++].weight = &dict->items->items[weight];
    dict->used[weight] = true;
    return LAM_OK;
}

static lam_status find_by_names(lam__state_dict *dict)
{
    for (size_t i = 0; i < dict->items->count; i++) {
        if (!is_weight(dict, i))
            continue;
        LAM__TRY(lam__state_dict_add(dict, i));
        const size_t bias = find_bias(dict, i);
        if (bias == SIZE_MAX)
            continue;
        dict->dense[dict->dense_count - 1].bias = &dict->items->items[bias];
        dict->dense[dict->dense_count - 1].guessed = dict->parts[bias].role != LAM__ROLE_BIAS;
        dict->used[bias] = true;
    }
    return LAM_OK;
}

lam_status lam__state_dict_find(lam__state_dict *dict)
{
    for (size_t i = 0; i < dict->items->count; i++)
        if (is_weight(dict, i))
            return find_by_names(dict);
    return lam__state_dict_pair(dict);
}

static lam_status find_named(lam__state_dict *dict, const char *name, size_t *found)
{
    for (*found = 0; *found < dict->items->count; ++*found)
        if (dict->items->items[*found].kind == LAM__ITEM_ARRAY &&
            strcmp(dict->items->items[*found].name, name) == 0)
            return LAM_OK;
    const char *words[32];
    size_t count = 0;
    for (size_t i = 0; i < dict->items->count && count < sizeof words / sizeof *words; i++)
        if (dict->items->items[i].kind == LAM__ITEM_ARRAY)
            words[count++] = dict->items->items[i].name;
    const char *near = lam_nearest(name, words, count);
    return lam__fail(LAM_ERR_NAME, "%s: no array is called '%s'%s%s%s", dict->items->path, name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* One part of the map: WEIGHT or WEIGHT+BIAS. */
static lam_status map_layer(lam__state_dict *dict, char *text)
{
    size_t weight, bias, length;
    char *plus = strchr(text, '+');
    if (plus)
        *plus = '\0';
    LAM__TRY(find_named(dict, text, &weight));
    if (!lam__is_matrix(&dict->items->items[weight]))
        return lam__fail(LAM_ERR_SHAPE, "%s: '%s' has not two dimensions of floats",
                         dict->items->path, text);
    if (dict->used[weight])
        return lam__fail(LAM_ERR_ARGUMENT, "%s: '%s' is named twice", dict->items->path, text);
    LAM__TRY(lam__state_dict_add(dict, weight));
    if (!plus)
        return LAM_OK;
    LAM__TRY(find_named(dict, plus + 1, &bias));
    if (!lam__is_vector(&dict->items->items[bias], &length))
        return lam__fail(LAM_ERR_SHAPE, "%s: '%s' is not a vector of floats", dict->items->path,
                         plus + 1);
    dict->dense[dict->dense_count - 1].bias = &dict->items->items[bias];
    dict->used[bias] = true;
    return LAM_OK;
}

lam_status lam__state_dict_map(lam__state_dict *dict, const char *map)
{
    lam__word part = lam__word_list(map);
    for (bool more;;) {
        LAM__TRY(lam__next_word(map, "layer of the map", &part, &more));
        if (!more)
            return LAM_OK;
        LAM__TRY(map_layer(dict, part.text));
    }
}
