/* checkpoint_keys.c: the checksum of a checkpoint. */
#include "formats/safetensors/checkpoint_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "io/checksum.h"

/* Where the digits of the checksum stand in every checkpoint. */
#define LAM__CRC_OPENING "{\"__metadata__\":{\"" LAM__FILE_CRC_KEY "\":\""

size_t lam__checkpoint_crc_place(const unsigned char *bytes, size_t size)
{
    const size_t opening = sizeof LAM__CRC_OPENING - 1;
    if (size < 8 + opening + LAM__FILE_CRC_DIGITS + 1 ||
        memcmp(bytes + 8, LAM__CRC_OPENING, opening) != 0)
        return 0;
    return 8 + opening;
}

uint32_t lam__checkpoint_crc(const unsigned char *bytes, size_t size)
{
    const size_t at = lam__checkpoint_crc_place(bytes, size), after = at + LAM__FILE_CRC_DIGITS;
    uint32_t crc = lam__crc32c(0, bytes, at);
    crc = lam__crc32c(crc, "00000000", LAM__FILE_CRC_DIGITS);
    return lam__crc32c(crc, bytes + after, size - after);
}

lam_status lam__checkpoint_check_crc(const unsigned char *bytes, size_t size, const char *name)
{
    const size_t at = lam__checkpoint_crc_place(bytes, size);
    char digits[LAM__FILE_CRC_DIGITS + 1];
    if (at == 0)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: the file is damaged: byte 8: a checkpoint begins with "
                         "its checksum, '%s'",
                         name, LAM__FILE_CRC_KEY);
    snprintf(digits, sizeof digits, "%08" PRIx32, lam__checkpoint_crc(bytes, size));
    if (memcmp(bytes + at, digits, LAM__FILE_CRC_DIGITS) == 0)
        return LAM_OK;
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: the file is damaged: its checksum should be '%.8s', its "
                     "bytes have %s",
                     name, (const char *)bytes + at, digits);
}
