/* worker.c: reads a job's folder and answers commands for the contenders written in C. */
#define _POSIX_C_SOURCE 200809L
#include "worker.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CALL_ROWS = 1024, MOST_CALLS = 200000 };

static worker_job job;

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "%s '%s'\n", what, detail);
    exit(1);
}

void worker_absent(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("absent ", stdout);
    vprintf(format, args);
    va_end(args);
    puts("");
    exit(0);
}

void *worker_allocate(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!memory)
        fail("out of memory for", job.folder);
    return memory;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A file of the folder as memory; *bytes receives its size. */
static const void *map_file(const char *name, size_t *bytes)
{
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", job.folder, name);
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &info) != 0 || info.st_size == 0)
        fail("cannot read", path);
    *bytes = (size_t)info.st_size;
    void *memory = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED)
        fail("cannot map", path);
    close(file);
    return memory;
}

static void read_line(const char *line)
{
    worker_layer layer;
    if (sscanf(line, "layer %zu %15s %lf", &layer.units, layer.activation, &layer.dropout) == 3) {
        if (job.layer_count == WORKER_MOST_LAYERS)
            fail("too many layers in", job.folder);
        layer.inputs = job.layer_count ? job.outputs : job.features;
        layer.weights = layer.bias = NULL;
        job.layers[job.layer_count++] = layer;
        job.outputs = layer.units;
    } else if (sscanf(line, "features %zu", &job.features) != 1 &&
               sscanf(line, "samples %zu", &job.samples) != 1 &&
               sscanf(line, "batch %zu", &job.batch) != 1 &&
               sscanf(line, "optimizer %15s", job.optimizer) != 1 &&
               sscanf(line, "rate %lf", &job.rate) != 1 &&
               sscanf(line, "orders %zu", &job.orders) != 1)
        fail("network.txt has", line);
}

static void read_job(void)
{
    char path[4096], line[256];
    size_t bytes;
    snprintf(path, sizeof path, "%s/network.txt", job.folder);
    FILE *file = fopen(path, "r");
    if (!file)
        fail("cannot read", path);
    while (fgets(line, sizeof line, file))
        read_line(line);
    fclose(file);
    if (!job.features || !job.layer_count || !job.samples)
        fail("not complete:", path);
    job.weights = map_file("weights.bin", &bytes);
    job.weight_count = bytes / sizeof(float);
    const float *at = job.weights;
    for (size_t i = 0; i < job.layer_count; i++) {
        worker_layer *layer = &job.layers[i];
        layer->weights = at;
        layer->bias = at + layer->inputs * layer->units;
        at = layer->bias + layer->units;
    }
    job.x = map_file("x.bin", &bytes);
    job.rows = bytes / job.features;
    job.y = map_file("y.bin", &bytes);
    job.order = map_file("orders.bin", &bytes);
    if ((size_t)(at - job.weights) != job.weight_count || job.rows < job.samples ||
        bytes != job.orders * job.samples * sizeof *job.order)
        fail("sizes do not agree in", job.folder);
}

/* Rows as inputs of the network, x / 127.5 - 1. */
static float *inputs(size_t first, size_t rows)
{
    float *x = worker_allocate(rows * job.features * sizeof *x);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < job.features; j++)
            x[r * job.features + j] =
                (float)job.x[(first + r) % job.rows * job.features + j] / 127.5f - 1.0f;
    return x;
}

static void write_outputs(const worker *w, size_t first, size_t rows, const char *path)
{
    float *x = inputs(first, rows), *y = worker_allocate(rows * job.outputs * sizeof *y);
    w->prepare(rows);
    w->predict(x, rows, y);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(y, sizeof *y * job.outputs, rows, file) != rows || fclose(file) != 0)
        fail("cannot write", path);
    free(x);
    free(y);
    puts("done");
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Calls on rows that change from call to call. */
static void time_calls(const worker *w, size_t rows, double seconds)
{
    const size_t places = rows < CALL_ROWS ? CALL_ROWS / rows : 1;
    float *x = inputs(0, places * rows), *y = worker_allocate(rows * job.outputs * sizeof *y);
    double *times = worker_allocate(MOST_CALLS * sizeof *times);
    w->prepare(rows);
    w->predict(x, rows, y);
    size_t count = 0;
    const double end = now() + seconds;
    double start = now();
    while (count < 1 || (start < end && count < MOST_CALLS)) {
        start = now();
        w->predict(x + count % places * rows * job.features, rows, y);
        times[count++] = now() - start;
    }
    qsort(times, count, sizeof *times, ascending);
    printf("%.9g %zu\n", times[count / 2], count);
    free(x);
    free(y);
    free(times);
}

static void time_training(const worker *w, size_t order, size_t count)
{
    const uint32_t *rows = job.order + order % job.orders * job.samples;
    const double start = now();
    w->train(rows, count < job.samples ? count : job.samples);
    printf("%.9g\n", now() - start);
}

int worker_main(int argc, char **argv, const worker *w)
{
    char line[4096], path[4000], version[128] = "";
    size_t a, b;
    double seconds;
    if (argc < 4) {
        fprintf(stderr, "usage: %s FOLDER train|infer THREADS; the comparisons start it\n",
                argv[0]);
        return 2;
    }
    job.folder = argv[1];
    job.training = strcmp(argv[2], "train") == 0;
    job.threads = strtoul(argv[3], NULL, 10);
    job.extra_count = argc - 4;
    job.extra = argv + 4;
    if (job.training && !w->train)
        worker_absent("does not train");
    read_job();
    w->open(&job, version, sizeof version);
    printf("ready %s\n", version);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (w->train && sscanf(line, "train %zu %zu", &a, &b) == 2)
            time_training(w, a, b);
        else if (sscanf(line, "outputs %zu %zu %3999s", &a, &b, path) == 3)
            write_outputs(w, a, b, path);
        else if (sscanf(line, "calls %zu %lf", &a, &seconds) == 2 && a)
            time_calls(w, a, seconds);
        else
            fail("no such command:", line);
        fflush(stdout);
    }
    return 0;
}
