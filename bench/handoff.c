/* handoff.c: what it costs that two cores share memory. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_setaffinity */
#include <sched.h>
#endif
#include <math.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include "measure.h"

#ifdef __linux__

static void stay_on(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
}

typedef struct player {
    void (*play)(struct player *player);
    int core, number; /* 0, 1 */
    bool streamed;
    double write, read; /* seconds */
} player;

static void *run_player(void *p)
{
    player *it = p;
    stay_on(it->core);
    it->play(it);
    return NULL;
}

/* Runs both on the first two cores this process may use, on this thread and on another; false where
 * there are no two. */
static bool run_both(player *players)
{
    cpu_set_t mine;
    int found = 0;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        return false;
    for (int core = 0; core < CPU_SETSIZE && found < 2; core++)
        if (CPU_ISSET(core, &mine)) {
            players[found].number = found;
            players[found++].core = core;
        }
    pthread_t other;
    if (found < 2 || pthread_create(&other, NULL, run_player, &players[1]) != 0)
        return false;
    run_player(&players[0]);
    pthread_join(other, NULL);
    sched_setaffinity(0, sizeof mine, &mine);
    return true;
}

/* A line that goes to and fro: the thread that finds its own parity answers with the other. */
enum { RUNS = 5, TURNS = 1000 };
static alignas(128) _Atomic int ball;

static void play_ball(player *it)
{
    const int number = it->number;
    double best = INFINITY; /* one way */
    for (int run = 0, turn = 0; run < RUNS; run++) {
        const double start = measure_now();
        for (int i = 0; i < TURNS; i++, turn += 2) {
            if (number == 0)
                atomic_store(&ball, turn + 1);
            while (atomic_load(&ball) != turn + 2 - number)
                continue;
            if (number == 1)
                atomic_store(&ball, turn + 2);
        }
        best = fmin(best, (measure_now() - start) / (2.0 * TURNS));
    }
    it->read = best;
}

double measure_handoff(void)
{
    player players[2] = {{.play = play_ball}, {.play = play_ball}};
    atomic_store(&ball, 0);
    return run_both(players) ? players[0].read * 1e9 : NAN;
}

/* What both read, and each writes its half of, again and again: as weights in training. */
enum { LINES = 3072, LINE = 64, PASSES = 200 };
static alignas(4096) char lines[2 * LINES * LINE];
static alignas(128) _Atomic int arrived;

static void meet(int *meetings)
{
    *meetings += 2;
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < *meetings)
        continue;
}

static void write_half(const player *it)
{
    char *half = lines + (size_t)it->number * LINES * LINE;
#ifdef __SSE2__
    for (size_t i = 0; i < (size_t)LINES * LINE; i += sizeof(__m128)) {
        float *at = (float *)(void *)(half + i);
        const __m128 x = _mm_add_ps(_mm_load_ps(at), _mm_set1_ps(1.0f));
        if (it->streamed)
            _mm_stream_ps(at, x);
        else
            _mm_store_ps(at, x);
    }
    _mm_sfence();
#else
    for (size_t i = 0; i < (size_t)LINES * LINE; i++)
        half[i]++;
#endif
}

static void read_all(void)
{
    for (size_t i = 0; i < sizeof lines; i += LINE)
        (void)*(const volatile char *)(lines + i);
}

static void play_lines(player *it)
{
    int meetings = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        meet(&meetings);
        const double start = measure_now();
        write_half(it);
        it->write += measure_now() - start;
        meet(&meetings);
        const double again = measure_now();
        read_all();
        it->read += measure_now() - again;
    }
}

bool measure_shared_lines(bool streamed, double *write_ns, double *read_ns)
{
    player players[2] = {{.play = play_lines, .streamed = streamed},
                         {.play = play_lines, .streamed = streamed}};
    memset(lines, 0, sizeof lines);
    atomic_store(&arrived, 0);
#ifndef __SSE2__
    if (streamed)
        return false;
#endif
    if (!run_both(players))
        return false;
    *write_ns = (players[0].write + players[1].write) / (2.0 * PASSES * LINES) * 1e9;
    *read_ns = (players[0].read + players[1].read) / (2.0 * PASSES * 2 * LINES) * 1e9;
    return true;
}
#else
double measure_handoff(void)
{
    return NAN;
}

bool measure_shared_lines(bool streamed, double *write_ns, double *read_ns)
{
    (void)streamed;
    (void)write_ns;
    (void)read_ns;
    return false;
}
#endif
