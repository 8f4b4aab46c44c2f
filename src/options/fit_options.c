/* fit_options.c: the one table of training options. The struct's defaults, its checks, reading
 * from text and lam_catalog(LAM_FIT_OPTION) all come from its rows. */
#include "options/fit_options.h"

#include <float.h>
#include <string.h>

#include "base/error.h"
#include "base/machine/pool.h"
#include "base/struct_size.h"
#include "base/text/spelled.h"
#include "base/text/word_list.h"
#include "model/network.h"
#include "nn/initializers.h"
#include "nn/losses.h"
#include "nn/metrics.h"
#include "nn/optimizers.h"
#include "nn/registry.h"
#include "options/interval.h"

static lam_status check_loss(const char *text)
{
    return !text || lam__find_loss(text) ? LAM_OK : lam_error_status();
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

/* What there is to monitor depends on the run: lam__early_stopping_open looks. */
static lam_status check_monitor(const char *text)
{
    return !text || text[0] ? LAM_OK : lam__fail(LAM_ERR_ARGUMENT, "monitor is an empty name");
}

static const char *const fill_modes[] = {"nearest", "reflect", "wrap", "constant", NULL};

static lam_status check_checkpoint(const char *text)
{
    return !text || text[0] ? LAM_OK : lam__fail(LAM_ERR_ARGUMENT, "checkpoint is an empty name");
}

static lam_status check_interval(const char *text)
{
    lam__interval interval;
    return lam__parse_interval(text, &interval);
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

static const lam__option rows_before[] = {
    {TEXT(loss, "NAME"), .help = "loss; by default the one that suits the last activation",
     .check_text = check_loss, .resume = LAM__RESUME_STEP},
    {TEXT(optimizer, "NAME"), .help = "optimizer", .default_text = "adam",
     .check_text = lam__check_optimizer, .resume = LAM__RESUME_STEP},
    {TEXT(metrics, "NAMES"), .help = "metrics, separated by commas; by default accuracy",
     .check_text = check_metrics},
    {TEXT(initializer, "NAME"), .alias = "init", .help = "initial values of weights",
     .default_text = "glorot_uniform", .check_text = check_initializer},
    {NUMBER(learning_rate), .alias = "lr", FROM_0,
     .help = "learning rate; 0 = the optimizer's default", .default_text = "0"},
    {NUMBER(decay), FROM_0, .help = "learning rate becomes rate / (1 + X * step)",
     .default_text = "0", .resume = LAM__RESUME_STEP},
};

/* Between them stand the hyperparameters of the optimizers. */
static const lam__option rows_after[] = {
    {NUMBER(l1), FROM_0, .help = "strength of L1 on weights", .default_text = "0",
     .resume = LAM__RESUME_STEP},
    {NUMBER(l2), FROM_0, .help = "strength of L2 on weights", .default_text = "0",
     .resume = LAM__RESUME_STEP},
    {NUMBER(bias_l1), FROM_0, .help = "strength of L1 on biases", .default_text = "0",
     .resume = LAM__RESUME_STEP},
    {NUMBER(bias_l2), FROM_0, .help = "strength of L2 on biases", .default_text = "0",
     .resume = LAM__RESUME_STEP},
    {COUNT(epochs), .min = 1.0, .max = 1e9, .help = "passes over the training samples",
     .default_text = "10", .resume = LAM__RESUME_ANY},
    {COUNT(batch_size), .min = 1.0, .max = MOST_ROWS, .help = "samples per step",
     .default_text = "128"},
    {FIELD(validation_split), FROM_0_BELOW_1, .argument = "X", .type = LAM__OPTION_DOUBLE,
     .help = "share of the samples held out for validation", .default_text = "0"},
    {FIELD(shuffle), .type = LAM__OPTION_BOOL, .help = "draw a new order of the samples each epoch",
     .default_text = "true"},
    {FIELD(seed), .argument = "SEED", .type = LAM__OPTION_U64,
     .help = "seed of initial values, order, dropout and split", .default_text = "1",
     .resume = LAM__RESUME_STEP},
    {NUMBER(width_shift), .min = 0.0, .max = 1.0,
     .help = "training images: shift by up to this share of the width", .default_text = "0",
     .resume = LAM__RESUME_STEP},
    {NUMBER(height_shift), .min = 0.0, .max = 1.0,
     .help = "training images: shift by up to this share of the height", .default_text = "0",
     .resume = LAM__RESUME_STEP},
    {NUMBER(rotation), .min = 0.0, .max = 180.0,
     .help = "training images: rotate by up to this many degrees", .default_text = "0",
     .resume = LAM__RESUME_STEP},
    {NUMBER(zoom), FROM_0_BELOW_1,
     .help = "training images: zoom width and height, each by a factor in 1 - X .. 1 + X",
     .default_text = "0", .resume = LAM__RESUME_STEP},
    {NUMBER(shear), .min = 0.0, .max = 90.0, .max_open = true,
     .help = "training images: shear by up to this many degrees", .default_text = "0",
     .resume = LAM__RESUME_STEP},
    {FIELD(horizontal_flip), .type = LAM__OPTION_BOOL,
     .help = "training images: mirror half of them at random, left to right",
     .default_text = "false", .resume = LAM__RESUME_STEP},
    {FIELD(vertical_flip), .type = LAM__OPTION_BOOL,
     .help = "training images: mirror half of them at random, top to bottom",
     .default_text = "false", .resume = LAM__RESUME_STEP},
    {NUMBER(brightness), FROM_0_BELOW_1,
     .help = "training images: brighter or darker by a factor in 1 - X .. 1 + X",
     .default_text = "0", .resume = LAM__RESUME_STEP},
    {NUMBER(noise), FROM_0,
     .help = "training samples: add normal noise of this standard deviation, in raw units "
             "(bytes: 0 to 255)",
     .default_text = "0", .resume = LAM__RESUME_STEP},
    {TEXT(fill_mode, "NAME"), .choices = fill_modes, .default_text = "nearest",
     .help = "how the edges of moved images are filled: nearest, reflect, wrap or constant (0)",
     .resume = LAM__RESUME_STEP},
    {COUNT(threads), .min = 0.0, .max = LAM__MOST_THREADS,
     .help = "threads, without effect on the result; 0 = one per available core",
     .default_text = "0", .resume = LAM__RESUME_ANY},
    {NUMBER(threshold), .min = -FLT_MAX, .max = FLT_MAX,
     .help = "outputs above it count as positive", .default_text = "0.5"},
    {NUMBER(tolerance), FROM_0,
     .help = "error that regression_accuracy allows; 0 = std(targets) / 250", .default_text = "0"},
    {TEXT(callbacks, "NAMES"), .help = "registered callbacks, separated by commas",
     .check_text = check_callbacks, .resume = LAM__RESUME_ANY},
    {COUNT(patience), .min = 0.0, .max = 1e9,
     .help = "early stopping: end after N epochs without improvement, and keep the weights of the "
             "best; 0 = off",
     .default_text = "0", .resume = LAM__RESUME_ANY},
    {NUMBER(min_delta), FROM_0,
     .help = "early stopping: improvements no larger than this do not count", .default_text = "0"},
    {TEXT(monitor, "NAME"),
     .help = "early stopping: the figure to compare, such as val_accuracy; by default "
             "val_loss, or loss without validation",
     .check_text = check_monitor},
    {TEXT(checkpoint, "DIR"),
     .help = "write checkpoints to this folder, from which --resume continues",
     .check_text = check_checkpoint, .resume = LAM__RESUME_ANY},
    {TEXT(checkpoint_every, "N"),
     .help = "how often: N epochs, steps or minutes, as in '100 steps'", .default_text = "1 epoch",
     .check_text = check_interval, .resume = LAM__RESUME_ANY},
    {COUNT(keep), .min = 1.0, .max = 100000.0, .help = "how many of the newest checkpoints to keep",
     .default_text = "3", .resume = LAM__RESUME_ANY},
    {FIELD(resume), .type = LAM__OPTION_BOOL,
     .help = "continue from the newest checkpoint in the folder, if there is one",
     .default_text = "false", .resume = LAM__RESUME_ANY},
    {FIELD(keep_optimizer), .type = LAM__OPTION_BOOL,
     .help =
         "continue with the optimizer's moments from the model's earlier training, and keep them "
         "for later",
     .default_text = "false", .resume = LAM__RESUME_ANY},
};

LAM__CHECK_ROW(lam__option);

enum {
    BEFORE = sizeof rows_before / sizeof *rows_before,
    AFTER = sizeof rows_after / sizeof *rows_after,
    MOST_HYPERPARAMETERS = 64
};

/* All rows, put together when the library is loaded. */
static lam__option rows[BEFORE + MOST_HYPERPARAMETERS + AFTER];

static const void *built_in(size_t i)
{
    return &rows[i];
}

lam__name_table lam__fit_options = {.kind = "option", .built_in = built_in};

static lam__option_table table = {"the training options", rows, 0, &lam__fit_options};

static bool is_listed(const char *name)
{
    for (size_t i = 0; i < table.count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

__attribute__((constructor)) static void put_rows_together(void)
{
    const lam__optimizer *optimizer;
    const lam__option *option;
    memcpy(rows, rows_before, sizeof rows_before);
    table.count = BEFORE;
    for (size_t i = 0; (optimizer = lam__optimizer_at(i)); i++)
        for (size_t k = 0; (option = lam__hyperparameter(optimizer, k)); k++)
            if (!is_listed(option->name) && table.count < BEFORE + MOST_HYPERPARAMETERS)
                rows[table.count++] = *option;
    memcpy(rows + table.count, rows_after, sizeof rows_after);
    table.count += AFTER;
    lam__fit_options.built_in_count = table.count;
}

lam_status lam__check_fit_options(const lam_fit_options *options)
{
    return lam__options_check(&table, options);
}

/* Hyperparameters that were set before the optimizer's name go over to it. */
lam_status lam_fit_options_set(lam_fit_options *options, const char *name, const char *text)
{
    const char *before = options ? options->optimizer : NULL;
    LAM__TRY(lam__options_set(&table, options, name, text));
    const char *now = options->optimizer;
    if (!before || now == before || strcmp(name, "optimizer") != 0 || strchr(now, ':'))
        return LAM_OK;
    lam__spelled pair = {.at = before};
    while (now && lam__spelled_next(&pair))
        now = lam__spelled_with(now, pair.name, pair.value);
    options->optimizer = now ? now : before;
    return now ? LAM_OK : LAM_ERR_MEMORY;
}

void lam_fit_options_init(lam_fit_options *options, size_t size)
{
    lam_fit_options own = {0};
    lam__options_default(&table, &own);
    lam__write_options(options, size, &own, sizeof own);
}

lam_status lam__take_fit_options(lam_fit_options *own, const lam_fit_options **options)
{
    *own = lam_fit_options_default();
    LAM__TRY(lam__read_options(own, sizeof *own, *options, "lam_fit_options"));
    *options = own;
    return LAM_OK;
}

lam__fill_mode lam__fill_mode_of(const lam_fit_options *options)
{
    size_t i = 0;
    while (fill_modes[i] && strcmp(fill_modes[i], options->fill_mode) != 0)
        i++;
    return (lam__fill_mode)i;
}

const lam__loss *lam__choose_loss(const lam_fit_options *options, const lam_model *model)
{
    const lam__layer *last = lam__last_dense(model);
    if (options->loss)
        return lam__find_loss(options->loss);
    if (model->loss)
        return model->loss;
    if (!model->loss_name)
        return lam__find_loss(last->activation->default_loss);
    const lam__loss *loss = lam__table_lookup(&lam__losses, model->loss_name); /* since loading */
    if (!loss)
        lam__fail(
            LAM_ERR_NAME,
            "the model was trained with the loss '%s', which is unknown here: register it with "
            "lam_register_loss, or choose another",
            model->loss_name);
    return loss;
}

void lam__own_option_texts(lam_fit_options *options)
{
    const lam__fill_mode mode = lam__fill_mode_of(options);
    for (size_t i = 0; i < table.count; i++)
        if (rows[i].type == LAM__OPTION_TEXT)
            memset((char *)options + rows[i].offset, 0, sizeof(const char *));
    options->fill_mode = fill_modes[mode];
}

static bool is_set(const lam_fit_options *options, const char *name)
{
    return lam__option_is_set(lam__table_lookup(&lam__fit_options, name), options);
}

static bool lists(const lam__optimizer *optimizer, const char *name)
{
    const lam__option *own;
    for (size_t k = 0; (own = lam__hyperparameter(optimizer, k)); k++)
        if (strcmp(own->name, name) == 0)
            return true;
    return false;
}

/* Options of other optimizers must be left as they are. */
static lam_status check_optimizer_options(const lam_fit_options *options)
{
    const lam__optimizer *chosen = lam__find_optimizer(options->optimizer), *other;
    const lam__option *own;
    char value[64];
    for (size_t i = 0; (other = lam__optimizer_at(i)); i++)
        for (size_t k = 0; (own = lam__hyperparameter(other, k)); k++)
            if (!lists(chosen, own->name) &&
                (is_set(options, own->name) ||
                 lam__spelled_value(options->optimizer, own->name, value, sizeof value)))
                return lam__fail(LAM_ERR_ARGUMENT, "%s is an option of %s, and the optimizer is %s",
                                 own->name, other->name, chosen->name);
    return LAM_OK;
}

static bool moves_images(const lam_fit_options *options)
{
    return options->width_shift > 0.0f || options->height_shift > 0.0f ||
           options->rotation > 0.0f || options->zoom > 0.0f || options->shear > 0.0f;
}

lam_status lam__check_used_options(const lam_fit_options *options)
{
    LAM__TRY(check_optimizer_options(options));
    const struct {
        const char *name;
        bool used;
        const char *needed;
    } dependent[] = {
        {"min_delta", options->patience > 0, "early stopping: patience is 0"},
        {"checkpoint_every", options->checkpoint, "checkpoint: no folder is named"},
        {"keep", options->checkpoint, "checkpoint: no folder is named"},
        {"monitor", options->patience > 0, "early stopping: patience is 0"},
        {"fill_mode", moves_images(options),
         "images that are moved: width_shift, height_shift, rotation, zoom and shear are 0"},
    };
    for (size_t i = 0; i < sizeof dependent / sizeof *dependent; i++)
        if (!dependent[i].used && is_set(options, dependent[i].name))
            return lam__fail(LAM_ERR_ARGUMENT, "%s has no effect without %s", dependent[i].name,
                             dependent[i].needed);
    return LAM_OK;
}

lam_status lam__check_judging_options(const lam_fit_options *options,
                                      const lam__metric *const *metrics, size_t count,
                                      const lam_metric_rows *kind)
{
    static const char *const names[] = {"threshold", "tolerance"};
    for (int tolerance = 0; tolerance < 2; tolerance++)
        if (is_set(options, names[tolerance]) && !lam__metrics_use(metrics, count, kind, tolerance))
            return lam__fail(
                LAM_ERR_ARGUMENT, "%s has no effect: none of the metrics uses it for %s",
                names[tolerance],
                kind->argmax && kind->width > 1 ? "classes of which the largest output counts"
                : kind->classes                 ? "these classes"
                                                : "these targets");
    return LAM_OK;
}

lam_status lam__check_penalty_options(const lam_fit_options *options, const lam_model *model)
{
    bool l1 = false, l2 = false, bias_l1 = false, bias_l2 = false; /* some layer takes it */
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        l1 |= layer->l1 == LAM_INHERIT;
        l2 |= layer->l2 == LAM_INHERIT;
        bias_l1 |= layer->bias_l1 == LAM_INHERIT;
        bias_l2 |= layer->bias_l2 == LAM_INHERIT;
    }
    const char *unused = options->l1 > 0.0f && !l1             ? "l1"
                         : options->l2 > 0.0f && !l2           ? "l2"
                         : options->bias_l1 > 0.0f && !bias_l1 ? "bias_l1"
                         : options->bias_l2 > 0.0f && !bias_l2 ? "bias_l2"
                                                               : NULL;
    return unused ? lam__fail(LAM_ERR_ARGUMENT,
                              "%s has no effect: the layers of this model have their own", unused)
                  : LAM_OK;
}
