/* words.h: a set of texts, each with a number. */
#ifndef LAMINA_WORDS_H
#define LAMINA_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

#define LAM__NO_WORD SIZE_MAX

typedef struct lam__words {
    char **words; /* owned: [count], in the order they came, or sorted */
    size_t count, capacity;
    size_t *slots; /* owned: [slot_count] number + 1 of a word; 0 = free */
    size_t slot_count;
} lam__words;

/* The number of the word bytes[length], or LAM__NO_WORD. */
size_t lam__words_find(const lam__words *words, const char *bytes, size_t length);

/* Adds a word that is not there. */
lam_status lam__words_add(lam__words *words, const char *bytes, size_t length);

/* Sorts by bytes; order[old number] = new number; order is the caller's [count]. */
lam_status lam__words_sort(lam__words *words, size_t *order);

void lam__words_clear(lam__words *words);

#endif
