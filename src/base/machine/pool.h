/* pool.h: a pool of threads that runs the tasks of a phase. */
#ifndef LAMINA_POOL_H
#define LAMINA_POOL_H

#include <stddef.h>

#include <lamina/status.h>

#include "base/machine/cores.h"

/* More than any machine this is meant for; guards against a mistyped number. */
#define LAM__MOST_THREADS 1024

typedef struct lam__pool lam__pool;

typedef void (*lam__task)(void *context, size_t index);

/* Makes a pool of `threads` threads, the caller's included; 0 = lam__cores().
 * *pool is NULL for one thread: every call below takes that and stays on the caller's thread. */
lam_status lam__pool_new(size_t threads, lam__pool **pool);

/* Runs task(context, i) for i in 0..count-1, in any order, and returns when all are done. With
 * pool NULL or count 1, in order on this thread. Denormals are flushed to zero inside tasks and
 * as before afterwards. Nothing is allocated. */
void lam__pool_run(lam__pool *pool, size_t count, lam__task task, void *context);

/* The same with shares of the caller's choice: thread t begins with tasks starts[t] ..
 * starts[t + 1] - 1 and takes others only when it has done those; starts[0] is 0 and
 * starts[threads] how many tasks there are. NULL: equal shares of `count`. */
void lam__pool_run_shares(lam__pool *pool, size_t count, const size_t *starts, lam__task task,
                          void *context);

/* Number of threads, 1 for NULL. */
size_t lam__pool_threads(const lam__pool *pool);

/* Inside a task: the number of the thread that runs it, 0 .. threads - 1; 0 on the caller's. No two
 * tasks of one run with the same number overlap. */
size_t lam__pool_thread(void);

void lam__pool_free(lam__pool *pool);

/* Number of threads that the pools of this process have beside their callers, all taken together.
 */
size_t lam__pool_workers(void);

#endif
