/* bench_checkpoint.c: what checkpoints cost: training the fashion network with one every 100 steps,
 * and without, in pairs that take turns within one process.
 *
 * The time of a run is that of its steps from the first to the last; the last checkpoint, written
 * when training ends, comes after it and is given by itself. Ratios are medians of the ratios
 * within each pair.
 *
 *     bench_checkpoint [--quick] [--rounds N] [--epochs N] [--threads N] [--every TEXT]
 *                      [--data FOLDER] [--dir FOLDER] */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "measure.h"
#include "networks.h"

enum { MOST_ROUNDS = 99 };

typedef struct settings {
    const char *data, *dir, *every;
    size_t rounds, epochs, threads, samples;
} settings;

/* One run as its callback sees it. */
typedef struct run {
    double first, last, end;
    size_t steps, kept, failed;
} run;

static void fail(const char *what)
{
    fprintf(stderr, "bench_checkpoint: %s: %s\n", what, lam_error_message());
    exit(1);
}

static lam_signal on_event(const lam_event *event, void *user)
{
    run *r = user;
    if (event->kind == LAM_EVENT_BATCH_END) {
        r->last = measure_now();
        r->first = r->steps++ == 0 ? r->last : r->first;
    }
    r->kept += event->kind == LAM_EVENT_CHECKPOINT && event->status == LAM_OK;
    r->failed += event->kind == LAM_EVENT_CHECKPOINT && event->status != LAM_OK;
    return LAM_CONTINUE;
}

/* Samples of the right shape where the real ones are not there. */
static lam_dataset *make_data(size_t samples)
{
    const size_t features = networks[0].features;
    uint8_t *x = malloc(samples * features);
    int32_t *labels = malloc(samples * sizeof *labels);
    uint32_t state = 1;
    if (!x || !labels)
        fail("out of memory");
    for (size_t i = 0; i < samples * features; i++)
        x[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    for (size_t i = 0; i < samples; i++)
        labels[i] = x[i * features] % 10;
    lam_dataset *data = lam_dataset_new(x, LAM_UINT8, samples, features, LAM_COPY);
    if (!data || lam_dataset_set_classes(data, labels, 10) != LAM_OK)
        fail("data");
    free(x);
    free(labels);
    return data;
}

static void empty_folder(const char *path)
{
    DIR *dir = opendir(path);
    char name[1024];
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        snprintf(name, sizeof name, "%.500s/%.255s", path, entry->d_name);
        unlink(name);
    }
    if (dir)
        closedir(dir);
}

static void train(const settings *s, const lam_dataset *data, const char *folder, run *r)
{
    const network *net = &networks[0];
    lam_model *model = lam_model_new(net->features);
    lam_fit_options options = lam_fit_options_default();
    const lam_callback callback = {on_event, r};
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, net->layers);
    options.optimizer = net->optimizer;
    options.batch_size = net->batch;
    options.epochs = s->epochs;
    options.threads = s->threads;
    options.callback = &callback;
    options.checkpoint = folder;
    options.checkpoint_every = options.checkpoint ? s->every : options.checkpoint_every;
    *r = (run){0};
    if (lam_fit(model, data, &options, NULL) != LAM_OK)
        fail("training");
    r->end = measure_now();
    lam_model_free(model);
}

static settings read_settings(int argc, char **argv)
{
    settings s = {.data = "/usr/share/datasets/fashion-mnist",
                  .dir = "bench_checkpoint.tmp",
                  .every = "100 steps",
                  .rounds = 41,
                  .epochs = 1,
                  .samples = 60000};
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--quick") == 0) {
            s.rounds = 2;
            s.epochs = 1;
            s.samples = 12800;
            s.every = "10 steps";
            continue;
        }
        if (strcmp(argv[i], "--rounds") == 0)
            s.rounds = measure_number("bench_checkpoint", argv[i], next, 1, MOST_ROUNDS);
        else if (strcmp(argv[i], "--epochs") == 0)
            s.epochs = measure_number("bench_checkpoint", argv[i], next, 1, 1000);
        else if (strcmp(argv[i], "--threads") == 0)
            s.threads = measure_number("bench_checkpoint", argv[i], next, 0, 1024);
        else if (strcmp(argv[i], "--every") == 0)
            s.every = next;
        else if (strcmp(argv[i], "--data") == 0)
            s.data = next;
        else if (strcmp(argv[i], "--dir") == 0)
            s.dir = next;
        else {
            fprintf(stderr, "bench_checkpoint: unknown option %s\n", argv[i]);
            exit(2);
        }
        i++;
    }
    return s;
}

int main(int argc, char **argv)
{
    const settings s = read_settings(argc, argv);
    double with[MOST_ROUNDS], without[MOST_ROUNDS], ending[MOST_ROUNDS];
    size_t kept = 0, steps = 0;
    lam_dataset *data = s.samples == 60000 ? lam_dataset_load(s.data, LAM_SPLIT_TRAIN, NULL) : NULL;
    if (!data)
        data = make_data(s.samples);
    for (size_t r = 0; r < s.rounds; r++)
        for (int turn = 0; turn < 2; turn++) {
            const bool kept_turn = turn == (int)(r % 2); /* first in turns, too */
            run one;
            train(&s, data, kept_turn ? s.dir : NULL, &one);
            (kept_turn ? with : without)[r] = one.last - one.first;
            if (one.failed > 0 || (kept_turn && one.kept == 0))
                fail("a checkpoint was not written");
            if (kept_turn) {
                ending[r] = one.end - one.last;
                kept = one.kept;
                empty_folder(s.dir);
            }
            steps = one.steps;
        }
    rmdir(s.dir);
    const double ratio = measure_median_ratio(with, without, s.rounds);
    printf("fashion, %zu steps, a checkpoint every %s: %zu written, %zu pairs\n", steps, s.every,
           kept, s.rounds);
    printf("%-28s %8.3f s\n", "without", measure_median(without, s.rounds));
    printf("%-28s %8.3f s\n", "with", measure_median(with, s.rounds));
    printf("%-28s %+8.2f %%\n", "training is slowed by", 100.0 * (ratio - 1.0));
    printf("%-28s %8.1f ms\n", "the last one, at the end", 1e3 * measure_median(ending, s.rounds));
    lam_dataset_free(data);
    return 0;
}
