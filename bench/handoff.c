/* handoff.c: how long a line of the cache takes from one core to another. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_setaffinity */
#include <sched.h>
#endif
#include <math.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "measure.h"

#ifdef __linux__
enum { RUNS = 5, TURNS = 1000 };

/* The line that goes to and fro: whoever finds its own parity answers with the other. */
static alignas(128) _Atomic int ball;

static void stay_on(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void *answer(void *core)
{
    stay_on(*(const int *)core);
    for (int turn = 1; turn < 2 * TURNS * RUNS; turn += 2) {
        while (atomic_load(&ball) != turn)
            continue;
        atomic_store(&ball, turn + 1);
    }
    return NULL;
}

/* Nanoseconds of one way, the best of RUNS. */
static double play(void)
{
    double best = INFINITY;
    for (int run = 0, turn = 0; run < RUNS; run++) {
        const double start = measure_now();
        for (int i = 0; i < TURNS; i++, turn += 2) {
            atomic_store(&ball, turn + 1);
            while (atomic_load(&ball) != turn + 2)
                continue;
        }
        best = fmin(best, (measure_now() - start) / (2.0 * TURNS) * 1e9);
    }
    return best;
}

double measure_handoff(void)
{
    cpu_set_t mine;
    int cores[2], found = 0;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        return NAN;
    for (int core = 0; core < CPU_SETSIZE && found < 2; core++)
        if (CPU_ISSET(core, &mine))
            cores[found++] = core;
    pthread_t other;
    atomic_store(&ball, 0);
    if (found < 2 || pthread_create(&other, NULL, answer, &cores[1]) != 0)
        return NAN;
    stay_on(cores[0]);
    const double best = play();
    pthread_join(other, NULL);
    sched_setaffinity(0, sizeof mine, &mine);
    return best;
}
#else
double measure_handoff(void)
{
    return NAN;
}
#endif
