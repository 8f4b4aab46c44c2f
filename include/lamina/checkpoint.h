/* checkpoint.h: what a checkpoint holds.  Part of Lamina, MIT license.
 *
 * lam_fit writes checkpoints when lam_fit_options names a folder for them and continues from the
 * newest with `resume`; a training loop of your own does the same with lam_trainer_save and
 * lam_trainer_restore. This header is for inspecting them. lam_model_load loads the model in a
 * checkpoint, with its weights at that time. */
#ifndef LAMINA_CHECKPOINT_H
#define LAMINA_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/export.h>
#include <lamina/fit.h>

LAM_BEGIN_DECLS

typedef struct lam_checkpoint lam_checkpoint;

/* Where a run stood. */
typedef struct lam_checkpoint_info {
    bool of_fit; /* written by lam_fit; if false, by lam_trainer_save, and only the next three are
                    set */
    uint64_t steps, seed;             /* steps done; the seed of order and dropout */
    double learning_rate;             /* before decay */
    size_t epochs_done, batches_done; /* whole epochs, and batches of the current one */
    size_t samples_done;              /* of the current epoch */
    const char *monitor; /* early stopping: the figure compared, owned by the checkpoint; NULL when
                            off. The fields below belong to it */
    size_t best_epoch, epochs_since_best;
    double best;
} lam_checkpoint_info;

/* Reads and verifies a checkpoint. NULL with LAM_ERR_STATE for a model that is not a checkpoint,
 * LAM_ERR_IO, LAM_ERR_FORMAT (damaged, with what is wrong), LAM_ERR_MEMORY or LAM_ERR_UNSUPPORTED.
 * Free it with lam_checkpoint_free. */
LAM_API lam_checkpoint *lam_checkpoint_open(const char *path);

/* The same without verifying the checksum: weights and moments stay on disk, so time and memory
 * do not depend on their size. */
LAM_API lam_checkpoint *lam_checkpoint_peek(const char *path);

/* Describes it in *info. */
LAM_API void lam_checkpoint_describe_sized(const lam_checkpoint *checkpoint,
                                           lam_checkpoint_info *info, size_t size);
LAM_INLINE void lam_checkpoint_describe(const lam_checkpoint *checkpoint, lam_checkpoint_info *info)
{
    lam_checkpoint_describe_sized(checkpoint, info, sizeof *info);
}

/* Option i of the run as text, under its name in lam_fit_options: *name and *value belong to the
 * checkpoint. LAM_ERR_ARGUMENT when out of range. */
LAM_API lam_status lam_checkpoint_option(const lam_checkpoint *checkpoint, size_t i,
                                         const char **name, const char **value);

/* What made it, by a key of lam_build_info ("instruction_set", "processor", "products", "blas") or
 * "version", that of the library; NULL when the file does not record it. Belongs to the checkpoint.
 */
LAM_API const char *lam_checkpoint_made_by(const lam_checkpoint *checkpoint, const char *key);

/* The figures of the completed epochs, owned by the checkpoint. Metrics that are not registered in
 * this program are left out. */
LAM_API const lam_history *lam_checkpoint_history(const lam_checkpoint *checkpoint);

/* Copies the optimizer's moments and the training position of a checkpoint to a model of the same
 * network that already has its parameters (usually from the same checkpoint, by lam_model_load):
 * a call of lam_fit with keep_optimizer and otherwise the same options then continues as the run of
 * the checkpoint would have. LAM_ERR_STATE when the network differs or the model has no parameters,
 * LAM_ERR_FORMAT when the file is damaged or not a checkpoint, LAM_ERR_NUMERIC, LAM_ERR_NAME,
 * LAM_ERR_IO, LAM_ERR_MEMORY, LAM_ERR_UNSUPPORTED; on failure nothing has changed. */
LAM_API lam_status lam_model_load_optimizer(lam_model *model, const char *path);

/* Frees a checkpoint; NULL is allowed. */
LAM_API void lam_checkpoint_free(lam_checkpoint *checkpoint);

LAM_END_DECLS

#endif
