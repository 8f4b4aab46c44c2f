/* arrays.h: named arrays of a file, and the making of a model from bare ones.
 *
 * A file of bare weights holds arrays, by name or by place, and not what is done with them. The
 * reader of its format lists them here; lam__arrays_model finds the dense layers among them. */
#ifndef LAMINA_ARRAYS_H
#define LAMINA_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/exchange.h>

#include "formats/safetensors/safetensors.h"

/* What an item of a file is. */
typedef enum lam__item_kind {
    LAM__ITEM_ARRAY,
    LAM__ITEM_OBJECT, /* an object of a class, whose arrays follow it; `type` names the class */
    LAM__ITEM_OPAQUE  /* what a call of `type` would give, which is never made */
} lam__item_kind;

/* One item. Everything it points at belongs to the file being read. */
typedef struct lam__item {
    lam__item_kind kind;
    const char *name;     /* "fc1.weight", "layers.0.weights" */
    const char *type;     /* objects: the class, "torch.nn.modules.linear.Linear" */
    bool in_sequence;     /* objects: stands in a list, whose order is that of calculation */
    const void *sequence; /* objects: which list */
    double number; /* objects: a dropout's rate, a normalization's epsilon or a softmax's dimension;
                      NAN = none told */
    /* arrays: */
    lam__st_dtype dtype;
    bool big_endian, complete; /* complete: type and strides are of use, and the data are there */
    size_t rank, shape[LAM__ST_DIMENSIONS], stride[LAM__ST_DIMENSIONS]; /* in elements */
    const unsigned char *data;                                          /* the first element */
} lam__item;

/* The items of a file. */
typedef struct lam__items {
    const char *path;
    const lam__item *items; /* [count], in the order in which a network would have them */
    size_t count;
    size_t file_size;          /* in bytes; 0 where no two arrays can share values */
    bool ordered;              /* the file keeps an order: that in which the layers were made */
    bool torch;                /* of PyTorch, whose layer normalization has an epsilon of 1e-5 */
    lam_import_report *report; /* or NULL */
} lam__items;

/* Whether it is a floating-point type that can be converted. */
bool lam__dtype_is_float(lam__st_dtype dtype);

/* Number of elements; the shape has been checked for overflow. */
size_t lam__item_elements(const lam__item *item);

/* Fills the strides of an array whose last dimension runs fastest (or whose first does). */
void lam__item_pack(lam__item *item, bool first_runs_fastest);

/* Element (i, j) of a matrix, (i, 0) of a vector: as a float, rounded to nearest. */
float lam__item_value(const lam__item *item, size_t i, size_t j);

/* Element i of a vector of integers, truths or whole floats as text ("-3", "True", "1.0", as Python
 * prints them); false for other numbers. */
bool lam__item_number_text(const lam__item *item, size_t i, char *out, size_t size);

/* Compares names so that numbers in them are in the order of numbers: "fc2" before "fc10". */
int lam__natural_order(const char *a, const char *b);

/* Makes the model that the arrays are the parameters of, the options saying what they do not. */
lam_status lam__arrays_model(const lam__items *items, const lam_import_options *options,
                             lam_model **model);

/* Adds the step of --scale, "LO,HI" or "FROM_LO,FROM_HI,LO,HI", to an import graph. */
struct lam__import_graph;
lam_status lam__arrays_scale(const char *text, struct lam__import_graph *imported);

/* LAM_ERR_ARGUMENT when an option is given that serves bare weights only. */
lam_status lam__refuse_bare_options(const char *path, const lam_import_options *options);

#endif
