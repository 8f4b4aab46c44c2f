/* source.c: gathering rows of samples that lie in memory. */
#include "train/source.h"

static void gather(const lam_dataset *dataset, const uint32_t *index, size_t first, size_t rows,
                   const lam__transform *transform, float *x, size_t ldx)
{
    const size_t features = dataset->features;
    for (size_t r = 0; r < rows; r++) {
        size_t row = index ? index[r] : first + r;
        if (dataset->dtype == LAM_UINT8)
            lam__transform_u8(transform, features, (const uint8_t *)dataset->x + row * features,
                              x + r * ldx);
        else
            lam__transform_f32(transform, features, (const float *)dataset->x + row * features,
                               x + r * ldx);
    }
}

const struct lam__source_ops lam__memory_source = {gather, NULL};
