/* crc32c.c: CRC-32C (Castagnoli), which processors compute by themselves. */
#include "io/crc32c.h"

#include <string.h>

/* crc_of_nibble[i] = CRC-32C of the four bits i: small, and made without any start-up code. */
static const uint32_t crc_of_nibble[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t lam__crc32c_plain(uint32_t crc, const void *bytes, size_t size)
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

#if defined(__x86_64__) && defined(__GNUC__)
#include <nmmintrin.h>

/* Three cycles for eight bytes: the checksum of a checkpoint must not be felt beside training. */
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const unsigned char *b,
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
        return crc_sse42(crc, bytes, size);
#endif
    return lam__crc32c_plain(crc, bytes, size);
}
