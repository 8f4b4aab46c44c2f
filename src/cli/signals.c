/* signals.c: the standard descriptors and the signals of the command. */
#include "signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Seconds in which a signal that comes again is the same request: timeout(1) sends it to its child
 * and, right after, to its group, of which the child is one. */
static const double SAME_REQUEST = 0.25;

static volatile sig_atomic_t caught;
static struct timespec first_caught;

/* One that was closed is opened the wrong way round: to use it stays an error. Messages may vanish.
 */
static void open_standard(int descriptor, int mode)
{
    if (fcntl(descriptor, F_GETFD) < 0) {
        const int opened = open("/dev/null", mode);
        if (opened >= 0 && opened != descriptor)
            close(opened); /* a lower one is closed as well: it cannot be helped */
    }
}

void cli_prepare_process(void)
{
    open_standard(STDIN_FILENO, O_WRONLY);
    open_standard(STDOUT_FILENO, O_RDONLY);
    open_standard(STDERR_FILENO, O_WRONLY);
    signal(SIGXFSZ, SIG_IGN);
}

static void note(int number)
{
    caught = number;
}

/* The second request ends the process. No two of these run at a time. */
static void note_or_end(int number)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        now = (struct timespec){0};
    if (!caught)
        first_caught = now;
    const double passed = (double)(now.tv_sec - first_caught.tv_sec) +
                          1e-9 * (double)(now.tv_nsec - first_caught.tv_nsec);
    if (caught && passed > SAME_REQUEST) {
        signal(number, SIG_DFL);
        raise(number); /* delivered when this returns */
    }
    caught = number;
}

static void catch_signal(int number, void (*handler)(int))
{
    /* restarted: a line of output that waits for its reader is not cut off */
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction old;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGHUP);
    sigaddset(&action.sa_mask, SIGXCPU);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

/* Where the time of the processor is limited, SIGXCPU comes at the soft limit and SIGKILL at the
 * hard one. Where they are the same, there is none: then the soft one is put a second before. */
static void leave_time_to_save(void)
{
    struct rlimit time;
    if (getrlimit(RLIMIT_CPU, &time) == 0 && time.rlim_cur != RLIM_INFINITY &&
        time.rlim_cur == time.rlim_max && time.rlim_cur > 1) {
        time.rlim_cur--;
        setrlimit(RLIMIT_CPU, &time);
    }
}

void cli_catch_signals(void)
{
    catch_signal(SIGINT, note_or_end);
    catch_signal(SIGTERM, note_or_end);
    catch_signal(SIGHUP, note);
    catch_signal(SIGXCPU, note);
    signal(SIGPIPE, SIG_IGN);
    leave_time_to_save();
}

int cli_caught_signal(void)
{
    return caught;
}

void cli_end_without_waiting(int status)
{
#ifdef RLIMIT_AS
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        _exit(status);
#else
    (void)status;
#endif
}

void cli_end_by_signal(int number)
{
    const struct rlimit none = {0, 0};
    sigset_t only;
    setrlimit(RLIMIT_CORE, &none); /* SIGXCPU would leave a core, but nothing went wrong */
    signal(number, SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
}
