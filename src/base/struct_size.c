/* struct_size.c: structs of programs that were compiled with another version. */
#include "base/struct_size.h"

#include <string.h>

#include "base/error.h"

/* Larger than any version's options: what is found there was never set. */
#define LAM__MOST_STRUCT_SIZE 65536

lam_status lam__read_struct(void *own, size_t own_size, const void *given, size_t size,
                            const char *type)
{
    const unsigned char *bytes = given;
    for (size_t i = own_size; i < size; i++)
        if (bytes[i] != 0)
            return lam__fail(
                LAM_ERR_UNSUPPORTED,
                "%s: the program sets a field, at byte %zu, that Lamina " LAM_VERSION_STRING
                " does not have: it was compiled with a later version",
                type, i);
    memcpy(own, given, size < own_size ? size : own_size);
    return LAM_OK;
}

void lam__write_struct(void *given, size_t size, const void *own, size_t own_size)
{
    memcpy(given, own, size < own_size ? size : own_size);
    if (size > own_size)
        memset((unsigned char *)given + own_size, 0, size - own_size);
}

size_t lam__options_size(const void *given)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    return size;
}

lam_status lam__read_options(void *own, size_t own_size, const void *given, const char *type)
{
    if (!given)
        return LAM_OK;
    const size_t size = lam__options_size(given);
    if (size < sizeof size || size > LAM__MOST_STRUCT_SIZE)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "%s: struct_size is %zu, which no version has: fill the options with "
                         "%s_default() first",
                         type, size, type);
    LAM__TRY(lam__read_struct(own, own_size, given, size, type));
    memcpy(own, &own_size, sizeof own_size);
    return LAM_OK;
}

void lam__write_options(void *given, size_t size, void *own, size_t own_size)
{
    if (!given || size < sizeof size)
        return;
    memcpy(own, &size, sizeof size);
    lam__write_struct(given, size, own, own_size);
}
