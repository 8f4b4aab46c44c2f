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
 * with nothing to divide by is NaN. Names are static strings owned by the library. */
typedef struct lam_scores {
    size_t samples;
    double loss;
    double data_loss;           /* mean over the samples */
    double regularization_loss; /* l1 * sum |w| + l2 * sum w^2, over weights and biases */
    size_t metrics;             /* entries used below */
    const char *names[LAM_MAX_METRICS];
    double values[LAM_MAX_METRICS];
} lam_scores;

/* The value of a metric by name ("loss", "data_loss" and "regularization_loss" included); NaN when
 * it is not among the scores. Thread-safe. */
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

/* TRAIN_BEGIN comes first and TRAIN_END last, once each; TRAIN_END also when a callback stops
 * training or training fails, so that a callback can release there what it acquired at TRAIN_BEGIN.
 * A call of lam_fit that fails before the first step (data that does not fit the model, no memory)
 * sends neither. EPOCH_END comes after the validation of each epoch, but not of one that fails.
 * EPOCH_BEGIN of an epoch that is resumed partway has the batches done so far and their figures.
 * RESUME comes right after TRAIN_BEGIN, once for each damaged checkpoint and once for the one used;
 * CHECKPOINT when one has been written or has failed, before TRAIN_END. */
typedef enum lam_event_kind {
    LAM_EVENT_TRAIN_BEGIN,
    LAM_EVENT_EPOCH_BEGIN,
    LAM_EVENT_BATCH_END,
    LAM_EVENT_EPOCH_END,
    LAM_EVENT_TRAIN_END,
    LAM_EVENT_RESUME,    /* the run continues from `path`; with a status: `path` was skipped */
    LAM_EVENT_CHECKPOINT /* `path` is on disk; with a status: it is not, and `message` says why */
} lam_event_kind;

/* What a callback receives; valid during the call. */
typedef struct lam_event {
    lam_event_kind kind;
    const lam_model *model;
    size_t epochs;             /* requested */
    size_t batch, batches;     /* EPOCH_BEGIN, BATCH_END: batches done and total, this epoch */
    size_t samples;            /* total per epoch; progress.train.samples are done */
    const lam_epoch *progress; /* running figures at BATCH_END, final ones at EPOCH_END */
    const char *path;          /* RESUME, CHECKPOINT: the file */
    lam_status status;         /* RESUME, CHECKPOINT: LAM_OK, or what went wrong */
    const char *message;       /* NULL with LAM_OK, except that RESUME names differences in
                                  what made the checkpoint, see lam_trainer_note */
} lam_event;

typedef enum lam_signal { LAM_CONTINUE, LAM_STOP } lam_signal;

/* A callback: called on the thread that called lam_fit, between steps. LAM_STOP ends training after
 * the current batch as if the requested epochs were done. */
typedef struct lam_callback {
    lam_signal (*on_event)(const lam_event *event, void *user);
    void *user;
} lam_callback;

/* Every training option, flat; fill with lam_fit_options_default(). lam_catalog(LAM_FIT_OPTION, ..)
 * lists them with their ranges and help. Strings put here directly are not copied: they must
 * outlive the call that takes the options; lam_fit_options_set makes copies. Setting an option that
 * nothing uses to anything but its default (momentum with adam, monitor without patience, fill_mode
 * without an augmentation that moves images) is LAM_ERR_ARGUMENT in training. */
typedef struct lam_fit_options {
    size_t struct_size; /* set by lam_fit_options_default() */
    const char *loss; /* NULL = the one the model was trained with, if any, else chosen by the last
                         activation: softmax: categorical_crossentropy, sigmoid:
                         binary_crossentropy, else mean_squared_error */
    const char *optimizer;   /* "adam"; "sgd:momentum=0.9" spells hyperparameters with it */
    const char *metrics;     /* names separated by commas; NULL = "accuracy"; "" = none */
    const char *initializer; /* of weights: "glorot_uniform"; "normal:0.01" sets its parameter */
    float learning_rate;     /* > 0; 0 = the optimizer's own default */
    float decay;             /* >= 0: learning_rate / (1 + decay * step), step from 0 */
    float momentum;          /* sgd: 0 <= momentum < 1 */
    float beta_1, beta_2;    /* adam: in 0 <= beta < 1 */
    float epsilon;           /* adam: > 0, added outside the root */
    float l1, l2; /* strength for the weights of layers that have none of their own, >= 0 */
    float bias_l1, bias_l2;  /* the same for biases */
    size_t epochs;           /* >= 1 */
    size_t batch_size;       /* >= 1; the last, smaller batch of an epoch is kept */
    double validation_split; /* share of the samples held out, 0 <= share < 1 */
    bool shuffle;            /* draw a new order each epoch */
    uint64_t seed;           /* of initial values, order, dropout and split */

    /* Random augmentation of training images, drawn anew in each step (not in validation), for
     * samples that are images (lam_dataset_input), on their raw values, before the input transform.
     * The same for any number of threads. As in Keras's ImageDataGenerator: rotation, shift, shear
     * and zoom in one pass, interpolated between four pixels; then flips, brightness, noise. */
    float width_shift, height_shift;     /* up to this share of the width, the height; 0..1 */
    float rotation;                      /* up to this many degrees; 0..180 */
    float zoom;                          /* factors of width and height in 1 - zoom .. 1 + zoom */
    float shear;                         /* up to this many degrees */
    bool horizontal_flip, vertical_flip; /* each with probability 1/2 */
    float brightness;                    /* a factor in 1 - brightness .. 1 + brightness */
    float noise; /* standard deviation, in raw units (bytes: 0..255); for any kind of sample */
    const char *fill_mode; /* how the edges of moved images are filled: "nearest", "reflect", "wrap"
                              or "constant" (0) */

    size_t threads;        /* at most 1024; 0 = one per core that this process may use (its affinity
                              and the CPU quota of its container); no effect on the result */
    float threshold;       /* outputs above it count as positive, in metrics that decide
                              by a threshold */
    float tolerance;       /* regression_accuracy: the largest error that counts as right;
                              0 = std(targets) / 250 */
    const char *callbacks; /* names of registered callbacks, separated by commas, or NULL */
    size_t patience;     /* early stopping: end after this many epochs without improvement, and give
                            the model the weights of the best epoch; 0 = off */
    float min_delta;     /* >= 0: an improvement must be larger than this to count */
    const char *monitor; /* the figure to compare: "loss", "accuracy", "val_..." of validation;
                            NULL = "val_loss", without validation "loss" */
    const char
        *checkpoint; /* a folder for checkpoints, created if necessary, or NULL. Only one run at a
                        time may write to it; a run starts in an empty folder or resumes */
    const char *checkpoint_every; /* "1 epoch", "100 steps", "5 minutes" */
    size_t keep;                  /* >= 1: how many checkpoints to keep; older ones are removed */
    bool resume; /* continue from the newest undamaged checkpoint, as if nothing had happened;
                    start from the beginning without one */

    /* Continue with the optimizer's moments that earlier training with this option left in the
     * model (or lam_model_load_optimizer put there), and leave them there again: see lam_fit. */
    bool keep_optimizer;

    const lam_dataset *validation; /* validation samples, or NULL; excludes validation_split */
    const lam_callback *callback;  /* one unnamed callback, or NULL */
} lam_fit_options;

/* The defaults: adam, the loss that suits the last activation, 10 epochs, batch size 128, shuffling
 * on, seed 1. */
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
 * that does not parse or is out of range, naming the range; LAM_ERR_MEMORY. On failure *options has
 * not changed. */
LAM_API lam_status lam_fit_options_set(lam_fit_options *options, const char *name,
                                       const char *text);

/* The figures of all epochs of a training run. lam_fit returns it complete: it never changes
 * afterwards, so any number of threads may read it until one frees it. */
typedef struct lam_history lam_history;

/* Number of epochs run. */
LAM_API size_t lam_history_epochs(const lam_history *history);

/* Epoch i, counted from 0; NULL when out of range. Owned by the history. */
LAM_API const lam_epoch *lam_history_epoch(const lam_history *history, size_t i);

/* With early stopping, the epoch (from 1) whose weights the model was given at the end; otherwise
 * 0: it has those of the last step. */
LAM_API size_t lam_history_best(const lam_history *history);

/* Frees a history; NULL is allowed. */
LAM_API void lam_history_free(lam_history *history);

/* Trains `model` on `train`. `options` may be NULL for the defaults. If `history` is not NULL, it
 * receives the figures of the epochs (even when training fails partway); the caller frees it. A
 * model without parameters is initialized with options->seed; one with parameters is trained
 * further.
 *
 * Each call continues where the training of the model stopped: the model counts its epochs and
 * steps, those of lam_trainer included, and sample order, dropout, augmentation and learning-rate
 * decay are those of the epochs and steps that come next. The optimizer starts with moments of 0 in
 * each call, unless keep_optimizer is set: then 30 calls of one epoch give the same bits as one
 * call of 30. The moments kept are those of the last step, even when early stopping has restored
 * better weights; a call without keep_optimizer, a failed epoch and lam_model_initialize drop them,
 * and moments of another optimizer are LAM_ERR_ARGUMENT. Epochs in events and history count from 1
 * in each call. The position is kept with the model in memory. A model file does not hold it, so a
 * loaded model starts again (use another seed for a different order); a checkpoint does
 * (lam_model_load_optimizer). lam_model_initialize resets it. Setting an option that nothing in
 * this run uses to anything but its default is LAM_ERR_ARGUMENT: momentum with adam, min_delta
 * without patience, keep without checkpoint, a threshold that none of the metrics uses. A model
 * that does not know what its samples are made from (lam_model_input), or has no class names, takes
 * them from `train`. The result depends on model, data, options, instruction set and BLAS, never on
 * the number of threads. While lam_fit runs, the BLAS library's own thread count is 1 for the whole
 * process. Errors: the model's sticky error; LAM_ERR_NAME, LAM_ERR_ARGUMENT, LAM_ERR_SHAPE (data,
 * targets and outputs), LAM_ERR_MEMORY, and LAM_ERR_NUMERIC when a loss, a weight or an output for
 * the validation samples stopped being finite: the message names epoch and batch, and the sample,
 * feature and value if a sample is the cause. Whatever fails in an epoch, the model keeps the
 * weights from before it, or with early stopping those of the best epoch so far.
 *
 * Which targets a loss takes: categorical_crossentropy takes class numbers or rows of values >= 0,
 * not all 0, after softmax only: a row that sums to 1 is a distribution, one with any other sum is
 * a weighted sample (a one-hot row times 5 counts as five samples); binary_crossentropy takes class
 * numbers or values in 0..1, after an activation that stays in 0..1; the other losses take finite
 * values; a registered loss takes anything. Other targets or outputs, and a softmax over one
 * output, which is always 1, are LAM_ERR_ARGUMENT in every call that computes a loss, naming the
 * first such target and its sample. */
LAM_API lam_status lam_fit(lam_model *model, const lam_dataset *train,
                           const lam_fit_options *options, lam_history **history);

/* Computes losses and metrics of `model` on `dataset`. `options` gives the loss (NULL = the one the
 * model was trained with), metrics (NULL = "accuracy,precision,recall"; for regression
 * "accuracy,mean_absolute_error"), batch_size, threads, threshold, tolerance and regularization;
 * NULL for the defaults. Any number of threads may call it on one model. Errors as lam_fit;
 * LAM_ERR_NUMERIC when an output or the loss of a sample is not finite, naming the sample; then
 * *scores is unchanged. */
LAM_API lam_status lam_evaluate(const lam_model *model, const lam_dataset *dataset,
                                const lam_fit_options *options, lam_scores *scores);

/* Computes y[rows][outputs] from raw samples x[rows][features]; the model's input transform is
 * applied. Allocates a workspace; see lam_predictor for repeated calls. */
LAM_API lam_status lam_predict(const lam_model *model, const float *x, size_t rows, float *y);

/* The same for all samples of a dataset: y[samples][outputs]; threads as in lam_fit_options. */
LAM_API lam_status lam_predict_dataset(const lam_model *model, const lam_dataset *dataset,
                                       size_t threads, float *y);

LAM_END_DECLS

#endif
