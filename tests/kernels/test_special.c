/* test_special.c: NaN, infinities, huge logits, equal rows; dropout's mask and share. */
#include <Random123/philox.h>
#include <math.h>
#include <string.h>

#include "guarded.h"

enum { COLS = 10, WIDE = 37 };

/* NaN where NaN is expected, infinities of the same sign, else near. */
static void expect_alike(float got, float want, const char *what, size_t i)
{
    if (isnan(want) || isinf(want))
        EXPECT(same_bits(got, want), "%s [%zu] is %a, not %a", what, i, got, want);
    else
        EXPECT(fabs((double)got - want) <= 2e-6 * fabs((double)want) + 0x1p-126,
               "%s [%zu] is %a, not %a", what, i, got, want);
}

/* Rows of z [rows][cols] through one forward kernel and its reference. */
static void compare_forward(const char *what, lam__forward_kernel *k, lam__forward_kernel *r,
                            const float *z, size_t cols)
{
    float got[WIDE], want[WIDE];
    memcpy(got, z, cols * sizeof *z);
    memcpy(want, z, cols * sizeof *z);
    k(1, cols, cols, NULL, got);
    r(1, cols, cols, NULL, want);
    for (size_t c = 0; c < cols; c++)
        expect_alike(got[c], want[c], what, c);
}

/* Each special value at each place of a row of each width. */
Test(special, forward_kernels_treat_odd_values_as_the_reference)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, -0.0f, 1e4f, -1e4f, 3e38f, -3e38f};
    const lam__kernels *k = lam__kernels_chosen(), *r = lam__kernels_reference();
    for (size_t cols = 1; cols <= WIDE; cols += 3)
        for (size_t place = 0; place < cols; place++)
            for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
                float z[WIDE];
                for (size_t c = 0; c < cols; c++)
                    z[c] = next_grid(4.0f);
                z[place] = odd[i];
#define COMPARE_forward(name) compare_forward(#name, k->name, r->name, z, cols);
#define COMPARE_backward(name)
#define ROW(name, type, help) COMPARE_##type(name)
                LAM__ACTIVATION_KERNELS(ROW)
#undef ROW
            }
}

/* The first step of Adam on n equal weights of 0 from a gradient g and a second moment v. */
static void check_adam(size_t n, float g, float v)
{
    float w[WIDE] = {0}, gradients[WIDE], m[WIDE] = {0}, moments[WIDE];
    for (size_t i = 0; i < n; i++) {
        gradients[i] = g;
        moments[i] = v;
    }
    const lam__update_args a = {.n = n,
                                .w = w,
                                .g = gradients,
                                .m = m,
                                .v = moments,
                                .learning_rate = 0.001f,
                                .beta_1 = 0.9f,
                                .beta_2 = 0.999f,
                                .epsilon = 1e-7f,
                                .correction_1 = 10.0f,
                                .correction_2 = 1000.0f};
    lam__kernels_chosen()->adam(&a);
    for (size_t i = 0; i < n; i++) {
        const double root = sqrt((double)(moments[i] * a.correction_2));
        const double want = -0.01 * (double)m[i] / (root + (double)a.epsilon);
        if (isinf(root) && !isnan(want))
            EXPECT(fabsf(w[i]) < 1e-12f, "adam [%zu] of an infinite moment is %a", i, w[i]);
        else
            expect_alike(w[i], (float)want, "adam", i);
    }
}

/* From gradients whose squares vanish to those whose squares, or the corrected moment, overflow. */
Test(special, adam_divides_whatever_the_size)
{
    static const float sizes[] = {0.0f,  1e-30f, 1e-15f, 1e-7f, 1.0f,
                                  -3.0f, 1e15f,  -1e18f, 1e25f, NAN};
    static const float moments[] = {0.0f, 1e-30f, 1.0f, 3e38f, INFINITY, NAN};
    for (size_t n = 1; n <= WIDE; n += 4)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t j = 0; j < sizeof moments / sizeof *moments; j++)
                check_adam(n, sizes[i], moments[j]);
}

Test(special, softmax_of_equal_logits_is_uniform)
{
    static const float level[] = {0.0f, 1e4f, -1e4f, 3e38f, -3e38f};
    const lam__kernels *k = lam__kernels_chosen();
    for (size_t cols = 1; cols <= WIDE; cols++)
        for (size_t i = 0; i < sizeof level / sizeof *level; i++) {
            float y[WIDE];
            for (size_t c = 0; c < cols; c++)
                y[c] = level[i];
            k->softmax_forward(1, cols, cols, NULL, y);
            for (size_t c = 0; c < cols; c++)
                EXPECT(fabs((double)y[c] * (double)cols - 1.0) < 2e-7, "1/%zu is %a", cols, y[c]);
        }
}

/* Losses of a confident network: finite, exact where the answer is right, the logits' distance
 * where it is wrong. */
Test(special, crossentropy_of_huge_logits_is_finite)
{
    const lam__kernels *k = lam__kernels_chosen();
    int32_t label = 3;
    float y[COLS] = {0}, dy[COLS];
    lam__loss_args a = {
        .rows = 1, .cols = COLS, .ld = COLS, .y = y, .labels = &label, .scale = 1.0f, .dy = dy};
    y[3] = 1e4f;
    cr_assert_eq(k->softmax_crossentropy(&a), 0.0);
    cr_assert_eq(y[3], 1.0f);
    cr_assert_eq(dy[3], 0.0f);
    memset(y, 0, sizeof y);
    y[5] = 1e4f;
    cr_assert_eq(k->softmax_crossentropy(&a), 1e4);
    cr_assert_eq(dy[3], -1.0f);
    cr_assert_eq(dy[5], 1.0f);
    float t[COLS] = {0};
    a.labels = NULL;
    a.targets = t;
    memset(y, 0, sizeof y);
    y[1] = -INFINITY; /* asked for by nobody */
    t[3] = 1.0f;
    double loss = k->softmax_crossentropy(&a);
    EXPECT(fabs(loss - log(9.0)) < 1e-6, "loss %.9g", loss);
    cr_assert_eq(y[1], 0.0f);

    for (size_t c = 0; c < COLS; c++) {
        y[c] = c % 2 ? 1e4f : -1e4f;
        t[c] = c % 4 < 2 ? 1.0f : 0.0f;
    }
    loss = k->sigmoid_crossentropy(&a);
    EXPECT(fabs(loss - 5e3) < 1e-3, "loss %.9g", loss);
    for (size_t c = 0; c < COLS; c++) {
        cr_assert_eq(y[c], c % 2 ? 1.0f : 0.0f);
        expect_alike(dy[c], (y[c] - t[c]) / COLS, "gradient", c);
    }
}

Test(special, a_nan_reaches_every_loss)
{
    const lam__kernels *k = lam__kernels_chosen();
    lam__loss_kernel *const losses[] = {
#define IS_loss(name) k->name,
#define IS_unary(name)
#define IS_affine_u8(name)
#define IS_affine_f32(name)
#define IS_affine_each_u8(name)
#define IS_affine_each_f32(name)
#define IS_forward(name)
#define IS_backward(name)
#define IS_update(name)
#define IS_penalty(name)
#define IS_checked_copy(name)
#define IS_column_sums(name)
#define IS_dropout(name)
#define IS_norm(name)
#define ROW(name, type, help) IS_##type(name)
        LAM__KERNEL_LIST(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        for (size_t place = 0; place < WIDE; place++) {
            float y[WIDE], t[WIDE], dy[WIDE];
            for (size_t c = 0; c < WIDE; c++)
                y[c] = t[c] = 0.25f;
            y[place] = NAN;
            lam__loss_args a = {
                .rows = 1, .cols = WIDE, .ld = WIDE, .y = y, .targets = t, .scale = 1.0f, .dy = dy};
            EXPECT(isnan(losses[i](&a)), "loss %zu hides a NaN at %zu", i, place);
        }
}

Test(special, dropout_masks_are_those_of_random123)
{
    enum { ROWS = 3, N = 130, WORDS = 3 };
    static float x[ROWS * N], y[ROWS * N];
    uint64_t mask[ROWS * WORDS];
    const lam__kernels *k = lam__kernels_chosen();
    lam__dropout_args a = {.rows = ROWS,
                           .cols = N,
                           .ld = N,
                           .x = x,
                           .y = y,
                           .mask = mask,
                           .scale = 2.0f,
                           .key = {0x12345678u, 0x9abcdef0u},
                           .first_row = 77,
                           .step = 0x0000000500000003u,
                           .threshold = 0x80000000u};
    for (size_t i = 0; i < ROWS * N; i++)
        x[i] = (float)(i + 1);
    k->dropout(&a);
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t c = 0; c < N; c++) {
            philox4x32_ctr_t counter = {{c / 64 * 16 + c % 16, 77 + r, 3, 5}};
            philox4x32_key_t key = {{0x12345678u, 0x9abcdef0u}};
            bool keep = philox4x32(counter, key).v[c % 64 / 16] >= 0x80000000u;
            EXPECT((mask[r * WORDS + c / 64] >> c % 64 & 1) == keep, "bit %u of row %u", c, r);
            EXPECT(y[r * N + c] == (keep ? 2.0f * x[r * N + c] : 0.0f), "y[%u][%u]", r, c);
        }
    for (size_t r = 0; r < ROWS; r++)
        cr_assert_eq(mask[r * WORDS + 2] >> 2, 0, "bits beyond the columns");
}

/* The share of 2^18 kept ones within five standard deviations of 1 - rate. */
Test(special, dropout_keeps_its_share)
{
    enum { ROWS = 64, N = 4096 };
    static float x[ROWS * N];
    static uint64_t mask[ROWS * N / 64];
    const lam__kernels *k = lam__kernels_chosen();
    for (double rate = 0.0; rate < 1.0; rate += 0.125) {
        lam__dropout_args a = {.rows = ROWS,
                               .cols = N,
                               .ld = N,
                               .x = x,
                               .y = x,
                               .mask = mask,
                               .scale = 1.0f,
                               .key = {7, 11},
                               .step = 1,
                               .threshold = (uint32_t)(rate * 0x1p32)};
        size_t kept = 0;
        for (size_t i = 0; i < ROWS * N; i++)
            x[i] = 1.0f;
        k->dropout(&a);
        for (size_t i = 0; i < ROWS * N; i++)
            kept += x[i] != 0.0f;
        double total = ROWS * N, deviation = sqrt(total * rate * (1.0 - rate));
        EXPECT(fabs((double)kept - total * (1.0 - rate)) <= 5.0 * deviation,
               "rate %g keeps %zu of %g", rate, kept, total);
    }
}
