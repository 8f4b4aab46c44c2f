/* output.h: checks that a file can be written, before there is anything to write.  Part of Lamina,
 * MIT license.
 *
 * Functions that write a file replace an existing file of that name, whatever it is: a program that
 * gets the name from its user should check first. Thread safety: all functions may be called from
 * any thread. */
#ifndef LAMINA_OUTPUT_H
#define LAMINA_OUTPUT_H

#include <lamina/dataset.h>
#include <lamina/model.h>

LAM_BEGIN_DECLS

/* Whether a file of this name could be written now, found by trying: a temporary file is created
 * beside it and removed. An existing file is not touched. A symbolic link stands for the file it
 * points to. LAM_ERR_IO with the system's reason: no such folder, no permission, a name that is too
 * long, a dangling link, a folder or device of that name. LAM_ERR_ARGUMENT for NULL or "". */
LAM_API lam_status lam_output_check(const char *path);

/* Whether the file starts like one that Lamina writes: models, checkpoints, ONNX, C source and
 * header, images. False for a missing or unreadable file. Reads its first bytes. */
LAM_API bool lam_output_is_own(const char *path);

/* Whether lam_model_save could write the model once it has been trained on `dataset` (NULL: as it
 * is now): finds names that are not valid UTF-8 and descriptions that are too long before training.
 * The model does not need parameters yet. LAM_ERR_ARGUMENT, LAM_ERR_MEMORY, LAM_ERR_UNSUPPORTED (a
 * build without JSON). */
LAM_API lam_status lam_model_check_save(const lam_model *model, const lam_dataset *dataset);

LAM_END_DECLS

#endif
