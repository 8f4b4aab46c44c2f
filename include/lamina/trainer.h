/* trainer.h: your own training loop, one step at a time.  Part of Lamina, MIT license.
 *
 * lam_fit is a loop over a lam_trainer; a program that needs a different loop writes it with the
 * same calls. A trainer belongs to one thread at a time. It uses the model's parameters in place:
 * the model must outlive it and must not be used elsewhere during a step. While any trainer that
 * uses the BLAS library exists (lam_build_info("products") is "blas"), that library's own thread
 * count is 1 for the whole process; freeing the last one restores it. */
#ifndef LAMINA_TRAINER_H
#define LAMINA_TRAINER_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>
#include <lamina/export.h>
#include <lamina/fit.h>
#include <lamina/model.h>

LAM_BEGIN_DECLS

typedef struct lam_trainer lam_trainer;

/* A batch in the caller's memory. Either `classes` or `targets` is set, the other NULL. */
typedef struct lam_batch {
    size_t rows;            /* 1..batch_size of the options */
    const float *x;         /* [rows][features], raw: the model's input transform is applied */
    const int32_t *classes; /* [rows], each in 0..outputs-1 (0..1 for one output) */
    const float *targets;   /* [rows][outputs], as lam_fit takes them for the loss */
} lam_batch;

/* Prepares training of `model` with at most options->batch_size rows per step: all memory a step
 * needs is allocated here. `options` may be NULL; epochs, shuffle, validation and callbacks are not
 * used, and a tolerance of 0 stays 0, since a trainer does not know all the targets. Dropout and
 * decay continue where the training of the model stopped, and with keep_optimizer so do the
 * moments, which lam_trainer_free leaves in the model: see lam_fit. Initializes a model without
 * parameters. NULL on failure, errors as lam_fit. */
LAM_API lam_trainer *lam_trainer_new(lam_model *model, const lam_fit_options *options);

/* One step: forward, backward, update. *scores (may be NULL) receives the figures of this batch,
 * computed before the update. Nothing is allocated. LAM_ERR_SHAPE or LAM_ERR_ARGUMENT for a batch
 * that does not fit the model (then nothing has changed), LAM_ERR_NUMERIC when the loss is not
 * finite, naming the row if one is the cause (the update has already happened: lam_trainer_restore
 * returns to a saved state; lam_fit keeps the weights from before each epoch). */
LAM_API lam_status lam_trainer_step_sized(lam_trainer *trainer, const lam_batch *batch, size_t size,
                                          lam_scores *scores);
LAM_INLINE lam_status lam_trainer_step(lam_trainer *trainer, const lam_batch *batch,
                                       lam_scores *scores)
{
    return lam_trainer_step_sized(trainer, batch, sizeof *batch, scores);
}

/* The same on rows index[0..rows-1] of a dataset; index NULL = rows 0..rows-1. */
LAM_API lam_status lam_trainer_step_rows(lam_trainer *trainer, const lam_dataset *dataset,
                                         const uint32_t *index, size_t rows, lam_scores *scores);

/* Forward and backward without the update: the gradients can be read and modified before
 * lam_trainer_update applies them. */
LAM_API lam_status lam_trainer_gradients_sized(lam_trainer *trainer, const lam_batch *batch,
                                               size_t size, lam_scores *scores);
LAM_INLINE lam_status lam_trainer_gradients(lam_trainer *trainer, const lam_batch *batch,
                                            lam_scores *scores)
{
    return lam_trainer_gradients_sized(trainer, batch, sizeof *batch, scores);
}

/* Updates the parameters from the current gradients and counts one step. LAM_ERR_STATE when no
 * gradients were computed since the last update. */
LAM_API lam_status lam_trainer_update(lam_trainer *trainer);

/* A view of the gradient of parameter tensor i of the model, same name and shape, mean over the
 * batch, regularization included; of the latest lam_trainer_gradients, even after its
 * lam_trainer_update. Valid until the trainer is freed; lam_trainer_gradients changes its values.
 * LAM_ERR_ARGUMENT when i is out of range, LAM_ERR_STATE when there are no gradients:
 * lam_trainer_step applies each part while it is in cache and keeps none. */
LAM_API lam_status lam_trainer_gradient_sized(lam_trainer *trainer, size_t i, lam_tensor *tensor,
                                              size_t size);
LAM_INLINE lam_status lam_trainer_gradient(lam_trainer *trainer, size_t i, lam_tensor *tensor)
{
    return lam_trainer_gradient_sized(trainer, i, tensor, sizeof *tensor);
}

/* Writes what a step of this trainer does to text[size], several lines for people to read, cut
 * where they do not fit: products, threads, how the rows of a whole batch and each layer's weights
 * are cut, which thread updates which weights, and the bytes of every buffer. It was decided when
 * the trainer was made, from shapes, processor and threads. Returns the length of the whole text
 * without its NUL, as snprintf does (size 0 with text NULL asks for it); 0 for NULL. The wording
 * may change with any version. */
LAM_API size_t lam_trainer_plan(const lam_trainer *trainer, char *text, size_t size);

/* The outputs of the latest batch before its update, [rows][outputs] with *stride floats from the
 * start of one row to the next; *stride == outputs means no gaps. */
LAM_API const float *lam_trainer_outputs(const lam_trainer *trainer, size_t *stride);

/* Number of steps done by this trainer, counting those before the checkpoint it was restored from.
 */
LAM_API uint64_t lam_trainer_steps(const lam_trainer *trainer);

/* The learning rate the next step will use: learning_rate / (1 + decay * steps), where steps counts
 * all training of the model; 0 for NULL. */
LAM_API double lam_trainer_learning_rate(const lam_trainer *trainer);

/* Sets the learning rate before decay for the following steps. LAM_ERR_ARGUMENT unless it is > 0
 * and at most the largest float. */
LAM_API lam_status lam_trainer_set_learning_rate(lam_trainer *trainer, double learning_rate);

/* Writes a checkpoint: model, moments, number of steps and learning rate, crash-safe as
 * lam_model_save. Gradients that have not been applied are not in it. Another trainer, of the same
 * model with the same options, continues from it with the same bits; lam_trainer_steps says where
 * in the program's data that is. LAM_ERR_IO with the system's reason; LAM_ERR_NUMERIC when a
 * parameter is not finite; LAM_ERR_UNSUPPORTED in a build without model files. */
LAM_API lam_status lam_trainer_save(const lam_trainer *trainer, const char *path);

/* The same to buffer[size]; *needed is how many bytes it takes. With size 0 only *needed is set.
 * LAM_ERR_ARGUMENT when the buffer is too small. */
LAM_API lam_status lam_trainer_save_memory(const lam_trainer *trainer, void *buffer, size_t size,
                                           size_t *needed);

/* Restores trainer and model from a checkpoint, including one that lam_fit wrote. LAM_ERR_STATE
 * when its network, optimizer, loss, seed, decay or regularization differs (the first difference is
 * named); LAM_ERR_IO, LAM_ERR_FORMAT and LAM_ERR_NUMERIC for a file that cannot be read or is
 * damaged. On failure nothing has changed. */
LAM_API lam_status lam_trainer_restore(lam_trainer *trainer, const char *path);

/* The same from bytes[size]. */
LAM_API lam_status lam_trainer_restore_memory(lam_trainer *trainer, const void *bytes, size_t size);

/* After either of the two: how this environment differs from the one that made the checkpoint
 * (version of the library, instruction set, processor vendor, products, BLAS), so that later steps
 * may not have the bits of a trainer that was never interrupted; NULL when nothing differs or the
 * file does not record it. Belongs to the trainer until it is restored again or freed. */
LAM_API const char *lam_trainer_note(const lam_trainer *trainer);

/* Frees a trainer; NULL is allowed. The model stays, with its moments if they are kept. */
LAM_API void lam_trainer_free(lam_trainer *trainer);

LAM_END_DECLS

#endif
