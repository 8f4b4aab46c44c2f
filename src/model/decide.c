/* decide.c: from outputs to predictions. */
#include <math.h>

#include "base/error.h"
#include "model/unregistered.h"

static lam__decision decision_of(const lam_model *model)
{
    const lam__layer *last = lam__last_dense(model);
    return last ? last->activation->decision : LAM__DECIDE_VALUE;
}

size_t lam_model_decision_width(const lam_model *model)
{
    if (!model)
        return 0;
    return decision_of(model) == LAM__DECIDE_ARGMAX ? 1 : lam_model_outputs(model);
}

static void decide_argmax(const float *outputs, size_t rows, size_t width, float *decisions)
{
    for (size_t r = 0; r < rows; r++, outputs += width) {
        size_t best = 0;
        bool decided = true;
        for (size_t c = 0; c < width; c++) {
            decided = decided && !isnan(outputs[c]);
            if (outputs[c] > outputs[best])
                best = c;
        }
        decisions[r] = decided ? (float)best : NAN;
    }
}

lam_status lam_model_decide(const lam_model *model, const float *outputs, size_t rows,
                            float threshold, float *decisions)
{
    if (!model || !outputs || !decisions)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_decide: model, outputs or decisions is NULL");
    LAM__TRY(lam_model_status(model));
    if (isnan(threshold))
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_decide: the threshold is nan");
    LAM__TRY(lam__model_runs(model));
    const size_t width = lam_model_outputs(model);
    if (width == 0)
        return lam__fail(LAM_ERR_STATE, "the model has no layers");
    switch (decision_of(model)) {
    case LAM__DECIDE_ARGMAX:
        decide_argmax(outputs, rows, width, decisions);
        break;
    case LAM__DECIDE_THRESHOLD:
        for (size_t i = 0; i < rows * width; i++)
            decisions[i] = isnan(outputs[i]) ? NAN : outputs[i] > threshold ? 1.0f : 0.0f;
        break;
    case LAM__DECIDE_VALUE:
        for (size_t i = 0; i < rows * width; i++)
            decisions[i] = outputs[i];
        break;
    }
    return LAM_OK;
}
