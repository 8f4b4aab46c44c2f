/* body_map.h: kernels that map arrays elementwise: unary functions, scaling, bias with activation,
 * activation derivatives. */
#ifndef LAMINA_BODY_MAP_H
#define LAMINA_BODY_MAP_H

#include "tile.h"
#include "vec_math.h"

/* One function for the unary kernel and, with the bias, for the forward one. */
#define LAM__UNARY_BODY(name, function)                                                            \
    static void name(size_t n, const float *x, float *y)                                           \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + W <= n; i += W)                                                                 \
            v_store(y + i, function(v_load(x + i)));                                               \
        if (i < n)                                                                                 \
            v_store_n(y + i, function(v_load_n(x + i, n - i)), n - i);                             \
    }

LAM__UNARY_BODY(body_exp, v_exp)
LAM__UNARY_BODY(body_expm1, v_expm1)
LAM__UNARY_BODY(body_log, v_log)
LAM__UNARY_BODY(body_tanh, v_tanh)
LAM__UNARY_BODY(body_sigmoid, v_sigmoid)
LAM__UNARY_BODY(body_erf, v_erf)

/* Without bias; with a bias repeated; with a bias row by row. */
#define LAM__FORWARD_BODY(name, function)                                                          \
    static void name##_plain(size_t n, float *y)                                                   \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + W <= n; i += W)                                                                 \
            v_store(y + i, function(v_load(y + i)));                                               \
        if (i < n)                                                                                 \
            v_store_n(y + i, function(v_load_n(y + i, n - i)), n - i);                             \
    }                                                                                              \
                                                                                                   \
    static void name##_tiled(size_t n, size_t cols, const float *bias, float *y)                   \
    {                                                                                              \
        tile t;                                                                                    \
        tile_fill(&t, cols, bias);                                                                 \
        size_t i = 0, k = 0;                                                                       \
        for (; i + W <= n; i += W, k = tile_next(&t, k))                                           \
            v_store(y + i, function(v_load(y + i) + v_load(t.at + k)));                            \
        if (i < n)                                                                                 \
            v_store_n(y + i, function(v_load_n(y + i, n - i) + v_load(t.at + k)), n - i);          \
    }                                                                                              \
                                                                                                   \
    static void name##_row(size_t n, const float *bias, float *y)                                  \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + W <= n; i += W)                                                                 \
            v_store(y + i, function(v_load(y + i) + v_load(bias + i)));                            \
        if (i < n) {                                                                               \
            vf z = v_load_n(y + i, n - i) + v_load_n(bias + i, n - i);                             \
            v_store_n(y + i, function(z), n - i);                                                  \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void name(size_t rows, size_t cols, size_t ld, const float *bias, float *y)             \
    {                                                                                              \
        if (tile_fits(rows, cols, ld, bias)) {                                                     \
            name##_tiled(rows *cols, cols, bias, y);                                               \
        } else if (!bias && ld == cols) {                                                          \
            name##_plain(rows *cols, y);                                                           \
        } else {                                                                                   \
            for (size_t r = 0; r < rows; r++)                                                      \
                if (bias)                                                                          \
                    name##_row(cols, bias, y + r * ld);                                            \
                else                                                                               \
                    name##_plain(cols, y + r * ld);                                                \
        }                                                                                          \
    }

/* A slope of y and dy alone. */
#define LAM__BACKWARD_BODY(name, function)                                                         \
    static void name##_flat(size_t n, const float *y, float *dy)                                   \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + W <= n; i += W)                                                                 \
            v_store(dy + i, function(v_load(y + i), v_load(dy + i)));                              \
        if (i < n) {                                                                               \
            size_t left = n - i;                                                                   \
            v_store_n(dy + i, function(v_load_n(y + i, left), v_load_n(dy + i, left)), left);      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void name(size_t rows, size_t cols, size_t ld, const float *z, const float *y,          \
                     float *dy)                                                                    \
    {                                                                                              \
        (void)z;                                                                                   \
        if (ld == cols) {                                                                          \
            name##_flat(rows *cols, y, dy);                                                        \
            return;                                                                                \
        }                                                                                          \
        for (size_t r = 0; r < rows; r++)                                                          \
            name##_flat(cols, y + r * ld, dy + r * ld);                                            \
    }

/* A slope of z, y and dy. */
#define LAM__BACKWARD_BODY_Z(name, function)                                                       \
    static void name##_flat(size_t n, const float *z, const float *y, float *dy)                   \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + W <= n; i += W)                                                                 \
            v_store(dy + i, function(v_load(z + i), v_load(y + i), v_load(dy + i)));               \
        if (i < n) {                                                                               \
            size_t left = n - i;                                                                   \
            vf slope =                                                                             \
                function(v_load_n(z + i, left), v_load_n(y + i, left), v_load_n(dy + i, left));    \
            v_store_n(dy + i, slope, left);                                                        \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void name(size_t rows, size_t cols, size_t ld, const float *z, const float *y,          \
                     float *dy)                                                                    \
    {                                                                                              \
        if (ld == cols) {                                                                          \
            name##_flat(rows *cols, z, y, dy);                                                     \
            return;                                                                                \
        }                                                                                          \
        for (size_t r = 0; r < rows; r++)                                                          \
            name##_flat(cols, z + r * ld, y + r * ld, dy + r * ld);                                \
    }

#define LAM__LOOPS_OF_VECTORS
#include "kernels/activation_loops.h"
#undef LAM__LOOPS_OF_VECTORS

/* y = x * scale + offset for the two types of x. */
#define LAM__AFFINE_BODY(name, type, load, load_n)                                                 \
    static void name(size_t n, const type *x, float scale, float offset, float *y)                 \
    {                                                                                              \
        vf a = v_set(scale), b = v_set(offset);                                                    \
        size_t i = 0;                                                                              \
        for (; i + W <= n; i += W)                                                                 \
            v_store(y + i, v_fma(load(x + i), a, b));                                              \
        if (i < n)                                                                                 \
            v_store_n(y + i, v_fma(load_n(x + i, n - i), a, b), n - i);                            \
    }

LAM__AFFINE_BODY(body_affine_u8, uint8_t, v_load_u8, v_load_u8_n)
LAM__AFFINE_BODY(body_affine_f32, float, v_load, v_load_n)

#define LAM__AFFINE_EACH_BODY(name, type, load, load_n)                                            \
    static void name(size_t n, const type *x, const float *scale, const float *offset, float *y)   \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + W <= n; i += W)                                                                 \
            v_store(y + i, v_fma(load(x + i), v_load(scale + i), v_load(offset + i)));             \
        if (i < n) {                                                                               \
            size_t left = n - i;                                                                   \
            vf a = v_load_n(scale + i, left), b = v_load_n(offset + i, left);                      \
            v_store_n(y + i, v_fma(load_n(x + i, left), a, b), left);                              \
        }                                                                                          \
    }

LAM__AFFINE_EACH_BODY(body_affine_each_u8, uint8_t, v_load_u8, v_load_u8_n)
LAM__AFFINE_EACH_BODY(body_affine_each_f32, float, v_load, v_load_n)

#endif
