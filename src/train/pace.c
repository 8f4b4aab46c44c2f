/* pace.c: one thread or several, whichever is faster now. */
#include "train/pace.h"

#include "base/clock.h"

/* The other way has to be faster by this much: changing costs something, and times vary. */
#define WORTH_CHANGING 0.97

enum { TURNS = LAM__PACE_SKIPPED + LAM__PACE_TRIES }; /* of one way, when both are tried */

static bool is_timed(const lam__pace *pace)
{
    return pace->turn < 2 * TURNS;
}

/* Turns 0 .. TURNS - 1 try the present way, the next as many the other one. */
bool lam__pace_alone(const lam__pace *pace)
{
    const bool other = pace->turn >= TURNS && pace->turn < 2 * TURNS;
    return pace->alone != other;
}

static double median(const double *seconds)
{
    double sorted[LAM__PACE_TRIES];
    for (size_t i = 0; i < LAM__PACE_TRIES; i++) {
        size_t k = i;
        for (; k > 0 && sorted[k - 1] > seconds[i]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = seconds[i];
    }
    return sorted[LAM__PACE_TRIES / 2];
}

void lam__pace_note(lam__pace *pace, double seconds)
{
    const size_t tried = pace->turn % TURNS;
    if (is_timed(pace) && tried >= LAM__PACE_SKIPPED)
        pace->seconds[lam__pace_alone(pace)][tried - LAM__PACE_SKIPPED] = seconds;
    pace->turn++;
    if (pace->turn == 2 * TURNS) {
        const double present = median(pace->seconds[pace->alone]);
        const double other = median(pace->seconds[!pace->alone]);
        if (other < WORTH_CHANGING * present)
            pace->alone = !pace->alone;
    }
    if (pace->turn == 2 * TURNS + LAM__PACE_STRETCH)
        pace->turn = 0;
}

bool lam__pace_begin(lam__pace *pace)
{
    if (is_timed(pace))
        pace->started = lam__now();
    return lam__pace_alone(pace);
}

void lam__pace_end(lam__pace *pace)
{
    lam__pace_note(pace, is_timed(pace) ? lam__now() - pace->started : 0.0);
}
