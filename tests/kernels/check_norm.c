/* check_norm.c: layer normalization and its gradients against the reference. Whatever a kernel is
 * to write is compared, and everything else must be left alone. */
#include <math.h>
#include <string.h>

#include "guarded.h"

enum { MOST_ROWS = 19, MOST_COLS = 300, MOST_LD = MOST_COLS + 9, MOST = MOST_ROWS * MOST_LD };

/* The arrays of a problem: x, y, stats, dy, dx, gamma, sums. */
enum { X, Y, STATS, DY, DX, GAMMA, SUMS, ARRAYS };

typedef struct array {
    size_t rows, cols, ld;
    float start[MOST], want[MOST];
    guarded area;
    float *at;
} array;

static array arrays[ARRAYS];

static void shape_arrays(size_t rows, size_t cols, size_t gap_x, size_t gap_y)
{
    const size_t shapes[ARRAYS][3] = {
        {rows, cols, cols + gap_x},
        {rows, cols, cols + gap_y},
        {rows, 2, 2},
        {rows, cols, cols + gap_y},
        {rows, cols, cols + gap_x},
        {1, cols, cols},
        {1, cols, cols},
    };
    for (int i = 0; i < ARRAYS; i++) {
        arrays[i].rows = shapes[i][0];
        arrays[i].cols = shapes[i][1];
        arrays[i].ld = shapes[i][2];
    }
}

/* Rows about a mean of their own, of a deviation of their own, and the statistics that belong to
 * them; now and then a constant row. */
static void draw(float epsilon)
{
    const array *x = &arrays[X];
    for (int i = 0; i < ARRAYS; i++)
        for (size_t k = 0; k < extent(arrays[i].rows, arrays[i].cols, arrays[i].ld); k++)
            arrays[i].start[k] = next_grid(1.0f);
    for (size_t r = 0; r < x->rows; r++) {
        float *row = arrays[X].start + r * x->ld;
        const float mean = next_grid(8.0f), spread = r % 7 == 3 ? 0.0f : 0.1f + 2.0f * next_unit();
        double sum = 0.0, squares = 0.0;
        for (size_t c = 0; c < x->cols; c++)
            sum += row[c] = mean + spread * row[c];
        sum /= (double)x->cols;
        for (size_t c = 0; c < x->cols; c++)
            squares += (row[c] - sum) * (row[c] - sum);
        arrays[STATS].start[2 * r] = (float)sum;
        arrays[STATS].start[2 * r + 1] =
            (float)(1.0 / sqrt(squares / (double)x->cols + (double)epsilon));
    }
}

static lam__norm_args arguments(float *const at[ARRAYS], float epsilon)
{
    return (lam__norm_args){.rows = arrays[X].rows,
                            .cols = arrays[X].cols,
                            .ldx = arrays[X].ld,
                            .ldy = arrays[Y].ld,
                            .x = at[X],
                            .gamma = at[GAMMA],
                            .epsilon = epsilon,
                            .y = at[Y],
                            .stats = at[STATS],
                            .dy = at[DY],
                            .dx = at[DX],
                            .sums = at[SUMS]};
}

/* How far a result may be off: rounding of x - mean is scaled by 1 / deviation, and once more on
 * the way back, where sums over rows or columns come on top. */
static double slack_of(int i, size_t r, double want)
{
    const double inverse = arrays[STATS].start[2 * r + 1];
    const double off = 2e-6 * (1.0 + fabs((double)arrays[STATS].start[2 * r])) * inverse;
    double most = 0.0;
    switch (i) {
    case STATS:
        return 2e-6 * fabs(want) + 2e-6;
    case DX:
        return (off + 4e-6) * inverse * (1.0 + off) + 2e-6 * fabs(want);
    case SUMS:
        for (size_t k = 0; k < arrays[STATS].rows; k++) {
            const double here = arrays[STATS].start[2 * k + 1];
            most += 1e-6 * (1.0 + fabs((double)arrays[STATS].start[2 * k])) * here + 1e-6;
        }
        return most;
    default:
        return off + 2e-6 * fabs(want);
    }
}

static void compare(int i, float epsilon)
{
    const array *a = &arrays[i];
    EXPECT(guarded_clean(&a->area, a->at, a->rows, a->cols, a->ld, sizeof *a->at),
           "%zu x %zu: writes beyond array %d", arrays[X].rows, arrays[X].cols, i);
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->cols; c++) {
            const float got = a->at[r * a->ld + c], want = a->want[r * a->ld + c];
            EXPECT(i == X || i == DY || i == GAMMA
                       ? same_bits(got, want)
                       : fabs((double)got - want) <= slack_of(i, r, want),
                   "%zu x %zu, epsilon %g: array %d [%zu][%zu] is %a, not %a", arrays[X].rows,
                   arrays[X].cols, (double)epsilon, i, r, c, got, want);
        }
}

/* A row alone, and a column of the sums alone, have the bits they have among others. */
static void check_place(lam__norm_kernel *k, float epsilon)
{
    static float y[MOST], dx[MOST], stats[2 * MOST_ROWS], sums[MOST_COLS];
    for (size_t r = 0; r < arrays[X].rows; r++) {
        const float *x = arrays[X].at + r * arrays[X].ld;
        memcpy(y, arrays[Y].start + r * arrays[Y].ld, arrays[Y].cols * sizeof *y);
        memcpy(dx, arrays[DX].start + r * arrays[DX].ld, arrays[DX].cols * sizeof *dx);
        memcpy(stats, arrays[STATS].start + 2 * r, 2 * sizeof *stats);
        lam__norm_args one = {.rows = 1,
                              .cols = arrays[X].cols,
                              .ldx = arrays[X].cols,
                              .ldy = arrays[X].cols,
                              .x = x,
                              .gamma = arrays[GAMMA].at,
                              .epsilon = epsilon,
                              .y = y,
                              .stats = stats,
                              .dy = arrays[DY].at + r * arrays[DY].ld,
                              .dx = dx,
                              .sums = sums};
        k(&one);
        for (size_t c = 0; c < arrays[X].cols; c++)
            EXPECT(same_bits(y[c], arrays[Y].at[r * arrays[Y].ld + c]) &&
                       same_bits(dx[c], arrays[DX].at[r * arrays[DX].ld + c]),
                   "%zu x %zu: row %zu depends on its place", arrays[X].rows, arrays[X].cols, r);
    }
    for (size_t c = 0; c < arrays[X].cols; c++) {
        float sum = arrays[SUMS].start[c];
        memcpy(stats, arrays[STATS].start, 2 * arrays[X].rows * sizeof *stats);
        lam__norm_args one = {.rows = arrays[X].rows,
                              .cols = 1,
                              .ldx = arrays[X].ld,
                              .ldy = arrays[Y].ld,
                              .x = arrays[X].at + c,
                              .gamma = arrays[GAMMA].at + c,
                              .epsilon = epsilon,
                              .y = y,
                              .stats = stats,
                              .dy = arrays[DY].at + c,
                              .dx = dx,
                              .sums = &sum};
        k(&one);
        EXPECT(same_bits(sum, arrays[SUMS].at[c]), "%zu x %zu: sum %zu depends on its column",
               arrays[X].rows, arrays[X].cols, c);
    }
}

static void check_shape(size_t rows, size_t cols, size_t gap, int placement, lam__norm_kernel *k,
                        lam__norm_kernel *r)
{
    static const float epsilons[] = {1e-3f, 1e-5f, 0.25f};
    const float epsilon = epsilons[(rows + cols + gap) % 3];
    float *at[ARRAYS], *want[ARRAYS];
    shape_arrays(rows, cols, gap, gap / 2);
    draw(epsilon);
    for (int i = 0; i < ARRAYS; i++) {
        array *a = &arrays[i];
        const size_t count = extent(a->rows, a->cols, a->ld);
        a->at = at[i] =
            guarded_place(&a->area, placement * (2 * i + 1) % PLACEMENTS, count, sizeof *a->at);
        for (size_t row = 0; row < a->rows; row++)
            memcpy(a->at + row * a->ld, a->start + row * a->ld, a->cols * sizeof *a->at);
        memcpy(a->want, a->start, count * sizeof *a->want);
        want[i] = a->want;
    }
    const lam__norm_args args = arguments(at, epsilon), expected = arguments(want, epsilon);
    k(&args);
    r(&expected);
    for (int i = 0; i < ARRAYS; i++)
        compare(i, epsilon);
    check_place(k, epsilon);
}

enum { FARTHEST = 1 << 17 };

/* Rows `far` floats apart, so far that loops are taken in another order: the same bits as of rows
 * close together. */
static void check_far(lam__norm_kernel *k, size_t far)
{
    enum { ROWS = MOST_ROWS, COLS = 5000 };
    /* x, dy, y, dx; hardly any of what is far is used */
    static float near_by[4][ROWS * COLS], far_off[4][ROWS * FARTHEST];
    float *const at[2][4] = {{near_by[0], near_by[1], near_by[2], near_by[3]},
                             {far_off[0], far_off[1], far_off[2], far_off[3]}};
    static float gamma[COLS], stats[2][2 * ROWS], sums[2][COLS];
    const size_t lds[2] = {COLS, far};
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++)
            for (int a = 0; a < 4; a++)
                at[1][a][r * far + c] = at[0][a][r * COLS + c] = next_grid(2.0f);
    for (size_t c = 0; c < COLS; c++)
        gamma[c] = next_grid(1.0f);
    for (size_t cols = 1; cols <= COLS; cols += cols < 150 ? 7 : cols < 700 ? 250 : 1950) {
        for (size_t i = 0; i < 2 * ROWS; i++)
            stats[0][i] = stats[1][i] = 0.25f + next_unit();
        for (int i = 0; i < 2; i++)
            k(&(lam__norm_args){.rows = ROWS,
                                .cols = cols,
                                .ldx = lds[i],
                                .ldy = lds[i],
                                .x = at[i][0],
                                .gamma = gamma,
                                .epsilon = 1e-3f,
                                .y = at[i][2],
                                .stats = stats[i],
                                .dy = at[i][1],
                                .dx = at[i][3],
                                .sums = sums[i]});
        for (size_t c = 0; c < cols; c++) {
            EXPECT(same_bits(sums[0][c], sums[1][c]), "sum %zu of %zu far columns is %a, not %a", c,
                   cols, sums[1][c], sums[0][c]);
            for (size_t r = 0; r < ROWS; r++)
                for (int a = 2; a < 4; a++)
                    EXPECT(same_bits(at[0][a][r * COLS + c], at[1][a][r * far + c]),
                           "far array %d [%zu][%zu] differs", a, r, c);
        }
    }
}

void check_norm(const char *help, lam__norm_kernel *k, lam__norm_kernel *r)
{
    static const size_t rows[] = {0, 1, 2, 5, MOST_ROWS};
    (void)help;
    for (int i = 0; i < ARRAYS; i++)
        arrays[i].area = guarded_new((MOST + WIDEST) * sizeof(float));
    for (size_t cols = 1; cols <= MOST_COLS; cols += cols < 2 * SMALL ? 1 : 39)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            for (size_t gap = 0; gap <= 9; gap += 3)
                check_shape(rows[i], cols, gap, (int)((cols + gap) % PLACEMENTS), k, r);
    check_far(k, 8192);
    check_far(k, FARTHEST);
    for (int i = 0; i < ARRAYS; i++)
        guarded_free(&arrays[i].area);
}
