/* batches.c: the batches of a dataset, one after another, for one's own loop. */
#include <lamina/batches.h>

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "data/order.h"

struct lam_batches {
    const lam_dataset *dataset;
    lam_batches_options options;
    size_t epoch, at; /* epochs begun; samples of the latest given out */
    const uint32_t *index;
    uint32_t *order;  /* [samples] */
    float *x;         /* [batch_size][features] */
    int32_t *classes; /* [batch_size], or NULL */
    float *targets;   /* [batch_size][outputs], or NULL */
};

void lam_batches_options_init(lam_batches_options *options, size_t size)
{
    lam_batches_options own = {.batch_size = 128, .epochs = 1, .shuffle = true, .seed = 1};
    lam__write_options(options, size, &own, sizeof own);
}

static lam_status allocate(lam_batches *batches)
{
    const lam_dataset *dataset = batches->dataset;
    const size_t rows = batches->options.batch_size;
    size_t values, outputs = 0;
    if (!lam__multiply(rows, dataset->features, &values) ||
        !lam__multiply(rows, dataset->outputs, &outputs))
        return lam__fail_memory(SIZE_MAX, "a batch");
    batches->order = lam__allocate(dataset->samples, sizeof *batches->order, "order of rows");
    batches->x = lam__allocate(values, sizeof *batches->x, "a batch");
    if (dataset->labels)
        batches->classes = lam__allocate(rows, sizeof *batches->classes, "a batch");
    if (dataset->targets)
        batches->targets = lam__allocate(outputs, sizeof *batches->targets, "a batch");
    const bool done = batches->order && batches->x && (!dataset->labels || batches->classes) &&
                      (!dataset->targets || batches->targets);
    return done ? LAM_OK : LAM_ERR_MEMORY;
}

lam_batches *lam_batches_new(const lam_dataset *dataset, const lam_batches_options *options)
{
    const lam_batches_options defaults = lam_batches_options_default();
    lam_batches_options own = defaults;
    if (lam__read_options(&own, sizeof own, options, "lam_batches_options") != LAM_OK)
        return NULL;
    options = &own;
    if (!dataset || options->batch_size == 0 || dataset->samples > UINT32_MAX) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_batches_new: %s",
                  !dataset                   ? "dataset is NULL"
                  : options->batch_size == 0 ? "batch_size is 0"
                                             : "too many samples");
        return NULL;
    }
    /* 0 is what a struct that was not filled by the defaults has */
    if (!options->shuffle && options->seed != defaults.seed && options->seed != 0) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_batches_new: seed has no effect without shuffle");
        return NULL;
    }
    lam_batches *batches = lam__allocate_zero(1, sizeof *batches, "batches");
    if (!batches)
        return NULL;
    batches->dataset = dataset;
    batches->options = *options;
    if (batches->options.batch_size > dataset->samples)
        batches->options.batch_size = dataset->samples;
    batches->at = dataset->samples;
    if (allocate(batches) != LAM_OK) {
        lam_batches_free(batches);
        return NULL;
    }
    return batches;
}

/* Classes and targets of the rows. */
static void gather_targets(lam_batches *batches, size_t rows)
{
    const lam_dataset *dataset = batches->dataset;
    const size_t outputs = dataset->outputs;
    for (size_t r = 0; r < rows; r++) {
        const size_t from = batches->index[r];
        if (batches->classes)
            batches->classes[r] = dataset->labels[from];
        if (batches->targets)
            memcpy(batches->targets + r * outputs, dataset->targets + from * outputs,
                   outputs * sizeof *batches->targets);
    }
}

/* Goes on to the next batch: its rows, 0 after the last epoch. */
static lam_status next_rows(lam_batches *batches, size_t *found)
{
    static const lam__transform none = {.kind = LAM_TRANSFORM_NONE, .scale = 1.0f};
    const lam_dataset *dataset = batches->dataset;
    const lam_batches_options *options = &batches->options;
    const size_t samples = dataset->samples;
    if (batches->at == samples) {
        if (options->epochs > 0 && batches->epoch == options->epochs)
            return LAM_OK;
        lam__order_rows(dataset, NULL, samples, options->shuffle, options->seed, batches->epoch,
                        batches->order);
        batches->epoch++;
        batches->at = 0;
    }
    const size_t at = batches->at, left = samples - at;
    const size_t rows = left < options->batch_size ? left : options->batch_size;
    batches->at += rows;
    batches->index = batches->order + at;
    LAM__TRY(lam__source_prepare(dataset, batches->order, samples, at, rows));
    dataset->ops->gather(dataset, batches->index, 0, rows, &none, batches->x, dataset->features);
    LAM__TRY(lam__source_trouble(dataset));
    gather_targets(batches, rows);
    *found = rows;
    return LAM_OK;
}

lam_status lam_batches_next_sized(lam_batches *batches, lam_batch *batch, size_t size)
{
    lam_batch own = {.rows = 0};
    if (!batches || !batch)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_batches_next: %s is NULL",
                         batches ? "batch" : "batches");
    const lam_status status = next_rows(batches, &own.rows);
    if (own.rows > 0) {
        own.x = batches->x;
        own.classes = batches->classes;
        own.targets = batches->targets;
    }
    lam__write_struct(batch, size, &own, sizeof own);
    return status;
}

const uint32_t *lam_batches_index(const lam_batches *batches)
{
    return batches ? batches->index : NULL;
}

size_t lam_batches_epoch(const lam_batches *batches)
{
    return batches ? batches->epoch : 0;
}

void lam_batches_free(lam_batches *batches)
{
    if (!batches)
        return;
    lam__release(batches->order);
    lam__release(batches->x);
    lam__release(batches->classes);
    lam__release(batches->targets);
    lam__release(batches);
}
