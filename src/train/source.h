/* source.h: what the training step needs of a dataset. The data room makes the concrete ones. */
#ifndef LAMINA_SOURCE_H
#define LAMINA_SOURCE_H

#include <lamina/dataset.h>

#include "nn/transform.h"

struct lam__source_ops {
    /* Writes transformed samples index[0..rows-1] (index NULL: first .. first + rows - 1) to
     * x[rows][ldx]. Called from several threads at once. */
    void (*gather)(const lam_dataset *dataset, const uint32_t *index, size_t first, size_t rows,
                   const lam__transform *transform, float *x, size_t ldx);
    void (*release)(lam_dataset *dataset); /* whatever else it holds; may be NULL */
};

struct lam_dataset {
    const struct lam__source_ops *ops;
    size_t samples, features;
    lam_dtype dtype;
    const void *x;      /* in-memory sets: [samples][features] */
    void *owned_x;      /* the same when owned, else NULL */
    int32_t *labels;    /* [samples] class numbers, or NULL */
    float *targets;     /* [samples][outputs] rows, or NULL */
    size_t classes;     /* with labels */
    size_t outputs;     /* with targets */
    char **class_names; /* [classes or outputs], or NULL */
    size_t class_name_count;
};

/* The operations of sets in memory: dtype float32 or uint8, x as above. In train/ because a
 * trainer also reads batches in the caller's memory through it. */
extern const struct lam__source_ops lam__memory_source;

#endif
