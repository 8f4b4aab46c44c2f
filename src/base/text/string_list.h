/* string_list.h: lists of strings, each in one block of memory. */
#ifndef LAMINA_STRING_LIST_H
#define LAMINA_STRING_LIST_H

#include <stddef.h>

/* Room for `count` pointers and behind them *text, `bytes` for their strings: a list of short
 * strings takes a fraction of what a block for each would. Released as a whole, with lam__release.
 * NULL with the error recorded, which names `what`. */
char **lam__string_list_room(size_t count, size_t bytes, const char *what, char **text);

/* A copy of strings[count] as such a list. */
char **lam__string_list_copy(const char *const *strings, size_t count, const char *what);

#endif
