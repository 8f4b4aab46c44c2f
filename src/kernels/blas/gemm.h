/* gemm.h: the three matrix products of a dense layer, row-major, single-threaded.
 *
 * Each is one mathematical product; inside it may be cut into several cblas_sgemm calls where that
 * is faster on the core at hand. How it is cut depends on the shape and the BLAS alone, so the
 * bits do too. Leading dimensions count floats. Call between lam__blas_acquire and
 * lam__blas_release. */
#ifndef LAMINA_GEMM_H
#define LAMINA_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

/* C[m][n] = A[m][k] B[k][n]: forward, Y = X W. */
void lam__gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc);

/* C[m][n] = A[m][k] B[n][k]^T: dX = dZ W^T with W [in][out] = [n][k]. */
void lam__gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc);

/* C[m][n] = A[k][m]^T B[k][n]: dW = X^T dZ, m a slab of inputs, k the batch. */
void lam__gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc);

/* y[n] = x[k] B[k][n]: forward of one row. */
void lam__gemv(size_t n, size_t k, const float *x, const float *b, size_t ldb, float *y);

/* The number of rows of C at which a product of these n and k is fastest, at least 1:
 * the natural height of a task's slab. At most `limit`. `unpacked`: of a core with products that
 * are not packed, as lam__blas_multiplies_unpacked says of this one. */
size_t lam__gemm_rows_nn(bool unpacked, size_t n, size_t k, size_t limit);
size_t lam__gemm_rows_tn(bool unpacked, size_t n, size_t k, size_t limit);

/* The largest dimension the BLAS takes (its integers may have 32 bits). */
size_t lam__gemm_limit(void);

/* Makes the BLAS single-threaded for the whole process until the matching lam__blas_release, and
 * warms it up (its buffers are allocated now, not when memory is tight). Counted: the last release
 * puts the former thread count back. Thread-safe. */
lam_status lam__blas_acquire(void);

/* Makes sure that the BLAS has buffers for so many threads of this holder inside it at once, and
 * for all other holders and the workers of their pools, as far as it lets itself be told: a later
 * allocation that failed would wait forever. LAM_ERR_MEMORY when there is no room for them. Call
 * between acquire and release, before the threads start. lam__blas_acquire does it for one thread a
 * holder. */
lam_status lam__blas_reserve(size_t threads);

void lam__blas_release(void);

/* Name, version and core of the BLAS, for lam_build_info("blas"). */
const char *lam__blas_name(void);

#endif
