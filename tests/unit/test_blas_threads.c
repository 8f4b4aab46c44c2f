/* test_blas_threads.c: the BLAS library's thread count, its buffers, and lam_build_info. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <lamina/status.h>

#include "../support/limits.h"
#include "base/machine/pool.h"
#include "kernels/blas/gemm.h"
#include "kernels/blas/orthogonal.h"
#include "kernels/kernels.h"
#include "kernels/products.h"
#include "lamina_features.h"

extern void openblas_set_num_threads(int threads) __attribute__((weak));
extern int openblas_get_num_threads(void) __attribute__((weak));
extern void *blas_memory_alloc(int unused) __attribute__((weak));
extern void blas_memory_free(void *buffer) __attribute__((weak));

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

Test(blas_threads, the_thread_count_is_one_between_and_put_back_after)
{
    if (!openblas_set_num_threads)
        cr_skip_test("not OpenBLAS");
    for (int threads = 1; threads <= 3; threads++) {
        openblas_set_num_threads(threads);
        const int before = openblas_get_num_threads();
        cr_assert_eq(lam__blas_acquire(), LAM_OK);
        cr_assert_eq(openblas_get_num_threads(), 1);
        cr_assert_eq(lam__blas_acquire(), LAM_OK);
        cr_assert_eq(openblas_get_num_threads(), 1);
        lam__blas_release();
        cr_assert_eq(openblas_get_num_threads(), 1, "one holder is left");
        lam__blas_release();
        cr_assert_eq(openblas_get_num_threads(), before);
    }
}

Test(blas_threads, an_orthogonal_basis_puts_it_back_too)
{
    if (!openblas_set_num_threads || !lam__has_lapack())
        cr_skip_test("not OpenBLAS, or no LAPACK");
    openblas_set_num_threads(2);
    const int before = openblas_get_num_threads();
    float a[6] = {1, 2, 3, 4, 5, 7};
    cr_assert_eq(lam__orthogonalize(a, 2, 3), LAM_OK);
    cr_assert_eq(openblas_get_num_threads(), before);
}

static void *take_and_give_back(void *failures)
{
    for (int i = 0; i < 2000; i++) {
        if (lam__blas_acquire() != LAM_OK) {
            ++*(int *)failures;
            continue;
        }
        if (openblas_get_num_threads && openblas_get_num_threads() != 1)
            ++*(int *)failures;
        lam__blas_release();
    }
    return NULL;
}

Test(blas_threads, several_threads_may_hold_it)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int failures[THREADS] = {0};
    if (openblas_set_num_threads)
        openblas_set_num_threads(2);
    const int before = openblas_get_num_threads ? openblas_get_num_threads() : 0;
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_and_give_back, &failures[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(failures[i], 0);
    }
    if (openblas_get_num_threads)
        cr_assert_eq(openblas_get_num_threads(), before);
}

Test(blas_threads, buffers_can_be_reserved)
{
    cr_assert_eq(lam__blas_acquire(), LAM_OK);
    cr_assert_eq(lam__blas_reserve(1), LAM_OK);
    cr_assert_eq(lam__blas_reserve(3), LAM_OK);
    cr_assert_eq(lam__blas_reserve(3), LAM_OK);
    const float a[4] = {1, 2, 3, 4};
    float c[4];
    lam__gemm_nn(2, 2, 2, a, 2, a, 2, c, 2);
    cr_assert(c[0] == 7 && c[1] == 10 && c[2] == 15 && c[3] == 22);
    lam__blas_release();
}

/* Bytes of address space in use. */
static size_t size_in_use(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu", &pages) != 1)
        cr_skip_test("no /proc/self/statm");
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* As many threads as hold the BLAS may be inside it at once, however few cores there are: then
 * none of them has to make a buffer. */
Test(blas_threads, every_holder_has_a_buffer, .timeout = 60)
{
    enum { HOLDERS = 12 };
    void *buffers[HOLDERS];
    if (!blas_memory_alloc || !blas_memory_free)
        cr_skip_test("needs OpenBLAS");
    for (int i = 0; i < HOLDERS - 2; i++)
        cr_assert_eq(lam__blas_acquire(), LAM_OK);
    cr_assert_eq(lam__blas_reserve(3), LAM_OK); /* the last holder has three threads */
    const size_t before = size_in_use();
    for (int i = 0; i < HOLDERS; i++)
        buffers[i] = blas_memory_alloc(0);
    const size_t after = size_in_use();
    for (int i = 0; i < HOLDERS; i++)
        blas_memory_free(buffers[i]);
    for (int i = 0; i < HOLDERS - 2; i++)
        lam__blas_release();
    cr_assert_lt(after - before, (size_t)16 << 20, "%zu bytes were made late", after - before);
}

/* Two holders with pools of their own may multiply at the same time. */
Test(blas_threads, pools_add_up, .timeout = 60)
{
    enum { POOLS = 2, THREADS = 5, ALONE = 1 };
    void *buffers[POOLS * THREADS + ALONE];
    lam__pool *pools[POOLS];
    const size_t count = sizeof buffers / sizeof *buffers;
    if (!blas_memory_alloc || !blas_memory_free)
        cr_skip_test("needs OpenBLAS");
    for (int i = 0; i < POOLS; i++) {
        cr_assert_eq(lam__blas_acquire(), LAM_OK);
        cr_assert_eq(lam__pool_new(THREADS, &pools[i]), LAM_OK);
        cr_assert_eq(lam__blas_reserve(THREADS), LAM_OK);
    }
    cr_assert_eq(lam__blas_acquire(), LAM_OK); /* and one that comes later, without a pool */
    const size_t before = size_in_use();
    for (size_t i = 0; i < count; i++)
        buffers[i] = blas_memory_alloc(0);
    const size_t after = size_in_use();
    for (size_t i = 0; i < count; i++)
        blas_memory_free(buffers[i]);
    for (int i = 0; i < POOLS; i++) {
        lam__pool_free(pools[i]);
        lam__blas_release();
    }
    lam__blas_release();
    cr_assert_lt(after - before, (size_t)16 << 20, "%zu bytes were made late", after - before);
}

/* Lets the address space grow by no more than `room` bytes from what is in use now. */
static void limit_memory(size_t room)
{
    limit_address_space((rlim_t)size_in_use() + room);
}

/* OpenBLAS by itself waits forever here. */
Test(blas_threads, no_room_for_buffers_is_an_error, .timeout = 60)
{
    if (!blas_memory_alloc || SANITIZED)
        cr_skip_test("needs OpenBLAS and a limit on the address space");
    const int before = openblas_get_num_threads();
    limit_memory((size_t)16 << 20);
    cr_assert_eq(lam__blas_acquire(), LAM_ERR_MEMORY);
    cr_assert_eq(lam_error_status(), LAM_ERR_MEMORY);
    cr_assert_not_null(strstr(lam_error_message(), "the BLAS"));
    cr_assert_eq(openblas_get_num_threads(), before);
}

Test(blas_threads, no_room_for_more_buffers_is_an_error, .timeout = 60)
{
    if (!blas_memory_alloc || SANITIZED)
        cr_skip_test("needs OpenBLAS and a limit on the address space");
    cr_assert_eq(lam__blas_acquire(), LAM_OK);
    limit_memory((size_t)16 << 20);
    cr_assert_eq(lam__blas_reserve(1), LAM_OK, "the first was made on acquiring");
    cr_assert_eq(lam__blas_reserve(8), LAM_ERR_MEMORY);
    lam__blas_release();
}

Test(build_info, known_keys)
{
    const char *blas = lam_build_info("blas");
    cr_assert_not_null(blas);
    cr_assert_gt(strlen(blas), 0);
    if (openblas_get_num_threads)
        cr_assert_eq(strncmp(blas, "OpenBLAS ", 9), 0, "%s", blas);
    cr_assert_str_eq(lam_build_info("instruction_set"), lam__kernels_chosen()->name);
    cr_assert_str_eq(lam_build_info("products"), lam__products_chosen() ? "tiles" : "blas");
    cr_assert_str_eq(lam_build_info("lapack"), LAM__HAVE_LAPACK ? "yes" : "no");
    cr_assert_str_eq(lam_build_info("gzip"), LAM__HAVE_GZIP ? "yes" : "no");
    cr_assert_str_eq(lam_build_info("json"), LAM__HAVE_JSON ? "yes" : "no");
}

Test(build_info, unknown_keys)
{
    cr_assert_null(lam_build_info("weather"));
    cr_assert_null(lam_build_info(""));
    cr_assert_null(lam_build_info(NULL));
}
