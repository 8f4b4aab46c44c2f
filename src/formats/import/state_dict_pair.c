/* state_dict_pair.c: weights and biases among arrays whose names say nothing, by where they stand:
 *
 *   [(W, b), (W, b)]  [W, b, W, b]    a pair per layer, the weight first; or the bias first
 *   ([W, W], [b, b])  [W, W, b, b]    first all weights, then all biases; or the other way round
 *   [W, b, W]                         a vector is the bias of the matrix right before it
 *   [W, W]                            no biases
 *
 * What fits none of these, or two of them in different ways, is asked for. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/state_dict.h"

/* The arrays at hand: at[count] are their numbers among the items. */
struct arrays {
    lam__state_dict *dict;
    size_t *at, count;
};

static const lam__item *item_of(const struct arrays *a, size_t i)
{
    return &a->dict->items->items[a->at[i]];
}

/* Whether `count` arrays from `first` on, each `step` further, are matrices, or vectors. */
static bool are_matrices(const struct arrays *a, size_t first, size_t step, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!lam__is_matrix(item_of(a, first + i * step)))
            return false;
    return true;
}

static bool are_vectors(const struct arrays *a, size_t first, size_t step, size_t count)
{
    size_t length;
    for (size_t i = 0; i < count; i++)
        if (!lam__is_vector(item_of(a, first + i * step), &length))
            return false;
    return true;
}

/* Every bias as long as one side of its weight. */
static bool are_as_long(const struct arrays *a, size_t weight, size_t bias, size_t step,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const lam__item *w = item_of(a, weight + i * step), *b = item_of(a, bias + i * step);
        size_t length;
        if (!lam__is_vector(b, &length) || (length != w->shape[0] && length != w->shape[1]))
            return false;
    }
    return true;
}

/* A way to pair: layer i has the arrays weight + i step and bias + i step. */
struct way {
    size_t weight, bias, step;
};

static bool is_way(const struct arrays *a, struct way way)
{
    const size_t count = a->count / 2;
    return are_matrices(a, way.weight, way.step, count) &&
           are_vectors(a, way.bias, way.step, count) &&
           are_as_long(a, way.weight, way.bias, way.step, count);
}

static lam_status ask(const lam__state_dict *dict)
{
    return lam__fail(
        LAM_ERR_ARGUMENT,
        "%s: neither names nor the order of its arrays distinguish weights from biases: name "
        "them with --map WEIGHT+BIAS,WEIGHT+BIAS,..., as lamina inspect lists them",
        dict->items->path);
}

static lam_status add(const struct arrays *a, size_t weight, size_t bias)
{
    LAM__TRY(lam__state_dict_add(a->dict, a->at[weight]));
    if (bias == SIZE_MAX)
        return LAM_OK;
    a->dict->dense[a->dict->dense_count - 1].bias = item_of(a, bias);
    a->dict->dense[a->dict->dense_count - 1].guessed = true;
    a->dict->used[a->at[bias]] = true;
    return LAM_OK;
}

/* Takes the one way in which all are paired; *found tells whether there is one. */
static lam_status pair_all(const struct arrays *a, bool *found)
{
    const size_t half = a->count / 2;
    const struct way ways[] = {{0, 1, 2}, {1, 0, 2}, {0, half, 1}, {half, 0, 1}};
    const struct way *chosen = NULL;
    *found = false;
    for (size_t i = 0; a->count % 2 == 0 && i < sizeof ways / sizeof *ways; i++) {
        if ((half == 1 && i >= 2) || !is_way(a, ways[i])) /* of two arrays the ways are the same */
            continue;
        if (chosen)
            return ask(a->dict);
        chosen = &ways[i];
    }
    *found = chosen != NULL;
    for (size_t i = 0; chosen && i < half; i++)
        LAM__TRY(add(a, chosen->weight + i * chosen->step, chosen->bias + i * chosen->step));
    return LAM_OK;
}

/* Matrices, and here and there a vector right behind one. */
static lam_status pair_some(const struct arrays *a)
{
    for (size_t i = 0; i < a->count; i++) {
        size_t length;
        if (!lam__is_matrix(item_of(a, i)))
            return ask(a->dict);
        const bool vector = i + 1 < a->count && item_of(a, i + 1)->rank == 1 &&
                            lam__is_vector(item_of(a, i + 1), &length);
        LAM__TRY(add(a, i, vector ? i + 1 : SIZE_MAX));
        i += vector;
    }
    return LAM_OK;
}

/* Whether each pair of arrays stands in a list of its own: their places then tell, even where the
 * file keeps no order. */
static bool in_pairs(const struct arrays *a)
{
    for (size_t i = 0; i + 1 < a->count; i += 2) {
        const lam__name_parts *one = &a->dict->parts[a->at[i]],
                              *other = &a->dict->parts[a->at[i + 1]];
        if (one->base.length == 0 || one->base.length != other->base.length ||
            memcmp(one->base.text, other->base.text, one->base.length) != 0)
            return false;
        if (i + 2 < a->count) {
            const lam__name_parts *next = &a->dict->parts[a->at[i + 2]];
            if (next->base.length == one->base.length &&
                memcmp(next->base.text, one->base.text, one->base.length) == 0)
                return false;
        }
    }
    return a->count % 2 == 0;
}

static lam_status pair(const struct arrays *a)
{
    bool found, matrices = are_matrices(a, 0, 1, a->count);
    if (!a->dict->items->ordered && !in_pairs(a) && !matrices)
        return ask(a->dict);
    LAM__TRY(pair_all(a, &found));
    return found ? LAM_OK : pair_some(a);
}

lam_status lam__state_dict_pair(lam__state_dict *dict)
{
    const lam__items *items = dict->items;
    struct arrays arrays = {dict, lam__allocate(items->count, sizeof *arrays.at, "arrays"), 0};
    lam_status status = arrays.at ? LAM_OK : LAM_ERR_MEMORY;
    for (size_t i = 0; status == LAM_OK && i < items->count; i++) {
        const lam__item *item = &items->items[i];
        if (item->kind == LAM__ITEM_OPAQUE)
            status =
                lam__fail(LAM_ERR_UNSUPPORTED,
                          "%s: '%s' would come from calling %s, which Lamina does not do: name "
                          "the arrays to take with --map",
                          items->path, item->name, item->type);
        else if (item->kind == LAM__ITEM_ARRAY && lam__dtype_is_float(item->dtype) &&
                 item->complete && item->rank > 0)
            arrays.at[arrays.count++] = i;
    }
    if (status == LAM_OK)
        status = pair(&arrays);
    lam__release(arrays.at);
    return status;
}
