/* scalar_loops.h: elementwise activations and losses in double, as the scalar reference of the
 * kernels has them: for rows of the tables that a test has no formula of its own for. The kernels
 * are held to the same reference, the C text of files to the kernels. */
#ifndef SCALAR_LOOPS_H
#define SCALAR_LOOPS_H

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "kernels/activation_loops.h"
#include "kernels/clip.h"
#include "kernels/loss_loops.h"

typedef double scalar_loss(size_t n, const double *y, const double *t);
typedef void scalar_activation(size_t n, double *z);

#define LAM__FORWARD_REFERENCE(name, function)                                                     \
    static inline void scalar_##name(size_t n, double *z)                                          \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            z[i] = function(z[i]);                                                                 \
    }
#define LAM__BACKWARD_REFERENCE(name, function)
#define LAM__LOSS_REFERENCE(name, function)                                                        \
    static inline double scalar_##name(size_t n, const double *y, const double *t)                 \
    {                                                                                              \
        double sum = 0.0, slope;                                                                   \
        for (size_t i = 0; i < n; i++)                                                             \
            sum += function(y[i], t[i], &slope);                                                   \
        return sum / (double)n;                                                                    \
    }
#define LAM__LOOPS_IN_DOUBLE
#include "kernels/activation_loops.h"
#include "kernels/loss_loops.h"
#undef LAM__LOOPS_IN_DOUBLE

/* In place z = f(z); NULL for a row that is not elementwise. */
static inline scalar_activation *scalar_activation_of(const char *name)
{
    char kernel[64];
    snprintf(kernel, sizeof kernel, "%s_forward", name);
#define SCALAR_forward(id)                                                                         \
    if (strcmp(kernel, #id) == 0)                                                                  \
        return scalar_##id;
#define SCALAR_backward(id)
#define ROW(id, type, help) SCALAR_##type(id)
    LAM__ELEMENTWISE_KERNELS(ROW)
#undef ROW
    return NULL;
}

/* The loss of one sample's outputs y[n]; NULL for one that is not elementwise, or whose kernel has
 * another name. */
static inline scalar_loss *scalar_loss_of(const char *name)
{
#define ROW(id, type, help)                                                                        \
    if (strcmp(name, #id) == 0)                                                                    \
        return scalar_##id;
    LAM__ELEMENTWISE_LOSSES(ROW)
#undef ROW
    return NULL;
}

#endif
