/* string_set.h: a set of texts, each with a number. */
#ifndef LAMINA_STRING_SET_H
#define LAMINA_STRING_SET_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

#define LAM__NO_WORD SIZE_MAX

typedef struct lam__string_set {
    char **words; /* owned: [count], in the order they came, or sorted */
    size_t count, capacity;
    uint32_t *slots; /* owned: [slot_count] number + 1 of a word; 0 = free */
    size_t slot_count;
} lam__string_set;

/* The number of the word bytes[length], or LAM__NO_WORD. */
size_t lam__string_set_find(const lam__string_set *words, const char *bytes, size_t length);

/* Adds a word that is not there. */
lam_status lam__string_set_add(lam__string_set *words, const char *bytes, size_t length);

/* Sorts by bytes; order[old number] = new number; order is the caller's [count]. */
lam_status lam__string_set_sort(lam__string_set *words, size_t *order);

void lam__string_set_clear(lam__string_set *words);

#endif
