/* activations.h: the table of activations. One row adds one. */
#ifndef LAMINA_ACTIVATIONS_H
#define LAMINA_ACTIVATIONS_H

#include <lamina/extend.h>

#include "base/text/name_table.h"
#include "kernels/kernels.h"

/* How outputs become predictions and which loss fits by default. */
typedef enum lam__decision {
    LAM__DECIDE_VALUE,
    LAM__DECIDE_THRESHOLD,
    LAM__DECIDE_ARGMAX
} lam__decision;

enum { LAM__ONNX_MOST = 4 };

typedef struct lam__activation {
    const char *name, *alias, *help;
    lam__decision decision;
    const char *default_loss; /* of a model that ends in it */
    lam__forward_kernel *(*forward)(const lam__kernels *kernels);
    lam__backward_kernel *(*backward)(const lam__kernels *kernels); /* NULL: dz = dy */
    bool rowwise;      /* not elementwise: y[i] depends on the whole row */
    bool needs_z;      /* backward reads z, which training then keeps */
    bool clamps;       /* cuts z off at an end of its range and does nothing else: a network of
                          integers does it without a table */
    bool unregistered; /* a name from a file, nothing more: see unregistered.h */
    /* The same in plain C, as a function and as its text, which files of C source contain: f(z) of
     * one value, or for rowwise rows what turns z into y in place. NULL in registered rows. */
    float (*plain)(float z);
    void (*plain_row)(size_t n, float *y);
    const char *c_source;
    /* Operators of ONNX, one of what the other gives; "Mul" multiplies that by z. {""}: there is
     * nothing to do; none: it cannot be written. */
    const char *onnx[LAM__ONNX_MOST];
    /* What other programs call it. Keras: its word where that is not the name or alias here.
     * PyTorch: the class in torch.nn.modules.activation. scikit-learn: its word. NULL: nothing. */
    const char *keras, *torch, *sklearn;
    lam_activation custom; /* of lam_register_activation; functions NULL for built-in rows */
} lam__activation;

extern lam__name_table lam__activations;

/* The row with this name or alias; NULL with LAM_ERR_NAME recorded, listing the known ones. */
const lam__activation *lam__find_activation(const char *name);

size_t lam__activation_count(void);
const lam__activation *lam__activation_at(size_t i);

/* Programs that name activations in their own words. */
typedef enum lam__dialect { LAM__KERAS, LAM__TORCH, LAM__SKLEARN } lam__dialect;

/* The row that a program calls so; NULL, with nothing recorded, when there is none. */
const lam__activation *lam__activation_called(lam__dialect dialect, const char *word);

/* y = f(y + bias) in place on rows of y [rows][ld]; z [rows][ld] receives y + bias. It may be NULL,
 * but for the user's own activations. */
void lam__activate(const lam__activation *activation, size_t rows, size_t cols, size_t ld,
                   const float *bias, float *y, float *z);

/* dy = dL/dz in place. z is read where needs_z, else may be NULL. */
void lam__activate_backward(const lam__activation *activation, size_t rows, size_t cols, size_t ld,
                            const float *y, const float *z, float *dy);

#endif
