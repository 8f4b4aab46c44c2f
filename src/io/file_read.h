/* file_read.h: regular files, opened and read with every failure named. */
#ifndef LAMINA_FILE_READ_H
#define LAMINA_FILE_READ_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

/* Records "ACTION 'PATH': the system's reason" under LAM_ERR_IO. */
lam_status lam__fail_errno(const char *action, const char *path, int error);

/* Opens a regular file for reading; *size is its length in bytes. Folders, pipes and devices are
 * refused without blocking: only of a regular file is the length known before reading. */
lam_status lam__file_open(const char *path, int *fd, uint64_t *size);

/* Reads up to `count` bytes from byte `at` on; *got is less only at the end of the file. The place
 * is the caller's, not the descriptor's: that one is shared with the children of this process. */
lam_status lam__file_read_at(int fd, const char *path, void *to, size_t count, uint64_t at,
                             size_t *got);

/* Reads a whole file of at most `most` bytes; *bytes is released with lam__release. */
lam_status lam__file_read_all(const char *path, uint64_t most, unsigned char **bytes, size_t *size);

#endif
