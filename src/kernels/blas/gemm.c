/* gemm.c: the three matrix products of a dense layer, cut to suit the core. */
#include "kernels/blas/gemm.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <cblas.h>

#include "kernels/blas/blas_threads.h"

/* On its AVX-512 cores OpenBLAS multiplies small matrices in place, without packing the operands
 * first, at up to 95% of the peak; then slabs of C's rows, one call each, beat one large call.
 * Elsewhere every call packs, and one call packs least. The limits of that path are those of
 * kernel/x86_64/sgemm_small_kernel_permit_skylakex.c, the other numbers were measured with
 * OpenBLAS 0.3.21 on one core of Zen 4 (GFLOPS):
 *
 *   nn, 128 x 128 x 784   slabs of 4: 117, 8: 118, 16: 83, 64: 99, whole: 103
 *   tn, 784 x 512 x 128   slabs of 8: 112, 16: 76, whole: 104
 *   tn, 128 x 512 x 256   slabs of 4: 93, 6: 116, 7: 96, whole: 103
 *   nt, rows x 128 x 128  slabs of 8: 97, whole 16: 66, 32: 80, 64: 91, 128: 97
 *   nt, rows x 64 x 64    slabs of 16: 81, whole 32: 75, 64: 85 */
enum {
    UNPACKED_PRODUCT = 1000000, /* the largest m n k */
    UNPACKED_NT_RESULT = 1200,  /* nt: the largest m n */
    UNPACKED_NT_DEPTH = 32,     /* nt: the least k */
    UNPACKED_NN_LANES = 16,     /* nn: columns at a time */
    UNPACKED_NN_FEW = 8,        /* nn: the most columns left over for which */
    UNPACKED_NN_DEPTH = 32,     /* nn: products of at least this k allocate, see slab_nn_of */
    FEW_DEPTH = 256,            /* k of a piece of such columns */
    WHOLE_ROWS = 128            /* more rows than this gain a packing call little */
};

size_t lam__gemm_limit(void)
{
    return INT_MAX;
}

static int as_int(size_t n)
{
    assert(n <= INT_MAX);
    return (int)n;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The rows of C that fit an unpacked product, 0 where the core has none. */
static size_t rows_that_fit(bool unpacked, size_t n, size_t k)
{
    if (!unpacked || n == 0 || k == 0 || n > UNPACKED_PRODUCT / k)
        return 0;
    return UNPACKED_PRODUCT / (n * k);
}

/* The kernels work on pairs and octets of rows. */
static size_t even_rows(size_t rows)
{
    return rows >= 8 ? rows & ~(size_t)7 : rows & ~(size_t)1;
}

/* The height of slabs for each form, 0 for one whole call. */
static size_t slab_nn(bool unpacked, size_t n, size_t k)
{
    const size_t rows = even_rows(rows_that_fit(unpacked, n, k));
    return rows >= 4 ? rows : 0;
}

static size_t slab_tn(bool unpacked, size_t n, size_t k)
{
    const size_t rows = even_rows(rows_that_fit(unpacked, n, k));
    return rows >= 6 ? rows : 0;
}

static size_t slab_nt(size_t m, size_t n, size_t k)
{
    if (k < UNPACKED_NT_DEPTH || n == 0)
        return 0;
    const size_t rows = even_rows(
        least(rows_that_fit(lam__blas_multiplies_unpacked(), n, k), UNPACKED_NT_RESULT / n));
    if (rows < 2)
        return 0;
    /* The rows at which a packing call catches up. */
    const size_t enough = k < 64 ? 0 : k < 128 ? 48 : rows < 4 ? 64 : k < 256 ? 128 : SIZE_MAX;
    return m < enough ? rows : 0;
}

/* Equal shares of m rows, none larger than `most`, multiples of 8 where they may be. */
static size_t share(size_t m, size_t most)
{
    if (most == 0 || m <= most)
        return m;
    const size_t slabs = (m + most - 1) / most, rows = (m + slabs - 1) / slabs;
    return most >= 8 ? (rows + 7) & ~(size_t)7 : most;
}

size_t lam__gemm_rows_nn(bool unpacked, size_t n, size_t k, size_t limit)
{
    const size_t slab = slab_nn(unpacked, n, k), rows = least(slab > 0 ? slab : WHOLE_ROWS, limit);
    return rows > 0 ? rows : 1;
}

size_t lam__gemm_rows_tn(bool unpacked, size_t n, size_t k, size_t limit)
{
    const size_t slab = slab_tn(unpacked, n, k), rows = least(slab > 0 ? slab : WHOLE_ROWS, limit);
    return rows > 0 ? rows : 1;
}

static void call_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                    size_t ldb, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, as_int(m), as_int(n), as_int(k), 1.0f, a,
                as_int(lda), b, as_int(ldb), 0.0f, c, as_int(ldc));
}

static void call_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                    size_t ldb, float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, as_int(m), as_int(n), as_int(k), 1.0f, a,
                as_int(lda), b, as_int(ldb), beta, c, as_int(ldc));
}

/* C[m][n] = A[m][k] B[k][n] for few columns: by the transpose of B, piece by piece of k. */
static void few_columns(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                        size_t ldb, float *c, size_t ldc)
{
    float piece[UNPACKED_NN_FEW * FEW_DEPTH]; /* [n][depth] */
    for (size_t first = 0; first < k; first += FEW_DEPTH) {
        const size_t depth = least(FEW_DEPTH, k - first);
        for (size_t i = 0; i < depth; i++)
            for (size_t j = 0; j < n; j++)
                piece[j * depth + i] = b[(first + i) * ldb + j];
        call_nt(m, n, depth, a + first, lda, piece, depth, first == 0 ? 0.0f : 1.0f, c, ldc);
    }
}

/* A slab that is one call, but for 1 to 8 columns left over of an unpacked product: for them
 * sgemm_small_kernel_nn_skylakex.c would take memory from malloc at every call. */
static void slab_nn_of(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                       size_t ldb, float *c, size_t ldc)
{
    const size_t left = n % UNPACKED_NN_LANES, body = n - left;
    if (left == 0 || left > UNPACKED_NN_FEW || k < UNPACKED_NN_DEPTH ||
        m > rows_that_fit(lam__blas_multiplies_unpacked(), n, k)) {
        call_nn(m, n, k, a, lda, b, ldb, c, ldc);
        return;
    }
    if (body > 0)
        call_nn(m, body, k, a, lda, b, ldb, c, ldc);
    few_columns(m, left, k, a, lda, b + body, ldb, c + body, ldc);
}

void lam__gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc)
{
    const size_t height = share(m, slab_nn(lam__blas_multiplies_unpacked(), n, k));
    for (size_t i = 0; i < m; i += height)
        slab_nn_of(least(height, m - i), n, k, a + i * lda, lda, b, ldb, c + i * ldc, ldc);
}

void lam__gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc)
{
    const size_t height = share(m, slab_nt(m, n, k));
    for (size_t i = 0; i < m; i += height)
        call_nt(least(height, m - i), n, k, a + i * lda, lda, b, ldb, 0.0f, c + i * ldc, ldc);
}

void lam__gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc)
{
    const size_t height = share(m, slab_tn(lam__blas_multiplies_unpacked(), n, k));
    for (size_t i = 0; i < m; i += height)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, as_int(least(height, m - i)),
                    as_int(n), as_int(k), 1.0f, a + i, as_int(lda), b, as_int(ldb), 0.0f,
                    c + i * ldc, as_int(ldc));
}

void lam__gemv(size_t n, size_t k, const float *x, const float *b, size_t ldb, float *y)
{
    /* Some versions scale y by 0 rather than clear it, which leaves a NaN one. */
    memset(y, 0, n * sizeof *y);
    cblas_sgemv(CblasRowMajor, CblasTrans, as_int(k), as_int(n), 1.0f, b, as_int(ldb), x, 1, 0.0f,
                y, 1);
}
