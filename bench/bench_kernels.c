/* bench_kernels.c: every kernel of every instruction set here: time, bytes, error.
 *
 *     bench_kernels [--quick] [--json] [KERNEL]...
 *
 * Sets alternate within a round; medians over rounds are printed, of times and of the ratios within
 * a round: to the scalar reference and, for exp, log and tanh where it is built in, to SLEEF's
 * functions of 1 ulp (above 1 = faster than they). The residual is the largest deviation from the
 * reference, as a share of the largest value. --quick measures briefly and fails where a residual
 * is above 1e-5. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/denormals.h"
#include "kernels/kernels.h"
#include "measure.h"
#if LAM__BENCH_SLEEF
#include "sleef_loops.h"
#endif

enum { FLOATS = 4, ROUNDS = 31, QUICK_ROUNDS = 3, SETS = LAM__ISA_COUNT + 2 };

/* The arrays a kernel works on, [rows][cols] each. */
typedef struct work {
    size_t rows, cols, n;
    float *f[FLOATS];
    uint8_t *u8;
    uint64_t *mask;
    double result;
} work;

/* One family: calls the kernel whose pointer is at `slot`; bytes moved per element. */
typedef struct family {
    void (*run)(const void *slot, work *w);
    double bytes;
} family;

static void run_unary(const void *slot, work *w)
{
    (*(lam__unary_kernel *const *)slot)(w->n, w->f[0], w->f[1]);
}

static void run_affine_u8(const void *slot, work *w)
{
    (*(lam__affine_u8_kernel *const *)slot)(w->n, w->u8, 1.0f / 127.5f, -1.0f, w->f[1]);
}

static void run_affine_f32(const void *slot, work *w)
{
    (*(lam__affine_f32_kernel *const *)slot)(w->n, w->f[0], 1.0f / 127.5f, -1.0f, w->f[1]);
}

static void run_affine_each_u8(const void *slot, work *w)
{
    (*(lam__affine_each_u8_kernel *const *)slot)(w->n, w->u8, w->f[0], w->f[2], w->f[1]);
}

static void run_affine_each_f32(const void *slot, work *w)
{
    (*(lam__affine_each_f32_kernel *const *)slot)(w->n, w->f[3], w->f[0], w->f[2], w->f[1]);
}

static void run_forward(const void *slot, work *w)
{
    (*(lam__forward_kernel *const *)slot)(w->rows, w->cols, w->cols, w->f[2], w->f[1]);
}

static void run_backward(const void *slot, work *w)
{
    (*(lam__backward_kernel *const *)slot)(w->rows, w->cols, w->cols, w->f[0], w->f[1]);
}

static void run_loss(const void *slot, work *w)
{
    lam__loss_args a = {.rows = w->rows,
                        .cols = w->cols,
                        .ld = w->cols,
                        .y = w->f[0],
                        .targets = w->f[2],
                        .scale = 1.0f,
                        .dy = w->f[1]};
    w->result = (*(lam__loss_kernel *const *)slot)(&a);
}

static void run_update(const void *slot, work *w)
{
    lam__update_args a = {.n = w->n,
                          .w = w->f[1],
                          .g = w->f[0],
                          .m = w->f[2],
                          .v = w->f[3],
                          .learning_rate = 1e-3f,
                          .momentum = 0.9f,
                          .beta_1 = 0.9f,
                          .beta_2 = 0.999f,
                          .epsilon = 1e-7f,
                          .correction_1 = 1.5f,
                          .correction_2 = 50.0f};
    (*(lam__update_kernel *const *)slot)(&a);
}

static void run_penalty(const void *slot, work *w)
{
    w->result = (*(lam__penalty_kernel *const *)slot)(w->n, w->f[0], 1e-4f, 1e-4f, w->f[1]);
}

static void run_column_sums(const void *slot, work *w)
{
    (*(lam__column_sums_kernel *const *)slot)(w->rows, w->cols, w->cols, w->f[0], w->f[1]);
}

static void run_dropout(const void *slot, work *w)
{
    lam__dropout_args a = {.rows = w->rows,
                           .cols = w->cols,
                           .ld = w->cols,
                           .x = w->f[0],
                           .y = w->f[1],
                           .mask = w->mask,
                           .scale = 1.25f,
                           .key = {1, 2},
                           .step = 3,
                           .threshold = 0x33333333u};
    (*(lam__dropout_kernel *const *)slot)(&a);
}

static const family family_unary = {run_unary, 8}, family_affine_u8 = {run_affine_u8, 5},
                    family_affine_f32 = {run_affine_f32, 8},
                    family_affine_each_u8 = {run_affine_each_u8, 13},
                    family_affine_each_f32 = {run_affine_each_f32, 16},
                    family_forward = {run_forward, 8}, family_backward = {run_backward, 12},
                    family_loss = {run_loss, 12}, family_update = {run_update, 28},
                    family_penalty = {run_penalty, 12}, family_column_sums = {run_column_sums, 4},
                    family_dropout = {run_dropout, 8};

typedef struct row {
    const char *name;
    size_t slot; /* offset in lam__kernels */
    const family *family;
} row;

static const row rows[] = {
#define ROW(name, type, help) {#name, offsetof(lam__kernels, name), &family_##type},
    LAM__KERNEL_LIST(ROW)
#undef ROW
};

/* Shapes: hidden layer, output layer. One large array would measure the memory alone. */
static const size_t shapes[][2] = {{128, 256}, {128, 10}};

/* What is compared: the reference, the sets, SLEEF beside each set. */
typedef struct entry {
    const char *set;
    const void *slot, *sleef; /* pointers to function pointers; sleef may be NULL */
    double seconds, times_reference, times_sleef, residual;
} entry;

static void *grab(size_t size)
{
    void *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!p) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return p;
}

static work new_work(size_t row_count, size_t cols)
{
    work w = {.rows = row_count, .cols = cols, .n = row_count * cols};
    for (int j = 0; j < FLOATS; j++)
        w.f[j] = grab(w.n * sizeof(float));
    w.u8 = grab(w.n);
    w.mask = grab(row_count * ((cols + 63) / 64) * sizeof *w.mask);
    return w;
}

static void free_work(work *w)
{
    for (int j = 0; j < FLOATS; j++)
        free(w->f[j]);
    free(w->u8);
    free(w->mask);
}

/* The same values each time: in (0, 1), which every kernel takes. */
static void fill(work *w)
{
    uint32_t state = 1;
    for (int j = 0; j < FLOATS; j++)
        for (size_t i = 0; i < w->n; i++) {
            state = state * 1664525u + 1013904223u;
            w->f[j][i] = ((float)(state >> 9) + 0.5f) * 0x1p-23f;
        }
    for (size_t i = 0; i < w->n; i++)
        w->u8[i] = (uint8_t)(i * 37);
    memset(w->mask, 0x5a, w->rows * ((w->cols + 63) / 64) * sizeof *w->mask);
    w->result = 0.0;
}

static double residual_of(const row *r, const void *slot, work *w, work *want, const void *plain)
{
    fill(w);
    fill(want);
    r->family->run(slot, w);
    r->family->run(plain, want);
    double worst = fabs(w->result - want->result) / fmax(fabs(want->result), 1e-30);
    for (int j = 0; j < FLOATS; j++) {
        double largest = 1e-30, off = 0.0;
        for (size_t i = 0; i < w->n; i++) {
            largest = fmax(largest, fabs((double)want->f[j][i]));
            double d = fabs((double)w->f[j][i] - want->f[j][i]);
            off = d > off || isnan(d) ? d : off;
        }
        if (!(off / largest <= worst))
            worst = off / largest;
    }
    return worst;
}

/* Seconds of one call, from as many as take `least` seconds. */
static double time_call(const row *r, const void *slot, work *w, double least)
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

static const void *slot_of(const lam__kernels *k, const row *r)
{
    return (const char *)k + r->slot;
}

static size_t list_entries(const row *r, entry *entries)
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

static void measure_entries(const row *r, entry *entries, size_t count, work *w, bool quick)
{
    static double times[SETS][ROUNDS], reference[SETS][ROUNDS], sleef[SETS][ROUNDS];
    const size_t rounds = quick ? QUICK_ROUNDS : ROUNDS;
    const double least = quick ? 2e-5 : 2e-4;
    fill(w);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++) {
            times[i][round] = time_call(r, entries[i].slot, w, least);
            reference[i][round] = times[0][round] / times[i][round];
            if (entries[i].sleef)
                sleef[i][round] = time_call(r, entries[i].sleef, w, least) / times[i][round];
        }
    for (size_t i = 0; i < count; i++) {
        entries[i].seconds = measure_median(times[i], rounds);
        entries[i].times_reference = measure_median(reference[i], rounds);
        entries[i].times_sleef = entries[i].sleef ? measure_median(sleef[i], rounds) : 0.0;
    }
}

static void print_entry(const row *r, const work *w, const entry *e, bool json)
{
    double each = e->seconds / (double)w->n;
    double rate = r->family->bytes / each * 1e-9;
    if (json) {
        printf("{\"kernel\": \"%s\", \"rows\": %zu, \"cols\": %zu, \"set\": \"%s\", "
               "\"ns_per_element\": %.4g, \"gb_per_s\": %.4g, \"times_reference\": %.4g",
               r->name, w->rows, w->cols, e->set, each * 1e9, rate, e->times_reference);
        if (e->sleef)
            printf(", \"times_sleef\": %.4g", e->times_sleef);
        printf(", \"residual\": %.3g}\n", e->residual);
        return;
    }
    printf("%-26s %4zu x %-4zu %-9s %9.3f %8.1f %8.1f", r->name, w->rows, w->cols, e->set,
           each * 1e9, rate, e->times_reference);
    if (e->sleef)
        printf(" %7.2f", e->times_sleef);
    else
        printf("       -");
    printf(" %9.1e\n", e->residual);
}

/* Measures one kernel on one shape; false where a residual is too large. */
static bool bench(const row *r, const size_t shape[2], bool quick, bool json)
{
    work w = new_work(shape[0], shape[1]), want = new_work(shape[0], shape[1]);
    entry entries[SETS];
    size_t count = list_entries(r, entries);
    bool fine = true;
    for (size_t i = 0; i < count; i++) {
        entries[i].residual = residual_of(r, entries[i].slot, &w, &want, entries[0].slot);
        if (!(entries[i].residual <= 1e-5)) {
            fprintf(stderr, "bench_kernels: %s of %s is off by %g\n", r->name, entries[i].set,
                    entries[i].residual);
            fine = false;
        }
    }
    measure_entries(r, entries, count, &w, quick);
    for (size_t i = 0; i < count; i++)
        print_entry(r, &w, entries + i, json);
    free_work(&w);
    free_work(&want);
    return fine;
}

static bool wanted(const char *name, int argc, char **argv)
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        if (strcmp(argv[i], name) == 0)
            return true;
        any = true;
    }
    return !any;
}

int main(int argc, char **argv)
{
    bool quick = false, json = false, fine = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "usage: bench_kernels [--quick] [--json] [KERNEL]...\n");
            return 2;
        }
    }
    uint64_t mode = lam__denormals_flush(); /* as in the pool's threads */
    if (!json)
        printf("%s\n%-26s %11s %-9s %9s %8s %8s %7s %9s\n", measure_processor(), "kernel", "shape",
               "set", "ns/elem", "GB/s", "x ref", "x sleef", "residual");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            if (wanted(rows[i].name, argc, argv))
                fine = bench(rows + i, shapes[s], quick, json) && fine;
    lam__denormals_restore(mode);
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
