/* plain_run.c: one prediction in plain C, summed in double: what generated files are held to. */
#include "infer/plain_run.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

void lam__plain_activation(const lam__activation *activation, size_t n, float *y)
{
    if (activation->plain_row)
        activation->plain_row(n, y);
    else
        for (size_t j = 0; j < n; j++)
            y[j] = activation->plain(y[j]);
}

static void plain_norm(const lam__layer *layer, const float *parameters, const float *x, float *y)
{
    const float *gamma = parameters + layer->weight, *beta = parameters + layer->bias;
    const size_t n = layer->out;
    double mean = 0, variance = 0;
    for (size_t j = 0; j < n; j++)
        mean += x[j];
    mean /= (double)n;
    for (size_t j = 0; j < n; j++)
        variance += (x[j] - mean) * (x[j] - mean);
    const double factor = 1 / sqrt(variance / (double)n + (double)layer->epsilon);
    for (size_t j = 0; j < n; j++)
        y[j] = (float)((x[j] - mean) * factor * (double)gamma[j] + (double)beta[j]);
}

void lam__plain_layer(const lam__layer *layer, const float *parameters, const float *x, float *y)
{
    const float *w = parameters + layer->weight, *b = parameters + layer->bias;
    enum { TOGETHER = 64 };
    if (layer->type == &lam__layer_norm_layer) {
        plain_norm(layer, parameters, x, y);
        return;
    }
    for (size_t first = 0; first < layer->out; first += TOGETHER) {
        const size_t left = layer->out - first, count = left < TOGETHER ? left : TOGETHER;
        double sum[TOGETHER];
        for (size_t j = 0; j < count; j++)
            sum[j] = b[first + j];
        for (size_t i = 0; i < layer->in; i++)
            for (size_t j = 0; j < count; j++)
                sum[j] += (double)x[i] * (double)w[i * layer->out + first + j];
        for (size_t j = 0; j < count; j++)
            y[first + j] = (float)sum[j];
    }
}

size_t lam__plain_widest(const lam_model *model)
{
    size_t widest = model->features;
    for (size_t i = 0; i < model->layer_count; i++)
        widest = model->layers[i].out > widest ? model->layers[i].out : widest;
    return widest;
}

lam_status lam__plain_run(const lam_model *model, const float *x, float *y)
{
    const size_t widest = lam__plain_widest(model);
    float *room = lam__allocate(2 * widest, sizeof *room, "a sample");
    if (!room)
        return LAM_ERR_MEMORY;
    float *from = room, *to = room + widest;
    lam__transform_f32(&model->transform, model->features, x, from);
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (layer->type->only_training)
            continue;
        lam__plain_layer(layer, model->parameters, from, to);
        lam__plain_activation(layer->activation, layer->out, to);
        float *swap = from;
        from = to;
        to = swap;
    }
    memcpy(y, from, lam_model_outputs(model) * sizeof *y);
    lam__release(room);
    return LAM_OK;
}

lam_status lam__plain_check(const lam_model *model)
{
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__activation *activation = model->layers[i].activation;
        if (activation && !activation->c_source)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "layer %zu: the activation '%s' was registered by a program: it "
                             "cannot be written as C source",
                             i, activation->name);
    }
    return lam__model_check_finite(model);
}
