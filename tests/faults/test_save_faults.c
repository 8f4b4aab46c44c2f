/* test_save_faults.c: every system call of saving a model fails in turn.
 *
 * The linker sends the calls below to the __wrap_ functions of this file (-Wl,--wrap). Whatever
 * fails, the old file stays whole, nothing is left beside it, and no descriptor stays open. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "../support/model_files.h"
#include "../support/scratch.h"

enum call { CALL_OPEN, CALL_WRITE, CALL_FSYNC, CALL_CLOSE, CALL_LINK, CALL_RENAME, CALL_READ };
enum fault { SHORT_WRITE = -1 };

static struct {
    bool armed;
    int error;      /* an errno, or SHORT_WRITE */
    size_t at;      /* the call to fail, from 0 */
    size_t calls;   /* made so far */
    enum call call; /* that failed */
    size_t syncs_failed, syncs_after;
    int last_sync;
    char order[64]; /* a letter per call: o w f c l r */
} plan;

/* Whether this call is the one to fail. */
static bool fails(enum call call)
{
    if (plan.armed && plan.calls < sizeof plan.order - 1)
        plan.order[plan.calls] = "owfclrR"[call];
    if (!plan.armed || plan.calls++ != plan.at)
        return false;
    plan.call = call;
    if (plan.error > 0)
        errno = plan.error;
    return true;
}

int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...); /* its name with 64-bit file offsets */
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __real_pread(int fd, void *bytes, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at);
ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off_t at); /* 64-bit file offsets */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static int open_or_fail(const char *path, int flags, va_list args)
{
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg(args, int) : 0;
    return fails(CALL_OPEN) && plan.error > 0 ? -1 : __real_open(path, flags, mode);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int fd = open_or_fail(path, flags, args);
    va_end(args);
    return fd;
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int fd = open_or_fail(path, flags, args);
    va_end(args);
    return fd;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    if (!fails(CALL_WRITE))
        return __real_write(fd, bytes, size);
    return plan.error > 0 ? -1 : __real_write(fd, bytes, size > 1 ? size / 2 : size);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at)
{
    if (!fails(CALL_READ))
        return __real_pread(fd, bytes, size, at);
    return plan.error > 0 ? -1 : __real_pread(fd, bytes, size > 1 ? size / 2 : size, at);
}

ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off_t at)
{
    return __wrap_pread(fd, bytes, size, at);
}

int __wrap_fsync(int fd)
{
    if (plan.armed && plan.syncs_failed > 0 && fd == plan.last_sync)
        plan.syncs_after++;
    if (fails(CALL_FSYNC) && plan.error > 0) {
        plan.syncs_failed++;
        plan.last_sync = fd;
        return -1;
    }
    return __real_fsync(fd);
}

int __wrap_close(int fd)
{
    int result = __real_close(fd); /* Linux: closed even when it reports a failure */
    return fails(CALL_CLOSE) && plan.error > 0 ? -1 : result;
}

int __wrap_link(const char *from, const char *to)
{
    return fails(CALL_LINK) && plan.error > 0 ? -1 : __real_link(from, to);
}

int __wrap_rename(const char *from, const char *to)
{
    return fails(CALL_RENAME) && plan.error > 0 ? -1 : __real_rename(from, to);
}

static void arm(int error, size_t at)
{
    memset(&plan, 0, sizeof plan);
    plan.armed = true;
    plan.error = error;
    plan.at = at;
}

/* The next free descriptor: grows when one stays open. */
static int next_descriptor(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

/* Whether the save must succeed although this call failed in this way. */
static bool harmless(void)
{
    if (plan.error == SHORT_WRITE)
        return true;
    switch (plan.call) {
    case CALL_OPEN:
    case CALL_WRITE:
        return plan.error == EINTR;
    case CALL_CLOSE: /* of the folder, after everything; or interrupted, but closed */
        return plan.error == EINTR || plan.calls == plan.at + 1;
    case CALL_LINK: /* a file system without hard links */
        return plan.error == EPERM;
    default:
        return false;
    }
}

/* Saves `model` over a file `old`[old_size] (NULL: no file) with call number `at` failing. Returns
 * false when there are fewer calls. */
static bool try_save(const lam_model *model, const void *old, size_t old_size, int error, size_t at)
{
    char folder[256], path[512];
    scratch_make(folder);
    scratch_path(folder, "m", path);
    if (old)
        scratch_write(path, old, old_size);
    int descriptor = next_descriptor();
    arm(error, at);
    lam_status status = lam_model_save(model, path);
    plan.armed = false;
    bool reached = plan.calls > plan.at;
    cr_assert_eq(next_descriptor(), descriptor, "a descriptor stays open");
    cr_assert_eq(plan.syncs_after, 0, "a failed fsync was retried");

    size_t size;
    unsigned char *bytes = scratch_read(path, &size);
    cr_assert_eq(status == LAM_OK, !reached || harmless(), "call %zu, errno %d: %s", at, error,
                 status == LAM_OK ? "unnoticed" : lam_error_message());
    if (status == LAM_OK) {
        lam_model *loaded = lam_model_load(path);
        cr_assert(loaded && same_model(model, loaded), "%s", lam_error_message());
        lam_model_free(loaded);
        cr_assert_eq(scratch_count(folder), 1, "call %zu, errno %d", at, error);
    } else {
        cr_assert(reached, "%s", lam_error_message());
        cr_assert_eq(status, LAM_ERR_IO, "%s", lam_error_message());
        cr_assert(strstr(lam_error_message(), strerror(error)), "%s", lam_error_message());
        cr_assert_eq(scratch_count(folder), old ? 1 : 0, "call %zu, errno %d", at, error);
        cr_assert(old ? bytes && size == old_size && memcmp(bytes, old, size) == 0 : !bytes,
                  "call %zu, errno %d: the old file has changed", at, error);
    }
    free(bytes);
    scratch_remove(folder);
    return reached;
}

Test(save_faults, every_call)
{
    static const int errors[] = {EIO, ENOSPC, EINTR, EPERM, EDQUOT, EFBIG, SHORT_WRITE};
    lam_model *model = sample_model();
    cr_assert_not_null(model, "%s", lam_error_message());
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        for (int had_file = 0; had_file < 2; had_file++) {
            size_t at = 0;
            while (try_save(model, had_file ? "precious" : NULL, 8, errors[i], at))
                at++;
            cr_assert(at >= 9, "%zu calls seen", at);
        }
    lam_model_free(model);
}

/* The file is on the disk before it takes the name, the name before the save returns. */
Test(save_faults, order_of_calls)
{
    char folder[256], path[512];
    lam_model *model = sample_model();
    scratch_make(folder);
    scratch_path(folder, "m", path);
    arm(EIO, SIZE_MAX);
    lam_status status = lam_model_save(model, path);
    plan.armed = false;
    cr_assert_eq(status, LAM_OK, "%s", lam_error_message());
    const char *written = strrchr(plan.order, 'w');
    cr_assert(strncmp(plan.order, "oow", 3) == 0, "%s", plan.order);
    cr_assert(written && strcmp(written, "wfclrfc") == 0, "%s", plan.order);
    lam_model_free(model);
    scratch_remove(folder);
}

Test(load_faults, every_call)
{
    static const int errors[] = {EIO, EINTR, EACCES, SHORT_WRITE};
    char folder[256], path[512];
    lam_model *model = sample_model();
    scratch_make(folder);
    cr_assert_eq(lam_model_save(model, scratch_path(folder, "m", path)), LAM_OK);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        for (size_t at = 0;; at++) {
            int descriptor = next_descriptor();
            arm(errors[i], at);
            lam_model *loaded = lam_model_load(path);
            plan.armed = false;
            cr_assert_eq(next_descriptor(), descriptor);
            bool harmful = plan.calls > at && plan.call != CALL_CLOSE &&
                           (errors[i] == EIO || errors[i] == EACCES);
            cr_assert_eq(loaded == NULL, harmful, "call %zu, errno %d: %s", at, errors[i],
                         loaded ? "unnoticed" : lam_error_message());
            cr_assert(harmful || same_model(model, loaded));
            if (harmful) {
                cr_assert_eq(lam_error_status(), LAM_ERR_IO);
                cr_assert(strstr(lam_error_message(), path), "%s", lam_error_message());
            }
            lam_model_free(loaded);
            if (plan.calls <= at) {
                cr_assert(at >= 3, "open, read, close");
                break;
            }
        }
    lam_model_free(model);
    scratch_remove(folder);
}
