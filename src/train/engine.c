/* engine.c: threads and BLAS for the duration of a computation. */
#include "train/engine.h"

#include "base/error.h"
#include "kernels/blas/gemm.h"
#include "kernels/products.h"

/* Multiply-adds of a forward pass over a batch below which other threads do not pay for their
 * wake-up. On the machine of the README, 784-32-16-10 with batches of 32 (8e5) gains half from
 * a second thread, 30-64-64-1 (2e5) nothing. */
#define LEAST_SHARED_WORK 5e5

/* Multiply-adds in all below which they do not pay for being started: some milliseconds of work. */
#define LEAST_WORK_IN_ALL 2e8

/* Multiply-adds of a forward pass from which several threads are faster wherever they are: what
 * trying one would cost is saved. */
#define MOST_PACED_WORK 3e7

/* Multiply-adds of a forward pass over a batch. */
static double work_of(const lam_model *model, size_t batch)
{
    return (double)batch * (double)lam_model_parameters(model);
}

bool lam__engine_shares(const lam_model *model, size_t batch)
{
    return work_of(model, batch) >= LEAST_SHARED_WORK;
}

bool lam__engine_tunes(const lam_model *model, size_t batch)
{
    return work_of(model, batch) < MOST_PACED_WORK;
}

lam_status lam__engine_start(lam__engine *engine, const lam_model *model, size_t batch, size_t rows,
                             size_t threads)
{
    *engine = (lam__engine){0};
    if (threads > LAM__MOST_THREADS) /* also where the work is too small to share */
        return lam__fail(LAM_ERR_ARGUMENT, "%zu threads: at most %d", threads, LAM__MOST_THREADS);
    if (!lam__products_chosen()) {
        LAM__TRY(lam__blas_acquire());
        engine->acquired = true;
    }
    if (!lam__engine_shares(model, batch) || work_of(model, rows) < LEAST_WORK_IN_ALL)
        return LAM_OK;
    lam_status status = lam__pool_new(threads, &engine->pool);
    engine->paced = engine->pool && lam__engine_tunes(model, batch);
    if (status == LAM_OK && engine->acquired)
        status = lam__blas_reserve(lam__pool_threads(engine->pool));
    if (status != LAM_OK)
        lam__engine_stop(engine);
    return status;
}

lam__pool *lam__engine_pool(const lam__engine *engine)
{
    return engine->paced && lam__thread_tuning_alone(&engine->tuning) ? NULL : engine->pool;
}

lam__pool *lam__engine_begin(lam__engine *engine)
{
    return engine->paced && lam__thread_tuning_begin(&engine->tuning) ? NULL : engine->pool;
}

void lam__engine_end(lam__engine *engine)
{
    if (engine->paced)
        lam__thread_tuning_end(&engine->tuning);
}

void lam__engine_stop(lam__engine *engine)
{
    lam__pool_free(engine->pool);
    if (engine->acquired)
        lam__blas_release();
    *engine = (lam__engine){0};
}
