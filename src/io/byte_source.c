/* byte_source.c: the bytes of a file or of memory, unpacked when they are gzipped. */
#include "io/byte_source.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/file_read.h"
#include "lamina_features.h"

#if LAM__HAVE_GZIP
#define ZLIB_CONST /* next_in becomes const */
#include <zlib.h>
#endif

#define LAM__READ_AHEAD ((size_t)1 << 16)

/* Up to `count` bytes as they are stored. */
static lam_status read_stored(lam__byte_source *source, void *to, size_t count, size_t *got)
{
    if (source->fd >= 0) {
        LAM__TRY(lam__file_read_at(source->fd, source->name, to, count, source->taken, got));
    } else {
        uint64_t left = source->size - source->taken;
        *got = left < count ? (size_t)left : count;
        if (*got > 0)
            memcpy(to, source->memory, *got);
        source->memory += *got;
    }
    source->taken += *got;
    return LAM_OK;
}

/* Fills the read-ahead buffer, which has been used up. */
static lam_status refill(lam__byte_source *source)
{
    source->begin = source->end = 0;
    return read_stored(source, source->buffer, LAM__READ_AHEAD, &source->end);
}

#if LAM__HAVE_GZIP
static lam_status start_unpacking(lam__byte_source *source)
{
    source->stream = lam__allocate_zero(1, sizeof *source->stream, "the gzip reader");
    if (!source->stream)
        return LAM_ERR_MEMORY;
    /* 15 = the largest window, + 16 = expect a gzip header */
    if (inflateInit2(source->stream, 15 + 16) == Z_OK)
        return LAM_OK;
    lam__release(source->stream);
    source->stream = NULL;
    return lam__fail(LAM_ERR_MEMORY, "out of memory: zlib could not start on %s", source->name);
}

static void stop_unpacking(lam__byte_source *source)
{
    if (source->stream)
        inflateEnd(source->stream);
    lam__release(source->stream);
    source->stream = NULL;
}

/* Offset in the file of the next byte to unpack. */
static uint64_t stored_offset(const lam__byte_source *source)
{
    return source->taken - (source->end - source->begin);
}

/* At the end of one gzip member: another may follow (RFC 1952, 2.2), anything else is refused. */
static lam_status next_member(lam__byte_source *source)
{
    if (source->begin == source->end)
        LAM__TRY(refill(source));
    if (source->begin == source->end) {
        source->ended = true;
        return LAM_OK;
    }
    if (source->buffer[source->begin] != 0x1f) {
        uint64_t offset = stored_offset(source);
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: byte %" PRIu64 ": %" PRIu64 " trailing bytes after "
                         "the gzip data",
                         source->name, offset, source->size - offset);
    }
    inflateReset(source->stream);
    return LAM_OK;
}

/* One call of inflate; *done counts bytes of `to`. */
static lam_status unpack_some(lam__byte_source *source, unsigned char *to, size_t count,
                              size_t *done)
{
    z_stream *z = source->stream;
    if (source->begin == source->end)
        LAM__TRY(refill(source));
    if (source->begin == source->end)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated: the gzip data end at byte %" PRIu64
                         " (unpacked byte %" PRIu64 ") in the middle of a stream",
                         source->name, source->taken, source->position + *done);
    size_t space = count - *done < UINT_MAX ? count - *done : UINT_MAX;
    z->next_in = source->buffer + source->begin;
    z->avail_in = (uInt)(source->end - source->begin);
    z->next_out = to + *done;
    z->avail_out = (uInt)space;
    int result = inflate(z, Z_NO_FLUSH);
    source->begin = source->end - z->avail_in;
    *done += space - z->avail_out;
    if (result == Z_STREAM_END)
        return next_member(source);
    if (result == Z_OK || result == Z_BUF_ERROR)
        return LAM_OK;
    if (result == Z_MEM_ERROR)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: zlib on %s", source->name);
    return lam__fail(LAM_ERR_FORMAT, "%s: damaged gzip data near byte %" PRIu64 ": %s",
                     source->name, stored_offset(source), z->msg ? z->msg : "no reason given");
}
#else
static lam_status start_unpacking(lam__byte_source *source)
{
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s is gzipped, and this build of Lamina has no zlib: "
                     "unpack it first (gunzip)",
                     source->name);
}

static void stop_unpacking(lam__byte_source *source)
{
    (void)source;
}

static lam_status unpack_some(lam__byte_source *source, unsigned char *to, size_t count,
                              size_t *done)
{
    (void)to, (void)count, (void)done;
    return start_unpacking(source);
}
#endif

static lam_status open_common(lam__byte_source *source)
{
    source->buffer = lam__allocate(LAM__READ_AHEAD, 1, "the read-ahead buffer");
    lam_status status = source->buffer ? refill(source) : LAM_ERR_MEMORY;
    if (status == LAM_OK) {
        source->gzip = source->end >= 2 && source->buffer[0] == 0x1f && source->buffer[1] == 0x8b;
        if (source->gzip)
            status = start_unpacking(source);
    }
    if (status != LAM_OK)
        lam__byte_source_close(source);
    return status;
}

lam_status lam__byte_source_open(lam__byte_source *source, const char *path)
{
    *source = (lam__byte_source){.name = path, .fd = -1};
    LAM__TRY(lam__file_open(path, &source->fd, &source->size));
    return open_common(source);
}

lam_status lam__byte_source_open_memory(lam__byte_source *source, const void *bytes, size_t size,
                                        const char *name)
{
    *source = (lam__byte_source){.name = name, .fd = -1, .memory = bytes, .size = size};
    return open_common(source);
}

lam_status lam__byte_source_read(lam__byte_source *source, void *to, size_t count, size_t *got)
{
    size_t done = 0;
    if (source->gzip) {
        while (done < count && !source->ended) {
            const lam_status status = unpack_some(source, to, count, &done);
            if (status != LAM_OK) {
                source->position += done; /* how far the file is good */
                return status;
            }
        }
    } else {
        size_t ahead = source->end - source->begin;
        done = ahead < count ? ahead : count;
        if (done > 0)
            memcpy(to, source->buffer + source->begin, done);
        source->begin += done;
        if (done < count) { /* the rest goes straight to its place */
            size_t rest = 0;
            LAM__TRY(read_stored(source, (unsigned char *)to + done, count - done, &rest));
            done += rest;
        }
    }
    source->position += done;
    *got = done;
    return LAM_OK;
}

lam_status lam__byte_source_give(void *source, void *to, size_t count, size_t *got)
{
    return lam__byte_source_read(source, to, count, got);
}

void lam__byte_source_close(lam__byte_source *source)
{
    stop_unpacking(source);
    lam__release(source->buffer);
    if (source->fd >= 0)
        close(source->fd);
    *source = (lam__byte_source){.fd = -1};
}
