/* crc32.h: the checksum of gzip, PNG and zlib. */
#ifndef LAMINA_CRC32_H
#define LAMINA_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (polynomial 0xedb88320, reflected) of what `crc` covers followed by bytes[size]; start
 * with 0. The same with and without zlib. Source: ISO 3309; RFC 1952, section 8. */
uint32_t lam__crc32(uint32_t crc, const void *bytes, size_t size);

/* Lamina's own, used where zlib is not built in. */
uint32_t lam__crc32_own(uint32_t crc, const void *bytes, size_t size);

#endif
