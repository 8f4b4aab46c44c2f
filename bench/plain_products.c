/* plain_products.c: the matrix products of training as whole calls of cblas_sgemm. */
#include "plain_products.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

static float *filled(size_t count)
{
    float *x = aligned_alloc(64, (count * sizeof *x + 63) / 64 * 64);
    if (!x) {
        fputs("plain products: out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(i % 17) * 0.01f - 0.08f;
    return x;
}

void plain_open(plain_products *p, const network *net)
{
    *p = (plain_products){0};
    for (size_t i = 0; net->widths[i]; i++) {
        p->a[i] = filled(net->batch * net->widths[i]);
        p->d[i] = filled(net->batch * net->widths[i]);
        if (!net->widths[i + 1])
            break;
        p->w[i] = filled(net->widths[i] * net->widths[i + 1]);
        p->g[i] = filled(net->widths[i] * net->widths[i + 1]);
        p->layers++;
    }
}

void plain_close(plain_products *p)
{
    for (size_t i = 0; i <= p->layers; i++) {
        free(p->a[i]);
        free(p->d[i]);
        free(p->w[i]);
        free(p->g[i]);
    }
}

double plain_run(const plain_products *p, const network *net, size_t samples)
{
    const double start = measure_now();
    for (size_t first = 0; first < samples; first += net->batch) {
        const int rows = (int)(samples - first < net->batch ? samples - first : net->batch);
        for (size_t i = 0; i < p->layers; i++) {
            const int in = (int)net->widths[i], out = (int)net->widths[i + 1];
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, out, in, 1.0f, p->a[i], in,
                        p->w[i], out, 0.0f, p->a[i + 1], out);
        }
        for (size_t i = p->layers; i-- > 0;) {
            const int in = (int)net->widths[i], out = (int)net->widths[i + 1];
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, in, out, rows, 1.0f, p->a[i], in,
                        p->d[i + 1], out, 0.0f, p->g[i], out);
            if (i)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, in, out, 1.0f,
                            p->d[i + 1], out, p->w[i], out, 0.0f, p->d[i], in);
        }
    }
    return measure_now() - start;
}
