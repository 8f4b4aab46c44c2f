/* onnx_graph.h: an ONNX graph while it is read: its values by name, and the walk along the one
 * value that samples are. */
#ifndef LAMINA_ONNX_GRAPH_H
#define LAMINA_ONNX_GRAPH_H

#include <onnx.pb-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/import/import_graph.h"
#include "nn/activations.h"

enum { LAM__ONNX_RANK = 8, LAM__ONNX_INPUTS = 8, LAM__ONNX_WHERE = 96 };

/* The newest set of operators whose meaning is known here, and the oldest. */
enum { LAM__ONNX_OLDEST_SET = 7, LAM__ONNX_NEWEST_SET = 26 };

/* What a named value is. Those from MEAN on are parts of a layer normalization that is spelled out,
 * functions of the samples x that come to it: each row has a number of its own there, or as many as
 * x. */
typedef enum lam__onnx_kind {
    LAM__ONNX_UNKNOWN,  /* not computed: its node is not needed, or not reached yet */
    LAM__ONNX_CONSTANT, /* an initializer, or made of one */
    LAM__ONNX_SAMPLES,  /* what comes from the input; only the latest of them may be used */
    LAM__ONNX_MEAN,     /* of x, times `sign` */
    LAM__ONNX_CENTRED,  /* x - mean */
    LAM__ONNX_SQUARES,  /* (x - mean)^2 */
    LAM__ONNX_VARIANCE, /* mean of these, plus epsilon */
    LAM__ONNX_DEVIATION,
    LAM__ONNX_INVERSE, /* 1 / deviation, times gamma */
    LAM__ONNX_SCALED,  /* x gamma / deviation */
    LAM__ONNX_SHIFT,   /* beta - mean gamma / deviation */
    LAM__ONNX_INTEGERS /* made of shapes: what a Reshape is told */
} lam__onnx_kind;

/* Among integers that are made of shapes: the size of the batch, and a length that is not told. */
#define LAM__ONNX_BATCH INT64_MIN
#define LAM__ONNX_UNTOLD (INT64_MIN + 1)

/* Few integers: one alone (rank 0), or a list. */
typedef struct lam__onnx_integer_list {
    size_t rank, count;
    int64_t values[LAM__ONNX_RANK];
} lam__onnx_integer_list;

typedef struct lam__onnx_value {
    const char *name;
    lam__onnx_kind kind;
    bool needed; /* for the output */
    bool given;  /* an initializer or input of the graph, not the output of a node */
    const Onnx__TensorProto *tensor; /* CONSTANT */
    bool transposed;                 /* CONSTANT: of `tensor` */
    size_t version;                  /* SAMPLES and their functions: which samples */
    double sign, epsilon;
    const struct lam__onnx_value *gamma, *beta; /* constants, or NULL */
    lam__onnx_integer_list integers;            /* INTEGERS */
} lam__onnx_value;

/* A constant of numbers in an attribute, made to look like the others. */
typedef struct lam__onnx_made {
    Onnx__TensorProto tensor;
    int64_t length; /* its dimension, where it has one */
} lam__onnx_made;

typedef struct lam__onnx {
    const char *name; /* of the file: its path, beside which values may lie */
    size_t file_size;
    const Onnx__ModelProto *model;
    const Onnx__GraphProto *graph;
    lam__import_graph *imported;
    lam_import_report *report; /* or NULL */
    lam__onnx_value *values;   /* [value_count], by name */
    size_t value_count;
    bool *needed;         /* [nodes] */
    bool *done;           /* [nodes] known beforehand: parts of what another node has told */
    lam__onnx_made *made; /* [nodes] constants of numbers in attributes */
    size_t version;       /* of the samples at hand */
    size_t rank, dims[LAM__ONNX_RANK]; /* of the samples: dims[0] = 0 is the batch; 0 = not told */
    const lam__onnx_value *output;
    int64_t set; /* version of the operators */
} lam__onnx;

/* A node that is being read. */
typedef struct lam__onnx_node {
    lam__onnx *onnx;
    const Onnx__NodeProto *proto;
    size_t index;
    char where[LAM__ONNX_WHERE];               /* "node 3 'Gemm_0' (Gemm)" */
    lam__onnx_value *inputs[LAM__ONNX_INPUTS]; /* NULL where one is left out */
    size_t input_count;
    lam__onnx_value *output;
    size_t samples; /* which input the samples are; input_count: none */
} lam__onnx_node;

/* "FILE: WHERE: message". */
lam_status lam__onnx_refuse(const lam__onnx_node *node, lam_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The value of a name, NULL when there is none. */
lam__onnx_value *lam__onnx_find(const lam__onnx *onnx, const char *name);

/* Attributes of a node, `otherwise` when left out. LAM_ERR_FORMAT for another type. */
lam_status lam__onnx_integer(const lam__onnx_node *node, const char *name, int64_t otherwise,
                             int64_t *value);
lam_status lam__onnx_number(const lam__onnx_node *node, const char *name, float otherwise,
                            float *value);
const Onnx__AttributeProto *lam__onnx_attribute(const lam__onnx_node *node, const char *name);

/* An array of numbers in memory of its own, released with lam__release(array.values). */
typedef struct lam__onnx_array {
    size_t rank, dims[LAM__ONNX_RANK], count;
    float *values;
} lam__onnx_array;

/* The constant that input i of a node is: floats of any width, all finite. */
lam_status lam__onnx_floats(const lam__onnx_node *node, size_t i, lam__onnx_array *array);
lam_status lam__onnx_floats_of(const lam__onnx_node *node, const lam__onnx_value *value,
                               lam__onnx_array *array);

/* A constant of at most LAM__ONNX_RANK integers, or what is made of shapes: a shape, axes. */
lam_status lam__onnx_integers(const lam__onnx_node *node, size_t i, int64_t *values, size_t *count);
lam_status lam__onnx_integers_of(const lam__onnx_node *node, const lam__onnx_value *value,
                                 lam__onnx_integer_list *list);

/* A tensor whose values lie in another file: *inside becomes one that has them, in memory that *own
 * is then for lam__release; others stay as they are. The file lies in the model's folder or below
 * it, wherever links lead: LAM_ERR_UNSUPPORTED otherwise. */
lam_status lam__onnx_external(const lam__onnx_node *node, const char *label,
                              const Onnx__TensorProto *tensor, size_t bytes,
                              Onnx__TensorProto *inside, unsigned char **own);

/* Bytes of the files in which values lie. */
size_t lam__onnx_external_bytes(const lam__onnx *onnx);

/* Shape of samples, and Gather, Slice, Concat, Unsqueeze, Squeeze, Cast and Identity of integers
 * that are made of one, or of constants of integers. *done says whether the node was one. */
lam_status lam__onnx_read_integers(lam__onnx_node *node, bool *done);

/* Samples in another shape: Flatten, Reshape, Squeeze, Unsqueeze. */
lam_status lam__onnx_flatten(lam__onnx_node *node);
lam_status lam__onnx_reshape(lam__onnx_node *node);
lam_status lam__onnx_squeeze(lam__onnx_node *node);

/* The constant truth that input i is; false where it is left out. */
lam_status lam__onnx_flag(const lam__onnx_node *node, size_t i, bool *flag);

/* What became of the samples in a node: a new shape, or none (rank 0: as it was). */
lam_status lam__onnx_samples_shape(lam__onnx_node *node, size_t rank, const size_t *dims);
lam_status lam__onnx_samples(lam__onnx_node *node);

/* Values of a sample: the product of the dimensions after the first; 0 when it is not told. */
size_t lam__onnx_features(const lam__onnx *onnx);

/* Reads one node into the import graph, by the table of operators. */
lam_status lam__onnx_read_node(lam__onnx_node *node);

/* The samples must be rows: [batch][features]. */
lam_status lam__onnx_need_rows(const lam__onnx_node *node);

/* The activation whose operators begin with this one, the simplest of several; NULL: none. */
const lam__activation *lam__onnx_activation_of(const char *type);

/* Reads the longest activation that begins at the node. */
lam_status lam__onnx_read_activation(lam__onnx_node *node);

/* After a sigmoid of one unit, node, scikit-learn's classifiers of two classes go on to 1 - y
 * beside y. That is a softmax of 0 and z, and told so; *both says whether the graph does. */
lam_status lam__onnx_read_both_classes(lam__onnx_node *node, bool *both);

/* Adds, subtracts, multiplies or divides by what is no constant: parts of a layer normalization
 * that is spelled out. *part says whether the node was one. */
lam_status lam__onnx_read_part(lam__onnx_node *node, bool *part);

#endif
