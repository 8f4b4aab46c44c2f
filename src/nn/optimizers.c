/* optimizers.c: the table of optimizers. */
#include "nn/optimizers.h"

#include <math.h>

static lam__update_kernel *sgd(const lam__kernels *kernels)
{
    return kernels->sgd;
}

static size_t sgd_moments(const lam_fit_options *options)
{
    return options->momentum > 0.0f ? 1 : 0;
}

static lam__update_kernel *adam(const lam__kernels *kernels)
{
    return kernels->adam;
}

static size_t adam_moments(const lam_fit_options *options)
{
    (void)options;
    return 2;
}

static const lam__optimizer rows[] = {
    {.name = "sgd",
     .help = "gradient descent, with momentum when asked for; rate 0.01",
     .learning_rate = 0.01f,
     .moments = sgd_moments,
     .update = sgd,
     .options = {"momentum"}},
    {.name = "adam",
     .help = "Adam (Kingma and Ba 2015), bias-corrected; rate 0.001",
     .learning_rate = 0.001f,
     .moments = adam_moments,
     .update = adam,
     .options = {"beta_1", "beta_2", "epsilon"}},
};

LAM__CHECK_ROW(lam__optimizer);

static const void *built_in(size_t i)
{
    return &rows[i];
}

lam__name_table lam__optimizers = {
    .kind = "optimizer",
    .built_in = built_in,
    .built_in_count = sizeof rows / sizeof *rows,
};

const lam__optimizer *lam__find_optimizer(const char *name)
{
    return lam__table_find(&lam__optimizers, name);
}

size_t lam__optimizer_count(void)
{
    return lam__table_size(&lam__optimizers);
}

const lam__optimizer *lam__optimizer_at(size_t i)
{
    return lam__table_at(&lam__optimizers, i);
}

void lam__optimizer_begin(const lam_fit_options *options, double base, uint64_t t, uint64_t from,
                          lam__update_args *args)
{
    const double steps = (double)t, moved = (double)(t - from) + 1.0;
    args->learning_rate = (float)(base / (1.0 + (double)options->decay * steps));
    args->momentum = options->momentum;
    args->beta_1 = options->beta_1;
    args->beta_2 = options->beta_2;
    args->epsilon = options->epsilon;
    args->correction_1 = (float)(1.0 / (1.0 - pow((double)options->beta_1, moved)));
    args->correction_2 = (float)(1.0 / (1.0 - pow((double)options->beta_2, moved)));
}
