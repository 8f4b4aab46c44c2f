/* image_decode.h: image files in memory to pixels: PNG, JPEG and BMP.
 *
 * The format is told by the first bytes, never by a file's name. Pixels are bytes, gray or red,
 * green and blue; what a file holds beyond that is dropped: alpha (not blended), the low byte of
 * 16-bit samples, gamma, colour profiles and the orientation of cameras. */
#ifndef LAMINA_IMAGE_DECODE_H
#define LAMINA_IMAGE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

/* No image of more pixels is read, in all and on one side. */
#define LAM__IMAGE_MOST_PIXELS ((uint64_t)1 << 28)
#define LAM__IMAGE_MOST_SIDE ((uint64_t)1 << 18)

typedef struct lam__image {
    size_t width, height, channels; /* channels: 1 gray, 3 red green blue */
    const uint8_t *pixels;          /* [height][width][channels], the decoder's */
} lam__image;

/* Memory that grows and is used again. */
typedef struct lam__scratch {
    unsigned char *bytes;
    size_t size;
} lam__scratch;

/* What one thread needs to decode one file after another, without allocating for each. */
typedef struct lam__image_decoder {
    lam__scratch pixels;  /* the latest image */
    lam__scratch gray;    /* the same in other colours (image_fit.c) */
    lam__scratch columns; /* of resizing */
    lam__scratch file;    /* for callers: the bytes of a file */
    lam__scratch arena;   /* libpng's memory */
    size_t arena_used;
    void *jpeg;         /* a tjhandle */
    bool no_checksums;  /* for fuzzing: PNG's are not compared */
    bool out_of_memory; /* inside libpng */
    char reason[128];   /* what libpng said */
} lam__image_decoder;

/* A decoder starts as {0}. */
void lam__image_decoder_close(lam__image_decoder *decoder);

/* At least `size` bytes; those that were there are lost when it grows. */
lam_status lam__scratch_need(lam__scratch *scratch, size_t size, const char *what);

/* The name of the format that these first bytes of a file show, NULL for none. */
const char *lam__image_format(const void *bytes, size_t size);

/* Decodes a file in memory, called `name` in messages. The pixels stay until the next call.
 * LAM_ERR_FORMAT for what is damaged, cut or of no known kind; LAM_ERR_UNSUPPORTED for what is not
 * read; LAM_ERR_MEMORY. */
lam_status lam__image_decode(lam__image_decoder *decoder, const void *bytes, size_t size,
                             const char *name, lam__image *image);

/* For the formats: checks a declared size against the limits, `most` being the pixels that a file
 * of this length can hold. */
lam_status lam__image_check(const char *name, uint64_t width, uint64_t height, uint64_t most);

/* For the formats: makes room in decoder->pixels. */
lam_status lam__image_room(lam__image_decoder *decoder, size_t width, size_t height,
                           size_t channels, lam__image *image);

/* The formats. */
lam_status lam__png_decode(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                           const char *name, lam__image *image);
lam_status lam__jpeg_decode(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                            const char *name, lam__image *image);
lam_status lam__bmp_decode(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                           const char *name, lam__image *image);
void lam__jpeg_close(lam__image_decoder *decoder);

#endif
