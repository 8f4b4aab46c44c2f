/* source.h: datasets of one's own: samples that a function of the program delivers.
 * Part of Lamina, MIT license.
 *
 * For data that are larger than memory, come from a database, or are made on the fly. A dataset of
 * this kind works wherever others do: it can be trained on, evaluated, divided, predicted. */
#ifndef LAMINA_SOURCE_CALLBACK_H
#define LAMINA_SOURCE_CALLBACK_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>
#include <lamina/export.h>

LAM_BEGIN_DECLS

/* Where samples come from. */
typedef struct lam_source {
    size_t samples, features; /* at least 1; at most 4294967295 samples */
    lam_dtype dtype;          /* of x below */
    size_t classes;           /* > 0: targets are class numbers, 0..classes-1 */
    size_t outputs;           /* > 0: targets are rows of so many floats; not both, or neither */

    /* 0: `read` is asked for any samples, in any order. Else samples can only be read from front to
     * back: `read` is asked for at most `window` of them at a time, each call going on where the
     * last one ended or beginning again with sample 0, and an epoch is shuffled within windows of
     * so many samples. Two windows are held in memory, more for larger batches. */
    size_t window;

    /* Writes samples first .. first + rows - 1 to x[rows][features] and their targets to
     * classes[rows] or targets[rows][outputs]; each is NULL where it is not wanted. Returns 0, or
     * anything else, which ends the call of the library that needed the samples with LAM_ERR_IO and
     * the number. Called by one thread at a time, which may be one of the library's own; values of
     * x must be finite. The same sample must be the same each time. */
    int (*read)(size_t first, size_t rows, void *x, int32_t *classes, float *targets, void *user);
    void (*release)(
        void *user); /* called once when the last dataset made of it is freed, or NULL */
    void *user;
} lam_source;

/* A dataset of what `source`, which is copied, delivers. All targets are read at once, from front
 * to back with x = NULL, and kept: 4 bytes a sample or an output; samples are read when they are
 * needed, the next ones ahead by a thread of the library's own. NULL with LAM_ERR_ARGUMENT,
 * LAM_ERR_IO (read failed), LAM_ERR_NUMERIC (a target is not finite) or LAM_ERR_MEMORY; `release`
 * is called then, too, unless the error is LAM_ERR_ARGUMENT about the source itself.
 *
 * One thread at a time may use such a dataset, the parts that lam_dataset_divide makes of it
 * included when `window` is not 0. */
LAM_API lam_dataset *lam_dataset_from_source_sized(const lam_source *source, size_t size);
LAM_INLINE lam_dataset *lam_dataset_from_source(const lam_source *source)
{
    return lam_dataset_from_source_sized(source, sizeof *source);
}

LAM_END_DECLS

#endif
