/* golden.h: reads the data files of the golden tests. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct golden golden;

/* Opens data/NAME of this folder; fails the test when it cannot be read. */
golden *golden_open(const char *name);
void golden_close(golden *file);

/* The next word, into a buffer; false at the end of the file. */
bool golden_word(golden *file, char *word, size_t size);

/* The next word, which must be there. */
void golden_text(golden *file, char *word, size_t size);

/* Checks that the next word is this one. */
void golden_expect(golden *file, const char *word);

/* The next word as a number; "nan" is one. */
double golden_number(golden *file);
size_t golden_size(golden *file);

/* The next n words as floats: to values[n], or to new memory of the caller's. */
void golden_floats(golden *file, float *values, size_t n);
float *golden_new_floats(golden *file, size_t n);

#endif
