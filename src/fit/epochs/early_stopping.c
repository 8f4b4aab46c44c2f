/* early_stopping.c: early stopping: when to stop, and the weights of the best epoch. */
#include "fit/epochs/early_stopping.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

static const char *const losses[] = {"loss", "data_loss", "regularization_loss"};
enum { LOSSES = sizeof losses / sizeof *losses };

/* Finds the figure `name` among losses and metrics, and which way is better. */
static lam_status find_figure(lam__early_stopping *early, const lam__pass *pass, const char *name)
{
    const char *known[LOSSES + LAM_MAX_METRICS];
    size_t count = 0;
    for (; count < LOSSES; count++)
        known[count] = losses[count];
    for (size_t i = 0; i < pass->metric_count; i++)
        known[count++] = pass->metric_names[i];
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, known[i]) != 0)
            continue;
        early->lower = i < LOSSES || pass->metrics[i - LOSSES]->lower_is_better;
        return LAM_OK;
    }
    char message[LAM__MESSAGE_SIZE];
    lam__unknown_word("figure to monitor", name, known, count, message, sizeof message);
    return lam__fail(LAM_ERR_NAME, "%s", message);
}

lam_status lam__early_stopping_open(lam__early_stopping *early, const lam_fit_options *options,
                                    const lam__pass *pass, bool has_validation)
{
    static const char prefix[] = "val_";
    *early = (lam__early_stopping){.patience = options->patience,
                                   .min_delta = (double)options->min_delta};
    early->monitor = options->monitor;
    if (!early->monitor)
        early->monitor = has_validation ? "val_loss" : "loss";
    const char *name = early->monitor;
    early->validation = strncmp(name, prefix, sizeof prefix - 1) == 0;
    if (early->validation && !has_validation)
        return lam__fail(LAM_ERR_ARGUMENT, "monitor is '%.100s', but there are no validation data",
                         name);
    LAM__TRY(find_figure(early, pass, early->validation ? name + sizeof prefix - 1 : name));
    if (early->patience == 0)
        return LAM_OK;
    early->weights = lam__allocate_zero(pass->model->parameter_floats, sizeof *early->weights,
                                        "the best weights");
    return early->weights ? LAM_OK : LAM_ERR_MEMORY;
}

void lam__early_stopping_close(lam__early_stopping *early)
{
    lam__release(early->weights);
    early->weights = NULL;
}

void lam__early_stopping_update(lam__early_stopping *early, const lam_model *model,
                                const lam_epoch *epoch)
{
    if (early->patience == 0)
        return;
    const lam_scores *scores = early->validation ? &epoch->validation : &epoch->train;
    const double figure = lam_scores_get(scores, early->monitor + (early->validation ? 4 : 0));
    const double gain = early->lower ? early->best - figure : figure - early->best;
    const bool first = early->best_epoch == 0 && figure == figure; /* a number */
    early->waited++;
    if (!first && !(early->best_epoch && gain > early->min_delta))
        return;
    early->best = figure;
    early->best_epoch = epoch->epoch;
    early->waited = 0;
    memcpy(early->weights, model->parameters, model->parameter_floats * sizeof *early->weights);
}

bool lam__early_stopping_is_over(const lam__early_stopping *early)
{
    return early->patience > 0 && early->waited >= early->patience;
}

void lam__early_stopping_finish(const lam__early_stopping *early, lam_model *model)
{
    if (early->patience == 0 || early->best_epoch == 0)
        return;
    memcpy(model->parameters, early->weights, model->parameter_floats * sizeof *early->weights);
    model->changes++;
}
