/* zip_read.c: the entries of a zip archive. */
#include "data/zip_read.h"

#include <string.h>

#include "lamina_features.h"

bool lam__zip_recognizes(const void *bytes, size_t size)
{
    return size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
}

#if LAM__HAVE_ZIP
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <zip.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/file_read.h"

/* Deflate makes at most 1032 bytes of one (258 bytes a match of 2 bits); a claim beyond is a lie.
 */
#define LAM__DEFLATE_MOST 1032

/* Unpacking a whole entry starts with room for this much. */
#define LAM__ZIP_FIRST ((size_t)1 << 16)

struct lam__zip {
    zip_t *archive;
    char *name;
    size_t entries;
};

static lam_status fail_zip(const char *name, const char *what, zip_error_t *error)
{
    lam_status status = LAM_ERR_FORMAT;
    switch (zip_error_code_zip(error)) {
    case ZIP_ER_MEMORY:
        status = LAM_ERR_MEMORY;
        break;
    case ZIP_ER_READ:
    case ZIP_ER_SEEK:
    case ZIP_ER_OPEN:
        status = LAM_ERR_IO;
        break;
    default:
        break;
    }
    return lam__fail(status, "%s: %s: %s", name, what, zip_error_strerror(error));
}

/* libzip takes nothing at all for an empty archive. */
static lam_status fail_empty(const char *name)
{
    return lam__fail(LAM_ERR_FORMAT, "%s: not a readable zip archive: 0 bytes", name);
}

/* Takes the source over, also on failure. */
static lam_status open_source(zip_source_t *source, zip_error_t *error, const char *name,
                              lam__zip **zip)
{
    lam__zip *made = lam__allocate_zero(1, sizeof *made, "a zip archive");
    char *copy = made ? lam__copy_string(name) : NULL;
    lam_status status = copy ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK) {
        made->name = copy;
        made->archive = zip_open_from_source(source, ZIP_RDONLY, error);
        if (!made->archive)
            status = fail_zip(name, "not a readable zip archive", error);
    }
    if (status != LAM_OK) {
        zip_source_free(source);
        lam__release(copy);
        lam__release(made);
        return status;
    }
    zip_int64_t entries = zip_get_num_entries(made->archive, 0);
    made->entries = entries > 0 ? (size_t)entries : 0;
    *zip = made;
    return LAM_OK;
}

lam_status lam__zip_open(const char *path, lam__zip **zip)
{
    int fd;
    uint64_t size;
    LAM__TRY(lam__file_open(path, &fd, &size));
    FILE *file = size > 0 ? fdopen(fd, "rb") : NULL;
    if (!file) {
        close(fd);
        if (size == 0)
            return fail_empty(path);
        return lam__fail(LAM_ERR_MEMORY, "out of memory: cannot open '%s' as a stream", path);
    }
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_filep_create(file, 0, -1, &error);
    lam_status status;
    if (source) {
        status = open_source(source, &error, path, zip);
    } else {
        fclose(file);
        status = fail_zip(path, "cannot read it", &error);
    }
    zip_error_fini(&error);
    return status;
}

lam_status lam__zip_open_memory(const void *bytes, size_t size, const char *name, lam__zip **zip)
{
    if (size == 0)
        return fail_empty(name);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    lam_status status =
        source ? open_source(source, &error, name, zip) : fail_zip(name, "cannot read it", &error);
    zip_error_fini(&error);
    return status;
}

void lam__zip_close(lam__zip *zip)
{
    if (!zip)
        return;
    zip_discard(zip->archive);
    lam__release(zip->name);
    lam__release(zip);
}

size_t lam__zip_entries(const lam__zip *zip)
{
    return zip->entries;
}

const char *lam__zip_entry_name(const lam__zip *zip, size_t i)
{
    const char *name = i < zip->entries ? zip_get_name(zip->archive, i, 0) : NULL;
    return name ? name : "";
}

uint64_t lam__zip_entry_claims(const lam__zip *zip, size_t i)
{
    zip_stat_t stat;
    if (i >= zip->entries || zip_stat_index(zip->archive, i, 0, &stat) != 0)
        return 0;
    return stat.valid & ZIP_STAT_SIZE ? stat.size : 0;
}

size_t lam__zip_find(const lam__zip *zip, const char *name)
{
    for (size_t i = 0; i < zip->entries; i++)
        if (strcmp(lam__zip_entry_name(zip, i), name) == 0)
            return i;
    return LAM__ZIP_NONE;
}

/* Refuses what the entry's own description shows to be unreadable. */
static lam_status check_entry(const char *name, const zip_stat_t *stat)
{
    if (stat->valid & ZIP_STAT_ENCRYPTION_METHOD && stat->encryption_method != ZIP_EM_NONE)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s is encrypted", name);
    if (stat->comp_method != ZIP_CM_STORE && stat->comp_method != ZIP_CM_DEFLATE)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s is packed by method %u, expected 0 (stored) or 8 (deflated)", name,
                         (unsigned)stat->comp_method);
    bool stored = stat->comp_method == ZIP_CM_STORE;
    if (stored ? stat->size != stat->comp_size : stat->size / LAM__DEFLATE_MOST > stat->comp_size)
        return lam__fail(
            LAM_ERR_FORMAT, "%s: %" PRIu64 " packed bytes cannot hold the %" PRIu64 " it claims%s",
            name, (uint64_t)stat->comp_size, (uint64_t)stat->size, stored ? " (stored)" : "");
    return LAM_OK;
}

lam_status lam__zip_stream_open(lam__zip_stream *stream, lam__zip *zip, size_t i)
{
    *stream = (lam__zip_stream){.file = NULL};
    snprintf(stream->name, sizeof stream->name, "%s: %s", zip->name, lam__zip_entry_name(zip, i));
    zip_stat_t stat;
    if (i >= zip->entries)
        return lam__fail(LAM_ERR_ARGUMENT, "%s: entry %zu of an archive with %zu", zip->name, i,
                         zip->entries);
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(zip->archive, i, 0, &stat) != 0)
        return fail_zip(stream->name, "cannot look at it", zip_get_error(zip->archive));
    if ((stat.valid & needed) != needed)
        return lam__fail(LAM_ERR_FORMAT, "%s: the archive does not tell its sizes", stream->name);
    LAM__TRY(check_entry(stream->name, &stat));
    stream->claims = stat.size;
    stream->file = zip_fopen_index(zip->archive, i, 0);
    if (!stream->file)
        return fail_zip(stream->name, "cannot be read", zip_get_error(zip->archive));
    return LAM_OK;
}

lam_status lam__zip_stream_read(lam__zip_stream *stream, void *to, size_t count, size_t *got)
{
    size_t done = 0;
    while (done < count) {
        zip_int64_t n = zip_fread(stream->file, (unsigned char *)to + done, count - done);
        if (n < 0)
            return fail_zip(stream->name, "damaged", zip_file_get_error(stream->file));
        if (n == 0)
            break;
        done += (size_t)n;
        stream->position += (size_t)n;
        if (stream->position > stream->claims)
            break;
    }
    if (done < count ? stream->position != stream->claims : stream->position > stream->claims)
        return lam__fail(LAM_ERR_FORMAT, "%s: unpacks to %s%" PRIu64 " bytes, %" PRIu64 " claimed",
                         stream->name, done < count ? "" : "at least ", stream->position,
                         stream->claims);
    *got = done;
    return LAM_OK;
}

void lam__zip_stream_close(lam__zip_stream *stream)
{
    if (stream->file)
        zip_fclose(stream->file);
    stream->file = NULL;
}

/* Room for the next bytes: the claimed size at last, but never more than twice what has come. */
static unsigned char *grow(unsigned char *bytes, size_t done, size_t *capacity, size_t want)
{
    size_t next = want / 2 < *capacity ? want : 2 * *capacity;
    unsigned char *grown = lam__allocate(next, 1, "an entry of a zip archive");
    if (grown && done > 0)
        memcpy(grown, bytes, done);
    lam__release(bytes);
    *capacity = next;
    return grown;
}

static lam_status read_stream(lam__zip_stream *stream, unsigned char **bytes, size_t *size)
{
    /* one byte of room beyond the claim, so that the end is seen and the checksum compared */
    size_t want = (size_t)stream->claims + 1, done = 0;
    size_t capacity = want < LAM__ZIP_FIRST ? want : LAM__ZIP_FIRST;
    unsigned char *buffer = lam__allocate(capacity, 1, "an entry of a zip archive");
    while (buffer) {
        size_t got = 0;
        lam_status status = lam__zip_stream_read(stream, buffer + done, capacity - done, &got);
        if (status != LAM_OK) {
            lam__release(buffer);
            return status;
        }
        done += got;
        if (done < capacity) {
            *bytes = buffer;
            *size = done;
            return LAM_OK;
        }
        buffer = grow(buffer, done, &capacity, want);
    }
    return LAM_ERR_MEMORY;
}

lam_status lam__zip_read(lam__zip *zip, size_t i, uint64_t most, unsigned char **bytes,
                         size_t *size)
{
    lam__zip_stream stream;
    LAM__TRY(lam__zip_stream_open(&stream, zip, i));
    lam_status status;
    if (stream.claims > most || stream.claims >= SIZE_MAX)
        status = lam__fail(LAM_ERR_FORMAT, "%s: %" PRIu64 " bytes, at most %" PRIu64 " expected",
                           stream.name, stream.claims, most);
    else
        status = read_stream(&stream, bytes, size);
    lam__zip_stream_close(&stream);
    return status;
}

#else
#include "base/error.h"

static lam_status unsupported(const char *name)
{
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s is a zip archive, and this build of Lamina has no libzip", name);
}

lam_status lam__zip_open(const char *path, lam__zip **zip)
{
    *zip = NULL;
    return unsupported(path);
}

lam_status lam__zip_open_memory(const void *bytes, size_t size, const char *name, lam__zip **zip)
{
    (void)bytes, (void)size;
    *zip = NULL;
    return unsupported(name);
}

void lam__zip_close(lam__zip *zip)
{
    (void)zip;
}

size_t lam__zip_entries(const lam__zip *zip)
{
    (void)zip;
    return 0;
}

const char *lam__zip_entry_name(const lam__zip *zip, size_t i)
{
    (void)zip, (void)i;
    return "";
}

uint64_t lam__zip_entry_claims(const lam__zip *zip, size_t i)
{
    (void)zip, (void)i;
    return 0;
}

size_t lam__zip_find(const lam__zip *zip, const char *name)
{
    (void)zip, (void)name;
    return LAM__ZIP_NONE;
}

lam_status lam__zip_read(lam__zip *zip, size_t i, uint64_t most, unsigned char **bytes,
                         size_t *size)
{
    (void)zip, (void)i, (void)most, (void)bytes, (void)size;
    return unsupported("this");
}

lam_status lam__zip_stream_open(lam__zip_stream *stream, lam__zip *zip, size_t i)
{
    (void)stream, (void)zip, (void)i;
    return unsupported("this");
}

lam_status lam__zip_stream_read(lam__zip_stream *stream, void *to, size_t count, size_t *got)
{
    (void)stream, (void)to, (void)count, (void)got;
    return unsupported("this");
}

void lam__zip_stream_close(lam__zip_stream *stream)
{
    (void)stream;
}
#endif
