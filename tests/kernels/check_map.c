/* check_map.c: unary and scaling kernels against the reference. */
#include <math.h>
#include <string.h>

#include "guarded.h"

enum { LARGE = 1000, MOST = LARGE + WIDEST };

static const size_t sizes_above[] = {48, 63, 100, 255, LARGE};

/* 0..SMALL, then the larger ones; the next size in *n until false. */
static bool next_size(size_t *step, size_t *n)
{
    const size_t larger = sizeof sizes_above / sizeof *sizes_above;
    if (*step > SMALL + larger)
        return false;
    *n = *step <= SMALL ? *step : sizes_above[*step - SMALL - 1];
    ++*step;
    return true;
}

/* Any bits but mostly numbers near 1, and all the special ones. */
static void fill_any(float *x, size_t n)
{
    static const float special[] = {0.0f,  -0.0f,   1.0f,    -1.0f,     INFINITY,  -INFINITY,
                                    NAN,   88.7f,   -103.9f, 0x1p-149f, 0x1p-127f, -0x1p-140f,
                                    1e30f, -1e30f,  88.73f,  -87.4f,    9.1f,      -9.1f,
                                    0.5f,  0.9999f, 1.0001f, 3.9f,      -3.93f,    0x1p-24f};
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = next_random();
        if (i < sizeof special / sizeof *special)
            x[i] = special[i];
        else if (i % 3 == 0)
            memcpy(x + i, &bits, sizeof bits);
        else
            x[i] = next_grid(i % 3 == 1 ? 4.0f : 90.0f);
    }
}

void check_unary(const char *help, lam__unary_kernel *k, lam__unary_kernel *r)
{
    static float x[MOST], single[MOST], want[MOST];
    const int bound = promised_ulp(help);
    fill_any(x, MOST);
    r(MOST, x, want);
    for (size_t i = 0; i < MOST; i++) {
        k(1, x + i, single + i);
        EXPECT(ulp_distance(single[i], want[i]) <= bound, "f(%a) is %a, not %a", x[i], single[i],
               want[i]);
    }
    guarded in = guarded_new(sizeof x), out = guarded_new(sizeof x);
    size_t step = 0, n;
    while (next_size(&step, &n)) {
        for (int p = 0; p < PLACEMENTS; p++) {
            float *a = guarded_place(&in, p, n, sizeof *a);
            float *b = guarded_place(&out, p * 5 % PLACEMENTS, n, sizeof *b);
            const float *from = x + p % WIDEST;
            memcpy(a, from, n * sizeof *a);
            k(n, a, b);
            EXPECT(guarded_clean(&out, b, 1, n, n, sizeof *b), "writes beyond %zu floats", n);
            for (size_t i = 0; i < n; i++)
                EXPECT(same_bits(b[i], single[p % WIDEST + i]),
                       "element %zu of %zu: %a, but %a alone", i, n, b[i], single[p % WIDEST + i]);
            EXPECT(memcmp(a, from, n * sizeof *a) == 0, "changes its input");
            k(n, a, a);
            EXPECT(guarded_clean(&in, a, 1, n, n, sizeof *a), "writes beyond, in place");
            for (size_t i = 0; i < n; i++)
                EXPECT(same_bits(a[i], b[i]), "element %zu of %zu differs in place", i, n);
        }
    }
    guarded_free(&in);
    guarded_free(&out);
}

/* A result of x * scale + offset may be off by the rounding of product and sum. */
static void expect_affine(float got, float want, double product, double offset)
{
    double slack = 0x1p-23 * (fabs(product) + fabs(offset));
    EXPECT(fabs((double)got - want) <= slack, "%a * scale + offset is %a, not %a", product, got,
           want);
}

static float next_scale(void)
{
    return next_unit() * 2.0f - 1.0f;
}

#define CHECK_AFFINE(name, type, make)                                                             \
    void check_affine_##name(const char *help, lam__affine_##name##_kernel *k,                     \
                             lam__affine_##name##_kernel *r)                                       \
    {                                                                                              \
        (void)help;                                                                                \
        static type x[MOST];                                                                       \
        static float want[MOST], single[MOST];                                                     \
        const float scale = 1.0f / 127.5f, offset = -1.01f;                                        \
        for (size_t i = 0; i < MOST; i++) {                                                        \
            x[i] = (type)(make);                                                                   \
            k(1, x + i, scale, offset, single + i);                                                \
        }                                                                                          \
        r(MOST, x, scale, offset, want);                                                           \
        for (size_t i = 0; i < MOST; i++)                                                          \
            expect_affine(single[i], want[i], (double)x[i] * scale, offset);                       \
        guarded in = guarded_new(sizeof x), out = guarded_new(sizeof want);                        \
        size_t step = 0, n;                                                                        \
        while (next_size(&step, &n))                                                               \
            for (int p = 0; p < PLACEMENTS; p++) {                                                 \
                type *a = guarded_place(&in, p, n, sizeof *a);                                     \
                float *b = guarded_place(&out, p * 5 % PLACEMENTS, n, sizeof *b);                  \
                memcpy(a, x, n * sizeof *a);                                                       \
                k(n, a, scale, offset, b);                                                         \
                EXPECT(guarded_clean(&out, b, 1, n, n, sizeof *b), "writes beyond %zu", n);        \
                EXPECT(memcmp(b, single, n * sizeof *b) == 0, "a value depends on its index");     \
            }                                                                                      \
        guarded_free(&in);                                                                         \
        guarded_free(&out);                                                                        \
    }

CHECK_AFFINE(u8, uint8_t, next_random())
CHECK_AFFINE(f32, float, next_grid(100.0f))

#define CHECK_AFFINE_EACH(name, type, make)                                                        \
    void check_affine_each_##name(const char *help, lam__affine_each_##name##_kernel *k,           \
                                  lam__affine_each_##name##_kernel *r)                             \
    {                                                                                              \
        (void)help;                                                                                \
        static type x[MOST];                                                                       \
        static float scale[MOST], offset[MOST], want[MOST], single[MOST];                          \
        for (size_t i = 0; i < MOST; i++) {                                                        \
            x[i] = (type)(make);                                                                   \
            scale[i] = next_scale();                                                               \
            offset[i] = next_scale();                                                              \
            k(1, x + i, scale + i, offset + i, single + i);                                        \
        }                                                                                          \
        r(MOST, x, scale, offset, want);                                                           \
        for (size_t i = 0; i < MOST; i++)                                                          \
            expect_affine(single[i], want[i], (double)x[i] * scale[i], offset[i]);                 \
        guarded in = guarded_new(sizeof x), out = guarded_new(sizeof want);                        \
        guarded factors = guarded_new(sizeof scale), terms = guarded_new(sizeof offset);           \
        size_t step = 0, n;                                                                        \
        while (next_size(&step, &n))                                                               \
            for (int p = 0; p < PLACEMENTS; p++) {                                                 \
                type *a = guarded_place(&in, p, n, sizeof *a);                                     \
                float *b = guarded_place(&out, p * 5 % PLACEMENTS, n, sizeof *b);                  \
                float *s = guarded_place(&factors, p * 3 % PLACEMENTS, n, sizeof *s);              \
                float *o = guarded_place(&terms, p * 7 % PLACEMENTS, n, sizeof *o);                \
                memcpy(a, x, n * sizeof *a);                                                       \
                memcpy(s, scale, n * sizeof *s);                                                   \
                memcpy(o, offset, n * sizeof *o);                                                  \
                k(n, a, s, o, b);                                                                  \
                EXPECT(guarded_clean(&out, b, 1, n, n, sizeof *b), "writes beyond %zu", n);        \
                EXPECT(memcmp(b, single, n * sizeof *b) == 0, "a value depends on its index");     \
            }                                                                                      \
        guarded_free(&in);                                                                         \
        guarded_free(&out);                                                                        \
        guarded_free(&factors);                                                                    \
        guarded_free(&terms);                                                                      \
    }

CHECK_AFFINE_EACH(u8, uint8_t, next_random())
CHECK_AFFINE_EACH(f32, float, next_grid(100.0f))
