/* source.h: what the training step needs of a dataset. The data room makes the concrete ones. */
#ifndef LAMINA_SOURCE_H
#define LAMINA_SOURCE_H

#include <lamina/dataset.h>

#include "model/sample_schema.h"
#include "model/transform.h"

struct lam__source_ops {
    /* Writes transformed samples index[0..rows-1] (index NULL: first .. first + rows - 1) to
     * x[rows][ldx]. Called from several threads at once, after `prepare` of these rows. */
    void (*gather)(const lam_dataset *dataset, const uint32_t *index, size_t first, size_t rows,
                   const lam__transform *transform, float *x, size_t ldx);
    /* The same for columns from .. from + cols - 1 alone, to x[rows][ldx]; may be NULL. */
    void (*gather_columns)(const lam_dataset *dataset, const uint32_t *index, size_t first,
                           size_t rows, size_t from, size_t cols, const lam__transform *transform,
                           float *x, size_t ldx);
    void (*release)(lam_dataset *dataset); /* whatever else it holds; may be NULL */

    /* Called on the caller's thread before samples order[at .. at + rows - 1] (order NULL: samples
     * at .. at + rows - 1) are gathered: waits until they are there, and may start fetching the
     * rest of order[at .. count - 1], which comes next if this pass goes on. The array is read
     * during the call only; a call whose `at` does not follow the one before begins a new pass.
     * May be NULL: nothing to prepare. Does not allocate, so that a step does not. */
    lam_status (*prepare)(const lam_dataset *dataset, const uint32_t *order, size_t count,
                          size_t at, size_t rows);

    /* What went wrong in gathering since the last call; LAM_OK if nothing. May be NULL. */
    lam_status (*trouble)(const lam_dataset *dataset);

    /* A dataset of the samples index[count] of this one, without targets; NULL with the error
     * recorded. NULL: its samples lie in memory. */
    lam_dataset *(*part)(const lam_dataset *dataset, const uint32_t *index, size_t count);
};

struct lam_dataset {
    const struct lam__source_ops *ops;
    lam__input input; /* what the samples were made from */
    size_t samples, features;
    lam_dtype dtype;
    const void *x; /* in-memory sets: [samples][features]; NULL for all others */
    void *owned_x; /* the same when owned, else NULL */
    void *state;   /* of other kinds of sets: what their ops work on */
    size_t window; /* > 0: an epoch is shuffled within windows of this many samples, counted
                      from 0, which come in order; 0: in any order */
    const uint32_t *base_index; /* of a part of such a set: [samples], ascending, the number of each
                                   in the whole; else NULL */
    int32_t *labels;            /* [samples] class numbers, or NULL */
    float *targets;             /* [samples][outputs] rows, or NULL */
    size_t classes;             /* with labels */
    size_t outputs;             /* with targets */
    char **class_names;         /* [classes or outputs], or NULL */
    size_t class_name_count;
    char **skipped; /* [skipped_count] files that were left out, and why */
    size_t skipped_count;
};

/* `prepare` and `trouble`, where the dataset has them. */
static inline lam_status lam__source_prepare(const lam_dataset *dataset, const uint32_t *order,
                                             size_t count, size_t at, size_t rows)
{
    return dataset->ops->prepare ? dataset->ops->prepare(dataset, order, count, at, rows) : LAM_OK;
}

static inline lam_status lam__source_trouble(const lam_dataset *dataset)
{
    return dataset->ops->trouble ? dataset->ops->trouble(dataset) : LAM_OK;
}

/* The window that sample i belongs to. */
static inline size_t lam__source_window(const lam_dataset *dataset, size_t i)
{
    return (dataset->base_index ? dataset->base_index[i] : i) / dataset->window;
}

/* Brings raw samples first .. first + rows - 1 of `count` read in order to x[rows][features]. */
lam_status lam__source_read(const lam_dataset *dataset, size_t first, size_t rows, float *x);

/* The operations of sets in memory: dtype float32 or uint8, x as above. In train/ because a
 * trainer also reads batches in the caller's memory through it. */
extern const struct lam__source_ops lam__memory_source;

#endif
