/* choose.c: which tables of kernels and of products are used. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

const lam__products *lam__products_of(lam__isa isa)
{
    const lam__kernels *kernels = lam__kernels_of(isa);
#if LAM__KERNELS_AVX2
    if (kernels == &lam__kernels_avx2)
        return &lam__products_avx2;
#endif
#if LAM__KERNELS_AVX512
    if (kernels == &lam__kernels_avx512)
        return &lam__products_avx512;
#endif
    return kernels ? &lam__products_baseline : NULL;
}

lam__product_limits lam__product_limits_of(lam__isa isa)
{
    static const lam__product_limits limits[LAM__ISA_COUNT] = {
        [LAM__BASELINE] = {8, 256, 1 << 16},
        [LAM__AVX2] = {16, 128, 1 << 20},
        [LAM__AVX512] = {32, 256, 1 << 16},
    };
    return limits[isa];
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const lam__products *chosen;

/* On the baseline the BLAS library knows better: it has kernels for processors of its own. */
static void choose_products(void)
{
    const char *wish = getenv("LAMINA_PRODUCTS");
    const lam__kernels *kernels = lam__kernels_chosen();
    bool tiles = kernels != &lam__kernels_baseline;
    if (wish && strcmp(wish, "tiles") == 0)
        tiles = true;
    else if (wish && strcmp(wish, "blas") == 0)
        tiles = false;
    for (int isa = 0; tiles && isa < LAM__ISA_COUNT; isa++)
        if (lam__kernels_of((lam__isa)isa) == kernels)
            chosen = lam__products_of((lam__isa)isa);
}

const lam__products *lam__products_chosen(void)
{
    pthread_once(&once, choose_products);
    return chosen;
}
