/* checkpointed_fit.c: lam_fit: the loop of train/, with checkpoints kept here. */
#include "base/error.h"
#include "nn/fit_options.h"
#include "train/fit_loop.h"

lam_status lam_fit(lam_model *model, const lam_dataset *train, const lam_fit_options *options,
                   lam_history **history)
{
    const lam_fit_options defaults = lam_fit_options_default();
    if (history)
        *history = NULL;
    if (!model || !train)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_fit: model or training data is NULL");
    if (!options)
        options = &defaults;
    LAM__TRY(lam_model_status(model));
    LAM__TRY(lam__check_fit_options(options));
    return lam__fit_model(model, train, options, NULL, history);
}
