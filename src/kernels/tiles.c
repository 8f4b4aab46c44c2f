/* tiles.c: products.h for one instruction set; compiled once for each, with LAM__ISA its name.
 *
 * A tile of C, up to TALL rows by two vectors, stays in registers while k runs: each step loads two
 * vectors of B and broadcasts one element of A per row. TALL leaves registers for these: 12 of 32
 * in AVX-512, 6 of 16 elsewhere. */
#include "table.h"
#include "vec.h"

#define PANEL (2 * W)

/* A loop of few rounds, unrolled: only then do arrays indexed by it stay in registers. */
#ifdef __clang__
#define EACH(i, count) _Pragma("clang loop unroll(full)") for (size_t i = 0; i < (count); i++)
#else
#define EACH(i, count) _Pragma("GCC unroll 16") for (size_t i = 0; i < (count); i++)
#endif
#define INLINE static inline __attribute__((always_inline))

/* The compiler knows nothing about x any more, so it computes nothing from it ahead. */
#define FORGET(x) __asm__("" : "+r"(x))

enum {
    MOST_ROWS = 12,
    LINE = 64 /* bytes of the cache */
};

/* Steps of k in one round of a tile's loop, and rows of A that one pointer reaches: integer
 * instructions compete with multiply-adds on some processors, so there are to be few of them. */
enum { UNROLL = LAM__VEC_BYTES == 32 ? 3 : 4, REACH = 4 };

/* What becomes of the sums of a tile: C is set to them, perhaps past the caches; or they begin with
 * C; or they are added to it in the end. */
typedef enum store_mode { SET, STREAM, CONTINUE, JOIN } store_mode;

/* What is fetched meanwhile: `count` lines, `step` bytes apart, from address `at` on; after the
 * first `first`, and then after every `run`, `skip` bytes are left out. Counts are multiples of
 * UNROLL, and `count` is at most k. */
typedef struct lines {
    uintptr_t at;
    size_t count, step, first, run, skip;
    bool to_write; /* for this core to write */
} lines;
static const lines no_lines = {0};

/* Where the vectors of a row of B or C end: `vectors` of them, the last with `last` floats. */
INLINE vf load_at(const float *p, size_t j, size_t vectors, bool part, size_t last)
{
    return part && j + 1 == vectors ? v_load_n(p + j * W, last) : v_load(p + j * W);
}

/* Where the sums of a tile go. */
INLINE void put_tile(const size_t rows, const size_t vectors, const bool part, size_t last,
                     store_mode sums_go, vf sum[MOST_ROWS][2], float *c, size_t ldc)
{
    if (sums_go == STREAM && !part) {
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

/* Where a tile is in A and B. */
typedef struct cursor {
    const float *a[(MOST_ROWS + REACH - 1) / REACH]; /* pointers(), of rows 0, REACH, .. */
    const float *b;
    uintptr_t ahead; /* the next line to fetch */
    size_t ahead_step;
} cursor;

INLINE size_t pointers(const size_t rows, const bool transposed)
{
    return transposed ? 1 : (rows + REACH - 1) / REACH;
}

/* What each step fetches of what is needed later. */
typedef enum fetches { NO_LINE, A_LINE, A_LINE_TO_WRITE } fetches;

/* `steps` steps of k. */
INLINE void run_steps(const size_t steps, const fetches prefetch, const size_t rows,
                      const size_t vectors, const bool part, size_t last, const bool transposed,
                      vf sum[MOST_ROWS][2], cursor *at, size_t lda, size_t ldb)
{
    EACH (u, steps) {
        vf row[2];
        EACH (j, vectors)
            row[j] = load_at(at->b + u * ldb, j, vectors, part, last);
        EACH (i, rows) {
            const float *a = transposed ? at->a[0] + u * lda : at->a[i / REACH] + i % REACH * lda;
            const vf x = v_set((*(const float(*)[MOST_ROWS])a)[transposed ? i : u]);
            EACH (j, vectors)
                sum[i][j] = v_add_product(sum[i][j], x, row[j]);
        }
        const void *line = (const void *)(at->ahead + u * at->ahead_step);
        if (prefetch == A_LINE)
            __builtin_prefetch(line, 0, 2);
        if (prefetch == A_LINE_TO_WRITE)
            __builtin_prefetch(line, 1, 2);
    }
    at->b += steps * ldb;
    at->ahead += prefetch != NO_LINE ? steps * at->ahead_step : 0;
    const size_t count = pointers(rows, transposed);
    EACH (i, count)
        at->a[i] += transposed ? steps * lda : steps;
}

/* A tile of `rows` rows of C; A is [rows][k] or, transposed, [k][rows]. With part == false the last
 * vector is whole. */
INLINE void run_tile(const size_t rows, const size_t vectors, const bool part, size_t last,
                     const bool transposed, store_mode sums_go, size_t k, const float *a,
                     size_t lda, const float *b, size_t ldb, float *c, size_t ldc,
                     const lines *prefetch)
{
    vf sum[MOST_ROWS][2];
    EACH (i, rows)
        EACH (j, vectors)
            sum[i][j] =
                sums_go == CONTINUE ? load_at(c + i * ldc, j, vectors, part, last) : v_set(0.0f);
    cursor at = {.b = b, .ahead = prefetch->at, .ahead_step = prefetch->step};
    const size_t count = pointers(rows, transposed);
    EACH (i, count) {
        at.a[i] = a + i * REACH * lda;
        FORGET(at.a[i]); /* a pointer of its own, not an offset in a register */
    }
    size_t p = 0;
    for (size_t left = prefetch->count, run = prefetch->first; left > 0; run = prefetch->run) {
        const size_t end = p + (left < run ? left : run);
        left -= end - p;
        if (prefetch->to_write)
            for (; p < end; p += UNROLL)
                run_steps(UNROLL, A_LINE_TO_WRITE, rows, vectors, part, last, transposed, sum, &at,
                          lda, ldb);
        for (; p < end; p += UNROLL)
            run_steps(UNROLL, A_LINE, rows, vectors, part, last, transposed, sum, &at, lda, ldb);
        at.ahead += prefetch->skip;
    }
    for (; p + UNROLL <= k; p += UNROLL)
        run_steps(UNROLL, NO_LINE, rows, vectors, part, last, transposed, sum, &at, lda, ldb);
    for (; p < k; p++)
        run_steps(1, NO_LINE, rows, vectors, part, last, transposed, sum, &at, lda, ldb);
    FORGET(ldc); /* addresses of C are not for the beginning */
    put_tile(rows, vectors, part, last, sums_go, sum, c, ldc);
}

typedef void tile(size_t last, store_mode sums_go, size_t k, const float *a, size_t lda,
                  const float *b, size_t ldb, float *c, size_t ldc, const lines *prefetch);

/* For each height: the whole panel, one that ends in its second vector, one of one vector, one that
 * ends in its first; each for A as it is and transposed. */
#define DEFINE_TILE(name, rows, vectors, part, transposed, ahead)                                  \
    static void name(size_t last, store_mode sums_go, size_t k, const float *a, size_t lda,        \
                     const float *b, size_t ldb, float *c, size_t ldc, const lines *prefetch)      \
    {                                                                                              \
        (void)prefetch;                                                                            \
        run_tile(rows, vectors, part, last, transposed, sums_go, k, a, lda, b, ldb, c, ldc,        \
                 ahead);                                                                           \
    }
#define DEFINE_HEIGHT(rows)                                                                        \
    DEFINE_TILE(rows_##rows##_2, rows, 2, false, false, prefetch)                                  \
    DEFINE_TILE(rows_##rows##_2_part, rows, 2, true, false, &no_lines)                             \
    DEFINE_TILE(rows_##rows##_1, rows, 1, false, false, &no_lines)                                 \
    DEFINE_TILE(rows_##rows##_1_part, rows, 1, true, false, &no_lines)                             \
    DEFINE_TILE(columns_##rows##_2, rows, 2, false, true, prefetch)                                \
    DEFINE_TILE(columns_##rows##_2_part, rows, 2, true, true, &no_lines)                           \
    DEFINE_TILE(columns_##rows##_1, rows, 1, false, true, &no_lines)                               \
    DEFINE_TILE(columns_##rows##_1_part, rows, 1, true, true, &no_lines)

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

/* Where the fetching of product->prefetch is: `done` fetches of the first range, each `unit` bytes
 * after the one before. */
typedef struct prefetcher {
    const lam__prefetch *range, *end;
    size_t done, unit;
} prefetcher;

static inline size_t whole_rounds(size_t steps)
{
    return steps / UNROLL * UNROLL;
}

/* product->prefetch, from its beginning: a line at each step or, where there is time for most of
 * it, half a line: the fewer are under way, the less a tile waits for lines of its own. */
static inline prefetcher begin_warm(const lam__product *p)
{
    size_t bytes = 0;
    if (p->prefetch_count == 0)
        return (prefetcher){0};
    for (size_t i = 0; i < p->prefetch_count; i++)
        bytes += p->prefetch[i].bytes * p->prefetch[i].pieces;
    const size_t tiles = p->m / MOST_ROWS, panels = p->n / PANEL;
    const size_t steps = panels > 1 ? p->k * tiles * (panels - 1) : 0; /* see next_columns */
    const bool half = bytes / LINE * 7 / 4 < steps;
    return (prefetcher){p->prefetch, p->prefetch + p->prefetch_count, 0, half ? LINE / 2 : LINE};
}

/* What the next tile fetches, up to the end of a range. */
static inline lines next_lines(prefetcher *w, size_t k)
{
    for (; w->range < w->end; w->range++, w->done = 0) {
        const lam__prefetch *r = w->range;
        const size_t run = whole_rounds((r->bytes + w->unit - 1) / w->unit);
        const size_t left = run * r->pieces - w->done, most = whole_rounds(k);
        if (left == 0)
            continue;
        const size_t piece = w->done / run, in_piece = w->done % run;
        const lines next = {.at = (uintptr_t)r->at + piece * r->step + in_piece * w->unit,
                            .count = left < most ? left : most,
                            .step = w->unit,
                            .first = run - in_piece,
                            .run = run,
                            .skip = r->step - run * w->unit,
                            .to_write = r->to_write};
        w->done += next.count;
        return next;
    }
    return no_lines;
}

/* A transposed is read down its columns for the first time, a line at a step, and has often been
 * written by another core: so the first panel of each tile fetches the columns of the next tile, if
 * there is one: what lies beyond may belong to another thread. */
static inline lines next_columns(const lam__product *p, size_t i, size_t rows)
{
    const size_t next = i + rows, end = next + rows < p->m ? next + rows : p->m;
    const size_t count = whole_rounds(p->k);
    if (next >= p->m)
        return no_lines;
    return (lines){.at = (uintptr_t)(p->a + end - 1),
                   .count = count,
                   .step = p->lda * sizeof *p->a,
                   .first = count,
                   .run = count};
}

/* A packed B that is large comes from beyond the second-level cache, and nothing is computed while
 * the first tile of a panel waits for it: so the tiles of panel j fetch the next one. */
static inline prefetcher next_panel(const lam__product *p, size_t j, const float *b,
                                    lam__prefetch *panel)
{
    enum { LARGE = 1 << 17 }; /* floats of B */
    if (p->ldb != PANEL || p->k * p->n < LARGE || j + PANEL >= p->n)
        return (prefetcher){0};
    *panel = (lam__prefetch){b + p->panel_step, p->k * PANEL * sizeof *b, 1, 0, false};
    return (prefetcher){panel, panel + 1, 0, LINE};
}

/* C = A B. */
static void run_tiles(const lam__product *product, int transposed, store_mode sums_go)
{
    const lam__product p = *product; /* the stores cannot change it */
    const size_t row_step = transposed ? 1 : p.lda;
    prefetcher w = transposed ? begin_warm(&p) : (prefetcher){0};
    for (size_t j = 0; j < p.n; j += PANEL) {
        const float *b = p.b + j / PANEL * p.panel_step;
        const size_t left = p.n - j;
        const int kind = left >= PANEL ? 0 : left > W ? 1 : left == W ? 2 : 3;
        const size_t last = kind == 3 ? left : left - W;
        lam__prefetch panel;
        if (!transposed)
            w = next_panel(&p, j, b, &panel);
        for (size_t i = 0; i < p.m;) {
            const height *h = next_height(p.m - i);
            const float *a = p.a + i * row_step;
            const lines ahead =
                transposed && j == 0 ? next_columns(&p, i, h->rows) : next_lines(&w, p.k);
            h->tiles[transposed][kind](last, sums_go, p.k, a, p.lda, b, p.ldb, p.c + i * p.ldc + j,
                                       p.ldc, &ahead);
            i += h->rows;
        }
    }
}

#if LAM__VEC_BYTES == 32
/* A transposed, so many columns and rows of it at a time: [tile][k][rows of the tile]. With AVX2 a
 * line of the cache holds the columns of three tiles, and the second-level cache of such processors
 * is small: reading A where it lies and fetching product->prefetch meanwhile both cost more than
 * they gain. */
enum { PACKED_COLUMNS = 48, PACKED_DEPTH = 256, LEAST_PANELS = 4 };

typedef struct packed {
    const height *heights[PACKED_COLUMNS];
    size_t tiles;
    float at[PACKED_COLUMNS * PACKED_DEPTH];
} packed;

/* Columns 0 .. m - 1 of a[k][lda], row by row, as memory likes it; those of the next block, of this
 * product or most often of the next task of the same thread, are fetched meanwhile. Nobody writes A
 * at that time, and a fetch beyond its end does nothing. */
static void pack_columns(packed *to, size_t m, size_t k, const float *a, size_t lda)
{
    to->tiles = 0;
    for (size_t i = 0; i < m; i += to->heights[to->tiles++]->rows)
        to->heights[to->tiles] = next_height(m - i);
    for (size_t p = 0; p < k; p++, a += lda) {
        const float *from = a;
        float *at = to->at;
        for (size_t l = 0; l < PACKED_COLUMNS * sizeof *a; l += LINE)
            __builtin_prefetch((const void *)((uintptr_t)(a + m) + l), 0, 2);
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
static void run_packed(const packed *a, const lam__product *p, store_mode sums_go)
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
                                          &no_lines);
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

#include "body_few_rows.h"

static void rows(const lam__product *product)
{
    const bool plain = product->panel_step == PANEL; /* B is row-major */
    if (product->join)
        run_tiles(product, 0, JOIN);
    else if (product->past_caches && product->ldc % W == 0 &&
             (uintptr_t)product->c % sizeof(vf) == 0)
        run_tiles(product, 0, STREAM);
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
    .rows = rows,
    .columns = columns,
    .pack = pack,
    .pack_transposed = pack_transposed,
};
