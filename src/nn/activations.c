/* activations.c: the table of activations. */
#include "nn/activations.h"

#include <math.h>

/* How the rows name kernels: a function that takes one from a table of kernels. */
#define FORWARD(name)                                                                              \
    static lam__forward_kernel *name##_forward(const lam__kernels *kernels)                        \
    {                                                                                              \
        return kernels->name##_forward;                                                            \
    }
#define BACKWARD(name)                                                                             \
    static lam__backward_kernel *name##_backward(const lam__kernels *kernels)                      \
    {                                                                                              \
        return kernels->name##_backward;                                                           \
    }

FORWARD(linear)
FORWARD(relu)
FORWARD(sigmoid)
FORWARD(tanh)
FORWARD(softmax)
BACKWARD(relu)
BACKWARD(sigmoid)
BACKWARD(tanh)
BACKWARD(softmax)

static lam__backward_kernel *linear_backward(const lam__kernels *kernels)
{
    (void)kernels;
    return NULL; /* dz = dy */
}

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

static const lam__activation rows[] = {
    {.name = "linear",
     .help = "z",
     .decision = LAM__DECIDE_VALUE,
     .default_loss = "mean_squared_error",
     .forward = linear_forward,
     .backward = linear_backward,
     .plain = linear_plain,
     .c_source = linear_source},
    {.name = "relu",
     .help = "max(z, 0)",
     .decision = LAM__DECIDE_VALUE,
     .default_loss = "mean_squared_error",
     .forward = relu_forward,
     .backward = relu_backward,
     .plain = relu_plain,
     .c_source = relu_source},
    {.name = "sigmoid",
     .help = "1 / (1 + e^-z), probabilities that are independent of each other",
     .decision = LAM__DECIDE_THRESHOLD,
     .default_loss = "binary_crossentropy",
     .forward = sigmoid_forward,
     .backward = sigmoid_backward,
     .plain = sigmoid_plain,
     .c_source = sigmoid_source},
    {.name = "tanh",
     .help = "hyperbolic tangent",
     .decision = LAM__DECIDE_VALUE,
     .default_loss = "mean_squared_error",
     .forward = tanh_forward,
     .backward = tanh_backward,
     .plain = tanh_plain,
     .c_source = tanh_source},
    {.name = "softmax",
     .help = "e^z / sum(e^z), probabilities of classes that exclude each other",
     .decision = LAM__DECIDE_ARGMAX,
     .default_loss = "categorical_crossentropy",
     .forward = softmax_forward,
     .backward = softmax_backward,
     .plain_row = softmax_plain_row,
     .c_source = softmax_source,
     .rowwise = true},
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

void lam__activate(const lam__activation *activation, size_t row_count, size_t cols, size_t ld,
                   const float *bias, float *y, float *z)
{
    const lam_activation *custom = &activation->custom;
    if (activation->forward) {
        activation->forward(lam__kernels_chosen())(row_count, cols, ld, bias, y);
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
    if (activation->backward) {
        lam__backward_kernel *kernel = activation->backward(lam__kernels_chosen());
        if (kernel)
            kernel(row_count, cols, ld, y, dy);
        return;
    }
    for (size_t r = 0; r < row_count; r++, y += ld, z += ld, dy += ld)
        custom->backward(cols, z, y, dy, dy, custom->user);
}
