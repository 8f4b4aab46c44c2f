/* synthetic.c: small generated sets: spiral, vertical, sine. */
#include <math.h>
#include <string.h>

#include <lamina/dataset.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "data/dataset_parts.h"
#include "data/readers/data_formats.h"

static const double pi = 3.14159265358979323846;

/* Fills in sample `i`: x[features], and its class or its target row. */
typedef void make_sample(size_t i, size_t samples, size_t classes, lam_split split,
                         lam__stream *stream, float *x, float *target);

/* The class of sample i: classes take turns, so shares are equal and any run of samples is mixed.
 */
static size_t class_of(size_t i, size_t classes)
{
    return i % classes;
}

/* Sample i's place among the samples of its class, 0..1. */
static double place_in_class(size_t i, size_t samples, size_t classes)
{
    const size_t class = class_of(i, classes), count = (samples - class + classes - 1) / classes;
    const size_t before = i / classes;
    return count > 1 ? (double)before / (double)(count - 1) : 0.0;
}

/* Radius r in 0..1; angle 2.5 t, t = 4 class + 4 r + 0.2 normal. */
static void make_spiral(size_t i, size_t samples, size_t classes, lam_split split,
                        lam__stream *stream, float *x, float *target)
{
    (void)split, (void)target;
    double r = place_in_class(i, samples, classes);
    double t = 4 * ((double)class_of(i, classes) + r) + 0.2 * lam__next_normal(stream);
    x[0] = (float)(r * sin(2.5 * t));
    x[1] = (float)(r * cos(2.5 * t));
}

/* Normal with deviation 0.1 around (class / 3, 1 / 2). */
static void make_vertical(size_t i, size_t samples, size_t classes, lam_split split,
                          lam__stream *stream, float *x, float *target)
{
    (void)samples, (void)split, (void)target;
    x[0] = (float)(0.1 * lam__next_normal(stream) + (double)class_of(i, classes) / 3);
    x[1] = (float)(0.1 * lam__next_normal(stream) + 0.5);
}

/* x = i / samples; the test split lies half-way between. */
static void make_sine(size_t i, size_t samples, size_t classes, lam_split split,
                      lam__stream *stream, float *x, float *target)
{
    (void)classes, (void)stream;
    double at = ((double)i + (split == LAM_SPLIT_TEST ? 0.5 : 0.0)) / (double)samples;
    x[0] = (float)at;
    target[0] = (float)sin(2 * pi * at);
}

static const struct kind {
    const char *name;
    size_t features, classes, outputs; /* classes: the default, 0 = regression */
    size_t samples;                    /* the default, per class */
    make_sample *make;
} toys[LAM__SYNTHETIC_KINDS] = {
    [LAM__SPIRAL] = {"spiral", 2, 3, 0, 1000, make_spiral},
    [LAM__VERTICAL] = {"vertical", 2, 3, 0, 1000, make_vertical},
    [LAM__SINE] = {"sine", 1, 0, 1, 1000, make_sine},
};

lam__synthetic lam__synthetic_named(const char *name)
{
    for (int i = 0; i < LAM__SYNTHETIC_KINDS; i++)
        if (strcmp(name, toys[i].name) == 0)
            return (lam__synthetic)i;
    return LAM__SYNTHETIC_KINDS;
}

/* Generates into x[samples][features] and targets[samples][outputs] or labels[samples]. */
static void generate(const struct kind *kind, size_t samples, size_t classes, lam_split split,
                     lam__stream *stream, float *x, float *targets, int32_t *labels)
{
    for (size_t i = 0; i < samples; i++) {
        kind->make(i, samples, classes, split, stream, x + i * kind->features,
                   targets ? targets + i * kind->outputs : NULL);
        if (labels)
            labels[i] = (int32_t)class_of(i, classes);
    }
}

lam_dataset *lam__synthetic_make(lam__synthetic which, size_t samples, size_t classes,
                                 uint64_t seed, lam_split split)
{
    const struct kind *kind = &toys[which];
    if (kind->classes == 0)
        classes = 0;
    else if (classes == 0)
        classes = kind->classes;
    if (samples == 0 && !lam__multiply(kind->samples, classes > 0 ? classes : 1, &samples))
        samples = SIZE_MAX;
    if (samples < classes || samples > INT32_MAX) {
        lam__fail(LAM_ERR_ARGUMENT,
                  "%s: %zu samples of %zu classes: expected at least one per class "
                  "and at most %ld in all",
                  kind->name, samples, classes, (long)INT32_MAX);
        return NULL;
    }
    float *x = lam__allocate(samples, kind->features * sizeof *x, "the samples of a built-in set");
    if (!x)
        return NULL;
    lam_dataset *set = lam__dataset_adopt(x, LAM_FLOAT32, samples, kind->features);
    size_t width = classes > 0 ? sizeof(int32_t) : kind->outputs * sizeof(float);
    void *targets = set ? lam__allocate(samples, width, "the targets of a built-in set") : NULL;
    if (!targets) {
        lam_dataset_free(set);
        return NULL;
    }
    lam__key key = lam__derive_key(seed, LAM__FOR_TOY, (uint32_t)which * 2 + (uint32_t)split);
    lam__stream stream = lam__stream_open(key, 0);
    generate(kind, samples, classes, split, &stream, x, classes > 0 ? NULL : targets,
             classes > 0 ? targets : NULL);
    lam_status status = classes > 0 ? lam_dataset_set_classes(set, targets, classes)
                                    : lam_dataset_set_targets(set, targets, kind->outputs);
    lam__release(targets);
    if (status != LAM_OK) {
        lam_dataset_free(set);
        return NULL;
    }
    return set;
}

lam_dataset *lam_dataset_spiral(size_t samples, size_t classes, uint64_t seed)
{
    return lam__synthetic_make(LAM__SPIRAL, samples, classes, seed, LAM_SPLIT_TRAIN);
}

lam_dataset *lam_dataset_vertical(size_t samples, size_t classes, uint64_t seed)
{
    return lam__synthetic_make(LAM__VERTICAL, samples, classes, seed, LAM_SPLIT_TRAIN);
}

lam_dataset *lam_dataset_sine(size_t samples)
{
    return lam__synthetic_make(LAM__SINE, samples, 0, 0, LAM_SPLIT_TRAIN);
}

bool lam__synthetic_recognizes(const lam__path_probe *place)
{
    return lam__synthetic_named(place->path) != LAM__SYNTHETIC_KINDS;
}

bool lam__synthetic_has_test(const lam__path_probe *place)
{
    (void)place;
    return true;
}

lam_status lam__synthetic_load(const lam__path_probe *place, lam_split split,
                               const lam_load_options *options, lam_dataset **dataset)
{
    const lam__synthetic which = lam__synthetic_named(place->path);
    if (toys[which].classes == 0 && options->classes > 0)
        return lam__fail(LAM_ERR_ARGUMENT, "classes has no effect on '%s', which has none",
                         place->path);
    if (which == LAM__SINE && options->seed != 0)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "data_seed has no effect on '%s': nothing of it is drawn at random",
                         place->path);
    *dataset = lam__synthetic_make(which, options->samples, options->classes, options->seed, split);
    return *dataset ? LAM_OK : lam_error_status();
}
