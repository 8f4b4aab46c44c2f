/* layers.h: the table of layer types: what a layer is, what it does to a slab of rows, and all that
 * text, model files, exports and imports need to know of it. */
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
    size_t weight_rows;                /* of layers that multiply: in; of others 1 */
    size_t weight, bias;               /* offsets of W [weight_rows][out] and b [out] */
    /* dense: */
    const lam__initializer *initializer;      /* of weights; NULL = the run's */
    const lam__initializer *bias_initializer; /* NULL = zeros */
    double initializer_parameter, bias_initializer_parameter;
    float l1, l2, bias_l1, bias_l2; /* or LAM_INHERIT; 0 in types without these fields */
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

/* What a field of a layer holds. */
typedef enum lam__layer_field_kind {
    LAM__LAYER_UNITS,       /* the number of outputs; a type without it has as many as inputs */
    LAM__LAYER_ACTIVATION,  /* its name */
    LAM__LAYER_INITIALIZER, /* of the weight, as lam__parse_initializer reads it */
    LAM__LAYER_BIAS_INITIALIZER, /* of the bias */
    LAM__LAYER_STRENGTH,         /* of a penalty: a float >= 0 or LAM_INHERIT */
    LAM__LAYER_NUMBER            /* a float in a range */
} lam__layer_field_kind;

/* What can be chosen of a layer. Keys of model files, the text of --layers, `lamina inspect` and
 * the checks come from these rows, in their order. */
typedef struct lam__layer_field {
    const char *name;
    lam__layer_field_kind kind;
    size_t offset;       /* strengths, numbers: of a float of lam__layer */
    const char *spelled; /* "RATE": its place in the text of a layer; NULL: it has none there */
    bool required;       /* numbers: there is no default, a text must give one */
    float otherwise;     /* numbers: the default */
    float least, most;   /* numbers: the range, with its ends where they are not open */
    bool least_open, most_open;
} lam__layer_field;

/* An operator of ONNX: of what flows through the layer, then its weight or bias, or both. */
typedef struct lam__layer_operator {
    const char *name;
    bool weight, bias;
    const char *attribute; /* a number among the fields that is one of its attributes, or NULL */
} lam__layer_operator;

enum { LAM__LAYER_OPERATORS = 2, LAM__LAYER_FIELDS = 8 /* at most, of a type */ };

/* How 8-bit integers compute a layer (infer/quantized.h). */
typedef enum lam__integer_form {
    LAM__INTEGER_NONE,       /* not at all */
    LAM__INTEGER_PRODUCT,    /* sums of bytes times bytes */
    LAM__INTEGER_NORMALIZED, /* each value times a number, after normalization */
    LAM__INTEGER_TABLES      /* output j depends on input j alone: a table for each, from `plain` */
} lam__integer_form;

typedef struct lam__layer_type {
    const char *name, *alias, *help; /* help begins with the layer's text, as lam__layer_usage */
    const lam__layer_field *fields;  /* [field_count] */
    size_t field_count;
    bool bare;           /* its text is the fields without the name: UNITS:ACTIVATION */
    bool has_parameters; /* W and b as in lam__layer, and an activation */
    bool multiplies;     /* W is [in][out], the output X W: it may be kept in panels */
    bool only_training;  /* identity at inference: the plan of a predictor leaves it out */
    size_t kept;         /* floats of a row that forward leaves for the way back */
    /* Layers that do not multiply: what weights and biases start as, and what they are called. */
    float weight_start, bias_start;
    const char *weight_name, *bias_name;
    bool weight_scales; /* z = W g(x) + b: what scales z can be folded into W and b */
    int version;        /* the least version of a model file's description that has it; 0 = 1 */
    void (*forward)(const lam__layer *layer, const float *parameters, const lam__slab *slab);
    void (*backward)(const lam__layer *layer, const float *parameters, const lam__slab *slab);
    /* Layers that do not multiply: g [weight_rows][out] = dL/dW over the rows of the slab, which
     * has x, kept and dy = dL/dz. */
    void (*weight_gradient)(const lam__layer *layer, const float *parameters, const lam__slab *slab,
                            float *g);
    /* ---- inference outside the library; of layers that are there at inference ---- */
    /* z[out] of x[in], before the activation, summed in double: what generated files and imported
     * networks are held to. */
    void (*plain)(const lam__layer *layer, const float *parameters, const float *x, float *z);
    /* The same as statements of C99 from x[] to y[], and what they do. '#n' stands for the number
     * of outputs, '#n_float' for it as a float, '#weight' and '#bias' for those of output j,
     * '#activation' for the name, '#' and the name of a number for that. Layers that multiply have
     * none: formats/c_export writes them in blocks. */
    const char *c_about, *c_source;
    lam__layer_operator onnx[LAM__LAYER_OPERATORS]; /* one after the other; none: no ONNX */
    int onnx_set;                                   /* the least set of operators; 0 = 13 */
    lam__integer_form integers;
} lam__layer_type;

/* A layer that is to be added to a model. */
typedef struct lam__layer_request {
    lam__layer layer; /* type, numbers and strengths; out of types with units */
    const char *activation, *initializer, *bias_initializer; /* NULL = linear, the run's, zeros */
} lam__layer_request;

/* A layer of a type with the defaults of its fields. */
lam__layer_request lam__layer_default(const lam__layer_type *type);

/* A type's field by its kind, NULL when it has none. */
const lam__layer_field *lam__layer_field_of(const lam__layer_type *type,
                                            lam__layer_field_kind kind);

/* The float of a strength or number; of a request, pass its layer. */
float lam__layer_number(const lam__layer *layer, const lam__layer_field *field);
void lam__layer_set_number(lam__layer *layer, const lam__layer_field *field, float value);

/* Whether the field's float may be what it is: LAM_ERR_ARGUMENT with range and value. */
lam_status lam__layer_check_number(const lam__layer *layer, const lam__layer_field *field);

/* "layer_norm[:EPSILON][:ACTIVATION]". Returns text. */
const char *lam__layer_usage(const lam__layer_type *type, char *text, size_t size);

/* Reads "128:relu", "dropout:0.1" or another text of that form; names point into it. Names and
 * ranges are checked when the layer is added. */
lam_status lam__layer_parse(const char *text, lam__layer_request *request);

/* The text of a layer of a model, as lam__layer_parse reads it; choices that are defaults are left
 * out. Returns text. */
const char *lam__layer_text(const lam__layer *layer, char *text, size_t size);

/* Whether columns of the layer's outputs can be computed by themselves, with the same bits. */
bool lam__dense_has_columns(const lam__layer *layer);

/* Columns first .. first + cols - 1 of such a layer's outputs on a slab; first is a multiple of the
 * products' panel. */
void lam__dense_columns(const lam__layer *layer, const float *parameters, const lam__slab *slab,
                        size_t first, size_t cols);

/* The rest of the forward pass once the slab's y is X W: bias and activation. */
void lam__dense_activate(const lam__layer *layer, const float *parameters, const lam__slab *slab);

/* The types, each a row in a file of its own. */
#define LAM__LAYER_LIST(X)                                                                         \
    X(dense)                                                                                       \
    X(dropout)                                                                                     \
    X(layer_norm)

#define LAM__LAYER_ROW(name) extern const lam__layer_type lam__##name##_layer;
LAM__LAYER_LIST(LAM__LAYER_ROW)
#undef LAM__LAYER_ROW

extern lam__name_table lam__layer_types;

#endif
