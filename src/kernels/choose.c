/* choose.c: which table of kernels is used. */
#include "table.h"

const lam__kernels *lam__kernels_of(lam__isa isa)
{
    if (!lam__isa_available(isa))
        return NULL;
    switch (isa) {
    case LAM__BASELINE:
        return &lam__kernels_baseline;
#if LAM__KERNELS_AVX2
    case LAM__AVX2:
        return &lam__kernels_avx2;
#endif
#if LAM__KERNELS_AVX512
    case LAM__AVX512:
        return &lam__kernels_avx512;
#endif
    default:
        return NULL;
    }
}

/* A compiler may lack a set that the processor has: then the best one below. */
const lam__kernels *lam__kernels_chosen(void)
{
    for (lam__isa isa = lam__isa_chosen(); isa > LAM__BASELINE; isa--) {
        const lam__kernels *kernels = lam__kernels_of(isa);
        if (kernels)
            return kernels;
    }
    return &lam__kernels_baseline;
}
