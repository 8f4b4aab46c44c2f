/* file_rows.h: a dataset whose samples stay in their file and are read when they are gathered.
 *
 * Each sample is read at its place (pread), by whichever thread needs it, so any order is exact and
 * nothing but a small buffer a thread is held. Reading, unlike mapping, has an error to return when
 * the file shrinks or the disk fails, and the pages count as the system's cache, not as ours. */
#ifndef LAMINA_FILE_ROWS_H
#define LAMINA_FILE_ROWS_H

#include <lamina/dataset.h>

#include "data/readers/arrays/npy.h"

/* Where and how the values lie: [samples][features] from `offset` on, without gaps. */
typedef struct lam__file_rows {
    const char *path;
    uint64_t offset;
    lam__npy_type type;
    size_t samples, features;
    bool invert; /* bytes: x becomes 255 - x */
} lam__file_rows;

/* A dataset without targets. Bytes stay bytes, everything else becomes float32. That the file is
 * long enough is checked here, and again with every read. */
lam_status lam__file_rows_open(const lam__file_rows *rows, lam_dataset **dataset);

/* The first of x[count] that is no finite number; count when all are. */
size_t lam__find_not_finite(const float *x, size_t count);

#endif
