/* test_gemm.c: the three products against sums in double, what they touch, and repeatable bits. */
#include <criterion/criterion.h>

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/philox.h"
#include "kernels/blas/gemm.h"

typedef void product(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                     size_t ldb, float *c, size_t ldc);

/* Which of A and B a form keeps transposed; C is [m][n]. */
typedef struct form {
    const char *name;
    product *run;
    bool a_transposed, b_transposed;
} form;

static const form forms[] = {{"nn", lam__gemm_nn, false, false},
                             {"nt", lam__gemm_nt, false, true},
                             {"tn", lam__gemm_tn, true, false}};

typedef struct matrix {
    size_t rows, cols, ld;
    float *data; /* [rows][ld]; between the rows NaN, so that what is read there shows */
} matrix;

static lam__stream numbers;

static float number(void)
{
    return (float)(lam__next_uniform(&numbers) * 2 - 1);
}

static matrix make(size_t rows, size_t cols, size_t gap, bool fill)
{
    matrix a = {rows, cols, cols + gap, malloc(rows * (cols + gap) * sizeof(float))};
    cr_assert_not_null(a.data);
    for (size_t i = 0; i < rows * a.ld; i++)
        a.data[i] = fill && i % a.ld < cols ? number() : NAN;
    return a;
}

/* sum over q of A(i, q) B(q, j), and in *size the sum of the absolute values. */
static double element(const form *f, const matrix *a, const matrix *b, size_t k, size_t i, size_t j,
                      double *size)
{
    double sum = 0;
    *size = 0;
    for (size_t q = 0; q < k; q++) {
        const double x = a->data[f->a_transposed ? q * a->ld + i : i * a->ld + q];
        const double y = b->data[f->b_transposed ? j * b->ld + q : q * b->ld + j];
        sum += x * y;
        *size += fabs(x * y);
    }
    return sum;
}

/* Any order of the sum, fused or not, stays within k roundings of the exact one; Higham, Accuracy
 * and Stability of Numerical Algorithms, section 3.1. */
static void expect_near(const form *f, const matrix *a, const matrix *b, const matrix *c, size_t k)
{
    for (size_t i = 0; i < c->rows; i++)
        for (size_t j = 0; j < c->ld; j++) {
            const double got = c->data[i * c->ld + j];
            if (j >= c->cols) {
                cr_assert(isnan(got), "%s wrote beside row %zu", f->name, i);
                continue;
            }
            double size;
            const double exact = element(f, a, b, k, i, j, &size);
            const double bound = (double)(k + 1) * FLT_EPSILON / 2 * size + (double)FLT_MIN;
            cr_assert(fabs(got - exact) <= bound, "%s %zu x %zu x %zu: [%zu][%zu] is %g, not %g",
                      f->name, c->rows, c->cols, k, i, j, got, exact);
        }
}

static void check(const form *f, size_t m, size_t n, size_t k, size_t gap)
{
    matrix a = f->a_transposed ? make(k, m, gap, true) : make(m, k, gap, true);
    matrix b = f->b_transposed ? make(n, k, 2 * gap, true) : make(k, n, 2 * gap, true);
    matrix c = make(m, n, 3 * gap, false), again = make(m, n, 3 * gap, false);
    f->run(m, n, k, a.data, a.ld, b.data, b.ld, c.data, c.ld);
    expect_near(f, &a, &b, &c, k);
    f->run(m, n, k, a.data, a.ld, b.data, b.ld, again.data, again.ld);
    for (size_t i = 0; i < m; i++)
        cr_assert_arr_eq(c.data + i * c.ld, again.data + i * c.ld, n * sizeof(float));
    free(a.data);
    free(b.data);
    free(c.data);
    free(again.data);
}

static void set_up(void)
{
    numbers = lam__stream_open(lam__derive_key(1, LAM__FOR_TOY, 0), 0);
    cr_assert_eq(lam__blas_acquire(), LAM_OK);
}

static void tear_down(void)
{
    lam__blas_release();
}

TestSuite(gemm, .init = set_up, .fini = tear_down, .timeout = 300);

Test(gemm, products_over_many_shapes)
{
    static const size_t ms[] = {1, 2, 3, 7, 8, 9, 16, 17, 31, 50, 65};
    static const size_t ns[] = {1, 2, 10, 15, 33, 64}, ks[] = {1, 2, 5, 31, 32, 64, 100};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        for (size_t i = 0; i < sizeof ms / sizeof *ms; i++)
            for (size_t j = 0; j < sizeof ns / sizeof *ns; j++)
                for (size_t q = 0; q < sizeof ks / sizeof *ks; q++)
                    check(&forms[f], ms[i], ns[j], ks[q], (i + j + q) % 3);
}

/* Shapes around the limits at which gemm.c cuts: slabs of 2, 4, 6, 8 and more rows, and none. */
Test(gemm, products_that_are_cut)
{
    static const size_t shapes[][3] = {
        {128, 128, 128}, {130, 128, 784}, {57, 128, 128},  {63, 200, 600},  {37, 256, 600},
        {64, 256, 256},  {33, 512, 256},  {25, 500, 500},  {50, 600, 64},   {40, 64, 256},
        {128, 10, 784},  {1, 784, 784},   {5, 1000, 1000}, {3, 1001, 1000}, {200, 33, 300},
        {786, 16, 128},  {129, 1200, 40}, {4, 1201, 40},   {20, 100, 31},   {100, 100, 100},
        {101, 100, 100}};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            check(&forms[f], shapes[s][0], shapes[s][1], shapes[s][2], s % 2 * 5);
}

Test(gemm, an_empty_sum_is_zero)
{
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        float a[4] = {1, 2, 3, 4}, c[4] = {NAN, NAN, NAN, NAN};
        forms[f].run(2, 2, 0, a, 2, a, 2, c, 2);
        for (int i = 0; i < 4; i++)
            cr_assert_eq(c[i], 0);
        forms[f].run(0, 2, 2, a, 2, a, 2, c, 2);
    }
}

Test(gemm, not_a_number_and_infinity_pass_through)
{
    float a[2][3] = {{1, 2, 3}, {4, 5, 6}}, b[3][2] = {{1, 0}, {0, 1}, {1, 1}}, c[2][2];
    a[0][1] = NAN;
    b[2][0] = INFINITY;
    lam__gemm_nn(2, 2, 3, a[0], 3, b[0], 2, c[0], 2);
    cr_assert(isnan(c[0][0]) && isnan(c[0][1]));
    cr_assert(isinf(c[1][0]));
    cr_assert_eq(c[1][1], 11);
}

Test(gemm, one_row)
{
    static const size_t ns[] = {1, 2, 3, 10, 17, 64, 100, 128, 515}, ks[] = {1, 2, 5, 31, 128, 784};
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
        for (size_t q = 0; q < sizeof ks / sizeof *ks; q++) {
            matrix x = make(1, ks[q], 0, true), b = make(ks[q], ns[i], q % 3, true);
            matrix y = make(1, ns[i], 4, false);
            lam__gemv(ns[i], ks[q], x.data, b.data, b.ld, y.data);
            expect_near(&forms[0], &x, &b, &y, ks[q]);
            free(x.data);
            free(b.data);
            free(y.data);
        }
    float x = 1, y[3] = {NAN, NAN, NAN};
    lam__gemv(3, 0, &x, &x, 3, y);
    cr_assert(y[0] == 0 && y[1] == 0 && y[2] == 0);
}

/* Memory of some floats with a page that may not be touched right behind it, or right before. */
typedef struct guarded {
    unsigned char *map;
    size_t size;
    float *data;
} guarded;

static guarded guard(size_t floats, bool behind)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t bytes = floats * sizeof(float), inner = (bytes + page - 1) / page * page;
    guarded g = {.size = inner + 2 * page};
    g.map = mmap(NULL, g.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(g.map, MAP_FAILED);
    cr_assert_eq(mprotect(g.map + page, inner, PROT_READ | PROT_WRITE), 0);
    g.data = (float *)(void *)(g.map + page + (behind ? inner - bytes : 0));
    return g;
}

static void unguard(guarded *g)
{
    munmap(g->map, g->size);
}

/* [rows][ld] with nothing after the last element of the last row. */
static size_t extent(size_t rows, size_t cols, size_t ld)
{
    return (rows - 1) * ld + cols;
}

static void check_guarded(const form *f, size_t m, size_t n, size_t k, size_t gap, bool behind)
{
    const size_t a_rows = f->a_transposed ? k : m, a_cols = f->a_transposed ? m : k;
    const size_t b_rows = f->b_transposed ? n : k, b_cols = f->b_transposed ? k : n;
    guarded a = guard(extent(a_rows, a_cols, a_cols + gap), behind);
    guarded b = guard(extent(b_rows, b_cols, b_cols + gap), behind);
    guarded c = guard(extent(m, n, n + gap), behind);
    f->run(m, n, k, a.data, a_cols + gap, b.data, b_cols + gap, c.data, n + gap);
    unguard(&a);
    unguard(&b);
    unguard(&c);
}

Test(gemm, nothing_outside_is_touched)
{
    static const size_t ms[] = {1, 2, 5, 8, 16, 19, 65, 130}, ns[] = {1, 3, 10, 16, 33, 128},
                        ks[] = {1, 3, 10, 32, 100, 128, 784};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        for (size_t i = 0; i < sizeof ms / sizeof *ms; i++)
            for (size_t j = 0; j < sizeof ns / sizeof *ns; j++)
                for (size_t q = 0; q < sizeof ks / sizeof *ks; q++) {
                    check_guarded(&forms[f], ms[i], ns[j], ks[q], 0, true);
                    check_guarded(&forms[f], ms[i], ns[j], ks[q], 3, (i + j + q) % 2 == 0);
                }
}

static void check_row_guarded(size_t n, size_t k, size_t ldb, bool behind)
{
    guarded x = guard(k, behind), b = guard(extent(k, n, ldb), behind), y = guard(n, behind);
    lam__gemv(n, k, x.data, b.data, ldb, y.data);
    unguard(&x);
    unguard(&b);
    unguard(&y);
}

Test(gemm, one_row_touches_nothing_outside)
{
    for (size_t n = 1; n <= 140; n += n < 70 ? 1 : 7)
        for (size_t k = 1; k <= 140; k += k < 40 ? 1 : 13) {
            check_row_guarded(n, k, n, true);
            check_row_guarded(n, k, n + 5, true);
            check_row_guarded(n, k, n, false);
        }
    check_row_guarded(128, 784, 128, true);
    check_row_guarded(1000, 2000, 1000, true); /* beyond what the BLAS keeps on its stack */
}

Test(gemm, natural_heights_are_within_the_limit_and_repeatable)
{
    static const size_t sizes[] = {1, 2, 10, 64, 128, 500, 784, 4096, 100000};
    const size_t count = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < 2 * count; i++)
        for (size_t j = 0; j < count; j++)
            for (size_t limit = 1; limit < 300; limit += 37) {
                const bool unpacked = i >= count;
                const size_t n = sizes[i % count], k = sizes[j];
                const size_t nn = lam__gemm_rows_nn(unpacked, n, k, limit);
                const size_t tn = lam__gemm_rows_tn(unpacked, n, k, limit);
                cr_assert(nn >= 1 && nn <= limit && tn >= 1 && tn <= limit);
                cr_assert_eq(nn, lam__gemm_rows_nn(unpacked, n, k, limit));
                cr_assert_eq(tn, lam__gemm_rows_tn(unpacked, n, k, limit));
            }
    cr_assert_geq(lam__gemm_rows_nn(true, 128, 784, 0), 1);
    cr_assert_geq(lam__gemm_limit(), (size_t)INT16_MAX);
    cr_assert_leq(lam__gemm_limit(), (size_t)INT_MAX);
}
