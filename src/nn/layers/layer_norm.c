/* layer_norm.c: layer normalization (Ba, Kiros, Hinton, 2016), y = f(gamma (x - mean) / deviation +
 * beta), mean and deviation over the values of a row. */
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

const lam__layer_type lam__layer_norm_layer = {
    .name = "layer_norm",
    .help = "each row to mean 0 and variance 1, then a learned scale and offset",
    .has_parameters = true,
    .kept = 2, /* mean, 1 / deviation */
    .forward = forward,
    .backward = backward,
    .weight_gradient = weight_gradient,
};
