/* reference.h: the losses and normalizations of the scalar reference, and what the losses share
 * with its softmax. */
#ifndef LAMINA_REFERENCE_H
#define LAMINA_REFERENCE_H

#include "kernels.h"

lam__loss_kernel lam__reference_softmax_crossentropy;
lam__loss_kernel lam__reference_categorical_crossentropy;
lam__loss_kernel lam__reference_sigmoid_crossentropy;
lam__loss_kernel lam__reference_binary_crossentropy;
lam__loss_kernel lam__reference_squared_error;
lam__loss_kernel lam__reference_absolute_error;

lam__norm_kernel lam__reference_layer_norm;
lam__norm_kernel lam__reference_layer_norm_backward;
lam__norm_kernel lam__reference_layer_norm_sums;

/* The largest of z + bias, and sum e^(z + bias - largest), z [cols], bias [cols] or NULL. */
double lam__reference_maximum(size_t cols, const float *bias, const float *z);
double lam__reference_exp_total(size_t cols, const float *bias, const float *z);

#endif
