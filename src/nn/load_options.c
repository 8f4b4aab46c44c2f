/* load_options.c: the one table of loading options. The struct's defaults, its checks, reading from
 * text, the command's flags and lam_catalog(LAM_LOAD_OPTION) all come from its rows. */
#include "nn/load_options.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory_limit.h"
#include "base/text.h"
#include "nn/network.h"

static const char *const colors[] = {"gray", "rgb", NULL};
static const char *const reactions[] = {"stop", "skip", NULL};
static const char *const tasks[] = {"auto", "classification", "regression", NULL};
static const char *const headers[] = {"auto", "yes", "no", NULL};

#define CONSTANT "constant:"

static bool parse_missing(const char *text, lam__missing *missing, float *constant)
{
    static const char *const words[] = {"refuse", "mean", "median"};
    double value;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            *missing = (lam__missing)i;
            return true;
        }
    if (strncmp(text, CONSTANT, strlen(CONSTANT)) != 0 ||
        !lam__parse_double(text + strlen(CONSTANT), &value) || fabs(value) > (double)FLT_MAX)
        return false;
    *missing = LAM__MISSING_CONSTANT;
    *constant = (float)value;
    return true;
}

static lam_status check_missing(const char *text)
{
    lam__missing missing;
    float constant;
    if (text && parse_missing(text, &missing, &constant))
        return LAM_OK;
    return lam__fail(LAM_ERR_ARGUMENT,
                     "missing is refuse, mean, median or constant:X, not '%.100s'",
                     text ? text : "NULL");
}

static lam_status check_separator(const char *text)
{
    if (text && (strcmp(text, "auto") == 0 || strcmp(text, "tab") == 0))
        return LAM_OK;
    if (text && text[0] && !text[1] && (unsigned char)text[0] < 128 &&
        !strchr("\"\r\n.+-", text[0]))
        return LAM_OK;
    return lam__fail(LAM_ERR_ARGUMENT,
                     "separator is one character (none of \" . + -), tab or auto, "
                     "not '%.100s'",
                     text ? text : "NULL");
}

/* A name can be any text. */
static lam_status check_target(const char *text)
{
    (void)text;
    return LAM_OK;
}

#define LAM__OPTIONS lam_load_options
#define COUNT(field) LAM__FIELD(field), .argument = "N", .type = LAM__OPTION_SIZE, .min = 0.0
#define WORD(field, words)                                                                         \
    LAM__FIELD(field), .argument = "NAME", .type = LAM__OPTION_TEXT, .choices = (words)
#define SWITCH(field) LAM__FIELD(field), .type = LAM__OPTION_BOOL, .default_text = "false"
#define MOST 1e15

static const lam__option rows[] = {
    {COUNT(limit), .max = MOST, .help = "read at most N samples of each file; 0 = all",
     .default_text = "0"},
    {COUNT(samples), .max = MOST, .help = "built-in sets: number of samples; 0 = the set's default",
     .default_text = "0"},
    {COUNT(classes), .max = MOST, .help = "spiral and vertical: number of classes; 0 = 3",
     .default_text = "0"},
    {.name = "data_seed",
     .offset = offsetof(lam_load_options, seed),
     .argument = "SEED",
     .type = LAM__OPTION_U64,
     .default_text = "0",
     .help = "seed of the random numbers of built-in sets and of the choice of a test share"},
    {LAM__FIELD(test_share), .argument = "X", .type = LAM__OPTION_DOUBLE, .min = 0.0, .max = 1.0,
     .max_open = true, .default_text = "0",
     .help = "data without a test split: share of the samples that makes one"},
    {SWITCH(stratify), .help = "draw the test share from each class alike"},
    {COUNT(width), .max = LAM__MOST_PIXELS_A_SIDE, .default_text = "0",
     .help = "images: bring them to this width in pixels; 0 = that of the first"},
    {COUNT(height), .max = LAM__MOST_PIXELS_A_SIDE, .default_text = "0",
     .help = "images: bring them to this height; 0 = that of the first"},
    {WORD(color, colors), .help = "images: gray or rgb; without it, as the first is"},
    {SWITCH(invert), .help = "images: turn black into white"},
    {SWITCH(multi_label),
     .help = "images: one file name in several class folders is one sample of many classes"},
    {WORD(on_error, reactions), .default_text = "stop",
     .help = "images that cannot be read: stop, or skip them and count"},
    {LAM__FIELD(target), .argument = "COLUMNS", .type = LAM__OPTION_TEXT,
     .check_text = check_target,
     .help = "tables: column to predict, by name or number from 1, several separated by commas; "
             "without it the last"},
    {LAM__FIELD(ignore), .argument = "COLUMNS", .type = LAM__OPTION_TEXT,
     .check_text = check_target,
     .help = "tables: columns to leave out, by name or number from 1, separated by commas"},
    {WORD(task, tasks), .default_text = "auto",
     .help = "tables: classification, regression, or auto: by the values of the target"},
    {WORD(header, headers), .default_text = "auto",
     .help = "tables: whether the first row names the columns: yes, no or auto"},
    {LAM__FIELD(separator), .argument = "C", .type = LAM__OPTION_TEXT, .default_text = "auto",
     .check_text = check_separator, .help = "tables: one character, tab or auto"},
    {LAM__FIELD(missing), .argument = "HOW", .type = LAM__OPTION_TEXT, .default_text = "refuse",
     .check_text = check_missing,
     .help = "tables: missing numbers: refuse, or put in mean, median or constant:X"},
    {COUNT(memory), .max = MOST, .default_text = "0",
     .help = "megabytes that samples may take in memory: larger arrays, images and IDX files are "
             "read from the disk again in each epoch, larger tables are refused; 0 = half of what "
             "the process may use"},
    {COUNT(window), .max = MOST, .default_text = "0",
     .help =
         "samples shuffled at a time where a file is read from front to back only; 0 = by size"},
};

LAM__CHECK_ROW(lam__option);

enum { ROWS = sizeof rows / sizeof *rows };

static const void *built_in(size_t i)
{
    return &rows[i];
}

lam__name_table lam__load_options = {
    .kind = "option",
    .built_in = built_in,
    .built_in_count = ROWS,
};

static const lam__option_table table = {"the loading options", rows, ROWS, &lam__load_options};

lam_status lam__check_load_options(const lam_load_options *options)
{
    return lam__options_check(&table, options);
}

lam_status lam_load_options_set(lam_load_options *options, const char *name, const char *text)
{
    return lam__options_set(&table, options, name, text);
}

lam_load_options lam_load_options_default(void)
{
    lam_load_options options = {0};
    lam__options_default(&table, &options);
    return options;
}

const lam__input *lam__load_input(const lam_load_options *options)
{
    static const lam__input none = {.kind = LAM_INPUT_VALUES};
    return options->like ? &options->like->input : &none;
}

uint64_t lam__load_memory(const lam_load_options *options)
{
    if (options->memory > 0)
        return (uint64_t)options->memory * 1000000;
    return lam__memory_limit() / 2;
}

size_t lam__load_window(const lam_load_options *options, size_t row_bytes)
{
    enum { LEAST = 1024, BYTES = 64000000 };
    if (options->window > 0)
        return options->window;
    const size_t fits = BYTES / (row_bytes > 0 ? row_bytes : 1);
    return fits < LEAST ? LEAST : fits;
}

lam__missing lam__load_missing(const lam_load_options *options, float *constant)
{
    lam__missing missing = LAM__MISSING_REFUSE;
    *constant = 0.0f;
    parse_missing(options->missing, &missing, constant);
    return missing;
}

char lam__load_separator(const lam_load_options *options)
{
    if (strcmp(options->separator, "auto") == 0)
        return '\0';
    return strcmp(options->separator, "tab") == 0 ? '\t' : options->separator[0];
}
