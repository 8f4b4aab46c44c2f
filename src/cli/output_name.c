/* output_name.c: what the extension of an output says, and other places for a model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "output_path.h"

enum { LONGEST_PATH = 4096, NAMES_TRIED = 100 };

/* Extensions by which other programs, and people, know files that are none of Lamina's. */
static const char *const others[] = {
    "arrow", "bmp", "bz2",    "cc",   "cpp",     "csv",  "db",  "feather", "gguf",  "gif",
    "gz",    "h",   "hpp",    "html", "ipynb",   "jpeg", "jpg", "json",    "jsonl", "mat",
    "md",    "npy", "npz",    "ods",  "parquet", "pb",   "pdf", "png",     "py",    "sqlite",
    "tab",   "tar", "tflite", "tif",  "tiff",    "toml", "tsv", "txt",     "webp",  "xls",
    "xlsx",  "xml", "xz",     "yaml", "yml",     "zip",
};

/* The extension of a path, without its point; NULL where it has none. */
static const char *extension_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot > name && dot[1] ? dot + 1 : NULL;
}

static bool is_other(const char *extension)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(extension, others[i]) == 0)
            return true;
    return false;
}

int cli_check_extension(const char *path, const char *format, const char *what)
{
    const char *extension = extension_of(path);
    const char *says = lam_model_format_by_extension(path);
    lam_model_format_info info = {.name = NULL}, own;
    if (!extension || (says ? strcmp(says, format) == 0
                            : strcasecmp(extension, format) == 0 || !is_other(extension)))
        return CLI_SUCCESS;
    const bool is_model = lam_model_format(format, &own) == LAM_OK;
    const int ending = is_model ? (int)strcspn(own.extensions, " ") : (int)strlen(format);
    const char *usual = is_model ? own.extensions : format;
    const int stem = (int)(extension - 1 - path);
    if (says && lam_model_format(says, &info) == LAM_OK && info.can_write &&
        strcmp(format, "safetensors") == 0)
        cli_error(
            "'%s' is a name for %s, and %s is written as %s: name it '%.*s.%.*s', then lamina "
            "convert '%.*s.%.*s' '%s'",
            path, says, what, format, stem, path, ending, usual, stem, path, ending, usual, path);
    else if (says && info.name && !info.can_write)
        cli_error(
            "'%s' is a name for %s, which can be read but not written: %s is written as %s, name "
            "it '%.*s.%.*s'",
            path, says, what, format, stem, path, ending, usual);
    else
        cli_error("'%s' is a name for another kind of file, and %s is written as %s: name it "
                  "'%.*s.%.*s'",
                  path, what, format, stem, path, ending, usual);
    return CLI_USAGE;
}

/* A path in the folder that nothing has yet; false when there is none. */
static bool find_free(const char *folder, size_t length, char *path, size_t size)
{
    struct stat info;
    for (int i = 0; i < NAMES_TRIED; i++) {
        const int used = snprintf(path, size, "%.*s/lamina-model-%ld-%d.safetensors", (int)length,
                                  folder, (long)getpid(), i);
        if (used < 0 || (size_t)used >= size)
            return false;
        if (lstat(path, &info) != 0)
            return true;
    }
    return false;
}

/* The same in a folder made for it, for a place where others may write and put links. */
static bool make_own(const char *folder, char *path, size_t size)
{
    static const char name[] = "/model.safetensors";
    const int used = snprintf(path, size, "%s/lamina-XXXXXX", folder);
    if (used < 0 || (size_t)used + sizeof name > size || !mkdtemp(path))
        return false;
    memcpy(path + used, name, sizeof name);
    return true;
}

int cli_save_model(const lam_model *model, const char *path)
{
    if (lam_model_save(model, path) == LAM_OK)
        return CLI_SUCCESS;
    const bool elsewhere = lam_error_status() == LAM_ERR_IO;
    cli_failed();
    if (!elsewhere)
        return CLI_FAILURE;
    const char *slash = strrchr(path, '/'), *temporary = getenv("TMPDIR");
    const char *folders[] = {slash ? path : ".", ".", temporary && *temporary ? temporary : "/tmp",
                             "/tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char other[LONGEST_PATH];
        const size_t length = i == 0 && slash ? (size_t)(slash - path) : strlen(folders[i]);
        const bool shared = i >= 2;
        if ((shared ? make_own(folders[i], other, sizeof other)
                    : find_free(folders[i], length, other, sizeof other)) &&
            lam_model_save(model, other) == LAM_OK) {
            cli_error("the model is saved in '%s' instead", other);
            return CLI_FAILURE;
        }
    }
    cli_error("nor could it be saved elsewhere: %s", lam_error_message());
    return CLI_FAILURE;
}
