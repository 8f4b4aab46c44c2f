/* body_dropout.h: dropout with a mask of bits from Philox4x32-10.
 *
 * Source: Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. A
 * lane is one counter; sixteen counters of four words make the 64 bits of one mask word. */
#ifndef LAMINA_BODY_DROPOUT_H
#define LAMINA_BODY_DROPOUT_H

#include "kernels.h"
#include "vec.h"

enum { ROUNDS = 10 };

/* The keys of each round. */
typedef struct philox_keys {
    vq k[ROUNDS][2];
} philox_keys;

static inline philox_keys derive_keys(const uint32_t key[2])
{
    philox_keys keys;
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        keys.k[round][0] = (vq){0} + k0;
        keys.k[round][1] = (vq){0} + k1;
    }
    return keys;
}

/* All rounds on two vectors of counters, a word in the lower half of each lane; the upper halves
 * are of no account. Two at a time: each waits for its own products. */
static inline void v_philox(vq c[2][4], const philox_keys *keys)
{
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2; i++) {
            const vq product0 = v_mul_low(c[i][0], 0xD2511F53u);
            const vq product1 = v_mul_low(c[i][2], 0xCD9E8D57u);
            c[i][0] = (product1 >> 32) ^ c[i][1] ^ keys->k[round][0];
            c[i][1] = product1;
            c[i][2] = (product0 >> 32) ^ c[i][3] ^ keys->k[round][1];
            c[i][3] = product0;
        }
}

/* The lower halves of even[0], odd[0], even[1] .. */
static inline vu interleave(vq even, vq odd)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (vu)(even << 32 | (odd & UINT32_MAX));
#else
    return (vu)(odd << 32 | (even & UINT32_MAX));
#endif
}

/* The mask of columns 64 * block .. 64 * block + 63 of a row. */
static inline uint64_t draw_block(const lam__dropout_args *a, const philox_keys *keys, uint32_t row,
                                  uint32_t block)
{
    static const uint64_t evens[8] = {0, 2, 4, 6, 8, 10, 12, 14};
    const vq zero = {0};
    const vu threshold = (vu){0} + a->threshold;
    vq even;
    memcpy(&even, evens, sizeof even);
    uint64_t mask = 0;
    for (unsigned first = 0; first < 16; first += W) {
        vq c[2][4]; /* of even and odd counters */
        for (unsigned odd = 0; odd < 2; odd++) {
            c[odd][0] = even + (block * 16 + first + odd);
            c[odd][1] = zero + row;
            c[odd][2] = zero + (a->step & UINT32_MAX);
            c[odd][3] = zero + (a->step >> 32);
        }
        v_philox(c, keys);
        for (unsigned word = 0; word < 4; word++) {
            const vu x = interleave(c[0][word], c[1][word]);
            mask |= (uint64_t)v_bits(v_u32_ge(x, threshold)) << (16 * word + first);
        }
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
    const philox_keys keys = derive_keys(a->key);
    size_t words = (a->cols + 63) / 64;
    for (size_t r = 0; r < a->rows; r++) {
        for (size_t b = 0; b < words; b++) {
            size_t left = a->cols - b * 64, n = left < 64 ? left : 64;
            uint64_t mask = draw_block(a, &keys, a->first_row + (uint32_t)r, (uint32_t)b);
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
