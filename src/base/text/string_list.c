/* string_list.c: lists of strings, each in one block of memory. */
#include "base/text/string_list.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

char **lam__string_list_room(size_t count, size_t bytes, const char *what, char **text)
{
    size_t size;
    if (!lam__multiply(count, sizeof(char *), &size) || !lam__add(size, bytes, &size))
        size = SIZE_MAX; /* refused as such */
    char **list = lam__allocate(size, 1, what);
    if (list)
        *text = (char *)(list + count);
    return list;
}

char **lam__string_list_copy(const char *const *strings, size_t count, const char *what)
{
    size_t bytes = 0;
    char *text;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(strings[i]) + 1;
    char **list = lam__string_list_room(count, bytes, what, &text);
    for (size_t i = 0; list && i < count; i++) {
        const size_t size = strlen(strings[i]) + 1;
        list[i] = memcpy(text, strings[i], size);
        text += size;
    }
    return list;
}
