/* state_dict.h: what state_dict_names.c, state_dict_fit.c and state_dict_model.c share: dense
 * layers found among arrays. */
#ifndef LAMINA_STATE_DICT_H
#define LAMINA_STATE_DICT_H

#include "formats/import/arrays.h"
#include "nn/layers/layers.h"

/* What a name says an array is. */
typedef enum lam__array_role {
    LAM__ROLE_OTHER,
    LAM__ROLE_WEIGHT,
    LAM__ROLE_BIAS,
    LAM__ROLE_STATISTIC /* of a batch normalization, or its scale and offset as Keras names them */
} lam__array_role;

/* A part of a name. */
typedef struct lam__span {
    const char *text;
    size_t length;
} lam__span;

/* A name taken apart: arrays of one layer have the same base, head and number. */
typedef struct lam__name_parts {
    lam__span base, head, number, word;
    lam__array_role role;
} lam__name_parts;

/* Order of a weight's dimensions. */
typedef enum lam__order { LAM__ORDER_UNKNOWN, LAM__ORDER_OUT_IN, LAM__ORDER_IN_OUT } lam__order;

/* "encoder.fc1.weight" is base "encoder.fc1", word "weight"; "W2" is number "2", word "W";
 * "fc1_bias" is head "fc1", word "bias"; "dense/kernel:0" is base "dense", word "kernel". */
void lam__take_name_apart(const char *name, lam__name_parts *parts);

bool lam__same_layer(const lam__name_parts *a, const lam__name_parts *b);

/* The order that is usual where weights are called so. */
lam__order lam__usual_order(const lam__name_parts *weight);

/* Which of two layers comes first by the names of their weights, -1 or 1: by the number where they
 * differ, else by words such as "input" and "out"; 0 when the names do not tell. */
int lam__order_by_names(const char *a, const char *b);

/* The activation that a class of the book "Neural Networks from Scratch" is, "Activation_ReLU";
 * NULL for other classes. */
const char *lam__activation_of_class(const char *class_name);

/* The class without its module: "torch.nn.modules.linear.Linear" -> "Linear". */
const char *lam__class_tail(const char *class_name);

/* A dense layer among the items: a weight and its bias. */
typedef struct lam__state_dict_dense {
    const lam__item *weight, *bias; /* bias may be NULL */
    bool guessed;                   /* the bias is not called one */
} lam__state_dict_dense;

/* What the layers are to be: units[count], 0 = not told. */
typedef struct lam__state_dict_plan {
    const size_t *units;
    size_t count;
    lam__order order; /* asked for, or UNKNOWN */
    lam__order usual; /* by the names, or UNKNOWN */
    bool rearrange;   /* whether the layers may stand in another order than the arrays */
    bool ordered;     /* whether the arrays stand in the order in which they were made */
    bool *guessed;    /* becomes true when `usual` has decided; may be NULL */
} lam__state_dict_plan;

/* Whether an item is a matrix of floats that could be a weight; whether it is a vector, [n], [1][n]
 * or [n][1], of floats; and its length. */
bool lam__is_matrix(const lam__item *item);
bool lam__is_vector(const lam__item *item, size_t *length);

/* Inputs and outputs of a weight in an order. */
size_t lam__state_dict_inputs(const lam__item *weight, lam__order order);
size_t lam__state_dict_outputs(const lam__item *weight, lam__order order);

/* Finds order and arrangement in which the layers fit each other and the plan; they are put in that
 * arrangement. LAM_ERR_SHAPE when there is none, LAM_ERR_ARGUMENT when there are several and
 * neither the file's order nor the names say which, or the two disagree: an option must; the
 * message lists the arrays. */
lam_status lam__state_dict_fit(const char *path, lam__state_dict_dense *layers, size_t count,
                               const lam__state_dict_plan *plan, lam__order *order);

/* A layer to be made of the items, in the order of calculation. */
typedef struct lam__state_dict_step {
    const char *where;      /* for messages: the name of an array or an object */
    const char *activation; /* of this layer, or a step of its own; NULL = none */
    lam__layer layer;       /* type, NULL where there is none, and numbers */
    bool batch_norm;
    double epsilon;                                  /* of a normalization; 0 = not told */
    size_t units;                                    /* dense: 0 = not told */
    const lam__item *gamma, *beta, *mean, *variance; /* of a normalization; or NULL */
} lam__state_dict_step;

static inline bool lam__state_dict_is_dense(const lam__state_dict_step *step)
{
    return step->layer.type && step->layer.type->multiplies;
}

/* The field of a layer that is called epsilon, NULL when it has none: the one number that files
 * leave out, and programs have defaults of their own for. */
const lam__layer_field *lam__state_dict_epsilon(const lam__state_dict_step *step);

/* Lists of what was found; made by state_dict_find.c, released with lam__state_dict_close. */
typedef struct lam__state_dict {
    const lam__items *items;
    lam__name_parts *parts;       /* [items->count] */
    bool *used;                   /* [items->count] */
    lam__state_dict_dense *dense; /* [dense_count] */
    size_t dense_count;
    lam__state_dict_step *steps; /* [step_count] */
    size_t step_count;
    const void *sequence; /* the list in which the objects with weights stand */
} lam__state_dict;

lam_status lam__state_dict_open(lam__state_dict *dict, const lam__items *items);
void lam__state_dict_close(lam__state_dict *dict);

/* Finds the dense layers by name and shape, or takes those that `map` names. */
lam_status lam__state_dict_find(lam__state_dict *dict);
lam_status lam__state_dict_map(lam__state_dict *dict, const char *map);

/* Adds a dense layer of the weight `item`, without a bias. */
lam_status lam__state_dict_add(lam__state_dict *dict, size_t item);

/* Finds the dense layers where names do not tell weights: by the lists in which arrays stand.
 * LAM_ERR_ARGUMENT asking for --map where that is no way to tell. */
lam_status lam__state_dict_pair(lam__state_dict *dict);

/* Lists the steps: those of an architecture in text, or those of the objects in the file.
 * LAM_ERR_ARGUMENT when the objects do not tell. */
lam_status lam__state_dict_steps_of_layers(lam__state_dict *dict, const char *layers);
lam_status lam__state_dict_steps_of_objects(lam__state_dict *dict);

/* An architecture that the arrays would fit, "8,batch_norm:relu,3:softmax", in text[size]. */
const char *lam__state_dict_example(const lam__state_dict *dict, char *text, size_t size);

/* The item of the same layer as item i whose name ends so, or that is called a bias; SIZE_MAX when
 * there is none. */
size_t lam__state_dict_beside(const lam__state_dict *dict, size_t i, const char *ending,
                              bool or_bias);

#endif
