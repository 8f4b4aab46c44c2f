/* fann_worker.c: FANN among its peers. It knows neither relu, softmax, cross-entropy, Adam nor
 * batches of some rows: hidden layers are tanh, training is its incremental algorithm (a step after
 * each sample) on the squared error of sigmoid outputs. One thread. */
#include <floatfann.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

static const worker_job *job;
static struct fann *net;
static float *samples; /* [rows][features] of a training job, as FANN takes floats only */
static const char *last_activation;

/* FANN keeps the weights of one neuron after the other, its bias last. */
static void set_weights(void)
{
    size_t at = 0;
    for (size_t i = 0; i < job->layer_count; i++) {
        const worker_layer *layer = &job->layers[i];
        for (size_t o = 0; o < layer->units; o++) {
            for (size_t j = 0; j < layer->inputs; j++)
                net->weights[at++] = layer->weights[j * layer->units + o];
            net->weights[at++] = layer->bias[o];
        }
    }
    if (at != fann_get_total_connections(net))
        worker_absent("this FANN lays out its weights in another way");
}

static void open_samples(void)
{
    const size_t count = job->rows * job->features;
    samples = worker_allocate(count * sizeof *samples);
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)job->x[i] / 127.5f - 1.0f;
}

static void open_fann(const worker_job *given, char *version, size_t size)
{
    unsigned widths[WORKER_MOST_LAYERS + 1];
    job = given;
    if (job->threads != 1)
        worker_absent("one thread only");
    widths[0] = (unsigned)job->features;
    for (size_t i = 0; i < job->layer_count; i++)
        widths[i + 1] = (unsigned)job->layers[i].units;
    net = fann_create_standard_array((unsigned)job->layer_count + 1, widths);
    if (!net)
        worker_absent("no network");
    last_activation = job->layers[job->layer_count - 1].activation;
    fann_set_activation_function_hidden(net, FANN_SIGMOID_SYMMETRIC); /* tanh(steepness z) */
    fann_set_activation_steepness_hidden(net, 1.0f);
    fann_set_activation_function_output(
        net, job->training || strcmp(last_activation, "sigmoid") == 0 ? FANN_SIGMOID : FANN_LINEAR);
    /* FANN_SIGMOID is 1 / (1 + exp(-2 steepness z)) */
    fann_set_activation_steepness_output(
        net, job->training || strcmp(last_activation, "sigmoid") == 0 ? 0.5f : 1.0f);
    fann_set_training_algorithm(net, FANN_TRAIN_INCREMENTAL);
    fann_set_learning_rate(net, 0.01f); /* its default of 0.7 diverges on 784 inputs */
    set_weights();
    if (job->training)
        open_samples();
    snprintf(version, size, "FANN, libfloatfann");
}

static void train(const uint32_t *order, size_t count)
{
    fann_type *wanted = worker_allocate(job->outputs * sizeof *wanted);
    for (size_t i = 0; i < count; i++) {
        const int32_t class = job->y[order[i]];
        for (size_t o = 0; o < job->outputs; o++)
            wanted[o] = job->outputs == 1 ? (fann_type) class : (fann_type)(class == (int32_t)o);
        fann_train(net, samples + (size_t)order[i] * job->features, wanted);
    }
    free(wanted);
}

static void prepare(size_t rows)
{
    (void)rows;
}

static void softmax(float *y)
{
    float most = y[0], sum = 0.0f;
    for (size_t o = 1; o < job->outputs; o++)
        most = y[o] > most ? y[o] : most;
    for (size_t o = 0; o < job->outputs; o++)
        sum += y[o] = expf(y[o] - most);
    for (size_t o = 0; o < job->outputs; o++)
        y[o] /= sum;
}

static void predict(const float *x, size_t rows, float *y)
{
    for (size_t r = 0; r < rows; r++) {
        float *row = y + r * job->outputs;
        /* fann_run reads its input only, whatever its declaration says */
        const fann_type *out = fann_run(net, (fann_type *)(uintptr_t)(x + r * job->features));
        memcpy(row, out, job->outputs * sizeof *row);
        if (!job->training && strcmp(last_activation, "softmax") == 0)
            softmax(row);
    }
}

int main(int argc, char **argv)
{
    return worker_main(argc, argv, &(worker){open_fann, train, prepare, predict});
}
