/* fork.h: what has threads or a mutex, made fit for use in a forked child.
 *
 * A child has the memory of its parent and of its threads only the one that forked: workers are
 * gone, and a mutex that another thread held stays locked forever. So everything that has threads
 * or a mutex of its own is watched: its mutex is taken before the process forks and given back on
 * both sides, so that what it guards is copied whole, and in the child a function hears that the
 * threads are gone. Nothing of this costs anything between forks. */
#ifndef LAMINA_FORK_H
#define LAMINA_FORK_H

#include <pthread.h>
#include <stdbool.h>

/* Hears in the child, before fork returns there, that the threads are gone. `whole`: the mutex was
 * had; if not, another thread was in the middle of what it guards. */
typedef void (*lam__forked)(void *object, bool whole);

/* Lies beside the mutex. Zeroed: not watched. */
typedef struct lam__fork_guard {
    pthread_mutex_t *mutex;
    lam__forked forked;
    void *object;
    bool watched, held;
    struct lam__fork_guard *next, *previous;
} lam__fork_guard;

/* Watches a mutex (NULL: no mutex) until lam__fork_unwatch. `forked` may be NULL. No mutex
 * that is watched may be held during the call. Thread-safe. */
void lam__fork_watch(lam__fork_guard *guard, pthread_mutex_t *mutex, lam__forked forked,
                     void *object);

/* Before the mutex is destroyed. A guard that is not watched is left alone. */
void lam__fork_unwatch(lam__fork_guard *guard);

#endif
