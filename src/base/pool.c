/* pool.c: a pool of threads that runs the tasks of a phase, on pthreadpool. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/pool.h"

#include <stdint.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "base/denormals.h"
#include "base/error.h"
#include "base/memory.h"
#include "features.h"

size_t lam__cores(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

static void run_here(size_t count, lam__task task, void *context)
{
    const uint64_t mode = lam__denormals_flush();
    for (size_t i = 0; i < count; i++)
        task(context, i);
    lam__denormals_restore(mode);
}

#if LAM__HAVE_POOL

#include <pthread.h>
#include <pthreadpool.h>

/* More than any machine this is meant for; guards against a mistyped number. */
#define MOST_THREADS 1024

struct lam__pool {
    pthreadpool_t workers;
    size_t threads;
    uint32_t flags;
};

/* ThreadSanitizer does not see what pthreadpool, a system library compiled without it, does to
 * order the tasks after the call and the return after the tasks; tell it. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

#ifdef UNDER_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);

typedef struct region {
    lam__task task;
    void *context;
    char begun, ended; /* addresses only */
} region;

static void run_task(void *context, size_t index)
{
    region *r = context;
    __tsan_acquire(&r->begun);
    r->task(r->context, index);
    __tsan_release(&r->ended);
}

static void run_there(lam__pool *pool, size_t count, lam__task task, void *context)
{
    region r = {task, context, 0, 0};
    __tsan_release(&r.begun);
    pthreadpool_parallelize_1d(pool->workers, run_task, &r, count, pool->flags);
    __tsan_acquire(&r.ended);
}
#else
static void run_there(lam__pool *pool, size_t count, lam__task task, void *context)
{
    pthreadpool_parallelize_1d(pool->workers, task, context, count, pool->flags);
}
#endif

typedef struct rehearsal {
    pthread_mutex_t gate;
} rehearsal;

static void *wait_at_gate(void *argument)
{
    rehearsal *r = argument;
    pthread_mutex_lock(&r->gate);
    pthread_mutex_unlock(&r->gate);
    return NULL;
}

/* pthreadpool_create does not look at what pthread_create returns and then waits for a thread
 * that never started. So start as many first, to hear a refusal in time. */
static lam_status rehearse(size_t threads)
{
    pthread_t *started = lam__allocate(threads, sizeof *started, "threads");
    if (!started)
        return LAM_ERR_MEMORY;
    rehearsal r = {PTHREAD_MUTEX_INITIALIZER};
    size_t count = 0;
    pthread_mutex_lock(&r.gate);
    while (count < threads && pthread_create(&started[count], NULL, wait_at_gate, &r) == 0)
        count++;
    pthread_mutex_unlock(&r.gate);
    for (size_t i = 0; i < count; i++)
        pthread_join(started[i], NULL);
    pthread_mutex_destroy(&r.gate);
    lam__release(started);
    if (count < threads)
        return lam__fail(LAM_ERR_MEMORY, "the system starts %zu threads but not %zu", count + 1,
                         threads + 1);
    return LAM_OK;
}

lam_status lam__pool_new(size_t threads, lam__pool **pool)
{
    *pool = NULL;
    const size_t cores = lam__cores();
    if (threads == 0)
        threads = cores < MOST_THREADS ? cores : MOST_THREADS;
    if (threads > MOST_THREADS)
        return lam__fail(LAM_ERR_ARGUMENT, "%zu threads: at most %d", threads, MOST_THREADS);
    if (threads == 1)
        return LAM_OK;
    LAM__TRY(rehearse(threads - 1));
    lam__pool *made = lam__allocate_zero(1, sizeof *made, "thread pool");
    if (!made)
        return LAM_ERR_MEMORY;
    made->workers = pthreadpool_create(threads);
    if (!made->workers) {
        lam__release(made);
        return lam__fail(LAM_ERR_MEMORY, "out of memory: a pool of %zu threads", threads);
    }
    made->threads = threads;
    made->flags = PTHREADPOOL_FLAG_DISABLE_DENORMALS;
    if (threads > cores) /* a waiting thread that spins would keep a core from one with work */
        made->flags |= PTHREADPOOL_FLAG_YIELD_WORKERS;
    *pool = made;
    return LAM_OK;
}

void lam__pool_run(lam__pool *pool, size_t count, lam__task task, void *context)
{
    if (!pool || count <= 1)
        run_here(count, task, context);
    else
        run_there(pool, count, task, context);
}

size_t lam__pool_threads(const lam__pool *pool)
{
    return pool ? pool->threads : 1;
}

void lam__pool_free(lam__pool *pool)
{
    if (!pool)
        return;
    pthreadpool_destroy(pool->workers);
    lam__release(pool);
}

#else /* built without pthreadpool: everything stays on the caller's thread */

lam_status lam__pool_new(size_t threads, lam__pool **pool)
{
    (void)threads;
    *pool = NULL;
    return LAM_OK;
}

void lam__pool_run(lam__pool *pool, size_t count, lam__task task, void *context)
{
    (void)pool;
    run_here(count, task, context);
}

size_t lam__pool_threads(const lam__pool *pool)
{
    (void)pool;
    return 1;
}

void lam__pool_free(lam__pool *pool)
{
    (void)pool;
}

#endif
