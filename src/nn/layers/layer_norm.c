/* layer_norm.c: layer normalization (Ba, Kiros, Hinton, 2016), y = f(gamma (x - mean) / deviation +
 * beta), mean and deviation over the values of a row. */
#include <math.h>

#include "nn/layers/layers.h"

/* What the kernels have in common; gamma [n] is the layer's weight. */
static lam__norm_args arguments(const lam__layer *layer, const float *parameters,
                                const lam__slab *slab)
{
    return (lam__norm_args){
        .rows = slab->rows,
        .cols = layer->out,
        .ldx = slab->ldx,
        .ldy = slab->ldy,
        .x = slab->x,
        .gamma = parameters + layer->weight,
        .epsilon = layer->epsilon,
        .y = slab->y,
        .stats = slab->kept,
        .dy = slab->dy,
        .dx = slab->dx,
    };
}

/* With raw_output, gamma (x - mean) / deviation alone: beta is a bias like any other. */
static void forward(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    const lam__norm_args args = arguments(layer, parameters, slab);
    lam__kernels_chosen()->layer_norm(&args);
    if (!slab->raw_output)
        lam__activate(layer->activation, slab->rows, layer->out, slab->ldy,
                      parameters + layer->bias, slab->y, slab->z);
}

static void backward(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    if (!slab->raw_output)
        lam__activate_backward(layer->activation, slab->rows, layer->out, slab->ldy, slab->y,
                               slab->z, slab->dy);
    if (!slab->dx)
        return;
    const lam__norm_args args = arguments(layer, parameters, slab);
    lam__kernels_chosen()->layer_norm_backward(&args);
}

/* dL/dgamma; dL/dbeta is the sum of the columns of dL/dz, as that of every bias. */
static void weight_gradient(const lam__layer *layer, const float *parameters, const lam__slab *slab,
                            float *g)
{
    lam__norm_args args = arguments(layer, parameters, slab);
    args.sums = g;
    lam__kernels_chosen()->layer_norm_sums(&args);
}

static void plain(const lam__layer *layer, const float *parameters, const float *x, float *z)
{
    const float *gamma = parameters + layer->weight, *beta = parameters + layer->bias;
    const size_t n = layer->out;
    double mean = 0, variance = 0;
    for (size_t j = 0; j < n; j++)
        mean += x[j];
    mean /= (double)n;
    for (size_t j = 0; j < n; j++)
        variance += (x[j] - mean) * (x[j] - mean);
    const double factor = 1 / sqrt(variance / (double)n + (double)layer->epsilon);
    for (size_t j = 0; j < n; j++)
        z[j] = (float)((x[j] - mean) * factor * (double)gamma[j] + (double)beta[j]);
}

static const char c_source[] = "    float mean = 0.0f, variance = 0.0f, factor;\n\n"
                               "    for (size_t j = 0; j < #n; j++) {\n"
                               "        mean += x[j];\n    }\n"
                               "    mean /= #n_float;\n"
                               "    for (size_t j = 0; j < #n; j++) {\n"
                               "        y[j] = x[j] - mean;\n"
                               "        variance += y[j] * y[j];\n    }\n"
                               "    factor = 1.0f / sqrtf(variance / #n_float + #epsilon);\n"
                               "    for (size_t j = 0; j < #n; j++) {\n"
                               "        y[j] = y[j] * factor * #weight +\n"
                               "               #bias;\n    }\n";

/* Keras's epsilon (PyTorch: 1e-5). */
static const lam__layer_field fields[] = {
    {"epsilon", LAM__LAYER_NUMBER, .offset = offsetof(lam__layer, epsilon), .spelled = "EPS",
     .otherwise = 1e-3f, .least_open = true, .most = INFINITY},
    {"activation", LAM__LAYER_ACTIVATION, .spelled = "ACTIVATION"},
};

const lam__layer_type lam__layer_norm_layer = {
    .name = "layer_norm",
    .help = "layer_norm[:EPS][:ACTIVATION]: each row to mean 0 and variance 1, then a learned "
            "scale and offset",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .has_parameters = true,
    .kept = 2, /* mean, 1 / deviation */
    .weight_start = 1.0f,
    .weight_name = "gamma",
    .bias_name = "beta",
    .weight_scales = true,
    .version = 2,
    .forward = forward,
    .backward = backward,
    .weight_gradient = weight_gradient,
    .plain = plain,
    .c_about = "#activation(gamma (x - mean) / deviation + beta), mean and deviation of x[#n]",
    .c_source = c_source,
    .onnx = {{"LayerNormalization", .weight = true, .bias = true, .attribute = "epsilon"}},
    .onnx_set = 17,
    .integers = LAM__INTEGER_NORMALIZED,
};
