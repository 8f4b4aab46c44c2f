/* word_list.h: text such as "a, b, c" part by part. */
#ifndef LAMINA_WORD_LIST_H
#define LAMINA_WORD_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

/* Longest part, with its terminator. */
#define LAM__WORD_SIZE 96

/* A part of a list: between two commas, without the spaces around it. */
typedef struct lam__word {
    const char *next; /* where the part after it begins; NULL after the last */
    size_t position;  /* of its first character in the list, from 1 */
    size_t number;    /* from 1 */
    char text[LAM__WORD_SIZE];
} lam__word;

/* Begins a walk through a list; "" has one empty part. */
lam__word lam__word_list(const char *list);

/* The same for a list that may be left out: NULL, "" and one of nothing but spaces have no part. */
lam__word lam__optional_word_list(const char *list);

/* Goes to the next part. *more becomes false, with *word as it was, after the last.
 * LAM_ERR_ARGUMENT for a part that is empty or too long; `kind` names the list's parts. */
lam_status lam__next_word(const char *list, const char *kind, lam__word *word, bool *more);

#endif
