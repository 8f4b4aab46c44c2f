/* test_products.c: the products in tiles of the instruction set chosen by LAMINA_CPU, against sums
 * in double, between guard pages, and bit by bit against one another. */
#include <float.h>
#include <math.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "guarded.h"
#include "kernels/products.h"

static const lam__products *products;

static void set_up(void)
{
    for (int isa = 0; isa < LAM__ISA_COUNT; isa++)
        if (lam__kernels_of((lam__isa)isa) == lam__kernels_chosen())
            products = lam__products_of((lam__isa)isa);
    cr_assert_not_null(products);
}

TestSuite(products, .init = set_up, .timeout = 300);

/* A matrix [rows][ld] that ends where its memory does. */
typedef struct matrix {
    guarded memory;
    float *data;
    size_t rows, cols, ld;
} matrix;

static matrix make(size_t rows, size_t cols, size_t gap, bool fill)
{
    matrix x = {.rows = rows, .cols = cols, .ld = cols + gap};
    x.memory = guarded_new(rows * x.ld * sizeof(float));
    x.data = guarded_place(&x.memory, 0, extent(rows, cols, x.ld), sizeof(float));
    for (size_t i = 0; fill && i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            x.data[i * x.ld + j] = 2.0f * next_unit() - 1.0f;
    return x;
}

static void drop(matrix *x)
{
    guarded_free(&x->memory);
}

static lam__product product_of(const matrix *a, const matrix *b, matrix *c, size_t k)
{
    return (lam__product){
        .m = c->rows,
        .n = c->cols,
        .k = k,
        .a = a->data,
        .lda = a->ld,
        .b = b->data,
        .ldb = b->ld,
        .panel_step = products->panel,
        .c = c->data,
        .ldc = c->ld,
    };
}

/* Any order of the sum, fused or not, stays within k roundings of the exact one; Higham, Accuracy
 * and Stability of Numerical Algorithms, section 3.1. */
static void expect_near(const matrix *a, bool transposed, const matrix *b, const matrix *c,
                        size_t k)
{
    for (size_t i = 0; i < c->rows; i++)
        for (size_t j = 0; j < c->cols; j++) {
            double sum = 0, size = 0;
            for (size_t p = 0; p < k; p++) {
                const double x = a->data[transposed ? p * a->ld + i : i * a->ld + p];
                const double y = b->data[p * b->ld + j];
                sum += x * y;
                size += fabs(x * y);
            }
            const double bound = (double)(k + 1) * FLT_EPSILON / 2 * size + (double)FLT_MIN;
            EXPECT(fabs(c->data[i * c->ld + j] - sum) <= bound, "%zu x %zu x %zu: [%zu][%zu] is %g",
                   c->rows, c->cols, k, i, j, (double)c->data[i * c->ld + j]);
        }
    EXPECT(guarded_clean(&c->memory, c->data, c->rows, c->cols, c->ld, sizeof(float)),
           "%zu x %zu x %zu: wrote beside a row", c->rows, c->cols, k);
}

static void expect_same(const matrix *c, const matrix *d, const char *what)
{
    for (size_t i = 0; i < c->rows; i++)
        EXPECT(memcmp(c->data + i * c->ld, d->data + i * d->ld, c->cols * sizeof(float)) == 0,
               "%s: row %zu of %zu x %zu differs", what, i, c->rows, c->cols);
}

/* The transpose of a. */
static matrix turned(const matrix *a, size_t gap)
{
    matrix t = make(a->cols, a->rows, gap, false);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            t.data[j * t.ld + i] = a->data[i * a->ld + j];
    return t;
}

/* Packs up to two panels' columns of the rows of `part`, from column `first` on. */
static void pack_columns(lam__packing part, size_t first, bool transposed)
{
    const size_t left = part.out - first, most = 2 * products->panel;
    part.first_col = first;
    part.cols = left < most ? left : most;
    (transposed ? products->pack_transposed : products->pack)(&part);
}

/* The panels of b [k][n], made by `pack` from b or by pack_transposed from its transpose, in pieces
 * of `piece` rows and of at most two panels' columns, past the caches if so. */
static matrix packed(const matrix *b, bool from_transpose, size_t piece, bool past_caches)
{
    matrix panels = make(1, lam__panels_floats(products->panel, b->rows, b->cols), 0, false);
    matrix dense = from_transpose ? turned(b, 0) : make(b->rows, b->cols, 0, false);
    for (size_t first = 0; first < dense.rows; first += piece) {
        const size_t left = dense.rows - first, rows = left < piece ? left : piece;
        const lam__packing part = {.in = dense.rows,
                                   .out = dense.cols,
                                   .w = from_transpose ? dense.data : b->data,
                                   .ldw = from_transpose ? dense.ld : b->ld,
                                   .first = first,
                                   .rows = rows,
                                   .panels = panels.data,
                                   .past_caches = past_caches};
        for (size_t col = 0; col < dense.cols; col += 2 * products->panel)
            pack_columns(part, col, from_transpose);
    }
    drop(&dense);
    return panels;
}

/* Joined to what C was, each sum is added to it whole. */
static void check_joined(const matrix *a, const matrix *b, const matrix *c, size_t k)
{
    matrix d = make(c->rows, c->cols, 1, true), want = make(c->rows, c->cols, 0, false);
    for (size_t i = 0; i < c->rows; i++)
        for (size_t j = 0; j < c->cols; j++)
            want.data[i * want.ld + j] = d.data[i * d.ld + j] + c->data[i * c->ld + j];
    lam__product p = product_of(a, b, &d, k);
    p.join = true;
    products->rows(&p);
    expect_same(&want, &d, "joined");
    EXPECT(guarded_clean(&d.memory, d.data, d.rows, d.cols, d.ld, sizeof(float)),
           "joined: wrote beside a row");
    drop(&d);
    drop(&want);
}

/* All ways to the same product have the same bits: A as it is and transposed, B as it is, packed,
 * packed from its transpose, each row alone, with and without something to prefetch. */
static void check(size_t m, size_t n, size_t k, size_t gap)
{
    matrix a = make(m, k, gap, true), b = make(k, n, 2 * gap, true);
    matrix c = make(m, n, 3 * gap, false), d = make(m, n, gap, false), t = turned(&a, gap);
    lam__product p = product_of(&a, &b, &c, k), q = product_of(&t, &b, &d, k);
    products->rows(&p);
    expect_near(&a, false, &b, &c, k);
    products->columns(&q);
    expect_same(&c, &d, "transposed");
    const lam__prefetch prefetch[] = {{b.data, n * sizeof(float), k, b.ld * sizeof(float), false},
                                      {a.data, m * k * sizeof(float), 1, 0, true}};
    q.prefetch = prefetch;
    q.prefetch_count = 2;
    products->columns(&q);
    expect_same(&c, &d, "warming");
    for (int turn = 0; turn < 4; turn++)
        for (size_t piece = 5; piece < 80; piece *= 7) {
            matrix panels = packed(&b, turn % 2 != 0, piece, turn / 2 != 0);
            q = product_of(&a, &b, &d, k);
            q.b = panels.data;
            q.ldb = products->panel;
            q.panel_step = products->panel * k;
            products->rows(&q);
            expect_same(&c, &d, turn % 2 ? "packed from the transpose" : "packed");
            q.a = t.data;
            q.lda = t.ld;
            products->columns(&q);
            expect_same(&c, &d, "transposed, packed");
            drop(&panels);
        }
    for (size_t i = 0; i < m; i++) {
        q = product_of(&a, &b, &d, k);
        q.m = 1;
        q.a += i * a.ld;
        q.c += i * d.ld;
        products->rows(&q);
    }
    expect_same(&c, &d, "row by row");
    check_joined(&a, &b, &c, k);
    matrix *all[] = {&a, &b, &c, &d, &t};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        drop(all[i]);
}

Test(products, every_height_and_width)
{
    for (size_t m = 1; m <= 26; m++)
        for (size_t n = 1; n <= 2 * products->panel + 1; n += n < products->panel + 2 ? 1 : 7)
            check(m, n, 9, (m + n) % 3);
}

Test(products, every_depth)
{
    for (size_t k = 1; k <= 40; k++)
        check(13, products->panel + 3, k, 1);
}

Test(products, every_height_of_a_wide_product)
{
    for (size_t m = 1; m <= 60; m++)
        check(m, 4 * products->panel + m % 5, 7, m % 2);
}

Test(products, shapes_of_real_layers)
{
    static const size_t shapes[][3] = {{128, 128, 784}, {32, 10, 128}, {31, 784, 128},
                                       {96, 512, 128},  {64, 1, 64},   {7, 100, 1000}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(shapes[i][0], shapes[i][1], shapes[i][2], 0);
}

/* For another core: whole vectors go past the caches, the same bits. */
Test(products, past_caches)
{
    enum { ROWS = 29, LD = 80, DEPTH = 50 };
    for (size_t n = 1; n <= LD; n += 3) {
        matrix a = make(ROWS, DEPTH, 0, true), b = make(DEPTH, n, 0, true);
        matrix c = make(ROWS, n, LD - n, false), d = make(ROWS, n, 0, false);
        static alignas(64) float aligned[ROWS * LD + 1];
        for (size_t shift = 0; shift < 2; shift++) {
            for (size_t i = 0; i < ROWS * LD + 1; i++)
                aligned[i] = -1.0f;
            lam__product p = product_of(&a, &b, &c, DEPTH), q = product_of(&a, &b, &d, DEPTH);
            p.c = aligned + shift;
            p.past_caches = true;
            products->rows(&p);
            products->rows(&q);
            for (size_t i = 0; i < ROWS; i++) {
                EXPECT(memcmp(p.c + i * LD, d.data + i * d.ld, n * sizeof(float)) == 0,
                       "row %zu of %zu columns differs", i, n);
                for (size_t j = n; j + shift < LD; j++)
                    EXPECT(p.c[i * LD + j] == -1.0f, "wrote beside row %zu of %zu", i, n);
            }
        }
        matrix *all[] = {&a, &b, &c, &d};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            drop(all[i]);
    }
}

Test(products, nothing_to_add_is_zero)
{
    matrix a = make(3, 1, 0, true), b = make(1, 5, 0, true), c = make(3, 5, 0, false);
    lam__product p = product_of(&a, &b, &c, 0);
    products->rows(&p);
    for (size_t i = 0; i < 15; i++)
        cr_assert_eq(c.data[i], 0.0f);
    p.m = 1;
    c.data[0] = NAN;
    products->rows(&p);
    cr_assert_eq(c.data[0], 0.0f);
    p.m = p.n = 0;
    products->columns(&p);
    drop(&a);
    drop(&b);
    drop(&c);
}

Test(products, not_a_number_stays_where_it_belongs)
{
    matrix a = make(14, 6, 0, true), b = make(6, 40, 0, true), c = make(14, 40, 0, false);
    a.data[3 * a.ld + 2] = NAN;
    b.data[1 * b.ld + 7] = INFINITY;
    lam__product p = product_of(&a, &b, &c, 6);
    products->rows(&p);
    for (size_t i = 0; i < 14; i++)
        for (size_t j = 0; j < 40; j++) {
            const float x = c.data[i * c.ld + j];
            EXPECT(i == 3   ? isnan(x)
                   : j == 7 ? isinf(x) || isnan(x)
                            : isfinite(x),
                   "[%zu][%zu] is %g", i, j, (double)x);
        }
    drop(&a);
    drop(&b);
    drop(&c);
}

Test(choice, of_products_follows_the_environment)
{
    const char *wish = getenv("LAMINA_PRODUCTS"), *cpu = getenv("LAMINA_CPU");
    const lam__products *chosen = lam__products_chosen();
    if (wish && strcmp(wish, "blas") == 0)
        cr_assert_null(chosen);
    else if (wish && strcmp(wish, "tiles") == 0)
        cr_assert_str_eq(chosen->name, lam__kernels_chosen()->name);
    else if (cpu && strcmp(cpu, "baseline") == 0)
        cr_assert_null(chosen);
    else if (lam__kernels_chosen() != lam__kernels_of(LAM__BASELINE))
        cr_assert_str_eq(chosen->name, lam__kernels_chosen()->name);
    cr_assert_null(lam__products_of(LAM__ISA_COUNT));
}
