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
        layer->type->plain(layer, model->parameters, from, to);
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
        const lam__layer_type *type = model->layers[i].type;
        const lam__activation *activation = model->layers[i].activation;
        if (!type->only_training && !type->plain)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "layer %zu: '%s' is computed by this library alone: it cannot be "
                             "written as C source",
                             i, type->name);
        if (activation && !activation->c_source)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "layer %zu: the activation '%s' was registered by a program: it "
                             "cannot be written as C source",
                             i, activation->name);
    }
    return lam__model_check_finite(model);
}
