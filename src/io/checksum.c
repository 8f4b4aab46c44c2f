/* checksum.c: the two checksums of files. */
#include "io/checksum.h"

#include <limits.h>
#include <string.h>

#include "lamina_features.h"

#if LAM__HAVE_GZIP
#include <zlib.h>
#endif

/* The checksum of four bits, by polynomial: small, and made without any start-up code. */
static const uint32_t crc32_of_nibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};
static const uint32_t crc32c_of_nibble[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t plain(const uint32_t of_nibble[16], uint32_t crc, const unsigned char *b,
                      size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= b[i];
        crc = crc >> 4 ^ of_nibble[crc & 15];
        crc = crc >> 4 ^ of_nibble[crc & 15];
    }
    return ~crc;
}

uint32_t lam__crc32_plain(uint32_t crc, const void *bytes, size_t size)
{
    return plain(crc32_of_nibble, crc, bytes, size);
}

uint32_t lam__crc32c_plain(uint32_t crc, const void *bytes, size_t size)
{
    return plain(crc32c_of_nibble, crc, bytes, size);
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
    return lam__crc32_plain(crc, bytes, size);
#endif
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <nmmintrin.h>

/* Three cycles for eight bytes: the checksum of a checkpoint must not be felt beside training. */
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const unsigned char *b,
                                                               size_t size)
{
    uint64_t wide = ~crc;
    for (; size >= 8; b += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, b, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; b++, size--)
        crc = _mm_crc32_u8(crc, *b);
    return ~crc;
}
#endif

uint32_t lam__crc32c(uint32_t crc, const void *bytes, size_t size)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("sse4.2"))
        return crc32c_sse42(crc, bytes, size);
#endif
    return lam__crc32c_plain(crc, bytes, size);
}
