/* body_few_rows.h: C = A B with few rows, where reading B is all the work; a part of tiles.c. */
#ifndef LAMINA_BODY_FEW_ROWS_H
#define LAMINA_BODY_FEW_ROWS_H

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

#endif
