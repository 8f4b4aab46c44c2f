/* quantize.h: networks of 8-bit integers, for small processors.  Part of Lamina, MIT license.
 *
 * Weights become signed bytes, one scale for each output; what passes between layers becomes
 * unsigned bytes whose ranges are those of given data. Sums are 32-bit integers; only the outputs
 * of the network are floats. docs/formats.md has the arithmetic. A C file made of it
 * (lam_quantized_export) gives the same bits as lam_quantized_predict. */
#ifndef LAMINA_QUANTIZE_H
#define LAMINA_QUANTIZE_H

#include <stddef.h>

#include <lamina/dataset.h>
#include <lamina/export.h>
#include <lamina/fit.h>
#include <lamina/model.h>
#include <lamina/status.h>

LAM_BEGIN_DECLS

typedef struct lam_quantized lam_quantized;

/* Quantizes a model, which must outlive the result and stay as it is. The ranges of bytes are the
 * least and the largest value that samples of `calibration` give, at most 4096 of them, evenly
 * spread: they should be such as the network will see. NULL with LAM_ERR_SHAPE (other features),
 * LAM_ERR_UNSUPPORTED (an activation registered by the program, a layer of more than 24576 inputs),
 * LAM_ERR_STATE, LAM_ERR_NUMERIC, LAM_ERR_MEMORY or what reading the data gives. */
LAM_API lam_quantized *lam_quantize(const lam_model *model, const lam_dataset *calibration);

/* Computes y[rows][outputs] from raw samples x[rows][features] in integers. Allocates a workspace.
 * Any number of threads may call it on one network. LAM_ERR_NUMERIC names a feature that is NaN. */
LAM_API lam_status lam_quantized_predict(const lam_quantized *quantized, const float *x,
                                         size_t rows, float *y);

/* Computes the metrics of `options` (as lam_evaluate; NULL: accuracy) over a dataset. The losses in
 * *scores are NaN. */
LAM_API lam_status lam_quantized_evaluate(const lam_quantized *quantized,
                                          const lam_dataset *dataset,
                                          const lam_fit_options *options, lam_scores *scores);

/* Bytes of all weights, biases, scales and tables: what its C file keeps in read-only memory. */
LAM_API size_t lam_quantized_bytes(const lam_quantized *quantized);

/* Writes a C file and its header, as lam_model_export does of a model; `name` is what the names in
 * it begin with, NULL: the file's name. */
LAM_API lam_status lam_quantized_export(const lam_quantized *quantized, const char *path,
                                        const char *name);

/* Frees it; NULL is allowed. The model stays. */
LAM_API void lam_quantized_free(lam_quantized *quantized);

LAM_END_DECLS

#endif
