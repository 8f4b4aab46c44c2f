/* layers.h: the table of layer types: what a layer does to a slab of rows. */
#ifndef LAMINA_LAYERS_H
#define LAMINA_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/model.h>

#include "base/philox.h"
#include "base/text/name_table.h"
#include "nn/activations.h"
#include "nn/initializers.h"

struct lam__layer_type;

/* A layer of a model. Offsets count floats from the start of the flat parameter buffer; every
 * tensor starts at a multiple of 16 floats. */
typedef struct lam__layer {
    const struct lam__layer_type *type;
    size_t in, out;
    float rate;                        /* dropout */
    float epsilon;                     /* layer_norm */
    const lam__activation *activation; /* of layers with parameters */
    size_t weight_rows;                /* dense: in; layer_norm: 1 */
    size_t weight, bias;               /* offsets of W [weight_rows][out] and b [out] */
    /* dense: */
    const lam__initializer *initializer;      /* of weights; NULL = the run's */
    const lam__initializer *bias_initializer; /* NULL = zeros */
    double initializer_parameter, bias_initializer_parameter;
    float l1, l2, bias_l1, bias_l2; /* or LAM_INHERIT; of layer_norm 0 */
    size_t with_parameters; /* of layer k of a model: which is its k-th with parameters, if any */
} lam__layer;

/* A slab of rows passing through a layer. All matrices start at the slab's first row. */
typedef struct lam__slab {
    size_t first, rows; /* position of the slab in the batch */
    const float *x;     /* [rows][ldx] input */
    size_t ldx;
    float *y; /* [rows][ldy] output */
    size_t ldy;
    float *z;  /* [rows][ldy] pre-activations where the activation needs them, or NULL */
    float *dy; /* backward: [rows][ldy] dL/dy in, dL/dz out */
    float *dx; /* backward: [rows][ldx] receives dL/dx; NULL for the first layer */
    /* W in the order that products.h reads it, as B = W and B = W^T, or NULL: read W itself */
    const float *panels, *panels_transposed;
    float *kept;     /* [rows][kept of the type] from forward to backward; NULL at inference */
    uint64_t *mask;  /* dropout: [rows][(out + 63) / 64] */
    bool raw_output; /* forward: leave logits without bias to a fused loss;
                        backward: dy is dL/dz already */
    lam__key key;    /* dropout */
    uint64_t step;
} lam__slab;

typedef struct lam__layer_type {
    const char *name, *alias, *help;
    bool has_parameters; /* W and b as in lam__layer */
    bool multiplies;     /* W is [in][out], the output X W: it may be kept in panels */
    bool only_training;  /* identity at inference: the plan of a predictor leaves it out */
    size_t kept;         /* floats of a row that forward leaves for the way back */
    void (*forward)(const lam__layer *layer, const float *parameters, const lam__slab *slab);
    void (*backward)(const lam__layer *layer, const float *parameters, const lam__slab *slab);
    /* Layers that do not multiply: g [weight_rows][out] = dL/dW over the rows of the slab, which
     * has x, kept and dy = dL/dz. */
    void (*weight_gradient)(const lam__layer *layer, const float *parameters, const lam__slab *slab,
                            float *g);
} lam__layer_type;

/* Whether columns of the layer's outputs can be computed by themselves, with the same bits. */
bool lam__dense_has_columns(const lam__layer *layer);

/* Columns first .. first + cols - 1 of such a layer's outputs on a slab; first is a multiple of the
 * products' panel. */
void lam__dense_columns(const lam__layer *layer, const float *parameters, const lam__slab *slab,
                        size_t first, size_t cols);

/* The rest of the forward pass once the slab's y is X W: bias and activation. */
void lam__dense_activate(const lam__layer *layer, const float *parameters, const lam__slab *slab);

extern const lam__layer_type lam__dense_layer, lam__dropout_layer, lam__layer_norm_layer;

extern lam__name_table lam__layer_types;
size_t lam__layer_type_count(void);
const lam__layer_type *lam__layer_type_at(size_t i);

#endif
