/* row_stream.h: a dataset whose samples come from a reader, fetched ahead by a thread of its own.
 *
 * A reader that takes any sample is asked for those of the next step while this one runs. One that
 * goes from front to back only is read a window at a time: two windows are held, an epoch is
 * shuffled within each, and the next is fetched while this one is trained on. */
#ifndef LAMINA_ROW_STREAM_H
#define LAMINA_ROW_STREAM_H

#include <lamina/dataset.h>

typedef struct lam__reader {
    /* Samples first .. first + rows - 1 to x[rows][features], bytes or floats. Called by one thread
     * at a time. */
    lam_status (*read)(void *context, size_t first, size_t rows, void *x);
    void (*close)(void *context);
    void *context;
} lam__reader;

/* A dataset without targets; takes the reader over, also on failure. window 0: any order. */
lam_status lam__row_stream_open(const lam__reader *reader, lam_dtype dtype, size_t samples,
                                size_t features, size_t window, lam_dataset **dataset);

#endif
