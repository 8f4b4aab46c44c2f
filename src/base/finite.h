/* finite.h: infinities and what is not a number, in arrays of floats. */
#ifndef LAMINA_FINITE_H
#define LAMINA_FINITE_H

#include <stddef.h>

/* Index of the first of values[count] that is not finite, or `count`. */
size_t lam__first_not_finite(const float *values, size_t count);

#endif
