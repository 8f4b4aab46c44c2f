/* dataset_parts.h: how the readers and generators make datasets. */
#ifndef LAMINA_DATASET_PARTS_H
#define LAMINA_DATASET_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>

/* A dataset that owns x[samples][features], from lam__allocate; released also on failure, which
 * is NULL with LAM_ERR_MEMORY. */
lam_dataset *lam__dataset_adopt(void *x, lam_dtype dtype, size_t samples, size_t features);

/* Says which files were left out and why: messages[count], copied. */
lam_status lam__dataset_set_skipped(lam_dataset *dataset, const char *const *messages,
                                    size_t count);

/* Number of bytes of a value. */
size_t lam__dtype_size(lam_dtype dtype);

/* The built-in sets. */
typedef enum lam__synthetic {
    LAM__SPIRAL,
    LAM__VERTICAL,
    LAM__SINE,
    LAM__SYNTHETIC_KINDS
} lam__synthetic;

/* The set called `name`, or LAM__SYNTHETIC_KINDS. */
lam__synthetic lam__synthetic_named(const char *name);

/* Makes one; samples and classes 0 = the set's own default. */
lam_dataset *lam__synthetic_make(lam__synthetic toy, size_t samples, size_t classes, uint64_t seed,
                                 lam_split split);

#endif
