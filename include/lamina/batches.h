/* batches.h: the batches of a dataset, one after another, for your own training loop.  Part of
 * Lamina, MIT license.
 *
 *   lam_batches *batches = lam_batches_new(data, NULL);
 *   lam_batch batch;
 *   while (lam_batches_next(batches, &batch) == LAM_OK && batch.rows > 0)
 *       lam_trainer_step(trainer, &batch, NULL);
 *   lam_batches_free(batches);
 *
 * Thread safety: a lam_batches must be used by one thread at a time, and so must the dataset when
 * its samples are not in memory. */
#ifndef LAMINA_BATCHES_H
#define LAMINA_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>
#include <lamina/trainer.h>

LAM_BEGIN_DECLS

typedef struct lam_batches lam_batches;

/* Fill with lam_batches_options_default(). */
typedef struct lam_batches_options {
    size_t struct_size; /* set by lam_batches_options_default() */
    size_t batch_size;  /* >= 1; the last batch of an epoch may be smaller */
    size_t epochs;      /* batches are empty after this many; 0 = endless */
    bool shuffle;       /* a new order each epoch, every sample once per epoch */
    uint64_t seed;      /* of the order, which is that of lam_fit with the same seed; unused without
                           shuffle */
} lam_batches_options;

/* Batches of 128, one epoch, shuffled, seed 1. */
LAM_API void lam_batches_options_init(lam_batches_options *options, size_t size);
LAM_INLINE lam_batches_options lam_batches_options_default(void)
{
    lam_batches_options options;
    lam_batches_options_init(&options, sizeof options);
    return options;
}

/* Starts at the first epoch of a dataset, which must outlive the batches. `options` may be NULL for
 * the defaults. NULL with LAM_ERR_ARGUMENT or LAM_ERR_MEMORY. The caller frees it. */
LAM_API lam_batches *lam_batches_new(const lam_dataset *dataset,
                                     const lam_batches_options *options);

/* The next batch in *batch: raw samples x[rows][features] with their classes[rows] or targets[rows]
 * [outputs] (both NULL when the dataset has none), valid until the next call. 0 rows after the last
 * epoch. Allocates nothing. LAM_ERR_IO, LAM_ERR_FORMAT and so on, naming the file, when samples
 * that are not in memory cannot be read; the next call continues with the batch after it. */
LAM_API lam_status lam_batches_next_sized(lam_batches *batches, lam_batch *batch, size_t size);
LAM_INLINE lam_status lam_batches_next(lam_batches *batches, lam_batch *batch)
{
    return lam_batches_next_sized(batches, batch, sizeof *batch);
}

/* The dataset indices of the samples in the latest batch, [rows]; valid until the next
 * lam_batches_next. */
LAM_API const uint32_t *lam_batches_index(const lam_batches *batches);

/* The epoch of the latest batch, from 1; 0 before the first. */
LAM_API size_t lam_batches_epoch(const lam_batches *batches);

/* Frees the batches; NULL is allowed. */
LAM_API void lam_batches_free(lam_batches *batches);

LAM_END_DECLS

#endif
