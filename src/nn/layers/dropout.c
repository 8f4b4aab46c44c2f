/* dropout.c: inverted dropout (Srivastava et al., JMLR 15, 2014). */
#include <string.h>

#include "nn/layers/layers.h"

/* Calls the kernel on all rows at once, or on each where input and output have rows of different
 * length. */
static void apply(lam__dropout_kernel *kernel, const lam__layer *layer, const lam__slab *slab,
                  const float *from, size_t ld_from, float *to, size_t ld_to)
{
    lam__dropout_args args = {
        .rows = slab->rows,
        .cols = layer->out,
        .ld = ld_to,
        .x = from,
        .y = to,
        .mask = slab->mask,
        .scale = (float)(1.0 / (1.0 - (double)layer->rate)),
        .key = {slab->key.k[0], slab->key.k[1]},
        .first_row = (uint32_t)slab->first,
        .step = slab->step,
        .threshold = (uint32_t)((double)layer->rate * 0x1p32),
    };
    if (ld_from == ld_to) {
        kernel(&args);
        return;
    }
    args.rows = 1;
    for (size_t r = 0; r < slab->rows; r++) {
        kernel(&args);
        args.x += ld_from;
        args.y += ld_to;
        args.mask += (layer->out + 63) / 64;
        args.first_row++;
    }
}

static void forward(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    (void)parameters;
    if (slab->mask) {
        apply(lam__kernels_chosen()->dropout, layer, slab, slab->x, slab->ldx, slab->y, slab->ldy);
        return;
    }
    for (size_t r = 0; r < slab->rows && slab->y != slab->x; r++)
        memcpy(slab->y + r * slab->ldy, slab->x + r * slab->ldx, layer->out * sizeof *slab->y);
}

static void backward(const lam__layer *layer, const float *parameters, const lam__slab *slab)
{
    (void)parameters;
    if (slab->dx)
        apply(lam__kernels_chosen()->dropout_apply, layer, slab, slab->dy, slab->ldy, slab->dx,
              slab->ldx);
}

static const lam__layer_field fields[] = {
    {"rate", LAM__LAYER_NUMBER, .offset = offsetof(lam__layer, rate), .spelled = "RATE",
     .required = true, .most = 1.0f, .most_open = true},
};

const lam__layer_type lam__dropout_layer = {
    .name = "dropout",
    .help = "dropout:RATE: sets a share of the values to zero in training and scales up the others",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .only_training = true,
    .forward = forward,
    .backward = backward,
};
