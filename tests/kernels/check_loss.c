/* check_loss.c: losses against the reference, from logits and from probabilities, with labels and
 * with targets. */
#include <math.h>
#include <string.h>

#include "guarded.h"

enum { MOST_ROWS = 35, MOST_COLS = 100, MOST_LD = MOST_COLS + 6, MOST = MOST_ROWS * MOST_LD };

enum inputs { LOGITS, PROBABILITIES, INPUTS };
enum answers { LABELS, ONE_HOT, ANY_TARGETS, ANSWERS };

static float y_area[MOST], y_want[MOST], dy_want[MOST], bias_area[MOST_COLS];
static float targets_area[MOST_ROWS * MOST_COLS];
static int32_t labels_area[MOST_ROWS];

/* Probabilities include those outside the clip range and on its edges. */
static float next_output(enum inputs inputs)
{
    static const float edge[] = {0.0f, 1.0f, 1e-7f, 1.0f - 1e-7f, 5e-8f, 2e-7f};
    if (inputs == LOGITS)
        return next_grid(8.0f);
    uint32_t draw = next_random() % 32;
    return draw < 6 ? edge[draw] : next_unit();
}

static void draw_problem(lam__loss_args *a, enum inputs inputs, enum answers answers)
{
    for (size_t i = 0; i < extent(a->rows, a->cols, a->ld); i++)
        y_area[i] = next_output(inputs);
    for (size_t c = 0; c < a->cols; c++)
        bias_area[c] = next_grid(1.0f);
    for (size_t r = 0; r < a->rows; r++) {
        labels_area[r] = (int32_t)(next_random() % a->cols);
        for (size_t c = 0; c < a->cols; c++) {
            bool hot = (int32_t)c == labels_area[r];
            float any = next_random() % 3 ? next_unit() : 0.0f;
            targets_area[r * a->cols + c] = answers == ONE_HOT ? hot : any;
        }
    }
}

/* What the sums of a row may lose, beside what is proportional to the result. */
static double row_size(const lam__loss_args *a, size_t r)
{
    double size = 1.0;
    if (a->targets)
        for (size_t c = 0; c < a->cols; c++)
            size += a->targets[r * a->cols + c];
    return size;
}

typedef struct areas {
    guarded y, dy, bias, targets, labels;
} areas;

static void check_row(const lam__loss_args *a, size_t r, lam__loss_kernel *k, double *losses)
{
    float y[MOST_COLS], dy[MOST_COLS];
    lam__loss_args one = *a;
    one.rows = 1;
    one.ld = a->cols;
    one.y = y;
    one.dy = dy;
    one.labels = a->labels ? a->labels + r : NULL;
    one.targets = a->targets ? a->targets + r * a->cols : NULL;
    memcpy(y, y_area + r * a->ld, a->cols * sizeof *y);
    *losses += k(&one);
    double size = row_size(a, r);
    for (size_t c = 0; c < a->cols; c++) {
        size_t i = r * a->ld + c;
        EXPECT(same_bits(a->y[i], y[c]), "y[%zu][%zu] of %zu depends on its place", r, c, a->cols);
        EXPECT(fabs((double)a->y[i] - y_want[i]) <= 2e-6 * fabs((double)y_want[i]),
               "y[%zu][%zu] of %zu is %a, not %a", r, c, a->cols, a->y[i], y_want[i]);
        if (!a->dy)
            continue;
        double slack = 2e-6 * fabs((double)dy_want[i]) + 4e-7 * a->scale * size;
        EXPECT(same_bits(a->dy[i], dy[c]), "dy[%zu][%zu] depends on its place", r, c);
        EXPECT(fabs((double)a->dy[i] - dy_want[i]) <= slack, "dy[%zu][%zu] of %zu is %a, not %a", r,
               c, a->cols, a->dy[i], dy_want[i]);
    }
}

static void check_problem(lam__loss_args a, enum inputs inputs, enum answers answers,
                          const areas *in, int placement, bool with_dy, lam__loss_kernel *k,
                          lam__loss_kernel *r)
{
    size_t count = extent(a.rows, a.cols, a.ld);
    draw_problem(&a, inputs, answers);
    float *bias = guarded_place(&in->bias, placement, a.cols, sizeof *bias);
    memcpy(bias, bias_area, a.cols * sizeof *bias);
    a.bias = inputs == LOGITS && next_random() % 2 ? bias : NULL;
    int32_t *labels = guarded_place(&in->labels, placement, a.rows, sizeof *labels);
    memcpy(labels, labels_area, a.rows * sizeof *labels);
    float *targets = guarded_place(&in->targets, placement, a.rows * a.cols, sizeof *targets);
    memcpy(targets, targets_area, a.rows * a.cols * sizeof *targets);
    a.labels = answers == LABELS ? labels : NULL;
    a.targets = answers == LABELS ? NULL : targets;

    memcpy(y_want, y_area, count * sizeof *y_want);
    a.y = y_want;
    a.dy = with_dy ? dy_want : NULL;
    double want = r(&a);

    a.y = guarded_place(&in->y, placement, count, sizeof *a.y);
    for (size_t i = 0; i < a.rows; i++)
        memcpy(a.y + i * a.ld, y_area + i * a.ld, a.cols * sizeof *a.y);
    float *dy = guarded_place(&in->dy, placement * 3 % PLACEMENTS, count, sizeof *dy);
    a.dy = with_dy ? dy : NULL;
    double got = k(&a), alone = 0.0, slack = 1e-6 * fabs(want);
    EXPECT(guarded_clean(&in->y, a.y, a.rows, a.cols, a.ld, sizeof *a.y), "writes beyond y");
    EXPECT(guarded_clean(&in->dy, dy, with_dy ? a.rows : 0, a.cols, a.ld, sizeof *dy),
           "writes beyond dy");
    for (size_t i = 0; i < a.rows; i++) {
        check_row(&a, i, k, &alone);
        slack += 3e-7 * row_size(&a, i);
    }
    EXPECT(fabs(got - want) <= slack, "%zu x %zu: loss %.9g, not %.9g", a.rows, a.cols, got, want);
    EXPECT(fabs(got - alone) <= 1e-12 * (fabs(got) + (double)a.rows),
           "%zu x %zu: loss %.17g, but %.17g row by row", a.rows, a.cols, got, alone);
}

void check_loss(const char *help, lam__loss_kernel *k, lam__loss_kernel *r)
{
    static const size_t rows[] = {0, 1, 2, 5, 16, MOST_ROWS};
    /* Of the losses those of categories take labels. */
    bool labels = strstr(help, "categorical cross-entropy") || strstr(help, "sum t log clip");
    areas in = {guarded_new(MOST * 4 + 64), guarded_new(MOST * 4 + 64), guarded_new(MOST_COLS * 5),
                guarded_new(MOST_ROWS * MOST_COLS * 4 + 64), guarded_new(MOST_ROWS * 4 + 64)};
    for (size_t cols = 1; cols <= MOST_COLS; cols += cols < SMALL ? 1 : 67)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            for (size_t gap = 0; gap <= 6; gap += 3)
                for (int variant = 0; variant < INPUTS * ANSWERS * 2; variant++) {
                    enum answers answers = (enum answers)(variant / 2 % ANSWERS);
                    if (answers == LABELS && !labels)
                        continue;
                    lam__loss_args a = {
                        .rows = rows[i], .cols = cols, .ld = cols + gap, .scale = 0.0625f};
                    int placement = variant % 5 ? (int)((cols + i) % PLACEMENTS) : 0;
                    check_problem(a, variant / 2 / ANSWERS ? PROBABILITIES : LOGITS, answers, &in,
                                  placement, variant % 2, k, r);
                }
    guarded_free(&in.y);
    guarded_free(&in.dy);
    guarded_free(&in.bias);
    guarded_free(&in.targets);
    guarded_free(&in.labels);
}
