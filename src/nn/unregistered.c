/* unregistered.c: names in a model's file that this program has not registered. */
#include "nn/unregistered.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

struct lam__unregistered {
    lam__activation row; /* its name points to the one below */
    char name[LAM__OWN_NAME_SIZE];
    struct lam__unregistered *next;
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
    if (!could_be_registered(lam__activations.kind, name))
        return lam__find_activation(name);
    for (struct lam__unregistered *at = model->unregistered; at; at = at->next)
        if (strcmp(at->name, name) == 0)
            return &at->row;
    struct lam__unregistered *added = lam__allocate_zero(1, sizeof *added, "an activation's name");
    if (!added)
        return NULL;
    strcpy(added->name, name); /* its length has been checked */
    added->row = (lam__activation){
        .name = added->name,
        .decision = LAM__DECIDE_VALUE,
        .default_loss = "mean_squared_error",
        .needs_z = true,
        .unregistered = true,
        .custom = {.name = added->name, .forward = forward, .backward = backward},
    };
    added->next = model->unregistered;
    model->unregistered = added;
    return &added->row;
}

lam_status lam__take_loss_name(lam_model *model, const char *name)
{
    model->loss_name[0] = '\0';
    model->loss = lam__table_lookup(&lam__losses, name);
    if (model->loss)
        return LAM_OK;
    if (!could_be_registered(lam__losses.kind, name))
        return lam__find_loss(name) ? LAM_OK : lam_error_status();
    strcpy(model->loss_name, name);
    return LAM_OK;
}

lam_status lam__model_runs(const lam_model *model)
{
    for (size_t i = 0; model->unregistered && i < model->layer_count; i++)
        if (model->layers[i].activation && model->layers[i].activation->unregistered)
            return lam__fail(LAM_ERR_NAME,
                             "layer %zu: activation '%s' is not known: register it with "
                             "lam_register_activation before the model is loaded",
                             i, model->layers[i].activation->name);
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
