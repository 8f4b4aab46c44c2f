/* source.c: gathering rows of samples that lie in memory. */
#include "data/source.h"

#include "base/error.h"

/* Bytes of rows that are fetched before their turn, and rows at least: shuffled ones lie anywhere,
 * and no processor guesses the next. */
enum { AHEAD = 1536, LEAST_AHEAD = 2, LINE = 64 };

/* Columns of rows of a dataset. */
typedef struct block {
    const unsigned char *x; /* of sample 0 */
    size_t step, bytes;     /* from sample to sample, and of one */
    size_t ahead;           /* rows that are fetched before their turn */
} block;

static block block_of(const lam_dataset *dataset, size_t from, size_t cols)
{
    const size_t size = dataset->dtype == LAM_UINT8 ? 1 : sizeof(float);
    const size_t bytes = cols * size, ahead = AHEAD / (bytes ? bytes : 1);
    return (block){.x = (const unsigned char *)dataset->x + from * size,
                   .step = dataset->features * size,
                   .bytes = bytes,
                   .ahead = ahead < LEAST_AHEAD ? LEAST_AHEAD : ahead};
}

static void fetch(const block *b, size_t row)
{
    const uintptr_t x = (uintptr_t)(b->x + row * b->step);
    for (uintptr_t at = x / LINE * LINE; at < x + b->bytes; at += LINE)
        __builtin_prefetch((const void *)at);
}

static void gather_columns(const lam_dataset *dataset, const uint32_t *index, size_t first,
                           size_t rows, size_t from, size_t cols, const lam__transform *whole,
                           float *x, size_t ldx)
{
    const block b = block_of(dataset, from, cols);
    lam__transform transform = *whole; /* of these columns */
    if (transform.kind == LAM_TRANSFORM_STANDARDIZE) {
        transform.scales += from;
        transform.offsets += from;
    }
    for (size_t r = 0; index && r < b.ahead && r < rows; r++)
        fetch(&b, index[r]);
    for (size_t r = 0; r < rows; r++) {
        const unsigned char *row = b.x + (index ? index[r] : first + r) * b.step;
        if (index && r + b.ahead < rows)
            fetch(&b, index[r + b.ahead]);
        if (dataset->dtype == LAM_UINT8)
            lam__transform_u8(&transform, cols, row, x + r * ldx);
        else
            lam__transform_f32(&transform, cols, (const float *)(const void *)row, x + r * ldx);
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
