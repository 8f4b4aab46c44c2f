/* file_read.c: regular files, opened and read with every failure named. */
#include "io/file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

/* One read of more than this is refused by some systems. */
#define LAM__READ_MOST ((size_t)1 << 30)

lam_status lam__fail_errno(const char *action, const char *path, int error)
{
    char reason[128];
    if (strerror_r(error, reason, sizeof reason) != 0)
        reason[0] = '\0';
    return lam__fail(LAM_ERR_IO, "%s '%s': %s (errno %d)", action, path, reason, error);
}

lam_status lam__file_open(const char *path, int *fd, uint64_t *size)
{
    int opened;
    do /* O_NONBLOCK: opening a pipe nobody writes to must not wait for ever */
        opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (opened < 0 && errno == EINTR);
    if (opened < 0)
        return lam__fail_errno("cannot open", path, errno);
    struct stat status;
    lam_status result = LAM_OK;
    if (fstat(opened, &status) != 0)
        result = lam__fail_errno("cannot look at", path, errno);
    else if (S_ISDIR(status.st_mode))
        result = lam__fail(LAM_ERR_IO, "cannot read '%s': it is a folder, not a file", path);
    else if (!S_ISREG(status.st_mode))
        result = lam__fail(LAM_ERR_IO, "cannot read '%s': it is not a regular file", path);
    if (result != LAM_OK) {
        close(opened);
        return result;
    }
    *fd = opened;
    *size = (uint64_t)status.st_size;
    return LAM_OK;
}

lam_status lam__file_read_at(int fd, const char *path, void *to, size_t count, uint64_t at,
                             size_t *got)
{
    size_t done = 0;
    while (done < count) {
        size_t ask = count - done < LAM__READ_MOST ? count - done : LAM__READ_MOST;
        ssize_t n = pread(fd, (unsigned char *)to + done, ask, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lam__fail_errno("cannot read", path, errno);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *got = done;
    return LAM_OK;
}

lam_status lam__file_read_all(const char *path, uint64_t most, unsigned char **bytes, size_t *size)
{
    int fd;
    uint64_t length;
    LAM__TRY(lam__file_open(path, &fd, &length));
    unsigned char *buffer = NULL;
    lam_status status = LAM_OK;
    size_t got = 0;
    if (length > most || length > SIZE_MAX)
        status = lam__fail(LAM_ERR_FORMAT, "%s: %" PRIu64 " bytes, at most %" PRIu64 " expected",
                           path, length, most);
    else if (!(buffer = lam__allocate((size_t)length, 1, "a file")))
        status = LAM_ERR_MEMORY;
    else
        status = lam__file_read_at(fd, path, buffer, (size_t)length, 0, &got);
    close(fd);
    if (status != LAM_OK) {
        lam__release(buffer);
        return status;
    }
    *bytes = buffer;
    *size = got; /* less than length when the file shrank meanwhile; its reader will notice */
    return LAM_OK;
}
