/* signals.c: the standard descriptors and the signals of the command. */
#include "signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

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

static void catch_signal(int number, bool once)
{
    /* restarted: a line of output that waits for its reader is not cut off */
    struct sigaction action = {.sa_handler = note,
                               .sa_flags = (once ? (int)SA_RESETHAND : 0) | SA_RESTART};
    struct sigaction old;
    sigemptyset(&action.sa_mask);
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
    catch_signal(SIGINT, true);
    catch_signal(SIGTERM, true);
    catch_signal(SIGHUP, false);
    catch_signal(SIGXCPU, false);
    signal(SIGPIPE, SIG_IGN);
    leave_time_to_save();
}

int cli_caught_signal(void)
{
    return caught;
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
