/* test_orthogonal.c: orthonormal bases by LAPACK. */
#include <criterion/criterion.h>

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "kernels/blas/orthogonal.h"

static float *normal_deviates(size_t rows, size_t cols, uint64_t seed)
{
    float *a = malloc(rows * cols * sizeof *a);
    cr_assert_not_null(a);
    lam__stream stream = lam__stream_open(lam__derive_key(seed, LAM__FOR_INITIAL, 0), 0);
    for (size_t i = 0; i < rows * cols; i++)
        a[i] = (float)lam__next_normal(&stream);
    return a;
}

/* The vectors of a basis: rows when rows <= cols, else columns; `next` floats from one to the next,
 * `step` floats from element to element. */
typedef struct basis {
    const float *a;
    size_t count, length, next, step;
} basis;

static basis view(const float *a, size_t rows, size_t cols)
{
    return rows <= cols ? (basis){a, rows, cols, cols, 1} : (basis){a, cols, rows, 1, cols};
}

static double dot(const basis *p, size_t i, const basis *q, size_t j)
{
    double sum = 0;
    for (size_t e = 0; e < p->length; e++)
        sum += (double)p->a[i * p->next + e * p->step] * q->a[j * q->next + e * q->step];
    return sum;
}

static void expect_orthonormal(const float *a, size_t rows, size_t cols)
{
    const basis q = view(a, rows, cols);
    for (size_t i = 0; i < q.count; i++)
        for (size_t j = 0; j <= i; j++)
            cr_assert_lt(fabs(dot(&q, i, &q, j) - (i == j)), 4e-6, "%zu x %zu: vectors %zu and %zu",
                         rows, cols, i, j);
}

/* The factorization: input vector j = sum over i of R(i, j) q_i with R upper triangular, and a
 * positive diagonal. */
static void expect_factor(const float *before, const float *after, size_t rows, size_t cols)
{
    const basis a = view(before, rows, cols), q = view(after, rows, cols);
    for (size_t j = 0; j < q.count; j++) {
        const double size = sqrt(dot(&a, j, &a, j));
        cr_assert_gt(dot(&q, j, &a, j), 0, "%zu x %zu: the diagonal of R at %zu", rows, cols, j);
        for (size_t i = j + 1; i < q.count; i++)
            cr_assert_lt(fabs(dot(&q, i, &a, j)), 1e-5 * size, "%zu x %zu: R at %zu, %zu", rows,
                         cols, i, j);
    }
}

Test(orthogonal, bases_of_every_shape)
{
    if (!lam__has_lapack())
        cr_skip_test("built without LAPACK");
    static const size_t shapes[][2] = {{1, 1},    {1, 5},     {5, 1},    {2, 2},   {3, 4},
                                       {4, 3},    {16, 16},   {33, 65},  {65, 33}, {128, 10},
                                       {10, 128}, {150, 150}, {300, 128}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const size_t rows = shapes[s][0], cols = shapes[s][1];
        float *a = normal_deviates(rows, cols, s), *before = normal_deviates(rows, cols, s);
        cr_assert_eq(lam__orthogonalize(a, rows, cols), LAM_OK);
        expect_orthonormal(a, rows, cols);
        expect_factor(before, a, rows, cols);
        cr_assert_eq(lam__orthogonalize(before, rows, cols), LAM_OK);
        cr_assert_arr_eq(a, before, rows * cols * sizeof *a, "the same bits again");
        free(a);
        free(before);
    }
}

Test(orthogonal, dependent_vectors_still_give_a_basis)
{
    if (!lam__has_lapack())
        cr_skip_test("built without LAPACK");
    float a[4][3] = {{1, 2, 3}, {1, 2, 3}, {0, 0, 0}, {2, 4, 6}};
    cr_assert_eq(lam__orthogonalize(a[0], 4, 3), LAM_OK);
    expect_orthonormal(a[0], 4, 3);
}

/* Uniform over rotations and reflections: without the signs of R the diagonal of a Householder Q
 * leans to one side. */
Test(orthogonal, directions_are_even)
{
    if (!lam__has_lapack())
        cr_skip_test("built without LAPACK");
    enum { N = 4000 };
    double sum[3] = {0};
    for (uint64_t i = 0; i < N; i++) {
        float *a = normal_deviates(3, 3, 1000 + i);
        cr_assert_eq(lam__orthogonalize(a, 3, 3), LAM_OK);
        for (size_t d = 0; d < 3; d++)
            sum[d] += a[d * 3 + d];
        free(a);
    }
    for (size_t d = 0; d < 3; d++) /* an element has variance 1/3 */
        cr_assert_lt(fabs(sum[d] / N), 5 * sqrt(1.0 / 3 / N), "diagonal element %zu", d);
}

Test(orthogonal, nothing_and_too_much)
{
    if (!lam__has_lapack())
        cr_skip_test("built without LAPACK");
    float a = 3;
    cr_assert_eq(lam__orthogonalize(&a, 0, 5), LAM_OK);
    cr_assert_eq(lam__orthogonalize(&a, 5, 0), LAM_OK);
    cr_assert_eq(a, 3);
    cr_assert_eq(lam__orthogonalize(&a, (size_t)INT_MAX + 1, 1), LAM_ERR_SHAPE);
    cr_assert_eq(lam__orthogonalize(&a, 1, 1), LAM_OK);
    cr_assert_eq(a, 1);
}

static void *refuse(size_t size, size_t alignment, void *user)
{
    (void)size, (void)alignment, (void)user;
    return NULL;
}

static void ignore(void *pointer, void *user)
{
    (void)pointer, (void)user;
}

Test(orthogonal, exhausted_memory_is_reported)
{
    if (!lam__has_lapack())
        cr_skip_test("built without LAPACK");
    float a[4] = {1, 2, 3, 4};
    const float before[4] = {1, 2, 3, 4};
    lam_set_allocator(&(lam_allocator){refuse, ignore, NULL});
    cr_assert_eq(lam__orthogonalize(a, 2, 2), LAM_ERR_MEMORY);
    cr_assert_arr_eq(a, before, sizeof a);
    lam_set_allocator(NULL);
}

Test(orthogonal, without_lapack_it_says_so)
{
    if (lam__has_lapack())
        cr_skip_test("built with LAPACK");
    float a[4] = {1, 2, 3, 4};
    cr_assert_eq(lam__orthogonalize(a, 2, 2), LAM_ERR_UNSUPPORTED);
    cr_assert_not_null(strstr(lam_error_message(), "LAPACK"));
}
