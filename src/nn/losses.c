/* losses.c: the table of losses. */
#include "nn/losses.h"

#include <string.h>

static const lam__loss rows[] = {
    {.name = "categorical_crossentropy",
     .alias = "sparse_categorical_crossentropy",
     .help = "- sum t log y over classes that exclude each other; class numbers or rows",
     .kernel = lam__kernel_categorical_crossentropy,
     .fused_with = "softmax",
     .fused = lam__kernel_softmax_crossentropy,
     .takes_labels = true,
     .targets = LAM__TARGETS_WEIGHTS},
    {.name = "binary_crossentropy",
     .help = "- t log y - (1 - t) log(1 - y), mean over outputs",
     .kernel = lam__kernel_binary_crossentropy,
     .fused_with = "sigmoid",
     .fused = lam__kernel_sigmoid_crossentropy,
     .targets = LAM__TARGETS_UNIT},
    {.name = "mean_squared_error",
     .alias = "mse",
     .help = "(y - t)^2, mean over outputs",
     .kernel = lam__kernel_squared_error},
    {.name = "mean_absolute_error",
     .alias = "mae",
     .help = "|y - t|, mean over outputs",
     .kernel = lam__kernel_absolute_error},
};

LAM__CHECK_ROW(lam__loss);

static const void *built_in(size_t i)
{
    return &rows[i];
}

lam__name_table lam__losses = {
    .kind = "loss",
    .built_in = built_in,
    .built_in_count = sizeof rows / sizeof *rows,
};

const lam__loss *lam__find_loss(const char *name)
{
    return lam__table_find(&lam__losses, name);
}

size_t lam__loss_count(void)
{
    return lam__table_size(&lam__losses);
}

const lam__loss *lam__loss_at(size_t i)
{
    return lam__table_at(&lam__losses, i);
}

bool lam__loss_is_fused(const lam__loss *loss, const lam__activation *activation)
{
    return loss->fused_with && strcmp(loss->fused_with, activation->name) == 0;
}

/* A user's loss, row by row; its gradient is scaled afterwards. */
static double compute_custom(const lam_loss *custom, const lam__loss_args *args)
{
    double sum = 0.0;
    for (size_t r = 0; r < args->rows; r++) {
        float *dy = args->dy ? args->dy + r * args->ld : NULL; /* [cols] */
        sum += custom->sample(args->cols, args->y + r * args->ld, args->targets + r * args->cols,
                              dy, custom->user);
        for (size_t c = 0; dy && c < args->cols; c++)
            dy[c] *= args->scale;
    }
    return sum;
}

double lam__compute_loss(const lam__loss *loss, bool fused, const lam__loss_args *args)
{
    if (fused)
        return loss->fused(lam__kernels_chosen())(args);
    if (loss->kernel)
        return loss->kernel(lam__kernels_chosen())(args);
    return compute_custom(&loss->custom, args);
}
