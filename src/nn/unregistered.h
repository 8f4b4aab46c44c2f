/* unregistered.h: names in a model's file that this program has not registered. */
#ifndef LAMINA_UNREGISTERED_H
#define LAMINA_UNREGISTERED_H

#include "nn/network.h"

/* The activation of that name, which a model being restored may lack: then a row of the model's own
 * stands in, which can be described and saved but not run. NULL with LAM_ERR_NAME recorded for what
 * could not be registered either, or with LAM_ERR_MEMORY. */
const lam__activation *lam__restored_activation(lam_model *model, const char *name);

/* Takes the loss a model was trained with by its name, which need not be registered. LAM_ERR_NAME
 * for what could not be registered either. */
lam_status lam__take_loss_name(lam_model *model, const char *name);

/* Whether the model can be run: LAM_ERR_NAME names an activation that is not registered. */
lam_status lam__model_runs(const lam_model *model);

void lam__release_unregistered(lam_model *model);

#endif
