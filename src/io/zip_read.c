/* zip_read.c: the entries of a zip archive: minizip reads the directory, zip_stream.c what is in
 * the entries. */
#include "io/zip_read.h"

#include <string.h>

#include "base/error.h"
#include "io/zip_inside.h"

bool lam__zip_recognizes(const void *bytes, size_t size)
{
    return size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
}

#if LAM__HAVE_ZIP
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/collect.h"
#include "io/file_read.h"

/* minizip reads the directory of a file byte by byte: so much of it at once. */
#define LAM__ZIP_AHEAD ((size_t)1 << 14)

size_t lam__zip_bytes_read(lam__zip_bytes *source, uint64_t at, void *to, size_t count)
{
    if (at >= source->size)
        return 0;
    if (count > source->size - at)
        count = (size_t)(source->size - at);
    if (source->bytes) {
        memcpy(to, source->bytes + at, count);
        return count;
    }
    size_t done = 0;
    while (done < count) {
        const ssize_t n =
            pread(source->fd, (unsigned char *)to + done, count - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            source->error = errno;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

/* minizip's view of the archive: functions of a file that is open already. */

static voidpf ZCALLBACK on_open(voidpf zip, const void *name, int mode)
{
    (void)name, (void)mode;
    return zip;
}

static uLong ZCALLBACK on_read(voidpf opaque, voidpf stream, void *to, uLong count)
{
    lam__zip *zip = opaque;
    const uint64_t ahead = zip->ahead_at + zip->ahead_size;
    size_t got;
    (void)stream;
    if (zip->source.bytes || count > LAM__ZIP_AHEAD) {
        got = lam__zip_bytes_read(&zip->source, zip->at, to, count);
    } else {
        if (zip->at < zip->ahead_at || zip->at + count > ahead) {
            zip->ahead_at = zip->at;
            zip->ahead_size =
                lam__zip_bytes_read(&zip->source, zip->at, zip->ahead, LAM__ZIP_AHEAD);
        }
        const size_t skip = (size_t)(zip->at - zip->ahead_at), left = zip->ahead_size - skip;
        got = count < left ? (size_t)count : left;
        memcpy(to, zip->ahead + skip, got);
    }
    zip->at += got;
    zip->beyond = got < count;
    return (uLong)got;
}

static ZPOS64_T ZCALLBACK on_tell(voidpf opaque, voidpf stream)
{
    const lam__zip *zip = opaque;
    (void)stream;
    return zip->at;
}

static long ZCALLBACK on_seek(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin)
{
    lam__zip *zip = opaque;
    const uint64_t from = origin == ZLIB_FILEFUNC_SEEK_END   ? zip->source.size
                          : origin == ZLIB_FILEFUNC_SEEK_CUR ? zip->at
                                                             : 0;
    (void)stream;
    if (offset > zip->source.size - from) /* beyond the end there is nothing to read */
        return -1;
    zip->at = from + offset;
    return 0;
}

static int ZCALLBACK on_close(voidpf zip, voidpf stream)
{
    (void)zip, (void)stream;
    return 0;
}

/* Also at the end, which minizip itself takes for zeros (its UNZ_EOF is UNZ_OK). */
static int ZCALLBACK on_error(voidpf opaque, voidpf stream)
{
    const lam__zip *zip = opaque;
    (void)stream;
    return zip->source.error != 0 || zip->beyond;
}

/* A name that says nothing of its encoding and is not UTF-8 is in the PC's old code page 437
 * (APPNOTE.TXT, appendix D). */
static char *name_in_utf8(const unsigned char *name, size_t length)
{
    static const uint16_t upper[128] = {
        0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8,
        0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2,
        0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1,
        0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd,
        0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562,
        0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534,
        0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
        0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
        0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
        0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
        0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0,
        0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0};
    const bool utf8 = lam__bytes_are_utf8((const char *)name, length);
    char *text = lam__allocate(3 * length + 1, 1, "a name in a zip archive"), *to = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        const unsigned code = utf8 || name[i] < 0x80 ? name[i] : upper[name[i] - 0x80];
        if (utf8 || code < 0x80) {
            *to++ = (char)code;
        } else if (code < 0x800) {
            *to++ = (char)(0xc0 | code >> 6);
            *to++ = (char)(0x80 | (code & 0x3f));
        } else {
            *to++ = (char)(0xe0 | code >> 12);
            *to++ = (char)(0x80 | (code >> 6 & 0x3f));
            *to++ = (char)(0x80 | (code & 0x3f));
        }
    }
    *to = '\0';
    return text;
}

/* Twice as much room for entries. */
static lam_status grow_entries(lam__zip *zip)
{
    const size_t capacity = 2 * zip->capacity + 16;
    lam__zip_entry *grown = lam__allocate(capacity, sizeof *grown, "entries of a zip archive");
    if (!grown)
        return LAM_ERR_MEMORY;
    if (zip->count > 0)
        memcpy(grown, zip->entries, zip->count * sizeof *grown);
    lam__release(zip->entries);
    zip->entries = grown;
    zip->capacity = capacity;
    return LAM_OK;
}

static lam_status fail_archive(const lam__zip *zip, const char *why)
{
    if (zip->source.error)
        return lam__fail_errno("cannot read", zip->name, zip->source.error);
    return lam__fail(LAM_ERR_FORMAT, "%s: not a readable zip archive: %s", zip->name, why);
}

/* Adds the entry that minizip is at. */
static lam_status add_entry(lam__zip *zip)
{
    unz_file_info64 info;
    unsigned char name[UINT16_MAX]; /* the most there can be */
    if (zip->count == zip->capacity)
        LAM__TRY(grow_entries(zip));
    lam__zip_entry *entry = &zip->entries[zip->count];
    if (unzGetCurrentFileInfo64(zip->directory, &info, (char *)name, sizeof name, NULL, 0, NULL,
                                0) != UNZ_OK ||
        unzGetFilePos64(zip->directory, &entry->place) != UNZ_OK)
        return fail_archive(zip, "its directory is damaged");
    const char *end = memchr(name, '\0', info.size_filename);
    entry->name = name_in_utf8(name, end ? (size_t)(end - (char *)name) : info.size_filename);
    if (!entry->name)
        return LAM_ERR_MEMORY;
    entry->packed = info.compressed_size;
    entry->unpacked = info.uncompressed_size;
    entry->crc = (uint32_t)info.crc;
    entry->method = (unsigned)info.compression_method;
    entry->encrypted = info.flag & 1;
    zip->count++;
    return LAM_OK;
}

static lam_status read_directory(lam__zip *zip)
{
    zlib_filefunc64_def calls = {.zopen64_file = on_open,
                                 .zread_file = on_read,
                                 .ztell64_file = on_tell,
                                 .zseek64_file = on_seek,
                                 .zclose_file = on_close,
                                 .zerror_file = on_error,
                                 .opaque = zip};
    unz_global_info64 info;
    zip->directory = unzOpen2_64(zip->name, &calls);
    if (!zip->directory || unzGetGlobalInfo64(zip->directory, &info) != UNZ_OK)
        return fail_archive(zip, "there is no directory at its end");
    int state = info.number_entry > 0 ? unzGoToFirstFile(zip->directory) : UNZ_END_OF_LIST_OF_FILE;
    while (state == UNZ_OK) {
        LAM__TRY(add_entry(zip));
        state = unzGoToNextFile(zip->directory);
    }
    return state == UNZ_END_OF_LIST_OF_FILE ? LAM_OK
                                            : fail_archive(zip, "its directory is damaged");
}

/* Takes over the file descriptor of the source, also on failure. */
static lam_status open_source(const lam__zip_bytes *source, lam__zip **zip)
{
    lam__zip *made = NULL;
    lam_status status = LAM_ERR_MEMORY;
    if (source->size == 0)
        status = lam__fail(LAM_ERR_FORMAT, "%s: not a readable zip archive: 0 bytes", source->name);
    else
        made = lam__allocate_zero(1, sizeof *made, "a zip archive");
    if (!made) {
        if (!source->bytes)
            close(source->fd);
        return status;
    }
    made->source = *source;
    made->name = lam__copy_string(source->name);
    made->ahead = source->bytes ? NULL : lam__allocate(LAM__ZIP_AHEAD, 1, "a zip archive");
    if (made->name && (source->bytes || made->ahead))
        status = read_directory(made);
    if (status != LAM_OK)
        lam__zip_close(made);
    else
        *zip = made;
    return status;
}

lam_status lam__zip_open(const char *path, lam__zip **zip)
{
    lam__zip_bytes source = {.name = path};
    LAM__TRY(lam__file_open(path, &source.fd, &source.size));
    return open_source(&source, zip);
}

lam_status lam__zip_open_memory(const void *bytes, size_t size, const char *name, lam__zip **zip)
{
    return open_source(&(lam__zip_bytes){.name = name, .bytes = bytes, .fd = -1, .size = size},
                       zip);
}

void lam__zip_close(lam__zip *zip)
{
    if (!zip)
        return;
    if (zip->directory)
        unzClose(zip->directory);
    if (!zip->source.bytes)
        close(zip->source.fd);
    for (size_t i = 0; i < zip->count; i++)
        lam__release(zip->entries[i].name);
    lam__release(zip->entries);
    lam__release(zip->ahead);
    lam__release(zip->name);
    lam__release(zip);
}

size_t lam__zip_entries(const lam__zip *zip)
{
    return zip->count;
}

const char *lam__zip_entry_name(const lam__zip *zip, size_t i)
{
    return i < zip->count ? zip->entries[i].name : "";
}

uint64_t lam__zip_entry_claims(const lam__zip *zip, size_t i)
{
    return i < zip->count ? zip->entries[i].unpacked : 0;
}

size_t lam__zip_find(const lam__zip *zip, const char *name)
{
    for (size_t i = 0; i < zip->count; i++)
        if (strcmp(zip->entries[i].name, name) == 0)
            return i;
    return LAM__ZIP_NONE;
}

static lam_status give(void *stream, void *to, size_t count, size_t *got)
{
    return lam__zip_stream_read(stream, to, count, got);
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
        /* one byte beyond the claim, so that the end is seen and the checksum compared */
        status = lam__collect(give, &stream, (size_t)stream.claims + 1, 0,
                              "an entry of a zip archive", bytes, size);
    lam__zip_stream_close(&stream);
    return status;
}

#else

static lam_status unsupported(const char *name)
{
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s is a zip archive, and this build of Lamina has no minizip", name);
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
