/* bench_large.c: training on data that do not fit in memory, beside data that do.
 *
 *     bench_large [--size MB] [--rounds N] [--folder FOLDER] [--quick]
 *
 * Writes an .npy file of float32 samples, trains on it through lam_fit for one epoch with exact
 * shuffling and a budget of memory that it exceeds, and on a part of the same data in memory, in
 * turns. Prints samples a second of both, their ratio, and the largest resident size of the
 * process. The file is removed. With --quick (32 MB) only the way is tried. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "measure.h"

enum { FEATURES = 784, CLASSES = 10, BATCH = 128, BLOCK = 1024, MOST_ROUNDS = 15 };

static char path[4096]; /* of the file, to be removed */

static void give_up(const char *what)
{
    fprintf(stderr, "bench_large: %s: %s\n", what, lam_error_message());
    if (path[0])
        unlink(path);
    exit(1);
}

/* Values of the kind pixels have after scaling; blocks differ a little. */
static void write_file(const char *folder, size_t samples)
{
    char header[128];
    static float block[BLOCK][FEATURES];
    uint32_t state = 1;
    snprintf(path, sizeof path, "%s/lamina-large-XXXXXX", folder);
    const int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!file)
        give_up("no temporary file");
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    const int length = snprintf(header + 10, sizeof header - 10,
                                "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %d), }",
                                samples, FEATURES);
    header[10 + length] = ' ';
    header[sizeof header - 1] = '\n';
    fwrite(header, 1, sizeof header, file);
    for (size_t i = 0; i < BLOCK; i++)
        for (size_t f = 0; f < FEATURES; f++) {
            state = state * 1664525u + 1013904223u;
            block[i][f] = (float)(state >> 8) / 8388608.0f - 1.0f;
        }
    for (size_t at = 0; at < samples; at += BLOCK) {
        const size_t rows = samples - at < BLOCK ? samples - at : BLOCK;
        block[0][0] = (float)at;
        if (fwrite(block, sizeof block[0], rows, file) != rows)
            give_up("the disk is full");
    }
    if (fclose(file) != 0)
        give_up("the disk is full");
}

/* Samples of the file, at most `limit` (0 = all), in memory or, with a small budget, left in it. */
static lam_dataset *load(size_t limit, bool in_file)
{
    lam_load_options options = lam_load_options_default();
    options.limit = limit;
    options.memory = in_file ? 1 : 100000;
    lam_dataset *data = lam_dataset_load_file(path, &options);
    if (!data)
        give_up("loading");
    const size_t samples = lam_dataset_samples(data);
    int32_t *labels = malloc(samples * sizeof *labels);
    for (size_t i = 0; labels && i < samples; i++)
        labels[i] = (int32_t)(i % CLASSES);
    if (!labels || lam_dataset_set_classes(data, labels, CLASSES) != LAM_OK)
        give_up("labels");
    free(labels);
    return data;
}

/* Samples a second of some epochs of training. */
static double train(const lam_dataset *data, size_t epochs)
{
    lam_model *model = lam_model_new(FEATURES);
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = epochs;
    fit.batch_size = BATCH;
    fit.metrics = "";
    if (!model || lam_model_add_layers(model, "128:relu,128:relu,10:softmax") != LAM_OK)
        give_up("the model");
    const double start = measure_now();
    if (lam_fit(model, data, &fit, NULL) != LAM_OK)
        give_up("training");
    const double seconds = measure_now() - start;
    lam_model_free(model);
    return (double)lam_dataset_samples(data) * (double)epochs / seconds;
}

int main(int argc, char **argv)
{
    size_t megabytes = 8000, rounds = 2;
    const char *folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            megabytes = 32;
            rounds = 1;
        } else if (strcmp(argv[i], "--size") == 0 && i + 1 < argc)
            megabytes = measure_number("bench_large", "--size", argv[++i], 1, 1000000);
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = measure_number("bench_large", "--rounds", argv[++i], 1, MOST_ROUNDS);
        else if (strcmp(argv[i], "--folder") == 0 && i + 1 < argc)
            folder = argv[++i];
        else {
            fprintf(stderr, "bench_large [--size MB] [--rounds N] [--folder FOLDER] [--quick]\n");
            return 2;
        }
    }
    const size_t samples = megabytes * 1000000 / (FEATURES * sizeof(float));
    if (samples < BATCH) {
        fprintf(stderr, "bench_large: at least 1 MB\n");
        return 2;
    }
    const size_t part = samples < 80000 ? samples : 80000; /* 250 MB */
    double in_file[MOST_ROUNDS], in_memory[MOST_ROUNDS];
    write_file(folder, samples);
    lam_dataset *large = load(0, true), *small = load(part, false);
    train(small, 1);
    printf("%zu samples of %d float32, %zu MB in a file; 784-128-128-10, adam, batches of %d\n",
           samples, (int)FEATURES, megabytes, (int)BATCH);
    for (size_t r = 0; r < rounds; r++) {
        const size_t epochs = samples / part < 8 ? 1 : 8;
        in_memory[r] = train(small, epochs);
        in_file[r] = train(large, 1);
        printf("round %zu: %.0f samples/s in memory, %.0f from the file\n", r + 1, in_memory[r],
               in_file[r]);
        fflush(stdout);
    }
    printf("from the file / in memory: %.3f (median of pairs)\n",
           measure_median_ratio(in_file, in_memory, rounds));
    printf("largest resident size: %.0f MB, of which %zu MB hold the part in memory\n",
           measure_peak_memory(), part * FEATURES * sizeof(float) / 1000000);
    lam_dataset_free(large);
    lam_dataset_free(small);
    unlink(path);
    return 0;
}
