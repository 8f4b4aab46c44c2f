/* standardize.c: mean and standard deviation of each feature of a dataset. */
#include <math.h>

#include <lamina/model.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/network.h"
#include "train/source.h"

/* Value j of sample row i. */
static double value_at(const lam_dataset *dataset, size_t i)
{
    return dataset->dtype == LAM_UINT8 ? ((const uint8_t *)dataset->x)[i]
                                       : (double)((const float *)dataset->x)[i];
}

/* Two passes, which lose no digits to cancellation: sums[features], then squares[features] of the
 * differences from the mean. Both are zero before. */
static void add_up(const lam_dataset *dataset, double *sums, double *squares)
{
    size_t n = dataset->features;
    for (size_t i = 0; i < dataset->samples; i++)
        for (size_t j = 0; j < n; j++)
            sums[j] += value_at(dataset, i * n + j);
    for (size_t j = 0; j < n; j++)
        sums[j] /= (double)dataset->samples;
    for (size_t i = 0; i < dataset->samples; i++)
        for (size_t j = 0; j < n; j++) {
            double difference = value_at(dataset, i * n + j) - sums[j];
            squares[j] += difference * difference;
        }
}

static lam_status standardize(lam_model *model, const lam_dataset *dataset)
{
    size_t n = dataset->features;
    if (n != model->features)
        return lam__fail(LAM_ERR_SHAPE, "standardization of %zu features from a dataset with %zu",
                         model->features, n);
    double *sums = lam__allocate_zero(2 * n, sizeof *sums, "sums of features");
    float *mean = lam__allocate(2 * n, sizeof *mean, "means of features");
    lam_status status = sums && mean ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK) {
        double *squares = sums + n;
        float *std = mean + n;
        add_up(dataset, sums, squares);
        for (size_t j = 0; j < n && status == LAM_OK; j++) {
            mean[j] = (float)sums[j];
            std[j] = (float)sqrt(squares[j] / (double)dataset->samples);
            if (!isfinite(mean[j]) || !isfinite(std[j]))
                status =
                    lam__fail(LAM_ERR_NUMERIC, "feature %zu has no finite mean and deviation", j);
        }
        if (status == LAM_OK)
            status = lam__transform_standardize(&model->transform, n, mean, std);
    }
    lam__release(sums);
    lam__release(mean);
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
