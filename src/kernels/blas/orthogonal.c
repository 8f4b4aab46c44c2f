/* orthogonal.c: an orthonormal basis by LAPACK. */
#include "kernels/blas/orthogonal.h"

#include "base/error.h"
#include "lamina_features.h"

#if LAM__HAVE_LAPACK

#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/blas/gemm.h"

/* OpenBLAS has LAPACK within: LAPACKE would bring the reference libraries of LAPACK and BLAS along,
 * which take longer to load than all the rest. Else LAPACKE. */
#ifdef LAM__LAPACK_IN_BLAS
#include <cblas.h>
typedef blasint lapack_int;
void sgeqrf_(const lapack_int *m, const lapack_int *n, float *a, const lapack_int *lda, float *tau,
             float *work, const lapack_int *size, lapack_int *info);
void sorgqr_(const lapack_int *m, const lapack_int *n, const lapack_int *k, float *a,
             const lapack_int *lda, const float *tau, float *work, const lapack_int *size,
             lapack_int *info);
#else
#include <lapacke.h>
#endif

/* A = QR, of a column-major a[n][m]; with size -1 only the size of `work` is computed. */
static lapack_int qr(lapack_int m, lapack_int n, float *a, float *tau, float *work, lapack_int size)
{
#ifdef LAM__LAPACK_IN_BLAS
    lapack_int info = 0;
    sgeqrf_(&m, &n, a, &m, tau, work, &size, &info);
    return info;
#else
    return LAPACKE_sgeqrf_work(LAPACK_COL_MAJOR, m, n, a, m, tau, work, size);
#endif
}

/* The first n columns of that Q. */
static lapack_int q_of(lapack_int m, lapack_int n, float *a, const float *tau, float *work,
                       lapack_int size)
{
#ifdef LAM__LAPACK_IN_BLAS
    lapack_int info = 0;
    sorgqr_(&m, &n, &n, a, &m, tau, work, &size, &info);
    return info;
#else
    return LAPACKE_sorgqr_work(LAPACK_COL_MAJOR, m, n, n, a, m, tau, work, size);
#endif
}

bool lam__has_lapack(void)
{
    return true;
}

/* to[cols][rows] = from[rows][cols] transposed. */
static void transpose(const float *from, size_t rows, size_t cols, float *to)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            to[j * rows + i] = from[i * cols + j];
}

static lam_status check(lapack_int info, const char *routine)
{
    return info == 0 ? LAM_OK : lam__fail(LAM_ERR_NUMERIC, "%s returned %ld", routine, (long)info);
}

/* The larger of what the two routines ask for. */
static lam_status workspace_size(lapack_int m, lapack_int n, lapack_int *size)
{
    float dummy = 0, for_qr = 0, for_q = 0;
    LAM__TRY(check(qr(m, n, &dummy, &dummy, &for_qr, -1), "sgeqrf"));
    LAM__TRY(check(q_of(m, n, &dummy, &dummy, &for_q, -1), "sorgqr"));
    *size = (lapack_int)(for_qr > for_q ? for_qr : for_q);
    if (*size < n)
        *size = n;
    return LAM_OK;
}

/* q, column-major, m rows, n <= m columns: replaced by Q. tau and sign have n elements. */
static lam_status factor(float *q, size_t m, size_t n, float *tau, float *sign, float *work,
                         lapack_int size)
{
    const lapack_int rows = (lapack_int)m, cols = (lapack_int)n;
    LAM__TRY(check(qr(rows, cols, q, tau, work, size), "sgeqrf"));
    for (size_t j = 0; j < n; j++)
        sign[j] = q[j * m + j] < 0 ? -1.0f : 1.0f;
    LAM__TRY(check(q_of(rows, cols, q, tau, work, size), "sorgqr"));
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < m; i++)
            q[j * m + i] *= sign[j];
    return LAM_OK;
}

/* The row-major a[rows][cols] is the column-major matrix of `cols` rows. When that one is tall it
 * is factored in place; else its transpose is. Single-threaded, so that the bits do not depend on
 * the BLAS library's thread count. */
static lam_status orthogonalize(float *a, size_t rows, size_t cols)
{
    const size_t m = rows > cols ? rows : cols, n = rows > cols ? cols : rows;
    lapack_int size;
    LAM__TRY(workspace_size((lapack_int)m, (lapack_int)n, &size));
    const size_t copy = rows > cols ? m * n : 0;
    float *space = lam__allocate(copy + 2 * n + (size_t)size, sizeof *space, "QR factorization");
    if (!space)
        return LAM_ERR_MEMORY;
    float *q = a, *tau = space + copy, *sign = tau + n, *work = sign + n;
    if (rows > cols) {
        q = space;
        transpose(a, rows, cols, q);
    }
    const lam_status status = factor(q, m, n, tau, sign, work, size);
    if (rows > cols && status == LAM_OK)
        transpose(q, cols, rows, a);
    lam__release(space);
    return status;
}

lam_status lam__orthogonalize(float *a, size_t rows, size_t cols)
{
    if (rows > INT_MAX || cols > INT_MAX)
        return lam__fail(LAM_ERR_SHAPE, "orthogonal: %zu x %zu is more than LAPACK counts", rows,
                         cols);
    if (rows == 0 || cols == 0)
        return LAM_OK;
    LAM__TRY(lam__blas_acquire());
    const lam_status status = orthogonalize(a, rows, cols);
    lam__blas_release();
    return status;
}

#else

bool lam__has_lapack(void)
{
    return false;
}

lam_status lam__orthogonalize(float *a, size_t rows, size_t cols)
{
    (void)a;
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "an orthogonal matrix of %zu x %zu needs LAPACK: this build has none", rows,
                     cols);
}

#endif
