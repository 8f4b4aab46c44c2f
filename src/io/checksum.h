/* checksum.h: the two checksums of files. */
#ifndef LAMINA_CHECKSUM_H
#define LAMINA_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (polynomial 0xedb88320, reflected) of what `crc` covers followed by bytes[size]; start
 * with 0. In model files, gzip and PNG. The same with and without zlib. Source: ISO 3309; RFC 1952,
 * section 8. */
uint32_t lam__crc32(uint32_t crc, const void *bytes, size_t size);

/* CRC-32C (Castagnoli: polynomial 0x82f63b78, reflected) likewise. In checkpoints, since processors
 * compute it by themselves. Finds every change within 32 bits in a row. Source: RFC 3720,
 * section 12.1, whose examples the tests use. */
uint32_t lam__crc32c(uint32_t crc, const void *bytes, size_t size);

/* The same without zlib, or without the processor's help. */
uint32_t lam__crc32_plain(uint32_t crc, const void *bytes, size_t size);
uint32_t lam__crc32c_plain(uint32_t crc, const void *bytes, size_t size);

#endif
