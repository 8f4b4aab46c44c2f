/* loss_loops.h: the loops of losses, in the three parts of activation_loops.h: their list, the
 * vectors, and the same in double beside them.
 *
 * An elementwise loss is the mean over a sample's outputs of f(y, t), y an output and t its target:
 * of vectors a function of outputs z and targets t that returns the losses, with *dy = df/dy and
 * *y = z; in double a function that returns the loss, with *slope = df/dy. A loss that takes logits
 * instead (fused) leaves the outputs in *y. */
#ifndef LAMINA_LOSS_LOOPS_H
#define LAMINA_LOSS_LOOPS_H

/* X(name, type, help). */
#define LAM__ELEMENTWISE_LOSSES(X)                                                                 \
    X(binary_crossentropy, loss, "binary cross-entropy of clip(y), mean over cols")                \
    X(squared_error, loss, "(y - t)^2, mean over cols")                                            \
    X(absolute_error, loss, "|y - t|, mean over cols, derivative sign(y - t), 0 at 0")

/* From logits, or with labels: body_loss.h, body_softmax.h, reference_loss.c. */
#define LAM__OTHER_LOSSES(X)                                                                       \
    X(softmax_crossentropy, loss, "softmax and categorical cross-entropy on logits")               \
    X(categorical_crossentropy, loss, "- sum t log clip(y), clip to 1e-7 .. 1 - 1e-7")             \
    X(sigmoid_crossentropy, loss, "sigmoid and binary cross-entropy on logits, mean over cols")

#define LAM__LOSS_KERNELS(X)                                                                       \
    LAM__OTHER_LOSSES(X)                                                                           \
    LAM__ELEMENTWISE_LOSSES(X)

#endif

/* ---- binary cross-entropy: - t log y - (1 - t) log(1 - y), y clipped ---- */
#ifdef LAM__LOOPS_OF_VECTORS
static inline vf binary_crossentropy_of(vf z, vf t, vf *y, vf *dy)
{
    vf p = v_clip(z), q = 1.0f - p;
    *y = z;
    *dy = v_inside(z, (p - t) / (p * q));
    return -v_fma(t, v_log(p), (1.0f - t) * v_log(q));
}
LAM__LOSS_BODY(body_binary_crossentropy, binary_crossentropy_of, 0, 1)
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
static inline double d_binary_crossentropy(double y, double t, double *slope)
{
    const double p = d_clip(y);
    *slope = d_inside(y) ? (1.0 - t) / (1.0 - y) - t / y : 0.0;
    return -(t * log(p) + (1.0 - t) * log(1.0 - p));
}
LAM__LOSS_REFERENCE(binary_crossentropy, d_binary_crossentropy)
#endif

/* ---- squared error: (y - t)^2 ---- */
#ifdef LAM__LOOPS_OF_VECTORS
static inline vf squared_error_of(vf z, vf t, vf *y, vf *dy)
{
    vf d = z - t;
    *y = z;
    *dy = d + d;
    return d * d;
}
LAM__LOSS_BODY(body_squared_error, squared_error_of, 0, 1)
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
static inline double d_squared_error(double y, double t, double *slope)
{
    *slope = 2.0 * (y - t);
    return (y - t) * (y - t);
}
LAM__LOSS_REFERENCE(squared_error, d_squared_error)
#endif

/* ---- absolute error: |y - t|, slope 0 at 0 ---- */
#ifdef LAM__LOOPS_OF_VECTORS
static inline vf absolute_error_of(vf z, vf t, vf *y, vf *dy)
{
    vf d = z - t;
    *y = z;
    *dy = v_keep(v_lt(v_set(0.0f), v_abs(d)), v_with_sign(v_set(1.0f), v_sign(d)));
    return v_abs(d);
}
LAM__LOSS_BODY(body_absolute_error, absolute_error_of, 0, 1)
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
static inline double d_absolute_error(double y, double t, double *slope)
{
    *slope = (y > t) - (y < t);
    return fabs(y - t);
}
LAM__LOSS_REFERENCE(absolute_error, d_absolute_error)
#endif
