/* checkpoint.h: a run of training as a file; the layout is in docs/formats.md.
 *
 * A checkpoint is a model file with more in it: parts named "checkpoint.*", the settings of the run
 * as JSON, and a checksum over all of the file. */
#ifndef LAMINA_CHECKPOINT_INSIDE_H
#define LAMINA_CHECKPOINT_INSIDE_H

#include "fit/epochs/fit_loop.h"
#include "formats/safetensors/checkpoint_keys.h"
#include "formats/safetensors/safetensors.h"

/* The version of the settings this code writes and reads. */
#define LAM__CHECKPOINT_VERSION 1

/* Whole numbers of a checkpoint: X(name in C, name in the file). */
#define LAM__COUNT_LIST(X)                                                                         \
    X(STEPS, "steps")                                                                              \
    X(SEED, "seed")                                                                                \
    X(EPOCH, "epochs_done")                                                                        \
    X(BATCH, "batches_done")                                                                       \
    X(SAMPLES, "samples_done")                                                                     \
    X(ORDER, "order_crc32c")                                                                       \
    X(BEST_EPOCH, "best_epoch")                                                                    \
    X(WAITED, "epochs_since_best")

/* Other numbers. */
#define LAM__NUMBER_LIST(X)                                                                        \
    X(RATE, "learning_rate")                                                                       \
    X(SECONDS, "seconds")                                                                          \
    X(LOSS, "loss_sum")                                                                            \
    X(PENALTY, "penalty_sum")                                                                      \
    X(BEST, "best")

enum {
#define LAM__COUNT_ENUM(name, text) LAM__COUNT_##name,
    LAM__COUNT_LIST(LAM__COUNT_ENUM) LAM__COUNTS,
#undef LAM__COUNT_ENUM
#define LAM__NUMBER_ENUM(name, text) LAM__NUMBER_##name,
    LAM__NUMBER_FIRST = -1,
    LAM__NUMBER_LIST(LAM__NUMBER_ENUM) LAM__NUMBERS
#undef LAM__NUMBER_ENUM
};

/* Whose state it is: of a trainer alone (run NULL), or of a run of lam_fit. */
typedef struct lam__checkpoint_of {
    lam_trainer *trainer;
    lam__fit *run;
} lam__checkpoint_of;

/* A part of a checkpoint's data. */
typedef struct lam__part {
    lam__st_label label;
    size_t bytes;
    const float *floats; /* F32: the values; else NULL */
} lam__part;

/* Part i, with `epochs` rows of history; false when there are no more. In this order: counts,
 * numbers, then of a run metric sums and history, then parameters, input transform, moments and the
 * best weights. */
enum { LAM__PART_COUNTS, LAM__PART_NUMBERS, LAM__PART_SUMS, LAM__PART_HISTORY };
bool lam__checkpoint_part(const lam__checkpoint_of *of, size_t epochs, size_t i, lam__part *part);

/* Columns of the history of a run: see lam__history_column. */
size_t lam__history_columns(const lam__fit *run);

/* The name of column i, in text[size]; returns text. */
char *lam__history_column(const lam__fit *run, size_t i, char *text, size_t size);

/* One row of it from an epoch and back: row[columns]. */
void lam__history_write_row(const lam__fit *run, const lam_epoch *epoch, double *row);
void lam__history_read_row(const lam__fit *run, const double *row, lam_epoch *epoch);

/* The settings of a run or trainer as JSON in a string released with lam__release: the options with
 * their defaults filled in, and what identifies the data. */
lam_status lam__checkpoint_settings(const lam__checkpoint_of *of, char **text);

/* The description of the model as it will be once trained: lam__model_describe with the loss. */
lam_status lam__checkpoint_model(const lam__checkpoint_of *of, char **text);

/* Whether the settings and the model of a file are those at hand. LAM_ERR_STATE names the first
 * difference, LAM_ERR_FORMAT what is no such text. */
lam_status lam__checkpoint_compare(const lam__checkpoint_of *of, const char *name,
                                   const char *model, const char *settings);

/* Where the training of the model stood when the run or trainer of a checkpoint began. */
typedef struct lam__began_at {
    uint64_t epochs, steps, moments_from;
} lam__began_at;

/* Reads it from the settings of a file called `name`; all 0 where it began with a new model. */
lam_status lam__checkpoint_began_at(const char *name, const char *settings, lam__began_at *began);

/* The same and the name of the optimizer, in text[size]. */
lam_status lam__checkpoint_optimizer(const char *name, const char *settings, char *text,
                                     size_t size);

/* A checkpoint as bytes to be written. */
typedef struct lam__snapshot {
    char *model, *settings;     /* texts of the header */
    unsigned char *header;      /* of the next take */
    size_t header_size, epochs; /* the rows of history it is for */
    unsigned char *bytes;       /* [capacity], `size` of them taken */
    size_t size, capacity;
    size_t parameters, parameters_end; /* where in bytes those of the model lie */
} lam__snapshot;

/* Prepares images of a run or trainer. */
lam_status lam__snapshot_open(lam__snapshot *snapshot, const lam__checkpoint_of *of);
void lam__snapshot_close(lam__snapshot *snapshot);

/* Makes the header for so many rows of history. */
lam_status lam__snapshot_lay_out(lam__snapshot *snapshot, const lam__checkpoint_of *of,
                                 size_t epochs);

/* Whether what was laid out fits the memory there is. */
bool lam__snapshot_fits(const lam__snapshot *snapshot, const lam__checkpoint_of *of);

/* Takes memory for it, and for more rows to come. snapshot->bytes must not be in use. */
lam_status lam__snapshot_grow(lam__snapshot *snapshot, const lam__checkpoint_of *of);

/* Takes the state as it is. Allocates nothing. Before, what was laid out must fit. */
void lam__snapshot_take(lam__snapshot *snapshot, const lam__checkpoint_of *of);

/* Puts the checksum into what was taken. LAM_ERR_NUMERIC when a parameter is not finite: no such
 * file is read again. */
lam_status lam__snapshot_seal(lam__snapshot *snapshot);

/* Whether all of floats[count] of a file are finite, else the first that is not. */
bool lam__all_finite(const unsigned char *floats, size_t count, size_t *bad);

/* Puts the state in a file of that name in memory back. Until everything has been checked nothing
 * changes. LAM_ERR_STATE when it is another run's. With checked == false the checksum is not
 * compared: for tests. */
lam_status lam__checkpoint_restore(const lam__checkpoint_of *of, const unsigned char *bytes,
                                   size_t size, const char *name, bool checked);

#endif
