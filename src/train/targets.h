/* targets.h: whether targets and outputs are what a loss is made for. */
#ifndef LAMINA_TARGETS_H
#define LAMINA_TARGETS_H

#include "train/forward_backward.h"

/* Whether the outputs of the model are what the loss takes: LAM_ERR_ARGUMENT for a softmax over one
 * output, for categorical_crossentropy without softmax, and for binary_crossentropy of outputs that
 * leave 0..1. */
lam_status lam__loss_fits_outputs(const lam__loss *loss, const lam_model *model);

/* Whether the target rows of samples index[0..rows-1] (NULL: 0 .. rows - 1) are what the pass's
 * loss takes: LAM_ERR_ARGUMENT names the first value that is not, and its sample. Targets lie in
 * memory whatever the dataset is, so this is for once a dataset, or for the rows of a batch. */
lam_status lam__targets_fit(const lam__pass *pass, const lam_dataset *dataset,
                            const uint32_t *index, size_t rows);

#endif
