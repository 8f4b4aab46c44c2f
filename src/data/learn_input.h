/* learn_input.h: what a model takes over from the data it is trained on. */
#ifndef LAMINA_LEARN_INPUT_H
#define LAMINA_LEARN_INPUT_H

#include <lamina/model.h>

/* Gives a model the input description and the class names of a dataset it accepts, each when it has
 * none. LAM_ERR_MEMORY. */
lam_status lam__model_learn_input(lam_model *model, const lam_dataset *dataset);

/* *view is `model` as it will be after lam__model_learn_input, without copying anything: it owns
 * nothing and lives as long as both. */
void lam__model_view_learnt(const lam_model *model, const lam_dataset *dataset, lam_model *view);

#endif
