/* fit.c: lam_fit: the loop of train/, with checkpoints kept here. */
#include "base/error.h"
#include "fit/checkpoints/checkpoint_policy.h"
#include "options/fit_options.h"

lam_status lam_fit(lam_model *model, const lam_dataset *train, const lam_fit_options *options,
                   lam_history **history)
{
    lam_fit_options own;
    if (history)
        *history = NULL;
    if (!model || !train)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_fit: model or training data is NULL");
    LAM__TRY(lam__take_fit_options(&own, &options));
    LAM__TRY(lam_model_status(model));
    LAM__TRY(lam__check_fit_options(options));
    LAM__TRY(lam__check_used_options(options));
    if (options->resume && !options->checkpoint)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "resume is set, but checkpoint names no folder to continue from");
    if (!options->checkpoint)
        return lam__fit_model(model, train, options, NULL, history);
    lam__checkpoint_policy *checkpointer = lam__checkpoint_policy_new(options);
    if (!checkpointer)
        return LAM_ERR_MEMORY;
    const lam_status status =
        lam__fit_model(model, train, options, lam__checkpoint_policy_calls(checkpointer), history);
    lam__checkpoint_policy_free(checkpointer);
    return status;
}
