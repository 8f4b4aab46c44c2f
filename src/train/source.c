/* source.c: gathering rows of samples that lie in memory. */
#include "train/source.h"

#include "base/error.h"

/* Rows that are fetched before their turn: shuffled ones lie anywhere, and no processor guesses the
 * next. An epoch of bytes is gathered in some 60% of the time. */
enum { AHEAD = 2, LINE = 64 };

static void fetch(const lam_dataset *dataset, size_t row, size_t from, size_t cols)
{
    const size_t size = dataset->dtype == LAM_UINT8 ? 1 : sizeof(float);
    const unsigned char *x =
        (const unsigned char *)dataset->x + (row * dataset->features + from) * size;
    for (size_t i = 0; i < cols * size; i += LINE)
        __builtin_prefetch(x + i);
}

static void gather_columns(const lam_dataset *dataset, const uint32_t *index, size_t first,
                           size_t rows, size_t from, size_t cols, const lam__transform *whole,
                           float *x, size_t ldx)
{
    const size_t features = dataset->features;
    lam__transform transform = *whole; /* of these columns */
    if (transform.kind == LAM_TRANSFORM_STANDARDIZE) {
        transform.scales += from;
        transform.offsets += from;
    }
    for (size_t r = 0; r < rows; r++) {
        size_t row = index ? index[r] : first + r;
        if (index && r + AHEAD < rows)
            fetch(dataset, index[r + AHEAD], from, cols);
        if (dataset->dtype == LAM_UINT8)
            lam__transform_u8(&transform, cols, (const uint8_t *)dataset->x + row * features + from,
                              x + r * ldx);
        else
            lam__transform_f32(&transform, cols, (const float *)dataset->x + row * features + from,
                               x + r * ldx);
    }
}

static void gather(const lam_dataset *dataset, const uint32_t *index, size_t first, size_t rows,
                   const lam__transform *transform, float *x, size_t ldx)
{
    gather_columns(dataset, index, first, rows, 0, dataset->features, transform, x, ldx);
}

const struct lam__source_ops lam__memory_source = {.gather = gather,
                                                   .gather_columns = gather_columns};

lam_status lam__source_read(const lam_dataset *dataset, size_t first, size_t rows, float *x)
{
    static const lam__transform none = {.kind = LAM_TRANSFORM_NONE, .scale = 1.0f};
    LAM__TRY(lam__source_prepare(dataset, NULL, dataset->samples, first, rows));
    dataset->ops->gather(dataset, NULL, first, rows, &none, x, dataset->features);
    return lam__source_trouble(dataset);
}
