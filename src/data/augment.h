/* augment.h: random changes of training samples, other ones in each step.
 *
 * What changes is a function of (seed, step, sample) alone: the same for any number of threads, and
 * after a resume. Raw values are changed, before the input transform. */
#ifndef LAMINA_AUGMENT_H
#define LAMINA_AUGMENT_H

#include <lamina/fit.h>

#include "base/philox.h"
#include "model/sample_schema.h"
#include "options/fit_options.h"

typedef struct lam__augment {
    bool any;    /* whether anything is asked for */
    bool images; /* whether it is asked for what only images have */
    bool moves;  /* whether pixels move by a matrix */
    double width_shift, height_shift, rotation, zoom, shear, brightness, noise;
    bool horizontal_flip, vertical_flip;
    lam__fill_mode fill;
    lam__key key;
} lam__augment;

/* What happens to one sample. */
typedef struct lam__change {
    /* From a place (row, column) of the result to one of the sample, both from the middle:
     * row' = m[0] row + m[1] column + m[2], column' = m[3] row + m[4] column + m[5]. */
    double m[6];
    bool moves; /* whether m is used */
    bool horizontal_flip, vertical_flip;
    float brightness;  /* factor */
    lam__stream noise; /* where its random numbers continue */
} lam__change;

/* Takes what it needs of the options, which have been checked. */
void lam__augment_open(lam__augment *augment, const lam_fit_options *options);

/* The matrix of a change: rotation by `angle`, shift by so many rows and columns, shear (angles in
 * radians) and zoom, multiplied in this order. Source: Keras, apply_affine_transform. */
void lam__augment_matrix(double angle, double rows, double columns, double shear, double zoom_rows,
                         double zoom_columns, double m[6]);

/* Draws the change of a sample in a step: each number uniform in its range, as Keras's
 * ImageDataGenerator does. */
void lam__augment_draw(const lam__augment *augment, const lam__input *image, uint64_t step,
                       uint32_t sample, lam__change *change);

/* Changes x[features], [height][width][channels] of an image, with room for as much in `work`.
 * Values stay in 0..255 where they are `bytes`. Moved pixels are interpolated between four; flips
 * are exact. */
void lam__augment_apply(const lam__augment *augment, const lam__input *image, size_t features,
                        bool bytes, lam__change *change, float *x, float *work);

#endif
