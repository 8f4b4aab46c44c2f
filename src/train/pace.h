/* pace.h: whether several threads are faster at a small piece of work than one, found by trying.
 *
 * Where the cores of two threads have no cache in common, handing a line from one to the other
 * takes hundreds of nanoseconds and not tens; a virtual machine may be moved there and back while
 * it runs, and other programs come and go. So now and then both ways take a few turns, and the
 * faster one those of the next twentieth of a second or more. Results do not depend on it: their
 * bits are the same either way. */
#ifndef LAMINA_PACE_H
#define LAMINA_PACE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LAM__PACE_TRIES = 5,     /* turns that are timed, of each way */
    LAM__PACE_STRETCH = 1000 /* turns between two comparisons, at least, */
};
#define LAM__PACE_REST 0.05 /* and seconds */
/* Seconds a way takes to settle: a thread that sleeps wakes, caches fill. */
#define LAM__PACE_SETTLE 3e-4

typedef struct lam__pace {
    bool alone;                         /* the way at present: one thread */
    int compared;                       /* ways tried, 0 and 1 while trying, or 2 */
    size_t turns;                       /* timed, of the way being tried; or since the comparison */
    double since;                       /* when this way's trying, or the rest, began */
    double started;                     /* the turn at hand, where the clock is read */
    double seconds[2][LAM__PACE_TRIES]; /* [present, other] */
} lam__pace;

/* Whether the next turn takes one thread. A zeroed pace begins with several. */
bool lam__pace_alone(const lam__pace *pace);

/* Begins a turn, true if it takes one thread, and ends it. Turns of a pace are all alike. */
bool lam__pace_begin(lam__pace *pace);
void lam__pace_end(lam__pace *pace);

/* The same with the time, which a turn may or may not need. */
bool lam__pace_begin_at(lam__pace *pace, double now);
void lam__pace_end_at(lam__pace *pace, double now);

#endif
