/* body_dropout.h: dropout with a mask of bits from Philox4x32-10.
 *
 * Source: Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. A
 * lane is one counter; sixteen counters of four words make the 64 bits of one mask word. */
#ifndef LAMINA_BODY_DROPOUT_H
#define LAMINA_BODY_DROPOUT_H

#include "kernels.h"
#include "vec.h"

/* Ten rounds on a vector of counters. */
static inline void v_philox(vu c[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; round++) {
        vu high0, low0, high1, low1;
        v_mul_wide(c[0], 0xD2511F53u, &high0, &low0);
        v_mul_wide(c[2], 0xCD9E8D57u, &high1, &low1);
        c[0] = high1 ^ c[1] ^ k0;
        c[1] = low1;
        c[2] = high0 ^ c[3] ^ k1;
        c[3] = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* The mask of columns 64 * block .. 64 * block + 63 of a row. */
static inline uint64_t draw_block(const lam__dropout_args *a, uint32_t row, uint32_t block)
{
    static const uint32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const vu zero = {0}, threshold = zero + a->threshold;
    uint64_t mask = 0;
    for (unsigned first = 0; first < 16; first += W) {
        vu lane;
        memcpy(&lane, lanes + first, sizeof lane);
        vu c[4] = {lane + block * 16, zero + row, zero + (uint32_t)a->step,
                   zero + (uint32_t)(a->step >> 32)};
        v_philox(c, a->key[0], a->key[1]);
        for (unsigned word = 0; word < 4; word++)
            mask |= (uint64_t)v_bits(v_u32_ge(c[word], threshold)) << (16 * word + first);
    }
    return mask;
}

/* y = x scale where the bit is set, else 0, for n <= 64 columns. */
static inline void apply_block(uint64_t mask, size_t n, float scale, const float *x, float *y)
{
    size_t i = 0;
    for (; i + W <= n; i += W)
        v_store(y + i, v_keep(v_mask((unsigned)(mask >> i)), v_load(x + i) * scale));
    if (i < n) {
        vf kept = v_keep(v_mask((unsigned)(mask >> i)), v_load_n(x + i, n - i) * scale);
        v_store_n(y + i, kept, n - i);
    }
}

static void body_dropout(const lam__dropout_args *args)
{
    const lam__dropout_args copy = *args, *a = &copy; /* the stores cannot change it */
    size_t words = (a->cols + 63) / 64;
    for (size_t r = 0; r < a->rows; r++) {
        for (size_t b = 0; b < words; b++) {
            size_t left = a->cols - b * 64, n = left < 64 ? left : 64;
            uint64_t mask = draw_block(a, a->first_row + (uint32_t)r, (uint32_t)b);
            if (n < 64)
                mask &= ((uint64_t)1 << n) - 1;
            a->mask[r * words + b] = mask;
            apply_block(mask, n, a->scale, a->x + r * a->ld + b * 64, a->y + r * a->ld + b * 64);
        }
    }
}

static void body_dropout_apply(const lam__dropout_args *args)
{
    const lam__dropout_args copy = *args, *a = &copy;
    size_t words = (a->cols + 63) / 64;
    for (size_t r = 0; r < a->rows; r++) {
        for (size_t b = 0; b < words; b++) {
            size_t left = a->cols - b * 64, n = left < 64 ? left : 64;
            apply_block(a->mask[r * words + b], n, a->scale, a->x + r * a->ld + b * 64,
                        a->y + r * a->ld + b * 64);
        }
    }
}

#endif
