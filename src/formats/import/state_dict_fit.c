/* state_dict_fit.c: order and arrangement in which bare weights make a network. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/state_dict.h"

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

size_t lam__state_dict_inputs(const lam__item *weight, lam__order order)
{
    return weight->shape[order == LAM__ORDER_OUT_IN];
}

size_t lam__state_dict_outputs(const lam__item *weight, lam__order order)
{
    return weight->shape[order != LAM__ORDER_OUT_IN];
}

/* A walk through the arrangements. */
struct search {
    const lam__state_dict_plan *plan;
    lam__order order;
    bool by_names; /* none may stand behind one that it comes before by name */
    size_t count, steps, found;
    lam__state_dict_dense *layers; /* the first `depth` of them are placed */
    lam__state_dict_dense *first;  /* [count] the first arrangement found */
};

static bool fits(const struct search *search, size_t depth, const lam__state_dict_dense *layer)
{
    const lam__state_dict_plan *plan = search->plan;
    const size_t out = lam__state_dict_outputs(layer->weight, search->order);
    size_t length = out;
    if (layer->bias && (!lam__is_vector(layer->bias, &length) || length != out))
        return false;
    if (plan->units && plan->units[depth] && plan->units[depth] != out)
        return false;
    return depth == 0 || lam__state_dict_outputs(search->layers[depth - 1].weight, search->order) ==
                             lam__state_dict_inputs(layer->weight, search->order);
}

/* Whether the names of the layers from `depth` on say that one of them comes before layer `at`. */
static bool comes_later(const struct search *search, size_t depth, size_t at)
{
    for (size_t i = depth; i < search->count; i++)
        if (i != at && lam__order_by_names(search->layers[i].weight->name,
                                           search->layers[at].weight->name) < 0)
            return true;
    return false;
}

static bool may_stand(const struct search *search, size_t depth, size_t at)
{
    return fits(search, depth, &search->layers[at]) &&
           !(search->by_names && comes_later(search, depth, at));
}

/* Whether the layers fit as they stand. */
static bool fits_as_is(const struct search *search)
{
    for (size_t i = 0; i < search->count; i++)
        if (!fits(search, i, &search->layers[i]))
            return false;
    return true;
}

static void swap(lam__state_dict_dense *a, lam__state_dict_dense *b)
{
    const lam__state_dict_dense c = *a;
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
            while (at[depth] < search->count && !may_stand(search, depth, at[depth]))
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
static void list_arrays(const lam__state_dict_dense *layers, size_t count, char *text, size_t size)
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
                       const lam__state_dict_dense *layers, size_t count)
{
    char text[400];
    list_arrays(layers, count, text, sizeof text);
    return lam__fail(status, "%s: %s: %s", path, what, text);
}

/* Chooses between the orders in which the layers fit as they stand. */
static lam_status choose(const char *path, const lam__state_dict_dense *layers, size_t count,
                         const lam__state_dict_plan *plan, bool out_in, bool in_out,
                         lam__order *order)
{
    if (out_in && in_out) {
        *order = plan->usual;
        if (plan->guessed)
            *plan->guessed = true;
    } else
        *order = out_in ? LAM__ORDER_OUT_IN : LAM__ORDER_IN_OUT;
    if (*order != LAM__ORDER_UNKNOWN)
        return LAM_OK;
    return fail(path, LAM_ERR_ARGUMENT,
                "neither names nor shapes show which dimension of the weights is the inputs: "
                "give --order out,in (PyTorch) or --order in,out (Keras)",
                layers, count);
}

/* Whether the names say that some layer comes before one that stands before it. */
static bool names_disagree(const lam__state_dict_dense *layers, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (lam__order_by_names(layers[j].weight->name, layers[i].weight->name) < 0)
                return true;
    return false;
}

/* Arrangements in one order of dimensions: how many there are, up to 2, and how many of those that
 * agree with the names; first[count] is one of the latter, or of all where there is none. */
struct arrangements {
    size_t all, named;
};

static void count_arrangements(const lam__state_dict_plan *plan, lam__order order,
                               lam__state_dict_dense *layers, size_t count,
                               lam__state_dict_dense *first, size_t *at, struct arrangements *found)
{
    struct search search = {
        .plan = plan, .order = order, .count = count, .layers = layers, .first = first};
    arrange(&search, at);
    found->all = search.found;
    if (found->all < 2) {
        found->named = found->all;
        return;
    }
    search.by_names = true;
    search.found = search.steps = 0;
    arrange(&search, at);
    found->named = search.found;
}

/* Decides between the arrangements in one order of dimensions. */
static lam_status decide(const char *path, lam__state_dict_dense *layers, size_t count,
                         const lam__state_dict_plan *plan, bool as_is,
                         const lam__state_dict_dense *first, struct arrangements found)
{
    if (found.all == 0)
        return fail(path, LAM_ERR_SHAPE, "its weights do not make these layers", layers, count);
    if (as_is && (found.all == 1 || (plan->ordered && !names_disagree(layers, count))))
        return LAM_OK;
    if (as_is && plan->ordered && found.named == 0)
        return LAM_OK; /* what the names say does not fit */
    if (as_is && plan->ordered)
        return fail(path, LAM_ERR_ARGUMENT,
                    "its weights fit in the order of the file and in that of their names: name "
                    "them in order with --map",
                    layers, count);
    if (found.all > 1 && found.named != 1)
        return fail(path, LAM_ERR_ARGUMENT,
                    "its weights make these layers in more than one way: name them with --map",
                    layers, count);
    memcpy(layers, first, count * sizeof *layers);
    return LAM_OK;
}

static lam_status rearrange(const char *path, lam__state_dict_dense *layers, size_t count,
                            const lam__state_dict_plan *plan, const bool *fit, lam__order *order)
{
    lam__state_dict_dense *first = lam__allocate(2 * count, sizeof *first, "layers");
    size_t *at = lam__allocate(count + 1, sizeof *at, "layers");
    struct arrangements found[3] = {{0}};
    lam_status status = first && at ? LAM_OK : LAM_ERR_MEMORY;
    const bool any = fit[LAM__ORDER_OUT_IN] || fit[LAM__ORDER_IN_OUT];
    for (int o = LAM__ORDER_OUT_IN; status == LAM_OK && o <= LAM__ORDER_IN_OUT; o++)
        if (any ? (lam__order)o == *order
                : plan->order == LAM__ORDER_UNKNOWN || plan->order == (lam__order)o)
            count_arrangements(plan, (lam__order)o, layers, count,
                               first + (size_t)(o - LAM__ORDER_OUT_IN) * count, at, &found[o]);
    const bool both = found[LAM__ORDER_OUT_IN].all && found[LAM__ORDER_IN_OUT].all;
    if (status == LAM_OK && !any)
        *order = found[LAM__ORDER_OUT_IN].all ? LAM__ORDER_OUT_IN : LAM__ORDER_IN_OUT;
    if (status == LAM_OK && both)
        status = fail(path, LAM_ERR_ARGUMENT,
                      "its weights make these layers in more than one way: name them with --map",
                      layers, count);
    if (status == LAM_OK)
        status = decide(path, layers, count, plan, fit[*order],
                        first + (size_t)(*order - LAM__ORDER_OUT_IN) * count, found[*order]);
    lam__release(first);
    lam__release(at);
    return status;
}

lam_status lam__state_dict_fit(const char *path, lam__state_dict_dense *layers, size_t count,
                               const lam__state_dict_plan *plan, lam__order *order)
{
    bool fit[3] = {false};
    for (int o = LAM__ORDER_OUT_IN; o <= LAM__ORDER_IN_OUT; o++) {
        const struct search search = {
            .plan = plan, .order = (lam__order)o, .count = count, .layers = layers};
        fit[o] = (plan->order == LAM__ORDER_UNKNOWN || plan->order == search.order) &&
                 fits_as_is(&search);
    }
    if (fit[LAM__ORDER_OUT_IN] || fit[LAM__ORDER_IN_OUT])
        LAM__TRY(choose(path, layers, count, plan, fit[LAM__ORDER_OUT_IN], fit[LAM__ORDER_IN_OUT],
                        order));
    if (plan->rearrange && count <= MOST_REARRANGED)
        return rearrange(path, layers, count, plan, fit, order);
    if (fit[LAM__ORDER_OUT_IN] || fit[LAM__ORDER_IN_OUT])
        return LAM_OK;
    return fail(path, LAM_ERR_SHAPE, "its weights do not fit each other and the layers asked for",
                layers, count);
}
