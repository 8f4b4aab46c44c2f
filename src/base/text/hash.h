/* hash.h: a hash of bytes, for tables of slots. */
#ifndef LAMINA_HASH_H
#define LAMINA_HASH_H

#include <stddef.h>

/* Another one in each process: a file cannot be made whose texts all meet in one slot. So nothing
 * may depend on it but the time it takes. Thread-safe. */
size_t lam__hash(const char *bytes, size_t length);

#endif
