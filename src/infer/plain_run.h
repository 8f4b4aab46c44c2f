/* plain_run.h: one prediction in plain C: what generated files and networks of integers are held
 * to. */
#ifndef LAMINA_PLAIN_RUN_H
#define LAMINA_PLAIN_RUN_H

#include <stddef.h>

#include <lamina/model.h>

#include "model/network.h"

/* LAM_ERR_UNSUPPORTED naming the layer when it or its activation has no plain form; LAM_ERR_NUMERIC
 * for parameters that are not finite. */
lam_status lam__plain_check(const lam_model *model);

/* y[outputs] of one raw sample in plain C, in the order of the C file but summed in double. */
lam_status lam__plain_run(const lam_model *model, const float *x, float *y);

/* Its parts beside the layers' own (`plain` of their type): one activation in place, and the most
 * values between two layers. */
void lam__plain_activation(const lam__activation *activation, size_t n, float *y);
size_t lam__plain_widest(const lam_model *model);

#endif
