/* body_softmax.h: softmax of rows, its Jacobian, and softmax fused with categorical cross-entropy.
 *
 * Rows are worked on in blocks. Short ones, the usual output layer, are first gathered into whole
 * vectors, padded with -inf, and put back at the end of the block: a masked store followed by the
 * overlapping load of the next row would make every row wait for the one before. */
#ifndef LAMINA_BODY_SOFTMAX_H
#define LAMINA_BODY_SOFTMAX_H

#include "body_map.h"
#include "kernels.h"
#include "vec_math.h"

enum { BLOCK_ROWS = 16, BLOCK_COLS = 64 };

/* Up to BLOCK_ROWS rows of logits with the bias added, either gathered or where they were. */
typedef struct row_block {
    float gathered[BLOCK_ROWS * BLOCK_COLS];
    float *rows; /* [count][ld], cols meaningful */
    size_t count, cols, ld;
} row_block;

/* Lanes 0..n-1, n < W. */
static inline vm v_tail(size_t n)
{
    return v_mask((1u << n) - 1);
}

/* z + bias, the last vector padded. */
static inline void gather_row(size_t cols, const float *bias, const float *z, float pad, float *to)
{
    size_t c = 0;
    for (; c + W <= cols; c += W)
        v_store(to + c, bias ? v_load(z + c) + v_load(bias + c) : v_load(z + c));
    size_t left = cols - c;
    if (left) {
        vf last = v_load_n(z + c, left);
        if (bias)
            last += v_load_n(bias + c, left);
        v_store(to + c, v_pick(v_tail(left), last, v_set(pad)));
    }
}

/* Opens rows y [count][ld] of logits. */
static inline void open_block(row_block *b, size_t count, size_t cols, size_t ld, const float *bias,
                              float *y)
{
    b->count = count;
    if (cols > BLOCK_COLS) {
        b->rows = y;
        b->cols = cols;
        b->ld = ld;
        if (bias)
            body_linear_forward(count, cols, ld, bias, y);
        return;
    }
    b->rows = b->gathered;
    b->cols = b->ld = (cols + W - 1) / W * W;
    for (size_t r = 0; r < count; r++)
        gather_row(cols, bias, y + r * ld, -VM_INFINITY, b->rows + r * b->ld);
}

/* y = x * factor. */
static inline void scale_row(size_t cols, float factor, const float *x, float *y)
{
    size_t c = 0;
    for (; c + W <= cols; c += W)
        v_store(y + c, v_load(x + c) * factor);
    if (c < cols)
        v_store_n(y + c, v_load_n(x + c, cols - c) * factor, cols - c);
}

/* x gathered. */
static inline void copy_row(size_t cols, const float *x, float *y)
{
    size_t c = 0;
    for (; c + W <= cols; c += W)
        v_store(y + c, v_load(x + c));
    if (c < cols)
        v_store_n(y + c, v_load(x + c), cols - c);
}

/* Multiplies each row by its factor and puts it where it belongs. */
static inline void close_block(row_block *b, const float *factors, size_t cols, size_t ld, float *y)
{
    for (size_t r = 0; r < b->count; r++)
        scale_row(b->cols, factors[r], b->rows + r * b->ld, b->rows + r * b->ld);
    if (b->rows == y)
        return;
    for (size_t r = 0; r < b->count; r++)
        copy_row(cols, b->rows + r * b->ld, y + r * ld);
}

static inline float row_maximum(size_t cols, const float *z)
{
    vf most = v_set(-VM_INFINITY);
    size_t c = 0;
    for (; c + W <= cols; c += W)
        most = v_max(v_load(z + c), most);
    if (c < cols) {
        vf last = v_load_n(z + c, cols - c);
        most = v_max(v_pick(v_tail(cols - c), last, v_set(-VM_INFINITY)), most);
    }
    return v_most(most);
}

/* z becomes e^(z - maximum); returns the sum. */
static inline float exp_row(size_t cols, float maximum, float *z)
{
    vf sum = v_set(0.0f);
    size_t c = 0;
    for (; c + W <= cols; c += W) {
        vf e = v_exp_negative(v_load(z + c) - maximum);
        sum += e;
        v_store(z + c, e);
    }
    size_t left = cols - c;
    if (left) {
        vf e = v_exp_negative(v_load_n(z + c, left) - maximum);
        sum += v_keep(v_tail(left), e);
        v_store_n(z + c, e, left);
    }
    return v_sum(sum);
}

static void body_softmax_forward(size_t rows, size_t cols, size_t ld, const float *bias, float *y)
{
    row_block b;
    float factors[BLOCK_ROWS];
    for (size_t first = 0; first < rows; first += BLOCK_ROWS) {
        size_t count = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
        open_block(&b, count, cols, ld, bias, y + first * ld);
        for (size_t r = 0; r < count; r++) {
            float *row = b.rows + r * b.ld;
            factors[r] = 1.0f / exp_row(b.cols, row_maximum(b.cols, row), row);
        }
        close_block(&b, factors, cols, ld, y + first * ld);
    }
}

/* to = p (d - sum(d p)); `to` may be d. */
static inline void jacobian_row(size_t cols, const float *p, const float *d, float *to)
{
    vf sum = v_set(0.0f), odd = sum; /* two chains: one would wait for each addition */
    size_t c = 0;
    for (; c + 2 * W <= cols; c += 2 * W) {
        sum = v_fma(v_load(p + c), v_load(d + c), sum);
        odd = v_fma(v_load(p + c + W), v_load(d + c + W), odd);
    }
    if (c + W <= cols) {
        sum = v_fma(v_load(p + c), v_load(d + c), sum);
        c += W;
    }
    const size_t left = cols - c;
    if (left)
        odd = v_fma(v_load_n(p + c, left), v_load_n(d + c, left), odd);
    const float dot = v_sum(sum + odd);
    for (c = 0; c + W <= cols; c += W)
        v_store(to + c, v_load(p + c) * (v_load(d + c) - dot));
    if (left)
        v_store_n(to + c, v_load_n(p + c, left) * (v_load_n(d + c, left) - dot), left);
}

static void body_softmax_backward(size_t rows, size_t cols, size_t ld, const float *z,
                                  const float *y, float *dy)
{
    (void)z;
    float gathered[BLOCK_ROWS * BLOCK_COLS];
    if (cols > BLOCK_COLS) {
        for (size_t r = 0; r < rows; r++)
            jacobian_row(cols, y + r * ld, dy + r * ld, dy + r * ld);
        return;
    }
    for (size_t first = 0; first < rows; first += BLOCK_ROWS) {
        size_t end = rows - first < BLOCK_ROWS ? rows : first + BLOCK_ROWS;
        for (size_t r = first; r < end; r++)
            gather_row(cols, NULL, dy + r * ld, 0.0f, gathered + (r - first) * BLOCK_COLS);
        for (size_t r = first; r < end; r++)
            jacobian_row(cols, y + r * ld, gathered + (r - first) * BLOCK_COLS, dy + r * ld);
    }
}

/* *sum = sum t and *dot = sum t (z - maximum) of a row; an output with t = 0 counts 0 whatever z.
 */
static inline void target_sums(size_t cols, const float *t, const float *z, float maximum,
                               float *sum, float *dot)
{
    vf total = v_set(0.0f), product = total;
    size_t c = 0;
    for (; c + W <= cols; c += W) {
        vf share = v_load(t + c);
        vf part = share * (v_load(z + c) - maximum);
        total += share;
        product += v_keep(v_lt(v_set(0.0f), v_abs(share)), part);
    }
    if (c < cols) {
        vf share = v_load_n(t + c, cols - c);
        vf part = share * (v_load_n(z + c, cols - c) - maximum);
        total += share;
        product += v_keep(v_lt(v_set(0.0f), v_abs(share)), part);
    }
    *sum = v_sum(total);
    *dot = v_sum(product);
}

/* dy = scale (sum p - t). */
static inline void target_gradient(size_t cols, const float *p, const float *t, float sum,
                                   float scale, float *dy)
{
    const vf total = v_set(sum);
    size_t c = 0;
    for (; c + W <= cols; c += W)
        v_store(dy + c, v_fma(v_load(p + c), total, -v_load(t + c)) * scale);
    if (c < cols) {
        size_t left = cols - c;
        vf slope = v_fma(v_load_n(p + c, left), total, -v_load_n(t + c, left)) * scale;
        v_store_n(dy + c, slope, left);
    }
}

/* The loss of each row is weight * log(sum) - dot, over sum = sum e^(z - max). */
typedef struct row_sums {
    float sum[BLOCK_ROWS], weight[BLOCK_ROWS], dot[BLOCK_ROWS];
} row_sums;

static inline void sum_block(const lam__loss_args *a, size_t first, const row_block *b, row_sums *s)
{
    for (size_t r = 0; r < b->count; r++) {
        float *row = b->rows + r * b->ld;
        float maximum = row_maximum(b->cols, row);
        if (a->labels) {
            s->weight[r] = 1.0f;
            s->dot[r] = row[a->labels[first + r]] - maximum;
        } else {
            target_sums(a->cols, a->targets + (first + r) * a->cols, row, maximum, s->weight + r,
                        s->dot + r);
        }
        s->sum[r] = exp_row(b->cols, maximum, row);
    }
}

/* The gradient of rows first.. from the probabilities p in the block. */
static inline void block_gradient(const lam__loss_args *a, size_t first, const row_block *b,
                                  const row_sums *s)
{
    for (size_t i = 0; i < b->count; i++) {
        const float *p = b->rows + i * b->ld;
        float *dy = a->dy + (first + i) * a->ld;
        if (a->labels) {
            size_t label = (size_t)a->labels[first + i];
            scale_row(a->cols, a->scale, p, dy);
            dy[label] = (p[label] - 1.0f) * a->scale;
        } else {
            const float *t = a->targets + (first + i) * a->cols;
            target_gradient(a->cols, p, t, s->weight[i], a->scale, dy);
        }
    }
}

static double body_softmax_crossentropy(const lam__loss_args *a)
{
    double loss = 0.0;
    row_block b;
    row_sums s;
    float logs[BLOCK_ROWS], factors[BLOCK_ROWS];
    for (size_t i = 0; i < BLOCK_ROWS; i++)
        s.sum[i] = 1.0f;
    for (size_t first = 0; first < a->rows; first += BLOCK_ROWS) {
        size_t count = a->rows - first < BLOCK_ROWS ? a->rows - first : BLOCK_ROWS;
        float *y = a->y + first * a->ld;
        open_block(&b, count, a->cols, a->ld, a->bias, y);
        sum_block(a, first, &b, &s);
        for (size_t i = 0; i < BLOCK_ROWS; i += W) {
            v_store(logs + i, v_log(v_load(s.sum + i)));
            v_store(factors + i, 1.0f / v_load(s.sum + i));
        }
        close_block(&b, factors, a->cols, a->ld, y);
        if (a->dy)
            block_gradient(a, first, &b, &s);
        for (size_t i = 0; i < count; i++)
            loss += (double)s.weight[i] * logs[i] - s.dot[i];
    }
    return loss;
}

#endif
