/* denormals.h: flush denormals to zero for the duration of a call on the caller's thread. */
#ifndef LAMINA_DENORMALS_H
#define LAMINA_DENORMALS_H

#include <stdint.h>

/* Turns flushing on and returns the mode that was in force, for lam__denormals_restore. */
uint64_t lam__denormals_flush(void);
void lam__denormals_restore(uint64_t mode);

#endif
