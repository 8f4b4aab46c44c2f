/* cblas.h: the interface of blas.c, as much of a BLAS as Lamina calls. For a system that has none,
 * such as a second C library on this machine; slow. */
#ifndef LAMINA_TEST_CBLAS_H
#define LAMINA_TEST_CBLAS_H

typedef enum { CblasRowMajor = 101 } CBLAS_ORDER;
typedef enum { CblasNoTrans = 111, CblasTrans = 112 } CBLAS_TRANSPOSE;

/* The BLAS Technical Forum Standard, chapter 2 and appendix B.2; row-major only. */
float cblas_sdot(int n, const float *x, int incx, const float *y, int incy);
void cblas_sscal(int n, float alpha, float *x, int incx);
void cblas_sgemv(CBLAS_ORDER order, CBLAS_TRANSPOSE trans, int m, int n, float alpha,
                 const float *a, int lda, const float *x, int incx, float beta, float *y, int incy);
void cblas_sgemm(CBLAS_ORDER order, CBLAS_TRANSPOSE trans_a, CBLAS_TRANSPOSE trans_b, int m, int n,
                 int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta,
                 float *c, int ldc);

#endif
