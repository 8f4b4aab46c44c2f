/* test_dense.c: layers forward and backward against double precision and central differences. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "kernels/blas/gemm.h"
#include "kernels/products.h"
#include "nn/layers/layers.h"

#include "../support/scalar_loops.h"

enum { ROWS = 5, IN = 7, OUT = 6, LDX = 9, LDY = 8, BIAS = 48, WIDEST_PANEL = 32 };

/* Parameters: W [IN][OUT] from 0, b [OUT] from BIAS. */
typedef struct problem {
    float parameters[BIAS + OUT];
    float x[ROWS * LDX];
    float weight[ROWS * LDY]; /* the scalar whose gradient is taken: sum of weight * y */
} problem;

typedef struct result {
    float y[ROWS * LDY], z[ROWS * LDY], dz[ROWS * LDY], dx[ROWS * LDX];
} result;

static float next(lam__stream *stream)
{
    return (float)(2.0 * lam__next_uniform(stream) - 1.0);
}

static problem make_problem(uint64_t seed)
{
    problem p = {0};
    lam__stream stream = lam__stream_open(lam__derive_key(seed, LAM__FOR_TOY, 0), 0);
    for (size_t i = 0; i < BIAS + OUT; i++)
        p.parameters[i] = next(&stream);
    for (size_t i = 0; i < ROWS * LDX; i++)
        p.x[i] = next(&stream);
    for (size_t i = 0; i < ROWS * LDY; i++)
        p.weight[i] = next(&stream);
    return p;
}

static lam__layer dense(const lam__activation *activation)
{
    return (lam__layer){.type = &lam__dense_layer,
                        .in = IN,
                        .out = OUT,
                        .activation = activation,
                        .weight = 0,
                        .bias = BIAS};
}

/* Runs `rows` rows through the layer, forward and back. */
static result run(const problem *p, const lam__layer *layer, size_t rows, bool raw)
{
    result r = {0};
    memcpy(r.dz, p->weight, sizeof r.dz);
    static float transposed[OUT * (IN + WIDEST_PANEL)];
    const lam__products *products = lam__products_chosen();
    if (products) {
        cr_assert_leq(lam__panels_floats(products->panel, OUT, IN),
                      sizeof transposed / sizeof(float));
        products->pack_transposed(&(lam__packing){.in = IN,
                                                  .out = OUT,
                                                  .w = p->parameters,
                                                  .ldw = OUT,
                                                  .rows = IN,
                                                  .cols = OUT,
                                                  .panels = transposed});
    }
    const lam__slab slab = {.rows = rows,
                            .panels_transposed = products ? transposed : NULL,
                            .x = p->x,
                            .ldx = LDX,
                            .y = r.y,
                            .ldy = LDY,
                            .z = r.z,
                            .dy = r.dz,
                            .dx = r.dx,
                            .raw_output = raw};
    cr_assert_eq(lam__blas_acquire(), LAM_OK);
    layer->type->forward(layer, p->parameters, &slab);
    layer->type->backward(layer, p->parameters, &slab);
    lam__blas_release();
    return r;
}

/* z = x W + b of one row, in double. */
static void affine(const problem *p, const double *x, double *z)
{
    for (size_t j = 0; j < OUT; j++) {
        z[j] = (double)p->parameters[BIAS + j];
        for (size_t i = 0; i < IN; i++)
            z[j] += x[i] * (double)p->parameters[i * OUT + j];
    }
}

static bool apply_scalar(const char *name, const double *z, double *y)
{
    scalar_activation *f = scalar_activation_of(name);
    memcpy(y, z, OUT * sizeof *y);
    if (f)
        f(OUT, y);
    return f;
}

/* y = f(z) of one row in double; false for a name that has no formula here or in the kernels. */
static bool apply(const char *name, const double *z, double *y)
{
    double sum = 0.0;
    for (size_t j = 0; j < OUT; j++)
        sum += exp(z[j]);
    for (size_t j = 0; j < OUT; j++) {
        if (strcmp(name, "linear") == 0)
            y[j] = z[j];
        else if (strcmp(name, "relu") == 0)
            y[j] = z[j] > 0.0 ? z[j] : 0.0;
        else if (strcmp(name, "sigmoid") == 0)
            y[j] = 1.0 / (1.0 + exp(-z[j]));
        else if (strcmp(name, "tanh") == 0)
            y[j] = tanh(z[j]);
        else if (strcmp(name, "softmax") == 0)
            y[j] = exp(z[j]) / sum;
        else
            return apply_scalar(name, z, y);
    }
    return true;
}

/* sum of weight * f(x W + b) over a row. */
static double scalar(const problem *p, const char *name, size_t row, const double *x)
{
    double z[OUT], y[OUT], sum = 0.0;
    affine(p, x, z);
    cr_assert(apply(name, z, y), "a formula for '%s' is missing here", name);
    for (size_t j = 0; j < OUT; j++)
        sum += (double)p->weight[row * LDY + j] * y[j];
    return sum;
}

/* The outputs of a row against double precision. */
static void check_outputs(const problem *p, const char *name, size_t row, const result *r)
{
    double x[IN], z[OUT], y[OUT];
    for (size_t i = 0; i < IN; i++)
        x[i] = (double)p->x[row * LDX + i];
    affine(p, x, z);
    cr_assert(apply(name, z, y));
    for (size_t j = 0; j < OUT; j++)
        cr_expect_float_eq((double)r->y[row * LDY + j], y[j], 2e-6, "%s: y[%zu][%zu]", name, row,
                           j);
}

/* dL/dx of a row against central differences in double; adds its absolute values to *sum. */
static void check_gradient(const problem *p, const char *name, size_t row, const result *r,
                           double *sum)
{
    const double h = 1e-6;
    double x[IN];
    for (size_t i = 0; i < IN; i++)
        x[i] = (double)p->x[row * LDX + i];
    for (size_t i = 0; i < IN; i++) {
        const double at = x[i];
        x[i] = at + h;
        const double above = scalar(p, name, row, x);
        x[i] = at - h;
        const double below = scalar(p, name, row, x);
        x[i] = at;
        const double expected = (above - below) / (2.0 * h);
        cr_expect_float_eq((double)r->dx[row * LDX + i], expected, 5e-6, "%s: dx[%zu][%zu]", name,
                           row, i);
        *sum += fabs(expected);
    }
}

Test(dense, every_activation_against_double)
{
    size_t checked = 0;
    for (size_t a = 0; a < lam__activation_count(); a++) {
        const lam__activation *activation = lam__activation_at(a);
        const lam__layer layer = dense(activation);
        for (size_t rows = 1; rows <= ROWS; rows += ROWS - 1) {
            const problem p = make_problem(100 + a);
            const result r = run(&p, &layer, rows, false);
            double sum = 0.0;
            for (size_t row = 0; row < rows; row++) {
                check_outputs(&p, activation->name, row, &r);
                check_gradient(&p, activation->name, row, &r, &sum);
            }
            cr_expect_gt(sum, 0.1 * (double)rows, "%s: there are gradients", activation->name);
            for (size_t i = OUT; i < LDY; i++)
                cr_expect_eq(r.y[i], 0.0f, "%s writes between rows", activation->name);
            for (size_t i = IN; i < LDX; i++)
                cr_expect_eq(r.dx[i], 0.0f, "%s writes between rows", activation->name);
        }
        checked++;
    }
    cr_expect_geq(checked, 5);
}

/* Central differences through the library's own forward pass: a new row needs no formula here.
 * Values at distance < 2 h of a kink of the activation may be off, and are few. */
Test(dense, every_activation_against_itself)
{
    const float h = 1.0f / 64.0f;
    for (size_t a = 0; a < lam__activation_count(); a++) {
        const lam__activation *activation = lam__activation_at(a);
        const lam__layer layer = dense(activation);
        problem p = make_problem(200 + a);
        const result r = run(&p, &layer, ROWS, false);
        size_t off = 0;
        double sum = 0.0;
        for (size_t i = 0; i < IN; i++) {
            double sides[2][ROWS] = {{0}};
            for (int side = 0; side < 2; side++) {
                problem moved = p;
                for (size_t row = 0; row < ROWS; row++)
                    moved.x[row * LDX + i] += side ? h : -h;
                const result s = run(&moved, &layer, ROWS, false);
                for (size_t row = 0; row < ROWS; row++)
                    for (size_t j = 0; j < OUT; j++)
                        sides[side][row] +=
                            (double)p.weight[row * LDY + j] * (double)s.y[row * LDY + j];
            }
            for (size_t row = 0; row < ROWS; row++) {
                const double slope = (sides[1][row] - sides[0][row]) / (2.0 * (double)h);
                off += fabs(slope - (double)r.dx[row * LDX + i]) > 2e-3;
                sum += fabs((double)r.dx[row * LDX + i]);
            }
        }
        cr_expect_leq(off, ROWS * IN / 5, "%s: %zu gradients are off", activation->name, off);
        cr_expect_gt(sum, 0.5, "%s: there are gradients", activation->name);
    }
}

/* dL/dz of softmax is J^T dL/dy with J[i][j] = y[i] (1 if i == j, less y[j]). */
Test(dense, softmax_has_its_true_jacobian)
{
    const lam__layer layer = dense(lam__find_activation("softmax"));
    const problem p = make_problem(3);
    const result r = run(&p, &layer, ROWS, false);
    for (size_t row = 0; row < ROWS; row++) {
        double total = 0.0;
        for (size_t j = 0; j < OUT; j++) {
            double expected = 0.0;
            for (size_t i = 0; i < OUT; i++) {
                const double yi = (double)r.y[row * LDY + i], yj = (double)r.y[row * LDY + j];
                expected += yi * ((i == j ? 1.0 : 0.0) - yj) * (double)p.weight[row * LDY + i];
            }
            cr_expect_float_eq((double)r.dz[row * LDY + j], expected, 1e-6, "dz[%zu][%zu]", row, j);
            total += (double)r.dz[row * LDY + j];
        }
        cr_expect_float_eq(total, 0.0, 1e-6, "adding a constant to z changes nothing");
    }
}

/* raw_output: logits without bias, and dy taken as dL/dz. */
Test(dense, leaves_logits_to_a_fused_loss)
{
    const lam__layer softmax = dense(lam__find_activation("softmax"));
    const lam__layer linear = dense(lam__find_activation("linear"));
    problem p = make_problem(4);
    const result raw = run(&p, &softmax, ROWS, true);
    memset(p.parameters + BIAS, 0, OUT * sizeof(float));
    const result plain = run(&p, &linear, ROWS, false);
    cr_expect_arr_eq(raw.y, plain.y, sizeof raw.y);
    cr_expect_arr_eq(raw.dx, plain.dx, sizeof raw.dx);
    cr_expect_arr_eq(raw.dz, p.weight, sizeof raw.dz);
}

Test(dense, the_first_layer_has_no_gradient_of_its_input)
{
    const lam__layer layer = dense(lam__find_activation("relu"));
    const problem p = make_problem(5);
    result r = {0};
    const lam__slab slab = {
        .rows = ROWS, .x = p.x, .ldx = LDX, .y = r.y, .ldy = LDY, .dy = r.dz, .dx = NULL};
    cr_assert_eq(lam__blas_acquire(), LAM_OK);
    memcpy(r.dz, p.weight, sizeof r.dz);
    layer.type->forward(&layer, p.parameters, &slab);
    layer.type->backward(&layer, p.parameters, &slab);
    lam__blas_release();
    const result whole = run(&p, &layer, ROWS, false);
    for (size_t row = 0; row < ROWS; row++)
        cr_expect_arr_eq(r.dz + row * LDY, whole.dz + row * LDY, OUT * sizeof(float));
}

/* Dropout of 100 columns: two words of mask per row. */
enum { DROPPED = 100, WORDS = 2, DROP_ROWS = 50, LONG = 104 };

typedef struct dropout_run {
    float x[DROP_ROWS * DROPPED], y[DROP_ROWS * LONG], dy[DROP_ROWS * LONG],
        dx[DROP_ROWS * DROPPED];
    uint64_t mask[DROP_ROWS * WORDS];
} dropout_run;

static dropout_run whole, parts;

/* Rows first .. first + rows - 1 of the batch, with y rows `ldy` apart, forward and back. */
static void drop(dropout_run *d, float rate, size_t first, size_t rows, size_t ldy, uint64_t step)
{
    const lam__layer layer = {
        .type = &lam__dropout_layer, .in = DROPPED, .out = DROPPED, .rate = rate};
    const lam__slab slab = {.first = first,
                            .rows = rows,
                            .x = d->x + first * DROPPED,
                            .ldx = DROPPED,
                            .y = d->y + first * ldy,
                            .ldy = ldy,
                            .dy = d->dy + first * ldy,
                            .dx = d->dx + first * DROPPED,
                            .mask = d->mask + first * WORDS,
                            .key = lam__derive_key(1, LAM__FOR_DROPOUT, 3),
                            .step = step};
    for (size_t i = first * DROPPED; i < (first + rows) * DROPPED; i++)
        d->x[i] = (float)(i % 97) + 1.0f;
    for (size_t i = first * ldy; i < (first + rows) * ldy; i++)
        d->dy[i] = (float)(i % 89) + 1.0f;
    layer.type->forward(&layer, NULL, &slab);
    layer.type->backward(&layer, NULL, &slab);
}

Test(dropout, keeps_a_share_and_scales_it)
{
    drop(&whole, 0.25f, 0, DROP_ROWS, DROPPED, 7);
    size_t kept = 0;
    const float scale = 1.0f / 0.75f;
    for (size_t r = 0; r < DROP_ROWS; r++)
        for (size_t c = 0; c < DROPPED; c++) {
            const size_t i = r * DROPPED + c;
            const bool keep = whole.mask[r * WORDS + c / 64] >> (c % 64) & 1;
            cr_expect_eq(whole.y[i], keep ? whole.x[i] * scale : 0.0f, "y[%zu][%zu]", r, c);
            cr_expect_eq(whole.dx[i], keep ? whole.dy[i] * scale : 0.0f, "dx[%zu][%zu]", r, c);
            kept += keep;
        }
    /* 5000 draws: five standard deviations are 153 */
    cr_expect_float_eq((double)kept, 3750.0, 153.0);
}

Test(dropout, rate_0_keeps_all)
{
    drop(&whole, 0.0f, 0, DROP_ROWS, DROPPED, 7);
    cr_expect_arr_eq(whole.y, whole.x, sizeof whole.x);
    cr_expect_arr_eq(whole.dx, whole.dy, sizeof whole.dx);
}

/* A mask belongs to (key, step, row): neither cuts into slabs nor the length of rows change it. */
Test(dropout, depends_on_row_and_step_alone)
{
    drop(&whole, 0.5f, 0, DROP_ROWS, DROPPED, 7);
    drop(&parts, 0.5f, 30, DROP_ROWS - 30, LONG, 7);
    drop(&parts, 0.5f, 0, 30, LONG, 7);
    cr_expect_arr_eq(whole.mask, parts.mask, sizeof whole.mask);
    for (size_t r = 0; r < DROP_ROWS; r++)
        cr_expect_arr_eq(whole.y + r * DROPPED, parts.y + r * LONG, DROPPED * sizeof(float));
    for (size_t r = 0; r < DROP_ROWS; r++)
        for (size_t c = 0; c < DROPPED; c++) {
            const bool keep = whole.mask[r * WORDS + c / 64] >> (c % 64) & 1;
            cr_expect_eq(parts.dx[r * DROPPED + c], keep ? 2.0f * parts.dy[r * LONG + c] : 0.0f);
        }
    drop(&parts, 0.5f, 0, DROP_ROWS, DROPPED, 8);
    cr_expect_arr_neq(whole.mask, parts.mask, sizeof whole.mask, "another step");
}

Test(dropout, does_nothing_at_inference)
{
    const lam__layer layer = {
        .type = &lam__dropout_layer, .in = DROPPED, .out = DROPPED, .rate = 0.5f};
    drop(&whole, 0.5f, 0, DROP_ROWS, DROPPED, 7);
    const lam__slab slab = {
        .rows = DROP_ROWS, .x = whole.x, .ldx = DROPPED, .y = parts.y, .ldy = LONG};
    layer.type->forward(&layer, NULL, &slab);
    for (size_t r = 0; r < DROP_ROWS; r++)
        cr_expect_arr_eq(parts.y + r * LONG, whole.x + r * DROPPED, DROPPED * sizeof(float));
}
