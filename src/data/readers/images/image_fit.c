/* image_fit.c: images brought to one size and colour. */
#include "data/readers/images/image_fit.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

/* BT.601 in units of 1 / 65536. */
enum { RED = 19595, GREEN = 38470, BLUE = 7471 };

/* Weights of resizing are whole multiples of 1 / 2048: a sum of four pixels fits 31 bits. */
enum { WEIGHT_BITS = 11, WEIGHT_ONE = 1 << WEIGHT_BITS };

/* A place between two columns (or rows). */
typedef struct between {
    uint32_t low, high; /* their numbers */
    int32_t weight;     /* of the high one */
} between;

static lam_status make_gray(lam__image_decoder *decoder, lam__image *image)
{
    const size_t pixels = image->width * image->height;
    LAM__TRY(lam__scratch_need(&decoder->gray, pixels, "the gray of an image"));
    const uint8_t *from = image->pixels;
    uint8_t *to = decoder->gray.bytes;
    for (size_t i = 0; i < pixels; i++)
        to[i] = (uint8_t)((RED * from[3 * i] + GREEN * from[3 * i + 1] + BLUE * from[3 * i + 2] +
                           0x8000) >>
                          16);
    image->pixels = to;
    image->channels = 1;
    return LAM_OK;
}

/* Where `to` places fall among `from` ones. */
static void place(size_t from, size_t to, between *places)
{
    const double scale = (double)from / (double)to;
    for (size_t i = 0; i < to; i++) {
        const float at = (float)(((double)i + 0.5) * scale - 0.5);
        const float low = floorf(at);
        between *p = &places[i];
        if (low < 0.0f) {
            *p = (between){0, 0, 0};
        } else if ((size_t)low >= from - 1) {
            *p = (between){(uint32_t)(from - 1), (uint32_t)(from - 1), 0};
        } else {
            p->low = (uint32_t)low;
            p->high = p->low + 1;
            p->weight = (int32_t)lrintf((at - low) * WEIGHT_ONE);
        }
    }
}

/* A row of the source, spread to the columns of the target. */
static void spread(const uint8_t *from, const between *columns, size_t width, size_t channels,
                   int32_t *to)
{
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < channels; c++) {
            const int32_t low = from[columns[x].low * channels + c];
            const int32_t high = from[columns[x].high * channels + c];
            to[x * channels + c] = low * WEIGHT_ONE + (high - low) * columns[x].weight;
        }
}

static lam_status resize(lam__image_decoder *decoder, const lam__image *image, size_t width,
                         size_t height, uint8_t *out)
{
    const size_t channels = image->channels, row = width * channels;
    LAM__TRY(lam__scratch_need(&decoder->columns,
                               (width + height) * sizeof(between) + 2 * row * sizeof(int32_t),
                               "the resizing of an image"));
    between *columns = (between *)(void *)decoder->columns.bytes, *rows = columns + width;
    int32_t *spreads[2] = {(int32_t *)(void *)(rows + height), NULL};
    spreads[1] = spreads[0] + row;
    uint32_t held[2] = {UINT32_MAX, UINT32_MAX}; /* the rows that lie there */
    place(image->width, width, columns);
    place(image->height, height, rows);
    for (size_t y = 0; y < height; y++) {
        const uint32_t want[2] = {rows[y].low, rows[y].high};
        const int32_t *lines[2];
        for (size_t i = 0; i < 2; i++) {
            const size_t slot = want[i] % 2; /* neighbours lie in different slots */
            if (held[slot] != want[i])
                spread(image->pixels + want[i] * image->width * channels, columns, width, channels,
                       spreads[slot]);
            held[slot] = want[i];
            lines[i] = spreads[slot];
        }
        const int32_t high = rows[y].weight, low = WEIGHT_ONE - high;
        const int32_t half = 1 << (2 * WEIGHT_BITS - 1);
        for (size_t x = 0; x < row; x++)
            out[y * row + x] =
                (uint8_t)((lines[0][x] * low + lines[1][x] * high + half) >> (2 * WEIGHT_BITS));
    }
    return LAM_OK;
}

lam_status lam__image_fit(lam__image_decoder *decoder, const lam__image *image,
                          const lam__image_shape *shape, uint8_t *out)
{
    lam__image now = *image;
    const size_t pixels = shape->width * shape->height, values = pixels * shape->channels;
    if (now.channels > shape->channels)
        LAM__TRY(make_gray(decoder, &now));
    if (now.width != shape->width || now.height != shape->height)
        LAM__TRY(resize(decoder, &now, shape->width, shape->height, out));
    else
        memcpy(out, now.pixels, pixels * now.channels);
    for (size_t i = now.channels < shape->channels ? pixels : 0; i-- > 0;) /* gray to colours */
        memset(out + 3 * i, out[i], 3);
    for (size_t i = 0; shape->invert && i < values; i++)
        out[i] = (uint8_t)(255 - out[i]);
    return LAM_OK;
}
