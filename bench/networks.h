/* networks.h: the networks every benchmark uses. */
#ifndef LAMINA_BENCH_NETWORKS_H
#define LAMINA_BENCH_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct network {
    const char *name;
    size_t features;
    const char *layers;
    const char *optimizer;
    size_t batch;
    size_t widths[6]; /* of the products: features, then each dense layer; 0 ends the list */
} network;

static const network networks[] = {
    {"fashion", 784, "128:relu,128:relu,10:softmax", "adam", 128, {784, 128, 128, 10, 0}},
    {"mnist-small", 784, "32:tanh,16:tanh,10:softmax", "sgd", 32, {784, 32, 16, 10, 0}},
    {"wide",
     784,
     "512:relu,dropout:0.2,512:relu,dropout:0.2,10:softmax",
     "adam",
     128,
     {784, 512, 512, 10, 0}},
    {"deep",
     784,
     "1024:relu,1024:relu,1024:relu,10:softmax",
     "adam",
     256,
     {784, 1024, 1024, 1024, 10, 0}},
    {"tabular", 30, "64:relu,64:relu,1:sigmoid", "adam", 32, {30, 64, 64, 1, 0}},
};

enum { NETWORK_COUNT = sizeof networks / sizeof networks[0] };

/* Whether `name` is in a list separated by commas; a NULL list has everything. */
bool network_listed(const char *list, const char *name);

/* The value of a program's --networks, which is returned; ends the program with status 2 where a
 * name of the list is no network. */
const char *networks_parse(const char *program, const char *list);

/* Floating-point operations of one training step on `rows` rows: 2 m n k for each of the products
 * forward, weight gradient, and input gradient but for the first layer. */
static inline double network_flops(const network *net, double rows)
{
    double flops = 0.0;
    for (size_t i = 0; net->widths[i + 1]; i++)
        flops += (i ? 6.0 : 4.0) * rows * (double)net->widths[i] * (double)net->widths[i + 1];
    return flops;
}

/* Bytes a training step of `rows` rows of bytes cannot do without: the rows read once, parameters
 * and the optimizer's moments read and written once. */
static inline double network_bytes(const network *net, double rows)
{
    const double arrays = strcmp(net->optimizer, "adam") == 0 ? 3.0 : 1.0;
    double parameters = 0.0;
    for (size_t i = 0; net->widths[i + 1]; i++)
        parameters += (double)(net->widths[i] + 1) * (double)net->widths[i + 1];
    return rows * (double)net->features + 2.0 * arrays * sizeof(float) * parameters;
}

#endif
