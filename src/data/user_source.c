/* user_source.c: datasets of samples that a function of the program delivers. */
#include <lamina/source.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "data/dataset_parts.h"
#include "data/row_stream.h"
#include "data/source.h"

/* Targets that are asked for at a time. */
enum { TARGETS_AT_ONCE = 4096 };

typedef struct user_source {
    lam_source source;
    size_t next; /* with a window: the sample after the last one read */
} user_source;

static lam_status ask(const lam_source *source, size_t first, size_t rows, void *x,
                      int32_t *classes, float *targets)
{
    const int result = source->read(first, rows, x, classes, targets, source->user);
    return result == 0 ? LAM_OK
                       : lam__fail(LAM_ERR_IO,
                                   "reading samples %zu to %zu of the source failed: it "
                                   "returned %d",
                                   first, first + rows - 1, result);
}

/* A source that goes from front to back is brought to `first` by reading what is before it. */
static lam_status go_to(user_source *own, size_t first, void *x)
{
    if (first < own->next)
        own->next = 0;
    while (own->next < first) {
        const size_t left = first - own->next;
        const size_t rows = left < own->source.window ? left : own->source.window;
        LAM__TRY(ask(&own->source, own->next, rows, x, NULL, NULL));
        own->next += rows;
    }
    return LAM_OK;
}

/* x has room for a window, and every call but that for the last one is for a whole one. */
static lam_status read_rows(void *context, size_t first, size_t rows, void *x)
{
    user_source *own = context;
    if (own->source.window > 0)
        LAM__TRY(go_to(own, first, x));
    const lam_status status = ask(&own->source, first, rows, x, NULL, NULL);
    own->next = status == LAM_OK ? first + rows : 0;
    return status;
}

static void close_source(void *context)
{
    user_source *own = context;
    if (own->source.release)
        own->source.release(own->source.user);
    lam__release(own);
}

static lam_status check(const lam_source *source)
{
    if (!source || !source->read)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_from_source: %s is NULL",
                         source ? "its function read" : "source");
    if (source->samples == 0 || source->samples > UINT32_MAX || source->features == 0 ||
        source->features > SIZE_MAX / sizeof(float) / source->samples)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "lam_dataset_from_source: %zu samples of %zu features: at least 1 of each "
                         "and at most %lu samples",
                         source->samples, source->features, (unsigned long)UINT32_MAX);
    if (source->dtype != LAM_FLOAT32 && source->dtype != LAM_UINT8)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_from_source: unknown type %d",
                         (int)source->dtype);
    if (source->classes > 0 && source->outputs > 0)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_from_source: targets are class numbers or "
                                           "rows of floats, not both");
    return LAM_OK;
}

/* Reads all targets and gives them to the dataset, which checks them. */
static lam_status take_targets(const lam_source *source, lam_dataset *dataset)
{
    const size_t samples = source->samples, outputs = source->outputs;
    if (source->classes == 0 && outputs == 0)
        return LAM_OK;
    const size_t at_once =
        source->window > 0 && source->window < TARGETS_AT_ONCE ? source->window : TARGETS_AT_ONCE;
    int32_t *classes = outputs ? NULL : lam__allocate(samples, sizeof *classes, "class numbers");
    float *targets = outputs ? lam__allocate(samples, outputs * sizeof *targets, "targets") : NULL;
    lam_status status = classes || targets ? LAM_OK : LAM_ERR_MEMORY;
    for (size_t first = 0; first < samples && status == LAM_OK; first += at_once)
        status = ask(source, first, samples - first < at_once ? samples - first : at_once, NULL,
                     classes ? classes + first : NULL, targets ? targets + first * outputs : NULL);
    if (status == LAM_OK)
        status = classes ? lam_dataset_set_classes(dataset, classes, source->classes)
                         : lam_dataset_set_targets(dataset, targets, outputs);
    lam__release(classes);
    lam__release(targets);
    return status;
}

lam_dataset *lam_dataset_from_source_sized(const lam_source *given, size_t size)
{
    lam_source source_read = {0};
    const lam_source *source = given ? &source_read : NULL;
    lam_dataset *dataset = NULL;
    if (given &&
        lam__read_struct(&source_read, sizeof source_read, given, size, "lam_source") != LAM_OK)
        return NULL;
    if (check(source) != LAM_OK)
        return NULL;
    user_source *own = lam__allocate_zero(1, sizeof *own, "a source of samples");
    if (!own) {
        if (source->release)
            source->release(source->user);
        return NULL;
    }
    own->source = *source;
    if (own->source.window > source->samples)
        own->source.window = source->samples;
    const lam__reader reader = {.read = read_rows, .close = close_source, .context = own};
    lam_status status = lam__row_stream_open(&reader, source->dtype, source->samples,
                                             source->features, own->source.window, &dataset);
    if (status == LAM_OK)
        status = take_targets(source, dataset);
    if (status == LAM_OK)
        return dataset;
    lam_dataset_free(dataset);
    return NULL;
}
