/* model_file.h: models as safetensors files; the layout is in docs/formats.md. */
#ifndef LAMINA_MODEL_FILE_H
#define LAMINA_MODEL_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/model.h>

#include "formats/safetensors/safetensors.h"

/* The newest version of the description this code reads; it writes the least that can tell
 * everything about a model: 2 where there is layer normalization or an input description, else 1.
 */
#define LAM__MODEL_VERSION 2

/* Keys of __metadata__: the description, and the CRC-32 of it and the data as 8 hex digits. */
#define LAM__MODEL_KEY "lamina"
#define LAM__MODEL_CHECKSUM_KEY "lamina_crc32"

/* Names of the tensors of a standardizing input transform. */
#define LAM__TENSOR_MEAN "transform.mean"
#define LAM__TENSOR_STD "transform.std"

/* The description of a model as JSON in a string released with lam__release. LAM_ERR_ARGUMENT for
 * a class name that is not UTF-8. */
lam_status lam__model_describe(const lam_model *model, char **text);

/* Makes the model a file describes, parameters and all. */
lam_status lam__model_restore(const lam__st_file *file, const char *text, lam_model **model);

/* A model from a file in memory, called `name` in messages. NULL on failure, as lam_model_load. */
lam_model *lam__model_parse(const void *bytes, size_t size, const char *name);

/* The same without comparing the checksum: it finds accidents, not malice, so everything behind it
 * must hold without it. For tests. */
lam_model *lam__model_parse_unchecked(const void *bytes, size_t size, const char *name);

#endif
