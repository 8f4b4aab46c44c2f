/* fit_loop.h: the loop over epochs and batches, which can begin at any step of a run.
 *
 * Everything a run needs to continue later is in the model, the trainer, `place`, `early` and
 * `history`: a checkpointer (see below) that keeps those and puts them back before the loop has
 * the run as if it had never stopped. The order of an epoch and dropout need not be kept: they are
 * functions of the seed and of the numbers of epoch and step. */
#ifndef LAMINA_FIT_LOOP_H
#define LAMINA_FIT_LOOP_H

#include "fit/epochs/early_stopping.h"
#include "fit/epochs/history.h"
#include "train/trainer_inside.h"

enum { LAM__MOST_CALLBACKS = 16 };

/* Where a run stands, between two steps. */
typedef struct lam__fit_position {
    size_t epoch;           /* epochs done */
    size_t batch;           /* batches done of the epoch at hand */
    double seconds;         /* spent on it by runs before this one */
    lam__metric_sums tally; /* its figures so far */
    bool has_order;         /* whether a checkpointer knows the order of this epoch: */
    uint32_t order_id;      /* its checksum */
} lam__fit_position;

struct lam__checkpointer;

/* Everything one run holds. */
typedef struct lam__fit {
    const lam_fit_options *options;
    const lam_dataset *data;
    lam_trainer *trainer;
    lam__pass judge; /* of the validation rows */
    const lam_dataset *validation;
    uint32_t *rows; /* [samples] training rows, then the rows held out */
    size_t row_count, held_out;
    uint64_t epochs_before; /* of the model, when this run began: orders continue there */
    uint32_t *order;        /* [row_count] rows in the order of this epoch */
    lam_history *history;
    const lam_callback *callbacks[LAM__MOST_CALLBACKS];
    size_t callback_count;
    struct lam__checkpointer *checkpointer; /* or NULL */
    lam__early_stopping early;
    lam__fit_position place;
    float *weights_room;  /* of the next two, with memory of the trainer's */
    float *epoch_weights; /* laid out as the model's: from before the epoch at hand */
    float *next_weights;  /* from before the next one, once its last step has left them */
    uint64_t weights_of;  /* the model's count of changes when epoch_weights were taken, */
    uint64_t next_of;     /* and next_weights */
    double started;       /* this run on the epoch at hand, by lam__now */
    lam_epoch epoch;
    bool stopped;
} lam__fit;

/* Who keeps a run's state. Called on the thread of lam_fit, between steps. */
typedef struct lam__checkpointer {
    /* The run is ready; may put it to another place. */
    lam_status (*begin)(struct lam__checkpointer *checkpointer, lam__fit *run);
    /* The first event has been told. */
    void (*announce)(struct lam__checkpointer *checkpointer, lam__fit *run);
    /* The order of the epoch at hand is drawn. The last call before its steps that may allocate. */
    lam_status (*epoch)(struct lam__checkpointer *checkpointer, lam__fit *run);
    /* One more step, or one more epoch, is done. */
    void (*step)(struct lam__checkpointer *checkpointer, lam__fit *run);
    /* The steps of this call are done, whether training is or not. */
    lam_status (*end)(struct lam__checkpointer *checkpointer, lam__fit *run);
} lam__checkpointer;

/* Batches of an epoch. */
size_t lam__fit_batches(const lam__fit *run);

/* Tells every callback of an event whose kind, path, status and message are set. */
void lam__fit_notify(lam__fit *run, lam_event *event);

/* lam_fit with a checkpointer, which may be NULL. */
lam_status lam__fit_model(lam_model *model, const lam_dataset *train,
                          const lam_fit_options *options, lam__checkpointer *checkpointer,
                          lam_history **history);

#endif
