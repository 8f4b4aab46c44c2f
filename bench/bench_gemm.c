/* bench_gemm.c: the three matrix products of dense layers, every way that Lamina makes them.
 *
 *     bench_gemm [--quick] [--json] [--networks NAME,...]
 *
 * For each layer of each network of networks.h: forward (nn: Y = X W), gradient of the weights (tn:
 * dW = X^T dZ) and of the input (nt: dX = dZ W^T), as whole calls of the BLAS, as Lamina cuts those
 * calls, and in the library's own tiles: from W as it lies or packed in panels, and in slabs of
 * rows of several heights. This is the sweep that the choices in src/ rest on. All ways take turns;
 * medians of times and of the ratios to the whole call within a round. The residual is the largest
 * deviation from a plain sum in double, as a share of the sum of the absolute values, over a sample
 * of C.
 * --quick measures briefly and fails where a residual is above 1e-5. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include <lamina/lamina.h>

#include "kernels/blas/gemm.h"
#include "kernels/products.h"
#include "measure.h"
#include "networks.h"
#include "report.h"

enum { ROUNDS = 15, QUICK_ROUNDS = 2, MOST_WAYS = 16, CHECKED = 97 };

typedef enum form { NN, TN, NT } form;
static const char *const form_names[] = {"nn", "tn", "nt"};

/* One product: C[m][n] of depth k. Rows of A and C are padded as in training. */
typedef struct shape {
    form form;
    size_t m, n, k;
    float *a, *b, *c; /* nn: [m][k] [k][n]; tn: [k][m] [k][n]; nt: [m][k] [n][k] */
    float *panels;    /* of b, or of its transpose for nt */
    size_t lda, ldc;
} shape;

typedef enum engine { WHOLE, CUT, PLAIN, PANELS } engine;

/* A way to make a product: in slabs of so many rows of C, 0 = all. */
typedef struct way {
    const char *name;
    engine engine;
    size_t slab;
} way;

static const way ways[] = {
    {"blas, whole", WHOLE, 0},     {"blas, cut", CUT, 0},          {"tiles", PLAIN, 0},
    {"tiles, slabs", PLAIN, 32},   {"tiles, slabs", PLAIN, 64},    {"tiles, slabs", PLAIN, 96},
    {"tiles, panels", PANELS, 0},  {"tiles, panels", PANELS, 16},  {"tiles, panels", PANELS, 32},
    {"tiles, panels", PANELS, 64}, {"tiles, panels", PANELS, 128},
};
enum { WAYS = sizeof ways / sizeof *ways };

/* nt reads B only from panels of the transpose. */
static bool applies(const way *w, const shape *s, const lam__products *products)
{
    if (w->engine >= PLAIN && !products)
        return false;
    if (w->slab >= s->m)
        return false;
    return !(w->engine == PLAIN && s->form == NT);
}

static float *make(size_t floats)
{
    float *x = aligned_alloc(64, (floats * sizeof *x + 63) / 64 * 64);
    if (!x) {
        fputs("bench_gemm: out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < floats; i++)
        x[i] = (float)(i * 2654435761u % 1001) * 0.001f - 0.5f;
    return x;
}

static size_t padded(size_t width)
{
    return width % 256 == 0 ? width + 16 : width;
}

static shape open_shape(form f, size_t m, size_t n, size_t k, const lam__products *products)
{
    shape s = {.form = f, .m = m, .n = n, .k = k};
    s.lda = padded(f == TN ? m : k);
    s.ldc = f == TN ? n : padded(n);
    s.a = make((f == TN ? k : m) * s.lda);
    s.b = make(n * k);
    s.c = make(m * s.ldc);
    if (!products)
        return s;
    s.panels = make(lam__panels_floats(products->panel, k, n));
    lam__packing whole = {.w = s.b, .panels = s.panels};
    whole.in = whole.rows = f == NT ? n : k;
    whole.out = whole.ldw = whole.cols = f == NT ? k : n;
    (f == NT ? products->pack_transposed : products->pack)(&whole);
    return s;
}

static void close_shape(shape *s)
{
    free(s->a);
    free(s->b);
    free(s->c);
    free(s->panels);
}

static void run_blas(const shape *s, bool whole)
{
    const size_t ldb = s->form == NT ? s->k : s->n;
    if (whole) {
        cblas_sgemm(CblasRowMajor, s->form == TN ? CblasTrans : CblasNoTrans,
                    s->form == NT ? CblasTrans : CblasNoTrans, (int)s->m, (int)s->n, (int)s->k,
                    1.0f, s->a, (int)s->lda, s->b, (int)ldb, 0.0f, s->c, (int)s->ldc);
        return;
    }
    void (*const products[])(size_t, size_t, size_t, const float *, size_t, const float *, size_t,
                             float *, size_t) = {lam__gemm_nn, lam__gemm_tn, lam__gemm_nt};
    products[s->form](s->m, s->n, s->k, s->a, s->lda, s->b, ldb, s->c, s->ldc);
}

static void run_tiles(const shape *s, const way *w, const lam__products *products)
{
    const size_t slab = w->slab ? w->slab : s->m;
    lam__product p = {.n = s->n, .k = s->k, .lda = s->lda, .ldc = s->ldc};
    p.b = w->engine == PANELS ? s->panels : s->b;
    p.ldb = w->engine == PANELS ? products->panel : s->n;
    p.panel_step = products->panel * (w->engine == PANELS ? s->k : 1);
    for (size_t first = 0; first < s->m; first += slab) {
        p.m = s->m - first < slab ? s->m - first : slab;
        p.a = s->a + first * (s->form == TN ? 1 : s->lda);
        p.c = s->c + first * s->ldc;
        (s->form == TN ? products->columns : products->rows)(&p);
    }
}

static void run(const shape *s, const way *w, const lam__products *products)
{
    if (w->engine >= PLAIN)
        run_tiles(s, w, products);
    else
        run_blas(s, w->engine == WHOLE);
}

/* Seconds of one product, over some milliseconds of them. */
static double time_way(const shape *s, const way *w, const lam__products *products, size_t times)
{
    const double start = measure_now();
    for (size_t i = 0; i < times; i++)
        run(s, w, products);
    return (measure_now() - start) / (double)times;
}

static double residual(const shape *s)
{
    double worst = 0.0;
    for (size_t at = 0; at < s->m * s->n; at += 1 + s->m * s->n / CHECKED) {
        const size_t i = at / s->n, j = at % s->n;
        double sum = 0.0, size = 0.0;
        for (size_t p = 0; p < s->k; p++) {
            const double x = s->a[s->form == TN ? p * s->lda + i : i * s->lda + p];
            const double y = s->b[s->form == NT ? j * s->k + p : p * s->n + j];
            sum += x * y;
            size += fabs(x * y);
        }
        const double off = fabs(s->c[i * s->ldc + j] - sum) / (size > 0.0 ? size : 1.0);
        worst = off > worst ? off : worst;
    }
    return worst;
}

/* All ways to one product; the worst residual. */
static double run_shape(const network *net, size_t layer, const shape *s, bool quick, double peak)
{
    const lam__products *products = lam__products_of(lam__isa_chosen());
    const double flops = 2.0 * (double)s->m * (double)s->n * (double)s->k;
    const size_t rounds = quick ? QUICK_ROUNDS : ROUNDS, times = 1 + (size_t)(2e8 / flops);
    double seconds[MOST_WAYS][ROUNDS], off[MOST_WAYS], worst = 0.0;
    for (size_t r = 0; r < rounds; r++)
        for (size_t w = 0; w < WAYS; w++) {
            if (!applies(&ways[w], s, products))
                continue;
            memset(s->c, 0xff, s->m * s->ldc * sizeof *s->c);
            run(s, &ways[w], products);
            off[w] = residual(s);
            worst = off[w] <= worst ? worst : off[w]; /* a NaN counts */
            seconds[w][r] = time_way(s, &ways[w], products, quick ? 1 : times);
        }
    for (size_t w = 0; w < WAYS; w++) {
        if (!applies(&ways[w], s, products))
            continue;
        const double ratio = measure_median_ratio(seconds[w], seconds[0], rounds);
        double copy[ROUNDS];
        memcpy(copy, seconds[w], sizeof copy);
        const double gflops = flops / measure_median(copy, rounds) * 1e-9;
        report_begin();
        report_text("network", net->name);
        report_number("layer", 0, (double)layer);
        report_text("form", form_names[s->form]);
        report_number("m", 0, (double)s->m);
        report_number("n", 0, (double)s->n);
        report_number("k", 0, (double)s->k);
        report_text("way", ways[w].name);
        report_number("rows", 0, (double)(ways[w].slab ? ways[w].slab : s->m));
        report_number("gflops", 1, gflops);
        report_number("share_of_fma_peak", 2, gflops / peak);
        report_number("time_over_whole_call", 2, ratio);
        report_number("residual", 9, off[w]);
        report_end();
    }
    return worst;
}

static double run_network(const network *net, bool quick, double peak)
{
    const lam__products *products = lam__products_of(lam__isa_chosen());
    double worst = 0.0;
    for (size_t i = 0; net->widths[i + 1]; i++) {
        const size_t in = net->widths[i], out = net->widths[i + 1];
        shape shapes[] = {open_shape(NN, net->batch, out, in, products),
                          open_shape(TN, in, out, net->batch, products),
                          open_shape(NT, net->batch, in, out, products)};
        for (int f = 0; f < (i ? 3 : 2); f++) {
            const double off = run_shape(net, i, &shapes[f], quick, peak);
            worst = off <= worst ? worst : off;
        }
        for (int f = 0; f < 3; f++)
            close_shape(&shapes[f]);
    }
    return worst;
}

int main(int argc, char **argv)
{
    bool quick = false, json = false;
    const char *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--networks") == 0 && i + 1 < argc) {
            only = networks_parse("bench_gemm", argv[++i]);
        } else {
            fprintf(stderr,
                    "bench_gemm: '%s': usage: bench_gemm [--quick] [--json] "
                    "[--networks NAME,...]\n",
                    argv[i]);
            return 2;
        }
    }
    if (lam__blas_acquire() != LAM_OK) {
        fprintf(stderr, "bench_gemm: %s\n", lam_error_message());
        return 1;
    }
    const double peak = measure_fma_peak(lam_build_info("instruction_set"));
    double worst = 0.0;
    report_open("gemm", json);
    report_text_width(13);
    report_note("FMA peak of one core: %.1f GFLOPS. Ways in turns, medians of %d rounds.", peak,
                quick ? QUICK_ROUNDS : ROUNDS);
    for (size_t i = 0; i < NETWORK_COUNT; i++)
        if (network_listed(only, networks[i].name)) {
            const double off = run_network(&networks[i], quick, peak);
            worst = off <= worst ? worst : off;
        }
    lam__blas_release();
    if (!(worst <= 1e-5))
        fprintf(stderr, "bench_gemm: residual %g\n", worst);
    return worst <= 1e-5 ? 0 : 1;
}
