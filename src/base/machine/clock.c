/* clock.c: the time that passes. */
#include "base/machine/clock.h"

#include <time.h>

double lam__now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
