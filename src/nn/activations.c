/* activations.c: the table of activations. */
#include "nn/activations.h"

#include <math.h>
#include <string.h>

/* Plain C of a row, an expression of z or statements on y[n]: the function and its text. */
#define PLAIN(name, ...)                                                                           \
    static const char name##_source[] = #__VA_ARGS__;                                              \
    static float name##_plain(float z)                                                             \
    {                                                                                              \
        return __VA_ARGS__;                                                                        \
    }
#define PLAIN_ROW(name, ...)                                                                       \
    static const char name##_source[] = #__VA_ARGS__;                                              \
    static void name##_plain_row(size_t n, float *y)                                               \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

PLAIN(linear, z)
PLAIN(relu, z > 0.0f ? z : 0.0f)
PLAIN(sigmoid, 1.0f / (1.0f + expf(-z)))
PLAIN(tanh, tanhf(z))
/* clang-format off */
PLAIN_ROW(softmax,
    float largest = y[0], total = 0.0f;
    for (size_t j = 1; j < n; j++) {
        if (y[j] > largest) {
            largest = y[j];
        }
    }
    for (size_t j = 0; j < n; j++) {
        y[j] = expf(y[j] - largest);
        total += y[j];
    }
    for (size_t j = 0; j < n; j++) {
        y[j] /= total;
    })
/* clang-format on */

/* The name, loops and C text of an elementwise row. */
#define ELEMENTWISE(id)                                                                            \
    .name = #id, .forward = lam__kernel_##id##_forward, .backward = lam__kernel_##id##_backward,   \
    .plain = id##_plain, .c_source = id##_source

static const lam__activation rows[] = {
    {.name = "linear",
     .help = "z",
     .decision = LAM__DECIDE_VALUE,
     .default_loss = "mean_squared_error",
     .forward = lam__kernel_linear_forward,
     .clamps = true,
     .plain = linear_plain,
     .c_source = linear_source,
     .onnx = {""},
     .sklearn = "identity"},
    {ELEMENTWISE(relu), .help = "max(z, 0)", .decision = LAM__DECIDE_VALUE,
     .default_loss = "mean_squared_error", .clamps = true, .onnx = {"Relu"}, .torch = "ReLU",
     .sklearn = "relu"},
    {ELEMENTWISE(sigmoid),
     .help = "1 / (1 + e^-z), probabilities that are independent of each other",
     .decision = LAM__DECIDE_THRESHOLD, .default_loss = "binary_crossentropy", .onnx = {"Sigmoid"},
     .torch = "Sigmoid", .sklearn = "logistic"},
    {ELEMENTWISE(tanh), .help = "hyperbolic tangent", .decision = LAM__DECIDE_VALUE,
     .default_loss = "mean_squared_error", .onnx = {"Tanh"}, .torch = "Tanh", .sklearn = "tanh"},
    {.name = "softmax",
     .help = "e^z / sum(e^z), probabilities of classes that exclude each other",
     .decision = LAM__DECIDE_ARGMAX,
     .default_loss = "categorical_crossentropy",
     .forward = lam__kernel_softmax_forward,
     .backward = lam__kernel_softmax_backward,
     .plain_row = softmax_plain_row,
     .c_source = softmax_source,
     .rowwise = true,
     .onnx = {"Softmax"},
     .torch = "Softmax",
     .sklearn = "softmax"},
};

LAM__CHECK_ROW(lam__activation);

static const void *built_in(size_t i)
{
    return &rows[i];
}

lam__name_table lam__activations = {
    .kind = "activation",
    .built_in = built_in,
    .built_in_count = sizeof rows / sizeof *rows,
};

const lam__activation *lam__find_activation(const char *name)
{
    return lam__table_find(&lam__activations, name);
}

size_t lam__activation_count(void)
{
    return lam__table_size(&lam__activations);
}

const lam__activation *lam__activation_at(size_t i)
{
    return lam__table_at(&lam__activations, i);
}

const lam__activation *lam__activation_called(lam__dialect dialect, const char *word)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *called = dialect == LAM__KERAS   ? rows[i].keras
                             : dialect == LAM__TORCH ? rows[i].torch
                                                     : rows[i].sklearn;
        if (called && strcmp(called, word) == 0)
            return &rows[i];
    }
    return NULL;
}

/* z = y + bias on rows. */
static void keep_z(const lam__kernels *kernels, size_t row_count, size_t cols, size_t ld,
                   const float *bias, const float *y, float *z)
{
    for (size_t r = 0; r < row_count; r++)
        memcpy(z + r * ld, y + r * ld, cols * sizeof *z);
    kernels->linear_forward(row_count, cols, ld, bias, z);
}

void lam__activate(const lam__activation *activation, size_t row_count, size_t cols, size_t ld,
                   const float *bias, float *y, float *z)
{
    const lam_activation *custom = &activation->custom;
    if (activation->forward) {
        const lam__kernels *kernels = lam__kernels_chosen();
        if (activation->needs_z && z)
            keep_z(kernels, row_count, cols, ld, bias, y, z);
        activation->forward(kernels)(row_count, cols, ld, bias, y);
        return;
    }
    for (size_t r = 0; r < row_count; r++, y += ld, z += ld) {
        for (size_t c = 0; c < cols; c++)
            z[c] = bias ? y[c] + bias[c] : y[c];
        custom->forward(cols, z, y, custom->user);
    }
}

void lam__activate_backward(const lam__activation *activation, size_t row_count, size_t cols,
                            size_t ld, const float *y, const float *z, float *dy)
{
    const lam_activation *custom = &activation->custom;
    if (activation->backward)
        activation->backward(lam__kernels_chosen())(row_count, cols, ld, z, y, dy);
    if (activation->forward)
        return;
    for (size_t r = 0; r < row_count; r++, y += ld, z += ld, dy += ld)
        custom->backward(cols, z, y, dy, dy, custom->user);
}
