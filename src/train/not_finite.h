/* not_finite.h: where numbers that are not finite come from. */
#ifndef LAMINA_NOT_FINITE_H
#define LAMINA_NOT_FINITE_H

#include "train/forward_backward.h"

/* Looks for the first value of samples index[0..rows-1] (NULL: first .. first + rows - 1) that is
 * not a finite number, as it is or after the input transform: true with "feature 1 of sample 777 is
 * nan" in text[size]. The samples lie in memory, or are those prepared latest. */
bool lam__find_bad_sample(const lam__pass *pass, const lam_dataset *dataset, const uint32_t *index,
                          size_t first, size_t rows, char *text, size_t size);

/* The same in the outputs of the latest batch of the pass, which was these rows. */
bool lam__find_bad_output(const lam__pass *pass, const uint32_t *index, size_t first, size_t rows,
                          char *text, size_t size);

#endif
