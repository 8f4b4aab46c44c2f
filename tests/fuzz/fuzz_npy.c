/* fuzz_npy.c: fuzz target of the .npy reader. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/readers/arrays/npy.h"
#include "fuzz.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    for (size_t limit = 0; limit < 2; limit++) {
        lam__npy npy;
        if (lam__npy_parse(data, size, "input", limit, &npy) != LAM_OK)
            continue;
        if (npy.samples == 0 || npy.features == 0 || npy.samples > npy.total)
            abort();
        unsigned sum = 0; /* read every value that was promised */
        for (size_t i = 0; i < npy.samples * npy.features; i++)
            if (npy.dtype == LAM_UINT8)
                sum += ((const uint8_t *)npy.values)[i];
            else if (!isfinite(((const float *)npy.values)[i]))
                abort();
        if (sum > 255 * npy.samples * npy.features)
            abort();
        lam__release(npy.values);
    }
}
