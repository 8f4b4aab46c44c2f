/* plain_products.h: the matrix products of training as whole calls of cblas_sgemm. */
#ifndef LAMINA_BENCH_PLAIN_PRODUCTS_H
#define LAMINA_BENCH_PLAIN_PRODUCTS_H

#include "networks.h"

/* Activations and their gradients [batch][width] and weights and theirs [in][out] of every layer;
 * arrays without gaps between rows. */
typedef struct plain_products {
    size_t layers;
    float *a[6], *d[6], *w[6], *g[6];
} plain_products;

void plain_open(plain_products *p, const network *net);
void plain_close(plain_products *p);

/* The products of one epoch, each as one whole call, and nothing else; returns seconds. */
double plain_run(const plain_products *p, const network *net, size_t samples);

#endif
