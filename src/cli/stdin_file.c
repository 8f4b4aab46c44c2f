/* stdin_file.c: standard input and pipes as files, which can be read from any place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { MOST_PIPES = 64 };

/* A pipe that has been copied, and where to. */
typedef struct copied_pipe {
    dev_t device;
    ino_t number;
    char path[32];
} copied_pipe;

static bool copy(int from, int to)
{
    char buffer[1 << 16];
    for (;;) {
        const ssize_t got = read(from, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        for (ssize_t done = 0; done < got;) {
            const ssize_t n = write(to, buffer + done, (size_t)(got - done));
            if (n < 0 && errno != EINTR)
                return false;
            done += n > 0 ? n : 0;
        }
    }
}

/* A file without a name, which goes with the process; -1 with errno. */
static int open_nameless(void)
{
    char path[4096];
    const char *folder = getenv("TMPDIR");
    const int length =
        snprintf(path, sizeof path, "%s/lamina-XXXXXX", folder && *folder ? folder : "/tmp");
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int fd = mkstemp(path);
    if (fd >= 0)
        unlink(path);
    return fd;
}

/* Puts a file with what comes from `fd` in its place. */
static bool replace(int fd)
{
    const int file = open_nameless();
    const bool good = file >= 0 && copy(fd, file) && dup2(file, fd) >= 0;
    const int error = errno;
    if (file >= 0)
        close(file);
    errno = error;
    return good;
}

static const char *spool_standard_input(void)
{
    static bool taken;
    struct stat info;
    if (taken) {
        cli_error("standard input ('-') can be read only once");
        return NULL;
    }
    taken = true;
    if ((fstat(STDIN_FILENO, &info) == 0 && S_ISREG(info.st_mode)) || replace(STDIN_FILENO))
        return "/dev/stdin";
    cli_error("cannot copy standard input to a temporary file: %s", strerror(errno));
    return NULL;
}

bool cli_take_input(const char **operand)
{
    const char *path = *operand ? cli_input_path(*operand) : NULL;
    const bool good = path || !*operand;
    *operand = path;
    return good;
}

const char *cli_input_path(const char *operand)
{
    static copied_pipe pipes[MOST_PIPES];
    static int count;
    struct stat info;
    if (strcmp(operand, "-") == 0)
        return spool_standard_input();
    if (stat(operand, &info) != 0 || !S_ISFIFO(info.st_mode))
        return operand;
    for (int i = 0; i < count; i++)
        if (pipes[i].device == info.st_dev && pipes[i].number == info.st_ino) {
            cli_error("the pipe '%s' can be read only once", operand);
            return NULL;
        }
    const int fd = count < MOST_PIPES ? open(operand, O_RDONLY) : -1;
    if (fd < 0 || !replace(fd)) {
        cli_error("cannot copy the pipe '%s' to a temporary file: %s", operand,
                  count < MOST_PIPES ? strerror(errno) : "too many pipes");
        return NULL;
    }
    pipes[count].device = info.st_dev;
    pipes[count].number = info.st_ino;
    snprintf(pipes[count].path, sizeof pipes[count].path, "/dev/fd/%d", fd);
    return pipes[count++].path;
}
