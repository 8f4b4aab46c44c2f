/* source.h: your own data sources: samples that a function of the program delivers. Part of Lamina,
 * MIT license.
 *
 * For data that is larger than memory, comes from a database, or is generated on the fly. Such a
 * dataset works wherever others do: it can be trained on, evaluated, divided, predicted. */
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
    size_t outputs; /* > 0: targets are rows of this many floats; one of the two or neither */

    /* 0: `read` may be asked for any samples, in any order. Otherwise samples can only be read
     * sequentially: `read` is asked for at most `window` of them at a time, each call continuing
     * where the last one ended or starting again at sample 0, and an epoch is shuffled within
     * windows of that many samples. Two windows are held in memory, more for larger batches. */
    size_t window;

    /* Writes samples first .. first + rows - 1 to x[rows][features] and their targets to
     * classes[rows] or targets[rows][outputs]; each is NULL when it is not needed. Returns 0 on
     * success; any other number ends the library call that needed the samples with LAM_ERR_IO, and
     * the number is in the message. Called by one thread at a time, which may belong to the
     * library; values of x must be finite. A sample must be the same every time it is read. */
    int (*read)(size_t first, size_t rows, void *x, int32_t *classes, float *targets, void *user);
    void (*release)(
        void *user); /* called once, when the last dataset made from it is freed, or NULL */
    void *user;
} lam_source;

/* A dataset of what `source` (which is copied) delivers. All targets are read at once,
 * sequentially, with x = NULL, and kept in memory: 4 bytes per sample, or per output of each;
 * samples are read when they are needed, the next ones in advance by a thread of the library. NULL
 * with LAM_ERR_ARGUMENT, LAM_ERR_IO (read failed), LAM_ERR_NUMERIC (a target is not finite) or
 * LAM_ERR_MEMORY; `release` is called in these cases too, except for LAM_ERR_ARGUMENT about the
 * source itself.
 *
 * One thread at a time may use such a dataset, and when `window` is not 0, that includes the parts
 * that lam_dataset_divide makes of it. */
LAM_API lam_dataset *lam_dataset_from_source_sized(const lam_source *source, size_t size);
LAM_INLINE lam_dataset *lam_dataset_from_source(const lam_source *source)
{
    return lam_dataset_from_source_sized(source, sizeof *source);
}

LAM_END_DECLS

#endif
