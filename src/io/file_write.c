/* file_write.c: replacing a file so that it is always whole: the old one or the new one.
 *
 * The bytes go to a temporary file in the same folder, are brought to the disk, and only then
 * take the name of the old file. A failed fsync is never retried: after it the kernel may have
 * dropped the dirty pages, and a second call would report success for bytes that are gone
 * (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). */
#include "io/file_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/file_read.h"
#include "io/write_all.h"

/* Names tried for a temporary file before giving up. */
#define LAM__NAMES_TRIED 100

/* Room for the longest name made here. */
#define LAM__NAME_MOST 64

static void release_all(lam__file_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->folder >= 0)
        close(writer->folder);
    lam__release(writer->path);
    lam__release(writer->temporary);
    lam__release(writer->former);
    *writer = (lam__file_writer){.fd = -1, .folder = -1};
}

/* Finds the file itself when `path` is a link to it, so that the link survives. A device or a
 * folder must not be replaced by a file. */
static lam_status resolve(lam__file_writer *writer, const char *path)
{
    struct stat status;
    writer->mode = -1;
    errno = 0;
    if (stat(path, &status) == 0) {
        writer->mode = (int)(status.st_mode & 0777);
        if (!S_ISREG(status.st_mode))
            return lam__fail(LAM_ERR_IO, "cannot write '%s': it is %s", path,
                             S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
        char *resolved = realpath(path, NULL);
        if (!resolved)
            return lam__fail_errno("cannot resolve", path, errno);
        writer->path = lam__copy_string(resolved);
        free(resolved);
    } else if (errno != ENOENT) {
        return lam__fail_errno("cannot write", path, errno);
    } else if (lstat(path, &status) == 0) { /* a rename would put the file in the link's place */
        return lam__fail(LAM_ERR_IO, "cannot write '%s': it is a link to what does not exist",
                         path);
    } else {
        writer->path = lam__copy_string(path);
    }
    return writer->path ? LAM_OK : LAM_ERR_MEMORY;
}

/* Opens the folder before anything is written: a folder that cannot be opened cannot be brought
 * to the disk later. */
static lam_status open_folder(lam__file_writer *writer)
{
    size_t length = strlen(writer->path);
    while (length > 0 && writer->path[length - 1] != '/')
        length--;
    char *folder = lam__copy_string(length > 0 ? writer->path : ".");
    if (!folder)
        return LAM_ERR_MEMORY;
    if (length > 0)
        folder[length] = '\0';
    do
        writer->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (writer->folder < 0 && errno == EINTR);
    lam_status status = LAM_OK;
    if (writer->folder < 0)
        status = lam__fail_errno("cannot open the folder", folder, errno);
    lam__release(folder);
    return status;
}

/* A name beside the target, hidden from "*". It does not repeat the target's name, which may be as
 * long as the file system allows. */
static void name_beside(const lam__file_writer *writer, char *name, size_t size, unsigned number,
                        const char *ending)
{
    const char *slash = strrchr(writer->path, '/');
    size_t folder = slash ? (size_t)(slash - writer->path) + 1 : 0;
    memcpy(name, writer->path, folder);
    snprintf(name + folder, size - folder, ".lamina.%ld.%u.%s", (long)getpid(), number, ending);
}

/* A file that only its owner could read stays so. Where the system refuses, the new one has the
 * permissions of any new file. */
static void keep_mode(const lam__file_writer *writer)
{
    if (writer->mode >= 0 && fchmod(writer->fd, (mode_t)writer->mode) != 0)
        return;
}

static lam_status create_temporary(lam__file_writer *writer)
{
    size_t size = strlen(writer->path) + LAM__NAME_MOST;
    writer->temporary = lam__allocate(size, 1, "a path");
    writer->former = lam__allocate(size, 1, "a path");
    if (!writer->temporary || !writer->former)
        return LAM_ERR_MEMORY;
    for (unsigned number = 0; number < LAM__NAMES_TRIED; number++) {
        name_beside(writer, writer->temporary, size, number, "tmp");
        do
            writer->fd = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        while (writer->fd < 0 && errno == EINTR);
        if (writer->fd >= 0) {
            name_beside(writer, writer->former, size, number, "old");
            keep_mode(writer);
            return LAM_OK;
        }
        if (errno != EEXIST)
            break;
    }
    return lam__fail_errno("cannot write beside", writer->path, errno);
}

lam_status lam__file_write_open(lam__file_writer *writer, const char *path)
{
    *writer = (lam__file_writer){.fd = -1, .folder = -1};
    lam_status status = resolve(writer, path);
    if (status == LAM_OK)
        status = open_folder(writer);
    if (status == LAM_OK)
        status = create_temporary(writer);
    if (status != LAM_OK)
        release_all(writer);
    return status;
}

lam_status lam__file_write(lam__file_writer *writer, const void *bytes, size_t size)
{
    const int error = lam__write_all(writer->fd, bytes, size);
    return error ? lam__fail_errno("cannot write", writer->path, error) : LAM_OK;
}

int lam__sync(int fd)
{
#ifdef F_FULLFSYNC /* macOS, whose fsync leaves the bytes in the drive's own memory */
    if (fcntl(fd, F_FULLFSYNC) == 0)
        return 0;
    if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY) /* such a file system cannot */
        return -1;
#endif
    return fsync(fd);
}

/* Brings the new file to the disk and closes it. EINTR from close leaves the file closed. */
static lam_status finish_file(lam__file_writer *writer)
{
    if (lam__sync(writer->fd) != 0)
        return lam__fail_errno("cannot sync", writer->path, errno);
    int fd = writer->fd;
    writer->fd = -1;
    if (close(fd) != 0 && errno != EINTR)
        return lam__fail_errno("cannot close", writer->path, errno);
    return LAM_OK;
}

/* Keeps the old file under a second name until the new one is safe. *kept says whether there is
 * one; file systems without hard links do without. */
static lam_status keep_former(lam__file_writer *writer, int *kept)
{
    unlink(writer->former); /* left behind by a crash, if at all: the number is ours now */
    *kept = link(writer->path, writer->former) == 0;
    if (*kept || errno == ENOENT || errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS ||
        errno == EMLINK || errno == EACCES)
        return LAM_OK;
    return lam__fail_errno("cannot keep the former", writer->path, errno);
}

/* Brings the renaming to the disk. Some file systems cannot do it for folders (EINVAL). */
static lam_status finish_folder(lam__file_writer *writer)
{
    if (lam__sync(writer->folder) != 0 && errno != EINVAL && errno != EROFS)
        return lam__fail_errno("cannot sync the folder of", writer->path, errno);
    return LAM_OK;
}

lam_status lam__file_write_commit(lam__file_writer *writer)
{
    int kept = 0;
    struct stat status;
    int existed = lstat(writer->path, &status) == 0;
    lam_status result = finish_file(writer);
    if (result == LAM_OK)
        result = keep_former(writer, &kept);
    if (result == LAM_OK && rename(writer->temporary, writer->path) != 0)
        result = lam__fail_errno("cannot replace", writer->path, errno);
    if (result != LAM_OK) {
        unlink(writer->temporary);
    } else {
        result = finish_folder(writer);
        if (result != LAM_OK && kept && rename(writer->former, writer->path) == 0)
            kept = 0;
        else if (result != LAM_OK && !existed)
            unlink(writer->path);
    }
    if (kept)
        unlink(writer->former);
    release_all(writer);
    return result;
}

void lam__file_write_abandon(lam__file_writer *writer)
{
    if (writer->temporary)
        unlink(writer->temporary);
    release_all(writer);
}
