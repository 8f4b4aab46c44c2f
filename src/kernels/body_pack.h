/* body_pack.h: matrices copied to panels; a part of tiles.c. */
#ifndef LAMINA_BODY_PACK_H
#define LAMINA_BODY_PACK_H

/* A vector of a panel. */
INLINE void put(bool past_caches, float *to, vf x)
{
    if (past_caches)
        v_stream(to, x);
    else
        v_store(to, x);
}

static void pack(const lam__packing *packing)
{
    const lam__packing p = *packing; /* the stores cannot change it */
    const size_t end = p.first_col + p.cols;
    for (size_t j = p.first_col; j < end; j += PANEL) {
        const size_t cols = end - j < PANEL ? end - j : PANEL;
        const float *from = p.w + p.first * p.ldw + j;
        float *to = p.panels + j * p.in + p.first * PANEL;
        for (size_t i = 0; i < p.rows; i++, from += p.ldw, to += PANEL) {
            if (cols < PANEL)
                memcpy(to, from, cols * sizeof *to);
            else
                EACH (v, 2)
                    put(p.past_caches, to + v * W, v_load(from + v * W));
        }
    }
}

/* Columns first .. first + cols - 1 of `lanes` rows of W, one by one. */
static void transpose_rest(const lam__packing *p, const float *w, size_t lanes, size_t first,
                           size_t cols, float *to)
{
    for (size_t o = first; o < first + cols; o++)
        for (size_t q = 0; q < lanes; q++)
            to[o * PANEL + q] = w[q * p->ldw + o];
}

enum { TURNED = LAM__VEC_BYTES < LINE ? 2 : 1 }; /* vectors of rows that are turned together */

/* TURNED * W rows of W by W columns at a time: a line of a panel is written whole. */
static void transpose_vectors(const lam__packing *p, const float *w, float *to)
{
    const size_t end = p->first_col + p->cols;
    size_t o = p->first_col;
    for (; o + W <= end; o += W) {
        vf x[TURNED][W];
        EACH (v, TURNED) {
            EACH (q, W)
                x[v][q] = v_load(w + (v * W + q) * p->ldw + o);
            v_transpose(x[v]);
        }
        EACH (q, W)
            EACH (v, TURNED)
                put(p->past_caches, to + (o + q) * PANEL + v * W, x[v][q]);
    }
    transpose_rest(p, w, TURNED * W, o, end - o, to);
}

static void pack_transposed(const lam__packing *packing)
{
    const lam__packing p = *packing;
    enum { ROWS = TURNED * W };
    for (size_t i = p.first; i < p.first + p.rows;) {
        const size_t lane = i % PANEL, left = p.first + p.rows - i;
        float *to = p.panels + (i - lane) * p.out + lane; /* [out][PANEL] */
        if (lane % ROWS == 0 && left >= ROWS) {
            transpose_vectors(&p, p.w + i * p.ldw, to);
            i += ROWS;
        } else {
            const size_t lanes = left < ROWS - lane % ROWS ? left : ROWS - lane % ROWS;
            transpose_rest(&p, p.w + i * p.ldw, lanes, p.first_col, p.cols, to);
            i += lanes;
        }
    }
}

#endif
