/* held.h: how much memory the process holds, the system's libraries included. */
#ifndef LAMINA_FUZZ_HELD_H
#define LAMINA_FUZZ_HELD_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it is counted here: with glibc, and under AddressSanitizer. */
bool held_counts(void);

/* Forgets the most that was held so far, and returns what is held now, in bytes. */
size_t held_begin(void);

/* The most that was held at once since then. */
size_t held_most(void);

#endif
