/* build_info.c: what this build is made of. Here, since base knows neither the BLAS nor the
 * kernels. */
#include <string.h>

#include <lamina/status.h>

#include "kernels/blas/gemm.h"
#include "kernels/kernels.h"
#include "kernels/products.h"
#include "lamina_features.h"

static const char *instruction_set(void)
{
    return lam__kernels_chosen()->name; /* of the compiled ones: not all that the processor has */
}

static const char *products(void)
{
    return lam__products_chosen() ? "tiles" : "blas";
}

static const char *yes(void)
{
    return "yes";
}

static const char *no(void)
{
    return "no";
}

static const struct fact {
    const char *key;
    const char *(*value)(void);
} facts[] = {
    {"blas", lam__blas_name},
    {"instruction_set", instruction_set},
    {"products", products},
    {"processor", lam__processor_make},
    {"lapack", LAM__HAVE_LAPACK ? yes : no},
    {"gzip", LAM__HAVE_GZIP ? yes : no},
    {"zip", LAM__HAVE_ZIP ? yes : no},
    {"json", LAM__HAVE_JSON ? yes : no},
    {"onnx", LAM__HAVE_ONNX ? yes : no},
    {"images", LAM__HAVE_IMAGES ? yes : no},
};

const char *lam_build_info(const char *key)
{
    for (size_t i = 0; key && i < sizeof facts / sizeof *facts; i++)
        if (strcmp(facts[i].key, key) == 0)
            return facts[i].value();
    return NULL;
}
