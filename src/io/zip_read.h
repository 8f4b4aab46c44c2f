/* zip_read.h: the entries of a zip archive, as .npz, .pt and .keras files are.
 *
 * What the archive claims is never believed: an entry is unpacked as far as bytes come, and no
 * further than its reader asks. Stored and deflated entries; encrypted ones and other methods are
 * refused by name. Without minizip and zlib every call that opens is LAM_ERR_UNSUPPORTED.
 *
 * Threads: an archive and its streams belong to one thread at a time. */
#ifndef LAMINA_ZIP_READ_H
#define LAMINA_ZIP_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

typedef struct lam__zip lam__zip;

/* No entry has this number. */
#define LAM__ZIP_NONE SIZE_MAX

/* Whether bytes begin as a zip archive does ("PK\3\4", or "PK\5\6" when it is empty). */
bool lam__zip_recognizes(const void *bytes, size_t size);

/* Opens a regular file, or bytes in memory that stay where they are as long as the archive is open;
 * `name` is for messages and copied. LAM_ERR_IO, LAM_ERR_FORMAT, LAM_ERR_MEMORY,
 * LAM_ERR_UNSUPPORTED. */
lam_status lam__zip_open(const char *path, lam__zip **zip);
lam_status lam__zip_open_memory(const void *bytes, size_t size, const char *name, lam__zip **zip);
void lam__zip_close(lam__zip *zip);

/* Number of entries, folders (whose names end in '/') included. */
size_t lam__zip_entries(const lam__zip *zip);

/* The name of entry i in UTF-8, the archive's; "" when it has none. */
const char *lam__zip_entry_name(const lam__zip *zip, size_t i);

/* Unpacked size as the archive claims it; 0 when it does not say. */
uint64_t lam__zip_entry_claims(const lam__zip *zip, size_t i);

/* The first entry of exactly this name, or LAM__ZIP_NONE. */
size_t lam__zip_find(const lam__zip *zip, const char *name);

/* Unpacks the whole of entry i, checksum included: *bytes is released with lam__release.
 * LAM_ERR_FORMAT when it has more than `most` bytes, before they are unpacked. */
lam_status lam__zip_read(lam__zip *zip, size_t i, uint64_t most, unsigned char **bytes,
                         size_t *size);

/* Entry i from its begin to its end, in pieces. */
typedef struct lam__zip_stream {
    struct lam__zip_unpacker *unpacker;
    char name[256];    /* "ARCHIVE: ENTRY", for messages */
    uint64_t claims;   /* unpacked size as the archive claims it */
    uint64_t position; /* bytes handed out so far */
} lam__zip_stream;

/* On failure nothing needs closing. Close the streams before the archive. */
lam_status lam__zip_stream_open(lam__zip_stream *stream, lam__zip *zip, size_t i);

/* Hands out up to `count` bytes; *got is less only at the end, where the checksum and the claimed
 * size have been compared. */
lam_status lam__zip_stream_read(lam__zip_stream *stream, void *to, size_t count, size_t *got);

void lam__zip_stream_close(lam__zip_stream *stream);

#endif
