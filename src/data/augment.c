/* augment.c: random changes of training images, other ones in each step. */
#include "data/augment.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RADIANS_A_DEGREE 0.017453292519943295

void lam__augment_open(lam__augment *augment, const lam_fit_options *options)
{
    *augment = (lam__augment){
        .width_shift = options->width_shift,
        .height_shift = options->height_shift,
        .rotation = options->rotation,
        .zoom = options->zoom,
        .shear = options->shear,
        .brightness = options->brightness,
        .noise = options->noise,
        .horizontal_flip = options->horizontal_flip,
        .vertical_flip = options->vertical_flip,
        .fill = lam__fill_mode_of(options),
        .key = lam__derive_key(options->seed, LAM__FOR_AUGMENT, 0),
    };
    augment->moves = augment->width_shift > 0.0 || augment->height_shift > 0.0 ||
                     augment->rotation > 0.0 || augment->zoom > 0.0 || augment->shear > 0.0;
    augment->any = augment->moves || augment->horizontal_flip || augment->vertical_flip ||
                   augment->brightness > 0.0 || augment->noise > 0.0;
    augment->images = augment->any && (augment->moves || augment->horizontal_flip ||
                                       augment->vertical_flip || augment->brightness > 0.0);
}

/* Uniform in -range .. range. Always draws, so that one option does not change what another does.
 */
static double draw(lam__stream *stream, double range)
{
    return (2.0 * lam__next_uniform(stream) - 1.0) * range;
}

void lam__augment_matrix(double angle, double rows, double columns, double shear, double zoom_rows,
                         double zoom_columns, double m[6])
{
    const double c = cos(angle), s = sin(angle), p = cos(shear), q = sin(shear);
    /* [c -s; s c] times the shift, times [1 -q; 0 p], times the two zooms */
    m[0] = c * zoom_rows;
    m[1] = (-c * q - s * p) * zoom_columns;
    m[2] = c * rows - s * columns;
    m[3] = s * zoom_rows;
    m[4] = (-s * q + c * p) * zoom_columns;
    m[5] = s * rows + c * columns;
}

void lam__augment_draw(const lam__augment *augment, const lam__input *image, uint64_t step,
                       uint32_t sample, lam__change *change)
{
    lam__stream stream = lam__stream_open(augment->key, step << 32 | sample);
    const double angle = draw(&stream, augment->rotation * RADIANS_A_DEGREE);
    const double rows = draw(&stream, augment->height_shift * (double)image->height);
    const double columns = draw(&stream, augment->width_shift * (double)image->width);
    const double shear = draw(&stream, augment->shear * RADIANS_A_DEGREE);
    const double zoom_rows = 1.0 + draw(&stream, augment->zoom);
    const double zoom_columns = 1.0 + draw(&stream, augment->zoom);
    const bool horizontal = lam__next_uniform(&stream) < 0.5;
    const bool vertical = lam__next_uniform(&stream) < 0.5;
    *change = (lam__change){
        .moves = augment->moves,
        .horizontal_flip = augment->horizontal_flip && horizontal,
        .vertical_flip = augment->vertical_flip && vertical,
        .brightness = (float)(1.0 + draw(&stream, augment->brightness)),
    };
    lam__augment_matrix(angle, rows, columns, shear, zoom_rows, zoom_columns, change->m);
    change->noise = stream;
}

/* The place i of a line of n, outside of 0 .. n - 1, as the fill mode has it; -1 for none. */
static ptrdiff_t place(lam__fill_mode fill, ptrdiff_t i, ptrdiff_t n)
{
    if (i >= 0 && i < n)
        return i;
    switch (fill) {
    case LAM__FILL_NEAREST:
        return i < 0 ? 0 : n - 1;
    case LAM__FILL_REFLECT:
        i %= 2 * n;
        i = i < 0 ? i + 2 * n : i;
        return i < n ? i : 2 * n - 1 - i;
    case LAM__FILL_WRAP:
        i %= n;
        return i < 0 ? i + n : i;
    case LAM__FILL_CONSTANT:
        break;
    }
    return -1;
}

/* A place between two pixels of a line: both, -1 for none, and how much the second counts. */
typedef struct between {
    ptrdiff_t low, high;
    float weight;
} between;

static between between_pixels(lam__fill_mode fill, double at, size_t n)
{
    /* so far outside all modes are the same as a little outside, or the place is meaningless */
    const double most = 1e9, bounded = at < -most ? -most : at > most ? most : at;
    const ptrdiff_t count = (ptrdiff_t)n, cut = (ptrdiff_t)bounded;
    const ptrdiff_t low = (double)cut > bounded ? cut - 1 : cut; /* rounded down */
    const float weight = (float)(bounded - (double)low);
    if (low >= 0 && low + 1 < count)
        return (between){low, low + 1, weight};
    return (between){place(fill, low, count), place(fill, low + 1, count), weight};
}

/* The value of one channel between four pixels. */
static float interpolate(const float *x, const lam__input *image, between row, between column,
                         size_t channel)
{
    const ptrdiff_t width = (ptrdiff_t)image->width, channels = (ptrdiff_t)image->channels;
    float lines[2];
    for (int i = 0; i < 2; i++) {
        const ptrdiff_t r = i ? row.high : row.low;
        const float *line = r < 0 ? NULL : x + r * width * channels + (ptrdiff_t)channel;
        const float low = line && column.low >= 0 ? line[column.low * channels] : 0.0f;
        const float high = line && column.high >= 0 ? line[column.high * channels] : 0.0f;
        lines[i] = low + (high - low) * column.weight;
    }
    return lines[0] + (lines[1] - lines[0]) * row.weight;
}

/* to = from moved by the matrix about the middle of the image. */
static void move(const lam__augment *augment, const lam__input *image, const double *m,
                 const float *from, float *to)
{
    const double middle_row = 0.5 * (double)image->height - 0.5;
    const double middle_column = 0.5 * (double)image->width - 0.5;
    for (size_t r = 0; r < image->height; r++)
        for (size_t c = 0; c < image->width; c++) {
            const double y = (double)r - middle_row, x = (double)c - middle_column;
            const between row = between_pixels(
                augment->fill, m[0] * y + m[1] * x + m[2] + middle_row, image->height);
            const between column = between_pixels(
                augment->fill, m[3] * y + m[4] * x + m[5] + middle_column, image->width);
            for (size_t k = 0; k < image->channels; k++)
                *to++ = interpolate(from, image, row, column, k);
        }
}

static void swap_pixels(float *a, float *b, size_t channels)
{
    for (size_t k = 0; k < channels; k++) {
        const float value = a[k];
        a[k] = b[k];
        b[k] = value;
    }
}

static void flip(const lam__input *image, bool horizontal, bool vertical, float *x)
{
    const size_t width = image->width, height = image->height, channels = image->channels;
    for (size_t r = 0; horizontal && r < height; r++)
        for (size_t c = 0; c < width / 2; c++)
            swap_pixels(x + (r * width + c) * channels, x + (r * width + width - 1 - c) * channels,
                        channels);
    for (size_t r = 0; vertical && r < height / 2; r++)
        swap_pixels(x + r * width * channels, x + (height - 1 - r) * width * channels,
                    width * channels);
}

void lam__augment_apply(const lam__augment *augment, const lam__input *image, size_t features,
                        bool bytes, lam__change *change, float *x, float *work)
{
    if (change->moves) {
        memcpy(work, x, features * sizeof *x);
        move(augment, image, change->m, work, x);
    }
    if (change->horizontal_flip || change->vertical_flip)
        flip(image, change->horizontal_flip, change->vertical_flip, x);
    if (augment->brightness > 0.0)
        for (size_t i = 0; i < features; i++)
            x[i] *= change->brightness;
    if (augment->noise > 0.0)
        for (size_t i = 0; i < features; i++)
            x[i] += (float)(augment->noise * lam__next_normal(&change->noise));
    if (bytes && (augment->brightness > 0.0 || augment->noise > 0.0))
        for (size_t i = 0; i < features; i++)
            x[i] = x[i] < 0.0f ? 0.0f : x[i] > 255.0f ? 255.0f : x[i];
}
