/* test_checkpoint_faults.c: every system call of a run with checkpoints fails in turn: that is
 * told, training goes on, and the last good checkpoint stays. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/scratch.h"
#include "small_run.h"
#include "wrapped_calls.h"

/* Whether nothing is lost by this failure, so that nothing need be told of it. */
static bool harmless(int error, watched_call call)
{
    if (error == SHORT_WRITE) /* of other calls nothing becomes */
        return true;
    switch (call) {
    case CALL_OPEN: /* the folder: interrupted, tried again */
    case CALL_CREATE:
    case CALL_WRITE:
    case CALL_CLOSE:
        return error == EINTR;
    case CALL_SYNCDIR: /* a file system that cannot do that */
        return error == EROFS;
    case CALL_UNLINK: /* what cannot be removed stays */
    case CALL_LOCK:   /* a file system without locks */
        return true;
    default:
        return false;
    }
}

/* How many failures were told, and how many lost nothing. */
static size_t told, silent;

/* False when there are fewer calls. */
static bool try_run(const small_run *whole, int error, size_t at)
{
    char folder[256], checkpoints[512];
    scratch_make(folder);
    scratch_path(folder, "c", checkpoints);
    small_run run = {.checkpoints = checkpoints};
    watch_arm(error, at, false);
    small_run_train(&run);
    watch_disarm();
    const bool reached = watched.calls > at;
    const char *name = reached ? call_names[watched.failed] : "none";
    const bool expected = reached && !harmless(error, watched.failed);
    const bool was_told = run.status != LAM_OK || run.failed > 0;
    /* opening the folder above is only for its fsync, and that may not be */
    if (!(reached && watched.failed == CALL_OPEN && !was_told))
        cr_expect_eq(was_told, expected, "call %zu (%s), errno %d: %s", at, name, error,
                     was_told ? lam_error_message() : "not told");
    told += was_told;
    silent += reached && !was_told;
    if (run.status != LAM_OK)
        cr_expect_eq(run.status, LAM_ERR_IO, "%s", lam_error_message());
    if (run.kept > 0) /* training went to its end whatever the checkpoints did */
        cr_expect_arr_eq(run.parameters, whole->parameters, sizeof run.parameters);

    small_run again = {.checkpoints = checkpoints, .resume = true};
    small_run_train(&again);
    cr_expect_eq(again.status, LAM_OK, "%s", lam_error_message());
    cr_expect_eq(again.damaged, 0, "call %zu (%s), errno %d: damaged", at, name, error);
    cr_expect_geq(again.resumed_at, run.last_kept, "call %zu (%s), errno %d: lost", at, name,
                  error);
    cr_expect_arr_eq(again.parameters, whole->parameters, sizeof again.parameters);
    scratch_remove(folder);
    return reached;
}

Test(checkpoint_faults, every_call, .timeout = 300)
{
    /* of a limit on files and of a quota, which say the same, one at every other call */
    static const int errors[][2] = {{ENOSPC, ENOSPC},          {EFBIG, EDQUOT}, {EIO, EIO},
                                    {EACCES, EACCES},          {EROFS, EROFS},  {EINTR, EINTR},
                                    {SHORT_WRITE, SHORT_WRITE}};
    small_run whole = {.checkpoints = NULL};
    small_run_in_memory();
    size_t calls = 0;
    small_run_train(&whole);
    cr_assert_eq(whole.status, LAM_OK, "%s", lam_error_message());
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        size_t at = 0;
        while (try_run(&whole, errors[i][at % 2], at))
            at++;
        cr_assert_geq(at, 30, "%zu calls seen", at);
        calls += at;
    }
    printf("%zu failing calls: %zu told, %zu that lose nothing; 0 checkpoints lost\n", calls, told,
           silent);
}
