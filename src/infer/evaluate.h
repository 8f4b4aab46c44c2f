/* evaluate.h: losses and metrics over any number of rows, without training. */
#ifndef LAMINA_EVALUATE_H
#define LAMINA_EVALUATE_H

#include "train/forward_backward.h"

/* Runs `pass` (opened for inference) over rows index[0..rows-1] of a dataset it accepts (index
 * NULL: all from 0), in batches; *scores takes the figures. `penalty` is the regularization loss.
 * Fails when samples could not be fetched. */
lam_status lam__evaluate(lam__pass *pass, lam__pool *pool, const lam_dataset *dataset,
                         const uint32_t *index, size_t rows, double penalty, lam_scores *scores);

#endif
