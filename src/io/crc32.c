/* crc32.c: the checksum of gzip, PNG and zlib. */
#include "io/crc32.h"

#include <limits.h>

#include "lamina_features.h"

#if LAM__HAVE_GZIP
#include <zlib.h>
#endif

/* crc_of_nibble[i] = CRC-32 of the four bits i: small, and made without any start-up code. */
static const uint32_t crc_of_nibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

uint32_t lam__crc32_own(uint32_t crc, const void *bytes, size_t size)
{
    const unsigned char *b = bytes;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= b[i];
        crc = crc >> 4 ^ crc_of_nibble[crc & 15];
        crc = crc >> 4 ^ crc_of_nibble[crc & 15];
    }
    return ~crc;
}

uint32_t lam__crc32(uint32_t crc, const void *bytes, size_t size)
{
#if LAM__HAVE_GZIP
    const unsigned char *b = bytes;
    while (size > 0) { /* zlib counts in unsigned int */
        uInt part = size < UINT_MAX ? (uInt)size : UINT_MAX;
        crc = (uint32_t)crc32(crc, b, part);
        b += part;
        size -= part;
    }
    return crc;
#else
    return lam__crc32_own(crc, bytes, size);
#endif
}
