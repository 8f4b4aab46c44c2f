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

typedef struct lam__activation {
    const char *name, *alias, *help;
    lam__decision decision;
    const char *default_loss; /* of a model that ends in it */
    lam__forward_kernel *(*forward)(const lam__kernels *kernels);
    lam__backward_kernel *(*backward)(const lam__kernels *kernels); /* NULL result: dz = dy */
    bool rowwise;      /* not elementwise: y[i] depends on the whole row */
    bool needs_z;      /* backward needs z: user activations */
    bool unregistered; /* a name from a file, nothing more: see unregistered.h */
    /* The same in plain C, as a function and as its text, which files of C source contain: f(z) of
     * one value, or for rowwise rows what turns z into y in place. NULL in registered rows. */
    float (*plain)(float z);
    void (*plain_row)(size_t n, float *y);
    const char *c_source;
    lam_activation custom; /* of lam_register_activation; functions NULL for built-in rows */
} lam__activation;

extern lam__name_table lam__activations;

/* The row with this name or alias; NULL with LAM_ERR_NAME recorded, listing the known ones. */
const lam__activation *lam__find_activation(const char *name);

size_t lam__activation_count(void);
const lam__activation *lam__activation_at(size_t i);

/* y = f(z + bias) on rows: in place on y [rows][ld] for built-in rows; z [rows][ld] receives
 * z + bias where needs_z. */
void lam__activate(const lam__activation *activation, size_t rows, size_t cols, size_t ld,
                   const float *bias, float *y, float *z);

/* dy = dL/dz in place. z is read where needs_z, else may be NULL. */
void lam__activate_backward(const lam__activation *activation, size_t rows, size_t cols, size_t ld,
                            const float *y, const float *z, float *dy);

#endif
