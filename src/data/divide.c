/* divide.c: a dataset in two parts, drawn at random. */
#include <lamina/dataset.h>

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "data/dataset_parts.h"
#include "data/source.h"

/* Copies `count` of the rows of `width` bytes each, named in index, to a new array. */
static void *copy_rows(const void *rows, size_t width, const uint32_t *index, size_t count,
                       const char *what)
{
    unsigned char *copy = lam__allocate(count, width, what);
    for (size_t i = 0; copy && i < count; i++)
        memcpy(copy + i * width, (const unsigned char *)rows + index[i] * width, width);
    return copy;
}

/* The samples index[count] without their targets. */
static lam_dataset *take_samples(const lam_dataset *from, const uint32_t *index, size_t count)
{
    if (from->ops->part)
        return from->ops->part(from, index, count);
    void *x = copy_rows(from->x, from->features * lam__dtype_size(from->dtype), index, count,
                        "the samples of a part");
    return x ? lam__dataset_adopt(x, from->dtype, count, from->features) : NULL;
}

/* A new dataset of the samples index[count]. */
static lam_dataset *take(const lam_dataset *from, const uint32_t *index, size_t count)
{
    lam_dataset *part = take_samples(from, index, count);
    if (!part)
        return NULL;
    if (lam__input_copy(&from->input, &part->input) != LAM_OK) {
        lam_dataset_free(part);
        return NULL;
    }
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

/* How many samples of each class go to the second part: floors of the shares, and where these are
 * too few in all, one more for the largest remainders. */
static lam_status find_quotas(const lam_dataset *dataset, double share, size_t second,
                              size_t *quotas)
{
    const size_t classes = dataset->classes;
    double *rest = lam__allocate_zero(classes, sizeof *rest, "shares of classes");
    if (!rest)
        return LAM_ERR_MEMORY;
    size_t given = 0;
    for (size_t i = 0; i < dataset->samples; i++)
        rest[dataset->labels[i]] += 1.0;
    for (size_t c = 0; c < classes; c++) {
        const double exact = share * rest[c];
        quotas[c] = (size_t)exact;
        rest[c] = rest[c] > (double)quotas[c] ? exact - (double)quotas[c] : -1.0;
        given += quotas[c];
    }
    for (; given < second; given++) {
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            if (rest[c] > rest[best])
                best = c;
        quotas[best]++;
        rest[best] -= 1.0;
    }
    lam__release(rest);
    return LAM_OK;
}

/* Marks `second` of the samples in the order of index[samples], or of each class its quota. */
static void mark(const lam_dataset *dataset, const uint32_t *index, size_t second, size_t *quotas,
                 unsigned char *chosen)
{
    for (size_t i = 0; i < dataset->samples && second > 0; i++) {
        size_t *quota = quotas ? &quotas[dataset->labels[index[i]]] : NULL;
        if (quota && *quota == 0)
            continue;
        if (quota)
            --*quota;
        chosen[index[i]] = 1;
        second--;
    }
}

/* Orders index[samples] so that the last `second` are a random choice; both parts stay in the
 * order of the samples, which keeps copying and later reading sequential. */
static lam_status choose(const lam_dataset *dataset, uint32_t *index, size_t second, uint64_t seed,
                         size_t *quotas)
{
    const size_t samples = dataset->samples;
    unsigned char *chosen = lam__allocate_zero(samples, 1, "the choice of samples");
    if (!chosen)
        return LAM_ERR_MEMORY;
    lam__stream stream = lam__stream_open(lam__derive_key(seed, LAM__FOR_SPLIT, 0), 0);
    lam__permute(&stream, index, samples);
    mark(dataset, index, second, quotas, chosen);
    size_t in_first = 0, in_second = samples - second;
    for (size_t i = 0; i < samples; i++)
        index[chosen[i] ? in_second++ : in_first++] = (uint32_t)i;
    lam__release(chosen);
    return LAM_OK;
}

static lam_status check(const lam_dataset *dataset, double share, lam_dataset **first,
                        lam_dataset **second)
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
        return lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_divide: the share must be between 0 and "
                                           "1 (both excluded)");
    if (dataset->samples < 2 || dataset->samples > UINT32_MAX)
        return lam__fail(LAM_ERR_ARGUMENT, "a dataset of %zu samples cannot be divided",
                         dataset->samples);
    return LAM_OK;
}

static lam_status divide(const lam_dataset *dataset, double share, uint64_t seed, bool stratify,
                         lam_dataset **first, lam_dataset **second)
{
    const size_t samples = dataset->samples;
    size_t count = (size_t)round(share * (double)samples);
    count = count < 1 ? 1 : count > samples - 1 ? samples - 1 : count;
    uint32_t *index = lam__allocate(samples, sizeof *index, "the order of samples");
    size_t *quotas =
        stratify ? lam__allocate(dataset->classes, sizeof *quotas, "shares of classes") : NULL;
    lam_status status = !index || (stratify && !quotas) ? LAM_ERR_MEMORY : LAM_OK;
    if (status == LAM_OK && stratify)
        status = find_quotas(dataset, share, count, quotas);
    if (status == LAM_OK)
        status = choose(dataset, index, count, seed, quotas);
    if (status == LAM_OK && (!(*first = take(dataset, index, samples - count)) ||
                             !(*second = take(dataset, index + samples - count, count)))) {
        status = LAM_ERR_MEMORY;
        lam_dataset_free(*first);
        *first = NULL;
    }
    lam__release(quotas);
    lam__release(index);
    return status;
}

lam_status lam_dataset_divide(const lam_dataset *dataset, double share, uint64_t seed,
                              lam_dataset **first, lam_dataset **second)
{
    LAM__TRY(check(dataset, share, first, second));
    return divide(dataset, share, seed, false, first, second);
}

lam_status lam_dataset_divide_stratified(const lam_dataset *dataset, double share, uint64_t seed,
                                         lam_dataset **first, lam_dataset **second)
{
    LAM__TRY(check(dataset, share, first, second));
    if (!dataset->labels)
        return lam__fail(LAM_ERR_STATE,
                         "lam_dataset_divide_stratified: the targets are %s, not "
                         "class numbers",
                         dataset->targets ? "rows" : "missing");
    return divide(dataset, share, seed, true, first, second);
}
