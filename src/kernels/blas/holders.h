/* holders.h: who uses the BLAS, counted over all copies of this library in the process.
 *
 * A program may load two builds of the library, or link one statically beside a shared one. The
 * thread count of the BLAS is one for all: the first user sets it to 1, the last one puts it
 * back. So copies of the library find each other's count and use one of them together. */
#ifndef LAMINA_HOLDERS_H
#define LAMINA_HOLDERS_H

#include <pthread.h>
#include <stddef.h>

/* Its layout is the same in all builds: another one comes with another type of note. */
typedef struct lam__holders {
    _Atomic(void *) blas; /* the function that sets the threads of the BLAS it counts for */
    pthread_mutex_t mutex;
    size_t count;       /* under the mutex, as what follows */
    int former_threads; /* before the first */
} lam__holders;

/* The count that all copies use for the BLAS whose thread count `set_threads` sets. */
lam__holders *lam__holders_of(void *set_threads);

#endif
