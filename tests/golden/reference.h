/* reference.h: a dense network and its loss in double, written apart from the library. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#define REFERENCE_MAX_LAYERS 4
#define REFERENCE_MAX_WIDTH 512

/* Elementwise or rowwise activation of one row z[n], in place. */
typedef struct reference_activation {
    const char *name;
    void (*apply)(size_t n, double *z);
    bool kink; /* not differentiable at 0 */
} reference_activation;

/* Loss of one sample's outputs y[n] against its target t[n]. */
typedef struct reference_loss {
    const char *name;
    double (*sample)(size_t n, const double *y, const double *t);
    const char *fused_with; /* with this activation nothing is clipped */
    double (*fused)(size_t n, const double *y, const double *t);
    bool clips;         /* outputs, to 1e-7 .. 1 - 1e-7 */
    bool kink;          /* not differentiable where y = t */
    bool probabilities; /* targets are in 0..1 */
} reference_loss;

/* NULL for a name it does not know. */
const reference_activation *reference_find_activation(const char *name);
const reference_loss *reference_find_loss(const char *name);

typedef struct reference {
    size_t layers;
    size_t width[REFERENCE_MAX_LAYERS + 1]; /* inputs, outputs of each layer */
    const reference_activation *activation[REFERENCE_MAX_LAYERS];
    double epsilon[REFERENCE_MAX_LAYERS]; /* > 0: the layer is a layer normalization */
    const reference_loss *loss;
    double l1, l2, bias_l1, bias_l2;
    double keep[REFERENCE_MAX_WIDTH]; /* factors of the outputs of the first layer: dropout of a
                                         one-row batch */
} reference;

/* Number of parameters: W [in][out] and b [out] of each layer; gamma and beta of a normalization.
 */
size_t reference_parameters(const reference *net);

/* Number of weights of layer k. */
size_t reference_weights(const reference *net, size_t k);

/* The mean loss over the rows, without regularization. `outputs` [rows][out] may be NULL. *margin
 * receives the least distance of the run to a kink, in the value that has the kink. */
double reference_data_loss(const reference *net, const double *parameters, size_t rows,
                           const double *x, const double *targets, double *outputs, double *margin);

/* l1 sum |w| + l2 sum w^2 over weights and biases, each with their strengths. */
double reference_penalty(const reference *net, const double *parameters);

#endif
