/* bench_machine.c: the limits every other figure is a share of: multiply-adds, bandwidth of each
 * level of the memory, and the installed BLAS on large squares, of one core; and what it costs
 * that two cores share memory.
 *
 *     bench_machine [--quick] [--json]
 *
 * Bandwidth counts the bytes a program reads and writes, not those a cache reads because a line is
 * written. Peaks are the best of several short runs. A product of the BLAS alternates with a
 * measurement of the peak; its rate and its share are medians. */
#include <cblas.h>
#include <lamina/lamina.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "report.h"

enum { ROUNDS = 7, CHECKED = 16 };

static void check(bool right, const char *what, double value)
{
    if (right)
        return;
    fprintf(stderr, "bench_machine: %s: %g\n", what, value);
    exit(1);
}

/* Every instruction set up to the one in use. */
static void report_peaks(void)
{
    static const char *const sets[] = {"baseline", "avx2", "avx512"};
    const char *in_use = lam_build_info("instruction_set");
    report_note("Multiply-adds in registers, two operations each.");
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const double peak = measure_fma_peak(sets[i]);
        check(peak > 0.0, "FMA peak", peak);
        report_begin();
        report_text("set", sets[i]);
        report_text("in_use", strcmp(sets[i], in_use) == 0 ? "yes" : "no");
        report_number("fma_gflops", 1, peak);
        report_end();
        if (strcmp(sets[i], in_use) == 0)
            break;
    }
}

static void report_bandwidth(bool quick)
{
    size_t count;
    const measure_level *levels = measure_levels(&count);
    report_note(
        "Bandwidth: copy a = b and triad a = b + s c over arrays of half a level in all,\n"
        "for memory of several times the last level. Bytes read and written, with ordinary\n"
        "stores; lines read because they are written are not counted.");
    for (size_t i = 0; i < count; i++) {
        const bool memory = i + 1 == count;
        size_t bytes = memory ? levels[i].bytes : levels[i].bytes / 2;
        if (quick && bytes > (size_t)4 << 20)
            bytes = (size_t)4 << 20;
        const double copy = measure_bandwidth(bytes, MEASURE_COPY);
        const double triad = measure_bandwidth(bytes, MEASURE_TRIAD);
        check(copy > 0.0 && triad > 0.0, "bandwidth", fmin(copy, triad));
        report_begin();
        report_text("level", levels[i].name);
        report_number("level_kib", 0, memory ? NAN : (double)levels[i].bytes / 1024.0);
        report_number("array_kib", 0, (double)bytes / 1024.0);
        report_number("copy_gb_per_s", 1, copy);
        report_number("triad_gb_per_s", 1, triad);
        report_end();
    }
}

/* Several times: where a virtual machine is moved about, it changes. */
static void report_sharing(bool quick)
{
    report_note(
        "Two cores that read the same 400 KB and write half of it each, in turns: nanoseconds\n"
        "a line of the cache takes to be written and to be read; and one line that goes to\n"
        "and fro, one way.");
    for (int i = 0; i < (quick ? 2 : 6); i++) {
        const bool streamed = i % 2 != 0;
        double write = NAN, read = NAN;
        const bool told = measure_shared_lines(streamed, &write, &read);
        check(!told || (write > 0.0 && read > 0.0), "shared lines", write);
        report_begin();
        report_text("stores", streamed ? "past the caches" : "ordinary");
        report_number("handoff_ns", 0, measure_handoff());
        report_number("write_ns", 1, write);
        report_number("read_ns", 1, read);
        report_end();
    }
}

/* The largest deviation of some entries of C = A B from sums in double, as a share of the largest
 * of them. */
static double residual(size_t n, const float *a, const float *b, const float *c)
{
    double off = 0.0, largest = 1e-30;
    for (size_t e = 0; e < CHECKED; e++) {
        const size_t row = e * (n - 1) / (CHECKED - 1), col = (e * 7 + 3) % n;
        double sum = 0.0;
        for (size_t k = 0; k < n; k++)
            sum += (double)a[row * n + k] * (double)b[k * n + col];
        const double d = fabs(sum - (double)c[row * n + col]);
        off = d > off || isnan(d) ? d : off;
        largest = fmax(largest, fabs(sum));
    }
    return off / largest;
}

/* A square product whose matrices [n][n] the caller gives room for in abc. */
static void report_product(size_t n, float *abc, size_t rounds)
{
    float *a = abc, *b = abc + n * n, *c = abc + 2 * n * n;
    const double flops = 2.0 * (double)n * (double)n * (double)n;
    double rates[ROUNDS], peaks[ROUNDS];
    for (size_t i = 0; i < n * n; i++) {
        a[i] = (float)(i % 17) * 0.01f - 0.08f;
        b[i] = (float)(i % 13) * 0.01f - 0.05f;
        c[i] = 0.0f;
    }
    for (size_t r = 0; r <= rounds; r++) { /* the first warms up */
        const double start = measure_now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n, (int)n, 1.0f, a,
                    (int)n, b, (int)n, 0.0f, c, (int)n);
        rates[r ? r - 1 : 0] = flops / (measure_now() - start) * 1e-9;
        peaks[r ? r - 1 : 0] = measure_fma_peak(lam_build_info("instruction_set"));
    }
    const double off = residual(n, a, b, c);
    check(off <= 1e-4, "the BLAS library's product is wrong, by a share of", off);
    report_begin();
    report_number("sgemm_n", 0, (double)n);
    report_number("share_of_fma_peak", 3, measure_median_ratio(rates, peaks, rounds));
    report_number("gflops", 1, measure_median(rates, rounds));
    report_number("residual", 9, off);
    report_end();
}

static void report_products(bool quick)
{
    static const size_t sizes[] = {512, 1024, 2048};
    const size_t count = quick ? 1 : sizeof sizes / sizeof *sizes, most = sizes[count - 1];
    float *abc = aligned_alloc(64, 3 * most * most * sizeof *abc);
    if (!abc) {
        fputs("bench_machine: out of memory\n", stderr);
        exit(1);
    }
    const bool alone = measure_blas_one_thread();
    report_note("Square products of the BLAS, %s.",
                alone ? "on one thread" : "on as many threads as it takes: it cannot be told");
    for (size_t i = 0; i < count; i++)
        report_product(sizes[i], abc, quick ? 1 : ROUNDS);
    free(abc);
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
            puts("usage: bench_machine [--quick] [--json]\n"
                 "Measures the limits of one core: multiply-adds, bandwidth of each level of the\n"
                 "memory, and square products of the installed BLAS; and what it costs that\n"
                 "two cores share memory. --quick: small sizes, once.");
            return 0;
        } else {
            fprintf(stderr, "bench_machine: unknown argument '%s'\n", argv[i]);
            return 2;
        }
    }
    report_open("machine", json);
    report_peaks();
    report_bandwidth(quick);
    report_sharing(quick);
    report_products(quick);
    return 0;
}
