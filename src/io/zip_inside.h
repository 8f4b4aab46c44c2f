/* zip_inside.h: an open zip archive, for zip_read.c and zip_stream.c. */
#ifndef LAMINA_ZIP_INSIDE_H
#define LAMINA_ZIP_INSIDE_H

#include "io/zip_read.h"
#include "lamina_features.h"

#if LAM__HAVE_ZIP
#include <unzip.h>

/* Where the bytes of an archive are. */
typedef struct lam__zip_bytes {
    const char *name;           /* for messages */
    const unsigned char *bytes; /* [size] in memory, or NULL: */
    int fd;                     /* a regular file */
    uint64_t size;
    int error; /* errno of a read that failed, or 0 */
} lam__zip_bytes;

typedef struct lam__zip_entry {
    char *name; /* UTF-8 */
    unz64_file_pos place;
    uint64_t packed, unpacked; /* bytes, as claimed */
    uint32_t crc;
    unsigned method;
    bool encrypted;
} lam__zip_entry;

struct lam__zip {
    lam__zip_bytes source;
    uint64_t at;          /* where minizip is */
    bool beyond;          /* its last read went beyond the end */
    unsigned char *ahead; /* [LAM__ZIP_AHEAD] of a file, from ahead_at on, as far as ahead_size */
    uint64_t ahead_at;
    size_t ahead_size;
    unzFile directory;
    char *name;
    lam__zip_entry *entries;
    size_t count, capacity;
};

/* Reads up to `count` bytes at `at`; less only at the end or where reading fails (source->error).
 */
size_t lam__zip_bytes_read(lam__zip_bytes *source, uint64_t at, void *to, size_t count);
#endif

#endif
