/* fuzz_idx.c: fuzz target of the IDX reader. */
#include <stdlib.h>

#include "base/memory.h"
#include "data/readers/arrays/idx.h"
#include "fuzz.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    for (size_t limit = 0; limit < 2; limit++) {
        lam__idx idx;
        if (lam__idx_parse(data, size, "input", limit, &idx) != LAM_OK)
            continue;
        /* read every value that was promised */
        const unsigned char *bytes = idx.values;
        size_t length = idx.samples * idx.features * (idx.dtype == LAM_UINT8 ? 1 : 4);
        unsigned sum = 0;
        for (size_t i = 0; i < length; i++)
            sum += bytes[i];
        if (idx.samples == 0 || idx.features == 0 || sum > 255 * length)
            abort();
        lam__release(idx.values);
    }
}
