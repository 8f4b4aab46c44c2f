/* reference.h: the losses of the scalar reference, and what they share with its softmax. */
#ifndef LAMINA_REFERENCE_H
#define LAMINA_REFERENCE_H

#include "kernels.h"

lam__loss_kernel lam__reference_softmax_crossentropy;
lam__loss_kernel lam__reference_categorical_crossentropy;
lam__loss_kernel lam__reference_sigmoid_crossentropy;
lam__loss_kernel lam__reference_binary_crossentropy;
lam__loss_kernel lam__reference_squared_error;
lam__loss_kernel lam__reference_absolute_error;

/* The largest of z + bias, and sum e^(z + bias - largest), z [cols], bias [cols] or NULL. */
double lam__reference_maximum(size_t cols, const float *bias, const float *z);
double lam__reference_exp_total(size_t cols, const float *bias, const float *z);

#endif
