/* crc32c.h: CRC-32C (Castagnoli), which processors compute by themselves. */
#ifndef LAMINA_CRC32C_H
#define LAMINA_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (polynomial 0x82f63b78, reflected; iSCSI, ext4) of what `crc` covers followed by
 * bytes[size]; start with 0. Finds every change within 32 bits in a row. Source: RFC 3720,
 * section 12.1, whose examples the tests use. */
uint32_t lam__crc32c(uint32_t crc, const void *bytes, size_t size);

/* The same without the processor's help. */
uint32_t lam__crc32c_plain(uint32_t crc, const void *bytes, size_t size);

#endif
