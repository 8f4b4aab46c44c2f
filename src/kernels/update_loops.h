/* update_loops.h: the loops of optimizers, in the three parts of activation_loops.h: their list,
 * the vectors, and the same in double beside them.
 *
 * An optimizer with moments is a step(args, w, g, &m, &v): it takes parameters and their gradient,
 * changes the moments and returns the new parameters. LAM__UPDATE_BODY is for two moments,
 * LAM__UPDATE_BODY_M for one, whose step has no v. Its hyperparameters are fields of
 * lam__update_args, or a->own[k]: the k-th of those of its row that have no field. */
#ifndef LAMINA_UPDATE_LOOPS_H
#define LAMINA_UPDATE_LOOPS_H

/* X(name, type, help). */
#define LAM__UPDATE_KERNELS(X)                                                                     \
    X(sgd, update, "v = momentum v - rate g; w += v (m is v; NULL without momentum)")              \
    X(adam, update, "Adam, epsilon outside the root, bias-corrected")

#endif

/* ---- sgd: gradient descent, with momentum where there is a moment ---- */
#ifdef LAM__LOOPS_OF_VECTORS
static void body_sgd_plain(const lam__update_args *a)
{
    vf rate = v_set(-a->learning_rate);
    size_t i = 0;
    for (; i + W <= a->n; i += W)
        v_store(a->w + i, v_fma(rate, v_load(a->g + i), v_load(a->w + i)));
    size_t left = a->n - i;
    if (left)
        v_store_n(a->w + i, v_fma(rate, v_load_n(a->g + i, left), v_load_n(a->w + i, left)), left);
}

static void body_sgd(const lam__update_args *a)
{
    if (!a->m) {
        body_sgd_plain(a);
        return;
    }
    vf rate = v_set(-a->learning_rate), momentum = v_set(a->momentum);
    size_t i = 0;
    for (; i + W <= a->n; i += W) {
        vf m = v_fma(momentum, v_load(a->m + i), rate * v_load(a->g + i));
        v_store(a->m + i, m);
        v_store(a->w + i, v_load(a->w + i) + m);
    }
    size_t left = a->n - i;
    if (left) {
        vf m = v_fma(momentum, v_load_n(a->m + i, left), rate * v_load_n(a->g + i, left));
        v_store_n(a->m + i, m, left);
        v_store_n(a->w + i, v_load_n(a->w + i, left) + m, left);
    }
}
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
static void lam__reference_sgd(const lam__update_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        double step = -(double)a->learning_rate * a->g[i];
        if (a->m) {
            step += (double)a->momentum * a->m[i];
            a->m[i] = (float)step;
        }
        a->w[i] = (float)(a->w[i] + step);
    }
}
#endif

/* ---- Kingma, Ba: "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1 ---- */
#ifdef LAM__LOOPS_OF_VECTORS
static inline vf adam_step(const lam__update_args *a, vf w, vf g, vf *m, vf *v)
{
    *m = v_fma(v_set(a->beta_1), *m, (1.0f - a->beta_1) * g);
    *v = v_fma(v_set(a->beta_2), *v, (1.0f - a->beta_2) * g * g);
    vf step = *m * (a->learning_rate * a->correction_1);
    return w - v_quotient(step, v_sqrt(*v * a->correction_2) + a->epsilon);
}
LAM__UPDATE_BODY(body_adam, adam_step)
#endif
#ifdef LAM__LOOPS_IN_DOUBLE
static inline double d_adam(const lam__update_args *a, double w, double g, double *m, double *v)
{
    *m = (double)a->beta_1 * *m + (1.0 - a->beta_1) * g;
    *v = (double)a->beta_2 * *v + (1.0 - a->beta_2) * g * g;
    return w -
           a->learning_rate * (*m * a->correction_1) / (sqrt(*v * a->correction_2) + a->epsilon);
}
LAM__UPDATE_REFERENCE(adam, d_adam)
#endif
