/* fingerprint.c: what tells one data set from another. */
#include "fit/checkpoints/fingerprint.h"

#include "base/memory.h"
#include "data/source.h"
#include "io/checksum.h"

/* Bytes of samples that are read whole, and samples read of larger sets. */
#define LAM__READ_WHOLE ((size_t)256 << 20)
enum { ROWS_SPREAD = 1024 };

/* A few raw samples of a set that is large or not in memory: of all, or of the first window of one
 * that is read from front to back, where the rest would cost a pass over it. */
static lam_status read_spread(const lam_dataset *data, lam__fingerprint *print)
{
    float *x = lam__allocate(data->features, sizeof *x, "a sample");
    if (!x)
        return LAM_ERR_MEMORY;
    const size_t among =
        data->window > 0 && data->window < data->samples ? data->window : data->samples;
    print->rows_read = among < ROWS_SPREAD ? among : ROWS_SPREAD;
    lam_status status = LAM_OK;
    for (size_t i = 0; i < print->rows_read && status == LAM_OK; i++) {
        /* the first and the last among them */
        const size_t steps = print->rows_read > 1 ? print->rows_read - 1 : 1;
        const size_t row = (size_t)((double)i / (double)steps * (double)(among - 1));
        status = lam__source_read(data, row, 1, x);
        print->crc = lam__crc32c(print->crc, x, data->features * sizeof *x);
    }
    lam__release(x);
    return status;
}

lam_status lam__fingerprint_take(const lam_dataset *data, lam__fingerprint *print)
{
    const bool bytes = data->dtype == LAM_UINT8;
    const size_t size = data->samples * data->features * (bytes ? 1 : sizeof(float));
    *print = (lam__fingerprint){
        .samples = data->samples,
        .features = data->features,
        .type = bytes ? "uint8" : "float32",
        .classes = data->labels ? data->classes : 0,
        .outputs = data->targets ? data->outputs : 0,
        .window = data->window,
    };
    lam_status status = LAM_OK;
    if (data->x && data->ops == &lam__memory_source && size <= LAM__READ_WHOLE) {
        print->rows_read = data->samples;
        print->crc = lam__crc32c(0, data->x, size);
    } else {
        status = read_spread(data, print);
    }
    if (data->labels)
        print->crc = lam__crc32c(print->crc, data->labels, data->samples * sizeof *data->labels);
    if (data->targets)
        print->crc = lam__crc32c(print->crc, data->targets,
                                 data->samples * data->outputs * sizeof *data->targets);
    return status;
}
