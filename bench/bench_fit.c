/* bench_fit.c: what lam_fit adds to the steps: epochs of one step each, in memory, beside the same
 * steps of a trainer, in pairs that take turns within one process.
 *
 * That is the worst there is: what lam_fit does once per epoch it does here after every step. Times
 * are medians, ratios medians of the ratios within each pair.
 *
 *     bench_fit [--quick] [--json] [--rounds N] [--threads N] [--networks LIST] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "measure.h"
#include "networks.h"
#include "report.h"

enum { MOST_ROUNDS = 99 };

typedef struct settings {
    size_t rounds, threads;
    double seconds; /* of a run */
    const char *networks;
    bool json;
} settings;

static void fail(const char *what)
{
    fprintf(stderr, "bench_fit: %s: %s\n", what, lam_error_message());
    exit(1);
}

static lam_dataset *make_data(const network *net, size_t samples)
{
    const size_t classes = net->layers[strlen(net->layers) - 1] == 'd' ? 2 : 10; /* sigmoid */
    uint8_t *x = malloc(samples * net->features);
    int32_t *labels = malloc(samples * sizeof *labels);
    uint32_t state = 1;
    if (!x || !labels)
        fail("out of memory");
    for (size_t i = 0; i < samples * net->features; i++)
        x[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    for (size_t i = 0; i < samples; i++)
        labels[i] = (int32_t)(x[i * net->features] % classes);
    lam_dataset *data = lam_dataset_new(x, LAM_UINT8, samples, net->features, LAM_COPY);
    if (!data || lam_dataset_set_classes(data, labels, classes) != LAM_OK)
        fail("data");
    free(x);
    free(labels);
    return data;
}

static lam_model *make_model(const network *net)
{
    lam_model *model = lam_model_new(net->features);
    lam_model_scale_input(model, 0, 255, -1, 1);
    if (lam_model_add_layers(model, net->layers) != LAM_OK ||
        lam_model_initialize(model, 1, NULL) != LAM_OK)
        fail("model");
    return model;
}

/* Seconds from the end of the first epoch on. */
static lam_signal on_event(const lam_event *event, void *user)
{
    double *started = user;
    if (event->kind == LAM_EVENT_EPOCH_END && event->progress->epoch == 1)
        *started = measure_now();
    return LAM_CONTINUE;
}

static double run_fit(const network *net, const lam_dataset *data, lam_fit_options options,
                      size_t steps)
{
    double started = 0;
    const lam_callback callback = {on_event, &started};
    lam_model *model = make_model(net);
    options.epochs = steps + 1;
    options.callback = &callback;
    if (lam_fit(model, data, &options, NULL) != LAM_OK)
        fail("lam_fit");
    const double seconds = measure_now() - started;
    lam_model_free(model);
    return seconds;
}

static double run_steps(const network *net, const lam_dataset *data, const lam_fit_options *options,
                        size_t steps)
{
    lam_model *model = make_model(net);
    lam_trainer *trainer = lam_trainer_new(model, options);
    const size_t rows = options->batch_size;
    uint32_t *index = malloc(rows * sizeof *index);
    if (!trainer || !index)
        fail("trainer");
    for (size_t i = 0; i < rows; i++)
        index[i] = (uint32_t)i;
    double started = 0;
    for (size_t i = 0; i <= steps; i++) {
        lam_scores scores;
        if (lam_trainer_step_rows(trainer, data, index, rows, &scores) != LAM_OK)
            fail("step");
        started = i == 0 ? measure_now() : started;
    }
    const double seconds = measure_now() - started;
    free(index);
    lam_trainer_free(trainer);
    lam_model_free(model);
    return seconds;
}

static void compare(const settings *s, const network *net, size_t rows)
{
    double fit[MOST_ROUNDS], steps[MOST_ROUNDS];
    lam_dataset *data = make_data(net, rows);
    lam_fit_options options = lam_fit_options_default();
    options.optimizer = net->optimizer;
    options.batch_size = rows;
    options.threads = s->threads;
    options.shuffle = false;
    size_t count = 16;
    while (run_steps(net, data, &options, count) < s->seconds && count < 1000000)
        count *= 2;
    for (size_t r = 0; r < s->rounds; r++)
        for (size_t turn = 0; turn < 2; turn++)
            if (turn == r % 2)
                fit[r] = run_fit(net, data, options, count);
            else
                steps[r] = run_steps(net, data, &options, count);
    const double ratio = measure_median_ratio(fit, steps, s->rounds);
    report_begin();
    report_text("network", net->name);
    report_number("rows", 0, (double)rows);
    report_number("step_us", 1, 1e6 * measure_median(steps, s->rounds) / (double)count);
    report_number("fit_us", 1, 1e6 * measure_median(fit, s->rounds) / (double)count);
    report_number("added_percent", 1, 100.0 * (ratio - 1.0));
    report_end();
    lam_dataset_free(data);
}

static settings read_settings(int argc, char **argv)
{
    settings s = {.rounds = 21, .threads = 1, .seconds = 0.05};
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--quick") == 0) {
            s.rounds = 2;
            s.seconds = 0.002;
            continue;
        }
        if (strcmp(argv[i], "--json") == 0) {
            s.json = true;
            continue;
        }
        if (strcmp(argv[i], "--rounds") == 0)
            s.rounds = measure_number("bench_fit", argv[i], next, 1, MOST_ROUNDS);
        else if (strcmp(argv[i], "--threads") == 0)
            s.threads = measure_number("bench_fit", argv[i], next, 0, 1024);
        else if (strcmp(argv[i], "--networks") == 0)
            s.networks = networks_parse("bench_fit", next);
        else {
            fprintf(stderr, "bench_fit: unknown option %s\n", argv[i]);
            exit(2);
        }
        i++;
    }
    return s;
}

int main(int argc, char **argv)
{
    static const size_t rows[] = {8, 128};
    const settings s = read_settings(argc, argv);
    report_open("fit", s.json);
    for (size_t n = 0; n < NETWORK_COUNT; n++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            if (network_listed(s.networks, networks[n].name))
                compare(&s, &networks[n], rows[r]);
    return 0;
}
