/* engine.c: threads and BLAS for the duration of a computation. */
#include "train/engine.h"

#include "base/error.h"
#include "kernels/blas/gemm.h"

lam_status lam__engine_start(lam__engine *engine, const lam__step_plan *plan)
{
    *engine = (lam__engine){.tuned = plan->tuned};
    if (!plan->machine.tiles) {
        LAM__TRY(lam__blas_acquire());
        engine->acquired = true;
    }
    lam_status status = lam__pool_new(plan->threads, &engine->pool);
    if (status == LAM_OK && engine->acquired && engine->pool)
        status = lam__blas_reserve(plan->threads);
    if (status != LAM_OK)
        lam__engine_stop(engine);
    return status;
}

lam__pool *lam__engine_pool(const lam__engine *engine)
{
    return engine->tuned && lam__thread_tuning_alone(&engine->tuning) ? NULL : engine->pool;
}

lam__pool *lam__engine_begin(lam__engine *engine)
{
    return engine->tuned && lam__thread_tuning_begin(&engine->tuning) ? NULL : engine->pool;
}

void lam__engine_end(lam__engine *engine)
{
    if (engine->tuned)
        lam__thread_tuning_end(&engine->tuning);
}

void lam__engine_stop(lam__engine *engine)
{
    lam__pool_free(engine->pool);
    if (engine->acquired)
        lam__blas_release();
    *engine = (lam__engine){0};
}
