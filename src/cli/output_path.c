/* output_path.c: whether a file may be written, asked before the work is done. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "output_path.h"

#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { LONGEST_PATH = 4096, OPEN_FOLDERS = 16 };

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The folder of a path, in folder[size]; false when it is too long. */
static bool folder_of(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    const size_t length = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    if (length >= size)
        return false;
    memcpy(folder, length > 0 ? path : ".", length > 0 ? length : 2);
    folder[length > 0 ? length : 1] = '\0';
    return true;
}

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What nftw looks for: it hands its callback nothing of the caller's. */
static const struct stat *wanted;

static int compare_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)path, (void)place;
    return type == FTW_F && is_same(info, wanted);
}

/* Whether a file is an input, or in a folder that is one: by any name, through links. */
static bool is_read(const struct stat *file, const char *input, bool deep)
{
    struct stat info;
    if (input && strcmp(input, "-") == 0 && fstat(STDIN_FILENO, &info) == 0 && is_same(file, &info))
        return true; /* as in: train - -o FILE < FILE */
    if (!input || stat(input, &info) != 0)
        return false;
    if (!S_ISDIR(info.st_mode))
        return is_same(file, &info);
    wanted = file;
    return deep && nftw(input, compare_entry, OPEN_FOLDERS, 0) == 1;
}

int cli_check_printing(const char *input)
{
    struct stat file, stream;
    if (!input || fstat(STDOUT_FILENO, &stream) != 0 || !S_ISREG(stream.st_mode) ||
        (strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, &file) : stat(input, &file)) != 0 ||
        !is_same(&file, &stream))
        return CLI_SUCCESS;
    cli_error("cannot read '%s': standard output goes there", input);
    return CLI_USAGE;
}

/* Where a file can be made at all. */
static int check_place(const char *path)
{
    char folder[LONGEST_PATH];
    struct stat info;
    int reason = 0;
    if (!*file_of(path)) {
        cli_error("cannot write '%s': no file name", path);
        return CLI_FAILURE;
    }
    if (!folder_of(path, folder, sizeof folder)) {
        cli_error("cannot write '%s': %s", path, strerror(ENAMETOOLONG));
        return CLI_FAILURE;
    }
    /* A device says more about the mistake than that its folder belongs to root. */
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return lam_output_check(path) == LAM_OK ? CLI_SUCCESS : cli_failed();
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
    return lam_output_check(path) == LAM_OK ? CLI_SUCCESS : cli_failed();
}

/* Checkpoints have their folder for themselves, and their names in it. */
static int check_checkpoints(const cli_output *output)
{
    char above[LONGEST_PATH], beside[LONGEST_PATH];
    struct stat a, b;
    const char *checkpoints = output->checkpoints;
    if (!checkpoints || !folder_of(output->path, beside, sizeof beside) || stat(beside, &b) != 0)
        return CLI_SUCCESS;
    const bool inside = stat(checkpoints, &a) == 0 && is_same(&a, &b) &&
                        strncmp(file_of(output->path), "checkpoint-", 11) == 0;
    const bool same = folder_of(checkpoints, above, sizeof above) && stat(above, &a) == 0 &&
                      is_same(&a, &b) && strcmp(file_of(checkpoints), file_of(output->path)) == 0;
    if (!inside && !same)
        return CLI_SUCCESS;
    cli_error("cannot write '%s': that name is reserved for the checkpoints in '%s'", output->path,
              checkpoints);
    return CLI_USAGE;
}

/* What would be lost if the file were replaced. */
static int check_former(const cli_output *output, const struct stat *file)
{
    const char *path = output->path;
    const bool own = file->st_size == 0 || lam_output_is_own(path);
    struct stat stream;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (fstat(fd, &stream) == 0 && is_same(file, &stream)) {
            cli_error("cannot write '%s': standard %s goes there", path,
                      fd == STDOUT_FILENO ? "output" : "error");
            return CLI_USAGE;
        }
    for (size_t i = 0; i < sizeof output->inputs / sizeof *output->inputs; i++)
        if (is_read(file, output->inputs[i], !own)) {
            cli_error("cannot write '%s': it is read as '%s', and input files are never replaced",
                      path, output->inputs[i]);
            return CLI_USAGE;
        }
    if (output->force || (own && file->st_mode & 0222))
        return CLI_SUCCESS;
    if (own)
        cli_error("cannot write '%s': it is write-protected; --force replaces it", path);
    else
        cli_error("cannot write '%s': it exists, and Lamina did not write it; give another name, "
                  "or --force to replace it",
                  path);
    return CLI_FAILURE;
}

int cli_check_output(const cli_output *output)
{
    struct stat file;
    int status = check_place(output->path);
    if (status == CLI_SUCCESS)
        status = check_checkpoints(output);
    if (status == CLI_SUCCESS && stat(output->path, &file) == 0)
        status = check_former(output, &file);
    return status;
}
