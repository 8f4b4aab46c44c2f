/* standardize.c: mean and standard deviation of each feature of a dataset. */
#include <math.h>

#include <lamina/model.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/source.h"
#include "model/network.h"

/* Reading so many values at a time, large sets pass through the cache. */
enum { VALUES_AT_ONCE = 1 << 15 };

/* Two passes, which lose no digits to cancellation: sums[features], then squares[features] of the
 * differences from the mean. Both are zero before. rows[at_once][features] is room. */
static lam_status add_up(const lam_dataset *dataset, double *sums, double *squares, float *rows,
                         size_t at_once)
{
    const size_t n = dataset->features, samples = dataset->samples;
    for (int round = 0; round < 2; round++) {
        for (size_t first = 0; first < samples; first += at_once) {
            const size_t count = samples - first < at_once ? samples - first : at_once;
            LAM__TRY(lam__source_read(dataset, first, count, rows));
            for (size_t i = 0; i < count; i++)
                for (size_t j = 0; j < n; j++) {
                    const double x = (double)rows[i * n + j];
                    if (round == 0)
                        sums[j] += x;
                    else
                        squares[j] += (x - sums[j]) * (x - sums[j]);
                }
        }
        for (size_t j = 0; j < n && round == 0; j++)
            sums[j] /= (double)samples;
    }
    return LAM_OK;
}

/* Feature j has none: because of the first sample named, as a rule. rows[at_once][features] is
 * room. */
static lam_status fail_feature(const lam_dataset *dataset, size_t j, float *rows, size_t at_once)
{
    const size_t n = dataset->features, samples = dataset->samples;
    char number[32];
    for (size_t first = 0; first < samples; first += at_once) {
        const size_t count = samples - first < at_once ? samples - first : at_once;
        LAM__TRY(lam__source_read(dataset, first, count, rows));
        for (size_t i = 0; i < count; i++)
            if (!isfinite(rows[i * n + j]))
                return lam__fail(LAM_ERR_NUMERIC,
                                 "feature %zu has no finite mean and deviation: in sample %zu it "
                                 "is %s",
                                 j, first + i,
                                 lam__format_float(rows[i * n + j], number, sizeof number));
    }
    return lam__fail(LAM_ERR_NUMERIC, "feature %zu has no finite mean and deviation", j);
}

static lam_status standardize(lam_model *model, const lam_dataset *dataset)
{
    size_t n = dataset->features;
    if (n != model->features)
        return lam__fail(LAM_ERR_SHAPE, "standardization of %zu features from a dataset with %zu",
                         model->features, n);
    double *sums = lam__allocate_zero(2 * n, sizeof *sums, "sums of features");
    float *mean = lam__allocate(2 * n, sizeof *mean, "means of features");
    const size_t at_once = n < VALUES_AT_ONCE ? VALUES_AT_ONCE / n : 1;
    float *rows = lam__allocate(at_once, n * sizeof *rows, "rows of samples");
    lam_status status = sums && mean && rows ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK)
        status = add_up(dataset, sums, sums + n, rows, at_once);
    if (status == LAM_OK) {
        double *squares = sums + n;
        float *std = mean + n;
        for (size_t j = 0; j < n && status == LAM_OK; j++) {
            mean[j] = (float)sums[j];
            std[j] = (float)sqrt(squares[j] / (double)dataset->samples);
            if (!isfinite(mean[j]) || !isfinite(std[j]))
                status = fail_feature(dataset, j, rows, at_once);
        }
        if (status == LAM_OK)
            status = lam__transform_standardize(&model->transform, n, mean, std);
    }
    lam__release(sums);
    lam__release(mean);
    lam__release(rows);
    return status;
}

lam_status lam_model_standardize_input(lam_model *model, const lam_dataset *dataset)
{
    if (!model)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_standardize_input: model is NULL");
    LAM__TRY(lam_model_status(model));
    if (!dataset)
        return lam__model_fail(model, lam__fail(LAM_ERR_ARGUMENT, "lam_model_standardize_input: "
                                                                  "dataset is NULL"));
    lam_status status = standardize(model, dataset);
    return status == LAM_OK ? LAM_OK : lam__model_fail(model, status);
}
