/* dense.c: the dense layer, Y = f(X W + b) with W [in][out]. */
#include "blas/gemm.h"
#include "nn/layers.h"

static void forward(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    const float *w = parameters + layer->weight; /* [in][out] */
    if (slab->rows == 1)
        lam__gemv(layer->out, layer->in, slab->x, w, layer->out, slab->y);
    else
        lam__gemm_nn(slab->rows, layer->out, layer->in, slab->x, slab->ldx, w, layer->out, slab->y,
                     slab->ldy);
    if (!slab->raw_output)
        lam__activate(layer->activation, slab->rows, layer->out, slab->ldy,
                      parameters + layer->bias, slab->y, slab->z);
}

/* dZ = dY f'(Z), dX = dZ W^T; the gradients of W and b are the business of the weight phase. */
static void backward(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    if (!slab->raw_output)
        lam__activate_backward(layer->activation, slab->rows, layer->out, slab->ldy, slab->y,
                               slab->z, slab->dy);
    if (slab->dx)
        lam__gemm_nt(slab->rows, layer->in, layer->out, slab->dy, slab->ldy,
                     parameters + layer->weight, layer->out, slab->dx, slab->ldx);
}

const lam__layer_type lam__dense_layer = {
    .name = "dense",
    .help = "Y = f(X W + b)",
    .has_parameters = true,
    .forward = forward,
    .backward = backward,
};
