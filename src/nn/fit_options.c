/* fit_options.c: the one table of training options. The struct's defaults, its checks, reading
 * from text and lam_catalog(LAM_FIT_OPTION) all come from its rows. */
#include "nn/fit_options.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/pool.h"
#include "base/text.h"
#include "nn/initializers.h"
#include "nn/losses.h"
#include "nn/metrics.h"
#include "nn/optimizers.h"
#include "nn/word_list.h"

static lam_status check_loss(const char *text)
{
    return !text || lam__find_loss(text) ? LAM_OK : lam_error_status();
}

static lam_status check_optimizer(const char *text)
{
    return lam__find_optimizer(text) ? LAM_OK : lam_error_status();
}

static lam_status check_metrics(const char *text)
{
    const lam__metric *metrics[LAM_MAX_METRICS];
    const char *names[LAM_MAX_METRICS];
    size_t count;
    return text ? lam__parse_metrics(text, NULL, metrics, names, &count) : LAM_OK;
}

static lam_status check_initializer(const char *text)
{
    const lam__initializer *initializer;
    double parameter;
    return text ? lam__parse_initializer(text, &initializer, &parameter) : LAM_OK;
}

static lam_status check_callbacks(const char *text)
{
    lam__word word = lam__optional_word_list(text);
    for (bool more;;) {
        LAM__TRY(lam__next_word(text, "callback", &word, &more));
        if (!more)
            return LAM_OK;
        if (!lam__find_callback(word.text))
            return lam_error_status();
    }
}

/* What the rows have in common, by the type of their field. */
#define FIELD(field) .name = #field, .offset = offsetof(lam_fit_options, field)
#define NUMBER(field) FIELD(field), .argument = "X", .type = LAM__OPTION_FLOAT
#define COUNT(field) FIELD(field), .argument = "N", .type = LAM__OPTION_SIZE
#define TEXT(field, what) FIELD(field), .argument = what, .type = LAM__OPTION_TEXT
#define FROM_0 .min = 0.0, .max = FLT_MAX
#define FROM_0_BELOW_1 .min = 0.0, .max = 1.0, .max_open = true

/* Most rows of a batch: the batch is a dimension of a product, and the BLAS may count in ints. */
#define MOST_ROWS 2147483647.0

static const lam__option rows[] = {
    {TEXT(loss, "NAME"), .help = "loss; without it, the one that fits the last activation",
     .check_text = check_loss},
    {TEXT(optimizer, "NAME"), .help = "optimizer", .default_text = "adam",
     .check_text = check_optimizer},
    {TEXT(metrics, "NAMES"), .help = "metrics, separated by commas; without it, accuracy",
     .check_text = check_metrics},
    {TEXT(initializer, "NAME"), .alias = "init", .help = "start values of weights",
     .default_text = "glorot_uniform", .check_text = check_initializer},
    {NUMBER(learning_rate), .alias = "lr", FROM_0, .help = "learning rate; 0 = the optimizer's own",
     .default_text = "0"},
    {NUMBER(decay), FROM_0, .help = "learning rate becomes rate / (1 + X * step)",
     .default_text = "0"},
    {NUMBER(momentum), FROM_0_BELOW_1, .help = "momentum of sgd", .default_text = "0"},
    {NUMBER(beta_1), FROM_0_BELOW_1, .help = "adam: decay of the first moment",
     .default_text = "0.9"},
    {NUMBER(beta_2), FROM_0_BELOW_1, .help = "adam: decay of the second moment",
     .default_text = "0.999"},
    {NUMBER(epsilon), FROM_0, .min_open = true, .help = "adam: added outside the root",
     .default_text = "1e-07"},
    {NUMBER(l1), FROM_0, .help = "strength of L1 on weights", .default_text = "0"},
    {NUMBER(l2), FROM_0, .help = "strength of L2 on weights", .default_text = "0"},
    {NUMBER(bias_l1), FROM_0, .help = "strength of L1 on biases", .default_text = "0"},
    {NUMBER(bias_l2), FROM_0, .help = "strength of L2 on biases", .default_text = "0"},
    {COUNT(epochs), .min = 1.0, .max = 1e9, .help = "passes over the training samples",
     .default_text = "10"},
    {COUNT(batch_size), .min = 1.0, .max = MOST_ROWS, .help = "samples of a step",
     .default_text = "128"},
    {FIELD(validation_split), FROM_0_BELOW_1, .argument = "X", .type = LAM__OPTION_DOUBLE,
     .help = "share of the samples held out for validation", .default_text = "0"},
    {FIELD(shuffle), .type = LAM__OPTION_BOOL, .help = "draw a new order of the samples each epoch",
     .default_text = "true"},
    {FIELD(seed), .argument = "SEED", .type = LAM__OPTION_U64,
     .help = "seed of start values, order, dropout and split", .default_text = "1"},
    {COUNT(threads), .min = 0.0, .max = LAM__MOST_THREADS,
     .help = "threads, without effect on the result; 0 = one a core it may use",
     .default_text = "0"},
    {NUMBER(threshold), .min = -FLT_MAX, .max = FLT_MAX,
     .help = "outputs above it count as decided for", .default_text = "0.5"},
    {NUMBER(tolerance), FROM_0, .help = "of regression_accuracy; 0 = std(targets) / 250",
     .default_text = "0"},
    {TEXT(callbacks, "NAMES"), .help = "registered callbacks, separated by commas",
     .check_text = check_callbacks},
};

LAM__CHECK_ROW(lam__option);

enum { ROWS = sizeof rows / sizeof *rows };

static const void *built_in(size_t i)
{
    return &rows[i];
}

lam__name_table lam__fit_options = {
    .kind = "option",
    .built_in = built_in,
    .built_in_count = ROWS,
};

size_t lam__option_size(const lam__option *option)
{
    static const size_t sizes[] = {
        [LAM__OPTION_FLOAT] = sizeof(float), [LAM__OPTION_DOUBLE] = sizeof(double),
        [LAM__OPTION_SIZE] = sizeof(size_t), [LAM__OPTION_U64] = sizeof(uint64_t),
        [LAM__OPTION_BOOL] = sizeof(bool),   [LAM__OPTION_TEXT] = sizeof(const char *),
    };
    return sizes[option->type];
}

/* A field on its way between a struct, text and checks. */
typedef union value {
    float f;
    double d;
    size_t n;
    uint64_t u;
    bool b;
    const char *t;
} value;

static value read_field(const lam__option *option, const lam_fit_options *options)
{
    value v = {0};
    memcpy(&v, (const char *)options + option->offset, lam__option_size(option));
    return v;
}

static void write_field(const lam__option *option, const value *v, lam_fit_options *options)
{
    memcpy((char *)options + option->offset, v, lam__option_size(option));
}

/* Says what the option takes: "a number in 0 <= X < 1", "a number > 0". */
static void describe_range(const lam__option *option, char *text, size_t size)
{
    char lo[32], hi[32];
    const bool whole = option->type == LAM__OPTION_SIZE;
    const char *what = whole ? "a whole number" : "a number";
    lam__format_double(option->min, lo, sizeof lo);
    lam__format_double(option->max, hi, sizeof hi);
    if (whole)
        snprintf(hi, sizeof hi, "%.0f", option->max); /* 1000000000, not 1e+09 */
    if (option->max < (double)FLT_MAX)
        snprintf(text, size, "%s in %s %s %s %s %s", what, lo,
                 option->min_open ? "<" : "<=", option->argument,
                 option->max_open ? "<" : "<=", hi);
    else if (option->min > -(double)FLT_MAX)
        snprintf(text, size, "%s %s %s", what, option->min_open ? ">" : ">=", lo);
    else
        snprintf(text, size, "%s", what);
}

static lam_status fail_value(const lam__option *option, const char *found)
{
    char expected[128];
    if (option->type == LAM__OPTION_BOOL)
        snprintf(expected, sizeof expected, "true or false");
    else if (option->type == LAM__OPTION_U64)
        snprintf(expected, sizeof expected, "a whole number in 0..18446744073709551615");
    else
        describe_range(option, expected, sizeof expected);
    return lam__fail(LAM_ERR_ARGUMENT, "%s must be %s, not '%.100s'", option->name, expected,
                     found);
}

static bool in_range(const lam__option *option, double x)
{
    const bool above = option->min_open ? x > option->min : x >= option->min;
    const bool below = option->max_open ? x < option->max : x <= option->max;
    return above && below; /* false for NaN */
}

/* Checks a field against its row. */
static lam_status check_value(const lam__option *option, const value *v)
{
    double x = 0.0;
    char found[32];
    switch (option->type) {
    case LAM__OPTION_BOOL:
    case LAM__OPTION_U64:
        return LAM_OK;
    case LAM__OPTION_TEXT:
        return option->check_text(v->t);
    case LAM__OPTION_FLOAT:
        return in_range(option, v->f)
                   ? LAM_OK
                   : fail_value(option, lam__format_float(v->f, found, sizeof found));
    case LAM__OPTION_DOUBLE:
        x = v->d;
        break;
    case LAM__OPTION_SIZE:
        x = (double)v->n;
        break;
    }
    return in_range(option, x) ? LAM_OK
                               : fail_value(option, lam__format_double(x, found, sizeof found));
}

lam_status lam__check_fit_options(const lam_fit_options *options)
{
    if (!options)
        return lam__fail(LAM_ERR_ARGUMENT, "the training options are NULL");
    for (size_t i = 0; i < ROWS; i++) {
        const value v = read_field(&rows[i], options);
        LAM__TRY(check_value(&rows[i], &v));
    }
    return LAM_OK;
}

static bool parse_bool(const char *text, bool *flag)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            *flag = i % 2 == 1;
            return true;
        }
    return false;
}

/* Reads a field from text; false when the text has not its form or does not fit its type. */
static bool parse_value(const lam__option *option, const char *text, value *v)
{
    double x;
    uint64_t n;
    switch (option->type) {
    case LAM__OPTION_BOOL:
        return parse_bool(text, &v->b);
    case LAM__OPTION_TEXT:
        v->t = text;
        return true;
    case LAM__OPTION_U64:
        return lam__parse_u64(text, &v->u);
    case LAM__OPTION_SIZE:
        if (!lam__parse_u64(text, &n) || n > SIZE_MAX)
            return false;
        v->n = (size_t)n;
        return true;
    case LAM__OPTION_DOUBLE:
        return lam__parse_double(text, &v->d);
    case LAM__OPTION_FLOAT:
        if (!lam__parse_double(text, &x) || fabs(x) > (double)FLT_MAX)
            return false;
        v->f = (float)x;
        return true;
    }
    return false;
}

lam_status lam_fit_options_set(lam_fit_options *options, const char *name, const char *text)
{
    if (!options || !name || !text)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_fit_options_set: options, name or text is NULL");
    char word[64];
    size_t length = 0;
    for (; name[length] && length + 1 < sizeof word; length++)
        word[length] = name[length] == '-' ? '_' : name[length];
    word[length] = '\0';
    const lam__option *option = lam__table_find(&lam__fit_options, name[length] ? name : word);
    if (!option)
        return lam_error_status();
    value v = {0};
    if (!parse_value(option, text, &v))
        return fail_value(option, text);
    LAM__TRY(check_value(option, &v));
    write_field(option, &v, options);
    return LAM_OK;
}

lam_fit_options lam_fit_options_default(void)
{
    lam_fit_options options = {0};
    for (size_t i = 0; i < ROWS; i++) {
        value v = {0};
        if (rows[i].default_text && parse_value(&rows[i], rows[i].default_text, &v))
            write_field(&rows[i], &v, &options);
    }
    return options;
}

const lam__loss *lam__choose_loss(const lam_fit_options *options, const lam__loss *model_loss,
                                  const lam__activation *last)
{
    if (options->loss)
        return lam__find_loss(options->loss);
    return model_loss ? model_loss : lam__find_loss(last->default_loss);
}
