/* byte_source.h: the bytes of a file or of memory, unpacked when they are gzipped.
 *
 * Whether they are gzipped is told by their first two bytes, never by the file's name. */
#ifndef LAMINA_BYTE_SOURCE_H
#define LAMINA_BYTE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

struct z_stream_s;

typedef struct lam__byte_source {
    const char *name;            /* for messages; the caller's */
    int fd;                      /* -1: memory */
    const unsigned char *memory; /* the bytes not yet taken */
    uint64_t size;               /* bytes as stored */
    uint64_t taken;              /* of them read so far */
    uint64_t position;           /* unpacked bytes handed out so far */
    bool gzip, ended;
    unsigned char *buffer;     /* stored bytes read ahead */
    size_t begin, end;         /* of them not yet used */
    struct z_stream_s *stream; /* gzip only */
} lam__byte_source;

/* Opens a file, or bytes in memory that stay where they are. On failure nothing needs closing. */
lam_status lam__byte_source_open(lam__byte_source *source, const char *path);
lam_status lam__byte_source_open_memory(lam__byte_source *source, const void *bytes, size_t size,
                                        const char *name);

/* Hands out up to `count` bytes; *got is less only at the end. LAM_ERR_IO, LAM_ERR_MEMORY, or
 * LAM_ERR_FORMAT with the offset for damaged, cut or followed gzip data. */
lam_status lam__byte_source_read(lam__byte_source *source, void *to, size_t count, size_t *got);

/* The same for lam__collect, whose context is the source. */
lam_status lam__byte_source_give(void *source, void *to, size_t count, size_t *got);

void lam__byte_source_close(lam__byte_source *source);

#endif
