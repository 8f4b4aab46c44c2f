/* test_philox.c: Philox4x32-10 against its published vectors, and the streams on it. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "base/philox.h"

/* Source: Random123's tests/kat_vectors, philox4x32 with 10 rounds: counter, key, result. */
Test(philox, known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], result[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const lam__key key = {{vectors[i].key[0], vectors[i].key[1]}};
        uint32_t out[4];
        lam__philox(key, vectors[i].counter, out);
        cr_assert_arr_eq(out, vectors[i].result, sizeof out);
    }
}

Test(philox, a_derived_key_is_philox_of_purpose_and_index)
{
    const uint64_t seed = 0x299f31d0a4093822u;
    const uint32_t counter[4] = {LAM__FOR_DROPOUT, 5, 0, 0};
    uint32_t out[4];
    lam__philox((lam__key){{0xa4093822, 0x299f31d0}}, counter, out);
    const lam__key key = lam__derive_key(seed, LAM__FOR_DROPOUT, 5);
    cr_assert_eq(key.k[0], out[0]);
    cr_assert_eq(key.k[1], out[1]);
}

Test(philox, keys_of_different_purpose_index_or_seed_differ)
{
    enum { SEEDS = 3, INDICES = 4, COUNT = SEEDS * INDICES * LAM__FOR_TOY };
    static const uint64_t seeds[SEEDS] = {0, 1, UINT64_C(1) << 32};
    lam__key keys[COUNT];
    size_t n = 0;
    for (size_t s = 0; s < SEEDS; s++)
        for (int p = LAM__FOR_INITIAL; p <= LAM__FOR_TOY; p++)
            for (uint32_t i = 0; i < INDICES; i++)
                keys[n++] = lam__derive_key(seeds[s], (lam__purpose)p, i);
    cr_assert_eq(n, COUNT);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert(memcmp(&keys[i], &keys[j], sizeof keys[i]) != 0);
}

Test(stream, words_are_blocks_of_philox_in_order)
{
    const lam__key key = {{11, 22}};
    const uint64_t number = UINT64_C(0x300000004);
    lam__stream stream = lam__stream_open(key, number);
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, 0, 4, 3};
        uint32_t out[4];
        lam__philox(key, counter, out);
        for (int i = 0; i < 4; i++)
            cr_assert_eq(lam__next_u32(&stream), out[i]);
    }
    stream.block = UINT64_C(0x700000005); /* the high half of the block number counts too */
    const uint32_t counter[4] = {5, 7, 4, 3};
    uint32_t out[4];
    lam__philox(key, counter, out);
    cr_assert_eq(lam__next_u32(&stream), out[0]);
}

Test(stream, uniform_numbers_fill_the_unit_interval)
{
    enum { N = 200000, CELLS = 64 };
    lam__stream stream = lam__stream_open(lam__derive_key(1, LAM__FOR_TOY, 0), 0);
    size_t cells[CELLS] = {0};
    double sum = 0;
    for (size_t i = 0; i < N; i++) {
        const double u = lam__next_uniform(&stream);
        cr_assert(u >= 0 && u < 1);
        sum += u;
        cells[(size_t)(u * CELLS)]++;
    }
    cr_assert_lt(fabs(sum / N - 0.5), 5 * sqrt(1.0 / 12 / N));
    double chi2 = 0;
    for (size_t c = 0; c < CELLS; c++)
        chi2 += pow((double)cells[c] - (double)N / CELLS, 2) / ((double)N / CELLS);
    cr_assert_lt(chi2, 63 + 5 * sqrt(2.0 * 63)); /* mean 63, deviation sqrt(126) */
}

Test(stream, normal_numbers_have_the_moments_of_the_normal)
{
    enum { N = 200000 };
    lam__stream stream = lam__stream_open(lam__derive_key(2, LAM__FOR_INITIAL, 0), 0);
    double s1 = 0, s2 = 0, s3 = 0, s4 = 0;
    for (size_t i = 0; i < N; i++) {
        const double x = lam__next_normal(&stream);
        cr_assert(isfinite(x));
        s1 += x, s2 += x * x, s3 += x * x * x, s4 += x * x * x * x;
    }
    /* Five standard errors of each moment: variances 1, 2, 15, 96. */
    cr_assert_lt(fabs(s1 / N), 5 * sqrt(1.0 / N));
    cr_assert_lt(fabs(s2 / N - 1), 5 * sqrt(2.0 / N));
    cr_assert_lt(fabs(s3 / N), 5 * sqrt(15.0 / N));
    cr_assert_lt(fabs(s4 / N - 3), 5 * sqrt(96.0 / N));
}

Test(stream, numbers_below_a_bound_are_even)
{
    static const uint32_t bounds[] = {1, 2, 3, 10, 37};
    lam__stream stream = lam__stream_open(lam__derive_key(3, LAM__FOR_TOY, 0), 0);
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        enum { N = 50000 };
        size_t counts[37] = {0};
        for (size_t i = 0; i < N; i++) {
            const uint32_t x = lam__next_below(&stream, bounds[b]);
            cr_assert_lt(x, bounds[b]);
            counts[x]++;
        }
        const double expected = (double)N / bounds[b];
        for (uint32_t x = 0; x < bounds[b]; x++)
            cr_assert_leq(fabs((double)counts[x] - expected), 5 * sqrt(expected));
    }
    /* Scaling words by 3/4 without rejecting any would give every third number twice its share. */
    const uint32_t large = UINT32_C(3) << 30;
    size_t thirds[3] = {0};
    for (size_t i = 0; i < 30000; i++) {
        const uint32_t x = lam__next_below(&stream, large);
        cr_assert_lt(x, large);
        thirds[x % 3]++;
    }
    for (size_t t = 0; t < 3; t++)
        cr_assert_lt(fabs((double)thirds[t] - 10000), 5 * sqrt(10000.0));
}

Test(stream, a_permutation_holds_every_number_once)
{
    enum { N = 1000 };
    uint32_t index[N];
    size_t seen[N] = {0}, fixed = 0;
    lam__stream stream = lam__stream_open(lam__derive_key(4, LAM__FOR_ORDER, 0), 9);
    lam__permute(&stream, index, N);
    for (size_t i = 0; i < N; i++) {
        cr_assert_lt(index[i], N);
        seen[index[i]]++;
        fixed += index[i] == i;
    }
    for (size_t i = 0; i < N; i++)
        cr_assert_eq(seen[i], 1);
    cr_assert_lt(fixed, 10, "a random permutation keeps about one in place");
    lam__permute(&stream, index, 0);
    lam__permute(&stream, index, 1);
    cr_assert_eq(index[0], 0);
}

Test(stream, permutations_of_four_are_equally_likely)
{
    enum { N = 24000 };
    size_t counts[256] = {0};
    lam__stream stream = lam__stream_open(lam__derive_key(5, LAM__FOR_ORDER, 0), 0);
    for (size_t i = 0; i < N; i++) {
        uint32_t p[4];
        lam__permute(&stream, p, 4);
        counts[p[0] << 6 | p[1] << 4 | p[2] << 2 | p[3]]++;
    }
    size_t kinds = 0;
    for (size_t c = 0; c < 256; c++) {
        kinds += counts[c] > 0;
        if (counts[c] > 0)
            cr_assert_lt(fabs((double)counts[c] - 1000), 5 * sqrt(1000.0));
    }
    cr_assert_eq(kinds, 24);
}
