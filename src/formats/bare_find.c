/* bare_find.c: the dense layers among the arrays of a file. */
#include <stdio.h>
#include <string.h>

#include <lamina/catalog.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/bare.h"
#include "nn/word_list.h"

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
                         "layer; '%s' would come from a call of %s, and no call is made",
                         items->path, opaque->name, opaque->type);
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: no array of two dimensions that could be the weights of a dense layer",
                     items->path);
}

lam_status lam__bare_open(lam__bare *bare, const lam__items *items)
{
    *bare = (lam__bare){.items = items};
    size_t matrices = 0;
    for (size_t i = 0; i < items->count; i++)
        matrices += lam__is_matrix(&items->items[i]);
    if (matrices == 0)
        return refuse_items(items);
    bare->parts = lam__allocate_zero(items->count, sizeof *bare->parts, "names of arrays");
    bare->used = lam__allocate_zero(items->count, sizeof *bare->used, "names of arrays");
    bare->dense = lam__allocate_zero(matrices, sizeof *bare->dense, "layers");
    if (!bare->parts || !bare->used || !bare->dense)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < items->count; i++)
        lam__take_name_apart(items->items[i].name, &bare->parts[i]);
    return LAM_OK;
}

void lam__bare_close(lam__bare *bare)
{
    lam__release(bare->parts);
    lam__release(bare->used);
    lam__release(bare->dense);
    lam__release(bare->steps);
}

static bool is_weight(const lam__bare *bare, size_t i)
{
    return bare->parts[i].role == LAM__ROLE_WEIGHT && lam__is_matrix(&bare->items->items[i]);
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
static size_t find_bias(const lam__bare *bare, size_t i)
{
    const lam__item *items = bare->items->items, *weight = &items[i];
    size_t other = SIZE_MAX;
    for (size_t j = 0; j < bare->items->count; j++) {
        if (j == i || bare->used[j] || items[j].kind != LAM__ITEM_ARRAY)
            continue;
        const lam__name_parts *parts = &bare->parts[j];
        const bool same_object =
            parts->base.length > 0 && parts->base.length == bare->parts[i].base.length &&
            memcmp(parts->base.text, bare->parts[i].base.text, parts->base.length) == 0;
        if (parts->role == LAM__ROLE_BIAS && lam__same_layer(parts, &bare->parts[i]))
            return j;
        if (parts->role == LAM__ROLE_OTHER && same_object && other == SIZE_MAX &&
            could_be_bias(weight, &items[j]))
            other = j;
    }
    return other;
}

lam_status lam__bare_add(lam__bare *bare, size_t weight)
{
    if (bare->dense_count == MOST_LAYERS)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: more than %d dense layers", bare->items->path,
                         MOST_LAYERS);
    bare->dense[bare->dense_count++].weight = &bare->items->items[weight];
    bare->used[weight] = true;
    return LAM_OK;
}

static lam_status find_by_names(lam__bare *bare)
{
    for (size_t i = 0; i < bare->items->count; i++) {
        if (!is_weight(bare, i))
            continue;
        LAM__TRY(lam__bare_add(bare, i));
        const size_t bias = find_bias(bare, i);
        if (bias == SIZE_MAX)
            continue;
        bare->dense[bare->dense_count - 1].bias = &bare->items->items[bias];
        bare->dense[bare->dense_count - 1].guessed = bare->parts[bias].role != LAM__ROLE_BIAS;
        bare->used[bias] = true;
    }
    return LAM_OK;
}

lam_status lam__bare_find(lam__bare *bare)
{
    for (size_t i = 0; i < bare->items->count; i++)
        if (is_weight(bare, i))
            return find_by_names(bare);
    return lam__bare_pair(bare);
}

static lam_status find_named(lam__bare *bare, const char *name, size_t *found)
{
    for (*found = 0; *found < bare->items->count; ++*found)
        if (bare->items->items[*found].kind == LAM__ITEM_ARRAY &&
            strcmp(bare->items->items[*found].name, name) == 0)
            return LAM_OK;
    const char *words[32];
    size_t count = 0;
    for (size_t i = 0; i < bare->items->count && count < sizeof words / sizeof *words; i++)
        if (bare->items->items[i].kind == LAM__ITEM_ARRAY)
            words[count++] = bare->items->items[i].name;
    const char *near = lam_nearest(name, words, count);
    return lam__fail(LAM_ERR_NAME, "%s: no array is called '%s'%s%s%s", bare->items->path, name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* One part of the map: WEIGHT or WEIGHT+BIAS. */
static lam_status map_layer(lam__bare *bare, char *text)
{
    size_t weight, bias, length;
    char *plus = strchr(text, '+');
    if (plus)
        *plus = '\0';
    LAM__TRY(find_named(bare, text, &weight));
    if (!lam__is_matrix(&bare->items->items[weight]))
        return lam__fail(LAM_ERR_SHAPE, "%s: '%s' has not two dimensions of floats",
                         bare->items->path, text);
    if (bare->used[weight])
        return lam__fail(LAM_ERR_ARGUMENT, "%s: '%s' is named twice", bare->items->path, text);
    LAM__TRY(lam__bare_add(bare, weight));
    if (!plus)
        return LAM_OK;
    LAM__TRY(find_named(bare, plus + 1, &bias));
    if (!lam__is_vector(&bare->items->items[bias], &length))
        return lam__fail(LAM_ERR_SHAPE, "%s: '%s' is not a vector of floats", bare->items->path,
                         plus + 1);
    bare->dense[bare->dense_count - 1].bias = &bare->items->items[bias];
    bare->used[bias] = true;
    return LAM_OK;
}

lam_status lam__bare_map(lam__bare *bare, const char *map)
{
    lam__word part = lam__word_list(map);
    for (bool more;;) {
        LAM__TRY(lam__next_word(map, "layer of the map", &part, &more));
        if (!more)
            return LAM_OK;
        LAM__TRY(map_layer(bare, part.text));
    }
}
