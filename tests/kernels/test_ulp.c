/* test_ulp.c: the error of every unary kernel over all floats: each one (suite slow, ULP_STRIDE 1)
 * or every ULP_STRIDE-th and those around special points. */
#include <math.h>
#include <string.h>

#include "guarded.h"

enum { BLOCK = 4096 };

/* The kernel at `count` patterns from `first` in steps of `stride`. */
static void check_block(uint64_t first, uint64_t stride, size_t count, int bound,
                        lam__unary_kernel *k, lam__unary_kernel *r)
{
    static float x[BLOCK], got[BLOCK], want[BLOCK];
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)(first + i * stride);
        memcpy(x + i, &bits, sizeof bits);
    }
    k(count, x, got);
    r(count, x, want);
    for (size_t i = 0; i < count; i++)
        EXPECT(ulp_distance(got[i], want[i]) <= bound, "f(%a) is %a, not %a", x[i], got[i],
               want[i]);
}

/* Where some function here bends, overflows, underflows, or the program takes another path. */
static const float special[] = {
    0.0f,       0x1p-149f, 0x1p-126f,  0x1p-25f,      0x1p-24f, 0x1p-12f, 0x1p-6f, 0.25f,
    0.3465736f, 0.5f,      0.6931472f, 0.75f,         1.0f,     1.5f,     2.0f,    3.0f,
    3.92f,      4.0f,      5.0f,       8.66f,         9.01f,    10.0f,    16.64f,  17.33f,
    20.0f,      87.34f,    88.37626f,  88.722839f,    89.0f,    90.0f,    103.28f, 103.972f,
    105.0f,     1e10f,     1e30f,      3.4028235e38f, INFINITY,
};

static void check_all(const char *help, lam__unary_kernel *k, lam__unary_kernel *r)
{
    const int bound = promised_ulp(help);
    const uint64_t all = (uint64_t)1 << 32, stride = ULP_STRIDE;
    for (uint64_t first = 0; first < all; first += BLOCK * stride) {
        uint64_t left = (all - first + stride - 1) / stride;
        check_block(first, stride, left < BLOCK ? (size_t)left : BLOCK, bound, k, r);
    }
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        uint32_t bits;
        memcpy(&bits, special + i, sizeof bits);
        check_block((uint64_t)bits - BLOCK / 2, 1, BLOCK, bound, k, r);
        check_block(((uint64_t)bits ^ 0x80000000u) - BLOCK / 2, 1, BLOCK, bound, k, r);
    }
}

/* One test for each unary row; other families have no such bound. */
#define ULP_unary(name, help)                                                                      \
    Test(ulp, name)                                                                                \
    {                                                                                              \
        check_all(help, lam__kernels_chosen()->name, lam__kernels_reference()->name);              \
    }
#define ULP_affine_u8(name, help)
#define ULP_affine_f32(name, help)
#define ULP_affine_each_u8(name, help)
#define ULP_affine_each_f32(name, help)
#define ULP_forward(name, help)
#define ULP_backward(name, help)
#define ULP_loss(name, help)
#define ULP_update(name, help)
#define ULP_penalty(name, help)
#define ULP_checked_copy(name, help)
#define ULP_column_sums(name, help)
#define ULP_dropout(name, help)
#define ULP_norm(name, help)
#define ROW(name, type, help) ULP_##type(name, help)
LAM__KERNEL_LIST(ROW)
