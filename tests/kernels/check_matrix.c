/* check_matrix.c: kernels on matrices (activations, their derivatives, column sums) against the
 * reference, over rows x columns x leading dimensions x placements. */
#include <math.h>
#include <string.h>

#include "guarded.h"

enum { MOST_ROWS = 17, MOST_COLS = 257, MOST_LD = MOST_COLS + 23, MOST = MOST_ROWS * MOST_LD };

typedef struct shape {
    size_t rows, cols, ld;
    int placement;
    unsigned serial;
} shape;

/* All shapes in turn, from {0}: columns 1..SMALL and a few more, and of rows, gaps and placements
 * every combination with some placement. */
static bool next_shape(shape *s)
{
    static const size_t rows[] = {0, 1, 2, 3, 7, MOST_ROWS};
    static const size_t gaps[] = {0, 1, 7, 22};
    static const size_t wide[] = {48, 64, 100, 128, MOST_COLS};
    enum { ROWS = 6, GAPS = 4, COLS = SMALL + 5, PLACES = 3 };
    unsigned i = s->serial++;
    if (i >= ROWS * GAPS * COLS * PLACES)
        return false;
    unsigned place = i % PLACES;
    s->placement = place == 0 ? 0 : (int)(1 + (i / PLACES + place * 7) % WIDEST);
    i /= PLACES;
    s->rows = rows[i % ROWS];
    i /= ROWS;
    size_t gap = gaps[i % GAPS];
    i /= GAPS;
    s->cols = i < SMALL ? i + 1 : wide[i - SMALL];
    s->ld = s->cols + gap;
    return true;
}

/* Copies the meaningful elements of a matrix of the same shape. */
static void copy_rows(const shape *s, const float *from, float *to)
{
    for (size_t r = 0; r < s->rows; r++)
        memcpy(to + r * s->ld, from + r * s->ld, s->cols * sizeof *to);
}

#define SHAPE_TEXT "%zu x %zu, leading dimension %zu, placement %d: "
#define SHAPE(s) (s).rows, (s).cols, (s).ld, (s).placement

static void check_forward_shape(const shape *s, const guarded *area, const guarded *small,
                                bool with_bias, lam__forward_kernel *k, lam__forward_kernel *r)
{
    static float z[MOST], want[MOST], alone[MOST_COLS];
    size_t count = extent(s->rows, s->cols, s->ld);
    float *y = guarded_place(area, s->placement, count, sizeof *y);
    float *bias = guarded_place(small, s->placement, s->cols, sizeof *bias);
    for (size_t i = 0; i < count; i++)
        z[i] = next_grid(i % 5 ? 2.0f : 12.0f);
    for (size_t c = 0; c < s->cols; c++)
        bias[c] = next_grid(1.0f);
    if (!with_bias)
        bias = NULL;
    copy_rows(s, z, y);
    memcpy(want, z, count * sizeof *z);
    k(s->rows, s->cols, s->ld, bias, y);
    r(s->rows, s->cols, s->ld, bias, want);
    EXPECT(guarded_clean(area, y, s->rows, s->cols, s->ld, sizeof *y), SHAPE_TEXT "writes beyond",
           SHAPE(*s));
    for (size_t i = 0; i < s->rows; i++) {
        const float *got = y + i * s->ld, *expected = want + i * s->ld;
        memcpy(alone, z + i * s->ld, s->cols * sizeof *alone);
        k(1, s->cols, s->cols, bias, alone);
        for (size_t c = 0; c < s->cols; c++) {
            double slack = 2e-6 * fabs((double)expected[c]) + 0x1p-126;
            EXPECT(fabs((double)got[c] - expected[c]) <= slack,
                   SHAPE_TEXT "[%zu][%zu] is %a, not %a", SHAPE(*s), i, c, got[c], expected[c]);
            EXPECT(same_bits(got[c], alone[c]), SHAPE_TEXT "[%zu][%zu] depends on its place",
                   SHAPE(*s), i, c);
        }
    }
}

void check_forward(const char *help, lam__forward_kernel *k, lam__forward_kernel *r)
{
    (void)help;
    guarded area = guarded_new((MOST + WIDEST) * sizeof(float));
    guarded small = guarded_new((MOST_COLS + WIDEST) * sizeof(float));
    for (shape s = {0}; next_shape(&s);) {
        check_forward_shape(&s, &area, &small, true, k, r);
        check_forward_shape(&s, &area, &small, false, k, r);
    }
    guarded_free(&area);
    guarded_free(&small);
}

static void check_backward_shape(const shape *s, const guarded *before, const guarded *first,
                                 const guarded *second, lam__backward_kernel *k,
                                 lam__backward_kernel *r)
{
    static float inputs[MOST], outputs[MOST], deltas[MOST], want[MOST], alone[MOST_COLS];
    size_t count = extent(s->rows, s->cols, s->ld);
    float *z = guarded_place(before, s->placement * 5 % PLACEMENTS, count, sizeof *z);
    float *y = guarded_place(first, s->placement, count, sizeof *y);
    float *dy = guarded_place(second, s->placement * 3 % PLACEMENTS, count, sizeof *dy);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = next_grid(i % 5 ? 2.0f : 12.0f);
        outputs[i] = i % 6 ? next_grid(1.0f) : 0.0f;
        deltas[i] = next_grid(2.0f);
    }
    copy_rows(s, inputs, z);
    copy_rows(s, outputs, y);
    copy_rows(s, deltas, dy);
    memcpy(want, deltas, count * sizeof *want);
    k(s->rows, s->cols, s->ld, z, y, dy);
    r(s->rows, s->cols, s->ld, inputs, outputs, want);
    EXPECT(guarded_clean(second, dy, s->rows, s->cols, s->ld, sizeof *dy),
           SHAPE_TEXT "writes beyond", SHAPE(*s));
    for (size_t i = 0; i < s->rows; i++) {
        const float *got = dy + i * s->ld, *expected = want + i * s->ld;
        double size = 1.0; /* what a sum over the row may lose */
        for (size_t c = 0; c < s->cols; c++)
            size += fabs((double)outputs[i * s->ld + c] * deltas[i * s->ld + c]);
        memcpy(alone, deltas + i * s->ld, s->cols * sizeof *alone);
        k(1, s->cols, s->cols, z + i * s->ld, y + i * s->ld, alone);
        for (size_t c = 0; c < s->cols; c++) {
            double slack = 1e-6 * (fabs((double)expected[c]) + 0.25 * size);
            EXPECT(fabs((double)got[c] - expected[c]) <= slack,
                   SHAPE_TEXT "[%zu][%zu] is %a, not %a", SHAPE(*s), i, c, got[c], expected[c]);
            EXPECT(same_bits(got[c], alone[c]), SHAPE_TEXT "[%zu][%zu] depends on its place",
                   SHAPE(*s), i, c);
            EXPECT(y[i * s->ld + c] == outputs[i * s->ld + c], "changes the outputs");
            EXPECT(z[i * s->ld + c] == inputs[i * s->ld + c], "changes the inputs");
        }
    }
}

void check_backward(const char *help, lam__backward_kernel *k, lam__backward_kernel *r)
{
    (void)help;
    guarded before = guarded_new((MOST + WIDEST) * sizeof(float));
    guarded first = guarded_new((MOST + WIDEST) * sizeof(float));
    guarded second = guarded_new((MOST + WIDEST) * sizeof(float));
    for (shape s = {0}; next_shape(&s);)
        check_backward_shape(&s, &before, &first, &second, k, r);
    guarded_free(&before);
    guarded_free(&first);
    guarded_free(&second);
}

/* Rows so far apart that they are added in another order of loops: the same bits as of rows close
 * together. */
static void check_far_sums(lam__column_sums_kernel *k)
{
    enum { ROWS = 23, FAR = 32768, COLS = 70 };
    static float far[ROWS * FAR], near[ROWS * COLS];
    float far_sums[COLS], near_sums[COLS];
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++)
            far[r * FAR + c] = near[r * COLS + c] = next_unit() - 0.5f;
    for (size_t cols = 1; cols <= COLS; cols++) {
        k(ROWS, cols, FAR, far, far_sums);
        k(ROWS, cols, COLS, near, near_sums);
        for (size_t c = 0; c < cols; c++)
            EXPECT(same_bits(far_sums[c], near_sums[c]), "sum %zu of %zu far columns is %a, not %a",
                   c, cols, far_sums[c], near_sums[c]);
    }
}

void check_column_sums(const char *help, lam__column_sums_kernel *k, lam__column_sums_kernel *r)
{
    (void)help;
    static float values[MOST], want[MOST_COLS];
    guarded area = guarded_new((MOST + WIDEST) * sizeof(float));
    guarded small = guarded_new((MOST_COLS + WIDEST) * sizeof(float));
    for (shape s = {0}; next_shape(&s);) {
        size_t count = extent(s.rows, s.cols, s.ld);
        float *x = guarded_place(&area, s.placement, count, sizeof *x);
        float *sums = guarded_place(&small, s.placement * 5 % PLACEMENTS, s.cols, sizeof *sums);
        for (size_t i = 0; i < count; i++)
            values[i] = next_unit() - 0.5f;
        copy_rows(&s, values, x);
        k(s.rows, s.cols, s.ld, x, sums);
        r(s.rows, s.cols, s.ld, values, want);
        EXPECT(guarded_clean(&small, sums, 1, s.cols, s.cols, sizeof *sums),
               SHAPE_TEXT "writes beyond", SHAPE(s));
        for (size_t c = 0; c < s.cols; c++) {
            float alone;
            k(s.rows, 1, s.ld, x + c, &alone);
            EXPECT(fabs((double)sums[c] - want[c]) <= 0x1p-24 * (double)s.rows,
                   SHAPE_TEXT "sum %zu is %a, not %a", SHAPE(s), c, sums[c], want[c]);
            EXPECT(same_bits(sums[c], alone), SHAPE_TEXT "sum %zu depends on its column", SHAPE(s),
                   c);
        }
    }
    check_far_sums(k);
    guarded_free(&area);
    guarded_free(&small);
}
