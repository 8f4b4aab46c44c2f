/* named_arrays.c: named arrays as samples and targets. */
#include "data/readers/arrays/named_arrays.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/memory.h"
#include "data/readers/arrays/idx.h"
#include "data/readers/csv/tabular.h"
#include "model/network.h"
#include "options/load_options.h"

static const char *const sample_names[] = {"x",      "data",    "images", "features",
                                           "inputs", "samples", "arr_0",  NULL};
static const char *const target_names[] = {"y",      "target",  "targets", "label",
                                           "labels", "classes", "arr_1",   NULL};

static bool same_word(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && lam__same_letters(a, b, strlen(a));
}

/* Whether a name is the word with `part` ("train", "test" or NULL) as the rules say. */
static bool is_called(const char *name, const char *word, const char *part)
{
    char before[64], behind[64];
    snprintf(before, sizeof before, "%s%s%s", part ? part : "", part ? "_" : "", word);
    snprintf(behind, sizeof behind, "%s%s%s", word, part ? "_" : "", part ? part : "");
    return same_word(name, before) || same_word(name, behind);
}

static bool is_one_of(const char *name, const char *const *words, const char *part)
{
    for (size_t w = 0; words[w]; w++)
        if (is_called(name, words[w], part))
            return true;
    return false;
}

unsigned lam__array_meaning(const char *name)
{
    unsigned meaning = is_one_of(name, sample_names, NULL) ? LAM__ARRAY_SAMPLES : 0;
    if (is_one_of(name, sample_names, "train"))
        meaning |= LAM__ARRAY_SAMPLES | LAM__ARRAY_TRAIN;
    if (is_one_of(name, sample_names, "test"))
        meaning |= LAM__ARRAY_SAMPLES | LAM__ARRAY_TEST;
    if (is_one_of(name, target_names, "test"))
        meaning |= LAM__ARRAY_TEST_TARGETS;
    return meaning;
}

/* The array called by the first of the words that there is. */
static size_t find(const lam__arrays *arrays, const char *const *words, const char *part)
{
    for (size_t w = 0; words[w]; w++)
        for (size_t i = 0; i < arrays->count; i++)
            if (is_called(arrays->names[i], words[w], part))
                return i;
    return SIZE_MAX;
}

/* "a, b, c" of the names, cut where there are many. */
static void list_names(const lam__arrays *arrays, char *text, size_t size)
{
    int at = snprintf(text, size, "%s", arrays->count == 0 ? "none" : "");
    for (size_t i = 0; i < arrays->count && at >= 0 && (size_t)at < size; i++)
        at += snprintf(text + at, size - (size_t)at, "%s%s", i > 0 ? ", " : "", arrays->names[i]);
}

/* The array that option target names. */
static lam_status find_named_target(const lam__arrays *arrays, const char *name, size_t *target)
{
    char known[256];
    for (*target = 0; *target < arrays->count; ++*target)
        if (strcmp(arrays->names[*target], name) == 0)
            return LAM_OK;
    list_names(arrays, known, sizeof known);
    return lam__fail(LAM_ERR_ARGUMENT, "%s: target: there is no array '%.60s'; there are %s",
                     arrays->path, name, known);
}

/* Which arrays are samples and targets of the split; *y is SIZE_MAX where there are no targets. */
static lam_status choose(const lam__arrays *arrays, lam_split split,
                         const lam_load_options *options, size_t *x, size_t *y)
{
    unsigned meaning = 0;
    for (size_t i = 0; i < arrays->count; i++)
        meaning |= lam__array_meaning(arrays->names[i]);
    const bool own = (meaning & LAM__ARRAY_SPLITS) == LAM__ARRAY_SPLITS;
    const char *part = own && split == LAM_SPLIT_TEST ? "test" : "train";
    char known[256];
    *x = find(arrays, sample_names, part);
    *y = find(arrays, target_names, part);
    if (*x == SIZE_MAX) {
        *x = find(arrays, sample_names, NULL);
        *y = find(arrays, target_names, NULL);
    }
    if (*x == SIZE_MAX) {
        *x = find(arrays, sample_names, "test");
        *y = find(arrays, target_names, "test");
    }
    if (options->target && options->target[0] != '\0')
        LAM__TRY(find_named_target(arrays, options->target, y));
    else if (options->target)
        *y = SIZE_MAX;
    if (*x == SIZE_MAX && arrays->count == 1)
        *x = 0;
    if (*x == SIZE_MAX && arrays->count == 2 && *y < 2)
        *x = 1 - *y; /* the other one */
    if (*x != SIZE_MAX && *x != *y)
        return LAM_OK;
    list_names(arrays, known, sizeof known);
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: no array is named as samples: expected x, data, images, features, "
                     "inputs or samples, maybe with _train or _test; there are %s",
                     arrays->path, known);
}

lam_status lam__npy_dataset(lam__npy *npy, const char *path, const lam_load_options *options,
                            lam_dataset **dataset)
{
    lam__idx idx = {.dtype = npy->dtype,
                    .rank = (unsigned)npy->rank,
                    .total = npy->total,
                    .samples = npy->samples,
                    .features = npy->features,
                    .values = npy->values,
                    .file = npy->file[0] ? npy->file : NULL,
                    .offset = npy->offset,
                    .type = npy->type};
    for (size_t i = 0; i < sizeof idx.sides / sizeof *idx.sides && i + 1 < npy->rank; i++)
        idx.sides[i] = npy->shape[i + 1];
    if (npy->type.kind == LAM__NPY_BOOL)
        idx.rank = 2; /* no images */
    npy->values = NULL;
    const lam_status status = lam__idx_dataset(&idx, path, options, dataset);
    lam__release(idx.values);
    return status;
}

/* Values as floats, whatever they are in memory. */
static float value_at(const lam__npy *npy, size_t i)
{
    return npy->dtype == LAM_UINT8 ? ((const uint8_t *)npy->values)[i]
                                   : ((const float *)npy->values)[i];
}

/* Whether the targets are class numbers: *classes is then 1 + the largest. */
static bool are_labels(const lam__npy *npy, const char *task, size_t *classes)
{
    const bool asked = strcmp(task, "classification") == 0;
    float most = 0.0f;
    if (npy->features != 1 || strcmp(task, "regression") == 0 ||
        (!asked && npy->type.kind == LAM__NPY_FLOAT))
        return false;
    for (size_t i = 0; i < npy->samples; i++) {
        const float value = value_at(npy, i);
        if (value < 0.0f || value >= (float)LAM__MOST_CLASSES || value != truncf(value))
            return false;
        most = value > most ? value : most;
    }
    *classes = (size_t)most + 1;
    return asked || *classes <= LAM__FEW_CLASSES || *classes <= npy->samples / 2;
}

static lam_status set_labels(const lam__npy *npy, const char *path, size_t classes,
                             const lam_load_options *options, lam_dataset *dataset)
{
    const lam_model *like = options->like;
    const size_t known = like ? lam_model_outputs(like) : 0;
    if (known > 1 && classes > known)
        return lam__fail(LAM_ERR_FORMAT, "%s: class %zu, but the model has %zu", path, classes - 1,
                         known);
    if (classes == 1 && !like)
        return lam__fail(
            LAM_ERR_FORMAT,
            "%s: all %zu targets are class 0: with one class there is nothing to learn", path,
            npy->samples);
    if (known > classes)
        classes = known;
    int32_t *labels = lam__allocate(npy->samples, sizeof *labels, "labels");
    if (!labels)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < npy->samples; i++)
        labels[i] = (int32_t)value_at(npy, i);
    lam_status status = lam_dataset_set_classes(dataset, labels, classes);
    lam__release(labels);
    if (status == LAM_OK && like && like->class_count == classes)
        status =
            lam_dataset_set_class_names(dataset, (const char *const *)like->class_names, classes);
    return status;
}

static lam_status set_values(const lam__npy *npy, lam_dataset *dataset)
{
    if (npy->dtype == LAM_FLOAT32)
        return lam_dataset_set_targets(dataset, npy->values, npy->features);
    const size_t count = npy->samples * npy->features;
    float *y = lam__allocate(count, sizeof *y, "targets");
    if (!y)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        y[i] = value_at(npy, i);
    const lam_status status = lam_dataset_set_targets(dataset, y, npy->features);
    lam__release(y);
    return status;
}

static lam_status set_targets(const lam__npy *npy, const char *path,
                              const lam_load_options *options, lam_dataset *dataset)
{
    size_t classes;
    if (are_labels(npy, options->task, &classes))
        return set_labels(npy, path, classes, options, dataset);
    if (strcmp(options->task, "classification") == 0)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: task is classification, but the targets are not class numbers: "
                         "expected one whole number from 0 to %d per sample, not %zu value%s",
                         path, LAM__MOST_CLASSES - 1, npy->features, npy->features == 1 ? "" : "s");
    return set_values(npy, dataset);
}

lam_status lam__arrays_load(const lam__arrays *arrays, lam_split split,
                            const lam_load_options *options, lam_dataset **dataset)
{
    size_t x, y;
    lam__npy samples = {.values = NULL}, targets = {.values = NULL};
    LAM__TRY(choose(arrays, split, options, &x, &y));
    if (y == SIZE_MAX && strcmp(options->task, "auto") != 0)
        return lam__fail(LAM_ERR_ARGUMENT, "task has no effect on '%.200s': no array has targets",
                         arrays->path);
    lam_status status = LAM_OK;
    lam__arrays places = *arrays;
    places.memory = UINT64_MAX; /* targets are always needed */
    if (y != SIZE_MAX)
        status = places.read(&places, y, options->limit, &targets);
    places.memory = lam__load_memory(options);
    if (status == LAM_OK)
        status = places.read(&places, x, options->limit, &samples);
    if (status == LAM_OK && y != SIZE_MAX && samples.total != targets.total)
        status = lam__fail(LAM_ERR_FORMAT, "%s: %s has %zu samples, but %s has %zu targets",
                           arrays->path, arrays->names[x], samples.total, arrays->names[y],
                           targets.total);
    if (status == LAM_OK)
        status = lam__npy_dataset(&samples, arrays->path, options, dataset);
    if (status == LAM_OK && y != SIZE_MAX)
        status = set_targets(&targets, arrays->path, options, *dataset);
    lam__release(samples.values);
    lam__release(targets.values);
    return status;
}
