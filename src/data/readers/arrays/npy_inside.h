/* npy_inside.h: what the two halves of the .npy reader share. */
#ifndef LAMINA_NPY_INSIDE_H
#define LAMINA_NPY_INSIDE_H

#include "data/readers/arrays/npy.h"

/* Longest header that is read; NumPy writes 118 bytes for most arrays. */
#define LAM__NPY_MOST_HEADER 65536

/* Reads exactly `count` bytes, `what` they are for; LAM_ERR_FORMAT when they are not there. */
lam_status lam__npy_need(lam__npy_source *source, void *to, size_t count, const char *what);

/* Reads all that stands before the values. */
lam_status lam__npy_take_header(lam__npy_source *source, lam__npy *npy);

#endif
