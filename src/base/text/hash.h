/* hash.h: a hash of bytes, for tables of slots. */
#ifndef LAMINA_HASH_H
#define LAMINA_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo), its halves folded so that the low bits can be used. */
static inline size_t lam__hash(const char *bytes, size_t length)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3;
    return (size_t)(h ^ h >> 32);
}

#endif
