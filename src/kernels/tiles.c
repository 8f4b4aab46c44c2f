/* tiles.c: products.h for one instruction set; compiled once for each, with LAM__ISA its name.
 *
 * A tile of C, up to TALL rows by two vectors, stays in registers while k runs: each step loads two
 * vectors of B and broadcasts one element of A a row. TALL leaves registers for these: 12 of 32 in
 * AVX-512, 6 of 16 elsewhere. */
#include "table.h"
#include "vec.h"

#define PANEL (2 * W)

/* A loop of few rounds, unrolled: only then do arrays indexed by it stay in registers. */
#ifdef __clang__
#define EACH(i, count) _Pragma("unroll") for (size_t i = 0; i < (count); i++)
#else
#define EACH(i, count) _Pragma("GCC unroll 16") for (size_t i = 0; i < (count); i++)
#endif
#define INLINE static inline __attribute__((always_inline))

enum {
    MOST_ROWS = 12,
    LINE = 64 /* bytes of the cache */
};

/* What becomes of the sums of a tile: C is set to them, perhaps past the caches; or they begin with
 * C; or they are added to it in the end. */
typedef enum fate { SET, SHARE, CONTINUE, JOIN } fate;

/* What is fetched meanwhile: `count` lines, `step` bytes apart, from address `at` on. */
typedef struct lines {
    uintptr_t at;
    size_t count, step;
} lines;
#define NO_LINES ((lines){0, 0, 0})

/* Where the vectors of a row of B or C end: `vectors` of them, the last with `last` floats. */
INLINE vf load_at(const float *p, size_t j, size_t vectors, bool part, size_t last)
{
    return part && j + 1 == vectors ? v_load_n(p + j * W, last) : v_load(p + j * W);
}

/* Where the sums of a tile go. */
INLINE void put_tile(const size_t rows, const size_t vectors, const bool part, size_t last,
                     fate sums_go, vf sum[MOST_ROWS][2], float *c, size_t ldc)
{
    if (sums_go == SHARE && !part) {
        EACH (i, rows)
            EACH (j, vectors)
                v_stream(c + i * ldc + j * W, sum[i][j]);
        return;
    }
    if (sums_go == JOIN)
        EACH (i, rows)
            EACH (j, vectors)
                sum[i][j] = load_at(c + i * ldc, j, vectors, part, last) + sum[i][j];
    EACH (i, rows)
        EACH (j, vectors) {
            if (part && j + 1 == vectors)
                v_store_n(c + i * ldc + j * W, sum[i][j], last);
            else
                v_store(c + i * ldc + j * W, sum[i][j]);
        }
}

/* A tile of `rows` rows; element (i, p) of A is a[i * row_step + p * depth_step]. With part ==
 * false the last vector is whole. */
INLINE void run_tile(const size_t rows, const size_t vectors, const bool part, size_t last,
                     fate sums_go, size_t k, const float *a, size_t row_step, size_t depth_step,
                     const float *b, size_t ldb, float *c, size_t ldc, lines warm)
{
    vf sum[MOST_ROWS][2];
    EACH (i, rows)
        EACH (j, vectors)
            sum[i][j] =
                sums_go == CONTINUE ? load_at(c + i * ldc, j, vectors, part, last) : v_set(0.0f);
    for (size_t p = 0; p < k; p++) {
        vf row[2];
        EACH (j, vectors)
            row[j] = load_at(b, j, vectors, part, last);
        EACH (i, rows) {
            const vf x = v_set(a[i * row_step]);
            EACH (j, vectors)
                sum[i][j] = v_fma(x, row[j], sum[i][j]);
        }
        if (p < warm.count)
            __builtin_prefetch((const void *)(warm.at + p * warm.step), 0, 2);
        a += depth_step;
        b += ldb;
    }
    put_tile(rows, vectors, part, last, sums_go, sum, c, ldc);
}

typedef void tile(size_t last, fate sums_go, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float *c, size_t ldc, lines warm);

/* For each height: the whole panel, one that ends in its second vector, one of one vector, one that
 * ends in its first; each for A as it is and transposed. */
#define DEFINE_TILE(name, rows, vectors, part, row_step, depth_step, ahead)                        \
    static void name(size_t last, fate sums_go, size_t k, const float *a, size_t lda,              \
                     const float *b, size_t ldb, float *c, size_t ldc, lines warm)                 \
    {                                                                                              \
        (void)lda;                                                                                 \
        (void)warm;                                                                                \
        run_tile(rows, vectors, part, last, sums_go, k, a, row_step, depth_step, b, ldb, c, ldc,   \
                 ahead);                                                                           \
    }
#define DEFINE_HEIGHT(rows)                                                                        \
    DEFINE_TILE(rows_##rows##_2, rows, 2, false, lda, 1, NO_LINES)                                 \
    DEFINE_TILE(rows_##rows##_2_part, rows, 2, true, lda, 1, NO_LINES)                             \
    DEFINE_TILE(rows_##rows##_1, rows, 1, false, lda, 1, NO_LINES)                                 \
    DEFINE_TILE(rows_##rows##_1_part, rows, 1, true, lda, 1, NO_LINES)                             \
    DEFINE_TILE(columns_##rows##_2, rows, 2, false, 1, lda, warm)                                  \
    DEFINE_TILE(columns_##rows##_2_part, rows, 2, true, 1, lda, NO_LINES)                          \
    DEFINE_TILE(columns_##rows##_1, rows, 1, false, 1, lda, NO_LINES)                              \
    DEFINE_TILE(columns_##rows##_1_part, rows, 1, true, 1, lda, NO_LINES)

#if LAM__VEC_BYTES == 64
#define FOR_EACH_HEIGHT(X) X(12) X(8) X(4) X(2) X(1)
#else
#define FOR_EACH_HEIGHT(X) X(6) X(4) X(2) X(1)
#endif
FOR_EACH_HEIGHT(DEFINE_HEIGHT)

/* The tiles of one height. */
typedef struct height {
    size_t rows;
    tile *tiles[2][4]; /* of A as it is, transposed; by kind of panel */
} height;

#define HEIGHT_ROW(rows)                                                                           \
    {rows,                                                                                         \
     {{rows_##rows##_2, rows_##rows##_2_part, rows_##rows##_1, rows_##rows##_1_part},              \
      {columns_##rows##_2, columns_##rows##_2_part, columns_##rows##_1,                            \
       columns_##rows##_1_part}}},
static const height heights[] = {FOR_EACH_HEIGHT(HEIGHT_ROW)};

/* The height of the next tile when `left` rows are left: the tallest that fits, but two of the
 * second rather than the tallest and a rest that is a third of it. */
static inline const height *next_height(size_t left)
{
    const height *h = heights;
    if (left >= 2 * h[1].rows && left < 2 * h[1].rows + 4)
        return h + 1;
    while (h->rows > left)
        h++;
    return h;
}

/* What the next tile fetches of product->warm: a line at each step of k, up to the end of a piece.
 */
typedef struct warming {
    const lam__warm *range, *end;
    size_t piece, done; /* of the range, bytes of the piece */
} warming;

static inline lines next_lines(warming *w, size_t k)
{
    if (w->range == w->end)
        return NO_LINES;
    const lam__warm *r = w->range;
    const size_t left = (r->bytes - w->done + LINE - 1) / LINE, count = left < k ? left : k;
    const lines next = {(uintptr_t)r->at + w->piece * r->step + w->done, count, LINE};
    w->done += count * LINE;
    if (w->done >= r->bytes) {
        w->done = 0;
        if (++w->piece == r->pieces) {
            w->piece = 0;
            w->range++;
        }
    }
    return next;
}

/* A transposed is read down its columns for the first time, a line at a step, and has often been
 * written by another core: so the first panel of each tile fetches the columns of the next tile, if
 * there is one: what lies beyond may belong to another thread. */
static inline lines next_columns(const lam__product *p, size_t i, size_t rows)
{
    const size_t next = i + rows, end = next + rows < p->m ? next + rows : p->m;
    return next < p->m ? (lines){(uintptr_t)(p->a + end - 1), p->k, p->lda * sizeof *p->a}
                       : NO_LINES;
}

/* C = A B. */
static void run_tiles(const lam__product *product, int transposed, fate sums_go)
{
    const lam__product p = *product; /* the stores cannot change it */
    const size_t row_step = transposed ? 1 : p.lda;
    warming w = {p.warm, p.warm ? p.warm + p.warm_count : NULL, 0, 0};
    for (size_t j = 0; j < p.n; j += PANEL) {
        const float *b = p.b + j / PANEL * p.panel_step;
        const size_t left = p.n - j;
        const int kind = left >= PANEL ? 0 : left > W ? 1 : left == W ? 2 : 3;
        const size_t last = kind == 3 ? left : left - W;
        for (size_t i = 0; i < p.m;) {
            const height *h = next_height(p.m - i);
            const float *a = p.a + i * row_step;
            lines ahead = NO_LINES;
            if (transposed)
                ahead = j == 0 ? next_columns(&p, i, h->rows) : next_lines(&w, p.k);
            h->tiles[transposed][kind](last, sums_go, p.k, a, p.lda, b, p.ldb, p.c + i * p.ldc + j,
                                       p.ldc, ahead);
            i += h->rows;
        }
    }
}

#if LAM__VEC_BYTES == 32
/* A transposed, so many columns and rows of it at a time: [tile][k][rows of the tile]. With AVX2 a
 * line of the cache holds the columns of three tiles, and the second-level cache of such processors
 * is small: reading A where it lies and fetching product->warm meanwhile both cost more than they
 * gain. */
enum { PACKED_COLUMNS = 48, PACKED_DEPTH = 256, LEAST_PANELS = 4 };

typedef struct packed {
    const height *heights[PACKED_COLUMNS];
    size_t tiles;
    float at[PACKED_COLUMNS * PACKED_DEPTH];
} packed;

/* Columns 0 .. m - 1 of a[k][lda], row by row, as memory likes it. */
static void pack_columns(packed *to, size_t m, size_t k, const float *a, size_t lda)
{
    to->tiles = 0;
    for (size_t i = 0; i < m; i += to->heights[to->tiles++]->rows)
        to->heights[to->tiles] = next_height(m - i);
    for (size_t p = 0; p < k; p++, a += lda) {
        const float *from = a;
        float *at = to->at;
        for (size_t t = 0; t < to->tiles; t++) {
            const size_t rows = to->heights[t]->rows;
            if (rows == heights[0].rows)
                memcpy(at + p * rows, from, heights[0].rows * sizeof *at);
            else
                for (size_t i = 0; i < rows; i++)
                    at[p * rows + i] = from[i];
            from += rows;
            at += rows * k;
        }
    }
}

/* C = A B for a block of A that is packed. */
static void run_packed(const packed *a, const lam__product *p, fate sums_go)
{
    for (size_t j = 0; j < p->n; j += PANEL) {
        const float *b = p->b + j / PANEL * p->panel_step, *at = a->at;
        const size_t left = p->n - j;
        const int kind = left >= PANEL ? 0 : left > W ? 1 : left == W ? 2 : 3;
        const size_t last = kind == 3 ? left : left - W;
        float *c = p->c + j;
        for (size_t t = 0; t < a->tiles; t++) {
            const size_t rows = a->heights[t]->rows;
            a->heights[t]->tiles[1][kind](last, sums_go, p->k, at, rows, b, p->ldb, c, p->ldc,
                                          NO_LINES);
            at += rows * p->k;
            c += rows * p->ldc;
        }
    }
}

/* C = A^T B: both operands of a tile fit in the first-level cache, without gaps. */
static void run_packed_columns(const lam__product *product)
{
    packed a;
    lam__product p = *product;
    for (size_t q = 0; q < product->k; q += PACKED_DEPTH) {
        p.k = product->k - q < PACKED_DEPTH ? product->k - q : PACKED_DEPTH;
        p.b = product->b + q * product->ldb;
        for (size_t i = 0; i < product->m; i += PACKED_COLUMNS) {
            p.m = product->m - i < PACKED_COLUMNS ? product->m - i : PACKED_COLUMNS;
            p.c = product->c + i * product->ldc;
            pack_columns(&a, p.m, p.k, product->a + q * product->lda + i, product->lda);
            run_packed(&a, &p, q > 0 ? CONTINUE : SET);
        }
    }
}
#endif

enum {
    DEPTH = 8,           /* rows of B that one sweep over C adds */
    FEW = 2 * MOST_ROWS, /* rows of C for which a wide B is read in sweeps, not panel by panel, */
    WIDE = 768,          /* from so many floats in a row */
    STRETCH = 8,         /* vectors of a row of C that stay in registers */
    SHORT = 256,         /* floats in a row of B for which they are used */
    SIDE_BY_SIDE = 4     /* panels that one row of C reads at a time */
};

/* Few rows of C from a wide row-major B: B is read along its rows, DEPTH of them at a time, as
 * memory likes it, rather than down a column of panels, a page at a step. */
static void run_sweeps(const lam__product *product)
{
    lam__product p = *product;
    if (p.k <= DEPTH) {
        run_tiles(&p, 0, SET);
        return;
    }
    for (size_t q = 0; q < product->k; q += DEPTH) {
        p.k = product->k - q < DEPTH ? product->k - q : DEPTH;
        run_tiles(&p, 0, q > 0 ? CONTINUE : SET);
        p.a += DEPTH;
        p.b += DEPTH * p.ldb;
    }
}

/* c[n] += x[DEPTH] times rows of B. */
INLINE vf add_rows(const float *x, const float *b, size_t ldb, vf sum, size_t left)
{
    EACH (q, DEPTH)
        sum = v_fma(v_set(x[q]), left < W ? v_load_n(b + q * ldb, left) : v_load(b + q * ldb), sum);
    return sum;
}

/* Up to 8 vectors of one row of C, kept in registers while k runs. */
INLINE void run_stretch(const size_t vectors, const bool part, size_t last, const lam__product *p,
                        size_t j)
{
    const float *b = p->b + j;
    vf sum[STRETCH];
    EACH (v, vectors)
        sum[v] = v_set(0.0f);
    for (size_t q = 0; q < p->k; q++, b += p->ldb) {
        const vf x = v_set(p->a[q]);
        EACH (v, vectors)
            sum[v] = v_fma(x, load_at(b, v, vectors, part, last), sum[v]);
    }
    EACH (v, vectors) {
        if (part && v + 1 == vectors)
            v_store_n(p->c + j + v * W, sum[v], last);
        else
            v_store(p->c + j + v * W, sum[v]);
    }
}

/* One row of C where a row of B is short: B is read as it lies in memory all the same. */
static void run_short_row(const lam__product *p)
{
    size_t j = 0;
    for (; j + 8 * W <= p->n; j += 8 * W)
        run_stretch(8, false, 0, p, j);
    for (; j + 4 * W <= p->n; j += 4 * W)
        run_stretch(4, false, 0, p, j);
    for (; j + 2 * W <= p->n; j += 2 * W)
        run_stretch(2, false, 0, p, j);
    for (; j + W <= p->n; j += W)
        run_stretch(1, false, 0, p, j);
    if (j < p->n)
        run_stretch(1, true, p->n - j, p, j);
}

/* One row of C from a few panels side by side: as many streams as keep both the memory and the
 * adders busy. */
INLINE void run_side_by_side(const size_t panels, const lam__product *p, size_t j)
{
    const float *b = p->b + j / PANEL * p->panel_step;
    vf sum[SIDE_BY_SIDE][2];
    EACH (i, panels)
        EACH (v, 2)
            sum[i][v] = v_set(0.0f);
    for (size_t q = 0; q < p->k; q++, b += PANEL) {
        const vf x = v_set(p->a[q]);
        EACH (i, panels)
            EACH (v, 2)
                sum[i][v] = v_fma(x, v_load(b + i * p->panel_step + v * W), sum[i][v]);
    }
    EACH (i, panels)
        EACH (v, 2)
            v_store(p->c + j + i * PANEL + v * W, sum[i][v]);
}

/* One row of C from packed panels, which are read as they lie in memory. The same sums as in a
 * tile. */
static void run_panels_row(const lam__product *product)
{
    lam__product p = *product;
    size_t j = 0;
    for (; j + SIDE_BY_SIDE * PANEL <= p.n; j += SIDE_BY_SIDE * PANEL)
        run_side_by_side(SIDE_BY_SIDE, &p, j);
    for (; j + SIDE_BY_SIDE / 2 * PANEL <= p.n; j += SIDE_BY_SIDE / 2 * PANEL)
        run_side_by_side(SIDE_BY_SIDE / 2, &p, j);
    p.b += j / PANEL * p.panel_step;
    p.c += j;
    p.n -= j;
    run_tiles(&p, 0, SET);
}

/* One row of C from a row-major B: rows of B are read one after the other, as they lie in memory,
 * and C stays in the first-level cache. The same sums as in a tile. */
static void run_row(const lam__product *p)
{
    const float *b = p->b;
    float *c = p->c;
    memset(c, 0, p->n * sizeof *c);
    size_t q = 0;
    for (; q + DEPTH <= p->k; q += DEPTH, b += DEPTH * p->ldb) {
        size_t j = 0;
        for (; j + W <= p->n; j += W)
            v_store(c + j, add_rows(p->a + q, b + j, p->ldb, v_load(c + j), W));
        if (j < p->n)
            v_store_n(c + j, add_rows(p->a + q, b + j, p->ldb, v_load_n(c + j, p->n - j), p->n - j),
                      p->n - j);
    }
    for (; q < p->k; q++, b += p->ldb) {
        const vf x = v_set(p->a[q]);
        size_t j = 0;
        for (; j + W <= p->n; j += W)
            v_store(c + j, v_fma(x, v_load(b + j), v_load(c + j)));
        if (j < p->n)
            v_store_n(c + j, v_fma(x, v_load_n(b + j, p->n - j), v_load_n(c + j, p->n - j)),
                      p->n - j);
    }
}

static void rows(const lam__product *product)
{
    const bool plain = product->panel_step == PANEL; /* B is row-major */
    if (product->join)
        run_tiles(product, 0, JOIN);
    else if (product->shared && product->ldc % W == 0 && (uintptr_t)product->c % sizeof(vf) == 0)
        run_tiles(product, 0, SHARE);
    else if (plain && product->m == 1 && product->n <= SHORT)
        run_short_row(product);
    else if (plain && product->m == 1)
        run_row(product);
    else if (plain && product->m < FEW && product->ldb >= WIDE)
        run_sweeps(product);
    else if (product->m == 1 && product->ldb == PANEL)
        run_panels_row(product);
    else
        run_tiles(product, 0, SET);
}

static void columns(const lam__product *product)
{
#if LAM__VEC_BYTES == 32
    if (product->n >= LEAST_PANELS * PANEL) {
        run_packed_columns(product);
        return;
    }
#endif
    run_tiles(product, 1, SET);
}

#include "body_pack.h"

#define JOIN_AGAIN(a, b) a##b
#define JOIN(a, b) JOIN_AGAIN(a, b)
#define TEXT_AGAIN(a) #a
#define TEXT(a) TEXT_AGAIN(a)

const lam__products JOIN(lam__products_, LAM__ISA) = {
    .name = TEXT(LAM__ISA),
    .panel = PANEL,
    .least_packed_gradient = LAM__VEC_BYTES == 32 ? 128 : SIZE_MAX,
    .rows = rows,
    .columns = columns,
    .pack = pack,
    .pack_transposed = pack_transposed,
};
