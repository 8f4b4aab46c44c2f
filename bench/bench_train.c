/* bench_train.c: training speed: seconds an epoch, samples per second, GFLOPS, shares of the FMA
 * peak, and the ratio to the plain cblas_sgemm calls of the same shapes.
 *
 * Everything that is compared runs in turns within one process, and medians are printed. */
#include <cblas.h>
#include <lamina/lamina.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "networks.h"

enum { MAX_ROUNDS = 99, MAX_THREADS = 8 };

typedef struct settings {
    const char *data, *only;
    size_t samples, rounds, threads;
    bool json, quick;
} settings;

/* One network set up for training with one number of threads. */
typedef struct contender {
    lam_model *model;
    lam_trainer *trainer;
    double times[MAX_ROUNDS];
    double first_loss, last_loss;
} contender;

static void fail(const char *what)
{
    fprintf(stderr, "bench_train: %s: %s\n", what, lam_error_message());
    exit(1);
}

static void *allocate(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        fputs("bench_train: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* Samples of the right shape when the real ones are not there: the time does not depend on the
 * values. Labels follow the first features, so that there is something to learn. */
static lam_dataset *make_data(const network *net, size_t samples)
{
    uint8_t *x = allocate(samples * net->features);
    int32_t *labels = allocate(samples * sizeof *labels);
    uint32_t state = 1;
    const bool binary = net->widths[3] == 1;
    for (size_t i = 0; i < samples * net->features; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (uint8_t)(state >> 24);
    }
    for (size_t i = 0; i < samples; i++) {
        const uint8_t *row = x + i * net->features;
        labels[i] =
            binary ? row[0] > row[1] : (row[0] / 128) * 4 + (row[1] / 128) * 2 + row[2] / 128;
    }
    lam_dataset *data = lam_dataset_new(x, LAM_UINT8, samples, net->features, LAM_COPY);
    if (!data || lam_dataset_set_classes(data, labels, binary ? 2 : 10) != LAM_OK)
        fail("making data");
    free(x);
    free(labels);
    return data;
}

static lam_dataset *load_data(const settings *s, const network *net)
{
    lam_load_options load = lam_load_options_default();
    load.limit = s->samples;
    lam_dataset *data = NULL;
    if (net->features == 784)
        data = lam_dataset_load(s->data, LAM_SPLIT_TRAIN, &load);
    return data ? data : make_data(net, s->samples);
}

static void open_contender(contender *c, const network *net, size_t threads)
{
    c->model = lam_model_new(net->features);
    lam_model_scale_input(c->model, 0, 255, -1, 1);
    lam_model_add_layers(c->model, net->layers);
    lam_fit_options options = lam_fit_options_default();
    options.optimizer = net->optimizer;
    options.batch_size = net->batch;
    options.threads = threads;
    options.metrics = "accuracy";
    c->trainer = lam_trainer_new(c->model, &options);
    if (!c->trainer)
        fail(net->name);
}

/* One epoch in the given order; returns seconds. */
static double run_epoch(contender *c, const network *net, const lam_dataset *data,
                        const uint32_t *order)
{
    const size_t samples = lam_dataset_samples(data);
    double sum = 0.0, start = measure_now();
    for (size_t first = 0; first < samples; first += net->batch) {
        size_t rows = samples - first < net->batch ? samples - first : net->batch;
        lam_scores scores;
        if (lam_trainer_step_rows(c->trainer, data, order + first, rows, &scores) != LAM_OK)
            fail(net->name);
        sum += scores.loss * (double)rows;
    }
    double seconds = measure_now() - start;
    c->last_loss = sum / (double)samples;
    return seconds;
}

/* The matrices of the plain calls: activations, deltas and weights of every layer. */
typedef struct plain {
    size_t layers;
    float *a[6], *d[6], *w[6], *g[6];
} plain;

static float *filled(size_t count)
{
    float *x = allocate(count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(i % 17) * 0.01f - 0.08f;
    return x;
}

static void open_plain(plain *p, const network *net)
{
    *p = (plain){0};
    for (size_t i = 0; net->widths[i]; i++) {
        p->a[i] = filled(net->batch * net->widths[i]);
        p->d[i] = filled(net->batch * net->widths[i]);
        if (!net->widths[i + 1])
            break;
        p->w[i] = filled(net->widths[i] * net->widths[i + 1]);
        p->g[i] = filled(net->widths[i] * net->widths[i + 1]);
        p->layers++;
    }
}

static void close_plain(plain *p)
{
    for (size_t i = 0; i <= p->layers; i++) {
        free(p->a[i]);
        free(p->d[i]);
        free(p->w[i]);
        free(p->g[i]);
    }
}

/* The products of one epoch, each as one whole call on one thread, and nothing else. */
static double run_plain(const plain *p, const network *net, size_t samples)
{
    double start = measure_now();
    for (size_t first = 0; first < samples; first += net->batch) {
        const int rows = (int)(samples - first < net->batch ? samples - first : net->batch);
        for (size_t i = 0; i < p->layers; i++) {
            const int in = (int)net->widths[i], out = (int)net->widths[i + 1];
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, out, in, 1.0f, p->a[i], in,
                        p->w[i], out, 0.0f, p->a[i + 1], out);
        }
        for (size_t i = p->layers; i-- > 0;) {
            const int in = (int)net->widths[i], out = (int)net->widths[i + 1];
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, in, out, rows, 1.0f, p->a[i], in,
                        p->d[i + 1], out, 0.0f, p->g[i], out);
            if (i)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, in, out, 1.0f,
                            p->d[i + 1], out, p->w[i], out, 0.0f, p->d[i], in);
        }
    }
    return measure_now() - start;
}

static void report(const settings *s, const network *net, size_t samples, size_t threads,
                   double seconds, double one_thread, double plain_seconds, double peak)
{
    const double gflops = network_flops(net, (double)samples) / seconds * 1e-9;
    if (s->json)
        printf("{\"bench\":\"train\",\"network\":\"%s\",\"threads\":%zu,\"samples\":%zu,"
               "\"seconds\":%.6f,\"samples_per_second\":%.0f,\"gflops\":%.2f,"
               "\"share_of_fma_peak\":%.4f,\"time_over_cblas\":%.4f,\"speedup\":%.4f,"
               "\"peak_memory_mb\":%.1f,\"processor\":\"%s\",\"blas\":\"%s\","
               "\"instruction_set\":\"%s\"}\n",
               net->name, threads, samples, seconds, (double)samples / seconds, gflops,
               gflops / peak / (double)threads, seconds / plain_seconds, one_thread / seconds,
               measure_peak_memory(), measure_processor(), lam_build_info("blas"),
               lam_build_info("instruction_set"));
    else
        printf("%-12s %7zu %10.4f %12.0f %8.1f %7.2f %11.2f %8.2f\n", net->name, threads, seconds,
               (double)samples / seconds, gflops, gflops / peak / (double)threads,
               seconds / plain_seconds, one_thread / seconds);
    fflush(stdout);
}

static void shuffle(uint32_t *order, size_t n)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        state = state * 1664525u + 1013904223u;
        size_t j = (size_t)(((uint64_t)state * (i + 1)) >> 32);
        uint32_t t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

static void run_network(const settings *s, const network *net, double peak)
{
    lam_dataset *data = load_data(s, net);
    const size_t samples = lam_dataset_samples(data);
    uint32_t *order = allocate(samples * sizeof *order);
    static contender contenders[MAX_THREADS];
    double plain_times[MAX_ROUNDS];
    plain p;
    shuffle(order, samples);
    open_plain(&p, net);
    for (size_t t = 0; t < s->threads; t++) {
        open_contender(&contenders[t], net, t + 1);
        run_epoch(&contenders[t], net, data, order); /* warm-up */
        contenders[t].first_loss = contenders[t].last_loss;
    }
    for (size_t r = 0; r < s->rounds; r++) {
        plain_times[r] = run_plain(&p, net, samples);
        for (size_t t = 0; t < s->threads; t++)
            contenders[t].times[r] = run_epoch(&contenders[t], net, data, order);
    }
    const double plain_seconds = measure_median(plain_times, s->rounds);
    const double one_thread = measure_median(contenders[0].times, s->rounds);
    for (size_t t = 0; t < s->threads; t++) {
        contender *c = &contenders[t];
        report(s, net, samples, t + 1, measure_median(c->times, s->rounds), one_thread,
               plain_seconds, peak);
        if (!isfinite(c->last_loss) || c->last_loss >= c->first_loss ||
            c->last_loss != contenders[0].last_loss) {
            fprintf(stderr, "bench_train: %s with %zu threads: loss %.9g after %.9g, %.9g with 1\n",
                    net->name, t + 1, c->last_loss, c->first_loss, contenders[0].last_loss);
            exit(1);
        }
        lam_trainer_free(c->trainer);
        lam_model_free(c->model);
    }
    close_plain(&p);
    free(order);
    lam_dataset_free(data);
}

static void usage(void)
{
    puts(
        "usage: bench_train [--networks NAMES] [--samples N] [--rounds N] [--threads N]\n"
        "                   [--data DIR] [--json] [--quick]\n"
        "Trains each network for some epochs, in turns with the plain matrix products of the same\n"
        "shapes, with 1..N threads. NAMES: fashion,mnist-small,wide,deep,tabular. --quick: few\n"
        "samples, one round: only the results are checked. Losses must fall, and be the same for\n"
        "every number of threads.");
}

static void parse(settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0) {
            s->json = true;
            continue;
        }
        if (strcmp(argv[i], "--quick") == 0) {
            s->quick = true;
            s->samples = 2000;
            s->rounds = 1;
            continue;
        }
        if (strcmp(argv[i], "--networks") == 0)
            s->only = value;
        else if (strcmp(argv[i], "--data") == 0)
            s->data = value;
        else if (strcmp(argv[i], "--samples") == 0)
            s->samples = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--rounds") == 0)
            s->rounds = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--threads") == 0)
            s->threads = strtoul(value, NULL, 10);
        else {
            usage();
            exit(strcmp(argv[i], "--help") == 0 ? 0 : 2);
        }
        i++;
    }
    if (s->samples < 1 || s->rounds < 1 || s->rounds > MAX_ROUNDS || s->threads < 1 ||
        s->threads > MAX_THREADS) {
        fprintf(stderr, "bench_train: samples >= 1, rounds 1..%d, threads 1..%d\n", (int)MAX_ROUNDS,
                (int)MAX_THREADS);
        exit(2);
    }
}

/* Whether `name` is in a list separated by commas; a NULL list has everything. */
static bool listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
            return true;
    return list == NULL;
}

int main(int argc, char **argv)
{
    settings s = {
        .data = "/usr/share/datasets/fashion-mnist", .samples = 60000, .rounds = 5, .threads = 2};
    parse(&s, argc, argv);
    const double peak = measure_fma_peak(lam_build_info("instruction_set"));
    if (!s.json) {
        printf("%s, %s, kernels %s, FMA peak of one core %.1f GFLOPS\n", measure_processor(),
               lam_build_info("blas"), lam_build_info("instruction_set"), peak);
        printf("medians of %zu rounds; samples an epoch: %zu\n\n", s.rounds, s.samples);
        printf("%-12s %7s %10s %12s %8s %7s %11s %8s\n", "network", "threads", "s/epoch",
               "samples/s", "GFLOPS", "of peak", "over cblas", "speed-up");
    }
    size_t ran = 0;
    for (size_t i = 0; i < NETWORK_COUNT; i++)
        if (listed(s.only, networks[i].name)) {
            run_network(&s, &networks[i], peak);
            ran++;
        }
    if (!ran)
        fprintf(stderr, "bench_train: no such network: '%s'\n", s.only);
    return ran ? 0 : 2;
}
