/* bench_pool.c: what one parallel phase costs, on a quiet machine and beside other work.
 *
 * A phase of `threads` short tasks is run many times on Lamina's pool and, where it is installed,
 * on pthreadpool (fixed shares, long spinning), in turns; once with nothing else running and once
 * with four busy processes for every core.
 *
 *     bench_pool [--quick] [--json] */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/machine/pool.h"
#include "measure.h"
#include "report.h"
#ifdef HAVE_PTHREADPOOL
#include <pthreadpool.h>
#endif

enum { MAX_ROUNDS = 15, TASKS = 8, MAX_RIVALS = 256, RIVALS_A_CORE = 4 };

/* About 10 us of work. */
static void task(void *context, size_t index)
{
    volatile float *sums = context; /* [TASKS][16] */
    float sum = 0.0f;
    for (int i = 0; i < 10000; i++)
        sum += (float)i * 0.5f;
    sums[index * 16] = sum + sums[index * 16];
}

typedef struct contender {
    const char *name;
    void (*run)(void *pool, void *context);
    void *pool;
    double times[MAX_ROUNDS];
} contender;

static void run_alone(void *pool, void *context)
{
    (void)pool;
    lam__pool_run(NULL, TASKS, task, context);
}

static void run_lamina(void *pool, void *context)
{
    lam__pool_run(pool, TASKS, task, context);
}

#ifdef HAVE_PTHREADPOOL
static void run_pthreadpool(void *pool, void *context)
{
    pthreadpool_parallelize_1d(pool, task, context, TASKS, PTHREADPOOL_FLAG_DISABLE_DENORMALS);
}
#endif

/* Microseconds per phase of each contender, in turns: medians, and medians of the ratios within a
 * round to the first of them. */
static void measure(contender *contenders, size_t count, size_t rounds, size_t phases,
                    const char *busy)
{
    static float sums[TASKS * 16];
    for (size_t r = 0; r < rounds; r++)
        for (size_t c = 0; c < count; c++) {
            double start = measure_now();
            for (size_t p = 0; p < phases; p++)
                contenders[c].run(contenders[c].pool, sums);
            contenders[c].times[r] = (measure_now() - start) / (double)phases * 1e6;
        }
    for (size_t i = 0; i < TASKS; i++)
        if (!(sums[i * 16] > 0.0f)) {
            fputs("bench_pool: a task did not run\n", stderr);
            exit(1);
        }
    for (size_t c = 0; c < count; c++) {
        double times[MAX_ROUNDS];
        memcpy(times, contenders[c].times, sizeof times);
        report_begin();
        report_text("pool", contenders[c].name);
        report_text("busy_processes", busy);
        report_number("phase_us", 1, measure_median(times, rounds));
        report_number("speedup", 2,
                      measure_median_ratio(contenders[0].times, contenders[c].times, rounds));
        report_end();
    }
}

static pid_t start_rival(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(600); /* its end, if nobody is left to end it */
        for (volatile unsigned long n = 0;; n++)
            ;
    }
    return pid;
}

static void run(bool quick)
{
    const size_t rounds = quick ? 1 : 9, cores = lam__cores();
    const size_t threads = cores > 1 ? cores : 2;
    contender contenders[3] = {{.name = "one thread", .run = run_alone},
                               {.name = "lamina", .run = run_lamina}};
    size_t count = 2;
    lam__pool *pool = NULL;
    if (lam__pool_new(threads, &pool) != LAM_OK) {
        fprintf(stderr, "bench_pool: %s\n", lam_error_message());
        exit(1);
    }
    contenders[1].pool = pool;
#ifdef HAVE_PTHREADPOOL
    contenders[count++] = (contender){
        .name = "pthreadpool", .run = run_pthreadpool, .pool = pthreadpool_create(threads)};
#endif
    report_note("A phase of %d tasks on %zu threads; rounds in turns: %zu; medians.", (int)TASKS,
                threads, rounds);
    measure(contenders, count, rounds, quick ? 10 : 1000, "none");
    pid_t rivals[MAX_RIVALS];
    const size_t rival_count =
        cores * RIVALS_A_CORE < MAX_RIVALS ? cores * RIVALS_A_CORE : MAX_RIVALS;
    for (size_t i = 0; i < rival_count; i++)
        rivals[i] = start_rival();
    measure(contenders, count, rounds, quick ? 2 : 50, "4 a core");
    for (size_t i = 0; i < rival_count; i++)
        if (rivals[i] > 0) {
            kill(rivals[i], SIGKILL);
            waitpid(rivals[i], NULL, 0);
        }
    lam__pool_free(pool);
#ifdef HAVE_PTHREADPOOL
    pthreadpool_destroy(contenders[2].pool);
#endif
}

int main(int argc, char **argv)
{
    bool quick = false, json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            puts("usage: bench_pool [--quick] [--json]\n"
                 "Measures what one parallel phase costs, alone and beside busy processes.");
            return 0;
        } else {
            fprintf(stderr, "bench_pool: unknown argument '%s'\n", argv[i]);
            return 2;
        }
    }
    report_open("pool", json);
    run(quick);
    return 0;
}
