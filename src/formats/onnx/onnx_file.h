/* onnx_file.h: models as ONNX files in memory. */
#ifndef LAMINA_ONNX_FILE_H
#define LAMINA_ONNX_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/exchange.h>
#include <lamina/model.h>

/* Keys of metadata_props: the name of class N, and the loss. */
#define LAM__ONNX_CLASS_KEY "class_names.%zu"
#define LAM__ONNX_LOSS_KEY "loss"
enum { LAM__ONNX_KEY = 48 };

/* A model from a file in memory, whose path is `name`; *model is NULL after a failure. The report
 * may be NULL. */
lam_status lam__onnx_parse(const unsigned char *bytes, size_t size, const char *name,
                           lam_import_report *report, lam_model **model);

/* Tells operators, initializers, inputs, outputs and metadata. */
lam_status lam__onnx_describe(const unsigned char *bytes, size_t size, const char *name,
                              lam_model_contents *contents);

/* The file of a model with parameters, released with lam__release. Its bytes depend on the model
 * alone. With `transform` it takes raw input. */
lam_status lam__onnx_serialize(const lam_model *model, bool transform, unsigned char **bytes,
                               size_t *size);

#endif
