/* write_all.c: writing to a descriptor, with every failure an errno. */
#include "io/write_all.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* One write of more than this is cut short by some systems. */
#define LAM__WRITE_MOST ((size_t)1 << 30)

static int write_bytes(int fd, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, bytes, size < LAM__WRITE_MOST ? size : LAM__WRITE_MOST);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Takes the signal that a failed write has left pending for this thread, if it has. */
static void consume(int number)
{
    sigset_t pending, only;
    int taken;
    if (sigpending(&pending) != 0 || sigismember(&pending, number) != 1)
        return;
    sigemptyset(&only);
    sigaddset(&only, number);
    sigwait(&only, &taken);
}

int lam__write_all(int fd, const void *bytes, size_t size)
{
    sigset_t both, former, pending;
    sigemptyset(&both);
    sigaddset(&both, SIGXFSZ);
    sigaddset(&both, SIGPIPE);
    sigpending(&pending); /* one from before is the program's */
    pthread_sigmask(SIG_BLOCK, &both, &former);
    const int error = write_bytes(fd, bytes, size);
    const int number = error == EFBIG ? SIGXFSZ : error == EPIPE ? SIGPIPE : 0;
    if (number && sigismember(&pending, number) != 1)
        consume(number);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return error;
}
