/* worker.h: what the contenders written in C share: the folder a job is read from, and the commands
 * they answer. bench/peers/worker.py is the same in Python; networks.py describes the folder. */
#ifndef LAMINA_PEERS_WORKER_H
#define LAMINA_PEERS_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORKER_MOST_LAYERS = 8 };

typedef struct worker_layer {
    size_t inputs, units;
    char activation[16];
    double dropout;
    const float *weights, *bias; /* [inputs][units], [units] */
} worker_layer;

typedef struct worker_job {
    const char *folder;
    bool training;
    size_t threads;
    size_t features, samples, rows, batch, orders, layer_count, outputs;
    char optimizer[16];
    double rate;
    worker_layer layers[WORKER_MOST_LAYERS];
    const float *weights;
    size_t weight_count;
    const uint8_t *x;      /* [rows][features], mapped from the file */
    const int32_t *y;      /* [rows] */
    const uint32_t *order; /* [orders][samples] */
    int extra_count;       /* arguments a worker has for itself */
    char *const *extra;
} worker_job;

typedef struct worker {
    /* Writes what this is ("FANN 2.2") to version[size]. */
    void (*open)(const worker_job *job, char *version, size_t size);
    /* One pass over samples order[0..count-1]; NULL: this one does not train. */
    void (*train)(const uint32_t *order, size_t count);
    /* Called before predict with another number of rows, or after training. */
    void (*prepare)(size_t rows);
    /* y[rows][outputs] from inputs x[rows][features] in -1..1. */
    void (*predict)(const float *x, size_t rows, float *y);
} worker;

/* The main function of a worker: FOLDER train|infer THREADS [EXTRA...], then commands on standard
 * input, each answered by one line:
 *
 *     train ORDER COUNT        seconds: one pass over the first COUNT samples of an order
 *     outputs FIRST ROWS FILE  writes the outputs of these rows, one call, as floats
 *     calls ROWS SECONDS       seconds per call, median, and the number of calls
 */
int worker_main(int argc, char **argv, const worker *w);

/* Ends the program: this contender is not here, and why. */
_Noreturn void worker_absent(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 64-byte aligned; never NULL. */
void *worker_allocate(size_t bytes);

#endif
