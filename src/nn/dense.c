/* dense.c: the dense layer, Y = f(X W + b) with W [in][out]. */
#include <assert.h>

#include "blas/gemm.h"
#include "kernels/products.h"
#include "nn/layers.h"

/* Y = X W, by the products of the instruction set or by the BLAS. */
static void multiply(const lam__layer *layer, const float *w, const lam__slab *slab)
{
    const lam__products *products = lam__products_chosen();
    const bool packed = slab->panels && slab->rows >= LAM__LEAST_ROWS_OF_PANELS;
    if (products) {
        products->rows(&(lam__product){
            .m = slab->rows,
            .n = layer->out,
            .k = layer->in,
            .a = slab->x,
            .lda = slab->ldx,
            .b = packed ? slab->panels : w,
            .ldb = packed ? products->panel : layer->out,
            .panel_step = products->panel * (packed ? layer->in : 1),
            .c = slab->y,
            .ldc = slab->ldy,
        });
    } else if (slab->rows == 1) {
        lam__gemv(layer->out, layer->in, slab->x, w, layer->out, slab->y);
    } else {
        lam__gemm_nn(slab->rows, layer->out, layer->in, slab->x, slab->ldx, w, layer->out, slab->y,
                     slab->ldy);
    }
}

/* dX = dZ W^T. */
static void multiply_back(const lam__layer *layer, const float *w, const lam__slab *slab)
{
    const lam__products *products = lam__products_chosen();
    if (products) {
        assert(slab->panels_transposed);
        products->rows(&(lam__product){
            .m = slab->rows,
            .n = layer->in,
            .k = layer->out,
            .a = slab->dy,
            .lda = slab->ldy,
            .b = slab->panels_transposed,
            .ldb = products->panel,
            .panel_step = products->panel * layer->out,
            .c = slab->dx,
            .ldc = slab->ldx,
        });
    } else {
        lam__gemm_nt(slab->rows, layer->in, layer->out, slab->dy, slab->ldy, w, layer->out,
                     slab->dx, slab->ldx);
    }
}

static void forward(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    multiply(layer, parameters + layer->weight, slab);
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
        multiply_back(layer, parameters + layer->weight, slab);
}

const lam__layer_type lam__dense_layer = {
    .name = "dense",
    .help = "Y = f(X W + b)",
    .has_parameters = true,
    .multiplies = true,
    .forward = forward,
    .backward = backward,
};
