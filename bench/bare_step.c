/* bare_step.c: the arithmetic of a training step and nothing else: the library's own products and
 * kernels, called directly, in the order of a step, each over the whole batch, on data that stay
 * where they are.
 *
 * What a step takes beyond this is its overhead: gathering rows in the order of the epoch, cutting
 * into tasks, keeping the second copy of the weights, metrics, checks and calls. */
#include "bare_step.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine/denormals.h"
#include "kernels/blas/gemm.h"
#include "kernels/kernels.h"
#include "kernels/products.h"
#include "measure.h"

enum { LAYERS = 5 };

/* One dense layer of `in` inputs; b, gb lie right behind w, gw. */
typedef struct layer {
    size_t in, out;
    float *x, *y;       /* [batch][in], [batch][out] */
    float *dx, *dy;     /* of the same; dx NULL in the first layer */
    float *w, *g;       /* [in][out] and [out] */
    float *m, *v;       /* moments of w and b */
    float *w_backwards; /* panels of the transposed w, where products take them */
} layer;

struct bare_step {
    size_t batch, layers, features;
    layer layer[LAYERS];
    uint8_t *bytes; /* [batch][features] */
    float *targets; /* [batch] */
    float *memory;
    const lam__kernels *kernels;
    const lam__products *products; /* NULL: the BLAS */
};

/* Takes `count` floats at a multiple of 64 bytes; from NULL it only counts. */
static float *take(float *memory, size_t *used, size_t count)
{
    float *taken = memory ? memory + *used : NULL;
    *used += (count + 15) / 16 * 16;
    return taken;
}

/* Places all arrays in memory; returns the floats they need. */
static size_t place(bare_step *s, const network *net, float *memory)
{
    size_t used = 0;
    float *x = take(memory, &used, s->batch * s->features), *dx = NULL;
    s->bytes = (uint8_t *)take(memory, &used, (s->batch * s->features + 3) / 4);
    s->targets = take(memory, &used, s->batch);
    for (size_t i = 0; i < s->layers; i++) {
        layer *l = &s->layer[i];
        l->in = net->widths[i];
        l->out = net->widths[i + 1];
        const size_t parameters = (l->in + 1) * l->out;
        l->x = x;
        l->dx = dx;
        x = l->y = take(memory, &used, s->batch * l->out);
        dx = l->dy = take(memory, &used, s->batch * l->out);
        l->w = take(memory, &used, parameters);
        l->g = take(memory, &used, parameters);
        l->m = take(memory, &used, parameters);
        l->v = take(memory, &used, parameters);
        if (s->products)
            l->w_backwards =
                take(memory, &used, lam__panels_floats(s->products->panel, l->out, l->in));
    }
    return used;
}

static void fill(bare_step *s)
{
    for (size_t i = 0; i < s->batch * s->features; i++)
        s->bytes[i] = (uint8_t)(i * 37);
    for (size_t r = 0; r < s->batch; r++)
        s->targets[r] = (float)(r % 2);
    for (size_t i = 0; i < s->layers; i++) {
        layer *l = &s->layer[i];
        for (size_t k = 0; k < l->in * l->out; k++)
            l->w[k] = (float)(k % 17) * 0.01f - 0.08f;
        if (s->products)
            s->products->pack_transposed(&(lam__packing){.in = l->in,
                                                         .out = l->out,
                                                         .w = l->w,
                                                         .ldw = l->out,
                                                         .rows = l->in,
                                                         .cols = l->out,
                                                         .panels = l->w_backwards});
    }
}

bare_step *bare_open(const network *net)
{
    bare_step *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->batch = net->batch;
    s->features = net->features;
    s->kernels = lam__kernels_chosen();
    s->products = lam__products_chosen();
    while (s->layers < LAYERS && net->widths[s->layers + 1])
        s->layers++;
    const size_t floats = place(s, net, NULL);
    s->memory = aligned_alloc(64, floats * sizeof(float));
    if (!s->memory) {
        free(s);
        return NULL;
    }
    memset(s->memory, 0, floats * sizeof(float));
    place(s, net, s->memory);
    fill(s);
    return s;
}

void bare_close(bare_step *s)
{
    if (s)
        free(s->memory);
    free(s);
}

/* Y = X W. */
static void multiply(const bare_step *s, const layer *l)
{
    if (s->products)
        s->products->rows(&(lam__product){.m = s->batch,
                                          .n = l->out,
                                          .k = l->in,
                                          .a = l->x,
                                          .lda = l->in,
                                          .b = l->w,
                                          .ldb = l->out,
                                          .panel_step = s->products->panel,
                                          .c = l->y,
                                          .ldc = l->out});
    else
        lam__gemm_nn(s->batch, l->out, l->in, l->x, l->in, l->w, l->out, l->y, l->out);
}

/* dX = dZ W^T. */
static void multiply_back(const bare_step *s, const layer *l)
{
    if (s->products)
        s->products->rows(&(lam__product){.m = s->batch,
                                          .n = l->in,
                                          .k = l->out,
                                          .a = l->dy,
                                          .lda = l->out,
                                          .b = l->w_backwards,
                                          .ldb = s->products->panel,
                                          .panel_step = s->products->panel * l->out,
                                          .c = l->dx,
                                          .ldc = l->in});
    else
        lam__gemm_nt(s->batch, l->in, l->out, l->dy, l->out, l->w, l->out, l->dx, l->in);
}

/* dW = X^T dZ. */
static void multiply_weights(const bare_step *s, const layer *l)
{
    if (s->products)
        s->products->columns(&(lam__product){.m = l->in,
                                             .n = l->out,
                                             .k = s->batch,
                                             .a = l->x,
                                             .lda = l->in,
                                             .b = l->dy,
                                             .ldb = l->out,
                                             .panel_step = s->products->panel,
                                             .c = l->g,
                                             .ldc = l->out});
    else
        lam__gemm_tn(l->in, l->out, s->batch, l->x, l->in, l->dy, l->out, l->g, l->out);
}

static void update(const bare_step *s, const layer *l)
{
    s->kernels->column_sums(s->batch, l->out, l->out, l->dy, l->g + l->in * l->out);
    s->kernels->adam(&(lam__update_args){.n = (l->in + 1) * l->out,
                                         .w = l->w,
                                         .g = l->g,
                                         .m = l->m,
                                         .v = l->v,
                                         .learning_rate = 1e-3f,
                                         .beta_1 = 0.9f,
                                         .beta_2 = 0.999f,
                                         .epsilon = 1e-7f,
                                         .correction_1 = 1.0f,
                                         .correction_2 = 1.0f});
}

static void run(bare_step *s)
{
    const lam__kernels *kernels = s->kernels;
    layer *last = &s->layer[s->layers - 1];
    kernels->affine_u8(s->batch * s->features, s->bytes, 1.0f / 127.5f, -1.0f, s->layer[0].x);
    for (layer *l = s->layer; l <= last; l++) {
        multiply(s, l);
        if (l < last)
            kernels->relu_forward(s->batch, l->out, l->out, l->w + l->in * l->out, l->y);
    }
    kernels->sigmoid_crossentropy(&(lam__loss_args){.rows = s->batch,
                                                    .cols = last->out,
                                                    .ld = last->out,
                                                    .y = last->y,
                                                    .bias = last->w + last->in * last->out,
                                                    .targets = s->targets,
                                                    .scale = 1.0f / (float)s->batch,
                                                    .dy = last->dy});
    for (layer *l = last; l > s->layer; l--) {
        multiply_back(s, l);
        kernels->relu_backward(s->batch, l->in, l->in, NULL, l->x, l->dx);
    }
    for (layer *l = s->layer; l <= last; l++) {
        multiply_weights(s, l);
        update(s, l);
    }
}

double bare_run(bare_step *s, size_t batches)
{
    const uint64_t mode = lam__denormals_flush();
    const double start = measure_now();
    for (size_t i = 0; i < batches; i++)
        run(s);
    const double seconds = (measure_now() - start) / (double)batches;
    lam__denormals_restore(mode);
    return seconds;
}
