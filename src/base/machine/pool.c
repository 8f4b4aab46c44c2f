/* pool.c: a pool of threads that runs the tasks of a phase.
 *
 * The thread that calls takes part, and tasks are claimed one by one: a worker that the system has
 * put aside delays no one unless it was in the middle of a task. Waiting threads spin for some tens
 * of microseconds, about the pause between two phases, and then sleep. Both matter on a machine
 * that has other work too: docs/design.md has what a pool with long spinning costs there. */
#include "base/machine/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include "base/error.h"
#include "base/fork.h"
#include "base/machine/denormals.h"
#include "base/memory.h"

/* Rounds of spinning before a thread sleeps: 30 to 100 us. */
#define SPIN_ROUNDS 3000

/* A region is one call of lam__pool_run. Each thread owns a share of its tasks, one after the
 * other: every step has the same regions, so a thread meets the memory that its caches hold. A
 * thread that has finished its own takes the last ones of others. A share is the next task in the
 * lower half, and in the upper where the tasks left to claim end. A thread that changes it by
 * compare-and-swap has claimed a task, and until that task is done the region's fields stay as they
 * are; they are written before any share is. */
struct lam__pool {
    alignas(LAM__ALIGN) _Atomic uint64_t region;   /* its number; the first shares lie beside it */
    _Atomic uint64_t shares[LAM__MOST_THREADS];    /* by thread */
    alignas(LAM__ALIGN) _Atomic size_t unfinished; /* tasks of the region not yet done */
    alignas(LAM__ALIGN) lam__task task;
    void *context;
    int spin_rounds;
    size_t threads; /* the caller's included */
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    _Atomic int sleepers; /* workers that sleep or are about to */
    _Atomic bool waiting; /* the caller sleeps or is about to */
    _Atomic bool quit;
    size_t started;          /* workers */
    _Atomic size_t numbered; /* of them */
    lam__fork_guard guard;
    bool orphaned; /* this process was forked from the one whose workers they were */
    struct seat {
        pthread_t thread;
        _Atomic int core; /* where it ran when it last woke (the caller: woke a worker) */
    } seats[];            /* [threads], the caller's first */
};

/* Workers of all pools. */
static _Atomic size_t all_workers;

/* Tells the processor that this thread only waits. */
static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* Of a worker; 0 on every other thread. */
static _Thread_local size_t thread_number;

size_t lam__pool_thread(void)
{
    return thread_number;
}

/* Claims the next task of a share or, where it is another's, the last; false if none is left. */
static bool claim(_Atomic uint64_t *share, bool own, size_t *index)
{
    uint64_t state = atomic_load_explicit(share, memory_order_acquire);
    while ((uint32_t)state != state >> 32) {
        const uint64_t next = own ? state + 1 : state - (UINT64_C(1) << 32);
        *index = own ? (uint32_t)state : (size_t)(next >> 32);
        if (atomic_compare_exchange_weak_explicit(share, &state, next, memory_order_acq_rel,
                                                  memory_order_acquire))
            return true;
    }
    return false;
}

/* What a task has written past the caches is there before others hear that it is done. */
static inline void finish_stores(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

/* Runs a task that has been claimed. */
static void run_task(lam__pool *pool, size_t index)
{
    pool->task(pool->context, index);
    finish_stores();
    if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->waiting)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->mutex);
    }
}

/* Runs tasks of the current region until none is left to claim: the thread's own, then others'. */
static void work(lam__pool *pool, size_t owner)
{
    const size_t threads = pool->threads;
    size_t index;
    for (size_t i = 0; i < threads; i++) {
        while (claim(&pool->shares[owner], i == 0, &index))
            run_task(pool, index);
        owner = owner + 1 < threads ? owner + 1 : 0;
    }
}

/* Whether a worker that has seen the region `seen` has a reason to look up. */
static bool called(lam__pool *pool, uint64_t seen)
{
    return atomic_load(&pool->region) != seen || atomic_load(&pool->quit);
}

/* A thread that wakes is put on the core it was on before, even where the caller is there now and
 * another core has nothing to do: on some machines the system then leaves the two together, each
 * waiting for the other, for as long as phases are short. So a worker that finds itself on the core
 * of a thread before it moves away. */
static void keep_apart(lam__pool *pool)
{
    const int core = pool->spin_rounds > 0 ? lam__core_now() : -1; /* a core for each thread? */
    bool alone = true;
    for (size_t i = 0; i < thread_number; i++)
        alone = alone && atomic_load(&pool->seats[i].core) != core;
    const bool moved = core >= 0 && !alone && lam__leave_core(core);
    atomic_store(&pool->seats[thread_number].core, moved ? lam__core_now() : core);
}

static void *run_worker(void *argument)
{
    lam__pool *pool = argument;
    thread_number = atomic_fetch_add(&pool->numbered, 1) + 1;
    lam__denormals_flush();
    keep_apart(pool);
    uint64_t seen = 0;
    while (!atomic_load(&pool->quit)) {
        for (int i = 0; i < pool->spin_rounds && !called(pool, seen); i++)
            relax();
        if (!called(pool, seen)) {
            pthread_mutex_lock(&pool->mutex);
            atomic_fetch_add(&pool->sleepers, 1);
            while (!called(pool, seen))
                pthread_cond_wait(&pool->wake, &pool->mutex);
            atomic_fetch_sub(&pool->sleepers, 1);
            pthread_mutex_unlock(&pool->mutex);
            keep_apart(pool);
        }
        seen = atomic_load(&pool->region);
        work(pool, thread_number);
    }
    return NULL;
}

/* Whether no thread is in the middle of a task. In a child that was forked within one, what the
 * parent's workers were doing is never done. */
static bool all_done(lam__pool *pool)
{
    return atomic_load(&pool->unfinished) == 0 || pool->orphaned;
}

/* Waits until the tasks that workers are in the middle of are done. */
static void wait_for_all(lam__pool *pool)
{
    for (int i = 0; i < pool->spin_rounds && !all_done(pool); i++)
        relax();
    if (all_done(pool))
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->waiting, true);
    while (!all_done(pool))
        pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->waiting, false);
    pthread_mutex_unlock(&pool->mutex);
}

/* The first task of thread t's share: the caller's is never empty and never the smaller one. */
static uint64_t share_start(const lam__pool *pool, size_t count, uint64_t t)
{
    return (t * count + pool->threads - 1) / pool->threads;
}

/* Starts the workers with all signals blocked: a program's handlers run on its own threads. */
static void start_workers(lam__pool *pool)
{
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    while (pool->started + 1 < pool->threads &&
           pthread_create(&pool->seats[pool->started + 1].thread, NULL, run_worker, pool) == 0)
        pool->started++;
    pthread_sigmask(SIG_SETMASK, &former, NULL);
}

/* In a forked child: the workers are gone, in the middle of whatever they did. */
static void lose_workers(void *object, bool whole)
{
    (void)whole; /* the mutex is for sleeping alone */
    lam__pool *pool = object;
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->started = 0;
    pool->orphaned = true;
    thread_number = 0;
}

/* Starts workers in the place of those that were lost. As many as possible: the caller does what
 * they do not. */
static void replace_workers(lam__pool *pool)
{
    atomic_store(&pool->region, 0);
    for (size_t t = 0; t < pool->threads; t++)
        atomic_store(&pool->shares[t], 0);
    atomic_store(&pool->unfinished, 0);
    atomic_store(&pool->sleepers, 0);
    atomic_store(&pool->waiting, false);
    atomic_store(&pool->quit, false);
    atomic_store(&pool->numbered, 0);
    pool->orphaned = false;
    start_workers(pool);
}

static void run_shared(lam__pool *pool, size_t count, const size_t *starts, lam__task task,
                       void *context)
{
    if (pool->orphaned)
        replace_workers(pool);
    pool->task = task;
    pool->context = context;
    atomic_store(&pool->unfinished, count);
    const size_t threads = pool->threads;
    for (uint64_t t = 0; t < threads; t++) {
        const uint64_t first = starts ? starts[t] : share_start(pool, count, t);
        const uint64_t end = starts ? starts[t + 1] : share_start(pool, count, t + 1);
        atomic_store_explicit(&pool->shares[t], end << 32 | first, memory_order_release);
    }
    atomic_fetch_add(&pool->region, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        atomic_store(&pool->seats[0].core, lam__core_now());
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
    work(pool, 0);
    wait_for_all(pool);
}

void lam__pool_run(lam__pool *pool, size_t count, lam__task task, void *context)
{
    lam__pool_run_shares(pool, count, NULL, task, context);
}

void lam__pool_run_shares(lam__pool *pool, size_t count, const size_t *starts, lam__task task,
                          void *context)
{
    const uint64_t mode = lam__denormals_flush();
    if (pool && count > 1 && count <= UINT32_MAX)
        run_shared(pool, count, starts, task, context);
    else
        for (size_t i = 0; i < count; i++)
            task(context, i);
    finish_stores();
    lam__denormals_restore(mode);
}

lam_status lam__pool_new(size_t threads, lam__pool **pool)
{
    *pool = NULL;
    if (threads == 1)
        return LAM_OK;
    const size_t cores = lam__cores();
    if (threads == 0)
        threads = cores < LAM__MOST_THREADS ? cores : LAM__MOST_THREADS;
    if (threads > LAM__MOST_THREADS)
        return lam__fail(LAM_ERR_ARGUMENT, "%zu threads: at most %d", threads, LAM__MOST_THREADS);
    if (threads == 1)
        return LAM_OK;
    lam__pool *made =
        lam__allocate_zero(1, sizeof *made + threads * sizeof(struct seat), "thread pool");
    if (!made)
        return LAM_ERR_MEMORY;
    made->threads = threads;
    atomic_fetch_add(&all_workers, threads - 1);
    /* with more threads than cores, one that spins keeps a core from one that has work */
    made->spin_rounds = threads > cores ? 0 : SPIN_ROUNDS;
    for (size_t i = 0; i < threads; i++)
        atomic_store(&made->seats[i].core, i == 0 ? lam__core_now() : -1);
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->wake, NULL);
    pthread_cond_init(&made->done, NULL);
    lam__fork_watch(&made->guard, &made->mutex, lose_workers, made);
    start_workers(made);
    if (made->started + 1 < threads) {
        const size_t started = made->started;
        lam__pool_free(made);
        return lam__fail(LAM_ERR_MEMORY, "the system starts %zu threads but not %zu", started + 1,
                         threads);
    }
    *pool = made;
    return LAM_OK;
}

size_t lam__pool_threads(const lam__pool *pool)
{
    return pool ? pool->threads : 1;
}

size_t lam__pool_workers(void)
{
    return atomic_load(&all_workers);
}

void lam__pool_free(lam__pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->quit, true);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->started; i++)
        pthread_join(pool->seats[i + 1].thread, NULL);
    lam__fork_unwatch(&pool->guard);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    atomic_fetch_sub(&all_workers, pool->threads - 1);
    lam__release(pool);
}
