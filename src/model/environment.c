/* environment.c: the environment variables that the library reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/status.h>

#include "base/error.h"
#include "base/machine/cpu.h"
#include "base/text.h"

static lam_status check_word(const char *variable, const char *const *words, size_t count)
{
    char kind[64], message[512];
    const char *value = getenv(variable);
    if (!value || !*value)
        return LAM_OK;
    for (size_t i = 0; i < count; i++)
        if (strcmp(value, words[i]) == 0)
            return LAM_OK;
    snprintf(kind, sizeof kind, "value of the environment variable %s:", variable);
    lam__unknown_word(kind, value, words, count, message, sizeof message);
    return lam__fail(LAM_ERR_NAME, "%s", message);
}

lam_status lam_check_environment(void)
{
    static const char *const products[] = {"tiles", "blas"};
    const char *sets[LAM__ISA_COUNT];
    for (int i = 0; i < LAM__ISA_COUNT; i++)
        sets[i] = lam__isa_name((lam__isa)i);
    LAM__TRY(check_word("LAMINA_CPU", sets, LAM__ISA_COUNT));
    return check_word("LAMINA_PRODUCTS", products, sizeof products / sizeof *products);
}
