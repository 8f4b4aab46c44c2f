/* dataset.c: samples and targets in memory. */
#include <lamina/dataset.h>
#include <lamina/images.h>

#include <string.h>

#include "base/error.h"
#include "base/finite.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/source.h"

size_t lam__dtype_size(lam_dtype dtype)
{
    return dtype == LAM_UINT8 ? sizeof(uint8_t) : sizeof(float);
}

lam_dataset *lam__dataset_adopt(void *x, lam_dtype dtype, size_t samples, size_t features)
{
    lam_dataset *dataset = lam__allocate_zero(1, sizeof *dataset, "a dataset");
    if (!dataset) {
        lam__release(x);
        return NULL;
    }
    dataset->ops = &lam__memory_source;
    dataset->samples = samples;
    dataset->features = features;
    dataset->dtype = dtype;
    dataset->x = dataset->owned_x = x;
    return dataset;
}

lam_dataset *lam_dataset_new(const void *x, lam_dtype type, size_t samples, size_t features,
                             lam_ownership ownership)
{
    size_t values, bytes;
    if (!x || samples == 0 || features == 0) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_new: %s",
                  !x             ? "x is NULL"
                  : samples == 0 ? "0 samples"
                                 : "0 features");
        return NULL;
    }
    if ((type != LAM_FLOAT32 && type != LAM_UINT8) ||
        (ownership != LAM_COPY && ownership != LAM_BORROW)) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_new: unknown type %d or ownership %d", (int)type,
                  (int)ownership);
        return NULL;
    }
    if (!lam__multiply(samples, features, &values) ||
        !lam__multiply(values, lam__dtype_size(type), &bytes)) {
        lam__fail(LAM_ERR_ARGUMENT,
                  "lam_dataset_new: %zu samples of %zu features do not fit in memory", samples,
                  features);
        return NULL;
    }
    if (ownership == LAM_BORROW) {
        lam_dataset *dataset = lam__dataset_adopt(NULL, type, samples, features);
        if (dataset)
            dataset->x = x;
        return dataset;
    }
    void *copy = lam__allocate(bytes, 1, "the samples of a dataset");
    if (!copy)
        return NULL;
    memcpy(copy, x, bytes);
    return lam__dataset_adopt(copy, type, samples, features);
}

static void release_class_names(lam_dataset *dataset)
{
    for (size_t i = 0; i < dataset->class_name_count; i++)
        lam__release(dataset->class_names[i]);
    lam__release(dataset->class_names);
    dataset->class_names = NULL;
    dataset->class_name_count = 0;
}

/* Puts new targets, one of the two, in the place of the old ones. Names stay while they fit. */
static void replace_targets(lam_dataset *dataset, int32_t *labels, size_t classes, float *targets,
                            size_t outputs)
{
    lam__release(dataset->labels);
    lam__release(dataset->targets);
    dataset->labels = labels;
    dataset->classes = classes;
    dataset->targets = targets;
    dataset->outputs = outputs;
    if (dataset->class_name_count != classes + outputs)
        release_class_names(dataset);
}

lam_status lam_dataset_set_classes(lam_dataset *dataset, const int32_t *labels, size_t classes)
{
    if (!dataset || !labels || classes == 0 || classes > INT32_MAX)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_set_classes: %s is %s (%zu classes)",
                         !dataset  ? "dataset"
                         : !labels ? "labels"
                                   : "classes",
                         !dataset || !labels ? "NULL" : "out of range", classes);
    for (size_t i = 0; i < dataset->samples; i++)
        if (labels[i] < 0 || (size_t)labels[i] >= classes)
            return lam__fail(LAM_ERR_ARGUMENT, "label %d of sample %zu is not in 0..%zu",
                             (int)labels[i], i, classes - 1);
    int32_t *copy = lam__allocate(dataset->samples, sizeof *copy, "the labels of a dataset");
    if (!copy)
        return LAM_ERR_MEMORY;
    memcpy(copy, labels, dataset->samples * sizeof *copy);
    replace_targets(dataset, copy, classes, NULL, 0);
    return LAM_OK;
}

lam_status lam_dataset_set_targets(lam_dataset *dataset, const float *y, size_t outputs)
{
    size_t count;
    if (!dataset || !y || outputs == 0)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_set_targets: %s",
                         !dataset ? "dataset is NULL"
                         : !y     ? "y is NULL"
                                  : "0 outputs");
    if (!lam__multiply(dataset->samples, outputs, &count))
        return lam__fail(LAM_ERR_ARGUMENT,
                         "lam_dataset_set_targets: %zu samples of %zu outputs do not fit in "
                         "memory",
                         dataset->samples, outputs);
    const size_t bad = lam__first_not_finite(y, count);
    if (bad < count)
        return lam__fail(LAM_ERR_NUMERIC, "target %zu of sample %zu is not a finite number",
                         bad % outputs, bad / outputs);
    float *copy = lam__allocate(count, sizeof *copy, "the targets of a dataset");
    if (!copy)
        return LAM_ERR_MEMORY;
    memcpy(copy, y, count * sizeof *copy);
    replace_targets(dataset, NULL, 0, copy, outputs);
    return LAM_OK;
}

lam_status lam_dataset_set_class_names(lam_dataset *dataset, const char *const *names, size_t count)
{
    if (!dataset || !names)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_set_class_names: %s is NULL",
                         dataset ? "names" : "dataset");
    for (size_t i = 0; i < count; i++)
        if (!names[i])
            return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_set_class_names: name %zu is NULL", i);
    size_t expected = dataset->labels ? dataset->classes : dataset->outputs;
    if (count != expected || count == 0)
        return lam__fail(LAM_ERR_SHAPE, "%zu class names for a dataset with %zu classes", count,
                         expected);
    char **copy = lam__allocate_zero(count, sizeof *copy, "class names");
    if (!copy)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        copy[i] = lam__copy_string(names[i]);
        if (!copy[i]) {
            while (i-- > 0)
                lam__release(copy[i]);
            lam__release(copy);
            return LAM_ERR_MEMORY;
        }
    }
    release_class_names(dataset);
    dataset->class_names = copy;
    dataset->class_name_count = count;
    return LAM_OK;
}

lam_status lam__dataset_set_skipped(lam_dataset *dataset, const char *const *messages, size_t count)
{
    if (count == 0)
        return LAM_OK;
    dataset->skipped = lam__allocate_zero(count, sizeof *dataset->skipped, "skipped files");
    if (!dataset->skipped)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        dataset->skipped[i] = lam__copy_string(messages[i]);
        if (!dataset->skipped[i])
            return LAM_ERR_MEMORY;
        dataset->skipped_count++;
    }
    return LAM_OK;
}

size_t lam_dataset_skipped(const lam_dataset *dataset)
{
    return dataset ? dataset->skipped_count : 0;
}

const char *lam_dataset_skipped_file(const lam_dataset *dataset, size_t i)
{
    return dataset && i < dataset->skipped_count ? dataset->skipped[i] : NULL;
}

size_t lam_dataset_samples(const lam_dataset *dataset)
{
    return dataset ? dataset->samples : 0;
}

size_t lam_dataset_features(const lam_dataset *dataset)
{
    return dataset ? dataset->features : 0;
}

size_t lam_dataset_classes(const lam_dataset *dataset)
{
    return dataset && dataset->labels ? dataset->classes : 0;
}

size_t lam_dataset_outputs(const lam_dataset *dataset)
{
    return dataset && dataset->targets ? dataset->outputs : 0;
}

lam_dtype lam_dataset_dtype(const lam_dataset *dataset)
{
    return dataset ? dataset->dtype : LAM_FLOAT32;
}

const char *lam_dataset_class_name(const lam_dataset *dataset, size_t i)
{
    return dataset && i < dataset->class_name_count ? dataset->class_names[i] : NULL;
}

int32_t lam_dataset_class(const lam_dataset *dataset, size_t i)
{
    return dataset && dataset->labels && i < dataset->samples ? dataset->labels[i] : -1;
}

lam_status lam_dataset_sample(const lam_dataset *dataset, size_t i, float *x)
{
    if (!dataset || !x)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_sample: %s is NULL",
                         dataset ? "x" : "dataset");
    if (i >= dataset->samples)
        return lam__fail(LAM_ERR_ARGUMENT, "sample %zu of a dataset with %zu samples", i,
                         dataset->samples);
    return lam__source_read(dataset, i, 1, x);
}

lam_status lam_dataset_target(const lam_dataset *dataset, size_t i, float *y)
{
    if (!dataset || !y)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_target: %s is NULL",
                         dataset ? "y" : "dataset");
    if (!dataset->targets)
        return lam__fail(LAM_ERR_STATE, "the targets of this dataset are %s, not rows",
                         dataset->labels ? "class numbers" : "missing");
    if (i >= dataset->samples)
        return lam__fail(LAM_ERR_ARGUMENT, "target %zu of a dataset with %zu samples", i,
                         dataset->samples);
    memcpy(y, dataset->targets + i * dataset->outputs, dataset->outputs * sizeof *y);
    return LAM_OK;
}

void lam_dataset_input_sized(const lam_dataset *dataset, lam_input_info *info, size_t size)
{
    static const lam__input none = {.kind = LAM_INPUT_VALUES};
    if (info)
        lam__input_describe(dataset ? &dataset->input : &none, info, size);
}

lam_status lam_dataset_column_sized(const lam_dataset *dataset, size_t i, lam_column_info *info,
                                    size_t size)
{
    if (!dataset || !info)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_column: dataset or info is NULL");
    return lam__input_column(&dataset->input, i, info, size);
}

lam_status lam_dataset_set_image(lam_dataset *dataset, size_t width, size_t height, size_t channels)
{
    if (!dataset)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_set_image: dataset is NULL");
    lam__input image = {.kind = LAM_INPUT_VALUES};
    LAM__TRY(lam__input_set_image(&image, width, height, channels, false));
    if (lam__input_features(&image) != dataset->features)
        return lam__fail(LAM_ERR_SHAPE,
                         "images of %zu x %zu pixels with %zu channel%s have %zu values, the "
                         "samples %zu",
                         width, height, channels, channels == 1 ? "" : "s",
                         lam__input_features(&image), dataset->features);
    lam__input_clear(&dataset->input);
    dataset->input = image;
    return LAM_OK;
}

void lam_dataset_free(lam_dataset *dataset)
{
    if (!dataset)
        return;
    if (dataset->ops->release)
        dataset->ops->release(dataset);
    release_class_names(dataset);
    for (size_t i = 0; i < dataset->skipped_count; i++)
        lam__release(dataset->skipped[i]);
    lam__release(dataset->skipped);
    lam__input_clear(&dataset->input);
    lam__release(dataset->labels);
    lam__release(dataset->targets);
    lam__release(dataset->owned_x);
    lam__release(dataset);
}
