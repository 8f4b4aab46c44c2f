/* image_jpeg_scans.h: what a JPEG file can hold, from its markers. */
#ifndef LAMINA_IMAGE_JPEG_SCANS_H
#define LAMINA_IMAGE_JPEG_SCANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lam__jpeg_scans {
    bool progressive, arithmetic;
    size_t scans; /* times that the image is gone through */
    size_t coded; /* bytes of coded data in all of them */
} lam__jpeg_scans;

/* Goes through the markers, without decoding. */
lam__jpeg_scans lam__jpeg_look(const unsigned char *bytes, size_t size);

/* The most pixels that the coded data can be of. */
uint64_t lam__jpeg_most_pixels(const lam__jpeg_scans *scans);

#endif
