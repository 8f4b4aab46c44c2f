/* bench_start.c: what it costs to start a program that is linked to the library.
 *
 * Three programs that do nothing are started in turns: one linked to the C library alone, one to
 * OpenBLAS or whatever the BLAS is, one to Lamina. Milliseconds from the call that starts one to
 * the news of its end, pages it touched, and how many times as long as with the BLAS alone.
 *
 *     bench_start [--quick] [--json] EMPTY BLAS LAMINA */
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "measure.h"
#include "report.h"

extern char **environ;

enum { PROGRAMS = 3, MOST_ROUNDS = 101, QUICK_ROUNDS = 3 };

static const char *const names[PROGRAMS] = {"nothing", "BLAS", "Lamina"};

/* One start; *pages receives its page faults. Milliseconds. */
static double start(const char *path, double *pages)
{
    char *arguments[] = {(char *)(size_t)path, NULL};
    struct rusage usage;
    int status;
    pid_t child;
    const double from = measure_now();
    if (posix_spawn(&child, path, NULL, NULL, arguments, environ) != 0 ||
        wait4(child, &status, 0, &usage) != child || status != 0) {
        fprintf(stderr, "bench_start: '%s' does not start, or fails\n", path);
        exit(1);
    }
    *pages = (double)(usage.ru_minflt + usage.ru_majflt);
    return (measure_now() - from) * 1e3;
}

static void run(char *const *paths, size_t rounds)
{
    static double times[PROGRAMS][MOST_ROUNDS], pages[PROGRAMS][MOST_ROUNDS];
    for (size_t p = 0; p < PROGRAMS; p++)
        start(paths[p], &pages[p][0]); /* from the disk into memory */
    for (size_t r = 0; r < rounds; r++)
        for (size_t p = 0; p < PROGRAMS; p++)
            times[p][r] = start(paths[p], &pages[p][r]);
    report_note("Programs that do nothing, linked to what the first column says: medians of %zu "
                "starts in turns; ratio: of the times in a turn.",
                rounds);
    for (size_t p = 0; p < PROGRAMS; p++) {
        const double ratio = measure_median_ratio(times[p], times[1], rounds);
        double sorted[MOST_ROUNDS];
        memcpy(sorted, times[p], rounds * sizeof *sorted);
        report_begin();
        report_text("linked_to", names[p]);
        report_number("start_ms", 2, measure_median(sorted, rounds));
        report_number("pages", 0, measure_median(pages[p], rounds));
        report_number("ratio", 2, ratio);
        report_end();
    }
}

int main(int argc, char **argv)
{
    bool quick = false, json = false;
    char *paths[PROGRAMS];
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            puts("usage: bench_start [--quick] [--json] [EMPTY BLAS LAMINA]\n"
                 "Measures how long programs linked to little, to the BLAS and to Lamina take to\n"
                 "start; without names those beside this program.");
            return 0;
        } else if (argv[i][0] != '-' && count < PROGRAMS) {
            paths[count++] = argv[i];
        } else {
            fprintf(stderr, "bench_start: unknown argument '%s'\n", argv[i]);
            return 2;
        }
    }
    char beside[PROGRAMS][4096];
    static const char *const files[PROGRAMS] = {"start_nothing", "start_blas", "start_lamina"};
    const char *slash = strrchr(argv[0], '/');
    for (size_t p = 0; count == 0 && p < PROGRAMS; p++) {
        snprintf(beside[p], sizeof beside[p], "%.*s%.64s", slash ? (int)(slash + 1 - argv[0]) : 0,
                 argv[0], files[p]);
        paths[p] = beside[p];
    }
    if (count != 0 && count != PROGRAMS) {
        fprintf(stderr, "bench_start: %zu programs, expected none or %d\n", count, PROGRAMS);
        return 2;
    }
    report_open("start", json);
    run(paths, quick ? QUICK_ROUNDS : MOST_ROUNDS);
    return 0;
}
