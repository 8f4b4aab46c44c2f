/* thread_tuning.c: one thread or several, whichever is faster now. */
#include "train/thread_tuning.h"

#include <string.h>

#include "base/machine/clock.h"

/* The other way has to be faster by this much: changing costs something, and times vary. */
#define WORTH_CHANGING 0.97

bool lam__thread_tuning_alone(const lam__thread_tuning *tuning)
{
    const bool other = tuning->compared == 1;
    return tuning->alone != other;
}

/* Whether the turn at hand needs the time. */
static bool is_timed(const lam__thread_tuning *tuning)
{
    return tuning->compared < 2 || (tuning->turns + 1) % LAM__PACE_STRETCH == 0;
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

bool lam__thread_tuning_begin_at(lam__thread_tuning *tuning, double now)
{
    tuning->started = now;
    if (tuning->since == 0.0)
        tuning->since = now;
    return lam__thread_tuning_alone(tuning);
}

/* Keeps the time of a turn of the way being tried, once that has settled; after the last one of
 * both ways takes the faster. */
static void try_turn(lam__thread_tuning *tuning, double now)
{
    if (tuning->started - tuning->since < LAM__PACE_SETTLE)
        return;
    tuning->seconds[tuning->compared][tuning->turns++] = now - tuning->started;
    if (tuning->turns < LAM__PACE_TRIES)
        return;
    tuning->turns = 0;
    tuning->since = now;
    if (++tuning->compared == 2 &&
        median(tuning->seconds[1]) < WORTH_CHANGING * median(tuning->seconds[0]))
        tuning->alone = !tuning->alone;
}

void lam__thread_tuning_end_at(lam__thread_tuning *tuning, double now)
{
    if (tuning->compared < 2) {
        try_turn(tuning, now);
        return;
    }
    const bool timed = is_timed(tuning);
    tuning->turns++;
    if (timed && now - tuning->since >= LAM__PACE_REST) {
        tuning->turns = 0;
        tuning->since = now;
        tuning->compared = 0;
    }
}

bool lam__thread_tuning_begin(lam__thread_tuning *tuning)
{
    return lam__thread_tuning_begin_at(tuning, is_timed(tuning) ? lam__now() : 0.0);
}

void lam__thread_tuning_end(lam__thread_tuning *tuning)
{
    lam__thread_tuning_end_at(tuning, is_timed(tuning) ? lam__now() : 0.0);
}
