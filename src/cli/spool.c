/* spool.c: standard input as a file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static bool copy(FILE *to)
{
    char buffer[1 << 16];
    for (;;) {
        const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 && fflush(to) == 0;
        if (fwrite(buffer, 1, (size_t)got, to) != (size_t)got)
            return false;
    }
}

const char *cli_spool_input(void)
{
    static const char path[] = "/dev/stdin";
    struct stat info;
    if (fstat(STDIN_FILENO, &info) == 0 && S_ISREG(info.st_mode))
        return path;
    FILE *file = tmpfile(); /* has no name any more, and goes with the process */
    if (!file || !copy(file) || dup2(fileno(file), STDIN_FILENO) < 0) {
        cli_error("cannot copy standard input to a temporary file: %s", strerror(errno));
        if (file)
            fclose(file);
        return NULL;
    }
    fclose(file);
    return path;
}
