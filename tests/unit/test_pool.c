/* test_pool.c: the thread pool, and the flushing of denormals. */
#include <criterion/criterion.h>

#include <float.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../support/limits.h"
#include "base/error.h"
#include "base/machine/denormals.h"
#include "base/machine/pool.h"
#include "base/memory.h"
#include "lamina_features.h"

#if defined(__SSE2__) || defined(__aarch64__)
#define FLUSHES 1
#else
#define FLUSHES 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Whether this thread flushes denormal results, and takes denormal operands as zero. */
static bool flushes_now(void)
{
    volatile float least = FLT_MIN, denormal = 1e-40f;
    volatile float result = least * 0.5f, operand = denormal * 1e20f;
    return result == 0 && operand == 0;
}

Test(denormals, flushed_and_put_back)
{
    cr_assert_not(flushes_now());
    const uint64_t mode = lam__denormals_flush();
    cr_assert_eq(flushes_now(), FLUSHES);
    const uint64_t inner = lam__denormals_flush();
    lam__denormals_restore(inner);
    cr_assert_eq(flushes_now(), FLUSHES, "an inner pair keeps the outer mode");
    lam__denormals_restore(mode);
    cr_assert_not(flushes_now());
}

typedef struct work {
    atomic_int *done;   /* [count]: times task i ran */
    atomic_int flushed; /* tasks that saw denormals flushed */
    double *result;     /* [count] */
} work;

static void task(void *context, size_t i)
{
    work *w = context;
    atomic_fetch_add(&w->done[i], 1);
    atomic_fetch_add(&w->flushed, flushes_now());
    double sum = 0; /* work of uneven length */
    for (size_t k = 0; k <= i % 50 * 20; k++)
        sum += (double)(i + k) * 0.5;
    w->result[i] = sum;
}

static void run_and_check(lam__pool *pool, size_t count)
{
    work w = {.done = calloc(count + 1, sizeof *w.done),
              .result = calloc(count + 1, sizeof(double))};
    work alone = {.done = calloc(count + 1, sizeof *w.done),
                  .result = calloc(count + 1, sizeof(double))};
    cr_assert(w.done && w.result && alone.done && alone.result);
    for (size_t i = 0; i < count; i++)
        task(&alone, i);
    lam__pool_run(pool, count, task, &w);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(w.done[i], 1, "task %zu of %zu ran %d times", i, count, w.done[i]);
        cr_assert_eq(w.result[i], alone.result[i]);
    }
    cr_assert_eq((size_t)w.flushed, FLUSHES ? count : 0);
    cr_assert_not(flushes_now(), "the caller's mode is as before");
    free(w.done);
    free(w.result);
    free(alone.done);
    free(alone.result);
}

Test(pool, one_thread_is_no_pool)
{
    lam__pool *pool = (lam__pool *)&pool;
    cr_assert_eq(lam__pool_new(1, &pool), LAM_OK);
    cr_assert_null(pool);
    cr_assert_eq(lam__pool_threads(NULL), 1);
    run_and_check(NULL, 0);
    run_and_check(NULL, 1);
    run_and_check(NULL, 1000);
    lam__pool_free(NULL);
}

static void note_order(void *context, size_t i)
{
    size_t *next = context;
    cr_assert_eq(i, *next);
    ++*next;
}

Test(pool, without_threads_tasks_run_in_order)
{
    size_t next = 0;
    lam__pool_run(NULL, 100, note_order, &next);
    cr_assert_eq(next, 100);
}

Test(pool, every_task_runs_once_whatever_the_threads)
{
    for (size_t threads = 2; threads <= 9; threads++) {
        lam__pool *pool = NULL;
        cr_assert_eq(lam__pool_new(threads, &pool), LAM_OK);
        cr_assert_eq(lam__pool_threads(pool), threads);
        static const size_t counts[] = {0, 1, 2, 3, 8, 100, 1001};
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int repeat = 0; repeat < 3; repeat++)
                run_and_check(pool, counts[c]);
        lam__pool_free(pool);
    }
}

/* Shares of the caller's choice, empty ones and all in one among them. */
Test(pool, chosen_shares)
{
    static const size_t shares[][4] = {
        {0, 0, 0, 40}, {0, 40, 40, 40}, {0, 3, 4, 40}, {0, 0, 40, 40}};
    lam__pool *pool = NULL;
    cr_assert_eq(lam__pool_new(3, &pool), LAM_OK);
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++)
        for (int repeat = 0; repeat < 100; repeat++) {
            atomic_int done[40] = {0};
            double result[40];
            work w = {.done = done, .result = result};
            lam__pool_run_shares(pool, 40, shares[s], task, &w);
            for (size_t i = 0; i < 40; i++)
                cr_assert_eq(done[i], 1, "shares %zu: task %zu ran %d times", s, i, done[i]);
        }
    lam__pool_free(pool);
}

/* Task 0 waits for all others, so that whoever has it cannot do the rest of its share. Where nobody
 * else does it, the limit of the whole program ends the test. */
static void wait_for_others(void *context, size_t i)
{
    enum { OTHERS = 99 };
    atomic_int *done = context;
    if (i > 0)
        atomic_fetch_add(done, 1);
    while (i == 0 && atomic_load(done) < OTHERS)
        continue;
}

Test(pool, a_held_up_thread_holds_up_one_task)
{
    for (size_t threads = 2; threads <= 4; threads++) {
        lam__pool *pool = NULL;
        cr_assert_eq(lam__pool_new(threads, &pool), LAM_OK);
        atomic_int done = 0;
        lam__pool_run(pool, 100, wait_for_others, &done);
        cr_assert_eq(atomic_load(&done), 99);
        lam__pool_free(pool);
    }
}

static void count_task(void *context, size_t i)
{
    atomic_size_t *sum = context;
    atomic_fetch_add(sum, i + 1);
}

/* A worker still looks for tasks of one region when the next ones begin. */
Test(pool, regions_follow_each_other)
{
    for (size_t threads = 2; threads <= 5; threads++) {
        lam__pool *pool = NULL;
        cr_assert_eq(lam__pool_new(threads, &pool), LAM_OK);
        for (size_t region = 0; region < 3000; region++) {
            const size_t count = 2 + region * 7 % 9;
            atomic_size_t sum = 0;
            lam__pool_run(pool, count, count_task, &sum);
            cr_assert_eq(atomic_load(&sum), count * (count + 1) / 2, "%zu threads, region %zu",
                         threads, region);
        }
        lam__pool_free(pool);
    }
}

Test(pool, zero_means_a_thread_a_core)
{
    cr_assert_geq(lam__cores(), 1);
    lam__pool *pool = NULL;
    cr_assert_eq(lam__pool_new(0, &pool), LAM_OK);
    cr_assert_eq(lam__pool_threads(pool), lam__cores());
    run_and_check(pool, 100);
    lam__pool_free(pool);
}

typedef struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t all_here;
    int here, expected;
} meeting;

static void meet(void *context, size_t i)
{
    (void)i;
    meeting *m = context;
    pthread_mutex_lock(&m->mutex);
    if (++m->here == m->expected)
        pthread_cond_broadcast(&m->all_here);
    while (m->here < m->expected)
        pthread_cond_wait(&m->all_here, &m->mutex);
    pthread_mutex_unlock(&m->mutex);
}

/* Tasks that wait for each other finish only when each has a thread. */
Test(pool, the_threads_really_run_together, .timeout = 60)
{
    lam__pool *pool = NULL;
    cr_assert_eq(lam__pool_new(4, &pool), LAM_OK);
    meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 4};
    lam__pool_run(pool, 4, meet, &m);
    cr_assert_eq(m.here, 4);
    lam__pool_free(pool);
}

Test(pool, too_many_threads_are_refused)
{
    lam__pool *pool = NULL;
    cr_assert_eq(lam__pool_new(1000000, &pool), LAM_ERR_ARGUMENT);
    cr_assert_null(pool);
    cr_assert_not_null(strstr(lam_error_message(), "1000000"));
}

/* And nothing is left behind. */
Test(pool, threads_the_system_refuses_are_an_error, .timeout = 60)
{
    struct rlimit stack;
    cr_assert_eq(getrlimit(RLIMIT_STACK, &stack), 0);
    if (SANITIZED || stack.rlim_cur < (rlim_t)8 << 20)
        cr_skip_test("needs threads with stacks of 8 MB and a limit on the address space");
    limit_address_space((rlim_t)2 << 30); /* 512 such stacks do not fit */
    lam__pool *pool = NULL;
    cr_assert_eq(lam__pool_new(512, &pool), LAM_ERR_MEMORY);
    cr_assert_null(pool);
    cr_assert_not_null(strstr(lam_error_message(), "512"));
    cr_assert_eq(lam__pool_new(2, &pool), LAM_OK, "fewer can still be had");
    run_and_check(pool, 100);
    lam__pool_free(pool);
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

Test(pool, exhausted_memory_is_reported)
{
    lam_set_allocator(&(lam_allocator){refuse, ignore, NULL});
    lam__pool *pool = NULL;
    cr_assert_eq(lam__pool_new(2, &pool), LAM_ERR_MEMORY);
    cr_assert_null(pool);
    lam_set_allocator(NULL);
}
