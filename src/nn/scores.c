/* scores.c: a figure by its name. */
#include <math.h>
#include <string.h>

#include "nn/metrics.h"

double lam_scores_get(const lam_scores *scores, const char *name)
{
    if (!scores || !name)
        return NAN;
    if (strcmp(name, "loss") == 0)
        return scores->loss;
    if (strcmp(name, "data_loss") == 0)
        return scores->data_loss;
    if (strcmp(name, "regularization_loss") == 0)
        return scores->regularization_loss;
    const lam__metric *metric = lam__table_lookup(&lam__metrics, name);
    if (metric)
        name = metric->name; /* an alias was meant */
    for (size_t i = 0; i < scores->metrics && i < LAM_MAX_METRICS; i++)
        if (scores->names[i] && strcmp(scores->names[i], name) == 0)
            return scores->values[i];
    return NAN;
}
