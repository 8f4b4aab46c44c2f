/* checkpoint_inspect.h: looking into a checkpoint in memory. */
#ifndef LAMINA_CHECKPOINT_INSPECT_H
#define LAMINA_CHECKPOINT_INSPECT_H

#include <lamina/checkpoint.h>

#include <stdint.h>
#include <string.h>

/* Word i of eight bytes each, little-endian; the same as a double. */
static inline uint64_t lam__word_at(const unsigned char *words, size_t i)
{
    uint64_t word = 0;
    for (int k = 7; k >= 0; k--)
        word = word << 8 | words[8 * i + (size_t)k];
    return word;
}

static inline double lam__double_at(const unsigned char *words, size_t i)
{
    const uint64_t word = lam__word_at(words, i);
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

/* lam_checkpoint_open of a file in memory, called `name` in messages. With checked == false the
 * checksum is not compared: for tests. */
lam_checkpoint *lam__checkpoint_parse(const void *bytes, size_t size, const char *name,
                                      bool checked);

#endif
