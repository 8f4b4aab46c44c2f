/* predictor.h: prediction without allocation and without locks.  Part of Lamina, MIT license.
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

/* Allocates a workspace for up to `max_rows` samples a call. NULL with LAM_ERR_STATE (the model
 * has no parameters), LAM_ERR_ARGUMENT or LAM_ERR_MEMORY. */
LAM_API lam_predictor *lam_predictor_new(const lam_model *model, size_t max_rows);

/* Computes y[rows][outputs] from raw samples x[rows][features]; the model's input transform is
 * applied. 1 <= rows <= max_rows, else LAM_ERR_SHAPE. Allocates nothing, takes no lock of its own.
 */
LAM_API lam_status lam_predictor_run(lam_predictor *predictor, const float *x, size_t rows,
                                     float *y);

/* The same for samples of bytes, x[rows][features]. */
LAM_API lam_status lam_predictor_run_bytes(lam_predictor *predictor, const uint8_t *x, size_t rows,
                                           float *y);

/* Frees a predictor; NULL is allowed. The model stays. */
LAM_API void lam_predictor_free(lam_predictor *predictor);

LAM_END_DECLS

#endif
