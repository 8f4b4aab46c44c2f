/* predictor.h: prediction, nothing allocated, any threads.  Part of Lamina, MIT license.
 *
 * Where the products are the library's own (lam_build_info("products") is not "blas": processors
 * with AVX2 or AVX-512), the outputs of a row have the same bits alone and among others. Where the
 * BLAS library makes them, OpenBLAS guards its list of buffers by a short lock at each product.
 *
 * A predictor is a workspace over a const model. Any number of predictors may run over one model
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

/* Allocates a workspace for up to `max_rows` samples a call, with a copy of the weights in the
 * order in which calls read them. It predicts on the caller's thread alone, so that a program may
 * have a predictor for each of its threads. NULL with LAM_ERR_STATE (the model has no parameters),
 * LAM_ERR_ARGUMENT or LAM_ERR_MEMORY. */
LAM_API lam_predictor *lam_predictor_new(const lam_model *model, size_t max_rows);

/* How a predictor works. Fill it by lam_predictor_options_default(), then change what you need. */
typedef struct lam_predictor_options {
    size_t struct_size; /* set by lam_predictor_options_default() */
    /* 0 (default): decided from shapes and cores: threads of the predictor's own share each layer
     * of 100,000 multiply-adds a call or more (784 x 512 on one row, 784 x 128 on one; not 30 x
     * 64) or, from 32 rows and 500,000 multiply-adds on, the rows; everything else stays on the
     * caller's thread, which takes part. n: at most n threads, the caller's included; 1: the
     * caller's alone. The outputs have the same bits for any number.
     * Small calls are tried on one thread as well, now and then, and take whichever way is faster
     * at the time: cores can be far from each other, or busy.
     * The threads wait for the next call for some tens of microseconds, busily, then sleep; they
     * are never waited for where they have not begun. Where the BLAS library makes the products
     * there is one thread. */
    size_t threads;
} lam_predictor_options;

/* The options' defaults. */
LAM_API void lam_predictor_options_init(lam_predictor_options *options, size_t size);
LAM_INLINE lam_predictor_options lam_predictor_options_default(void)
{
    lam_predictor_options options;
    lam_predictor_options_init(&options, sizeof options);
    return options;
}

/* lam_predictor_new with options, NULL = defaults: for a program with one predictor that wants an
 * answer soon. */
LAM_API lam_predictor *lam_predictor_new_with(const lam_model *model, size_t max_rows,
                                              const lam_predictor_options *options);

/* Threads that calls of the predictor may use, the caller's included; 0 for NULL. */
LAM_API size_t lam_predictor_threads(const lam_predictor *predictor);

/* Computes y[rows][outputs] from raw samples x[rows][features]; the model's input transform is
 * applied. 1 <= rows <= max_rows, else LAM_ERR_SHAPE. Allocates nothing; takes no lock of its own,
 * but a short one to wake threads of its own that have gone to sleep. Where weights have been
 * changed since the call before, they are copied anew first; of weights that somebody may write to
 * (lam_model_tensor) no copy is read on few rows, which is slower. */
LAM_API lam_status lam_predictor_run(lam_predictor *predictor, const float *x, size_t rows,
                                     float *y);

/* The same for samples of bytes, x[rows][features]. */
LAM_API lam_status lam_predictor_run_bytes(lam_predictor *predictor, const uint8_t *x, size_t rows,
                                           float *y);

/* Frees a predictor; NULL is allowed. The model stays. */
LAM_API void lam_predictor_free(lam_predictor *predictor);

LAM_END_DECLS

#endif
