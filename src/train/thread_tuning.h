/* thread_tuning.h: whether several threads are faster at a small piece of work than one, found by
 * trying.
 *
 * Where the cores of two threads have no cache in common, handing a line from one to the other
 * takes hundreds of nanoseconds and not tens; a virtual machine may be moved there and back while
 * it runs, and other programs come and go. So now and then both ways take a few turns, and the
 * faster one those of the next twentieth of a second or more. Results do not depend on it: their
 * bits are the same either way. */
#ifndef LAMINA_THREAD_TUNING_H
#define LAMINA_THREAD_TUNING_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LAM__PACE_TRIES = 5,     /* turns that are timed, of each way */
    LAM__PACE_STRETCH = 1000 /* turns between two comparisons, at least, */
};
#define LAM__PACE_REST 0.05 /* and seconds */
/* Seconds a way takes to settle: a thread that sleeps wakes, caches fill. */
#define LAM__PACE_SETTLE 3e-4

typedef struct lam__thread_tuning {
    bool alone;                         /* the way at present: one thread */
    int compared;                       /* ways tried, 0 and 1 while trying, or 2 */
    size_t turns;                       /* timed, of the way being tried; or since the comparison */
    double since;                       /* when this way's trying, or the rest, began */
    double started;                     /* the turn at hand, where the clock is read */
    double seconds[2][LAM__PACE_TRIES]; /* [present, other] */
} lam__thread_tuning;

/* Whether the next turn takes one thread. A zeroed tuning begins with several. */
bool lam__thread_tuning_alone(const lam__thread_tuning *tuning);

/* Begins a turn, true if it takes one thread, and ends it. Turns of a tuning are all alike. */
bool lam__thread_tuning_begin(lam__thread_tuning *tuning);
void lam__thread_tuning_end(lam__thread_tuning *tuning);

/* The same with the time, which a turn may or may not need. */
bool lam__thread_tuning_begin_at(lam__thread_tuning *tuning, double now);
void lam__thread_tuning_end_at(lam__thread_tuning *tuning, double now);

#endif
