/* wrapped_calls.c: the system calls of checkpoints, watched. */
#include "wrapped_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

watch watched;
const char *const call_names[] = {"open",   "create", "write",  "fsync", "fsync of the folder",
                                  "close",  "rename", "unlink", "mkdir", "flock",
                                  "readdir"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The thread that trains signals the writer when it hands a checkpoint over, and the writer signals
 * back when it has done with it, whatever became of it. */
static pthread_t trains;
static size_t handed_over, done_with;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __real_unlinkat(int folder, const char *path, int flags);
int __wrap_unlinkat(int folder, const char *path, int flags);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);
int __real_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *how);
void *__real_readdir(DIR *folder);
void *__wrap_readdir(DIR *folder);
void *__real_readdir64(DIR *folder);
void *__wrap_readdir64(DIR *folder);

void watch_free(void)
{
    for (size_t i = 0; i < watched.count; i++)
        free(watched.operations[i].bytes);
    watched.count = 0;
}

void watch_arm(int error, size_t at, bool record)
{
    pthread_mutex_lock(&lock);
    watch_free();
    memset(&watched, 0, sizeof watched);
    watched.error = error;
    watched.at = at;
    watched.record = record;
    watched.armed = true;
    trains = pthread_self();
    handed_over = done_with = 0;
    pthread_mutex_unlock(&lock);
}

void watch_disarm(void)
{
    pthread_mutex_lock(&lock);
    watched.armed = false;
    pthread_mutex_unlock(&lock);
}

void watch_wait(void)
{
    pthread_mutex_lock(&lock);
    while (done_with < handed_over)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
    if (watched.armed) {
        pthread_mutex_lock(&lock);
        size_t *count = pthread_equal(pthread_self(), trains) ? &handed_over : &done_with;
        ++*count;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return __real_pthread_cond_signal(condition);
}

/* The writer stays a thread like others: as one that has only what they leave it would be waited
 * for without end on a busy machine. */
int __wrap_pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *how)
{
    (void)thread, (void)policy, (void)how;
    return EPERM;
}

/* Counts a call; true when it is the one to fail, with errno set. Ends the process by SIGKILL when
 * that is what it is to come to. */
static bool fails(watched_call call)
{
    if (!watched.armed)
        return false;
    pthread_mutex_lock(&lock);
    const bool now = watched.calls++ == watched.at;
    if (now)
        watched.failed = call;
    pthread_mutex_unlock(&lock);
    if (!now)
        return false;
    if (watched.error == KILL)
        raise(SIGKILL);
    errno = watched.error > 0 ? watched.error : 0;
    return watched.error > 0 || call == CALL_WRITE;
}

/* Keeps what a call did. */
static void keep(watched_call call, bool done, const char *name, const char *other,
                 const void *bytes, size_t size)
{
    if (!watched.armed)
        return;
    const int error = errno;
    pthread_mutex_lock(&lock);
    if (watched.record && watched.count < MOST_OPERATIONS) {
        operation *o = &watched.operations[watched.count++];
        *o = (operation){.call = call, .done = done, .size = size};
        snprintf(o->name, sizeof o->name, "%s", name ? name : "");
        snprintf(o->other, sizeof o->other, "%s", other ? other : "");
        if (bytes && (o->bytes = malloc(size + 1)) != NULL)
            memcpy(o->bytes, bytes, size);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
}

static int open_path(const char *path, int flags, mode_t mode)
{
    if (!(flags & O_DIRECTORY))
        return __real_open(path, flags, mode);
    return fails(CALL_OPEN) ? -1 : __real_open(path, flags, mode);
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT ? (mode_t)va_arg(args, int) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const int fd = open_path(path, flags, mode_of(flags, args));
    va_end(args);
    return fd;
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const int fd = open_path(path, flags, mode_of(flags, args));
    va_end(args);
    return fd;
}

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    const int fd = fails(CALL_CREATE) ? -1 : __real_openat(folder, path, flags, mode);
    keep(CALL_CREATE, fd >= 0, path, NULL, NULL, 0);
    return fd;
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const int fd = open_at(folder, path, flags, mode_of(flags, args));
    va_end(args);
    return fd;
}

int __wrap_openat64(int folder, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const int fd = open_at(folder, path, flags, mode_of(flags, args));
    va_end(args);
    return fd;
}

/* What is written elsewhere, such as a test's report, is left alone. */
static bool is_file(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_folder(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    if (!watched.armed || !is_file(fd))
        return __real_write(fd, bytes, size);
    if (!fails(CALL_WRITE)) {
        const ssize_t n = __real_write(fd, bytes, size);
        keep(CALL_WRITE, n >= 0, NULL, NULL, bytes, n > 0 ? (size_t)n : 0);
        return n;
    }
    if (watched.error > 0) {
        keep(CALL_WRITE, false, NULL, NULL, NULL, 0);
        return -1;
    }
    const ssize_t half = __real_write(fd, bytes, size > 1 ? size / 2 : size);
    if (watched.error == KILL_IN_WRITE)
        raise(SIGKILL);
    keep(CALL_WRITE, true, NULL, NULL, bytes, (size_t)half);
    return half;
}

int __wrap_fsync(int fd)
{
    if (!watched.armed)
        return __real_fsync(fd);
    const watched_call call = is_folder(fd) ? CALL_SYNCDIR : CALL_FSYNC;
    const int result = fails(call) ? -1 : __real_fsync(fd);
    keep(call, result == 0, NULL, NULL, NULL, 0);
    return result;
}

int __wrap_close(int fd)
{
    if (!watched.armed || !is_file(fd))
        return __real_close(fd);
    const bool failed = fails(CALL_CLOSE);
    const int error = errno, result = __real_close(fd); /* closed even when it reports a failure */
    errno = error;
    if (failed)
        keep(CALL_CLOSE, false, NULL, NULL, NULL, 0);
    return failed ? -1 : result;
}

int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    const int result = fails(CALL_RENAME) ? -1 : __real_renameat(from_folder, from, to_folder, to);
    keep(CALL_RENAME, result == 0, from, to, NULL, 0);
    return result;
}

int __wrap_unlinkat(int folder, const char *path, int flags)
{
    const int result = fails(CALL_UNLINK) ? -1 : __real_unlinkat(folder, path, flags);
    keep(CALL_UNLINK, result == 0, path, NULL, NULL, 0);
    return result;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return fails(CALL_MKDIR) ? -1 : __real_mkdir(path, mode);
}

int __wrap_flock(int fd, int how)
{
    return fails(CALL_LOCK) ? -1 : __real_flock(fd, how);
}

/* Either name, by the size of file offsets; other libraries have one. */
void *__wrap_readdir(DIR *folder)
{
    return fails(CALL_LIST) ? NULL : __real_readdir(folder);
}

#ifdef __GLIBC__
void *__wrap_readdir64(DIR *folder)
{
    return fails(CALL_LIST) ? NULL : __real_readdir64(folder);
}
#endif
