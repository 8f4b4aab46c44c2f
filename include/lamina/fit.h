/* fit.h: train, evaluate and predict in one call each.  Part of Lamina, MIT license. */
#ifndef LAMINA_FIT_H
#define LAMINA_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>
#include <lamina/export.h>
#include <lamina/model.h>
#include <lamina/status.h>

LAM_BEGIN_DECLS

/* The largest number of metrics in one run. */
#define LAM_MAX_METRICS 16

/* Losses and metrics over a number of samples. loss = data_loss + regularization_loss. A metric
 * that has nothing to divide by is NaN. Names are static strings of the library. */
typedef struct lam_scores {
    size_t samples;
    double loss;
    double data_loss;           /* mean over the samples */
    double regularization_loss; /* l1 * sum |w| + l2 * sum w^2, of weights and biases */
    size_t metrics;             /* entries used below */
    const char *names[LAM_MAX_METRICS];
    double values[LAM_MAX_METRICS];
} lam_scores;

/* The value of a metric by name ("loss", "data_loss" and "regularization_loss" included); NaN
 * when it is not among them. Thread-safe. */
LAM_API double lam_scores_get(const lam_scores *scores, const char *name);

/* One epoch of training. */
typedef struct lam_epoch {
    size_t epoch;         /* from 1 */
    double learning_rate; /* of the epoch's last step */
    double seconds;       /* wall time of the epoch, validation included */
    lam_scores train;     /* running means over the epoch's batches, as in Keras */
    bool has_validation;
    lam_scores validation; /* after the epoch */
} lam_epoch;

/* TRAIN_BEGIN comes first and TRAIN_END last, once each; TRAIN_END also when a callback ends
 * training or training fails, so that a callback can release there what it took at TRAIN_BEGIN. A
 * call of lam_fit that fails before the first step is due (data that do not fit, no memory) sends
 * neither. EPOCH_END comes after the validation of each epoch, not of one that fails. EPOCH_BEGIN
 * of an epoch that is resumed in its middle has the batches done so far and their figures. RESUME
 * comes right after TRAIN_BEGIN, once for each damaged checkpoint and once for the one taken;
 * CHECKPOINT when the writing of one has ended, before TRAIN_END. */
typedef enum lam_event_kind {
    LAM_EVENT_TRAIN_BEGIN,
    LAM_EVENT_EPOCH_BEGIN,
    LAM_EVENT_BATCH_END,
    LAM_EVENT_EPOCH_END,
    LAM_EVENT_TRAIN_END,
    LAM_EVENT_RESUME,    /* the run goes on from `path`; with a status: `path` is passed over */
    LAM_EVENT_CHECKPOINT /* `path` is on the disk; with a status: it is not, and `message` why */
} lam_event_kind;

/* What a callback is told; valid during the call. */
typedef struct lam_event {
    lam_event_kind kind;
    const lam_model *model;
    size_t epochs;             /* asked for */
    size_t batch, batches;     /* EPOCH_BEGIN, BATCH_END: batches done and in all, this epoch */
    size_t samples;            /* of an epoch, in all; progress.train.samples are done */
    const lam_epoch *progress; /* running figures at BATCH_END, final ones at EPOCH_END */
    const char *path;          /* RESUME, CHECKPOINT: the file */
    lam_status status;         /* RESUME, CHECKPOINT: LAM_OK, or what is wrong with it: */
    const char *message;       /* NULL with LAM_OK, except that RESUME tells what made the
                                  checkpoint where that differs here: lam_trainer_note */
} lam_event;

typedef enum lam_signal { LAM_CONTINUE, LAM_STOP } lam_signal;

/* A callback: called on the thread that called lam_fit, between steps. LAM_STOP ends training
 * after the current batch as if the epochs asked for were done. */
typedef struct lam_callback {
    lam_signal (*on_event)(const lam_event *event, void *user);
    void *user;
} lam_callback;

/* Every training option, flat; fill with lam_fit_options_default(). lam_catalog(LAM_FIT_OPTION, ..)
 * lists them with their ranges and help. Strings put here directly are not copied: they must
 * outlive the call that takes the options; lam_fit_options_set makes copies. An option that is set
 * to another value than its default where nothing uses it (momentum with adam, monitor without
 * patience, fill_mode without a change that moves images) is LAM_ERR_ARGUMENT in training. */
typedef struct lam_fit_options {
    size_t struct_size;      /* set by lam_fit_options_default() */
    const char *loss;        /* NULL = the one the model was trained with, if any, else by the last
                                activation: softmax: categorical_crossentropy, sigmoid:
                                binary_crossentropy, else mean_squared_error */
    const char *optimizer;   /* "adam"; "sgd:momentum=0.9" spells hyperparameters with it */
    const char *metrics;     /* names separated by commas; NULL = "accuracy"; "" = none */
    const char *initializer; /* of weights: "glorot_uniform"; "normal:0.01" gives a parameter */
    float learning_rate;     /* > 0; 0 = the optimizer's own default */
    float decay;             /* >= 0: learning_rate / (1 + decay * step), step from 0 */
    float momentum;          /* sgd: 0 <= momentum < 1 */
    float beta_1, beta_2;    /* adam: in 0 <= beta < 1 */
    float epsilon;           /* adam: > 0, added outside the root */
    float l1, l2;            /* strength on the weights of layers without their own, >= 0 */
    float bias_l1, bias_l2;  /* the same on biases */
    size_t epochs;           /* >= 1 */
    size_t batch_size;       /* >= 1; the last, smaller batch of an epoch is kept */
    double validation_split; /* share of the samples held out, 0 <= share < 1 */
    bool shuffle;            /* draw a new order each epoch */
    uint64_t seed;           /* of start values, order, dropout and split */

    /* Random changes of training images, other ones in each step (not in validation): of samples
     * that are images (lam_dataset_input), of their raw values, before the input transform. The
     * same for any number of threads. As in Keras's ImageDataGenerator: rotation, shift, shear and
     * zoom in one, interpolated between four pixels; then flips, brightness, noise. */
    float width_shift, height_shift;     /* up to this share of the width, the height; 0..1 */
    float rotation;                      /* up to this many degrees; 0..180 */
    float zoom;                          /* factors of width and height in 1 - zoom .. 1 + zoom */
    float shear;                         /* up to this many degrees */
    bool horizontal_flip, vertical_flip; /* of every other image */
    float brightness;                    /* a factor in 1 - brightness .. 1 + brightness */
    float noise;           /* standard deviation, in raw units (bytes: 0..255); of any samples */
    const char *fill_mode; /* of the edges of images that are moved: "nearest", "reflect", "wrap" or
                              "constant" (0) */

    size_t threads;        /* at most 1024; 0 = one per core that this process may use (its affinity
                              and the CPU quota of its container); no effect on the result */
    float threshold;       /* outputs above it count as decided for, in metrics that decide
                              by a threshold */
    float tolerance;       /* regression_accuracy: the largest error that counts as right;
                              0 = std(targets) / 250 */
    const char *callbacks; /* names of registered callbacks, separated by commas, or NULL */
    size_t patience;       /* early stopping: end after so many epochs without a better one, and
                              give the model the weights of the best epoch; 0 = off */
    float min_delta;       /* >= 0: only what exceeds the best figure by more is better */
    const char *monitor;   /* the figure to compare: "loss", "accuracy", "val_..." of validation;
                              NULL = "val_loss", without validation "loss" */
    const char *checkpoint; /* a folder for checkpoints, made if need be, or NULL. One run at a time
                               writes to it, and begins in an empty one or resumes */
    const char *checkpoint_every; /* "1 epoch", "100 steps", "5 minutes" */
    size_t keep;                  /* >= 1: the newest checkpoints, older ones are removed */
    bool resume;                  /* go on from the newest checkpoint that is whole, as if nothing
                                     had happened; from the beginning when there is none */

    /* Go on with the optimizer's moments that training with this option has left with the model (or
     * lam_model_load_optimizer has put there), and leave them again: see lam_fit. */
    bool keep_optimizer;

    const lam_dataset *validation; /* validation samples, or NULL; excludes validation_split */
    const lam_callback *callback;  /* one callback without a name, or NULL */
} lam_fit_options;

/* The defaults: adam, categorical or other loss by the last activation, 10 epochs, batch size 128,
 * shuffling on, seed 1. */
LAM_API void lam_fit_options_init(lam_fit_options *options, size_t size);
LAM_INLINE lam_fit_options lam_fit_options_default(void)
{
    lam_fit_options options;
    lam_fit_options_init(&options, sizeof options);
    return options;
}

/* Sets the option `name` ("learning_rate"; '-' may stand for '_') from text ("1e-3", "true",
 * "adam"), independent of the locale. A string option points to the library's own copy of the text,
 * which lasts as long as the process (equal texts share one): the caller may change or free its
 * own. LAM_ERR_NAME for an unknown option with the nearest known one; LAM_ERR_ARGUMENT for a value
 * that does not parse or is out of range, naming the range; LAM_ERR_MEMORY. Then *options has not
 * changed. */
LAM_API lam_status lam_fit_options_set(lam_fit_options *options, const char *name,
                                       const char *text);

/* The figures of all epochs of a training run. lam_fit hands it over complete: nothing changes it
 * any more, so any number of threads may read it until one frees it. */
typedef struct lam_history lam_history;

/* Number of epochs run. */
LAM_API size_t lam_history_epochs(const lam_history *history);

/* Epoch i, counted from 0; NULL when out of range. Owned by the history. */
LAM_API const lam_epoch *lam_history_epoch(const lam_history *history, size_t i);

/* With early stopping the epoch (from 1) whose weights the model has been given at the end; else 0:
 * it has those of the last step. */
LAM_API size_t lam_history_best(const lam_history *history);

/* Frees a history; NULL is allowed. */
LAM_API void lam_history_free(lam_history *history);

/* Trains `model` on `train`. `options` may be NULL for the defaults. If `history` is not NULL, it
 * receives the figures of the epochs (also when training fails half-way); the caller frees it.
 * A model without parameters is initialized with options->seed; one with parameters goes on from
 * them.
 *
 * Several calls go on where the training of the model stands: it counts its epochs and steps, of
 * lam_trainer as well, and orders of samples, dropout, changes of images and decay of the learning
 * rate are those of the epochs and steps that come next. The optimizer begins with moments of 0 in
 * each call, unless keep_optimizer is set: then 30 calls of one epoch give the same bits as one
 * call of 30. Moments kept are those of the last step, also where early stopping has gone back to
 * better weights; a call without keep_optimizer, a failed epoch and lam_model_initialize drop them,
 * and LAM_ERR_ARGUMENT tells when they are another optimizer's. Epochs in events and history count
 * from 1 in each call. The position is the model's in memory: a model's file does not hold it, so a
 * loaded model begins again (with another seed for other orders); a checkpoint does
 * (lam_model_load_optimizer). lam_model_initialize sets it back.
 * An option that nothing in this run uses, set to another value than its default, is
 * LAM_ERR_ARGUMENT: momentum of adam, min_delta without patience, keep without checkpoint, a
 * threshold that none of the metrics decides by. A model that does not know what its samples are
 * made from (lam_model_input), or has no class names, takes both from `train`. The result depends
 * on model, data, options, instruction set and BLAS, never on the number of threads. While it runs,
 * the BLAS library's own thread count is 1 for the whole process. Errors: the model's sticky one;
 * LAM_ERR_NAME, LAM_ERR_ARGUMENT, LAM_ERR_SHAPE (data, targets and outputs), LAM_ERR_MEMORY, and
 * LAM_ERR_NUMERIC when a loss, a weight or an output for the validation samples stopped being
 * finite: epoch and batch are named, and the sample, feature and value where a sample is the
 * reason. Whatever fails in an epoch, the model has the weights from before it, or with early
 * stopping those of the best epoch so far.
 *
 * What targets a loss takes: categorical_crossentropy class numbers or rows of values >= 0, not all
 * 0, after softmax only: a row that sums to 1 is a distribution, one with another sum is a weighted
 * sample (a one-hot row times 5 counts as five samples); binary_crossentropy class numbers or
 * values in 0..1, after an activation that stays in 0..1; the others finite values; a registered
 * loss whatever it is given. Other targets or outputs, and a softmax over one output, which is
 * always 1, are LAM_ERR_ARGUMENT, in every call that computes a loss, with the first such target
 * and the number of its sample. */
LAM_API lam_status lam_fit(lam_model *model, const lam_dataset *train,
                           const lam_fit_options *options, lam_history **history);

/* Computes losses and metrics of `model` on `dataset`. `options` gives loss (NULL = the one the
 * model was trained with), metrics (NULL = "accuracy,precision,recall"; for regression
 * "accuracy,mean_absolute_error"), batch_size, threads, threshold, tolerance and regularization;
 * NULL for defaults. Any number of threads may call it on one model. Errors as lam_fit;
 * LAM_ERR_NUMERIC when an output or the loss of a sample is not finite, naming the sample: then
 * *scores has not changed. */
LAM_API lam_status lam_evaluate(const lam_model *model, const lam_dataset *dataset,
                                const lam_fit_options *options, lam_scores *scores);

/* Computes y[rows][outputs] from raw samples x[rows][features], to which the model's input
 * transform is applied. Allocates a workspace; see lam_predictor for repeated calls. */
LAM_API lam_status lam_predict(const lam_model *model, const float *x, size_t rows, float *y);

/* The same for all samples of a dataset: y[samples][outputs]; threads as in lam_fit_options. */
LAM_API lam_status lam_predict_dataset(const lam_model *model, const lam_dataset *dataset,
                                       size_t threads, float *y);

LAM_END_DECLS

#endif
