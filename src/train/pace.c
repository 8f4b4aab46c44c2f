/* pace.c: one thread or several, whichever is faster now. */
#include "train/pace.h"

#include <string.h>

#include "base/clock.h"

/* The other way has to be faster by this much: changing costs something, and times vary. */
#define WORTH_CHANGING 0.97

bool lam__pace_alone(const lam__pace *pace)
{
    const bool other = pace->compared == 1;
    return pace->alone != other;
}

/* Whether the turn at hand needs the time. */
static bool is_timed(const lam__pace *pace)
{
    return pace->compared < 2 || (pace->turns + 1) % LAM__PACE_STRETCH == 0;
}

static double median(const double *seconds)
{
    double sorted[LAM__PACE_TRIES];
    memcpy(sorted, seconds, sizeof sorted);
    for (size_t i = 1; i < LAM__PACE_TRIES; i++)
        for (size_t k = i; k > 0 && sorted[k - 1] > sorted[k]; k--) {
            const double greater = sorted[k - 1];
            sorted[k - 1] = sorted[k];
            sorted[k] = greater;
        }
    return sorted[LAM__PACE_TRIES / 2];
}

bool lam__pace_begin_at(lam__pace *pace, double now)
{
    pace->started = now;
    if (pace->since == 0.0)
        pace->since = now;
    return lam__pace_alone(pace);
}

/* Keeps the time of a turn of the way being tried, once that has settled; after the last one of
 * both ways takes the faster. */
static void try_turn(lam__pace *pace, double now)
{
    if (pace->started - pace->since < LAM__PACE_SETTLE)
        return;
    pace->seconds[pace->compared][pace->turns++] = now - pace->started;
    if (pace->turns < LAM__PACE_TRIES)
        return;
    pace->turns = 0;
    pace->since = now;
    if (++pace->compared == 2 &&
        median(pace->seconds[1]) < WORTH_CHANGING * median(pace->seconds[0]))
        pace->alone = !pace->alone;
}

void lam__pace_end_at(lam__pace *pace, double now)
{
    if (pace->compared < 2) {
        try_turn(pace, now);
        return;
    }
    const bool timed = is_timed(pace);
    pace->turns++;
    if (timed && now - pace->since >= LAM__PACE_REST) {
        pace->turns = 0;
        pace->since = now;
        pace->compared = 0;
    }
}

bool lam__pace_begin(lam__pace *pace)
{
    return lam__pace_begin_at(pace, is_timed(pace) ? lam__now() : 0.0);
}

void lam__pace_end(lam__pace *pace)
{
    lam__pace_end_at(pace, is_timed(pace) ? lam__now() : 0.0);
}
