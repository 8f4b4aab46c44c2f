/* pace.h: whether several threads are faster at a small piece of work than one, found by trying.
 *
 * Where the cores of two threads have no cache in common, handing a line from one to the other
 * takes hundreds of nanoseconds and not tens; a virtual machine may be moved there and back while
 * it runs, and other programs come and go. So now and then both ways take a few turns, and the
 * faster one the next thousand. Results do not depend on it: their bits are the same either way. */
#ifndef LAMINA_PACE_H
#define LAMINA_PACE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LAM__PACE_SKIPPED = 1, /* turns after a change, which find the caches of the other way */
    LAM__PACE_TRIES = 5,   /* turns that are timed, of each way */
    LAM__PACE_STRETCH = 1000
};

typedef struct lam__pace {
    size_t turn;                        /* since both ways were last compared */
    bool alone;                         /* the way at present: one thread */
    double seconds[2][LAM__PACE_TRIES]; /* [several, alone] */
    double started;                     /* the turn at hand, where it is timed */
} lam__pace;

/* Whether the next turn takes one thread. A zeroed pace begins with several. */
bool lam__pace_alone(const lam__pace *pace);

/* What it took; turns of a pace are all alike. */
void lam__pace_note(lam__pace *pace, double seconds);

/* Both by the clock: begins a turn, true if it takes one thread, and ends it. */
bool lam__pace_begin(lam__pace *pace);
void lam__pace_end(lam__pace *pace);

#endif
