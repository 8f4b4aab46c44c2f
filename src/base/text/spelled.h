/* spelled.h: a word with values of its own in one text: "lion:beta=0.95,gamma=0.9". */
#ifndef LAMINA_SPELLED_H
#define LAMINA_SPELLED_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the word: up to the colon or the end. */
size_t lam__spelled_word(const char *text);

/* A walk over the pairs, from {.at = text}: longer names and values are cut off. */
typedef struct lam__spelled {
    const char *at;
    char name[64], value[64];
} lam__spelled;

bool lam__spelled_next(lam__spelled *pair);

/* The value of a name, in value[size]; NULL where it is not told. */
const char *lam__spelled_value(const char *text, const char *name, char *value, size_t size);

/* The text with this value of the name instead of another or none, kept for good (intern.h); NULL
 * with LAM_ERR_MEMORY recorded. */
const char *lam__spelled_with(const char *text, const char *name, const char *value);

#endif
