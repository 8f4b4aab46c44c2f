/* output_path.c: whether a file can be written, asked before the work is done. */
#include "output_path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { LONGEST_PATH = 4096 };

int cli_check_output(const char *path)
{
    char folder[LONGEST_PATH];
    struct stat info;
    const char *slash = strrchr(path, '/');
    const size_t length = slash ? (size_t)(slash - path) : 0;
    if (!*path || (slash && !slash[1])) {
        cli_error("cannot write '%s': no file name", path);
        return CLI_FAILURE;
    }
    if (strlen(path) >= sizeof folder) {
        cli_error("cannot write '%s': %s", path, strerror(ENAMETOOLONG));
        return CLI_FAILURE;
    }
    /* The file is replaced by a rename, which would take the place of a device or a pipe. */
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        cli_error("cannot write '%s': it is %s", path,
                  S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
        return CLI_FAILURE;
    }
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    if (length == 0)
        strcpy(folder, slash ? "/" : ".");
    int reason = 0;
    if (stat(folder, &info) != 0)
        reason = errno;
    else if (!S_ISDIR(info.st_mode))
        reason = ENOTDIR;
    else if (access(folder, W_OK | X_OK) != 0)
        reason = errno;
    if (reason) {
        cli_error("cannot write '%s': folder '%s': %s", path, folder, strerror(reason));
        return CLI_FAILURE;
    }
    return CLI_SUCCESS;
}
