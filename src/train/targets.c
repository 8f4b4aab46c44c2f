/* targets.c: whether targets and outputs are what a loss is made for. */
#include "train/targets.h"

#include <float.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "model/network.h"

/* Layers whose outputs are always 1. */
static lam_status check_softmax(const lam_model *model)
{
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (layer->activation && layer->activation->decision == LAM__DECIDE_ARGMAX &&
            layer->out == 1)
            return lam__fail(
                LAM_ERR_ARGUMENT,
                "layer %zu: %s over one output is always 1: use sigmoid, or one output per class",
                i, layer->activation->name);
    }
    return LAM_OK;
}

lam_status lam__loss_fits_outputs(const lam__loss *loss, const lam_model *model)
{
    LAM__TRY(check_softmax(model));
    const lam__activation *last = lam__last_dense(model)->activation;
    /* what a registered activation gives is not known, but that it sees one value at a time is */
    const bool sums_to_1 = last->decision == LAM__DECIDE_ARGMAX;
    const bool leaves_unit = last->decision == LAM__DECIDE_VALUE && !last->custom.forward;
    if (loss->targets == LAM__TARGETS_WEIGHTS && !sums_to_1)
        return lam__fail(
            LAM_ERR_ARGUMENT,
            "the loss %s takes outputs that sum to 1, which softmax gives; the last "
            "activation is %s%s",
            loss->name, last->name,
            last->decision == LAM__DECIDE_THRESHOLD ? ", whose loss is binary_crossentropy" : "");
    if (loss->targets == LAM__TARGETS_UNIT && leaves_unit)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "the loss %s takes outputs in 0..1, which sigmoid gives; the last "
                         "activation is %s",
                         loss->name, last->name);
    return LAM_OK;
}

/* The first value of t[n] that is not in lo..hi, n when all are. Without branches until then. */
static size_t first_outside(const float *t, size_t n, float lo, float hi)
{
    int outside = 0;
    for (size_t c = 0; c < n; c++)
        outside |= !(t[c] >= lo && t[c] <= hi); /* NaN, too */
    size_t c = 0;
    while (outside && c < n && t[c] >= lo && t[c] <= hi)
        c++;
    return outside ? c : n;
}

static bool any_set(const float *t, size_t n)
{
    float sum = 0.0f;
    for (size_t c = 0; c < n; c++)
        sum += t[c];
    return sum > 0.0f;
}

static lam_status fail_row(const lam__loss *loss, size_t sample, const float *t, size_t n, size_t c)
{
    static const char *const takes[] = {[LAM__TARGETS_ANY] = "finite targets",
                                        [LAM__TARGETS_UNIT] = "targets in 0..1",
                                        [LAM__TARGETS_WEIGHTS] =
                                            "rows of targets >= 0 that are not all 0"};
    char value[32];
    if (c == n)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "the targets of sample %zu are all 0: the loss %s takes %s", sample,
                         loss->name, takes[loss->targets]);
    return lam__fail(LAM_ERR_ARGUMENT, "target %zu of sample %zu is %s: the loss %s takes %s", c,
                     sample, lam__format_float(t[c], value, sizeof value), loss->name,
                     takes[loss->targets]);
}

lam_status lam__targets_fit(const lam__pass *pass, const lam_dataset *dataset,
                            const uint32_t *index, size_t rows)
{
    const lam__loss *loss = pass->loss;
    if (!dataset->targets || loss->custom.sample)
        return LAM_OK; /* class numbers are checked elsewhere; a loss of one's own knows itself */
    const float hi = loss->targets == LAM__TARGETS_UNIT ? 1.0f : FLT_MAX;
    const float lo = loss->targets == LAM__TARGETS_ANY ? -FLT_MAX : 0.0f;
    const size_t n = dataset->outputs;
    for (size_t r = 0; r < rows; r++) {
        const size_t sample = index ? index[r] : r;
        const float *t = dataset->targets + sample * n; /* [n] */
        const size_t bad = first_outside(t, n, lo, hi);
        if (bad < n || (loss->targets == LAM__TARGETS_WEIGHTS && !any_set(t, n)))
            return fail_row(loss, sample, t, n, bad);
    }
    return LAM_OK;
}
