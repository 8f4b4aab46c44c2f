/* order.c: the order of the samples of an epoch. */
#include "data/order.h"

#include "base/philox.h"

/* Shuffles order[n], ascending samples of data that come in windows, within each of these. */
static void shuffle_windows(const lam_dataset *data, uint32_t *order, size_t n, lam__stream *stream)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        const size_t window = lam__source_window(data, order[begin]);
        for (end = begin + 1; end < n && lam__source_window(data, order[end]) == window;)
            end++;
        for (size_t left = end - begin; left > 1; left--) { /* Fisher and Yates, from the back */
            const size_t at = (size_t)lam__next_below(stream, (uint32_t)left);
            const uint32_t row = order[begin + at];
            order[begin + at] = order[begin + left - 1];
            order[begin + left - 1] = row;
        }
    }
}

void lam__order_rows(const lam_dataset *data, const uint32_t *rows, size_t n, bool shuffle,
                     uint64_t seed, uint64_t epoch, uint32_t *order)
{
    lam__stream stream = lam__stream_open(lam__derive_key(seed, LAM__FOR_ORDER, 0), epoch);
    const bool any = shuffle && data->window == 0;
    if (any)
        lam__permute(&stream, order, n);
    for (size_t i = 0; i < n; i++) {
        const size_t at = any ? order[i] : i;
        order[i] = rows ? rows[at] : (uint32_t)at;
    }
    if (shuffle && !any)
        shuffle_windows(data, order, n, &stream);
}
