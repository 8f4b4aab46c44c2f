/* blas.c: products by the definition. */
#include <cblas.h>

#include <stddef.h>

float cblas_sdot(int n, const float *x, int incx, const float *y, int incy)
{
    float sum = 0.0f;
    for (ptrdiff_t i = 0; i < n; i++)
        sum += x[i * incx] * y[i * incy];
    return sum;
}

void cblas_sscal(int n, float alpha, float *x, int incx)
{
    for (ptrdiff_t i = 0; i < n; i++)
        x[i * incx] *= alpha;
}

/* What was there counts for nothing where beta is 0, NaN included. */
static void add_to(float *to, float sum, float beta)
{
    *to = beta == 0.0f ? sum : sum + beta * *to;
}

void cblas_sgemv(CBLAS_ORDER order, CBLAS_TRANSPOSE trans, int m, int n, float alpha,
                 const float *a, int lda, const float *x, int incx, float beta, float *y, int incy)
{
    const int turned = trans == CblasTrans, rows = turned ? n : m, cols = turned ? m : n;
    (void)order;
    for (ptrdiff_t i = 0; i < rows; i++)
        add_to(&y[i * incy],
               alpha * cblas_sdot(cols, turned ? a + i : a + i * lda, turned ? lda : 1, x, incx),
               beta);
}

void cblas_sgemm(CBLAS_ORDER order, CBLAS_TRANSPOSE trans_a, CBLAS_TRANSPOSE trans_b, int m, int n,
                 int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta,
                 float *c, int ldc)
{
    const int a_turned = trans_a == CblasTrans, b_turned = trans_b == CblasTrans;
    (void)order;
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < n; j++)
            add_to(&c[i * ldc + j],
                   alpha * cblas_sdot(k, a_turned ? a + i : a + i * lda, a_turned ? lda : 1,
                                      b_turned ? b + j * ldb : b + j, b_turned ? 1 : ldb),
                   beta);
}
