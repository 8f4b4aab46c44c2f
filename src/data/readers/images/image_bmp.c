/* image_bmp.c: BMP to pixels.
 *
 * Files of Windows and OS/2 without compression: 1, 4 and 8 bits by palette, 16, 24 and 32 bits,
 * rows from below or from above. Source: Microsoft, "Bitmap Storage", BITMAPFILEHEADER,
 * BITMAPCOREHEADER and BITMAPINFOHEADER to BITMAPV5HEADER. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "data/readers/images/image_decode.h"

enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, MOST_COLOURS = 256 };

/* Values of `compression`. */
enum { BI_RGB = 0, BI_BITFIELDS = 3, BI_ALPHABITFIELDS = 6 };

/* One colour of a pixel of 16 or 32 bits. */
typedef struct bit_field {
    uint32_t most; /* its largest value, 0 when it has no bits */
    unsigned shift;
} bit_field;

typedef struct bmp_header {
    uint32_t header, pixels; /* bytes of the second header; offset of the pixels */
    uint32_t width, height;
    bool from_above;
    unsigned bits;
    uint32_t compression;
    size_t colours;                   /* of the palette */
    uint8_t palette[MOST_COLOURS][3]; /* red, green, blue */
    bit_field fields[3];              /* red, green, blue */
} bmp_header;

static uint32_t word(const unsigned char *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8;
}

static uint32_t long_word(const unsigned char *b)
{
    return word(b) | word(b + 2) << 16;
}

static lam_status fail_cut(const char *name, const char *what, uint64_t need, size_t size)
{
    return lam__fail(LAM_ERR_FORMAT, "%s: truncated: %s up to byte %" PRIu64 ", the file has %zu",
                     name, what, need, size);
}

static lam_status check_kind(const bmp_header *bmp, const char *name)
{
    const unsigned bits = bmp->bits;
    const bool fields = bmp->compression == BI_BITFIELDS || bmp->compression == BI_ALPHABITFIELDS;
    if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: a BMP of %u bits per pixel, expected 1, 4, 8, 16, 24 or 32", name,
                         bits);
    if (bmp->compression != BI_RGB && !(fields && (bits == 16 || bits == 32)))
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: a compressed BMP (kind %" PRIu32
                         " with %u bits per pixel): save it without compression, or as PNG",
                         name, bmp->compression, bits);
    return LAM_OK;
}

static lam_status read_header(bmp_header *bmp, const unsigned char *b, size_t size,
                              const char *name)
{
    if (size < FILE_HEADER + CORE_HEADER)
        return fail_cut(name, "the headers reach", FILE_HEADER + CORE_HEADER, size);
    bmp->pixels = long_word(b + 10);
    bmp->header = long_word(b + FILE_HEADER);
    if (bmp->header != CORE_HEADER && (bmp->header < INFO_HEADER || bmp->header > 1024))
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: byte 14: a header of %" PRIu32 " bytes, expected 12 or 40 to 124",
                         name, bmp->header);
    if (size < FILE_HEADER + bmp->header)
        return fail_cut(name, "the headers reach", FILE_HEADER + bmp->header, size);
    const unsigned char *h = b + FILE_HEADER;
    if (bmp->header == CORE_HEADER) {
        bmp->width = word(h + 4);
        bmp->height = word(h + 6);
        bmp->bits = word(h + 10);
        return check_kind(bmp, name);
    }
    bmp->width = long_word(h + 4);
    bmp->height = long_word(h + 8);
    bmp->from_above = bmp->height >> 31;
    if (bmp->from_above)
        bmp->height = 0u - bmp->height;
    bmp->bits = word(h + 14);
    bmp->compression = long_word(h + 16);
    bmp->colours = long_word(h + 32);
    if (bmp->width >> 31)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte 18: a negative width", name);
    return check_kind(bmp, name);
}

/* The palette follows the headers: blue, green, red, and a zero but for the old kind. */
static lam_status read_palette(bmp_header *bmp, const unsigned char *b, size_t size,
                               const char *name)
{
    const size_t most = (size_t)1 << bmp->bits, entry = bmp->header == CORE_HEADER ? 3 : 4;
    if (bmp->colours == 0)
        bmp->colours = most;
    if (bmp->colours > most)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte 46: %zu colours, %u bits tell %zu apart", name,
                         bmp->colours, bmp->bits, most);
    const size_t at = FILE_HEADER + bmp->header;
    if (size < at + bmp->colours * entry)
        return fail_cut(name, "the palette reaches", at + bmp->colours * entry, size);
    for (size_t i = 0; i < bmp->colours; i++)
        for (size_t c = 0; c < 3; c++)
            bmp->palette[i][c] = b[at + i * entry + 2 - c];
    return LAM_OK;
}

static lam_status set_field(bit_field *field, uint32_t mask, const char *name)
{
    *field = (bit_field){0, 0};
    if (mask == 0)
        return LAM_OK;
    while (!(mask >> field->shift & 1))
        field->shift++;
    field->most = mask >> field->shift;
    if (field->most & (field->most + 1))
        return lam__fail(LAM_ERR_FORMAT, "%s: the bits of a colour are apart: mask %08" PRIx32,
                         name, mask);
    return LAM_OK;
}

/* Where the three colours lie in a pixel of 16 or 32 bits. */
static lam_status read_fields(bmp_header *bmp, const unsigned char *b, size_t size,
                              const char *name)
{
    static const uint32_t usual[2][3] = {{0x7c00, 0x03e0, 0x001f}, {0xff0000, 0xff00, 0xff}};
    const uint32_t *masks = usual[bmp->bits == 32];
    uint32_t own[3];
    if (bmp->compression != BI_RGB) { /* behind the 40 bytes, be they a part of the header or not */
        const size_t at = FILE_HEADER + INFO_HEADER;
        if (size < at + sizeof own)
            return fail_cut(name, "the colour masks reach", at + sizeof own, size);
        for (size_t c = 0; c < 3; c++)
            own[c] = long_word(b + at + 4 * c);
        masks = own;
    }
    for (size_t c = 0; c < 3; c++)
        LAM__TRY(set_field(&bmp->fields[c], masks[c], name));
    return LAM_OK;
}

/* Whether all colours of the palette are gray: such a file is a gray image. */
static bool all_gray(const bmp_header *bmp)
{
    for (size_t i = 0; i < bmp->colours; i++)
        if (bmp->palette[i][0] != bmp->palette[i][1] || bmp->palette[i][0] != bmp->palette[i][2])
            return false;
    return true;
}

/* A row of palette numbers. */
static lam_status read_indexed(const bmp_header *bmp, const unsigned char *from, size_t channels,
                               uint8_t *to, const char *name)
{
    const unsigned mask = (1u << bmp->bits) - 1;
    for (size_t x = 0; x < bmp->width; x++) {
        const size_t bit = x * bmp->bits;
        const unsigned index = from[bit / 8] >> (8 - bmp->bits - bit % 8) & mask;
        if (index >= bmp->colours)
            return lam__fail(LAM_ERR_FORMAT, "%s: colour %u of a palette of %zu", name, index,
                             bmp->colours);
        memcpy(to + x * channels, bmp->palette[index], channels);
    }
    return LAM_OK;
}

/* A row of pixels of 16, 24 or 32 bits. */
static void read_direct(const bmp_header *bmp, const unsigned char *from, uint8_t *to)
{
    for (size_t x = 0; x < bmp->width; x++, to += 3) {
        if (bmp->bits == 24) {
            for (size_t c = 0; c < 3; c++)
                to[c] = from[3 * x + 2 - c];
            continue;
        }
        const uint32_t pixel = bmp->bits == 16 ? word(from + 2 * x) : long_word(from + 4 * x);
        for (size_t c = 0; c < 3; c++) {
            const uint64_t most = bmp->fields[c].most;
            const uint64_t value = pixel >> bmp->fields[c].shift & most;
            to[c] = most ? (uint8_t)((value * 255 + most / 2) / most) : 0;
        }
    }
}

lam_status lam__bmp_decode(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                           const char *name, lam__image *image)
{
    bmp_header bmp = {.header = 0};
    LAM__TRY(read_header(&bmp, bytes, size, name));
    if (bmp.bits <= 8)
        LAM__TRY(read_palette(&bmp, bytes, size, name));
    else
        LAM__TRY(read_fields(&bmp, bytes, size, name));
    const size_t channels = bmp.bits <= 8 && all_gray(&bmp) ? 1 : 3;
    const uint64_t stride = ((uint64_t)bmp.width * bmp.bits + 31) / 32 * 4;
    if (bmp.pixels > size)
        return fail_cut(name, "the pixels begin", bmp.pixels, size);
    if (bmp.height > 0 && stride > (size - bmp.pixels) / bmp.height)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated: %" PRIu32 " rows of %" PRIu64 " bytes from byte %" PRIu32
                         " on, the file has %zu",
                         name, bmp.height, stride, bmp.pixels, size);
    LAM__TRY(lam__image_check(name, bmp.width, bmp.height, (uint64_t)size * 8));
    LAM__TRY(lam__image_room(decoder, bmp.width, bmp.height, channels, image));
    for (size_t y = 0; y < bmp.height; y++) {
        const size_t row = bmp.from_above ? y : bmp.height - 1 - y;
        const unsigned char *from = bytes + bmp.pixels + row * stride;
        uint8_t *to = decoder->pixels.bytes + y * bmp.width * channels;
        if (bmp.bits <= 8)
            LAM__TRY(read_indexed(&bmp, from, channels, to, name));
        else
            read_direct(&bmp, from, to);
    }
    return LAM_OK;
}
