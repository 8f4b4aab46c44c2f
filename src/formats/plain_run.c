/* plain_run.c: one prediction in plain C, summed in double: what generated files are held to. */
#include "formats/c_source.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

static void plain_activation(const lam__activation *activation, size_t n, float *y)
{
    if (activation->plain_row)
        activation->plain_row(n, y);
    else
        for (size_t j = 0; j < n; j++)
            y[j] = activation->plain(y[j]);
}

static void plain_dense(const lam__layer *layer, const float *parameters, const float *x, float *y)
{
    const float *w = parameters + layer->weight, *b = parameters + layer->bias;
    for (size_t j = 0; j < layer->out; j++) {
        double sum = b[j];
        for (size_t i = 0; i < layer->in; i++)
            sum += (double)x[i] * (double)w[i * layer->out + j];
        y[j] = (float)sum;
    }
}

lam_status lam__plain_run(const lam_model *model, const float *x, float *y)
{
    size_t widest = model->features;
    for (size_t i = 0; i < model->layer_count; i++)
        widest = model->layers[i].out > widest ? model->layers[i].out : widest;
    float *room = lam__allocate(2 * widest, sizeof *room, "a sample");
    if (!room)
        return LAM_ERR_MEMORY;
    float *from = room, *to = room + widest;
    lam__transform_f32(&model->transform, model->features, x, from);
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (layer->type->only_training)
            continue;
        plain_dense(layer, model->parameters, from, to);
        plain_activation(layer->activation, layer->out, to);
        float *swap = from;
        from = to;
        to = swap;
    }
    memcpy(y, from, lam_model_outputs(model) * sizeof *y);
    lam__release(room);
    return LAM_OK;
}
