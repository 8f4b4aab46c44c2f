/* philox.c: counter-based random numbers, Philox4x32-10. */
#include "base/philox.h"

#include <assert.h>
#include <math.h>

#include <Random123/philox.h>

void lam__philox(lam__key key, const uint32_t counter[4], uint32_t out[4])
{
    philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
    philox4x32_key_t k = {{key.k[0], key.k[1]}};
    c = philox4x32_R(10, c, k);
    for (int i = 0; i < 4; i++)
        out[i] = c.v[i];
}

lam__key lam__derive_key(uint64_t seed, lam__purpose purpose, uint32_t index)
{
    const lam__key from = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    const uint32_t counter[4] = {(uint32_t)purpose, index, 0, 0};
    uint32_t out[4];
    lam__philox(from, counter, out);
    return (lam__key){{out[0], out[1]}};
}

lam__stream lam__stream_open(lam__key key, uint64_t stream)
{
    return (lam__stream){.key = key, .stream = stream};
}

uint32_t lam__next_u32(lam__stream *stream)
{
    if (stream->left == 0) {
        const uint32_t counter[4] = {(uint32_t)stream->block, (uint32_t)(stream->block >> 32),
                                     (uint32_t)stream->stream, (uint32_t)(stream->stream >> 32)};
        lam__philox(stream->key, counter, stream->buffer);
        stream->block++;
        stream->left = 4;
    }
    return stream->buffer[4 - stream->left--];
}

double lam__next_uniform(lam__stream *stream)
{
    const uint64_t high = lam__next_u32(stream), low = lam__next_u32(stream);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

double lam__next_normal(lam__stream *stream)
{
    const double two_pi = 6.283185307179586476925;
    const double u = 1.0 - lam__next_uniform(stream); /* (0, 1]: its logarithm is finite */
    const double v = lam__next_uniform(stream);
    return sqrt(-2.0 * log(u)) * cos(two_pi * v);
}

/* Source: Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29 (2019). */
uint32_t lam__next_below(lam__stream *stream, uint32_t bound)
{
    assert(bound >= 1);
    uint64_t product = (uint64_t)lam__next_u32(stream) * bound;
    if ((uint32_t)product < bound) {
        const uint32_t uneven = (0u - bound) % bound; /* 2^32 mod bound */
        while ((uint32_t)product < uneven)
            product = (uint64_t)lam__next_u32(stream) * bound;
    }
    return (uint32_t)(product >> 32);
}

void lam__permute(lam__stream *stream, uint32_t *index, size_t n)
{
    assert(n <= UINT32_MAX);
    for (size_t i = 0; i < n; i++)
        index[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        const uint32_t j = lam__next_below(stream, (uint32_t)i);
        const uint32_t taken = index[i - 1];
        index[i - 1] = index[j];
        index[j] = taken;
    }
}
