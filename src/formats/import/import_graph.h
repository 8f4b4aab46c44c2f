/* import_graph.h: a network as another program's file tells it, step by step, made into a model.
 *
 * A reader adds the steps in the order in which a sample passes them; `where` is the place in the
 * file ("node 3 'Gemm_0'", "tensor 'fc1.weight'") that messages name. Values are copied, double
 * precision is kept until the end. Errors are sticky: an import graph remembers the first, later
 * steps return it, and so does lam__import_graph_finish. Flattening is no step.
 *
 * A model has layers with an activation each, dropout, and a transform of its input. So scaling by
 * constants (lam__import_graph_affine, of which normalization and batch normalization at inference
 * are cases) is folded, in this order of preference:
 *   - before everything else: into the input transform where that can tell it (all scales
 *     positive, or all features alike), else into the first dense layer
 *   - after a layer without an activation whose outputs are scaled anyway: into that layer
 *   - after an activation: into the next dense layer
 * and an activation goes to the layer before it. What cannot be so is
 * LAM_ERR_UNSUPPORTED naming the place. */
#ifndef LAMINA_IMPORT_GRAPH_H
#define LAMINA_IMPORT_GRAPH_H

#include <stddef.h>

#include <lamina/exchange.h>
#include <lamina/model.h>

typedef struct lam__import_graph lam__import_graph;

/* An import graph of the model in the file called `name` in messages; NULL with LAM_ERR_MEMORY. */
lam__import_graph *lam__import_graph_new(const char *name);

/* Sets the most values that all steps together may have: as many as there are in a file of so many
 * bytes, and a fixed number. Shapes that a file claims, and arrays that it names again and again,
 * can ask for more: that is LAM_ERR_FORMAT. Without this there is no such limit. */
void lam__import_graph_limit(lam__import_graph *imported, size_t file_size);

/* From here on the import graph tells what it does in a report, which stays the caller's, and
 * lam__import_graph_finish runs the steps beside the model; NULL: neither. */
void lam__import_graph_tell(lam__import_graph *imported, lam_import_report *report);

/* LAM_ERR_FORMAT when `values` more were beyond the limit: for who needs room before a step. */
lam_status lam__import_graph_allows(lam__import_graph *imported, const char *where, size_t values);

/* y = x W + b: w [in][out], b [out] or NULL for zeros. */
lam_status lam__import_graph_dense(lam__import_graph *imported, const char *where, size_t in,
                                   size_t out, const float *w, const float *b);

/* y[i] = x[i] * scale[i] + offset[i], i < n. With n = 1 one scale and offset serve all features.
 * LAM_ERR_NUMERIC for values that are not finite. */
lam_status lam__import_graph_affine(lam__import_graph *imported, const char *where, size_t n,
                                    const double *scale, const double *offset);

/* Batch normalization at inference: y = gamma (x - mean) / sqrt(variance + epsilon) + beta; gamma
 * and beta may be NULL for 1 and 0. */
lam_status lam__import_graph_batch_norm(lam__import_graph *imported, const char *where, size_t n,
                                        const float *gamma, const float *beta, const float *mean,
                                        const float *variance, double epsilon);

/* y = f(x), f a name or alias of lam_catalog(LAM_ACTIVATION). "linear" is no step. */
lam_status lam__import_graph_activation(lam__import_graph *imported, const char *where,
                                        const char *activation);

/* A layer of a type with as many outputs as inputs, n: `layer` has type and numbers. Its weight [n]
 * and bias [n] may be NULL for what they start as; a type without parameters has neither, and n is
 * not looked at. */
struct lam__layer;
lam_status lam__import_graph_layer(lam__import_graph *imported, const char *where,
                                   const struct lam__layer *layer, size_t n, const float *weight,
                                   const float *bias);

/* Nothing at inference; kept for training on. */
lam_status lam__import_graph_dropout(lam__import_graph *imported, const char *where, float rate);

/* y = gamma (x - mean(x)) / sqrt(var(x) + epsilon) + beta over the n features of each sample;
 * gamma and beta may be NULL for 1 and 0. */
lam_status lam__import_graph_layer_norm(lam__import_graph *imported, const char *where, size_t n,
                                        const float *gamma, const float *beta, double epsilon);

/* Width of the samples after the steps so far, 0 when none has told it. */
size_t lam__import_graph_width(const lam__import_graph *imported);

/* Records an error of the reader's own in the import graph (as lam__fail did before) and returns
 * it. */
lam_status lam__import_graph_fail(lam__import_graph *imported, lam_status status);

/* Folds, and makes the model. Changes the import graph's steps. */
lam_status lam__import_graph_finish(lam__import_graph *imported, lam_model **model);

/* NULL is allowed. */
void lam__import_graph_free(lam__import_graph *imported);

#endif
