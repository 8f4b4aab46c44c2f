/* metrics.h: the table of metrics. One row adds one. */
#ifndef LAMINA_METRICS_H
#define LAMINA_METRICS_H

#include <lamina/extend.h>

#include "nn/activations.h"

typedef struct lam__metric {
    const char *name, *alias, *help;
    void (*update)(const lam_metric_rows *rows, double *state, void *user);
    double (*result)(const double *state, void *user);
    void *user;
    bool lower_is_better; /* an error, not a share of what is right */
    /* Whether rows of this kind (width, classes or targets, argmax) are judged by the option; NULL:
     * they may be, as by a metric of the user's. */
    bool (*uses_threshold)(const lam_metric_rows *rows);
    bool (*uses_tolerance)(const lam_metric_rows *rows);
} lam__metric;

extern lam__name_table lam__metrics;

const lam__metric *lam__find_metric(const char *name);
size_t lam__metric_count(void);
const lam__metric *lam__metric_at(size_t i);

/* Finds the metrics in "a,b,c" (spaces allowed). "accuracy" becomes categorical_accuracy,
 * binary_accuracy or regression_accuracy by the decision of the last activation, and by whether a
 * categorical target goes with it, but keeps the name "accuracy" in names[]. At most
 * LAM_MAX_METRICS, each once. */
lam_status lam__parse_metrics(const char *list, const lam__activation *last,
                              const lam__metric *metrics[LAM_MAX_METRICS],
                              const char *names[LAM_MAX_METRICS], size_t *count);

/* Whether one of the metrics judges rows of this kind by the tolerance, or else the threshold. */
bool lam__metrics_use(const lam__metric *const *metrics, size_t count, const lam_metric_rows *kind,
                      bool tolerance);

#endif
