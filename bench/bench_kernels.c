/* bench_kernels.c: every kernel of every instruction set here: time, bandwidth, error.
 *
 * Each kernel runs on the rows of an output layer, on arrays that fill half of the second-level
 * cache, and on arrays four times the last-level cache. Sets alternate within a round; medians over
 * rounds are printed, of times and of the ratios within a round: to the scalar reference and, for
 * exp, log and tanh where it is built in, to SLEEF's functions of 1 ulp (above 1 = faster). The
 * residual is the largest deviation from the reference, as a share of the largest value. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/machine/denormals.h"
#include "kernel_rows.h"
#include "measure.h"
#include "report.h"
#if LAM__BENCH_SLEEF
#include "sleef_loops.h"
#endif

enum { ROUNDS = 15, MEMORY_ROUNDS = 5, REPEATS = 3, SETS = LAM__ISA_COUNT + 1 };

/* Kernels of the set in use that miss a target, as text. */
static char misses[4096];

/* A residual above this is an error. */
static const double tolerance = 1e-5;

typedef struct settings {
    bool quick, json;
    int count;
    char **kernels; /* [count], all when 0 */
} settings;

/* Where the arrays lie. */
typedef struct place {
    const char *name;   /* of the level they fit in */
    size_t bytes, cols; /* of all arrays together (0: 128 rows); of a row */
    double target;      /* share of the triad; NaN: none */
    bool large;         /* only the sets: no time for the reference */
} place;

/* What is compared: the reference and the sets; SLEEF beside each set. */
typedef struct entry {
    const char *set;
    const void *slot, *sleef; /* pointers to function pointers; sleef may be NULL */
    double seconds, share, times_reference, times_sleef, residual;
} entry;

static double residual_of(const kernel_row *r, const void *slot, work *w, work *want,
                          const void *plain)
{
    work_fill(w);
    work_fill(want);
    r->family->run(slot, w);
    r->family->run(plain, want);
    double worst = fabs(w->result - want->result) / fmax(fabs(want->result), 1e-30);
    const float *got[WORK_FLOATS + 1], *right[WORK_FLOATS + 1];
    for (int j = 0; j <= WORK_FLOATS; j++) {
        got[j] = j < WORK_FLOATS ? w->f[j] : w->bias;
        right[j] = j < WORK_FLOATS ? want->f[j] : want->bias;
        double largest = 1e-30, off = 0.0;
        const size_t n = j < WORK_FLOATS ? w->n : w->cols;
        for (size_t i = 0; got[j] && i < n; i++) {
            largest = fmax(largest, fabs((double)right[j][i]));
            double d = fabs((double)got[j][i] - right[j][i]);
            off = d > off || isnan(d) ? d : off;
        }
        if (!(off / largest <= worst))
            worst = off / largest;
    }
    return worst;
}

/* Seconds of one call, from as many as take `least` seconds. */
static double time_call(const kernel_row *r, const void *slot, work *w, double least)
{
    for (size_t calls = 1;; calls *= 2) {
        double start = measure_now();
        for (size_t i = 0; i < calls; i++)
            r->family->run(slot, w);
        double seconds = measure_now() - start;
        if (seconds >= least)
            return seconds / (double)calls;
    }
}

/* Where SLEEF's function for this kernel and set is, or NULL. */
static const void *sleef_slot(const char *kernel, lam__isa isa)
{
#if LAM__BENCH_SLEEF
    static const sleef_loops *const loops[LAM__ISA_COUNT] = {&sleef_baseline, &sleef_avx2,
                                                             &sleef_avx512};
    if (strcmp(kernel, "exp") == 0)
        return &loops[isa]->exp;
    if (strcmp(kernel, "log") == 0)
        return &loops[isa]->log;
    if (strcmp(kernel, "tanh") == 0)
        return &loops[isa]->tanh;
#else
    (void)kernel;
    (void)isa;
#endif
    return NULL;
}

static const void *slot_of(const lam__kernels *k, const kernel_row *r)
{
    return (const char *)k + r->slot;
}

/* The reference first, then the sets. */
static size_t list_entries(const kernel_row *r, entry *entries)
{
    size_t count = 0;
    entries[count++] = (entry){.set = "reference", .slot = slot_of(lam__kernels_reference(), r)};
    for (int isa = 0; isa < LAM__ISA_COUNT; isa++) {
        const lam__kernels *k = lam__kernels_of((lam__isa)isa);
        if (k)
            entries[count++] = (entry){
                .set = k->name, .slot = slot_of(k, r), .sleef = sleef_slot(r->name, (lam__isa)isa)};
    }
    return count;
}

/* The best of a few, as measure_bandwidth takes the best pass. */
static double best_call(const kernel_row *r, const void *slot, work *w, double least)
{
    double best = time_call(r, slot, w, least);
    for (int i = 1; i < REPEATS; i++)
        best = fmin(best, time_call(r, slot, w, least));
    return best;
}

/* Entries from `first` on; the reference, entry 0, is slow and left out where arrays are large.
 * Returns the bandwidth of the place, which is measured in turns with them. */
static double measure_entries(const kernel_row *r, const place *p, entry *entries, size_t count,
                              work *w, const settings *s)
{
    static double times[SETS][ROUNDS], reference[SETS][ROUNDS], sleef[SETS][ROUNDS],
        share[SETS][ROUNDS], triad[ROUNDS];
    const size_t rounds = s->quick ? 1 : p->large ? MEMORY_ROUNDS : ROUNDS;
    const size_t first = p->large ? 1 : 0;
    const double least = s->quick ? 2e-5 : 2e-4, bytes = kernel_footprint(r) * (double)w->n;
    work_fill(w);
    for (size_t round = 0; round < rounds; round++) {
        triad[round] = s->quick ? measure_level_bandwidth(p->name, MEASURE_TRIAD)
                                : measure_bandwidth((size_t)bytes, MEASURE_TRIAD);
        for (size_t i = first; i < count; i++) {
            times[i][round] = best_call(r, entries[i].slot, w, least);
            share[i][round] =
                kernel_moved(r) * (double)w->n * 1e-9 / times[i][round] / triad[round];
            reference[i][round] = first ? NAN : times[0][round] / times[i][round];
            if (entries[i].sleef)
                sleef[i][round] = best_call(r, entries[i].sleef, w, least) / times[i][round];
        }
    }
    for (size_t i = first; i < count; i++) {
        entries[i].seconds = measure_median(times[i], rounds);
        entries[i].share = measure_median(share[i], rounds);
        entries[i].times_reference = first ? NAN : measure_median(reference[i], rounds);
        entries[i].times_sleef = entries[i].sleef ? measure_median(sleef[i], rounds) : NAN;
    }
    return measure_median(triad, rounds);
}

/* Notes what is slower than it should be, for the end of the report. In memory SLEEF waits for the
 * same bytes. */
static void note_miss(const kernel_row *r, const place *p, const entry *e)
{
    const bool slow = !kernel_is_arithmetic(r) && e->share < p->target;
    if (!slow && (p->large || !(e->times_sleef < 1.0)))
        return;
    const size_t used = strlen(misses);
    snprintf(misses + used, sizeof misses - used, " %s in %s (%.2f of %s)", r->name, p->name,
             slow ? e->share : e->times_sleef, slow ? "triad" : "SLEEF");
}

/* `triad` is the bandwidth of the place, GB/s. */
static void report_entry(const kernel_row *r, const place *p, const work *w, const entry *e,
                         double triad)
{
    const double each = e->seconds / (double)w->n;
    const bool used = strcmp(e->set, lam__kernels_chosen()->name) == 0;
    report_begin();
    report_text("kernel", r->name);
    report_text("level", p->name);
    report_text("set", e->set);
    report_text("bound", kernel_is_arithmetic(r) ? "arithmetic" : "bandwidth");
    report_number("ns_per_element", 3, each * 1e9);
    report_number("million_elements_per_s", 0, 1e-6 / each);
    report_number("gb_per_s", 1, kernel_moved(r) / each * 1e-9);
    report_number("triad_gb_per_s", 1, triad);
    report_number("share_of_triad", 2, e->share);
    report_number("target", 1, used && !kernel_is_arithmetic(r) ? p->target : NAN);
    report_number("times_reference", 1, e->times_reference);
    report_number("times_sleef", 2, e->times_sleef);
    report_number("residual", 9, e->residual);
    report_end();
    if (used)
        note_miss(r, p, e);
}

/* Sets the residuals; false where one is too large. */
static bool check_entries(const kernel_row *r, entry *entries, size_t count, work *w)
{
    bool fine = true;
    work want = work_open(r, w->rows, w->cols);
    for (size_t i = 0; i < count; i++) {
        entries[i].residual = residual_of(r, entries[i].slot, w, &want, entries[0].slot);
        if (entries[i].residual <= tolerance)
            continue;
        fprintf(stderr, "bench_kernels: %s of %s, %zu x %zu, is off by %g\n", r->name,
                entries[i].set, w->rows, w->cols, entries[i].residual);
        fine = false;
    }
    work_close(&want);
    return fine;
}

/* Measures one kernel in one place; false where a residual is too large. */
static bool bench(const kernel_row *r, const place *p, const settings *s)
{
    const size_t rows = p->bytes ? (size_t)((double)p->bytes / kernel_footprint(r)) / p->cols : 128;
    work w = work_open(r, rows, p->cols);
    entry entries[SETS];
    const size_t count = list_entries(r, entries);
    bool fine = true;
    if (p->large)
        for (size_t i = 0; i < count; i++)
            entries[i].residual = NAN;
    else
        fine = check_entries(r, entries, count, &w);
    const double triad = measure_entries(r, p, entries, count, &w, s);
    for (size_t i = p->large ? 1 : 0; i < count; i++)
        report_entry(r, p, &w, entries + i, triad);
    work_close(&w);
    return fine;
}

enum { PLACES = 3 };

/* The places, with the bandwidth measured in each. An output layer's rows fit in the first. */
static void find_places(place places[PLACES])
{
    size_t count;
    const measure_level *levels = measure_levels(&count);
    const measure_level *second = levels + (count > 2 ? 1 : 0), *last = levels + count - 1;
    places[0] = (place){levels[0].name, 0, 10, NAN, false};
    places[1] = (place){second->name, second->bytes / 2, 256, 0.6, false};
    places[2] = (place){last->name, last->bytes, 256, 0.8, true};
}

/* Memory that is freed stays, so that pages are mapped once and not for every kernel. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}

static bool wanted(const settings *s, const char *name)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->kernels[i], name) == 0)
            return true;
    return s->count == 0;
}

static void usage(FILE *to)
{
    fputs("usage: bench_kernels [--quick] [--json] [KERNEL]...\n"
          "Times each kernel, or those named, in the rows of an output layer, in the second-level\n"
          "cache and in memory. --quick: briefly and not in memory; only results are checked.\n",
          to);
}

static void check_name(const char *name)
{
    for (size_t i = 0; i < kernel_row_count; i++)
        if (strcmp(kernel_rows[i].name, name) == 0)
            return;
    fprintf(stderr, "bench_kernels: no kernel '%s'; there are", name);
    for (size_t i = 0; i < kernel_row_count; i++)
        fprintf(stderr, " %s", kernel_rows[i].name);
    fputc('\n', stderr);
    exit(2);
}

/* Moves the names of kernels to the front of argv. */
static settings parse(int argc, char **argv)
{
    settings s = {.kernels = argv + 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            s.quick = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            s.json = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            exit(EXIT_SUCCESS);
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "bench_kernels: '%s' is no option\n", argv[i]);
            usage(stderr);
            exit(2);
        } else {
            check_name(argv[i]);
            s.kernels[s.count++] = argv[i];
        }
    }
    return s;
}

int main(int argc, char **argv)
{
    const settings s = parse(argc, argv);
    bool fine = true;
    place places[PLACES];
    find_places(places);
    report_open("kernels", s.json);
    report_note(
        "GB/s are of what a kernel reads and writes, as the triad's, measured in turns with it "
        "over as many bytes.\nA kernel that writes where it reads can be above 1: no line is "
        "fetched only to be written.\nTargets are for the instruction set in use.");
    keep_memory();
    uint64_t mode = lam__denormals_flush(); /* as in the pool's threads */
    for (size_t i = 0; i < kernel_row_count; i++)
        for (size_t p = 0; p < PLACES; p++)
            if (wanted(&s, kernel_rows[i].name) && !(s.quick && places[p].large))
                fine = bench(kernel_rows + i, places + p, &s) && fine;
    lam__denormals_restore(mode);
    if (!s.quick)
        report_note("Below the target with the set in use:%s", *misses ? misses : " none");
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
