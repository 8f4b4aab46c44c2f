/* blas_threads.h: what is known about the BLAS and its core. */
#ifndef LAMINA_BLAS_THREADS_H
#define LAMINA_BLAS_THREADS_H

#include <stdbool.h>

/* Whether this BLAS on this core multiplies small matrices without packing them first. */
bool lam__blas_multiplies_unpacked(void);

#endif
