/* image_fit.h: images brought to one size and colour. */
#ifndef LAMINA_IMAGE_FIT_H
#define LAMINA_IMAGE_FIT_H

#include "data/readers/images/image_decode.h"

/* What every image of a dataset is brought to. */
typedef struct lam__image_shape {
    size_t width, height, channels; /* channels: 1 or 3 */
    bool invert;                    /* 255 - value */
} lam__image_shape;

/* Writes the image, which the decoder may own, to out[height][width][channels] of the shape: first
 * the colours, then the size, then inversion.
 *
 * Colour to gray is (19595 R + 38470 G + 7471 B + 32768) / 65536 rounded down: BT.601 on the values
 * as stored, rounded to the nearest, as Pillow's convert("L"). Gray to colour repeats the value.
 * Resizing is bilinear with half-pixel centres, without smoothing when it shrinks, as OpenCV's
 * INTER_LINEAR. */
lam_status lam__image_fit(lam__image_decoder *decoder, const lam__image *image,
                          const lam__image_shape *shape, uint8_t *out);

#endif
