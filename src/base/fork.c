/* fork.c: what has threads or a mutex, made fit for use in a forked child. */
#include "base/fork.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

/* A fork waits no longer than this for all mutexes together. They are held for microseconds, or
 * while a file is read; but a program's own function may read in its place, and wait for the
 * thread that forks. */
enum { MOST_MILLISECONDS = 1000 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static lam__fork_guard *first;

/* Takes a mutex as soon as it is free; false when the time left for it is over. */
static bool take(pthread_mutex_t *wanted, int *milliseconds)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    while (pthread_mutex_trylock(wanted) != 0) {
        if (*milliseconds == 0)
            return false;
        --*milliseconds;
        nanosleep(&pause, NULL);
    }
    return true;
}

static void before(void)
{
    int milliseconds = MOST_MILLISECONDS;
    const int error = errno;
    pthread_mutex_lock(&mutex);
    for (lam__fork_guard *guard = first; guard; guard = guard->next)
        guard->held = guard->mutex && take(guard->mutex, &milliseconds);
    errno = error;
}

static void in_parent(void)
{
    for (lam__fork_guard *guard = first; guard; guard = guard->next)
        if (guard->held)
            pthread_mutex_unlock(guard->mutex);
    pthread_mutex_unlock(&mutex);
}

static void in_child(void)
{
    for (lam__fork_guard *guard = first; guard; guard = guard->next) {
        if (guard->held)
            pthread_mutex_unlock(guard->mutex);
        else if (guard->mutex)
            pthread_mutex_init(guard->mutex, NULL); /* of a thread that is gone */
        if (guard->forked)
            guard->forked(guard->object, guard->held || !guard->mutex);
    }
    pthread_mutex_unlock(&mutex);
}

static void install(void)
{
    pthread_atfork(before, in_parent, in_child);
}

void lam__fork_watch(lam__fork_guard *guard, pthread_mutex_t *watched, lam__forked forked,
                     void *object)
{
    *guard =
        (lam__fork_guard){.mutex = watched, .forked = forked, .object = object, .watched = true};
    pthread_once(&once, install);
    pthread_mutex_lock(&mutex);
    guard->next = first;
    if (first)
        first->previous = guard;
    first = guard;
    pthread_mutex_unlock(&mutex);
}

void lam__fork_unwatch(lam__fork_guard *guard)
{
    if (!guard->watched)
        return;
    pthread_mutex_lock(&mutex);
    if (guard->next)
        guard->next->previous = guard->previous;
    if (guard->previous)
        guard->previous->next = guard->next;
    else
        first = guard->next;
    pthread_mutex_unlock(&mutex);
    guard->watched = false;
}
