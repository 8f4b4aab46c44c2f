/* unregistered.c: names in a model's file that this program has not registered. */
#include "model/unregistered.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

struct lam__unregistered {
    const char *kind;
    union { /* a row of that kind, whose name is the text */
        lam__activation activation;
        lam__initializer initializer;
    };
    struct lam__unregistered *next;
    char text[];
};

/* lam__model_runs keeps these from being called; nothing they leave could pass for a result. */
static void forward(size_t n, const float *z, float *y, void *user)
{
    (void)z, (void)user;
    for (size_t i = 0; i < n; i++)
        y[i] = NAN;
}

static void backward(size_t n, const float *z, const float *y, const float *dy, float *dz,
                     void *user)
{
    (void)z, (void)y, (void)dy, (void)user;
    for (size_t i = 0; i < n; i++)
        dz[i] = NAN;
}

/* The text among those that the model keeps, with rows all zero; NULL when memory ran out. */
static struct lam__unregistered *keep(lam_model *model, const char *kind, const char *text)
{
    const size_t size = strlen(text) + 1;
    struct lam__unregistered *added = lam__allocate_zero(1, sizeof *added + size, "a name");
    if (!added)
        return NULL;
    memcpy(added->text, text, size);
    added->kind = kind;
    added->next = model->unregistered;
    return model->unregistered = added;
}

/* Whether a program could have registered the name: then it is one of its own. */
static bool could_be_registered(const char *kind, const char *name)
{
    return lam__check_new_name(kind, name) == LAM_OK;
}

const lam__activation *lam__restored_activation(lam_model *model, const char *name)
{
    const lam__activation *row = lam__table_lookup(&lam__activations, name);
    if (row)
        return row;
    for (struct lam__unregistered *at = model->unregistered; at; at = at->next)
        if (at->kind == lam__activations.kind && strcmp(at->text, name) == 0)
            return &at->activation;
    struct lam__unregistered *kept = keep(model, lam__activations.kind, name);
    if (!kept)
        return NULL;
    kept->activation = (lam__activation){
        .name = kept->text,
        .decision = LAM__DECIDE_VALUE,
        .default_loss = "mean_squared_error",
        .needs_z = true,
        .unregistered = true,
        .custom = {.name = kept->text, .forward = forward, .backward = backward},
    };
    return &kept->activation;
}

lam_status lam__restored_initializer(lam_model *model, const char *text,
                                     const lam__initializer **initializer, double *parameter)
{
    if (lam__parse_initializer(text, initializer, parameter) == LAM_OK)
        return LAM_OK;
    struct lam__unregistered *kept = keep(model, lam__initializers.kind, text);
    if (!kept)
        return LAM_ERR_MEMORY;
    kept->initializer.name = kept->text;
    *initializer = &kept->initializer;
    return LAM_OK;
}

lam_status lam__take_loss_name(lam_model *model, const char *name)
{
    model->loss_name = NULL;
    model->loss = lam__table_lookup(&lam__losses, name);
    if (model->loss)
        return LAM_OK;
    if (!lam__is_utf8(name))
        return lam__fail(LAM_ERR_NAME, "the name of the loss is not valid UTF-8");
    const struct lam__unregistered *kept = keep(model, lam__losses.kind, name);
    if (!kept)
        return LAM_ERR_MEMORY;
    model->loss_name = kept->text;
    return LAM_OK;
}

static lam_status fail_activation(size_t layer, const char *name)
{
    char why[384];
    if (could_be_registered(lam__activations.kind, name))
        return lam__fail(LAM_ERR_NAME,
                         "layer %zu: activation '%s' is unknown here: register it with "
                         "lam_register_activation before the model is loaded",
                         layer, name);
    lam__find_activation(name);
    snprintf(why, sizeof why, "%s", lam_error_message());
    return lam__fail(LAM_ERR_NAME, "layer %zu: %s", layer, why);
}

lam_status lam__model_runs(const lam_model *model)
{
    for (size_t i = 0; model->unregistered && i < model->layer_count; i++)
        if (model->layers[i].activation && model->layers[i].activation->unregistered)
            return fail_activation(i, model->layers[i].activation->name);
    return LAM_OK;
}

void lam__release_unregistered(lam_model *model)
{
    while (model->unregistered) {
        struct lam__unregistered *next = model->unregistered->next;
        lam__release(model->unregistered);
        model->unregistered = next;
    }
}
