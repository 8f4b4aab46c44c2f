/* divide.c: a dataset in two parts, drawn at random. */
#include <lamina/dataset.h>

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "data/dataset_parts.h"
#include "train/source.h"

/* Copies `count` of the rows of `width` bytes each, named in index, to a new array. */
static void *copy_rows(const void *rows, size_t width, const uint32_t *index, size_t count,
                       const char *what)
{
    unsigned char *copy = lam__allocate(count, width, what);
    for (size_t i = 0; copy && i < count; i++)
        memcpy(copy + i * width, (const unsigned char *)rows + index[i] * width, width);
    return copy;
}

/* A new dataset of the samples index[count]. */
static lam_dataset *take(const lam_dataset *from, const uint32_t *index, size_t count)
{
    void *x = copy_rows(from->x, from->features * lam__dtype_size(from->dtype), index, count,
                        "the samples of a part");
    if (!x)
        return NULL;
    lam_dataset *part = lam__dataset_adopt(x, from->dtype, count, from->features);
    if (!part)
        return NULL;
    part->classes = from->classes;
    part->outputs = from->outputs;
    if (from->labels)
        part->labels =
            copy_rows(from->labels, sizeof *from->labels, index, count, "the labels of a part");
    if (from->targets)
        part->targets = copy_rows(from->targets, from->outputs * sizeof *from->targets, index,
                                  count, "the targets of a part");
    if ((from->labels && !part->labels) || (from->targets && !part->targets) ||
        (from->class_names &&
         lam_dataset_set_class_names(part, (const char *const *)from->class_names,
                                     from->class_name_count) != LAM_OK)) {
        lam_dataset_free(part);
        return NULL;
    }
    return part;
}

/* Orders index[samples] so that the last `second` are a random choice; both parts stay in the
 * order of the samples, which keeps copying and later reading sequential. */
static lam_status choose(uint32_t *index, size_t samples, size_t second, uint64_t seed)
{
    unsigned char *chosen = lam__allocate_zero(samples, 1, "the choice of samples");
    if (!chosen)
        return LAM_ERR_MEMORY;
    lam__stream stream = lam__stream_open(lam__derive_key(seed, LAM__FOR_SPLIT, 0), 0);
    lam__permute(&stream, index, samples);
    for (size_t i = 0; i < second; i++)
        chosen[index[i]] = 1;
    size_t in_first = 0, in_second = samples - second;
    for (size_t i = 0; i < samples; i++)
        index[chosen[i] ? in_second++ : in_first++] = (uint32_t)i;
    lam__release(chosen);
    return LAM_OK;
}

lam_status lam_dataset_divide(const lam_dataset *dataset, double share, uint64_t seed,
                              lam_dataset **first, lam_dataset **second)
{
    if (!dataset || !first || !second)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_divide: %s is NULL",
                         !dataset ? "dataset"
                         : !first ? "first"
                                  : "second");
    if (first == second)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_divide: first and second are the same");
    *first = *second = NULL;
    if (!(share > 0 && share < 1))
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_divide: the share must lie between 0 and "
                                           "1 (both excluded)");
    size_t samples = dataset->samples;
    if (samples < 2 || samples > UINT32_MAX)
        return lam__fail(LAM_ERR_ARGUMENT, "a dataset of %zu samples cannot be divided", samples);
    size_t count = (size_t)round(share * (double)samples);
    if (count < 1)
        count = 1;
    if (count > samples - 1)
        count = samples - 1;

    uint32_t *index = lam__allocate(samples, sizeof *index, "the order of samples");
    if (!index)
        return LAM_ERR_MEMORY;
    lam_status status = choose(index, samples, count, seed);
    if (status == LAM_OK && (!(*first = take(dataset, index, samples - count)) ||
                             !(*second = take(dataset, index + samples - count, count)))) {
        status = LAM_ERR_MEMORY;
        lam_dataset_free(*first);
        *first = NULL;
    }
    lam__release(index);
    return status;
}
