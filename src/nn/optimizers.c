/* optimizers.c: the table of optimizers. */
#include "nn/optimizers.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/text/spelled.h"

static size_t sgd_moments(const lam_fit_options *options)
{
    return options->momentum > 0.0f ? 1 : 0;
}

/* Of an optimizer to come, as CONTRIBUTING.md has one. */
__attribute__((unused)) static size_t one_moment(const lam_fit_options *options)
{
    (void)options;
    return 1;
}

static size_t two_moments(const lam_fit_options *options)
{
    (void)options;
    return 2;
}

/* A hyperparameter that is a field of lam_fit_options, and one that is not. */
#define FIELD(field)                                                                               \
    .name = #field, .argument = "X", .type = LAM__OPTION_FLOAT,                                    \
    .offset = offsetof(lam_fit_options, field), .resume = LAM__RESUME_STEP
#define OWN(id)                                                                                    \
    .name = #id, .argument = "X", .type = LAM__OPTION_FLOAT, .within = true,                       \
    .offset = offsetof(lam_fit_options, optimizer), .resume = LAM__RESUME_STEP
#define FROM_0 .min = 0.0, .max = FLT_MAX
#define FROM_0_BELOW_1 .min = 0.0, .max = 1.0, .max_open = true

static const lam__optimizer rows[] = {
    {.name = "sgd",
     .help = "gradient descent, optionally with momentum; learning rate 0.01",
     .learning_rate = 0.01f,
     .moments = sgd_moments,
     .update = lam__kernel_sgd,
     .hyperparameters = {{FIELD(momentum), FROM_0_BELOW_1, .default_text = "0",
                          .help = "momentum of sgd"}}},
    {.name = "adam",
     .help = "Adam (Kingma and Ba 2015), bias-corrected; learning rate 0.001",
     .learning_rate = 0.001f,
     .moments = two_moments,
     .update = lam__kernel_adam,
     .hyperparameters = {{FIELD(beta_1), FROM_0_BELOW_1, .default_text = "0.9",
                          .help = "adam: decay of the first moment"},
                         {FIELD(beta_2), FROM_0_BELOW_1, .default_text = "0.999",
                          .help = "adam: decay of the second moment"},
                         {FIELD(epsilon), FROM_0, .min_open = true, .default_text = "1e-07",
                          .help = "adam: added outside the root"}}},
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

const lam__optimizer *lam__find_optimizer(const char *text)
{
    char name[64];
    const size_t length = text ? lam__spelled_word(text) : 0;
    if (!text || !text[length] || length >= sizeof name)
        return lam__table_find(&lam__optimizers, text);
    memcpy(name, text, length);
    name[length] = '\0';
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

const lam__option *lam__hyperparameter(const lam__optimizer *optimizer, size_t k)
{
    const lam__option *option = &optimizer->hyperparameters[k];
    return k < LAM__HYPERPARAMETERS_MOST && option->name ? option : NULL;
}

/* The hyperparameter of that name, of the optimizer itself or else of another. */
static const lam__option *find_hyperparameter(const lam__optimizer *optimizer, const char *name)
{
    const lam__option *option;
    for (size_t k = 0; (option = lam__hyperparameter(optimizer, k)); k++)
        if (strcmp(option->name, name) == 0)
            return option;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; (option = lam__hyperparameter(&rows[i], k)); k++)
            if (strcmp(option->name, name) == 0)
                return option;
    return NULL;
}

static lam_status fail_hyperparameter(const lam__optimizer *optimizer, const char *name)
{
    const char *words[LAM__HYPERPARAMETERS_MOST];
    char known[256];
    size_t count = 0;
    for (const lam__option *option; (option = lam__hyperparameter(optimizer, count)); count++)
        words[count] = option->name;
    lam__join_words(words, count, known, sizeof known);
    return lam__fail(LAM_ERR_NAME, "the optimizer %s has no hyperparameter '%s': it has %s",
                     optimizer->name, name, known);
}

lam_status lam__check_optimizer(const char *text)
{
    const lam__optimizer *optimizer = lam__find_optimizer(text);
    if (!optimizer)
        return lam_error_status();
    lam__spelled pair = {.at = text};
    while (lam__spelled_next(&pair)) {
        const lam__option *option = find_hyperparameter(optimizer, pair.name);
        if (!option)
            return fail_hyperparameter(optimizer, pair.name);
        LAM__TRY(lam__option_check_text(option, pair.value));
    }
    return LAM_OK;
}

void lam__optimizer_resolve(const lam__optimizer *optimizer, lam_fit_options *options,
                            float own[LAM__OWN_MOST])
{
    const lam__option *option;
    size_t owned = 0;
    for (size_t k = 0; (option = lam__hyperparameter(optimizer, k)); k++) {
        char text[64];
        double x = 0.0;
        const char *value = lam__spelled_value(options->optimizer, option->name, text, sizeof text);
        if (!value && !option->within)
            continue;
        lam__parse_double(value ? value : option->default_text, &x);
        const float number = (float)x;
        if (!option->within)
            memcpy((char *)options + option->offset, &number, sizeof number);
        else if (owned < LAM__OWN_MOST)
            own[owned++] = number;
    }
}

const char *lam__optimizer_text(const lam__optimizer *optimizer, const float own[LAM__OWN_MOST],
                                char *text, size_t size)
{
    const lam__option *option;
    size_t owned = 0, length = (size_t)snprintf(text, size, "%s", optimizer->name);
    for (size_t k = 0; (option = lam__hyperparameter(optimizer, k)); k++) {
        char value[32];
        if (!option->within || owned == LAM__OWN_MOST || length >= size)
            continue;
        lam__format_float(own[owned], value, sizeof value);
        length += (size_t)snprintf(text + length, size - length, "%c%s=%s", owned++ ? ',' : ':',
                                   option->name, value);
    }
    return text;
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
