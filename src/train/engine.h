/* engine.h: what a computation holds while it runs: threads, and a single-threaded BLAS. */
#ifndef LAMINA_ENGINE_H
#define LAMINA_ENGINE_H

#include <lamina/model.h>

#include "base/pool.h"

typedef struct lam__engine {
    lam__pool *pool; /* NULL: one thread */
    bool acquired;   /* the BLAS */
} lam__engine;

/* Whether a step over `batch` rows of this model is work enough for several threads: by shapes
 * alone.
 */
bool lam__engine_shares(const lam_model *model, size_t batch);

/* Starts an engine for batches of `batch` rows of this model, `rows` rows in all (SIZE_MAX: without
 * end). Work too small to share stays on one thread, whatever `threads` says: starting or waking
 * others would take longer. The result of a computation does not depend on it. */
lam_status lam__engine_start(lam__engine *engine, const lam_model *model, size_t batch, size_t rows,
                             size_t threads);

/* Stops it; a zeroed engine is allowed. */
void lam__engine_stop(lam__engine *engine);

#endif
