/* gemm.c: the three matrix products of a dense layer, cut to suit the core. */
#include "blas/gemm.h"

#include <assert.h>
#include <limits.h>

#include <cblas.h>

#include "blas/threads.h"

/* What a row height is for: C's rows are cut into slabs, one cblas_sgemm each.
 *
 * The AVX-512 kernels of OpenBLAS multiply products of m n k <= 1e6 in place, without packing the
 * operands first, at 95% of peak; a row of such calls beats one large one as long as a slab keeps
 * a few rows. Elsewhere every call packs, and fewer calls pack less. */
#define UNPACKED_LIMIT 1000000
/* Fewer rows than this a slab and the kernel has too little to do for each load of B. */
#define LEAST_SLAB 4
/* Height of a task's slab where calls are not cut: from here on more rows gain little. */
#define WHOLE_SLAB 128

size_t lam__gemm_limit(void)
{
    return INT_MAX;
}

static int as_int(size_t n)
{
    assert(n <= INT_MAX);
    return (int)n;
}

/* Rows of C of an unpacked product, a multiple of 8 where 8 fit; 0 where cutting does not pay. */
static size_t unpacked_rows(size_t n, size_t k)
{
    if (!lam__blas_multiplies_unpacked() || n == 0 || k == 0 || n > UNPACKED_LIMIT / k)
        return 0;
    const size_t rows = UNPACKED_LIMIT / (n * k);
    return rows >= 8 ? rows & ~(size_t)7 : rows >= LEAST_SLAB ? rows : 0;
}

static size_t at_most(size_t rows, size_t limit)
{
    return rows < limit ? rows : limit > 0 ? limit : 1;
}

static size_t natural_rows(size_t n, size_t k, size_t limit)
{
    const size_t rows = unpacked_rows(n, k);
    return at_most(rows > 0 ? rows : WHOLE_SLAB, limit);
}

size_t lam__gemm_rows_nn(size_t n, size_t k, size_t limit)
{
    return natural_rows(n, k, limit);
}

size_t lam__gemm_rows_tn(size_t n, size_t k, size_t limit)
{
    return natural_rows(n, k, limit);
}

void lam__gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc)
{
    const size_t slab = unpacked_rows(n, k), height = slab > 0 ? slab : m;
    for (size_t i = 0; i < m; i += height)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans,
                    as_int(m - i < height ? m - i : height), as_int(n), as_int(k), 1.0f,
                    a + i * lda, as_int(lda), b, as_int(ldb), 0.0f, c + i * ldc, as_int(ldc));
}

void lam__gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, as_int(m), as_int(n), as_int(k), 1.0f, a,
                as_int(lda), b, as_int(ldb), 0.0f, c, as_int(ldc));
}

void lam__gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc)
{
    const size_t slab = unpacked_rows(n, k), height = slab > 0 ? slab : m;
    for (size_t i = 0; i < m; i += height)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans,
                    as_int(m - i < height ? m - i : height), as_int(n), as_int(k), 1.0f, a + i,
                    as_int(lda), b, as_int(ldb), 0.0f, c + i * ldc, as_int(ldc));
}

void lam__gemv(size_t n, size_t k, const float *x, const float *b, size_t ldb, float *y)
{
    cblas_sgemv(CblasRowMajor, CblasTrans, as_int(k), as_int(n), 1.0f, b, as_int(ldb), x, 1, 0.0f,
                y, 1);
}
