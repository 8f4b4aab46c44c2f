/* orthogonal.h: an orthonormal basis by LAPACK. */
#ifndef LAMINA_ORTHOGONAL_H
#define LAMINA_ORTHOGONAL_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

/* Whether LAPACK is built in. */
bool lam__has_lapack(void);

/* Replaces a[rows][cols], normal deviates, by a matrix with orthonormal rows (rows <= cols) or
 * columns (rows >= cols): Q of its QR factorization with the signs of R's diagonal, so that Q is
 * uniform (Mezzadri 2007). LAM_ERR_UNSUPPORTED without LAPACK, LAM_ERR_MEMORY. */
lam_status lam__orthogonalize(float *a, size_t rows, size_t cols);

#endif
