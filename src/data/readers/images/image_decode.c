/* image_decode.c: which format a file has, and what all of them share. */
#include "data/readers/images/image_decode.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* A format and the bytes its files begin with. */
static const struct image_format {
    const char *name;
    size_t length;
    unsigned char magic[8];
    lam_status (*decode)(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                         const char *name, lam__image *image);
} image_formats[] = {
    {"PNG", 8, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, lam__png_decode},
    {"JPEG", 3, {0xff, 0xd8, 0xff}, lam__jpeg_decode},
    {"BMP", 2, {'B', 'M'}, lam__bmp_decode},
};

static const struct image_format *find_format(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof image_formats / sizeof *image_formats; i++)
        if (size >= image_formats[i].length &&
            memcmp(bytes, image_formats[i].magic, image_formats[i].length) == 0)
            return &image_formats[i];
    return NULL;
}

const char *lam__image_format(const void *bytes, size_t size)
{
    const struct image_format *format = find_format(bytes, size);
    return format ? format->name : NULL;
}

lam_status lam__image_decode(lam__image_decoder *decoder, const void *bytes, size_t size,
                             const char *name, lam__image *image)
{
    const unsigned char *b = bytes;
    const struct image_format *format = find_format(b, size);
    if (format)
        return format->decode(decoder, b, size, name, image);
    if (size < 4)
        return lam__fail(LAM_ERR_FORMAT, "%s: truncated: %zu bytes are not an image", name, size);
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: byte 0: not an image: it begins with %02x %02x %02x %02x, expected PNG "
                     "(89 50 4e 47), JPEG (ff d8 ff) or BMP (42 4d)",
                     name, b[0], b[1], b[2], b[3]);
}

lam_status lam__scratch_need(lam__scratch *scratch, size_t size, const char *what)
{
    if (size <= scratch->size)
        return LAM_OK;
    lam__release(scratch->bytes);
    scratch->size = 0;
    scratch->bytes = lam__allocate(size, 1, what);
    if (!scratch->bytes)
        return LAM_ERR_MEMORY;
    scratch->size = size;
    return LAM_OK;
}

lam_status lam__image_check(const char *name, uint64_t width, uint64_t height, uint64_t most)
{
    if (width == 0 || height == 0)
        return lam__fail(LAM_ERR_FORMAT, "%s: an image of %" PRIu64 " x %" PRIu64 " pixels", name,
                         width, height);
    if (width > LAM__IMAGE_MOST_PIXELS || height > LAM__IMAGE_MOST_PIXELS / width)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: %" PRIu64 " x %" PRIu64 " pixels, at most %" PRIu64 " are read", name,
                         width, height, LAM__IMAGE_MOST_PIXELS);
    if (width > LAM__IMAGE_MOST_SIDE || height > LAM__IMAGE_MOST_SIDE)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: %" PRIu64 " x %" PRIu64 " pixels, at most %" PRIu64
                         " a side are read",
                         name, width, height, LAM__IMAGE_MOST_SIDE);
    if (width * height > most)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated: %" PRIu64 " x %" PRIu64
                         " pixels, but a file of its length "
                         "holds at most %" PRIu64,
                         name, width, height, most);
    return LAM_OK;
}

lam_status lam__image_room(lam__image_decoder *decoder, size_t width, size_t height,
                           size_t channels, lam__image *image)
{
    LAM__TRY(
        lam__scratch_need(&decoder->pixels, width * height * channels, "the pixels of an image"));
    *image = (lam__image){width, height, channels, decoder->pixels.bytes};
    return LAM_OK;
}

void lam__image_decoder_close(lam__image_decoder *decoder)
{
    lam__jpeg_close(decoder);
    lam__release(decoder->pixels.bytes);
    lam__release(decoder->gray.bytes);
    lam__release(decoder->columns.bytes);
    lam__release(decoder->file.bytes);
    lam__release(decoder->arena.bytes);
    *decoder = (lam__image_decoder){.jpeg = NULL};
}
