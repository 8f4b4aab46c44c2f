/* checkpoint_inspect.c: looking into a checkpoint without the run it is of. */
#include <lamina/checkpoint.h>

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "fit/checkpoints/checkpoint.h"
#include "fit/checkpoints/checkpoint_inspect.h"
#include "formats/safetensors/model_file.h"
#include "io/file_read.h"
#include "lamina_features.h"
#include "nn/metrics.h"

struct lam_checkpoint {
    void *settings; /* json_t */
    lam_checkpoint_info info;
    lam_history *history;
};

#if LAM__HAVE_JSON
#include <jansson.h>

#include "io/json/json_text.h"

static lam_status fail_format(const lam__st_file *file, const char *what)
{
    return lam__fail(LAM_ERR_FORMAT, "%s: %s", file->name, what);
}

/* A matrix of eight-byte words by name, rows * columns of them; NULL when it is not there so. */
static const unsigned char *find_words(const lam__st_file *file, const char *name,
                                       lam__st_dtype dtype, size_t rank, size_t columns,
                                       size_t *rows)
{
    const lam__st_tensor *tensor = lam__st_find(file, name);
    if (!tensor || tensor->dtype != dtype || tensor->rank != rank ||
        tensor->shape[rank - 1] != columns)
        return NULL;
    *rows = rank == 2 ? tensor->shape[0] : 1;
    return file->data + tensor->begin;
}

static lam_status read_info(const lam__st_file *file, lam_checkpoint *checkpoint)
{
    size_t rows;
    const unsigned char *counts =
        find_words(file, LAM__CHECKPOINT_PREFIX "counts", LAM__ST_U64, 1, LAM__COUNTS, &rows);
    const unsigned char *numbers =
        find_words(file, LAM__CHECKPOINT_PREFIX "numbers", LAM__ST_F64, 1, LAM__NUMBERS, &rows);
    if (!counts || !numbers)
        return fail_format(file, "its counts and numbers are malformed");
    const char *of = json_string_value(json_object_get(checkpoint->settings, "of"));
    checkpoint->info = (lam_checkpoint_info){
        .of_fit = of && strcmp(of, "fit") == 0,
        .steps = lam__word_at(counts, LAM__COUNT_STEPS),
        .seed = lam__word_at(counts, LAM__COUNT_SEED),
        .learning_rate = lam__double_at(numbers, LAM__NUMBER_RATE),
        .epochs_done = (size_t)lam__word_at(counts, LAM__COUNT_EPOCH),
        .batches_done = (size_t)lam__word_at(counts, LAM__COUNT_BATCH),
        .samples_done = (size_t)lam__word_at(counts, LAM__COUNT_SAMPLES),
        .monitor = json_string_value(json_object_get(checkpoint->settings, "early_stopping")),
        .best_epoch = (size_t)lam__word_at(counts, LAM__COUNT_BEST_EPOCH),
        .epochs_since_best = (size_t)lam__word_at(counts, LAM__COUNT_WAITED),
        .best = lam__double_at(numbers, LAM__NUMBER_BEST),
    };
    return LAM_OK;
}

/* A double that counts something. */
static size_t as_count(double value)
{
    return value >= 0.0 && value < 9e15 ? (size_t)value : 0;
}

static void set_score(lam_scores *scores, const char *name, double value)
{
    if (strcmp(name, "samples") == 0)
        scores->samples = as_count(value);
    else if (strcmp(name, "loss") == 0)
        scores->loss = value;
    else if (strcmp(name, "data_loss") == 0)
        scores->data_loss = value;
    else if (strcmp(name, "regularization_loss") == 0)
        scores->regularization_loss = value;
    else {
        const lam__metric *metric = lam__table_lookup(&lam__metrics, name);
        if (!metric || scores->metrics == LAM_MAX_METRICS)
            return;
        scores->names[scores->metrics] = metric->name;
        scores->values[scores->metrics++] = value;
    }
}

static void set_figure(lam_epoch *epoch, const char *column, double value)
{
    if (strcmp(column, "epoch") == 0) {
        epoch->epoch = as_count(value);
    } else if (strcmp(column, "learning_rate") == 0) {
        epoch->learning_rate = value;
    } else if (strcmp(column, "seconds") == 0) {
        epoch->seconds = value;
    } else if (strncmp(column, "val_", 4) == 0) {
        epoch->has_validation = true;
        set_score(&epoch->validation, column + 4, value);
    } else {
        set_score(&epoch->train, column, value);
    }
}

static lam_status read_history(const lam__st_file *file, lam_checkpoint *checkpoint)
{
    const json_t *columns = json_object_get(checkpoint->settings, "history");
    const size_t width = json_array_size(columns);
    size_t rows = 0;
    const unsigned char *words = NULL;
    if (checkpoint->info.of_fit) {
        words = find_words(file, LAM__CHECKPOINT_PREFIX "history", LAM__ST_F64, 2, width, &rows);
        if (!words || width == 0)
            return fail_format(file, "its history is malformed");
    }
    checkpoint->history = lam__history_new(rows);
    if (!checkpoint->history)
        return LAM_ERR_MEMORY;
    for (size_t r = 0; r < rows; r++) {
        lam_epoch epoch = {0};
        for (size_t c = 0; c < width; c++) {
            const char *column = json_string_value(json_array_get(columns, c));
            if (column)
                set_figure(&epoch, column, lam__double_at(words, r * width + c));
        }
        LAM__TRY(lam__history_add(checkpoint->history, &epoch));
    }
    return LAM_OK;
}

static lam_status read_checkpoint(const lam__st_file *file, lam_checkpoint *checkpoint)
{
    json_error_t error;
    const char *text = lam__st_metadata(file, LAM__CHECKPOINT_KEY);
    checkpoint->settings = lam__json_parse(text, strlen(text), &error);
    if (!checkpoint->settings && json_error_code(&error) == json_error_out_of_memory)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: %s", file->name);
    const json_t *version = json_object_get(checkpoint->settings, "version");
    if (!json_is_integer(version) || json_integer_value(version) != LAM__CHECKPOINT_VERSION)
        return lam__fail(LAM_ERR_FORMAT, "%s: not version %d of a checkpoint", file->name,
                         LAM__CHECKPOINT_VERSION);
    LAM__TRY(read_info(file, checkpoint));
    return read_history(file, checkpoint);
}

void lam_checkpoint_describe_sized(const lam_checkpoint *checkpoint, lam_checkpoint_info *info,
                                   size_t size)
{
    static const lam_checkpoint_info none = {0};
    if (info)
        lam__write_struct(info, size, checkpoint ? &checkpoint->info : &none, sizeof none);
}

lam_status lam_checkpoint_option(const lam_checkpoint *checkpoint, size_t i, const char **name,
                                 const char **value)
{
    if (!checkpoint || !name || !value)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_checkpoint_option: an argument is NULL");
    json_t *options = json_object_get(checkpoint->settings, "options");
    const char *key;
    json_t *text;
    size_t at = 0;
    json_object_foreach(options, key, text)
    {
        if (at++ < i || !json_is_string(text))
            continue;
        *name = key;
        *value = json_string_value(text);
        return LAM_OK;
    }
    return lam__fail(LAM_ERR_ARGUMENT, "option %zu of a checkpoint that has %zu", i,
                     json_object_size(options));
}

const char *lam_checkpoint_made_by(const lam_checkpoint *checkpoint, const char *key)
{
    if (!checkpoint || !key)
        return NULL;
    return json_string_value(
        json_object_get(json_object_get(checkpoint->settings, "made_by"), key));
}

static void close_settings(lam_checkpoint *checkpoint)
{
    json_decref(checkpoint->settings);
}
#else
static lam_status read_checkpoint(const lam__st_file *file, lam_checkpoint *checkpoint)
{
    (void)file, (void)checkpoint;
    return LAM_ERR_UNSUPPORTED; /* no file is parsed without JSON */
}

void lam_checkpoint_describe_sized(const lam_checkpoint *checkpoint, lam_checkpoint_info *info,
                                   size_t size)
{
    (void)checkpoint;
    if (info)
        memset(info, 0, size);
}

lam_status lam_checkpoint_option(const lam_checkpoint *checkpoint, size_t i, const char **name,
                                 const char **value)
{
    (void)checkpoint, (void)i, (void)name, (void)value;
    return lam__fail(LAM_ERR_UNSUPPORTED, "this build of Lamina has no checkpoints: it has no JSON "
                                          "library (Jansson)");
}

const char *lam_checkpoint_made_by(const lam_checkpoint *checkpoint, const char *key)
{
    (void)checkpoint, (void)key;
    return NULL;
}

static void close_settings(lam_checkpoint *checkpoint)
{
    (void)checkpoint;
}
#endif

/* Everything but weights and moments. */
static bool is_small(const char *name)
{
    return strcmp(name, LAM__CHECKPOINT_PREFIX "counts") == 0 ||
           strcmp(name, LAM__CHECKPOINT_PREFIX "numbers") == 0 ||
           strcmp(name, LAM__CHECKPOINT_PREFIX "history") == 0;
}

/* The checkpoint that an open file is; `status` is that of checks made before. */
static lam_checkpoint *view(const lam__st_file *file, lam_status status)
{
    lam_checkpoint *checkpoint = NULL;
    if (status == LAM_OK && !lam__st_metadata(file, LAM__CHECKPOINT_KEY))
        status = lam__fail(LAM_ERR_STATE, "%s: not a checkpoint", file->name);
    if (status == LAM_OK &&
        !(checkpoint = lam__allocate_zero(1, sizeof *checkpoint, "a checkpoint")))
        status = LAM_ERR_MEMORY;
    if (status == LAM_OK)
        status = read_checkpoint(file, checkpoint);
    if (status == LAM_OK)
        return checkpoint;
    lam_checkpoint_free(checkpoint);
    return NULL;
}

lam_checkpoint *lam__checkpoint_parse(const void *bytes, size_t size, const char *name,
                                      bool checked)
{
    lam__st_file file;
    lam_status status = LAM_OK;
    if (lam__st_parse(bytes, size, name, &file) != LAM_OK)
        return NULL;
    if (checked && lam__st_metadata(&file, LAM__CHECKPOINT_KEY))
        status = lam__checkpoint_check_crc(bytes, size, name);
    lam_checkpoint *checkpoint = view(&file, status);
    lam__st_close(&file);
    return checkpoint;
}

lam_checkpoint *lam_checkpoint_peek(const char *path)
{
    lam__st_file file;
    if (!path) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_checkpoint_peek: path is NULL");
        return NULL;
    }
    if (lam__st_open(path, is_small, &file) != LAM_OK)
        return NULL;
    lam_checkpoint *checkpoint = view(&file, LAM_OK);
    lam__st_close(&file);
    return checkpoint;
}

/* Whether its header is that of a checkpoint: a large model is not read to find that it is not one.
 */
static lam_status check_header(const char *path)
{
    lam__st_file file;
    LAM__TRY(lam__st_open(path, NULL, &file));
    const bool checkpoint = lam__st_metadata(&file, LAM__CHECKPOINT_KEY) != NULL;
    lam__st_close(&file);
    return checkpoint ? LAM_OK : lam__fail(LAM_ERR_STATE, "%s: not a checkpoint", path);
}

lam_checkpoint *lam_checkpoint_open(const char *path)
{
    unsigned char *bytes;
    size_t size;
    if (!path) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_checkpoint_open: path is NULL");
        return NULL;
    }
    if (check_header(path) != LAM_OK || lam__file_read_all(path, SIZE_MAX, &bytes, &size) != LAM_OK)
        return NULL;
    lam_checkpoint *checkpoint = lam__checkpoint_parse(bytes, size, path, true);
    lam__release(bytes);
    return checkpoint;
}

const lam_history *lam_checkpoint_history(const lam_checkpoint *checkpoint)
{
    return checkpoint ? checkpoint->history : NULL;
}

void lam_checkpoint_free(lam_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    close_settings(checkpoint);
    lam_history_free(checkpoint->history);
    lam__release(checkpoint);
}
