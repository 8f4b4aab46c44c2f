/* quantize.h: networks of 8-bit integers, for small processors.  Part of Lamina, MIT license.
 *
 * Weights become signed bytes, one scale for each output; values between layers become unsigned
 * bytes with ranges taken from calibration data. Sums are 32-bit integers; only the outputs of
 * the network are floats. docs/formats.md describes the arithmetic. A C file made from it
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

/* Quantizes a model, which must outlive the result and must not change. The byte ranges are the
 * smallest and largest values produced by the samples of `calibration`, of which at most 4096,
 * evenly spread, are used: they should be like those the network will see. NULL with LAM_ERR_SHAPE
 * (a different number of features), LAM_ERR_UNSUPPORTED (an activation registered by the program, a
 * layer of more than 24576 inputs), LAM_ERR_STATE, LAM_ERR_NUMERIC, LAM_ERR_MEMORY or the errors of
 * reading the data. */
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

/* Size in bytes of all weights, biases, scales and tables, which the C file keeps in read-only
 * memory. */
LAM_API size_t lam_quantized_bytes(const lam_quantized *quantized);

/* Writes a C file and its header, as lam_model_export does for a model; `name` is the prefix of the
 * names in it, NULL = the file's name. */
LAM_API lam_status lam_quantized_export(const lam_quantized *quantized, const char *path,
                                        const char *name);

/* Frees it; NULL is allowed. The model stays. */
LAM_API void lam_quantized_free(lam_quantized *quantized);

LAM_END_DECLS

#endif
