/* output.h: files that are going to be written: what can be known beforehand.  Part of Lamina, MIT
 * license.
 *
 * Functions that write replace the file of that name, whatever it is: a program asks first where
 * the name comes from its user. Thread safety: all functions may be called from any thread. */
#ifndef LAMINA_OUTPUT_H
#define LAMINA_OUTPUT_H

#include <lamina/dataset.h>
#include <lamina/model.h>

LAM_BEGIN_DECLS

/* Whether a file of this name could be written now, by trying: a new file is made beside it and
 * removed. What is there is not touched. A symbolic link stands for the file it names.
 * LAM_ERR_IO with the system's reason: no such folder, no permission, a name that is too long, a
 * link that leads nowhere, a folder or device of that name. LAM_ERR_ARGUMENT for NULL or "". */
LAM_API lam_status lam_output_check(const char *path);

/* Whether the file begins as those do that Lamina writes: models, checkpoints, ONNX, C source and
 * header, pictures. False for a missing or unreadable file. Reads its first bytes. */
LAM_API bool lam_output_is_own(const char *path);

/* Whether lam_model_save could write the model once it has been trained on `dataset` (NULL: as it
 * is): names that are no UTF-8 and descriptions that are too long are found before training. The
 * model needs no parameters yet. LAM_ERR_ARGUMENT, LAM_ERR_MEMORY, LAM_ERR_UNSUPPORTED (a build
 * without JSON). */
LAM_API lam_status lam_model_check_save(const lam_model *model, const lam_dataset *dataset);

LAM_END_DECLS

#endif
