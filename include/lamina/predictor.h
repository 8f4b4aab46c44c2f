/* predictor.h: prediction without allocation, from any number of threads.  Part of Lamina, MIT
 * license.
 *
 * Where the products are the library's own (lam_build_info("products") is not "blas": processors
 * with AVX2 or AVX-512), the outputs of a row have the same bits whether it is predicted alone or
 * with others. Where the BLAS library computes them, OpenBLAS takes a short lock on its list of
 * buffers for each product.
 *
 * A predictor is a workspace over a const model. Any number of predictors may run on one model
 * at once, each used by one thread at a time. The model must outlive them and must not be trained
 * meanwhile. While any predictor that uses the BLAS library exists, that library's own thread count
 * is 1 for the whole process; the last one freed puts it back. */
#ifndef LAMINA_PREDICTOR_H
#define LAMINA_PREDICTOR_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/export.h>
#include <lamina/model.h>

LAM_BEGIN_DECLS

typedef struct lam_predictor lam_predictor;

/* Allocates a workspace for up to `max_rows` samples per call, with a copy of the weights in the
 * order in which calls read them. It predicts on the caller's thread only, so a program can have
 * one predictor per thread. NULL with LAM_ERR_STATE (the model has no parameters), LAM_ERR_ARGUMENT
 * or LAM_ERR_MEMORY. */
LAM_API lam_predictor *lam_predictor_new(const lam_model *model, size_t max_rows);

/* How a predictor works; fill with lam_predictor_options_default(). */
typedef struct lam_predictor_options {
    size_t struct_size; /* set by lam_predictor_options_default() */
    /* 0 (default): chosen from shapes and cores: the predictor's threads share each layer of at
     * least 100,000 multiply-adds per call (784 x 128 or 784 x 512 on one row; not 30 x 64) or,
     * from 32 rows and 500,000 multiply-adds on, the rows; everything else stays on the caller's
     * thread, which takes part. n: at most n threads, the caller's included; 1: the caller's thread
     * only. The outputs have the same bits for any number. Now and then small calls are also tried
     * on one thread, and then run whichever way is faster at the time: cores may be far apart, or
     * busy. The threads spin for some tens of microseconds waiting for the next call, then sleep;
     * no call waits for a thread that has not started. Where the BLAS library computes the products
     * there is only one thread. */
    size_t threads;
} lam_predictor_options;

/* The defaults. */
LAM_API void lam_predictor_options_init(lam_predictor_options *options, size_t size);
LAM_INLINE lam_predictor_options lam_predictor_options_default(void)
{
    lam_predictor_options options;
    lam_predictor_options_init(&options, sizeof options);
    return options;
}

/* lam_predictor_new with options, NULL = defaults: for a program with one predictor that needs low
 * latency. */
LAM_API lam_predictor *lam_predictor_new_with(const lam_model *model, size_t max_rows,
                                              const lam_predictor_options *options);

/* Threads that calls of the predictor may use, the caller's included; 0 for NULL. */
LAM_API size_t lam_predictor_threads(const lam_predictor *predictor);

/* Computes y[rows][outputs] from raw samples x[rows][features]; the model's input transform is
 * applied. 1 <= rows <= max_rows, otherwise LAM_ERR_SHAPE. Allocates nothing; its only lock is a
 * short one to wake its own threads from sleep. Weights that have changed since the previous call
 * are first copied again; weights that the program may write to at any time (lam_model_tensor) are
 * read without a copy on few rows, which is slower. */
LAM_API lam_status lam_predictor_run(lam_predictor *predictor, const float *x, size_t rows,
                                     float *y);

/* The same for byte samples, x[rows][features]. */
LAM_API lam_status lam_predictor_run_bytes(lam_predictor *predictor, const uint8_t *x, size_t rows,
                                           float *y);

/* Frees a predictor; NULL is allowed. The model stays. */
LAM_API void lam_predictor_free(lam_predictor *predictor);

LAM_END_DECLS

#endif
