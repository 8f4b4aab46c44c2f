/* trainer.h: one's own training loop, one step at a time.  Part of Lamina, MIT license.
 *
 * lam_fit is a loop over a lam_trainer; a program that needs another loop writes it on the same
 * calls. A trainer belongs to one thread at a time. It uses the model's parameters in place: the
 * model must outlive it and must not be used otherwise during a step. While any trainer that uses
 * the BLAS library exists (lam_build_info("products") is "blas"), that library's own thread count
 * is 1 for the whole process; the last one freed puts it back. */
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

/* Plans training of `model` with options->batch_size rows at most: all memory a step needs is
 * allocated here. `options` may be NULL; epochs, shuffle, validation and callbacks are not used,
 * and a tolerance of 0 stays 0: a trainer does not know all the targets. Dropout and decay go on
 * where the training of the model stands, and with keep_optimizer the moments, which
 * lam_trainer_free leaves with the model: see lam_fit. Initializes a model
 * without parameters. NULL on failure, errors as lam_fit. */
LAM_API lam_trainer *lam_trainer_new(lam_model *model, const lam_fit_options *options);

/* One step: forward, backward, update. *scores (may be NULL) receives the figures of this batch,
 * computed before the update. Nothing is allocated. LAM_ERR_SHAPE or LAM_ERR_ARGUMENT for a batch
 * that does not fit (nothing has changed then), LAM_ERR_NUMERIC when the loss is not finite, naming
 * the row where it is the reason (the update has happened: lam_trainer_restore goes back to what
 * was saved, lam_fit keeps the weights of before each epoch). */
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

/* Forward and backward without the update: the gradients can be read and changed, and
 * lam_trainer_update applies them. */
LAM_API lam_status lam_trainer_gradients_sized(lam_trainer *trainer, const lam_batch *batch,
                                               size_t size, lam_scores *scores);
LAM_INLINE lam_status lam_trainer_gradients(lam_trainer *trainer, const lam_batch *batch,
                                            lam_scores *scores)
{
    return lam_trainer_gradients_sized(trainer, batch, sizeof *batch, scores);
}

/* Updates the parameters from the gradients as they stand and counts one step. LAM_ERR_STATE
 * when no gradients were computed since the last update. */
LAM_API lam_status lam_trainer_update(lam_trainer *trainer);

/* A view of the gradient of parameter tensor i of the model, same name and shape, mean over the
 * batch, regularization included; of the latest lam_trainer_gradients, also after its
 * lam_trainer_update. Valid until the trainer is freed, changed by lam_trainer_gradients.
 * LAM_ERR_ARGUMENT when i is out of range, LAM_ERR_STATE when there are none: lam_trainer_step
 * applies each part of the gradient while it is in the cache and keeps none. */
LAM_API lam_status lam_trainer_gradient_sized(lam_trainer *trainer, size_t i, lam_tensor *tensor,
                                              size_t size);
LAM_INLINE lam_status lam_trainer_gradient(lam_trainer *trainer, size_t i, lam_tensor *tensor)
{
    return lam_trainer_gradient_sized(trainer, i, tensor, sizeof *tensor);
}

/* The outputs of the latest batch before its update, [rows][outputs] without gaps between rows
 * when *stride == outputs; a row starts every *stride floats. */
LAM_API const float *lam_trainer_outputs(const lam_trainer *trainer, size_t *stride);

/* Number of steps done by this trainer, or when the checkpoint it was restored from was saved. */
LAM_API uint64_t lam_trainer_steps(const lam_trainer *trainer);

/* The learning rate the next step will use: learning_rate / (1 + decay * steps), steps of the
 * model's training in all; 0 for NULL. */
LAM_API double lam_trainer_learning_rate(const lam_trainer *trainer);

/* Sets the undecayed learning rate for the steps to come. LAM_ERR_ARGUMENT unless it is > 0 and at
 * most the largest float. */
LAM_API lam_status lam_trainer_set_learning_rate(lam_trainer *trainer, double learning_rate);

/* Writes a checkpoint: model, moments, number of steps and learning rate, crash-safe as
 * lam_model_save. Gradients that have not been applied are not in it. Another trainer, of the same
 * model with the same options, goes on from it with the same bits: where in one's own data that is
 * follows from lam_trainer_steps. LAM_ERR_IO with the system's reason; LAM_ERR_NUMERIC when a
 * parameter is not finite; LAM_ERR_UNSUPPORTED in a build without model files. */
LAM_API lam_status lam_trainer_save(const lam_trainer *trainer, const char *path);

/* The same to buffer[size]; *needed is how many bytes it takes. With size 0 only *needed is set.
 * LAM_ERR_ARGUMENT when the buffer is too small. */
LAM_API lam_status lam_trainer_save_memory(const lam_trainer *trainer, void *buffer, size_t size,
                                           size_t *needed);

/* Puts trainer and model in the state of a checkpoint, also of one that lam_fit wrote.
 * LAM_ERR_STATE when it is of another network, optimizer, loss, seed, decay or regularization (the
 * first difference is named); LAM_ERR_IO, LAM_ERR_FORMAT and LAM_ERR_NUMERIC for a file that cannot
 * be read or is damaged. Then nothing has changed. */
LAM_API lam_status lam_trainer_restore(lam_trainer *trainer, const char *path);

/* The same from bytes[size]. */
LAM_API lam_status lam_trainer_restore_memory(lam_trainer *trainer, const void *bytes, size_t size);

/* After one of the two: what made the checkpoint and is not so here (version of the library,
 * instruction set, make of the processor, who makes products, BLAS), so that the bits of steps to
 * come may differ from those of a trainer that was never interrupted; NULL when nothing differs or
 * the file does not say. Belongs to the trainer, until it is restored again or freed. */
LAM_API const char *lam_trainer_note(const lam_trainer *trainer);

/* Frees a trainer; NULL is allowed. The model stays, with the moments where they are kept. */
LAM_API void lam_trainer_free(lam_trainer *trainer);

LAM_END_DECLS

#endif
