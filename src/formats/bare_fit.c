/* bare_fit.c: order and arrangement in which bare weights make a network. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/bare.h"

/* Steps of the search for an arrangement, after which there is none that could be told. */
enum { MOST_STEPS = 20000, MOST_REARRANGED = 64 };

bool lam__is_matrix(const lam__item *item)
{
    return item->kind == LAM__ITEM_ARRAY && item->rank == 2 && lam__dtype_is_float(item->dtype) &&
           item->shape[0] > 0 && item->shape[1] > 0;
}

bool lam__is_vector(const lam__item *item, size_t *length)
{
    if (item->kind != LAM__ITEM_ARRAY || !lam__dtype_is_float(item->dtype))
        return false;
    if (item->rank == 1)
        *length = item->shape[0];
    else if (item->rank == 2 && (item->shape[0] == 1 || item->shape[1] == 1))
        *length = item->shape[0] * item->shape[1];
    else
        return false;
    return *length > 0;
}

size_t lam__bare_inputs(const lam__item *weight, lam__order order)
{
    return weight->shape[order == LAM__ORDER_OUT_IN];
}

size_t lam__bare_outputs(const lam__item *weight, lam__order order)
{
    return weight->shape[order != LAM__ORDER_OUT_IN];
}

/* A walk through the arrangements. */
struct search {
    const lam__bare_plan *plan;
    lam__order order;
    size_t count, steps, found;
    lam__bare_dense *layers; /* the first `depth` of them are placed */
    lam__bare_dense *first;  /* [count] the first arrangement found */
};

static bool fits(const struct search *search, size_t depth, const lam__bare_dense *layer)
{
    const lam__bare_plan *plan = search->plan;
    const size_t out = lam__bare_outputs(layer->weight, search->order);
    size_t length = out;
    if (layer->bias && (!lam__is_vector(layer->bias, &length) || length != out))
        return false;
    if (plan->units && plan->units[depth] && plan->units[depth] != out)
        return false;
    return depth == 0 || lam__bare_outputs(search->layers[depth - 1].weight, search->order) ==
                             lam__bare_inputs(layer->weight, search->order);
}

/* Whether the layers fit as they stand. */
static bool fits_as_is(const struct search *search)
{
    for (size_t i = 0; i < search->count; i++)
        if (!fits(search, i, &search->layers[i]))
            return false;
    return true;
}

static void swap(lam__bare_dense *a, lam__bare_dense *b)
{
    const lam__bare_dense c = *a;
    *a = *b;
    *b = c;
}

/* Goes on from `depth` layers that are placed, without recursion: at[d] is the layer tried for
 * place d. Stops at the second arrangement. */
static void arrange(struct search *search, size_t *at)
{
    size_t depth = 0;
    at[0] = 0;
    for (;;) {
        if (depth == search->count) {
            if (search->found++ == 0)
                memcpy(search->first, search->layers, search->count * sizeof *search->first);
        } else {
            while (at[depth] < search->count && !fits(search, depth, &search->layers[at[depth]]))
                at[depth]++;
            if (at[depth] < search->count && search->found < 2) {
                swap(&search->layers[depth], &search->layers[at[depth]]);
                if (++depth < search->count)
                    at[depth] = depth;
                if (++search->steps < MOST_STEPS)
                    continue;
                search->found = 2; /* too many to tell */
            }
        }
        if (depth == 0)
            return;
        depth--;
        swap(&search->layers[depth], &search->layers[at[depth]]);
        at[depth]++;
    }
}

/* "'fc1.weight' [32, 784], 'fc1.bias' [32], ..." */
static void list_arrays(const lam__bare_dense *layers, size_t count, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && at < size; i++) {
        const lam__item *weight = layers[i].weight;
        if (at > size / 2) {
            snprintf(text + at, size - at, ", ...");
            return;
        }
        at += (size_t)snprintf(text + at, size - at, "%s'%.60s' [%zu, %zu]", i ? ", " : "",
                               weight->name, weight->shape[0], weight->shape[1]);
    }
}

static lam_status fail(const char *path, lam_status status, const char *what,
                       const lam__bare_dense *layers, size_t count)
{
    char text[400];
    list_arrays(layers, count, text, sizeof text);
    return lam__fail(status, "%s: %s: %s", path, what, text);
}

/* Chooses between the orders in which the layers fit as they stand. */
static lam_status choose(const char *path, const lam__bare_dense *layers, size_t count,
                         const lam__bare_plan *plan, bool out_in, bool in_out, lam__order *order)
{
    if (out_in && in_out)
        *order = plan->usual;
    else
        *order = out_in ? LAM__ORDER_OUT_IN : LAM__ORDER_IN_OUT;
    if (*order != LAM__ORDER_UNKNOWN)
        return LAM_OK;
    return fail(path, LAM_ERR_ARGUMENT,
                "neither names nor shapes tell which dimension of the weights is the inputs: say "
                "--order out,in (PyTorch) or --order in,out (Keras)",
                layers, count);
}

static lam_status rearrange(const char *path, lam__bare_dense *layers, size_t count,
                            const lam__bare_plan *plan, lam__order *order)
{
    size_t found = 0;
    lam__bare_dense *first = lam__allocate(count, sizeof *first, "layers");
    size_t *at = lam__allocate(count + 1, sizeof *at, "layers");
    for (int o = LAM__ORDER_OUT_IN; first && at && o <= LAM__ORDER_IN_OUT; o++) {
        struct search search = {
            .plan = plan, .order = (lam__order)o, .count = count, .layers = layers, .first = first};
        if (plan->order != LAM__ORDER_UNKNOWN && plan->order != search.order)
            continue;
        arrange(&search, at);
        if (search.found)
            *order = search.order;
        found += search.found;
    }
    lam_status status = LAM_OK;
    if (!first || !at)
        status = LAM_ERR_MEMORY;
    else if (found == 0)
        status = fail(path, LAM_ERR_SHAPE, "its weights do not make these layers", layers, count);
    else if (found > 1)
        status = fail(path, LAM_ERR_ARGUMENT,
                      "its weights make these layers in more than one way: name them with --map",
                      layers, count);
    else
        memcpy(layers, first, count * sizeof *layers);
    lam__release(first);
    lam__release(at);
    return status;
}

lam_status lam__bare_fit(const char *path, lam__bare_dense *layers, size_t count,
                         const lam__bare_plan *plan, lam__order *order)
{
    bool fit[3] = {false};
    for (int o = LAM__ORDER_OUT_IN; o <= LAM__ORDER_IN_OUT; o++) {
        const struct search search = {
            .plan = plan, .order = (lam__order)o, .count = count, .layers = layers};
        fit[o] = (plan->order == LAM__ORDER_UNKNOWN || plan->order == search.order) &&
                 fits_as_is(&search);
    }
    if (fit[LAM__ORDER_OUT_IN] || fit[LAM__ORDER_IN_OUT])
        return choose(path, layers, count, plan, fit[LAM__ORDER_OUT_IN], fit[LAM__ORDER_IN_OUT],
                      order);
    if (plan->rearrange && count <= MOST_REARRANGED)
        return rearrange(path, layers, count, plan, order);
    return fail(path, LAM_ERR_SHAPE, "its weights do not fit each other and the layers asked for",
                layers, count);
}
