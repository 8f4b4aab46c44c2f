/* forward_backward.h: phase 1 of a step, the rows: gather, forward, loss and metrics, and in
 * training back. Where threads share a step and the first layer is split (input_halves.h), its
 * halves come before that, as tasks of their own: gather and multiply.
 *
 * The rows of a batch are cut into slabs of a height that depends on shapes and processor alone.
 * Slabs are independent, and their sums are combined in slab order, so the bits do not depend on
 * the number of threads. A task is one slab or, where that reads weights fewer times, several. */
#ifndef LAMINA_FORWARD_BACKWARD_H
#define LAMINA_FORWARD_BACKWARD_H

#include "base/machine/pool.h"
#include "data/augment.h"
#include "data/source.h"
#include "nn/losses.h"
#include "nn/metrics.h"
#include "train/workspace.h"

/* Sums over samples, which can be added up over batches. */
typedef struct lam__metric_sums {
    size_t samples;
    double loss;    /* sum over samples */
    double penalty; /* regularization loss times samples */
    double states[LAM_MAX_METRICS][LAM_METRIC_STATE];
} lam__metric_sums;

typedef struct lam__pass {
    const lam_model *model;
    lam__augment augment; /* in training */
    float *row_work;      /* [slabs][features]: a row each, to change or to split; NULL without */
    const lam__loss *loss;
    bool fused;
    const lam__metric *metrics[LAM_MAX_METRICS];
    const char *metric_names[LAM_MAX_METRICS];
    size_t metric_count;
    float threshold, tolerance;
    bool argmax;

    lam__workspace workspace;
    bool training;
    size_t outputs;
    double *slab_loss;                                        /* [slabs] */
    double (*slab_states)[LAM_MAX_METRICS][LAM_METRIC_STATE]; /* [slabs] */
    int32_t *labels;                                          /* [batch] */
    float *targets;                                           /* [batch][outputs] */

    /* the batch at hand */
    const lam_dataset *dataset;
    const uint32_t *index; /* [rows], or NULL: rows from `first` on */
    size_t first, rows;
    lam__batch_cut cut;
    uint64_t step;
} lam__pass;

/* Prepares the passes of a request over a model with parameters. Of the options, loss, seed,
 * threshold and tolerance are used, and whether samples are changed; metric_list names the metrics,
 * separated by commas. */
lam_status lam__pass_open(lam__pass *pass, const lam_model *model, const lam_fit_options *options,
                          const char *metric_list, const lam__step_request *request);
void lam__pass_close(lam__pass *pass);

/* Whether the dataset's samples and targets fit the model: LAM_ERR_SHAPE with both shapes. */
lam_status lam__pass_accepts(const lam__pass *pass, const lam_dataset *dataset);

/* Whether metrics and layers use threshold, tolerance and penalties, if the options set them, on
 * such a dataset. */
lam_status lam__pass_uses(const lam__pass *pass, const lam_fit_options *options,
                          const lam_dataset *dataset);

/* Runs phase 1 on rows of a dataset that lam__pass_accepts. */
void lam__pass_run(lam__pass *pass, lam__pool *pool, const lam_dataset *dataset,
                   const uint32_t *index, size_t first, size_t rows, uint64_t step);

/* Adds the sums of the latest run to *tally. */
void lam__pass_add(const lam__pass *pass, lam__metric_sums *tally);

/* Turns sums into scores. */
void lam__pass_scores(const lam__pass *pass, const lam__metric_sums *tally, lam_scores *scores);

/* std(targets) / 250 over index[0..rows-1] (NULL: all), in double; 0 without target rows. */
float lam__regression_tolerance(const lam_dataset *dataset, const uint32_t *index, size_t rows);

#endif
