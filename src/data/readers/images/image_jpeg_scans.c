/* image_jpeg_scans.c: what a JPEG file can hold, from its markers, before libjpeg-turbo takes the
 * memory and the time that its header asks for.
 *
 * Source: ITU-T T.81, "Digital compression and coding of continuous-tone still images", annex B. */
#include "data/readers/images/image_jpeg_scans.h"

enum {
    MARKER = 0xff,
    TEM = 0x01,
    SOF0 = 0xc0,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    RST7 = 0xd7,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda
};

/* Behind the next marker from `at` on, which *marker becomes; `size` when there is none. A byte of
 * 255 in coded data is followed by 0. */
static size_t next_marker(const unsigned char *bytes, size_t size, size_t at, unsigned *marker)
{
    for (; at + 1 < size; at++)
        if (bytes[at] == MARKER && bytes[at + 1] != 0 && bytes[at + 1] != MARKER) {
            *marker = bytes[at + 1];
            return at + 2;
        }
    *marker = EOI;
    return size;
}

static bool is_frame(unsigned marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

/* Whether a segment with a length follows. */
static bool has_segment(unsigned marker)
{
    return marker != TEM && marker != SOI && (marker < RST0 || marker > RST7);
}

/* Behind the coded data that begin at `at`: at the next marker that is no restart. */
static size_t skip_coded(const unsigned char *bytes, size_t size, size_t at)
{
    unsigned marker = RST0;
    while (marker >= RST0 && marker <= RST7)
        at = next_marker(bytes, size, at, &marker);
    return at < size ? at - 2 : size;
}

lam__jpeg_scans lam__jpeg_look(const unsigned char *bytes, size_t size)
{
    lam__jpeg_scans found = {.scans = 0};
    unsigned marker = 0;
    size_t at = next_marker(bytes, size, 0, &marker);
    while (marker != EOI) {
        if (has_segment(marker)) {
            const size_t left = size - at;
            const size_t length = left < 2 ? left : (size_t)bytes[at] << 8 | bytes[at + 1];
            if (is_frame(marker)) { /* bit 1 of the kind: progressive, bit 3: arithmetic coding */
                found.progressive = (marker & 3) == 2;
                found.arithmetic = (marker & 8) != 0;
            }
            at += length < left ? length : left;
        }
        if (marker == SOS) {
            const size_t end = skip_coded(bytes, size, at);
            found.scans++;
            found.coded += end - at;
            at = end;
        }
        at = next_marker(bytes, size, at, &marker);
    }
    return found;
}

uint64_t lam__jpeg_most_pixels(const lam__jpeg_scans *scans)
{
    /* a block of 64 pixels takes a bit at least for its mean, and where that is not all that its
     * scan holds of it, another for the end; for arithmetic coding there is no such bound, and this
     * one only keeps a short file from asking for gigabytes */
    const uint64_t each = scans->arithmetic ? 4096 : scans->progressive ? 512 : 256;
    return (uint64_t)scans->coded * each;
}
