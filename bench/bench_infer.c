/* bench_infer.c: prediction: latency of calls of 1 to 1024 rows, and throughput over a data set,
 * each with 1 and 2 threads. Calls follow each other at once: the second thread is awake.
 *
 * Everything that is compared runs in turns within one process. Outputs are held to a plain
 * computation in double. */
#include <lamina/lamina.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "networks.h"
#include "report.h"

enum {
    BATCHES = 4,
    MOST_ROWS = 1024,
    MOST_CALLS = 100000, /* of one batch size */
    MOST_ROUNDS = 99,
    MOST_THREADS = 2,
    TURNS = 10,
    CHECKED_ROWS = 64 /* of each result, spread over it */
};

static const size_t batches[BATCHES] = {1, 8, 64, 1024};

/* An output off by more than this share of the largest is wrong: rounding leaves some 1e-6. */
static const double tolerance = 2e-5;

typedef struct settings {
    const char *data, *only;
    size_t samples, rounds;
    double seconds; /* of measuring for each batch size */
    bool json, quick;
} settings;

/* A network with random weights, and the samples it is given. */
typedef struct subject {
    const network *net;
    lam_model *model, *twin; /* alike; the twin's weights are looked at, see lam_model_tensor */
    size_t outputs;
    double flops;         /* of one sample */
    const char *source;   /* of the samples: "Fashion-MNIST" or "synthetic" */
    double weights_bytes; /* all that a prediction must read */
} subject;

/* Latencies of one batch size, in seconds. */
typedef struct latencies {
    lam_predictor *predictor;
    size_t rows, threads, count;
    double *each;
    float *y; /* [MOST_ROWS][outputs] */
    double residual;
} latencies;

static void fail(const char *what)
{
    fprintf(stderr, "bench_infer: %s: %s\n", what, lam_error_message());
    exit(1);
}

static void *allocate(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        fputs("bench_infer: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static lam_model *make_model(const network *net)
{
    lam_model *model = lam_model_new(net->features);
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, net->layers);
    if (lam_model_initialize(model, 1, NULL) != LAM_OK)
        fail(net->name);
    return model;
}

static subject open_subject(const network *net)
{
    subject s = {.net = net, .model = make_model(net), .twin = make_model(net)};
    s.outputs = lam_model_outputs(s.model);
    s.weights_bytes = (double)lam_model_parameters(s.model) * sizeof(float);
    for (size_t i = 0; net->widths[i + 1]; i++)
        s.flops += 2.0 * (double)net->widths[i] * (double)net->widths[i + 1];
    return s;
}

/* Samples of bytes: the real ones where they are and fit, else made up. */
static lam_dataset *load_samples(const settings *o, subject *s)
{
    const network *net = s->net;
    lam_load_options load = lam_load_options_default();
    load.limit = o->samples;
    lam_dataset *data = NULL;
    if (net->features == 784)
        data = lam_dataset_load(o->data, LAM_SPLIT_TRAIN, &load);
    s->source = data ? "Fashion-MNIST" : "synthetic";
    if (data)
        return data;
    uint8_t *x = allocate(o->samples * net->features);
    uint32_t state = 1;
    for (size_t i = 0; i < o->samples * net->features; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (uint8_t)(state >> 24);
    }
    data = lam_dataset_new(x, LAM_UINT8, o->samples, net->features, LAM_COPY);
    free(x);
    if (!data)
        fail("making samples");
    return data;
}

/* The first MOST_ROWS samples as floats, repeated where there are fewer. */
static float *float_rows(const lam_dataset *data)
{
    const size_t features = lam_dataset_features(data), samples = lam_dataset_samples(data);
    float *x = allocate(MOST_ROWS * features * sizeof *x);
    for (size_t r = 0; r < MOST_ROWS; r++)
        if (lam_dataset_sample(data, r % samples, x + r * features) != LAM_OK)
            fail("reading a sample");
    return x;
}

static void plain_activation(const char *name, size_t n, double *z)
{
    double most = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, z[i]);
        if (strcmp(name, "relu") == 0)
            z[i] = fmax(z[i], 0.0);
        else if (strcmp(name, "tanh") == 0)
            z[i] = tanh(z[i]);
        else if (strcmp(name, "sigmoid") == 0)
            z[i] = 1.0 / (1.0 + exp(-z[i]));
    }
    if (strcmp(name, "softmax") != 0)
        return;
    for (size_t i = 0; i < n; i++)
        sum += z[i] = exp(z[i] - most);
    for (size_t i = 0; i < n; i++)
        z[i] /= sum;
}

/* The outputs of one raw sample in double; *outputs stay valid until the next call. */
static const double *plain_outputs(const subject *s, const float *x)
{
    static double storage[2][1024];
    double *from = storage[0], *to = storage[1];
    size_t tensor = 0;
    for (size_t j = 0; j < s->net->features; j++)
        from[j] = (double)x[j] / 255.0 * 2.0 - 1.0;
    for (size_t i = 0; i < lam_model_layers(s->model); i++) {
        lam_layer_info layer;
        lam_tensor w, b;
        if (lam_model_layer(s->model, i, &layer) != LAM_OK)
            fail("a layer");
        if (strcmp(layer.type, "dense") != 0)
            continue;
        if (lam_model_tensor(s->twin, tensor++, &w) != LAM_OK ||
            lam_model_tensor(s->twin, tensor++, &b) != LAM_OK)
            fail("a tensor");
        for (size_t o = 0; o < w.cols; o++)
            to[o] = b.data[o];
        for (size_t j = 0; j < w.rows; j++)
            for (size_t o = 0; o < w.cols; o++)
                to[o] += from[j] * w.data[j * w.cols + o];
        plain_activation(layer.activation, w.cols, to);
        double *t = from;
        from = to;
        to = t;
    }
    return from;
}

/* The largest deviation of some rows of y[rows][outputs] from the plain computation, as a share of
 * the largest output. Ends the program where that is too much. `row(i)` is x + i * features, or
 * sample i of data. */
static double check_outputs(const subject *s, const lam_dataset *data, const float *x, size_t rows,
                            const float *y, const char *what)
{
    const size_t step = rows <= CHECKED_ROWS ? 1 : rows / CHECKED_ROWS, features = s->net->features;
    float *sample = allocate(features * sizeof *sample);
    double off = 0.0, largest = 1e-30;
    for (size_t r = 0; r < rows; r += step) {
        if (x)
            memcpy(sample, x + r * features, features * sizeof *sample);
        else if (lam_dataset_sample(data, r, sample) != LAM_OK)
            fail("reading a sample");
        const double *want = plain_outputs(s, sample);
        for (size_t o = 0; o < s->outputs; o++) {
            const double d = fabs(y[r * s->outputs + o] - want[o]);
            off = d > off || isnan(d) ? d : off;
            largest = fmax(largest, fabs(want[o]));
        }
    }
    free(sample);
    if (!(off / largest <= tolerance)) {
        fprintf(stderr, "bench_infer: %s, %s: outputs are off by %g of the largest\n", s->net->name,
                what, off / largest);
        exit(1);
    }
    return off / largest;
}

static void predict(latencies *l, const float *x)
{
    if (lam_predictor_run(l->predictor, x, l->rows, l->y) != LAM_OK)
        fail("prediction");
}

static void open_latencies(latencies *l, const subject *s, size_t rows, size_t threads,
                           const float *x)
{
    lam_predictor_options options = lam_predictor_options_default();
    options.threads = threads;
    *l = (latencies){.predictor = lam_predictor_new_with(s->model, rows, &options),
                     .rows = rows,
                     .threads = threads};
    if (!l->predictor)
        fail(s->net->name);
    l->each = allocate(MOST_CALLS * sizeof *l->each);
    l->y = allocate(MOST_ROWS * s->outputs * sizeof *l->y);
    memset(l->y, 0xff, MOST_ROWS * s->outputs * sizeof *l->y);
    predict(l, x);
    l->residual = check_outputs(s, NULL, x, rows, l->y, "lam_predictor_run");
}

/* One turn: calls on samples never the same twice in a row, for `seconds`. */
static void take_turn(latencies *l, const subject *s, const float *x, double seconds)
{
    const size_t places = MOST_ROWS / l->rows;
    const size_t warm_calls = l->rows < 64 ? 3 : 1; /* the turn before has used the caches */
    for (size_t i = 0; i < warm_calls; i++)
        predict(l, x);
    const double begin = measure_now();
    double now = begin;
    while (l->count < MOST_CALLS && now - begin < seconds) {
        const float *rows = x + l->count % places * l->rows * s->net->features;
        const double start = measure_now();
        predict(l, rows);
        now = measure_now();
        l->each[l->count++] = now - start;
    }
}

static void report_latencies(latencies *l, const subject *s, double one_thread, double median,
                             double peak)
{
    const double rate = (double)l->rows / median, gflops = rate * s->flops * 1e-9;
    size_t p99 = (size_t)ceil(0.99 * (double)l->count);
    report_begin();
    report_text("network", s->net->name);
    report_text("data", s->source);
    report_number("batch", 0, (double)l->rows);
    report_number("threads", 0, (double)l->threads);
    report_number("calls", 0, (double)l->count);
    report_number("median_us", 2, median * 1e6);
    report_number("speedup", 2, one_thread / median);
    report_number("p99_us", 2, l->each[p99 ? p99 - 1 : 0] * 1e6);
    report_number("worst_us", 1, l->each[l->count - 1] * 1e6);
    report_number("samples_per_second", 0, rate);
    report_number("gflops", 1, gflops);
    report_number("share_of_fma_peak", 3, gflops / peak);
    report_number("weights_gb_per_s", 1, l->rows == 1 ? s->weights_bytes / median * 1e-9 : NAN);
    report_number("residual", 9, l->residual);
    report_end();
}

static void run_latencies(const settings *o, const subject *s, const lam_dataset *data, double peak)
{
    static latencies l[BATCHES * MOST_THREADS]; /* of one batch side by side */
    const size_t turns = o->quick ? 1 : TURNS, all = BATCHES * MOST_THREADS;
    double one_thread = NAN;
    float *x = float_rows(data);
    for (size_t i = 0; i < all; i++) {
        open_latencies(l + i, s, batches[i / MOST_THREADS], i % MOST_THREADS + 1, x);
        if (memcmp(l[i].y, l[i - i % MOST_THREADS].y, l[i].rows * s->outputs * sizeof *l[i].y))
            fail("threads change the bits");
    }
    for (size_t turn = 0; turn < turns; turn++)
        for (size_t i = 0; i < all; i++)
            take_turn(l + i, s, x, o->seconds / (double)turns);
    for (size_t i = 0; i < all; i++) {
        const double median = measure_median(l[i].each, l[i].count); /* sorts */
        one_thread = l[i].threads == 1 ? median : one_thread;
        report_latencies(l + i, s, one_thread, median, peak);
        lam_predictor_free(l[i].predictor);
        free(l[i].each);
        free(l[i].y);
    }
    free(x);
}

static double time_dataset(const subject *s, const lam_dataset *data, size_t threads, float *y)
{
    const double start = measure_now();
    if (lam_predict_dataset(s->model, data, threads, y) != LAM_OK)
        fail(s->net->name);
    return measure_now() - start;
}

static void report_throughput(const subject *s, size_t threads, size_t samples, double seconds,
                              double one_thread, double residual, double peak)
{
    const double gflops = (double)samples * s->flops / seconds * 1e-9;
    report_begin();
    report_text("network", s->net->name);
    report_text("data", s->source);
    report_number("threads", 0, (double)threads);
    report_number("samples", 0, (double)samples);
    report_number("seconds", 5, seconds);
    report_number("samples_per_second", 0, (double)samples / seconds);
    report_number("gflops", 1, gflops);
    report_number("share_of_fma_peak", 3, gflops / peak / (double)threads);
    report_number("speedup", 2, one_thread / seconds);
    report_number("residual", 9, residual);
    report_end();
}

/* A whole data set, threads in turns; every number of threads must give the same bits. */
static void run_throughput(const settings *o, const network *net, double peak)
{
    subject s = open_subject(net);
    lam_dataset *data = load_samples(o, &s);
    const size_t samples = lam_dataset_samples(data), floats = samples * s.outputs;
    double times[MOST_THREADS][MOST_ROUNDS], medians[MOST_THREADS], residual = 0.0;
    float *y[MOST_THREADS];
    for (size_t t = 0; t < MOST_THREADS; t++) {
        y[t] = allocate(floats * sizeof *y[t]);
        memset(y[t], 0xff, floats * sizeof *y[t]);
        time_dataset(&s, data, t + 1, y[t]); /* warm-up */
        residual = fmax(residual, check_outputs(&s, data, NULL, samples, y[t], "a data set"));
        if (memcmp(y[t], y[0], floats * sizeof *y[t]) != 0)
            fail("threads change the bits");
    }
    for (size_t r = 0; r < o->rounds; r++)
        for (size_t t = 0; t < MOST_THREADS; t++)
            times[t][r] = time_dataset(&s, data, t + 1, y[t]);
    for (size_t t = 0; t < MOST_THREADS; t++) {
        medians[t] = measure_median(times[t], o->rounds);
        report_throughput(&s, t + 1, samples, medians[t], medians[0], residual, peak);
        free(y[t]);
    }
    lam_dataset_free(data);
    lam_model_free(s.model);
    lam_model_free(s.twin);
}

/* Seconds of one reading of the clock. */
static double clock_cost(void)
{
    const double start = measure_now();
    for (int i = 0; i < 1000; i++)
        measure_now();
    return (measure_now() - start) / 1000;
}

static void usage(FILE *to)
{
    fputs(
        "usage: bench_infer [--networks NAMES] [--seconds S] [--samples N] [--rounds N]\n"
        "                   [--data DIR] [--json] [--quick]\n"
        "Latency of lam_predictor_run with 1, 8, 64 and 1024 rows of floats, S seconds each (1),\n"
        "and throughput of lam_predict_dataset over N samples (10000), each with 1 and 2\n"
        "threads, N rounds in turns (7). NAMES: fashion,mnist-small,wide,deep,tabular. DIR\n"
        "has the files of Fashion-MNIST; without them samples are made up. --quick: short, only\n"
        "the results are checked.\n",
        to);
}

static double parse_seconds(const char *option, const char *value)
{
    char *end;
    const double seconds = strtod(value, &end);
    if (end == value || *end || !(seconds > 0.0 && seconds <= 60.0)) {
        fprintf(stderr, "bench_infer: %s '%s': expected seconds, above 0 and up to 60\n", option,
                value);
        exit(2);
    }
    return seconds;
}

static void parse_pair(settings *s, const char *option, const char *value)
{
    if (strcmp(option, "--networks") == 0)
        s->only = networks_parse("bench_infer", value);
    else if (strcmp(option, "--data") == 0)
        s->data = value;
    else if (strcmp(option, "--seconds") == 0)
        s->seconds = parse_seconds(option, value);
    else if (strcmp(option, "--samples") == 0)
        s->samples = measure_number("bench_infer", option, value, 1, 10000000);
    else
        s->rounds = measure_number("bench_infer", option, value, 1, MOST_ROUNDS);
}

static void parse(settings *s, int argc, char **argv)
{
    static const char *const pairs[] = {"--networks", "--data", "--seconds", "--samples",
                                        "--rounds"};
    for (int i = 1; i < argc; i++) {
        bool pair = false;
        for (size_t j = 0; j < sizeof pairs / sizeof *pairs; j++)
            pair = pair || strcmp(argv[i], pairs[j]) == 0;
        if (strcmp(argv[i], "--json") == 0) {
            s->json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            s->quick = true;
            s->samples = 500;
            s->rounds = 1;
            s->seconds = 0.01;
        } else if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            exit(0);
        } else if (pair && i + 1 < argc) {
            parse_pair(s, argv[i], argv[i + 1]);
            i++;
        } else {
            fprintf(stderr, "bench_infer: '%s' %s\n", argv[i],
                    pair ? "needs a value" : "is no option");
            usage(stderr);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    settings s = {
        .data = "/usr/share/datasets/fashion-mnist", .samples = 10000, .rounds = 7, .seconds = 1.0};
    parse(&s, argc, argv);
    const double peak = measure_fma_peak(lam_build_info("instruction_set"));
    report_open("infer", s.json);
    report_note("lam_predictor_run, calls one after the other, random weights, rows of floats. "
                "Each latency holds "
                "one reading of the clock, %.0f ns.",
                clock_cost() * 1e9);
    for (size_t i = 0; i < NETWORK_COUNT; i++) {
        if (!network_listed(s.only, networks[i].name))
            continue;
        subject chosen = open_subject(networks + i);
        lam_dataset *data = load_samples(&s, &chosen);
        run_latencies(&s, &chosen, data, peak);
        lam_dataset_free(data);
        lam_model_free(chosen.model);
        lam_model_free(chosen.twin);
    }
    report_note("lam_predict_dataset over samples of bytes.");
    for (size_t i = 0; i < NETWORK_COUNT; i++)
        if (network_listed(s.only, networks[i].name))
            run_throughput(&s, networks + i, peak);
    return 0;
}
