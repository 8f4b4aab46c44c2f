/* activation_loops.h: the loops of activations: their list, the vectors and, beside them, the same
 * in double. It is included once for each of the three:
 *
 *   kernels.h    the list LAM__ACTIVATION_KERNELS
 *   body_map.h   with LAM__LOOPS_OF_VECTORS, compiled once per instruction set
 *   reference.c  with LAM__LOOPS_IN_DOUBLE: the scalar reference (tests/golden too)
 *
 * An elementwise activation is f(z) and slope(z, y, dy) = dL/dz = dy f'(z), where y = f(z): of
 * vectors, v_NAME, without a branch, and in double, d_NAME, as plainly as can be. Of vectors the
 * slope is a LAM__BACKWARD_BODY of y and dy alone or, where the row says needs_z, a
 * LAM__BACKWARD_BODY_Z of z, y and dy. */
#ifndef LAMINA_ACTIVATION_LOOPS_H
#define LAMINA_ACTIVATION_LOOPS_H

/* X(name, type, help). */
#define LAM__ELEMENTWISE_KERNELS(X)                                                                \
    X(linear_forward, forward, "z + b")                                                            \
    X(relu_forward, forward, "max(z + b, 0)")                                                      \
    X(relu_backward, backward, "dy where y > 0, else 0")                                           \
    X(sigmoid_forward, forward, "sigmoid(z + b)")                                                  \
    X(sigmoid_backward, backward, "dy y (1 - y)")                                                  \
    X(tanh_forward, forward, "tanh(z + b)")                                                        \
    X(tanh_backward, backward, "dy (1 - y^2)")

/* They read whole rows: body_softmax.h, reference.c. */
#define LAM__ROWWISE_KERNELS(X)                                                                    \
    X(softmax_forward, forward, "softmax of each row of z + b")                                    \
    X(softmax_backward, backward, "y (dy - sum(dy y)) of each row: the true Jacobian")

#define LAM__ACTIVATION_KERNELS(X)                                                                 \
    LAM__ELEMENTWISE_KERNELS(X)                                                                    \
    LAM__ROWWISE_KERNELS(X)

#endif

/* ---- linear: z ---- */
#ifdef LAM__LOOPS_OF_VECTORS
static inline vf v_linear(vf z)
{
    return z;
}
LAM__FORWARD_BODY(body_linear_forward, v_linear)
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
static inline double d_linear(double z)
{
    return z;
}
LAM__FORWARD_REFERENCE(linear_forward, d_linear)
#endif

/* ---- relu: max(z, 0); NaN goes through ---- */
#ifdef LAM__LOOPS_OF_VECTORS
static inline vf v_relu(vf z)
{
    return v_max(v_set(0.0f), z); /* the order of the operands lets NaN through */
}
LAM__FORWARD_BODY(body_relu_forward, v_relu)

static inline vf v_relu_slope(vf y, vf dy)
{
    return v_keep(v_lt(v_set(0.0f), y), dy);
}
LAM__BACKWARD_BODY(body_relu_backward, v_relu_slope)
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
static inline double d_relu(double z)
{
    return z < 0.0 ? 0.0 : z;
}
LAM__FORWARD_REFERENCE(relu_forward, d_relu)

static inline double d_relu_slope(double z, double y, double dy)
{
    (void)z;
    return y > 0.0 ? dy : 0.0;
}
LAM__BACKWARD_REFERENCE(relu_backward, d_relu_slope)
#endif

/* ---- sigmoid: 1 / (1 + e^-z) ---- */
#ifdef LAM__LOOPS_OF_VECTORS
LAM__FORWARD_BODY(body_sigmoid_forward, v_sigmoid)

static inline vf v_sigmoid_slope(vf y, vf dy)
{
    return dy * y * (1.0f - y);
}
LAM__BACKWARD_BODY(body_sigmoid_backward, v_sigmoid_slope)
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
/* Both are right for huge |z| of either sign. */
static inline double d_sigmoid(double z)
{
    return z < 0.0 ? exp(z) / (1.0 + exp(z)) : 1.0 / (1.0 + exp(-z));
}
LAM__FORWARD_REFERENCE(sigmoid_forward, d_sigmoid)

static inline double d_sigmoid_slope(double z, double y, double dy)
{
    (void)z;
    return dy * y * (1.0 - y);
}
LAM__BACKWARD_REFERENCE(sigmoid_backward, d_sigmoid_slope)
#endif

/* ---- tanh ---- */
#ifdef LAM__LOOPS_OF_VECTORS
LAM__FORWARD_BODY(body_tanh_forward, v_tanh)

/* 1 - y^2 without cancellation. */
static inline vf v_tanh_slope(vf y, vf dy)
{
    return dy * ((1.0f - y) * (1.0f + y));
}
LAM__BACKWARD_BODY(body_tanh_backward, v_tanh_slope)
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
LAM__FORWARD_REFERENCE(tanh_forward, tanh)

static inline double d_tanh_slope(double z, double y, double dy)
{
    (void)z;
    return dy * (1.0 - y * y);
}
LAM__BACKWARD_REFERENCE(tanh_backward, d_tanh_slope)
#endif
