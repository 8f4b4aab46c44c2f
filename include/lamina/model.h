/* model.h: build, inspect, save and load a network.  Part of Lamina, MIT license.
 *
 * A model is a sequence of layers, their parameters in one flat buffer, and the transform applied
 * to raw input. Building calls are sticky: a model remembers its first error, every later building
 * call returns it, and so does lam_fit. Once the model has its parameters (trained, loaded,
 * initialized) this no longer applies: a building call that fails then changes nothing, and the
 * model stays usable.
 *
 * Thread safety: calls that take a non-const model need exclusive access; any number of threads
 * may use a const model at once. */
#ifndef LAMINA_MODEL_H
#define LAMINA_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>
#include <lamina/export.h>
#include <lamina/status.h>

LAM_BEGIN_DECLS

typedef struct lam_model lam_model;

/* A regularization strength that means: use the one in lam_fit_options. */
#define LAM_INHERIT (-1.0f)

/* Everything about a dense layer; fill with lam_dense_options_default(). */
typedef struct lam_dense_options {
    size_t struct_size;             /* set by lam_dense_options_default() */
    size_t units;                   /* outputs, at least 1 */
    const char *activation;         /* NULL = "linear" */
    const char *initializer;        /* of the weights; NULL = the one in lam_fit_options */
    const char *bias_initializer;   /* NULL = "zeros" */
    float l1, l2, bias_l1, bias_l2; /* regularization strengths >= 0, or LAM_INHERIT */
} lam_dense_options;

/* Defaults: no units, names NULL, strengths LAM_INHERIT. */
LAM_API void lam_dense_options_init(lam_dense_options *options, size_t size);
LAM_INLINE lam_dense_options lam_dense_options_default(void)
{
    lam_dense_options options;
    lam_dense_options_init(&options, sizeof options);
    return options;
}

/* The maximum number of layers in a model, built or read from a file. */
#define LAM_MOST_LAYERS 10000

/* Starts a model for samples of `features` values. NULL with LAM_ERR_ARGUMENT (0 features) or
 * LAM_ERR_MEMORY. Free it with lam_model_free. */
LAM_API lam_model *lam_model_new(size_t features);

/* Adds Y = f(X W + b): X [batch][in], W [in][units] row-major, b [units]; f is named by
 * `activation`: lam_catalog(LAM_ACTIVATION, ...) lists them. Sticky errors: LAM_ERR_NAME,
 * LAM_ERR_ARGUMENT, LAM_ERR_MEMORY; LAM_ERR_STATE, not sticky, when parameters already exist. */
LAM_API lam_status lam_model_dense(lam_model *model, size_t units, const char *activation);

/* Like lam_model_dense, with all options. `options` is copied. */
LAM_API lam_status lam_model_dense_with(lam_model *model, const lam_dense_options *options);

/* Everything about a layer normalization; fill with lam_layer_norm_options_default(). */
typedef struct lam_layer_norm_options {
    size_t struct_size;     /* set by lam_layer_norm_options_default() */
    float epsilon;          /* > 0, added to the variance */
    const char *activation; /* NULL = "linear" */
} lam_layer_norm_options;

/* Defaults: epsilon 1e-3, as in Keras (PyTorch: 1e-5); activation NULL. */
LAM_API void lam_layer_norm_options_init(lam_layer_norm_options *options, size_t size);
LAM_INLINE lam_layer_norm_options lam_layer_norm_options_default(void)
{
    lam_layer_norm_options options;
    lam_layer_norm_options_init(&options, sizeof options);
    return options;
}

/* Adds y = gamma * (x - mean) / sqrt(variance + epsilon) + beta: mean and variance (divisor n) over
 * the n values of each row, gamma [n] and beta [n] are learned, starting at 1 and 0. Regularization
 * does not apply to them. Sticky errors as lam_model_dense. */
LAM_API lam_status lam_model_layer_norm(lam_model *model, float epsilon);

/* Like lam_model_layer_norm, followed by an activation. `options` is copied. */
LAM_API lam_status lam_model_layer_norm_with(lam_model *model,
                                             const lam_layer_norm_options *options);

/* Adds inverted dropout: in training a value is kept with probability 1 - rate and then scaled by 1
 * / (1 - rate), otherwise set to 0; at inference it does nothing. 0 <= rate < 1. Sticky errors as
 * lam_model_dense. */
LAM_API lam_status lam_model_dropout(lam_model *model, float rate);

/* Adds layers from text such as "128:relu,dropout:0.1,10:softmax": UNITS[:ACTIVATION], dropout:RATE
 * or layer_norm[:EPSILON][:ACTIVATION], separated by commas. Sticky errors as lam_model_dense,
 * naming the offending part. */
LAM_API lam_status lam_model_add_layers(lam_model *model, const char *layers);

/* Maps inputs in [from_lo, from_hi] linearly to [to_lo, to_hi]; stored with the model and applied
 * in training, evaluation and prediction. Bytes are 0..255. LAM_ERR_ARGUMENT when from_lo ==
 * from_hi or a bound is not finite. */
LAM_API lam_status lam_model_scale_input(lam_model *model, float from_lo, float from_hi,
                                         float to_lo, float to_hi);

/* Takes mean and standard deviation (over the samples, divisor n) of each feature from `dataset`
 * and stores the transform (x - mean) / std with the model; a constant feature is only centred.
 * LAM_ERR_SHAPE when the dataset has a different number of features; LAM_ERR_NUMERIC when a value
 * is not finite, naming feature and sample. */
LAM_API lam_status lam_model_standardize_input(lam_model *model, const lam_dataset *dataset);

/* Names the classes: names[count], copied, stored with the model. LAM_ERR_SHAPE when `count` is not
 * the number of outputs (with one output: 2 names, for the classes 0 and 1, or 1 name); names given
 * before the layers are checked when the parameters are created. */
LAM_API lam_status lam_model_set_class_names(lam_model *model, const char *const *names,
                                             size_t count);

/* Allocates the parameters and draws their initial values: counter-based random numbers keyed by
 * (seed, layer, element). `initializer` names the initializer for weights of layers that have none
 * of their own; NULL = "glorot_uniform". lam_fit does this automatically for a model without
 * parameters. Calling it again draws new values, and training starts over: see lam_fit. */
LAM_API lam_status lam_model_initialize(lam_model *model, uint64_t seed, const char *initializer);

/* The first error of a building call, LAM_OK if none; its text becomes lam_error_message(). */
LAM_API lam_status lam_model_status(const lam_model *model);

/* Number of values per sample. */
LAM_API size_t lam_model_features(const lam_model *model);

/* Number of outputs: the width of the last layer. */
LAM_API size_t lam_model_outputs(const lam_model *model);

/* Number of layers. */
LAM_API size_t lam_model_layers(const lam_model *model);

/* What a layer is; strings belong to the model. */
typedef struct lam_layer_info {
    const char *type;       /* "dense", "dropout", "layer_norm" */
    const char *activation; /* dense, layer_norm: its name, else NULL */
    size_t inputs, outputs;
    size_t parameters;
    float rate;                     /* dropout */
    float l1, l2, bias_l1, bias_l2; /* dense: strengths, or LAM_INHERIT; else 0 */
    float epsilon;                  /* layer_norm */
} lam_layer_info;

/* Describes layer i in *info. LAM_ERR_ARGUMENT when out of range. */
LAM_API lam_status lam_model_layer_sized(const lam_model *model, size_t i, lam_layer_info *info,
                                         size_t size);
LAM_INLINE lam_status lam_model_layer(const lam_model *model, size_t i, lam_layer_info *info)
{
    return lam_model_layer_sized(model, i, info, sizeof *info);
}

/* How many numbers were chosen for layer i: its rate, epsilon, strengths, and what other types
 * have; 0 when there is no such layer. */
LAM_API size_t lam_model_layer_numbers(const lam_model *model, size_t i);

/* Number `which` of layer i: its name as in a model file, the library's own, and its value, or
 * LAM_INHERIT. LAM_ERR_ARGUMENT when there is no such. */
LAM_API lam_status lam_model_layer_number(const lam_model *model, size_t i, size_t which,
                                          const char **name, float *value);

/* Writes layer i to text[size] as lam_model_add_layers reads it: "128:relu", "dropout:0.1".
 * Strengths and initializers have no place there. LAM_ERR_ARGUMENT when there is no such layer or
 * the text does not fit; 128 characters are enough. */
LAM_API lam_status lam_model_layer_text(const lam_model *model, size_t i, char *text, size_t size);

/* A named array inside a model or a trainer; `data` is [rows][cols]; a bias has one row. The weight
 * of layer_norm is gamma, in one row, and its bias is beta. */
typedef struct lam_tensor {
    const char *name; /* "layers.0.weight", "layers.0.bias" */
    float *data;
    size_t rows, cols;
} lam_tensor;

/* Total number of parameters. */
LAM_API size_t lam_model_parameters(const lam_model *model);

/* Number of parameter tensors; 0 before lam_model_initialize or loading. */
LAM_API size_t lam_model_tensors(const lam_model *model);

/* A view of parameter tensor i, readable and writable; valid until the model is freed; training
 * changes its values. LAM_ERR_ARGUMENT when out of range, LAM_ERR_STATE without parameters. */
LAM_API lam_status lam_model_tensor_sized(lam_model *model, size_t i, lam_tensor *tensor,
                                          size_t size);
LAM_INLINE lam_status lam_model_tensor(lam_model *model, size_t i, lam_tensor *tensor)
{
    return lam_model_tensor_sized(model, i, tensor, sizeof *tensor);
}

/* Copies all parameters, tensor after tensor without gaps, to values[count]; count must be
 * lam_model_parameters(), otherwise LAM_ERR_SHAPE. LAM_ERR_STATE without parameters. */
LAM_API lam_status lam_model_get_parameters(const lam_model *model, float *values, size_t count);

/* Sets all parameters from values[count], creating them if necessary. LAM_ERR_SHAPE as above,
 * LAM_ERR_NUMERIC naming the first that is not finite; on failure nothing has changed. */
LAM_API lam_status lam_model_set_parameters(lam_model *model, const float *values, size_t count);

/* What the input transform does. */
typedef enum lam_transform_kind {
    LAM_TRANSFORM_NONE,
    LAM_TRANSFORM_SCALE,      /* from [from_lo, from_hi] to [to_lo, to_hi] */
    LAM_TRANSFORM_STANDARDIZE /* (x - mean[i]) / std[i] */
} lam_transform_kind;

/* The input transform; arrays belong to the model. */
typedef struct lam_transform_info {
    lam_transform_kind kind;
    float from_lo, from_hi, to_lo, to_hi;
    const float *mean, *std; /* [features] or NULL */
} lam_transform_info;

/* Describes the input transform in *info. */
LAM_API void lam_model_transform_sized(const lam_model *model, lam_transform_info *info,
                                       size_t size);
LAM_INLINE void lam_model_transform(const lam_model *model, lam_transform_info *info)
{
    lam_model_transform_sized(model, info, sizeof *info);
}

/* Describes in *info what the samples the model was trained on were made from: lam_fit takes it
 * from the training data when the model has none, and the model file keeps it. */
LAM_API void lam_model_input_sized(const lam_model *model, lam_input_info *info, size_t size);
LAM_INLINE void lam_model_input(const lam_model *model, lam_input_info *info)
{
    lam_model_input_sized(model, info, sizeof *info);
}

/* Column i of the table the model was trained on in *info. LAM_ERR_ARGUMENT when out of range. */
LAM_API lam_status lam_model_column_sized(const lam_model *model, size_t i, lam_column_info *info,
                                          size_t size);
LAM_INLINE lam_status lam_model_column(const lam_model *model, size_t i, lam_column_info *info)
{
    return lam_model_column_sized(model, i, info, sizeof *info);
}

/* The name of class i, or NULL. Owned by the model. */
LAM_API const char *lam_model_class_name(const lam_model *model, size_t i);

/* The name of the loss the model was last trained with, or NULL. Owned by the library or the model;
 * valid until the model is trained again or freed. For a loaded model it may be a loss registered
 * by the program that trained it: then only a call that needs the loss fails (LAM_ERR_NAME), unless
 * lam_fit_options names another. */
LAM_API const char *lam_model_loss(const lam_model *model);

/* Number of values in a decision: 1 when the last activation is softmax, otherwise the number of
 * outputs. */
LAM_API size_t lam_model_decision_width(const lam_model *model);

/* Turns outputs[rows][outputs] into decisions[rows][decision width]: for softmax the number of the
 * largest output (the first of equals), for sigmoid 1 where the output exceeds `threshold` (usually
 * 0.5) and 0 elsewhere, for every other activation the output itself. A NaN output gives a NaN
 * decision; with softmax, any NaN in the row does. */
LAM_API lam_status lam_model_decide(const lam_model *model, const float *outputs, size_t rows,
                                    float threshold, float *decisions);

/* Writes architecture, parameters, input transform and class names as a safetensors file,
 * crash-safe: after any failure `path` holds what it held before. LAM_ERR_IO with the system's
 * reason, LAM_ERR_STATE without parameters, LAM_ERR_NUMERIC naming a parameter that is not finite,
 * LAM_ERR_ARGUMENT for a class name that is not UTF-8, LAM_ERR_UNSUPPORTED in a build without model
 * files. */
LAM_API lam_status lam_model_save(const lam_model *model, const char *path);

/* Reads what lam_model_save wrote. NULL with LAM_ERR_IO, LAM_ERR_FORMAT (with what is wrong and
 * where), LAM_ERR_NUMERIC (a parameter is not finite), LAM_ERR_NAME (an unknown type of layer),
 * LAM_ERR_STATE (no layer with parameters), LAM_ERR_MEMORY or LAM_ERR_UNSUPPORTED (a build without
 * model files). A model with a loss, activation or initializer that is not known here, such as one
 * registered (extend.h) by the program that wrote the file, can still be loaded, inspected and
 * saved; calls that need the loss (lam_evaluate and training, unless given another), run the
 * activation (including prediction) or draw with the initializer (lam_model_initialize) return
 * LAM_ERR_NAME. To be used, an activation must be registered before the model is loaded. */
LAM_API lam_model *lam_model_load(const char *path);

/* Reads the description of the model from such a file, without its parameters and without verifying
 * the checksum: time and memory depend on the header, not on the size of the file. The result
 * describes itself like the complete model but has no parameters, so predicting, evaluating and
 * saving it are LAM_ERR_STATE, and training it starts from scratch. Errors as lam_model_load. */
LAM_API lam_model *lam_model_load_structure(const char *path);

/* Writes what lam_model_save writes, the same bytes, to the caller's buffer[size]; *needed is their
 * number. With size 0 only *needed is set (buffer may be NULL). LAM_ERR_ARGUMENT when the buffer is
 * too small, with *needed set and nothing written; otherwise errors as lam_model_save. */
LAM_API lam_status lam_model_save_memory(const lam_model *model, void *buffer, size_t size,
                                         size_t *needed);

/* Reads bytes[size] as lam_model_load reads a file: the output of either save function, or a
 * checkpoint. The bytes are only read, and not needed afterwards; they may come from an untrusted
 * source. Errors as lam_model_load. */
LAM_API lam_model *lam_model_load_memory(const void *bytes, size_t size);

/* Frees a model; NULL is allowed. */
LAM_API void lam_model_free(lam_model *model);

LAM_END_DECLS

#endif
