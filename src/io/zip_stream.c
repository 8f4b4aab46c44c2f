/* zip_stream.c: what is in an entry of a zip archive. */
#include "io/zip_read.h"

#include "io/zip_inside.h"

#if LAM__HAVE_ZIP
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/file_read.h"

/* Deflate makes at most 1032 bytes of one (258 bytes a match of 2 bits); a claim beyond is a lie.
 */
#define LAM__DEFLATE_MOST 1032

/* Packed bytes of a file at once. */
#define LAM__PACKED_AHEAD ((size_t)1 << 16)

enum { STORED = 0, DEFLATED = 8 }; /* methods */

struct lam__zip_unpacker {
    lam__zip_bytes *source;
    uint64_t at, left; /* packed bytes not read yet: where, and how many */
    bool deflated, ended;
    uint32_t crc, claimed_crc;
    z_stream inflater;
    unsigned char *packed; /* [LAM__PACKED_AHEAD], where the archive is a file */
};

/* Refuses what the entry's own description shows to be unreadable. */
static lam_status check_entry(const char *name, const lam__zip_entry *entry)
{
    if (entry->encrypted)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s is encrypted", name);
    if (entry->method != STORED && entry->method != DEFLATED)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s is packed by method %u, expected 0 (stored) or 8 (deflated)", name,
                         entry->method);
    const bool stored = entry->method == STORED;
    if (stored ? entry->unpacked != entry->packed
               : entry->unpacked / LAM__DEFLATE_MOST > entry->packed)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: %" PRIu64 " packed bytes cannot hold the %" PRIu64 " it claims%s",
                         name, entry->packed, entry->unpacked, stored ? " (stored)" : "");
    return LAM_OK;
}

/* Where the packed bytes begin: minizip compares the entry's own header with the directory. */
static lam_status find_bytes(lam__zip *zip, const lam__zip_entry *entry, const char *name,
                             uint64_t *at)
{
    int method, level;
    bool good = unzGoToFilePos64(zip->directory, &entry->place) == UNZ_OK &&
                unzOpenCurrentFile2(zip->directory, &method, &level, 1) == UNZ_OK;
    if (good) {
        *at = unzGetCurrentFileZStreamPos64(zip->directory);
        unzCloseCurrentFile(zip->directory);
    }
    if (zip->source.error)
        return lam__fail_errno("cannot read", name, zip->source.error);
    if (!good || *at > zip->source.size || entry->packed > zip->source.size - *at)
        return lam__fail(LAM_ERR_FORMAT, "%s: the directory and its own header do not agree", name);
    return LAM_OK;
}

static lam_status start(lam__zip_stream *stream, lam__zip *zip, const lam__zip_entry *entry,
                        uint64_t at)
{
    struct lam__zip_unpacker *u = lam__allocate_zero(1, sizeof *u, "the zip reader");
    if (!u)
        return LAM_ERR_MEMORY;
    stream->unpacker = u;
    u->source = &zip->source;
    u->at = at;
    u->left = entry->packed;
    u->deflated = entry->method == DEFLATED;
    u->claimed_crc = entry->crc;
    if (!zip->source.bytes && u->deflated &&
        !(u->packed = lam__allocate(LAM__PACKED_AHEAD, 1, "the zip reader")))
        return LAM_ERR_MEMORY;
    if (u->deflated && inflateInit2(&u->inflater, -MAX_WBITS) != Z_OK)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: zlib could not start on %s", stream->name);
    return LAM_OK;
}

lam_status lam__zip_stream_open(lam__zip_stream *stream, lam__zip *zip, size_t i)
{
    uint64_t at = 0;
    *stream = (lam__zip_stream){.unpacker = NULL};
    snprintf(stream->name, sizeof stream->name, "%s: %s", zip->name, lam__zip_entry_name(zip, i));
    if (i >= zip->count)
        return lam__fail(LAM_ERR_ARGUMENT, "%s: entry %zu of an archive with %zu", zip->name, i,
                         zip->count);
    const lam__zip_entry *entry = &zip->entries[i];
    LAM__TRY(check_entry(stream->name, entry));
    LAM__TRY(find_bytes(zip, entry, stream->name, &at));
    stream->claims = entry->unpacked;
    const lam_status status = start(stream, zip, entry, at);
    if (status != LAM_OK)
        lam__zip_stream_close(stream);
    return status;
}

static lam_status fail_damaged(const lam__zip_stream *stream, const char *why)
{
    if (stream->unpacker->source->error)
        return lam__fail_errno("cannot read", stream->name, stream->unpacker->source->error);
    return lam__fail(LAM_ERR_FORMAT, "%s: damaged: %s", stream->name, why);
}

static lam_status read_stored(const lam__zip_stream *stream, unsigned char *to, size_t count,
                              size_t *got)
{
    struct lam__zip_unpacker *u = stream->unpacker;
    if (count > u->left)
        count = (size_t)u->left;
    *got = lam__zip_bytes_read(u->source, u->at, to, count);
    u->at += *got;
    u->left -= *got;
    u->ended = u->left == 0;
    return *got < count ? fail_damaged(stream, "it ends too soon") : LAM_OK;
}

/* Gives the inflater more packed bytes, if there are any. */
static void feed(struct lam__zip_unpacker *u)
{
    const size_t most = u->packed ? LAM__PACKED_AHEAD : UINT_MAX;
    size_t count = u->left < most ? (size_t)u->left : most;
    if (u->packed) {
        count = lam__zip_bytes_read(u->source, u->at, u->packed, count);
        u->inflater.next_in = u->packed;
    } else { /* only read */
        u->inflater.next_in = (unsigned char *)(uintptr_t)(u->source->bytes + u->at);
    }
    u->inflater.avail_in = (uInt)count;
    u->at += count;
    u->left -= count;
}

static lam_status read_deflated(const lam__zip_stream *stream, unsigned char *to, size_t count,
                                size_t *got)
{
    struct lam__zip_unpacker *u = stream->unpacker;
    z_stream *z = &u->inflater;
    if (z->avail_in == 0)
        feed(u);
    const uInt room = count < UINT_MAX ? (uInt)count : UINT_MAX, before = z->avail_in;
    z->next_out = to;
    z->avail_out = room;
    const int result = inflate(z, Z_NO_FLUSH);
    *got = room - z->avail_out;
    u->ended = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: zlib on %s", stream->name);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return fail_damaged(stream, z->msg ? z->msg : "no deflated data");
    if (!u->ended && *got == 0 && before == z->avail_in)
        return fail_damaged(stream, "it ends too soon");
    return LAM_OK;
}

lam_status lam__zip_stream_read(lam__zip_stream *stream, void *to, size_t count, size_t *got)
{
    struct lam__zip_unpacker *u = stream->unpacker;
    size_t done = 0;
    while (done < count && !u->ended && stream->position <= stream->claims) {
        unsigned char *at = (unsigned char *)to + done;
        size_t n = 0;
        LAM__TRY(u->deflated ? read_deflated(stream, at, count - done, &n)
                             : read_stored(stream, at, count - done, &n));
        u->crc = (uint32_t)crc32_z(u->crc, at, n);
        done += n;
        stream->position += n;
    }
    if (done < count ? stream->position != stream->claims : stream->position > stream->claims)
        return lam__fail(LAM_ERR_FORMAT, "%s: unpacks to %s%" PRIu64 " bytes, %" PRIu64 " claimed",
                         stream->name, done < count ? "" : "at least ", stream->position,
                         stream->claims);
    if (done < count && u->crc != u->claimed_crc)
        return fail_damaged(stream, "CRC error");
    *got = done;
    return LAM_OK;
}

void lam__zip_stream_close(lam__zip_stream *stream)
{
    struct lam__zip_unpacker *u = stream->unpacker;
    if (!u)
        return;
    if (u->deflated)
        inflateEnd(&u->inflater);
    lam__release(u->packed);
    lam__release(u);
    stream->unpacker = NULL;
}
#endif
