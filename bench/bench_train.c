/* bench_train.c: training speed: seconds per epoch, samples per second, GFLOPS, shares of the FMA
 * peak, the ratio to the plain cblas_sgemm calls of the same shapes, scaling over threads, memory.
 *
 * Everything that is compared runs in turns within one process. Times are medians over the rounds,
 * ratios medians of the ratios within each round. The peak is measured in each round too, and how
 * long a line of the cache takes from core to core, on which the gain of a second thread depends.
 *
 * peak_memory_mb is the largest resident size of a process of its own that loads the data (bytes
 * stay bytes), trains for some steps and does nothing else: see run_for_memory.
 *
 * overhead_us_per_layer, of the tabular network on one thread: the time of a step minus the time of
 * its arithmetic in isolation (bare_step.c), both of the same round, over the dense layers. */
#include <lamina/lamina.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare_step.h"
#include "measure.h"
#include "networks.h"
#include "plain_products.h"
#include "report.h"

enum { MAX_ROUNDS = 99, MAX_THREADS = 8, MEMORY_STEPS = 100 };

typedef struct settings {
    const char *data, *only, *memory;
    size_t samples, rounds, threads;
    bool json;
} settings;

/* One network set up for training with one number of threads. */
typedef struct contender {
    lam_model *model;
    lam_trainer *trainer;
    double times[MAX_ROUNDS];
    double first_loss, last_loss;
} contender;

/* What the rounds of one network measured, besides the contenders' times. */
typedef struct rounds {
    size_t samples;             /* of an epoch: what was asked for, or all there are */
    double plain[MAX_ROUNDS];   /* seconds of an epoch's products */
    double peak[MAX_ROUNDS];    /* GFLOPS of one core */
    double bare[MAX_ROUNDS];    /* seconds of one step's arithmetic, or NaN */
    double handoff[MAX_ROUNDS]; /* nanoseconds of a line from core to core */
} rounds;

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
    if (data)
        return data;
    data = make_data(net, s->samples);
    measure_reset_peak_memory(); /* making them is not the library's work */
    return data;
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

static void close_contender(contender *c)
{
    lam_trainer_free(c->trainer);
    lam_model_free(c->model);
}

/* The parameters' bits in one number (FNV-1a). */
static uint64_t checksum(lam_model *model)
{
    uint64_t sum = 14695981039346656037u;
    lam_tensor t;
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        if (lam_model_tensor(model, i, &t) != LAM_OK)
            fail("reading parameters");
        for (size_t k = 0; k < t.rows * t.cols; k++) {
            uint32_t bits;
            memcpy(&bits, &t.data[k], sizeof bits);
            sum = (sum ^ bits) * 1099511628211u;
        }
    }
    return sum;
}

/* Losses must fall; losses and parameters must be those of one thread. */
static void check(const network *net, const contender *contenders, size_t threads)
{
    const contender *c = &contenders[threads - 1];
    if (!isfinite(c->last_loss) || c->last_loss >= c->first_loss) {
        fprintf(stderr, "bench_train: %s with %zu threads: loss %.9g after %.9g\n", net->name,
                threads, c->last_loss, c->first_loss);
        exit(1);
    }
    const uint64_t sum = checksum(c->model), first = checksum(contenders->model);
    if (c->last_loss != contenders->last_loss || sum != first) {
        fprintf(stderr,
                "bench_train: %s: loss %.9g and parameters %016llx with %zu threads, %.9g and "
                "%016llx with 1\n",
                net->name, c->last_loss, (unsigned long long)sum, threads, contenders->last_loss,
                (unsigned long long)first);
        exit(1);
    }
}

/* Peak memory */

/* In a process of its own: trains as a user would and prints the peak, in MB. */
static int run_for_memory(const settings *s)
{
    for (size_t i = 0; i < NETWORK_COUNT; i++) {
        const network *net = &networks[i];
        if (strcmp(s->memory, net->name) != 0)
            continue;
        lam_dataset *data = load_data(s, net);
        contender c;
        open_contender(&c, net, s->threads);
        const size_t samples = lam_dataset_samples(data);
        const size_t rows = samples < net->batch ? samples : net->batch, batches = samples / rows;
        uint32_t *index = allocate(rows * sizeof *index);
        for (size_t step = 0; step < MEMORY_STEPS; step++) {
            for (size_t r = 0; r < rows; r++)
                index[r] = (uint32_t)(step % batches * rows + r);
            if (lam_trainer_step_rows(c.trainer, data, index, rows, NULL) != LAM_OK)
                fail(net->name);
        }
        printf("%.3f\n", measure_peak_memory());
        free(index);
        close_contender(&c);
        lam_dataset_free(data);
        return 0;
    }
    fprintf(stderr, "bench_train: no such network: '%s'\n", s->memory);
    return 2;
}

/* Starts this program anew for it; NaN where that cannot be done. */
static double peak_memory(const settings *s, const network *net, size_t threads)
{
    char samples[32], count[32], line[64] = "";
    const char *const arguments[] = {"bench_train", "--memory", net->name, "--samples", samples,
                                     "--threads",   count,      "--data",  s->data,     NULL};
    snprintf(samples, sizeof samples, "%zu", s->samples);
    snprintf(count, sizeof count, "%zu", threads);
    return measure_run_again(arguments, line, sizeof line) ? strtod(line, NULL) : NAN;
}

/* The rounds */

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

static void measure_rounds(const settings *s, const network *net, contender *contenders,
                           rounds *out)
{
    lam_dataset *data = load_data(s, net);
    const size_t samples = lam_dataset_samples(data);
    const size_t batches = (samples + net->batch - 1) / net->batch;
    uint32_t *order = allocate(samples * sizeof *order);
    plain_products plain;
    const bool tabular = strcmp(net->name, "tabular") == 0;
    bare_step *bare = tabular ? bare_open(net) : NULL;
    out->samples = samples;
    shuffle(order, samples);
    plain_open(&plain, net);
    if (bare)
        bare_run(bare, batches); /* warm-up, as below */
    for (size_t t = 0; t < s->threads; t++) {
        open_contender(&contenders[t], net, t + 1);
        run_epoch(&contenders[t], net, data, order); /* warm-up */
        contenders[t].first_loss = contenders[t].last_loss;
    }
    for (size_t r = 0; r < s->rounds; r++) {
        out->peak[r] = measure_fma_peak(lam_build_info("instruction_set"));
        out->plain[r] = plain_run(&plain, net, samples);
        out->bare[r] = bare ? bare_run(bare, batches) : NAN;
        out->handoff[r] = measure_handoff();
        for (size_t i = 0; i < s->threads; i++) { /* each goes first now and then */
            contender *c = &contenders[(i + r) % s->threads];
            c->times[r] = run_epoch(c, net, data, order);
        }
    }
    bare_close(bare);
    plain_close(&plain);
    free(order);
    lam_dataset_free(data);
}

/* Median microseconds a dense layer of a step beyond its arithmetic. */
static double overhead(const network *net, const contender *c, const rounds *measured, size_t count,
                       double steps)
{
    double each[MAX_ROUNDS], layers = 0.0;
    for (size_t i = 0; net->widths[i + 1]; i++)
        layers += 1.0;
    for (size_t r = 0; r < count; r++)
        each[r] = (c->times[r] / steps - measured->bare[r]) / layers * 1e6;
    return measure_median(each, count);
}

static double handoff(const rounds *measured, size_t count)
{
    double each[MAX_ROUNDS];
    memcpy(each, measured->handoff, count * sizeof *each);
    return measure_median(each, count);
}

static void report(const settings *s, const network *net, size_t threads,
                   const contender *contenders, const rounds *measured)
{
    const contender *c = &contenders[threads - 1];
    const double samples = (double)measured->samples, flops = network_flops(net, samples);
    const double steps = ceil(samples / (double)net->batch);
    double times[MAX_ROUNDS], rates[MAX_ROUNDS];
    for (size_t r = 0; r < s->rounds; r++) {
        times[r] = c->times[r];
        rates[r] = flops / c->times[r] * 1e-9 / (double)threads;
    }
    const double seconds = measure_median(times, s->rounds);
    const bool bare = threads == 1 && !isnan(measured->bare[0]);
    report_begin();
    report_text("network", net->name);
    report_number("threads", 0, (double)threads);
    report_number("samples", 0, samples);
    report_number("seconds", 4, seconds);
    report_number("samples_per_second", 0, samples / seconds);
    report_number("gflops", 1, flops / seconds * 1e-9);
    report_number("share_of_fma_peak", 3, measure_median_ratio(rates, measured->peak, s->rounds));
    report_number("flops_per_byte", 1,
                  network_flops(net, (double)net->batch) / network_bytes(net, (double)net->batch));
    report_number("time_over_cblas", 3, measure_median_ratio(c->times, measured->plain, s->rounds));
    report_number("speedup", 2, measure_median_ratio(contenders->times, c->times, s->rounds));
    report_number("handoff_ns", 0, threads > 1 ? handoff(measured, s->rounds) : NAN);
    report_number("peak_memory_mb", 1, peak_memory(s, net, threads));
    report_number("overhead_us_per_layer", 2,
                  bare ? overhead(net, c, measured, s->rounds, steps) : NAN);
    report_end();
}

static void run_network(settings s, const network *net)
{
    static contender contenders[MAX_THREADS];
    static rounds measured;
    measure_rounds(&s, net, contenders, &measured);
    for (size_t t = 1; t <= s.threads; t++) {
        check(net, contenders, t);
        report(&s, net, t, contenders, &measured);
    }
    for (size_t t = 0; t < s.threads; t++)
        close_contender(&contenders[t]);
}

static void usage(void)
{
    puts(
        "usage: bench_train [--networks NAMES] [--samples N] [--rounds N] [--threads N]\n"
        "                   [--data DIR] [--json] [--quick]\n"
        "       bench_train --memory NETWORK [--samples N] [--threads N] [--data DIR]\n"
        "Trains each network for some epochs, in turns with the plain matrix products of the same\n"
        "shapes, with 1..N threads. NAMES: fashion,mnist-small,wide,deep,tabular. --quick: few\n"
        "samples, one round: only the results are checked. Losses must fall, and losses and\n"
        "parameters have the same bits for every number of threads. --memory: trains for some\n"
        "steps and prints the largest resident size of the process in MB.");
}

static void parse_value(settings *s, const char *flag, const char *value)
{
    if (strcmp(flag, "--networks") == 0) {
        s->only = networks_parse("bench_train", value);
    } else if (strcmp(flag, "--memory") == 0) {
        s->memory = value;
    } else if (strcmp(flag, "--data") == 0) {
        s->data = value;
    } else if (strcmp(flag, "--samples") == 0) {
        s->samples = measure_number("bench_train", flag, value, 1, 10000000);
    } else if (strcmp(flag, "--rounds") == 0) {
        s->rounds = measure_number("bench_train", flag, value, 1, MAX_ROUNDS);
    } else if (strcmp(flag, "--threads") == 0) {
        s->threads = measure_number("bench_train", flag, value, 1, MAX_THREADS);
    } else {
        fprintf(stderr, "bench_train: unknown argument '%s'; --help lists them\n", flag);
        exit(2);
    }
}

static void parse(settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            usage();
            exit(0);
        }
        if (strcmp(argv[i], "--json") == 0) {
            s->json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            s->samples = 2000;
            s->rounds = 1;
        } else if (i + 1 < argc) {
            parse_value(s, argv[i], argv[i + 1]);
            i++;
        } else {
            fprintf(stderr, "bench_train: unknown argument '%s', or its value is missing\n",
                    argv[i]);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    settings s = {
        .data = "/usr/share/datasets/fashion-mnist", .samples = 60000, .rounds = 5, .threads = 2};
    parse(&s, argc, argv);
    if (s.memory)
        return run_for_memory(&s);
    report_open("train", s.json);
    if (!measure_blas_one_thread())
        report_note(
            "This BLAS cannot be kept to one thread from here: time_over_cblas may compare with "
            "more.");
    report_note("Rounds in turns: %zu; medians. Losses fall; losses and parameters have the same "
                "bits\nfor every number of threads.",
                s.rounds);
    for (size_t i = 0; i < NETWORK_COUNT; i++)
        if (network_listed(s.only, networks[i].name))
            run_network(s, &networks[i]);
    return 0;
}
