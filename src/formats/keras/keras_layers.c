/* keras_layers.c: the classes of Keras's layers that a model can tell. One row adds one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "lamina_features.h"

#if LAM__HAVE_JSON
#include "formats/import/import_report.h"
#include "formats/keras/keras.h"
#include "nn/activations.h"

/* Keras's least standard deviation, keras.config.epsilon(). */
#define KERAS_EPSILON 1e-7

static lam_status refuse(const lam__keras *keras, const lam__keras_layer *layer, const char *what)
{
    return lam__keras_fail(keras, layer, LAM_ERR_UNSUPPORTED, what, NULL);
}

static bool get_bool(const lam__keras_layer *layer, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(layer->config, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/* A number; false when there is something else under the key. */
static bool get_number(const lam__keras_layer *layer, const char *key, double otherwise,
                       double *number)
{
    const json_t *value = json_object_get(layer->config, key);
    *number = json_is_number(value) ? json_number_value(value) : otherwise;
    return !value || json_is_null(value) || json_is_number(value);
}

/* Whether the layer works along the last axis: -1, or its number, alone or in a list. */
static bool last_axis(const lam__keras *keras, const lam__keras_layer *layer)
{
    const json_t *axis = json_object_get(layer->config, "axis");
    if (json_is_array(axis) && json_array_size(axis) == 1)
        axis = json_array_get(axis, 0);
    if (!axis)
        return true;
    const json_int_t last = keras->rank ? (json_int_t)keras->rank : 1;
    return json_is_integer(axis) &&
           (json_integer_value(axis) == -1 || json_integer_value(axis) == last);
}

static size_t features(const lam__keras *keras)
{
    size_t product = keras->rank ? 1 : 0;
    for (size_t i = 0; i < keras->rank; i++)
        product *= keras->dims[i]; /* bounded when the shape was read */
    return product;
}

static lam_status need_flat(const lam__keras *keras, const lam__keras_layer *layer)
{
    if (keras->rank <= 1)
        return LAM_OK;
    return refuse(keras, layer, "works along one axis of several: Flatten should come before it");
}

static void set_flat(lam__keras *keras, size_t width)
{
    keras->rank = 1;
    keras->dims[0] = width;
}

static lam_status add_nothing(lam__keras *keras, const lam__keras_layer *layer)
{
    (void)keras, (void)layer;
    return LAM_OK;
}

static lam_status add_input(lam__keras *keras, const lam__keras_layer *layer)
{
    const json_t *shape = json_object_get(layer->config, "batch_shape");
    if (!shape)
        shape = json_object_get(layer->config, "batch_input_shape");
    if (get_bool(layer, "sparse", false) || get_bool(layer, "ragged", false))
        return refuse(keras, layer, "sparse or ragged input");
    return lam__keras_shape(keras, layer, shape);
}

static lam_status add_flatten(lam__keras *keras, const lam__keras_layer *layer)
{
    const char *order = json_string_value(json_object_get(layer->config, "data_format"));
    if (keras->rank > 1 && order && strcmp(order, "channels_first") == 0)
        return refuse(keras, layer, "moves the channels to the end");
    if (keras->rank > 1)
        set_flat(keras, features(keras));
    return LAM_OK;
}

/* What does something in training only, and that Lamina has not. */
static lam_status add_training_only(lam__keras *keras, const lam__keras_layer *layer)
{
    lam__report(keras->report, LAM__LEFT_OUT, "%s, which does something in training only",
                layer->where);
    return LAM_OK;
}

/* Keras writes the functions it knows by name, others as objects. */
static lam_status add_activation_of(lam__keras *keras, const lam__keras_layer *layer)
{
    const json_t *activation = json_object_get(layer->config, "activation");
    if (!activation || json_is_null(activation))
        return LAM_OK;
    if (!json_is_string(activation))
        return refuse(keras, layer, "a user-defined activation");
    const char *word = json_string_value(activation);
    const lam__activation *row = lam__activation_called(LAM__KERAS, word);
    if (!row)
        row = lam__table_lookup(&lam__activations, word);
    if (row && row->rowwise)
        LAM__TRY(need_flat(keras, layer));
    return lam__import_graph_activation(keras->imported, layer->where, row ? row->name : word);
}

static lam_status add_softmax(lam__keras *keras, const lam__keras_layer *layer)
{
    LAM__TRY(need_flat(keras, layer));
    if (!last_axis(keras, layer))
        return refuse(keras, layer, "an axis other than the last");
    return lam__import_graph_activation(keras->imported, layer->where, "softmax");
}

static lam_status add_relu(lam__keras *keras, const lam__keras_layer *layer)
{
    const json_t *most = json_object_get(layer->config, "max_value");
    double slope, threshold;
    if (!get_number(layer, "negative_slope", 0, &slope) ||
        !get_number(layer, "threshold", 0, &threshold) || slope != 0 || threshold != 0 ||
        (most && !json_is_null(most)))
        return refuse(keras, layer, "a maximum, slope or threshold of its own");
    return lam__import_graph_activation(keras->imported, layer->where, "relu");
}

static lam_status add_dropout(lam__keras *keras, const lam__keras_layer *layer)
{
    double rate;
    if (!get_number(layer, "rate", 0, &rate))
        return lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "no number", "rate");
    return lam__import_graph_dropout(keras->imported, layer->where, (float)rate);
}

static lam_status add_dense(lam__keras *keras, const lam__keras_layer *layer)
{
    lam__h5_shape shape, bias_shape;
    float *kernel, *bias = NULL;
    LAM__TRY(need_flat(keras, layer));
    LAM__TRY(lam__keras_weight(keras, layer, 0, "kernel", &shape, &kernel));
    lam_status status = LAM_OK;
    if (shape.rank != 2 || shape.count == 0)
        status = lam__keras_fail(keras, layer, LAM_ERR_SHAPE, "the kernel is not a matrix", NULL);
    else if (keras->rank == 1 && keras->dims[0] && shape.dims[0] != keras->dims[0])
        status = lam__keras_fail(keras, layer, LAM_ERR_SHAPE,
                                 "the kernel has another number of inputs than come in", NULL);
    if (status == LAM_OK && get_bool(layer, "use_bias", true)) {
        status = lam__keras_weight(keras, layer, 1, "bias", &bias_shape, &bias);
        if (status == LAM_OK && (bias_shape.rank != 1 || bias_shape.count != shape.dims[1]))
            status = lam__keras_fail(keras, layer, LAM_ERR_SHAPE, "kernel and bias differ in width",
                                     NULL);
    }
    if (status == LAM_OK)
        status = lam__import_graph_dense(keras->imported, layer->where, (size_t)shape.dims[0],
                                         (size_t)shape.dims[1], kernel, bias);
    lam__release(kernel);
    lam__release(bias);
    LAM__TRY(status);
    set_flat(keras, (size_t)shape.dims[1]);
    return add_activation_of(keras, layer);
}

/* Vectors along the last axis. */
enum { VECTORS = 4 };
typedef struct vectors {
    size_t n;
    float *values[VECTORS];
} vectors;

static void release_vectors(vectors *v)
{
    for (size_t i = 0; i < VECTORS; i++)
        lam__release(v->values[i]);
}

/* Weight `index` as vector `which`, as long as the others. */
static lam_status read_vector(lam__keras *keras, const lam__keras_layer *layer, size_t index,
                              const char *name, vectors *v, size_t which)
{
    lam__h5_shape shape;
    LAM__TRY(lam__keras_weight(keras, layer, index, name, &shape, &v->values[which]));
    if (shape.count == 0 || (v->n && shape.count != v->n))
        return lam__keras_fail(keras, layer, LAM_ERR_SHAPE, "a vector of another length", name);
    v->n = shape.count;
    return LAM_OK;
}

/* The axes of a sample along which a layer has a value of its own: axes[keras->rank] becomes true
 * for those. False for what is no axis of one: the batch, or none of the numbers that there are.
 * Without a rank only the last one can be told, at axes[0]. */
static bool read_axes(const lam__keras *keras, const lam__keras_layer *layer, bool *axes)
{
    const json_t *axis = json_object_get(layer->config, "axis");
    const json_int_t rank = keras->rank ? (json_int_t)keras->rank : 1;
    const size_t count = json_is_array(axis) ? json_array_size(axis) : 1;
    for (json_int_t k = 0; k < rank; k++)
        axes[k] = !axis && k + 1 == rank;
    if (!axis || json_is_null(axis)) /* null: one value for all */
        return true;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(axis) ? json_array_get(axis, i) : axis;
        const json_int_t at = json_is_integer(one) ? json_integer_value(one) : 0;
        const json_int_t k = at < 0 ? rank + at : at - 1;
        if (at == 0 || k < 0 || k >= rank)
            return false;
        axes[k] = true;
    }
    return true;
}

/* Which of n values belongs to feature i of a sample, by the axes along which they lie. */
static size_t value_at(const lam__keras *keras, const bool *axes, size_t i)
{
    size_t at = 0, step = 1;
    for (size_t k = keras->rank; k-- > 0;) {
        const size_t digit = i % keras->dims[k];
        i /= keras->dims[k];
        if (axes[k]) {
            at += digit * step;
            step *= keras->dims[k];
        }
    }
    return at;
}

/* scale and offset of n values along the layer's axes, for all features of a sample. */
static lam_status add_affine(lam__keras *keras, const lam__keras_layer *layer, size_t n,
                             const double *scale, const double *offset)
{
    const size_t all = features(keras);
    bool axes[sizeof keras->dims / sizeof *keras->dims] = {false};
    size_t asked = 1;
    if (!read_axes(keras, layer, axes))
        return refuse(keras, layer, "an axis that samples do not have");
    if (all == 0 || n == 1)
        return lam__import_graph_affine(keras->imported, layer->where, n, scale, offset);
    for (size_t k = 0; k < keras->rank; k++)
        asked *= axes[k] ? keras->dims[k] : 1;
    if (n != asked)
        return lam__keras_fail(keras, layer, LAM_ERR_SHAPE,
                               "its vectors are not as long as the axes they lie along", NULL);
    double *spread = lam__allocate(all, 2 * sizeof *spread, "an affine step");
    if (!spread)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < all; i++) {
        const size_t at = value_at(keras, axes, i);
        spread[i] = scale[at];
        spread[all + i] = offset[at];
    }
    lam_status status =
        lam__import_graph_affine(keras->imported, layer->where, all, spread, spread + all);
    lam__release(spread);
    return status;
}

/* gamma (x - mean) / deviation + beta; gamma and beta may be missing. */
static lam_status normalize(lam__keras *keras, const lam__keras_layer *layer, size_t n,
                            const float *gamma, const float *beta, const double *mean,
                            double *deviation)
{
    double *offset = lam__allocate(n, sizeof *offset, "an affine step");
    if (!offset)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        deviation[i] = (gamma ? (double)gamma[i] : 1.0) / deviation[i];
        offset[i] = (beta ? (double)beta[i] : 0.0) - mean[i] * deviation[i];
    }
    lam_status status = add_affine(keras, layer, n, deviation, offset);
    lam__release(offset);
    return status;
}

/* The vectors of normalizations, in the order of the file; the first two may be missing. */
enum { GAMMA, BETA, MEAN, VARIANCE };

/* What batch and layer normalization have in common: epsilon, then gamma and beta where the layer
 * has them. *index counts the layer's vectors. */
static lam_status read_normalization(lam__keras *keras, const lam__keras_layer *layer, vectors *v,
                                     size_t *index, double *epsilon)
{
    if (!get_number(layer, "epsilon", 1e-3, epsilon))
        return lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "no number", "epsilon");
    if (get_bool(layer, "scale", true))
        LAM__TRY(read_vector(keras, layer, (*index)++, "gamma", v, GAMMA));
    if (get_bool(layer, "center", true))
        LAM__TRY(read_vector(keras, layer, (*index)++, "beta", v, BETA));
    return LAM_OK;
}

static lam_status add_batch_norm(lam__keras *keras, const lam__keras_layer *layer)
{
    vectors v = {0};
    size_t index = 0;
    double epsilon;
    lam_status status = read_normalization(keras, layer, &v, &index, &epsilon);
    if (status == LAM_OK)
        status = read_vector(keras, layer, index++, "moving_mean", &v, MEAN);
    if (status == LAM_OK)
        status = read_vector(keras, layer, index++, "moving_variance", &v, VARIANCE);
    double *doubles = status == LAM_OK ? lam__allocate(v.n, 2 * sizeof *doubles, "a step") : NULL;
    if (status == LAM_OK && !doubles)
        status = LAM_ERR_MEMORY;
    for (size_t i = 0; status == LAM_OK && i < v.n; i++) {
        doubles[i] = v.values[MEAN][i];
        doubles[v.n + i] = sqrt((double)v.values[VARIANCE][i] + epsilon);
    }
    if (status == LAM_OK)
        status =
            normalize(keras, layer, v.n, v.values[GAMMA], v.values[BETA], doubles, doubles + v.n);
    lam__release(doubles);
    release_vectors(&v);
    return status;
}

static lam_status add_layer_norm(lam__keras *keras, const lam__keras_layer *layer)
{
    vectors v = {.n = features(keras)};
    size_t index = 0;
    double epsilon;
    LAM__TRY(need_flat(keras, layer));
    if (!last_axis(keras, layer) || get_bool(layer, "rms_scaling", false))
        return refuse(keras, layer, "an axis other than the last, or scaling without centring");
    lam_status status = read_normalization(keras, layer, &v, &index, &epsilon);
    if (status == LAM_OK)
        status = lam__import_graph_layer_norm(keras->imported, layer->where, v.n, v.values[GAMMA],
                                              v.values[BETA], epsilon);
    release_vectors(&v);
    return status;
}

static lam_status add_rescaling(lam__keras *keras, const lam__keras_layer *layer)
{
    double scale, offset;
    if (!get_number(layer, "scale", 1, &scale) || !get_number(layer, "offset", 0, &offset))
        return refuse(keras, layer, "a scale or offset that is not a number");
    return add_affine(keras, layer, 1, &scale, &offset);
}

/* Counts the numbers of nested lists, and copies them where `to` is not NULL; false for anything
 * else in them. */
static bool flatten(const json_t *value, size_t *count, double *to)
{
    if (json_is_number(value)) {
        if (to)
            to[*count] = json_number_value(value);
        ++*count;
        return true;
    }
    bool good = json_is_array(value);
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = flatten(json_array_get(value, i), count, to);
    return good;
}

/* Mean and variance as the layer was given them: 2 n doubles for lam__release. */
static lam_status given_statistics(lam__keras *keras, const lam__keras_layer *layer, size_t *n,
                                   double **doubles)
{
    const json_t *mean = json_object_get(layer->config, "mean");
    const json_t *variance = json_object_get(layer->config, "variance");
    size_t count = 0, others = 0;
    *n = 0;
    if (!flatten(mean, &count, NULL) || !flatten(variance, &others, NULL) || count != others ||
        count == 0)
        return lam__keras_fail(keras, layer, LAM_ERR_FORMAT, "no lists of numbers as long",
                               "mean and variance");
    *doubles = lam__allocate(count, 2 * sizeof **doubles, "a step");
    if (!*doubles)
        return LAM_ERR_MEMORY;
    *n = count;
    count = 0;
    flatten(mean, &count, *doubles);
    flatten(variance, &count, *doubles);
    return LAM_OK;
}

static lam_status learned_statistics(lam__keras *keras, const lam__keras_layer *layer, size_t *n,
                                     double **doubles)
{
    vectors v = {0};
    lam_status status = read_vector(keras, layer, 0, "mean", &v, 0);
    if (status == LAM_OK)
        status = read_vector(keras, layer, 1, "variance", &v, 1);
    *n = v.n;
    if (status == LAM_OK && !(*doubles = lam__allocate(v.n, 2 * sizeof **doubles, "a step")))
        status = LAM_ERR_MEMORY;
    for (size_t i = 0; status == LAM_OK && i < v.n; i++) {
        (*doubles)[i] = v.values[0][i];
        (*doubles)[v.n + i] = v.values[1][i];
    }
    release_vectors(&v);
    return status;
}

static lam_status add_normalization(lam__keras *keras, const lam__keras_layer *layer)
{
    const json_t *mean = json_object_get(layer->config, "mean");
    const bool given = mean && !json_is_null(mean);
    double *doubles = NULL;
    size_t n = 0;
    lam_status status = given ? given_statistics(keras, layer, &n, &doubles)
                              : learned_statistics(keras, layer, &n, &doubles);
    for (size_t i = n; status == LAM_OK && i < 2 * n; i++) {
        if (doubles[i] < 0)
            status = lam__keras_fail(keras, layer, LAM_ERR_NUMERIC, "a negative variance", NULL);
        doubles[i] = fmax(sqrt(doubles[i]), KERAS_EPSILON);
    }
    if (status == LAM_OK && get_bool(layer, "invert", false))
        status = add_affine(keras, layer, n, doubles + n, doubles);
    else if (status == LAM_OK)
        status = normalize(keras, layer, n, NULL, NULL, doubles, doubles + n);
    lam__release(doubles);
    return status;
}

#define NORM_KEYS                                                                                  \
    "beta_initializer gamma_initializer beta_regularizer gamma_regularizer beta_constraint "       \
    "gamma_constraint "

/* `keys` are what every version of Keras writes for the class, `others` what some do: a
 * user-defined class that is called so seldom does, and in .h5 files that is all there is to know
 * it by.
 */
static const struct {
    const char *class, *keys, *others;
    lam_status (*add)(lam__keras *keras, const lam__keras_layer *layer);
} rows[] = {
    {"InputLayer", "", "sparse ragged optional", add_input},
    {"Dense", "units activation use_bias kernel_initializer",
     "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
     "bias_constraint lora_rank lora_alpha quantization_config quantization_mode",
     add_dense},
    {"Dropout", "rate seed noise_shape", "", add_dropout},
    {"Activation", "activation", "", add_activation_of},
    {"ReLU", "max_value threshold", "negative_slope", add_relu},
    {"Softmax", "axis", "", add_softmax},
    {"BatchNormalization", "axis momentum epsilon center scale",
     NORM_KEYS "moving_mean_initializer moving_variance_initializer synchronized renorm "
               "renorm_clipping renorm_momentum fused virtual_batch_size adjustment",
     add_batch_norm},
    {"LayerNormalization", "axis epsilon center scale", NORM_KEYS "rms_scaling", add_layer_norm},
    {"Flatten", "", "data_format", add_flatten},
    {"Rescaling", "scale offset", "", add_rescaling},
    {"Normalization", "axis", "mean variance invert", add_normalization},
    {"Identity", "", "", add_nothing},
    {"GaussianNoise", "stddev", "seed", add_training_only},
    {"GaussianDropout", "rate", "seed", add_training_only},
    {"AlphaDropout", "rate", "seed noise_shape", add_training_only},
    {"ActivityRegularization", "l1 l2", "", add_training_only},
};

lam_status lam__keras_add(lam__keras *keras, const lam__keras_layer *layer)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].class, layer->class) == 0) {
            LAM__TRY(lam__keras_check_keys(keras, layer, rows[i].keys, rows[i].others));
            return rows[i].add(keras, layer);
        }
    return refuse(keras, layer, "a class of layer that a Lamina model cannot express");
}
#endif
