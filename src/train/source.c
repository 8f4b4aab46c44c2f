/* source.c: gathering rows of samples that lie in memory. */
#include "train/source.h"

#include "base/error.h"

/* Rows that are fetched before their turn: shuffled ones lie anywhere, and no processor guesses the
 * next. An epoch of bytes is gathered in some 60% of the time. */
enum { AHEAD = 2, LINE = 64 };

static void fetch(const lam_dataset *dataset, size_t row)
{
    const size_t bytes = dataset->features * (dataset->dtype == LAM_UINT8 ? 1 : sizeof(float));
    const unsigned char *x = (const unsigned char *)dataset->x + row * bytes;
    for (size_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch(x + i);
}

static void gather(const lam_dataset *dataset, const uint32_t *index, size_t first, size_t rows,
                   const lam__transform *transform, float *x, size_t ldx)
{
    const size_t features = dataset->features;
    for (size_t r = 0; r < rows; r++) {
        size_t row = index ? index[r] : first + r;
        if (index && r + AHEAD < rows)
            fetch(dataset, index[r + AHEAD]);
        if (dataset->dtype == LAM_UINT8)
            lam__transform_u8(transform, features, (const uint8_t *)dataset->x + row * features,
                              x + r * ldx);
        else
            lam__transform_f32(transform, features, (const float *)dataset->x + row * features,
                               x + r * ldx);
    }
}

const struct lam__source_ops lam__memory_source = {.gather = gather};

lam_status lam__source_read(const lam_dataset *dataset, size_t first, size_t rows, float *x)
{
    static const lam__transform none = {.kind = LAM_TRANSFORM_NONE, .scale = 1.0f};
    LAM__TRY(lam__source_prepare(dataset, NULL, dataset->samples, first, rows));
    dataset->ops->gather(dataset, NULL, first, rows, &none, x, dataset->features);
    return lam__source_trouble(dataset);
}
