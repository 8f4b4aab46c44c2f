/* checkpoint_origin.h: what made a checkpoint, on which its last bits depend. */
#ifndef LAMINA_CHECKPOINT_ORIGIN_H
#define LAMINA_CHECKPOINT_ORIGIN_H

#include <stddef.h>

/* The facts kept in "made_by" of the settings: keys of lam_build_info, and "version". NULL beyond
 * the last. */
const char *lam__origin_key(size_t i);

/* The fact as it is here. */
const char *lam__origin_here(const char *key);

/* Adds to note[size] that `key` was `there` when the checkpoint was made, if that is not so here.
 * `there` NULL: not known, as in files made before this was kept. In the order of the keys: the
 * BLAS counts only where it makes the products, there or here. */
void lam__origin_compare(const char *key, const char *there, char *note, size_t size);

#endif
