/* transform.h: the input transform of a model, an affine map of each feature. */
#ifndef LAMINA_TRANSFORM_H
#define LAMINA_TRANSFORM_H

#include <stdint.h>

#include <lamina/model.h>

#include "kernels/kernels.h"

typedef struct lam__transform {
    lam_transform_kind kind;
    float from_lo, from_hi, to_lo, to_hi;
    float *mean, *std;       /* [features], owned; std as measured, 0 for constant features */
    float scale, offset;     /* derived, for NONE and SCALE */
    float *scales, *offsets; /* [features], derived, for STANDARDIZE */
} lam__transform;

/* Sets the derived fields. */
lam_status lam__transform_scale(lam__transform *transform, float from_lo, float from_hi,
                                float to_lo, float to_hi);
lam_status lam__transform_standardize(lam__transform *transform, size_t features, const float *mean,
                                      const float *std);
void lam__transform_clear(lam__transform *transform);

/* y[features] = transform of one raw sample. */
void lam__transform_f32(const lam__transform *transform, size_t features, const float *x, float *y);
void lam__transform_u8(const lam__transform *transform, size_t features, const uint8_t *x,
                       float *y);

#endif
