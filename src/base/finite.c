/* finite.c: infinities and what is not a number, in arrays of floats. */
#include "base/finite.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

size_t lam__first_not_finite(const float *values, size_t count)
{
    uint32_t any = 0;
    for (size_t i = 0; i < count; i++) { /* without branches */
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        any |= (bits & 0x7f800000u) == 0x7f800000u; /* an exponent of ones */
    }
    size_t i = 0;
    while (any && i < count && isfinite(values[i]))
        i++;
    return any ? i : count;
}
