/* test_write_all.c: signals that a limit or a pipe sends to who writes. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "io/write_all.h"

static volatile sig_atomic_t received;

static void receive(int number)
{
    received = number;
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Neither blocked nor pending: as the program left it. */
static void expect_untouched(int number)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    cr_assert_eq(sigismember(&set, number), 0);
    sigpending(&set);
    cr_assert_eq(sigismember(&set, number), 0);
}

/* More than a file may hold: with the signal as it is at the start of a program, which it ends, and
 * with a handler of the program's. */
Test(write_all, file_too_large)
{
    static const char bytes[5000];
    char folder[256], path[512];
    struct sigaction mine = {.sa_handler = receive}, after;
    scratch_make(folder);
    scratch_path(folder, "f", path);
    for (int handled = 0; handled <= 1; handled++) {
        signal(SIGXFSZ, SIG_DFL);
        if (handled)
            sigaction(SIGXFSZ, &mine, NULL);
        const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        limit_files(4096);
        const int first = lam__write_all(fd, bytes, 4000);
        const int second = lam__write_all(fd, bytes, sizeof bytes);
        limit_files(RLIM_INFINITY);
        cr_assert_eq(first, 0);
        cr_assert_eq(second, EFBIG);
        close(fd);
        expect_untouched(SIGXFSZ);
        sigaction(SIGXFSZ, NULL, &after);
        cr_assert(handled ? after.sa_handler == receive : after.sa_handler == SIG_DFL);
    }
    cr_assert_eq(received, 0);
    scratch_remove(folder);
}

Test(write_all, pipe_without_a_reader)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_assert_eq(lam__write_all(ends[1], "x", 1), EPIPE);
    expect_untouched(SIGPIPE);
    close(ends[1]);
    cr_assert_eq(lam__write_all(ends[1], "x", 1), EBADF);
}

/* A signal of the program's own that was blocked and waits is not taken from it. */
Test(write_all, a_signal_that_waited)
{
    int ends[2];
    sigset_t set;
    struct sigaction mine = {.sa_handler = receive};
    sigaction(SIGPIPE, &mine, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGPIPE);
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_assert_eq(lam__write_all(ends[1], "x", 1), EPIPE);
    close(ends[1]);
    cr_assert_eq(received, 0);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    cr_assert_eq(received, SIGPIPE);
}

/* A model, a checkpoint of a trainer and C source behind a limit: an error, the old file whole, and
 * the model still there to be saved elsewhere. */
Test(write_all, models)
{
    char folder[256], path[512];
    if (strcmp(lam_build_info("json"), "yes") != 0)
        cr_skip_test("no JSON, no model files");
    scratch_make(folder);
    scratch_path(folder, "m.safetensors", path);
    lam_model *small = lam_model_new(2), *large = lam_model_new(100);
    cr_assert_eq(lam_model_add_layers(small, "2:relu"), LAM_OK);
    cr_assert_eq(lam_model_add_layers(large, "100:relu"), LAM_OK);
    cr_assert_eq(lam_model_initialize(small, 1, NULL), LAM_OK);
    cr_assert_eq(lam_model_initialize(large, 1, NULL), LAM_OK);
    cr_assert_eq(lam_model_save(small, path), LAM_OK);
    lam_trainer *trainer = lam_trainer_new(large, NULL);
    signal(SIGXFSZ, SIG_DFL);
    limit_files(8192);
    const lam_status saved = lam_model_save(large, path);
    const bool named = strstr(lam_error_message(), "File too large") != NULL;
    const lam_status kept = lam_trainer_save(trainer, path);
    limit_files(RLIM_INFINITY);
    cr_assert_eq(saved, LAM_ERR_IO);
    cr_assert(named, "%s", lam_error_message());
    cr_assert_eq(kept, LAM_ERR_IO);
    cr_assert_eq(scratch_count(folder), 1, "nothing is left beside the old file");
    lam_model *old = lam_model_load(path);
    cr_assert_not_null(old, "%s", lam_error_message());
    cr_assert_eq(lam_model_features(old), 2);
    cr_assert_eq(lam_model_save(large, path), LAM_OK);
    lam_model_free(old);
    lam_trainer_free(trainer);
    lam_model_free(small);
    lam_model_free(large);
    scratch_remove(folder);
}
