/* checkpoint_origin.c: what made a checkpoint, on which its last bits depend. */
#include "fit/checkpoints/checkpoint_origin.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <lamina/status.h>

const char *lam__origin_key(size_t i)
{
    static const char *const keys[] = {"version", "instruction_set", "processor", "products",
                                       "blas"};
    return i < sizeof keys / sizeof *keys ? keys[i] : NULL;
}

const char *lam__origin_here(const char *key)
{
    return strcmp(key, "version") == 0 ? lam_version() : lam_build_info(key);
}

/* Another BLAS changes nothing where the products are the library's own. */
static bool matters(const char *key, const char *note)
{
    return strcmp(key, "blas") != 0 || strcmp(lam__origin_here("products"), "blas") == 0 ||
           strstr(note, "products");
}

void lam__origin_compare(const char *key, const char *there, char *note, size_t size)
{
    const char *here = lam__origin_here(key);
    if (!there || !here || strcmp(there, here) == 0 || !matters(key, note))
        return;
    const size_t length = strlen(note);
    snprintf(note + length, size - length, "%s%s is %s here and was %.64s there",
             length ? ", " : "", key, here, there);
}
