/* safetensors_open.c: the header of a file, and no more of its tensors than are wanted. */
#include <inttypes.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/safetensors/safetensors.h"
#include "io/checksum.h"
#include "io/file_read.h"

/* Where the data of a file without any are. */
static const unsigned char none[1];

static uint64_t header_length(const unsigned char *first)
{
    uint64_t length = 0;
    for (size_t i = 8; i-- > 0;)
        length = length << 8 | first[i];
    return length;
}

bool lam__st_begins(const unsigned char *first, size_t count, uint64_t size)
{
    if (count < 9 || size < 9)
        return false;
    const uint64_t length = header_length(first);
    return length > 0 && length <= size - 8 && first[8] == '{';
}

lam_status lam__st_begins_file(const char *path, bool *begins)
{
    unsigned char first[9];
    uint64_t size;
    size_t got = 0;
    int fd;
    LAM__TRY(lam__file_open(path, &fd, &size));
    const lam_status status = lam__file_read_at(fd, path, first, sizeof first, 0, &got);
    close(fd);
    *begins = status == LAM_OK && lam__st_begins(first, got, size);
    return status;
}

/* Reads length and header, or as much of them as the file claims rightly; lam__st_parse says what
 * is wrong with it. */
static lam_status read_head(int fd, const char *path, uint64_t size, unsigned char **head)
{
    unsigned char first[8] = {0};
    size_t got, bytes = sizeof first;
    LAM__TRY(lam__file_read_at(fd, path, first, sizeof first, 0, &got));
    const uint64_t length = header_length(first);
    if (size >= sizeof first && length <= LAM__ST_HEADER_MOST && length <= size - sizeof first)
        bytes += (size_t)length;
    *head = lam__allocate_zero(bytes, 1, "the header of a file");
    return *head ? lam__file_read_at(fd, path, *head, bytes, 0, &got) : LAM_ERR_MEMORY;
}

/* Reads the wanted tensors one behind the other, and forgets where the others are. */
static lam_status read_wanted(int fd, lam__st_wanted wanted, lam__st_file *file)
{
    size_t bytes = 0, at = 0;
    for (size_t i = 0; i < file->count; i++)
        if (wanted && wanted(file->tensors[i].name))
            bytes += file->tensors[i].end - file->tensors[i].begin; /* at most the file's */
    file->data = none;
    if (bytes > 0 && !(file->kept = lam__allocate(bytes, 1, "tensors of a file")))
        return LAM_ERR_MEMORY;
    if (file->kept)
        file->data = file->kept;
    for (size_t i = 0; i < file->count; i++) {
        lam__st_tensor *tensor = &file->tensors[i];
        const size_t size = tensor->end - tensor->begin;
        const bool keep = wanted && wanted(tensor->name);
        size_t got = 0;
        if (keep && size > 0)
            LAM__TRY(lam__file_read_at(fd, file->name, file->kept + at, size, tensor->at, &got));
        if (keep && got < size)
            return lam__fail(LAM_ERR_FORMAT, "%s: truncated: tensor '%s' ends at byte %" PRIu64,
                             file->name, tensor->name, (uint64_t)tensor->at + got);
        tensor->begin = keep ? at : 0;
        tensor->end = keep ? at + size : 0;
        at += keep ? size : 0;
    }
    return LAM_OK;
}

/* Reads and checks the header of an open file. */
static lam_status open_header(int fd, uint64_t size, lam__st_file *file)
{
    const char *path = file->name;
    unsigned char *head = NULL;
    if (size > SIZE_MAX)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: %" PRIu64 " bytes cannot be addressed here",
                         path, size);
    lam_status status = read_head(fd, path, size, &head);
    if (status == LAM_OK)
        status = lam__st_parse(head, (size_t)size, path, file);
    file->data = NULL; /* it is not in `head` */
    lam__release(head);
    return status;
}

lam_status lam__st_open(const char *path, lam__st_wanted wanted, lam__st_file *file)
{
    int fd;
    uint64_t size;
    *file = (lam__st_file){.name = path};
    LAM__TRY(lam__file_open(path, &fd, &size));
    lam_status status = open_header(fd, size, file);
    if (status == LAM_OK) {
        file->partial = true;
        status = read_wanted(fd, wanted, file);
        if (status != LAM_OK)
            lam__st_close(file);
    }
    close(fd);
    return status;
}

lam_status lam__st_open_values(const char *path, lam__st_file *file)
{
    int fd;
    uint64_t size;
    *file = (lam__st_file){.name = path};
    LAM__TRY(lam__file_open(path, &fd, &size));
    const lam_status status = open_header(fd, size, file);
    if (status != LAM_OK) {
        close(fd);
        return status;
    }
    file->on_disk = true;
    file->descriptor = fd;
    return LAM_OK;
}

lam_status lam__st_read(const lam__st_file *file, void *to, size_t count, uint64_t at)
{
    size_t got = 0;
    LAM__TRY(lam__file_read_at(file->descriptor, file->name, to, count, at, &got));
    if (got == count)
        return LAM_OK;
    return lam__fail(LAM_ERR_FORMAT, "%s: truncated: it ends at byte %" PRIu64, file->name,
                     at + got);
}

lam_status lam__st_data_checksum(const lam__st_file *file, uint32_t *crc)
{
    enum { CHUNK = 1 << 18 };
    if (!file->on_disk) {
        *crc = lam__crc32(*crc, file->data, file->data_size);
        return LAM_OK;
    }
    unsigned char *bytes = lam__allocate(CHUNK, 1, "a part of a file");
    lam_status status = bytes ? LAM_OK : LAM_ERR_MEMORY;
    for (size_t done = 0, now; done < file->data_size && status == LAM_OK; done += now) {
        now = file->data_size - done < CHUNK ? file->data_size - done : CHUNK;
        status = lam__st_read(file, bytes, now, (uint64_t)file->data_at + done);
        if (status == LAM_OK)
            *crc = lam__crc32(*crc, bytes, now);
    }
    lam__release(bytes);
    return status;
}
