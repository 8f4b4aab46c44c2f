/* engine.h: what a computation holds while it runs: threads, and a single-threaded BLAS. */
#ifndef LAMINA_ENGINE_H
#define LAMINA_ENGINE_H

#include "base/machine/pool.h"
#include "train/step_plan.h"
#include "train/thread_tuning.h"

typedef struct lam__engine {
    lam__pool *pool; /* NULL: one thread */
    bool acquired;   /* the BLAS */
    bool tuned;      /* work so small that one thread may be faster */
    lam__thread_tuning tuning;
} lam__engine;

/* Starts an engine for a plan: its threads, and the BLAS where its products are the BLAS's. The
 * result of a computation does not depend on the threads. */
lam_status lam__engine_start(lam__engine *engine, const lam__step_plan *plan);

/* The pool that is faster at present: NULL for one thread. */
lam__pool *lam__engine_pool(const lam__engine *engine);

/* The same for a turn, begun and ended, of turns that are all alike, as steps over whole batches
 * are: which way is faster is found from them. Others just ask lam__engine_pool. */
lam__pool *lam__engine_begin(lam__engine *engine);
void lam__engine_end(lam__engine *engine);

/* Stops it; a zeroed engine is allowed. */
void lam__engine_stop(lam__engine *engine);

#endif
