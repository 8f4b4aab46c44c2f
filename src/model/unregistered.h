/* unregistered.h: names in a model's file that this program has not registered. */
#ifndef LAMINA_UNREGISTERED_H
#define LAMINA_UNREGISTERED_H

#include "model/network.h"

/* The activation of that name, which a model being restored may lack: then a row of the model's own
 * stands in, which can be described and saved but not run. NULL with LAM_ERR_MEMORY recorded. */
const lam__activation *lam__restored_activation(lam_model *model, const char *name);

/* lam__parse_initializer for a model being restored: of a text that it refuses a row without a fill
 * function stands in, which only drawing parameters asks for. LAM_ERR_MEMORY. */
lam_status lam__restored_initializer(lam_model *model, const char *text,
                                     const lam__initializer **initializer, double *parameter);

/* Takes the loss a model was trained with by its name, which need not be known: only training and
 * evaluating need it. LAM_ERR_NAME for what is not UTF-8, which no model file could hold. */
lam_status lam__take_loss_name(lam_model *model, const char *name);

/* Whether the model can be run: LAM_ERR_NAME names an activation that is not registered. */
lam_status lam__model_runs(const lam_model *model);

void lam__release_unregistered(lam_model *model);

#endif
