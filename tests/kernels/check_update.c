/* check_update.c: optimizers, penalties and dropout against the reference. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "guarded.h"

enum { LARGE = 500, ARRAYS = 4 };

static size_t size_of_step(size_t step)
{
    return step <= SMALL ? step : LARGE + (step - SMALL);
}

/* Arrays: 0 parameters, 1 gradient, 2 and 3 moments (the second not negative). */
static void point_args(lam__update_args *a, float *const arrays[ARRAYS], bool moments)
{
    a->w = arrays[0];
    a->g = arrays[1];
    a->m = moments ? arrays[2] : NULL;
    a->v = moments ? arrays[3] : NULL;
}

static void check_update_size(size_t n, int placement, bool moments, const guarded area[ARRAYS],
                              lam__update_kernel *k, lam__update_kernel *r)
{
    static float start[ARRAYS][LARGE + WIDEST], want[ARRAYS][LARGE + WIDEST];
    static float alone[ARRAYS][LARGE + WIDEST];
    lam__update_args a = {.n = n,
                          .learning_rate = 0.01f,
                          .momentum = 0.9f,
                          .beta_1 = 0.9f,
                          .beta_2 = 0.999f,
                          .epsilon = 1e-7f,
                          .own = {0.7f, 0.95f, 0.9f, 0.99f},
                          .correction_1 = 3.7f,
                          .correction_2 = 334.0f};
    float *got[ARRAYS];
    for (int j = 0; j < ARRAYS; j++) {
        for (size_t i = 0; i < n; i++) {
            float draw = 2.0f * next_unit() - 1.0f;
            start[j][i] = j < 3 ? draw : draw * draw * 0.01f;
        }
        got[j] = guarded_place(area + j, (placement + j * 3) % PLACEMENTS, n, sizeof(float));
        memcpy(got[j], start[j], n * sizeof(float));
    }
    memcpy(want, start, sizeof want);
    memcpy(alone, start, sizeof alone);
    point_args(&a, (float *[]){want[0], want[1], want[2], want[3]}, moments);
    r(&a);
    point_args(&a, got, moments);
    k(&a);
    a.n = 1;
    for (size_t i = 0; i < n; i++) {
        point_args(&a, (float *[]){alone[0] + i, alone[1] + i, alone[2] + i, alone[3] + i},
                   moments);
        k(&a);
    }
    for (int j = 0; j < ARRAYS; j++) {
        EXPECT(guarded_clean(area + j, got[j], 1, n, n, sizeof(float)), "array %d: beyond %zu", j,
               n);
        for (size_t i = 0; i < n; i++) {
            /* Momentum and gradient may cancel: what was there counts too. */
            double size = fabs((double)want[j][i]) + fabs((double)start[j][i]) + 0.05;
            EXPECT(fabs((double)got[j][i] - want[j][i]) <= 1.5e-7 * size,
                   "array %d [%zu] of %zu is %a, not %a", j, i, n, got[j][i], want[j][i]);
            EXPECT(same_bits(got[j][i], alone[j][i]), "array %d [%zu] of %zu depends on its place",
                   j, i, n);
        }
    }
}

void check_update(const char *help, lam__update_kernel *k, lam__update_kernel *r)
{
    guarded area[ARRAYS];
    for (int j = 0; j < ARRAYS; j++)
        area[j] = guarded_new((LARGE + 2 * WIDEST) * sizeof(float));
    for (size_t step = 0; step < SMALL + 4; step++)
        for (int p = 0; p < PLACEMENTS; p++) {
            check_update_size(size_of_step(step), p, true, area, k, r);
            if (strstr(help, "NULL without"))
                check_update_size(size_of_step(step), p, false, area, k, r);
        }
    for (int j = 0; j < ARRAYS; j++)
        guarded_free(area + j);
}

void check_penalty(const char *help, lam__penalty_kernel *k, lam__penalty_kernel *r)
{
    (void)help;
    static const float strengths[][2] = {{0.01f, 0.0f}, {0.0f, 0.02f}, {0.5f, 0.25f}};
    static float w0[LARGE + WIDEST], g0[LARGE + WIDEST], want[LARGE + WIDEST];
    guarded first = guarded_new(sizeof w0 + 64), second = guarded_new(sizeof g0 + 64);
    for (size_t step = 0; step < SMALL + 4; step++)
        for (int p = 0; p < 3 * PLACEMENTS; p++) {
            size_t n = size_of_step(step);
            float *w = guarded_place(&first, p / 3, n, sizeof *w);
            float *g = guarded_place(&second, p % PLACEMENTS, n, sizeof *g);
            float l1 = strengths[p % 3][0], l2 = strengths[p % 3][1];
            for (size_t i = 0; i < n; i++) {
                w0[i] = i % 5 ? 2.0f * next_unit() - 1.0f : (i % 2 ? 0.0f : -0.0f);
                g0[i] = next_grid(1.0f);
            }
            memcpy(w, w0, n * sizeof *w);
            memcpy(g, g0, n * sizeof *g);
            memcpy(want, g0, n * sizeof *want);
            double expected = r(n, w0, l1, l2, want), sum = k(n, w, l1, l2, g);
            EXPECT(fabs(sum - expected) <= 1e-14 * (double)n, "%zu: %.17g, not %.17g", n, sum,
                   expected);
            EXPECT(k(n, w, l1, l2, NULL) == sum, "%zu: another sum without gradient", n);
            EXPECT(guarded_clean(&second, g, 1, n, n, sizeof *g), "writes beyond %zu", n);
            EXPECT(memcmp(w, w0, n * sizeof *w) == 0, "changes the parameters");
            for (size_t i = 0; i < n; i++) {
                float one = g0[i];
                k(1, w0 + i, l1, l2, &one);
                EXPECT(fabs((double)g[i] - want[i]) <= 2e-7, "[%zu] of %zu is %a, not %a", i, n,
                       g[i], want[i]);
                EXPECT(same_bits(g[i], one), "[%zu] of %zu depends on its place", i, n);
            }
        }
    guarded_free(&first);
    guarded_free(&second);
}

void check_checked_copy(const char *help, lam__checked_copy_kernel *k, lam__checked_copy_kernel *r)
{
    (void)help;
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    static float x0[LARGE + WIDEST];
    guarded first = guarded_new(sizeof x0 + 64), second = guarded_new(sizeof x0 + 64);
    for (size_t step = 0; step < SMALL + 4; step++)
        for (int p = 0; p < PLACEMENTS; p++) {
            const size_t n = size_of_step(step);
            float *x = guarded_place(&first, p, n, sizeof *x);
            float *y = guarded_place(&second, PLACEMENTS - 1 - p, n, sizeof *y);
            for (size_t i = 0; i < n; i++)
                x0[i] = i % 3 ? (2.0f * next_unit() - 1.0f) * FLT_MAX : -0.0f;
            for (size_t bad = 0; bad <= n; bad += 1 + n / 40) { /* n: none */
                memcpy(x, x0, n * sizeof *x);
                if (bad < n)
                    x[bad] = odd[bad % 3];
                EXPECT(isnan(k(n, x, p % 2 == 0, y)) == isnan(r(n, x, false, x0)),
                       "%zu: one at %zu", n, bad);
                EXPECT(memcmp(x, y, n * sizeof *x) == 0, "%zu: no copy", n);
                EXPECT(guarded_clean(&second, y, 1, n, n, sizeof *y), "writes beyond %zu", n);
                if (bad < n)
                    x0[bad] = 0.5f;
            }
            memcpy(x, x0, n * sizeof *x);
            EXPECT(k(n, x, p % 2 == 0, y) == 0.0f, "%zu: finite, and not told so", n);
        }
    guarded_free(&first);
    guarded_free(&second);
}

enum { DROP_ROWS = 5, DROP_COLS = 200, DROP_LD = DROP_COLS + 9, DROP_WORDS = 4 };

static void check_dropout_shape(lam__dropout_args a, int placement, const guarded area[3],
                                lam__dropout_kernel *k, lam__dropout_kernel *r)
{
    static float x0[DROP_ROWS * DROP_LD], want[DROP_ROWS * DROP_LD];
    static uint64_t mask0[DROP_ROWS * DROP_WORDS], mask_want[DROP_ROWS * DROP_WORDS];
    size_t count = extent(a.rows, a.cols, a.ld), words = a.rows * ((a.cols + 63) / 64);
    for (size_t i = 0; i < count; i++)
        x0[i] = i % 11 ? next_grid(4.0f) : NAN; /* dropped, even a NaN becomes 0 */
    for (size_t i = 0; i < words; i++)
        mask0[i] = (uint64_t)next_random() << 32 | next_random();
    for (size_t i = 0; i < a.rows && a.cols % 64; i++) {
        size_t end = (i + 1) * ((a.cols + 63) / 64) - 1;
        mask0[end] &= ((uint64_t)1 << a.cols % 64) - 1;
    }
    memcpy(mask_want, mask0, words * sizeof *mask0);
    a.x = x0;
    a.y = want;
    a.mask = mask_want;
    r(&a);
    float *x = guarded_place(area, placement, count, sizeof *x);
    float *y = guarded_place(area + 1, placement * 5 % PLACEMENTS, count, sizeof *y);
    a.mask = guarded_place(area + 2, placement % 3, words, sizeof *a.mask);
    memcpy(a.mask, mask0, words * sizeof *mask0);
    for (size_t i = 0; i < a.rows; i++)
        memcpy(x + i * a.ld, x0 + i * a.ld, a.cols * sizeof *x);
    for (int in_place = 0; in_place < 2; in_place++) {
        a.x = x;
        a.y = in_place ? x : y;
        k(&a);
        EXPECT(guarded_clean(area + !in_place, a.y, a.rows, a.cols, a.ld, sizeof *y),
               "%zu x %zu: writes beyond", a.rows, a.cols);
        EXPECT(guarded_clean(area + 2, a.mask, 1, words, words, sizeof *a.mask),
               "%zu x %zu: writes beyond the mask", a.rows, a.cols);
        EXPECT(memcmp(a.mask, mask_want, words * sizeof *a.mask) == 0, "%zu x %zu: another mask",
               a.rows, a.cols);
        for (size_t i = 0; i < a.rows; i++)
            for (size_t c = 0; c < a.cols; c++)
                EXPECT(same_bits(a.y[i * a.ld + c], want[i * a.ld + c]),
                       "%zu x %zu: [%zu][%zu] is %a, not %a", a.rows, a.cols, i, c,
                       a.y[i * a.ld + c], want[i * a.ld + c]);
    }
}

void check_dropout(const char *help, lam__dropout_kernel *k, lam__dropout_kernel *r)
{
    (void)help;
    static const float rates[] = {0.0f, 0.1f, 0.5f, 0.999f};
    guarded area[3] = {guarded_new(DROP_ROWS * DROP_LD * 4 + 64),
                       guarded_new(DROP_ROWS * DROP_LD * 4 + 64),
                       guarded_new((DROP_ROWS * DROP_WORDS + 2) * sizeof(uint64_t))};
    for (size_t cols = 1; cols <= DROP_COLS; cols += cols < 80 ? 1 : 17)
        for (size_t rows = 0; rows <= DROP_ROWS; rows++)
            for (size_t gap = 0; gap <= 9; gap += 3) {
                float rate = rates[next_random() % 4];
                lam__dropout_args a = {.rows = rows,
                                       .cols = cols,
                                       .ld = cols + gap,
                                       .scale = 1.0f / (1.0f - rate),
                                       .key = {next_random(), next_random()},
                                       .first_row = next_random(),
                                       .step = (uint64_t)next_random() << 32 | next_random(),
                                       .threshold = (uint32_t)((double)rate * 0x1p32)};
                check_dropout_shape(a, (int)(cols % PLACEMENTS), area, k, r);
            }
    for (int j = 0; j < 3; j++)
        guarded_free(area + j);
}
