/* checkpoint_folder.c: a folder of checkpoints, of which the newest are kept.
 *
 * A checkpoint is written under a temporary name, brought to the disk, and only then takes its own
 * name, which is brought to the disk before an older one is removed. So at any moment, whatever of
 * it the system has written out, the newest whole file is the one before or this one. A failed
 * fsync is never retried (see file_write.c). */
#include "fit/checkpoints/checkpoint_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/file_read.h"
#include "io/file_write.h"
#include "io/write_all.h"

/* Fixed: what a killed run leaves is written over by the next. The lock keeps others off it. */
static const char temporary[] = ".checkpoint.tmp";

#define LAM__NAME_OPENING "checkpoint-"
#define LAM__NAME_ENDING ".safetensors"

void lam__checkpoint_name(uint64_t steps, char name[LAM__CHECKPOINT_NAME_SIZE])
{
    snprintf(name, LAM__CHECKPOINT_NAME_SIZE, LAM__NAME_OPENING "%012" PRIu64 LAM__NAME_ENDING,
             steps);
}

void lam__checkpoint_path(const lam__checkpoint_folder *folder, uint64_t steps, char *path,
                          size_t size)
{
    char name[LAM__CHECKPOINT_NAME_SIZE];
    lam__checkpoint_name(steps, name);
    const size_t length = strlen(folder->path);
    snprintf(path, size, "%s%s%s", folder->path,
             length > 0 && folder->path[length - 1] == '/' ? "" : "/", name);
}

/* The number in a name that lam__checkpoint_name gives; false for other names. */
static bool parse_name(const char *name, uint64_t *steps)
{
    char again[LAM__CHECKPOINT_NAME_SIZE];
    if (strncmp(name, LAM__NAME_OPENING, sizeof LAM__NAME_OPENING - 1) != 0)
        return false;
    errno = 0;
    *steps = strtoull(name + sizeof LAM__NAME_OPENING - 1, NULL, 10);
    lam__checkpoint_name(*steps, again);
    return errno == 0 && strcmp(name, again) == 0;
}

/* Makes the folder; its own name is brought to the disk in the folder above. */
static lam_status make_folder(const char *path)
{
    if (mkdir(path, 0777) != 0)
        return errno == EEXIST ? LAM_OK : lam__fail_errno("cannot make the folder", path, errno);
    char *above = lam__copy_string(path);
    if (!above)
        return LAM_ERR_MEMORY;
    size_t length = strlen(above);
    while (length > 0 && above[length - 1] == '/')
        length--;
    while (length > 0 && above[length - 1] != '/')
        length--;
    above[length] = '\0';
    const int fd = open(length > 0 ? above : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    lam_status status = LAM_OK;
    if (fd >= 0 && lam__sync(fd) != 0 && errno != EINVAL && errno != EROFS)
        status = lam__fail_errno("cannot sync the folder above", path, errno);
    if (fd >= 0)
        close(fd);
    lam__release(above);
    return status;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static lam_status make_room(lam__checkpoint_folder *folder, size_t capacity)
{
    uint64_t *grown = lam__allocate(capacity, sizeof *grown, "a list of checkpoints");
    if (!grown)
        return LAM_ERR_MEMORY;
    if (folder->count > 0)
        memcpy(grown, folder->steps, folder->count * sizeof *grown);
    lam__release(folder->steps);
    folder->steps = grown;
    folder->capacity = capacity;
    return LAM_OK;
}

static lam_status list(lam__checkpoint_folder *folder)
{
    DIR *entries = opendir(folder->path);
    if (!entries)
        return lam__fail_errno("cannot read the folder", folder->path, errno);
    lam_status status = LAM_OK;
    uint64_t steps;
    while (status == LAM_OK) {
        errno = 0;
        const struct dirent *entry = readdir(entries);
        if (!entry) /* a list cut short must not look like a folder without checkpoints */
            status =
                errno ? lam__fail_errno("cannot read the folder", folder->path, errno) : LAM_OK;
        if (!entry)
            break;
        if (!parse_name(entry->d_name, &steps))
            continue;
        if (folder->count == folder->capacity)
            status = make_room(folder, 2 * folder->capacity + 16);
        if (status == LAM_OK)
            folder->steps[folder->count++] = steps;
    }
    closedir(entries);
    if (folder->count > 1)
        qsort(folder->steps, folder->count, sizeof *folder->steps, ascending);
    return status;
}

static int open_temporary(const lam__checkpoint_folder *folder)
{
    int fd;
    do
        fd = openat(folder->fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Whether a file can be made here: to be said before training, not after the first epoch. */
static lam_status check_writable(const lam__checkpoint_folder *folder)
{
    const int fd = open_temporary(folder);
    if (fd < 0)
        return lam__fail_errno("cannot write to the folder", folder->path, errno);
    const int error = close(fd) == 0 || errno == EINTR ? 0 : errno;
    unlinkat(folder->fd, temporary, 0);
    return error ? lam__fail_errno("cannot write to the folder", folder->path, error) : LAM_OK;
}

static lam_status open_folder(lam__checkpoint_folder *folder, const char *path)
{
    if (!(folder->path = lam__copy_string(path)))
        return LAM_ERR_MEMORY;
    LAM__TRY(make_folder(path));
    do
        folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (folder->fd < 0 && errno == EINTR);
    if (folder->fd < 0)
        return lam__fail_errno("cannot open the folder", path, errno);
    /* file systems without locks do without */
    if (flock(folder->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return lam__fail(LAM_ERR_STATE, "another run writes its checkpoints to '%s'", path);
    LAM__TRY(check_writable(folder));
    LAM__TRY(list(folder));
    /* those there are, as many to keep, and one between its name and the removal of the oldest */
    return make_room(folder, folder->count + folder->keep + 1);
}

/* In a forked child, which would otherwise keep the parent's lock for as long as it lives. */
static void let_go(void *object, bool whole)
{
    (void)whole;
    lam__checkpoint_folder *folder = object;
    close(folder->fd);
    folder->fd = -1;
}

lam_status lam__checkpoint_folder_open(lam__checkpoint_folder *folder, const char *path,
                                       size_t keep)
{
    *folder = (lam__checkpoint_folder){.fd = -1, .keep = keep};
    const lam_status status = open_folder(folder, path);
    if (status != LAM_OK)
        lam__checkpoint_folder_close(folder);
    else
        lam__fork_watch(&folder->guard, NULL, let_go, folder);
    return status;
}

void lam__checkpoint_folder_close(lam__checkpoint_folder *folder)
{
    lam__fork_unwatch(&folder->guard);
    if (folder->fd >= 0)
        close(folder->fd);
    lam__release(folder->path);
    lam__release(folder->steps);
    *folder = (lam__checkpoint_folder){.fd = -1};
}

static lam_status fail_write(const lam__checkpoint_folder *folder, const char *action,
                             uint64_t steps, int error)
{
    char name[LAM__CHECKPOINT_NAME_SIZE];
    lam__checkpoint_name(steps, name);
    return lam__fail(LAM_ERR_IO, "%s '%s' in '%s': %s", action, name, folder->path,
                     strerror(error));
}

/* The bytes to the disk under the temporary name. */
static lam_status write_temporary(const lam__checkpoint_folder *folder, uint64_t steps,
                                  const unsigned char *bytes, size_t size)
{
    const int fd = open_temporary(folder);
    if (fd < 0)
        return fail_write(folder, "cannot write the checkpoint", steps, errno);
    int error = lam__write_all(fd, bytes, size);
    const char *action = "cannot write the checkpoint";
    if (!error && lam__sync(fd) != 0) {
        error = errno;
        action = "cannot sync the checkpoint";
    }
    if (close(fd) != 0 && !error && errno != EINTR) /* EINTR: closed all the same */
        error = errno;
    return error ? fail_write(folder, action, steps, error) : LAM_OK;
}

/* Keeps the list in order; the oldest go, but never what was just written. A checkpoint of a later
 * step is of another attempt and goes when this one has come so far. */
static void remove_oldest(lam__checkpoint_folder *folder, uint64_t steps)
{
    size_t at = 0, older;
    while (at < folder->count && folder->steps[at] < steps)
        at++;
    if (at == folder->count || folder->steps[at] != steps) {
        memmove(&folder->steps[at + 1], &folder->steps[at],
                (folder->count - at) * sizeof *folder->steps);
        folder->steps[at] = steps;
        folder->count++;
    }
    older = at + 1 > folder->keep ? at + 1 - folder->keep : 0;
    for (size_t i = 0; i < older; i++) {
        char name[LAM__CHECKPOINT_NAME_SIZE];
        lam__checkpoint_name(folder->steps[i], name);
        unlinkat(folder->fd, name, 0); /* what cannot be removed stays */
    }
    memmove(folder->steps, folder->steps + older, (folder->count - older) * sizeof *folder->steps);
    folder->count -= older;
}

lam_status lam__checkpoint_folder_write(lam__checkpoint_folder *folder, uint64_t steps,
                                        const void *bytes, size_t size)
{
    char name[LAM__CHECKPOINT_NAME_SIZE];
    lam__checkpoint_name(steps, name);
    lam_status status = write_temporary(folder, steps, bytes, size);
    if (status == LAM_OK && renameat(folder->fd, temporary, folder->fd, name) != 0)
        status = fail_write(folder, "cannot name the checkpoint", steps, errno);
    if (status != LAM_OK) {
        unlinkat(folder->fd, temporary, 0);
        return status;
    }
    /* some file systems cannot do it for folders (EINVAL) */
    if (lam__sync(folder->fd) != 0 && errno != EINVAL && errno != EROFS)
        return fail_write(folder, "cannot sync the folder after naming the checkpoint", steps,
                          errno);
    remove_oldest(folder, steps);
    return LAM_OK;
}
