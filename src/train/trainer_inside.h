/* trainer_inside.h: the inside of lam_trainer, for the loop of lam_fit. */
#ifndef LAMINA_TRAINER_INSIDE_H
#define LAMINA_TRAINER_INSIDE_H

#include <lamina/trainer.h>

#include "train/engine.h"
#include "train/forward_backward.h"
#include "train/weight_update.h"

struct lam_trainer {
    lam_model *model;
    lam__engine engine;
    lam__pass pass;
    lam__weights weights;
    double base_rate; /* undecayed */
    float decay;
    uint64_t steps;
    uint64_t steps_before; /* of the model, when this trainer was made */
    bool leaves_moments;   /* with the model, when it is freed */
    bool has_gradients;    /* computed and not yet applied */
    bool keeps_gradients;  /* of lam_trainer_gradients, applied or not */
    char note[512]; /* what made the checkpoint restored and is not so here; "" for nothing */
};

/* One step on samples order[at .. at + rows - 1] of a dataset the pass accepts (order NULL: samples
 * from `at` on), of a pass over `count`; adds its sums to *tally. Fails only when samples could not
 * be fetched: before anything changed, or after an update that must not be relied on. */
lam_status lam__trainer_step(lam_trainer *trainer, const lam_dataset *dataset,
                             const uint32_t *order, size_t count, size_t at, size_t rows,
                             bool update, lam__metric_sums *tally);

#endif
