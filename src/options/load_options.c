/* load_options.c: the one table of loading options. The struct's defaults, its checks, reading from
 * text, the command's flags and lam_catalog(LAM_LOAD_OPTION) all come from its rows. */
#include "options/load_options.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/machine/memory_limit.h"
#include "base/struct_size.h"
#include "base/text.h"
#include "model/network.h"

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

/* Kinds of data together. */
#define IMAGES (LAM__DATA_IMAGE | LAM__DATA_IMAGE_FOLDER)
#define ARRAYS (LAM__DATA_ARRAY | LAM__DATA_ARRAYS)
#define FILES (IMAGES | ARRAYS | LAM__DATA_IDX | LAM__DATA_TABLE)
#define ALL (FILES | LAM__DATA_BUILT_IN)

static const lam__option rows[] = {
    {COUNT(limit), .kinds = FILES, .instead = "samples says how many a built-in set has",
     .max = MOST, .help = "read at most N samples of each file; 0 = all", .default_text = "0"},
    {COUNT(samples), .kinds = LAM__DATA_BUILT_IN, .instead = "limit says how many are read",
     .max = MOST, .help = "built-in sets: number of samples; 0 = the set's default",
     .default_text = "0"},
    {COUNT(classes), .kinds = LAM__DATA_BUILT_IN, .max = MOST,
     .help = "spiral and vertical: number of classes; 0 = 3", .default_text = "0"},
    {.name = "data_seed",
     .offset = offsetof(lam_load_options, seed),
     .argument = "SEED",
     .type = LAM__OPTION_U64,
     .kinds = ALL,
     .default_text = "0",
     .help = "seed of the random numbers of built-in sets and of the choice of a test share"},
    {LAM__FIELD(test_share), .kinds = ALL, .argument = "X", .type = LAM__OPTION_DOUBLE, .min = 0.0,
     .max = 1.0, .max_open = true, .default_text = "0",
     .help = "data without a test split: share of the samples to use as one"},
    {SWITCH(stratify), .kinds = ALL,
     .help = "with test_share: draw the same share from each class"},
    {COUNT(width), .kinds = IMAGES, .max = LAM__MOST_PIXELS_A_SIDE, .default_text = "0",
     .help =
         "images: resize to this width in pixels; 0 = no resizing: all must have the same size"},
    {COUNT(height), .kinds = IMAGES, .max = LAM__MOST_PIXELS_A_SIDE, .default_text = "0",
     .help = "images: resize to this height in pixels; 0 = no resizing"},
    {WORD(color, colors), .kinds = IMAGES,
     .help = "images: convert to gray or rgb; by default none is converted, and all must be alike"},
    {SWITCH(invert), .kinds = IMAGES | LAM__DATA_IDX | ARRAYS,
     .help = "images: turn black into white"},
    {SWITCH(multi_label), .kinds = LAM__DATA_IMAGE_FOLDER,
     .help =
         "images: the same file name in several class folders is one sample of several classes"},
    {WORD(on_error, reactions), .kinds = LAM__DATA_IMAGE_FOLDER, .default_text = "stop",
     .help = "images that cannot be read: stop, or skip and count them"},
    {LAM__FIELD(target), .kinds = LAM__DATA_TABLE | LAM__DATA_ARRAYS, .argument = "COLUMNS",
     .type = LAM__OPTION_TEXT, .check_text = check_target,
     .help = "tables and arrays: column or array to predict, by name, or number from 1, several "
             "columns separated by commas; by default the last"},
    {LAM__FIELD(ignore), .kinds = LAM__DATA_TABLE, .argument = "COLUMNS", .type = LAM__OPTION_TEXT,
     .check_text = check_target,
     .help = "tables: columns to leave out, by name or number from 1, separated by commas"},
    {WORD(task, tasks), .kinds = LAM__DATA_TABLE | LAM__DATA_ARRAYS, .default_text = "auto",
     .help = "tables and arrays: classification, regression, or auto: by the values of the target"},
    {WORD(header, headers), .kinds = LAM__DATA_TABLE, .default_text = "auto",
     .help = "tables: whether the first row names the columns: yes, no or auto"},
    {LAM__FIELD(separator), .kinds = LAM__DATA_TABLE, .argument = "C", .type = LAM__OPTION_TEXT,
     .default_text = "auto", .check_text = check_separator,
     .help = "tables: one character, tab or auto"},
    {LAM__FIELD(missing), .kinds = LAM__DATA_TABLE, .argument = "HOW", .type = LAM__OPTION_TEXT,
     .default_text = "refuse", .check_text = check_missing,
     .help = "tables: missing numbers: refuse, or fill in mean, median or constant:X"},
    {COUNT(memory), .kinds = FILES, .max = MOST, .default_text = "0",
     .help = "megabytes that samples may take in memory: larger arrays, images and IDX files are "
             "read from the disk again in each epoch, larger tables are refused; 0 = half of what "
             "the process may use"},
    {COUNT(window), .kinds = LAM__DATA_IDX, .max = MOST, .default_text = "0",
     .help = "samples shuffled at a time where a file can only be read sequentially; 0 = by size"},
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

/* Kinds of data in words: one of them, and all. */
static const struct {
    lam__data_kind kind;
    const char *one, *all;
} kind_words[] = {
    {LAM__DATA_BUILT_IN, "a built-in set", "built-in sets"},
    {LAM__DATA_IDX, "IDX data", "IDX files"},
    {LAM__DATA_IMAGE, "an image", "image files"},
    {LAM__DATA_IMAGE_FOLDER, "a folder of images", "folders of images"},
    {LAM__DATA_ARRAY, "an .npy file", ".npy files"},
    {LAM__DATA_ARRAYS, "a set of arrays", ".npz files, folders of .npy files"},
    {LAM__DATA_TABLE, "a table", "tables"},
};

enum { KINDS = sizeof kind_words / sizeof *kind_words };

static lam_status fail_kind(const lam__option *option, lam__data_kind kind, const char *path)
{
    const char *words[KINDS], *one = "";
    size_t count = 0;
    char known[256];
    for (size_t i = 0; i < KINDS; i++) {
        if (option->kinds & kind_words[i].kind)
            words[count++] = kind_words[i].all;
        if (kind_words[i].kind == kind)
            one = kind_words[i].one;
    }
    lam__join_words(words, count, known, sizeof known);
    return lam__fail(LAM_ERR_ARGUMENT,
                     "%s has no effect on '%.200s', which is %s: it is for %s%s%s", option->name,
                     path, one, known, option->instead ? "; " : "",
                     option->instead ? option->instead : "");
}

lam_status lam__check_used_load_options(const lam_load_options *options, lam__data_kind kind,
                                        const char *path)
{
    for (size_t i = 0; i < ROWS; i++)
        if (!(rows[i].kinds & (unsigned)kind) && lam__option_is_set(&rows[i], options))
            return fail_kind(&rows[i], kind, path);
    if (options->test_share > 0.0)
        return LAM_OK;
    if (options->stratify)
        return lam__fail(LAM_ERR_ARGUMENT, "stratify has no effect without test_share");
    if (options->seed != 0 && kind != LAM__DATA_BUILT_IN)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "data_seed has no effect on '%.200s' without test_share: nothing of it is "
                         "drawn at random",
                         path);
    return LAM_OK;
}

lam_status lam_load_options_set(lam_load_options *options, const char *name, const char *text)
{
    return lam__options_set(&table, options, name, text);
}

void lam_load_options_init(lam_load_options *options, size_t size)
{
    lam_load_options own = {0};
    lam__options_default(&table, &own);
    lam__write_options(options, size, &own, sizeof own);
}

lam_status lam__take_load_options(lam_load_options *own, const lam_load_options **options)
{
    *own = lam_load_options_default();
    LAM__TRY(lam__read_options(own, sizeof *own, *options, "lam_load_options"));
    *options = own;
    return LAM_OK;
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
