/* dense.c: the dense layer, Y = f(X W + b) with W [in][out]. */
#include <assert.h>

#include "kernels/blas/gemm.h"
#include "kernels/products.h"
#include "nn/layers/layers.h"

/* Columns first .. first + cols - 1 of Y = X W by the products of the instruction set; `first` is
 * where a panel begins. */
static void multiply_columns(const lam__products *products, const lam__layer *layer, const float *w,
                             const lam__slab *slab, size_t first, size_t cols)
{
    const bool packed = slab->panels != NULL;
    products->rows(&(lam__product){
        .m = slab->rows,
        .n = cols,
        .k = layer->in,
        .a = slab->x,
        .lda = slab->ldx,
        .b = packed ? slab->panels + first * layer->in : w + first,
        .ldb = packed ? products->panel : layer->out,
        .panel_step = products->panel * (packed ? layer->in : 1),
        .c = slab->y + first,
        .ldc = slab->ldy,
    });
}

/* Y = X W, by the products of the instruction set or by the BLAS. */
static void multiply(const lam__layer *layer, const float *w, const lam__slab *slab)
{
    const lam__products *products = lam__products_chosen();
    if (products) {
        multiply_columns(products, layer, w, slab, 0, layer->out);
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

void lam__dense_activate(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    if (!slab->raw_output)
        lam__activate(layer->activation, slab->rows, layer->out, slab->ldy,
                      parameters + layer->bias, slab->y, slab->z);
}

static void forward(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    multiply(layer, parameters + layer->weight, slab);
    lam__dense_activate(layer, parameters, slab);
}

bool lam__dense_has_columns(const lam__layer *layer)
{
    const lam__activation *activation = layer->activation;
    return layer->type == &lam__dense_layer && lam__products_chosen() && !activation->rowwise &&
           !activation->custom.forward;
}

void lam__dense_columns(const lam__layer *layer, const float *parameters, const lam__slab *slab,
                        size_t first, size_t cols)
{
    multiply_columns(lam__products_chosen(), layer, parameters + layer->weight, slab, first, cols);
    lam__activate(layer->activation, slab->rows, cols, slab->ldy, parameters + layer->bias + first,
                  slab->y + first, NULL);
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

static void plain(const lam__layer *layer, const float *parameters, const float *x, float *z)
{
    const float *w = parameters + layer->weight, *b = parameters + layer->bias;
    enum { TOGETHER = 64 };
    for (size_t first = 0; first < layer->out; first += TOGETHER) {
        const size_t left = layer->out - first, count = left < TOGETHER ? left : TOGETHER;
        double sum[TOGETHER];
        for (size_t j = 0; j < count; j++)
            sum[j] = b[first + j];
        for (size_t i = 0; i < layer->in; i++)
            for (size_t j = 0; j < count; j++)
                sum[j] += (double)x[i] * (double)w[i * layer->out + first + j];
        for (size_t j = 0; j < count; j++)
            z[first + j] = (float)sum[j];
    }
}

#define STRENGTH(field)                                                                            \
    {                                                                                              \
#field, LAM__LAYER_STRENGTH, .offset = offsetof(lam__layer, field)                         \
    }

static const lam__layer_field fields[] = {
    {"units", LAM__LAYER_UNITS, .spelled = "UNITS"},
    {"activation", LAM__LAYER_ACTIVATION, .spelled = "ACTIVATION"},
    {.name = "initializer", .kind = LAM__LAYER_INITIALIZER},
    {.name = "bias_initializer", .kind = LAM__LAYER_BIAS_INITIALIZER},
    STRENGTH(l1),
    STRENGTH(l2),
    STRENGTH(bias_l1),
    STRENGTH(bias_l2),
};

const lam__layer_type lam__dense_layer = {
    .name = "dense",
    .help = "UNITS[:ACTIVATION]: Y = f(X W + b)",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .bare = true,
    .has_parameters = true,
    .multiplies = true,
    .weight_name = "weight",
    .bias_name = "bias",
    .forward = forward,
    .backward = backward,
    .plain = plain,
    .onnx = {{"Gemm", .weight = true, .bias = true}},
    .integers = LAM__INTEGER_PRODUCT,
};
