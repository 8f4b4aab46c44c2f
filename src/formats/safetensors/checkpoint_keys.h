/* checkpoint_keys.h: by what a checkpoint is told from a model, and the checksum over all of it. */
#ifndef LAMINA_CHECKPOINT_KEYS_H
#define LAMINA_CHECKPOINT_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

/* Keys of __metadata__. The checksum comes first, so that its place in the file is always the same:
 * CRC-32C, 8 hex digits, of all of the file with the digits taken as "00000000". */
#define LAM__CHECKPOINT_KEY "lamina_checkpoint"
#define LAM__FILE_CRC_KEY "lamina_file_crc32c"
#define LAM__FILE_CRC_DIGITS 8

/* What names of parts that are not the model's begin with. */
#define LAM__CHECKPOINT_PREFIX "checkpoint."

/* The checksum of a file in memory, and the place of its digits; 0 where they are not. */
uint32_t lam__checkpoint_crc(const unsigned char *bytes, size_t size);
size_t lam__checkpoint_crc_place(const unsigned char *bytes, size_t size);

/* Compares it: LAM_ERR_FORMAT when the file is damaged. */
lam_status lam__checkpoint_check_crc(const unsigned char *bytes, size_t size, const char *name);

#endif
