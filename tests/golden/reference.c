/* reference.c: a dense network and its loss in double, as the textbook has it. */
#include "reference.h"

#include <math.h>
#include <string.h>

#include "../support/scalar_loops.h"

/* The library clips in float32, where 1 - 1e-7 is 1 - 2^-23. */
#define CLIP_LOW ((double)1e-7f)
#define CLIP_HIGH ((double)(1.0f - 1e-7f))

static void linear(size_t n, double *z)
{
    (void)n;
    (void)z;
}

static void relu(size_t n, double *z)
{
    for (size_t i = 0; i < n; i++)
        z[i] = z[i] > 0.0 ? z[i] : 0.0;
}

static void sigmoid(size_t n, double *z)
{
    for (size_t i = 0; i < n; i++)
        z[i] = 1.0 / (1.0 + exp(-z[i]));
}

static void hyperbolic_tangent(size_t n, double *z)
{
    for (size_t i = 0; i < n; i++)
        z[i] = tanh(z[i]);
}

static void softmax(size_t n, double *z)
{
    double most = z[0], sum = 0.0;
    for (size_t i = 1; i < n; i++)
        most = fmax(most, z[i]);
    for (size_t i = 0; i < n; i++)
        sum += z[i] = exp(z[i] - most);
    for (size_t i = 0; i < n; i++)
        z[i] /= sum;
}

static double clip(double y)
{
    return fmin(fmax(y, CLIP_LOW), CLIP_HIGH);
}

static double categorical(size_t n, const double *y, const double *t)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum -= t[i] * log(clip(y[i]));
    return sum;
}

static double categorical_unclipped(size_t n, const double *y, const double *t)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum -= t[i] * log(y[i]);
    return sum;
}

static double binary(size_t n, const double *y, const double *t)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum -= t[i] * log(clip(y[i])) + (1.0 - t[i]) * log(1.0 - clip(y[i]));
    return sum / (double)n;
}

static double binary_unclipped(size_t n, const double *y, const double *t)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum -= t[i] * log(y[i]) + (1.0 - t[i]) * log(1.0 - y[i]);
    return sum / (double)n;
}

static double squared(size_t n, const double *y, const double *t)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (y[i] - t[i]) * (y[i] - t[i]);
    return sum / (double)n;
}

static double absolute(size_t n, const double *y, const double *t)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += fabs(y[i] - t[i]);
    return sum / (double)n;
}

static const reference_activation activations[] = {
    {.name = "linear", .apply = linear},   {.name = "relu", .apply = relu, .kink = true},
    {.name = "sigmoid", .apply = sigmoid}, {.name = "tanh", .apply = hyperbolic_tangent},
    {.name = "softmax", .apply = softmax},
};

static const reference_loss losses[] = {
    {.name = "categorical_crossentropy",
     .sample = categorical,
     .fused_with = "softmax",
     .fused = categorical_unclipped,
     .clips = true,
     .probabilities = true},
    {.name = "binary_crossentropy",
     .sample = binary,
     .fused_with = "sigmoid",
     .fused = binary_unclipped,
     .clips = true,
     .probabilities = true},
    {.name = "mean_squared_error", .sample = squared},
    {.name = "mean_absolute_error", .sample = absolute, .kink = true},
};

const reference_activation *reference_find_activation(const char *name)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, name) == 0)
            return &activations[i];
    /* One that is new: the gradient is held to its formula, which the kernels are held to. */
    static reference_activation others[16];
    size_t k = 0;
    while (others[k].name && strcmp(others[k].name, name) != 0)
        if (++k == sizeof others / sizeof *others)
            return NULL;
    others[k] = (reference_activation){name, scalar_activation_of(name), true};
    return others[k].apply ? &others[k] : NULL;
}

const reference_loss *reference_find_loss(const char *name)
{
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (strcmp(losses[i].name, name) == 0)
            return &losses[i];
    static reference_loss others[16];
    size_t k = 0;
    while (others[k].name && strcmp(others[k].name, name) != 0)
        if (++k == sizeof others / sizeof *others)
            return NULL;
    others[k] = (reference_loss){.name = name, .sample = scalar_loss_of(name), .kink = true};
    return others[k].sample ? &others[k] : NULL;
}

size_t reference_weights(const reference *net, size_t k)
{
    return net->epsilon[k] > 0.0 ? net->width[k + 1] : net->width[k] * net->width[k + 1];
}

size_t reference_parameters(const reference *net)
{
    size_t count = 0;
    for (size_t k = 0; k < net->layers; k++)
        count += reference_weights(net, k) + net->width[k + 1];
    return count;
}

/* to[n] = gamma (from - mean) / deviation + beta. */
static void normalize(size_t n, double epsilon, const double *gamma, const double *beta,
                      const double *from, double *to)
{
    double mean = 0.0, variance = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += from[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (from[i] - mean) * (from[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        to[i] = gamma[i] * (from[i] - mean) / sqrt(variance + epsilon) + beta[i];
}

/* One sample through the network; returns its outputs, in one of the two rows of `buffer`. */
static const double *forward(const reference *net, const double *parameters, const double *x,
                             double buffer[2][REFERENCE_MAX_WIDTH], double *margin)
{
    const double *p = parameters, *from = x;
    for (size_t k = 0; k < net->layers; k++) {
        const size_t in = net->width[k], out = net->width[k + 1];
        const double *w = p, *b = p + reference_weights(net, k); /* [in][out] or [out], [out] */
        double *to = buffer[k % 2];
        if (net->epsilon[k] > 0.0)
            normalize(out, net->epsilon[k], w, b, from, to);
        else
            memcpy(to, b, out * sizeof *to);
        for (size_t i = 0; net->epsilon[k] == 0.0 && i < in; i++)
            for (size_t j = 0; j < out; j++)
                to[j] += from[i] * w[i * out + j];
        for (size_t j = 0; net->activation[k]->kink && j < out; j++)
            *margin = fmin(*margin, fabs(to[j]));
        net->activation[k]->apply(out, to);
        for (size_t j = 0; k == 0 && j < out; j++)
            to[j] *= net->keep[j];
        p = b + out;
        from = to;
    }
    return from;
}

/* Where a loss has kinks: at y = t, or where clipping sets in. A relu's 0 is below the clip for
 * good, and its own kink was seen to already. */
static double loss_margin(const reference *net, const double *y, const double *t, bool fused)
{
    const size_t n = net->width[net->layers];
    double margin = INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (net->loss->kink)
            margin = fmin(margin, fabs(y[i] - t[i]));
        if (net->loss->clips && !fused && y[i] != 0.0)
            margin = fmin(margin, fmin(fabs(y[i] - CLIP_LOW), fabs(y[i] - CLIP_HIGH)));
    }
    return margin;
}

double reference_data_loss(const reference *net, const double *parameters, size_t rows,
                           const double *x, const double *targets, double *outputs, double *margin)
{
    double buffer[2][REFERENCE_MAX_WIDTH];
    const size_t in = net->width[0], out = net->width[net->layers];
    const reference_loss *loss = net->loss;
    const bool fused =
        loss->fused_with && strcmp(loss->fused_with, net->activation[net->layers - 1]->name) == 0;
    double sum = 0.0;
    *margin = INFINITY;
    for (size_t r = 0; r < rows; r++) {
        const double *t = targets + r * out;
        const double *y = forward(net, parameters, x + r * in, buffer, margin);
        sum += (fused ? loss->fused : loss->sample)(out, y, t);
        *margin = fmin(*margin, loss_margin(net, y, t, fused));
        if (outputs)
            memcpy(outputs + r * out, y, out * sizeof *y);
    }
    return sum / (double)rows;
}

double reference_penalty(const reference *net, const double *parameters)
{
    const double *p = parameters;
    double sum = 0.0;
    for (size_t k = 0; k < net->layers; k++) {
        const size_t weights = reference_weights(net, k);
        const bool penalized = net->epsilon[k] == 0.0; /* normalizations are not */
        for (size_t i = 0; penalized && i < weights; i++)
            sum += net->l1 * fabs(p[i]) + net->l2 * p[i] * p[i];
        for (size_t i = weights; penalized && i < weights + net->width[k + 1]; i++)
            sum += net->bias_l1 * fabs(p[i]) + net->bias_l2 * p[i] * p[i];
        p += weights + net->width[k + 1];
    }
    return sum;
}
