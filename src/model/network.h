/* network.h: the inside of lam_model. */
#ifndef LAMINA_NETWORK_H
#define LAMINA_NETWORK_H

#include <lamina/model.h>

#include "model/sample_schema.h"
#include "model/transform.h"
#include "nn/layers/layers.h"
#include "nn/losses.h"
#include "nn/optimizers.h"

/* Space for the longest name that can be registered. */
#define LAM__OWN_NAME_SIZE 64

/* Space for "layers.18446744073709551615.weight". */
#define LAM__TENSOR_NAME_SIZE 40

/* The moments that training has left with a model: none where optimizer is NULL. */
typedef struct lam__moments {
    const lam__optimizer *optimizer;
    float *m, *v;  /* [parameter_floats] laid out as the parameters, or NULL */
    uint64_t from; /* the training step before which they were 0 */
} lam__moments;

struct lam_model {
    lam_status status; /* sticky */
    char message[512]; /* belongs to status */
    size_t features;
    lam__layer *layers; /* [layer_count] */
    size_t layer_count, layer_capacity;
    size_t with_parameters; /* how many of the layers have them */
    float *parameters;      /* [parameter_floats] flat, padding 0; NULL before initialization */
    size_t parameter_floats;
    uint64_t changes; /* of the parameters so far, by functions of the library */
    bool viewed;      /* a writable view has been given out: they may change at any time */
    char (*tensor_names)[LAM__TENSOR_NAME_SIZE]; /* [tensors], with the parameters */
    lam__input input;                            /* what raw samples are made from */
    lam__transform transform;
    char **class_names; /* [class_count] in one block (string_list.h), or NULL */
    size_t class_count;
    const lam__loss *loss; /* trained with, or NULL */
    const char *loss_name; /* the same where it is not known, kept in `unregistered`; or NULL */
    /* How far training has come in this process: random numbers, decay and orders go on there. */
    uint64_t steps_done, epochs_done;
    lam__moments moments;
    bool restoring;                         /* being read from a file: */
    struct lam__unregistered *unregistered; /* what its file names and no table has */
};

/* Number of tensors, and tensor i: its layer, whether it is the bias, its offset and shape. */
typedef struct lam__tensor_view {
    size_t layer;
    bool bias;
    bool flat; /* a vector, rows = 1: biases, weights of layers that do not multiply */
    size_t offset, rows, cols;
} lam__tensor_view;

size_t lam__tensor_count(const lam_model *model);
bool lam__tensor_at(const lam_model *model, size_t i, lam__tensor_view *place);

/* Adds a layer of any type, with errors as those of lam_model_dense. */
lam_status lam__model_add_layer(lam_model *model, const lam__layer_request *request);

/* Number of parameters of a layer. */
size_t lam__layer_parameters(const lam__layer *layer);

/* Writes "layers.3.weight" to name. */
void lam__tensor_name(const lam__tensor_view *place, char *name, size_t size);

/* LAM_ERR_NUMERIC naming the first parameter that is not a finite number: no such model is written.
 */
lam_status lam__model_check_finite(const lam_model *model);

/* A view of tensor i, which exists, for reading. */
lam_tensor lam__view_tensor(const lam_model *model, size_t i);

/* Allocates model->parameters, zeroed; does nothing when they exist. Also checks that there is a
 * layer with parameters and that sizes fit the BLAS. */
lam_status lam__allocate_parameters(lam_model *model);

/* Makes room for `count` moments (0, 1 or 2) of an optimizer; those there are stay, when they are
 * of the same. */
lam_status lam__model_reserve_moments(lam_model *model, const lam__optimizer *optimizer,
                                      size_t count);

/* Forgets moments. */
void lam__model_drop_moments(lam_model *model);

/* The last layer with an activation; NULL when there is none. */
const lam__layer *lam__last_dense(const lam_model *model);

/* Names the classes, without a look at the number of outputs: data may have fewer classes. */
lam_status lam__model_take_class_names(lam_model *model, const char *const *names, size_t count);

/* The same, with a list made by string_list.h, which then belongs to the model. */
void lam__model_own_class_names(lam_model *model, char **names, size_t count);

/* Whether so many class names fit the outputs: LAM_ERR_SHAPE with both numbers. */
lam_status lam__model_check_class_names(const lam_model *model, size_t count);

/* Returns a building call's error; a model that has no parameters yet remembers the first. */
lam_status lam__model_fail(lam_model *model, lam_status status);

#endif
