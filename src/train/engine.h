/* engine.h: what a computation holds while it runs: threads, and a single-threaded BLAS. */
#ifndef LAMINA_ENGINE_H
#define LAMINA_ENGINE_H

#include <lamina/model.h>

#include "base/machine/pool.h"
#include "train/thread_tuning.h"

typedef struct lam__engine {
    lam__pool *pool; /* NULL: one thread */
    bool acquired;   /* the BLAS */
    bool paced;      /* work so small that one thread may be faster */
    lam__thread_tuning tuning;
} lam__engine;

/* Whether a step over `batch` rows of this model is work enough for several threads: by shapes
 * alone.
 */
bool lam__engine_shares(const lam_model *model, size_t batch);

/* Whether one thread may be faster than several at it all the same, which trying finds out. */
bool lam__engine_tunes(const lam_model *model, size_t batch);

/* Starts an engine for batches of `batch` rows of this model, `rows` rows in all (SIZE_MAX: without
 * end). Work too small to share stays on one thread, whatever `threads` says: starting or waking
 * others would take longer. The result of a computation does not depend on it. */
lam_status lam__engine_start(lam__engine *engine, const lam_model *model, size_t batch, size_t rows,
                             size_t threads);

/* The pool that is faster at present: NULL for one thread. */
lam__pool *lam__engine_pool(const lam__engine *engine);

/* The same for a turn, begun and ended, of turns that are all alike, as steps over whole batches
 * are: which way is faster is found from them. Others just ask lam__engine_pool. */
lam__pool *lam__engine_begin(lam__engine *engine);
void lam__engine_end(lam__engine *engine);

/* Stops it; a zeroed engine is allowed. */
void lam__engine_stop(lam__engine *engine);

#endif
