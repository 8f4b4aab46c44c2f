/* path_probe.c: a look at a path before anything is read. */
#include "io/path_probe.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "base/error.h"
#include "io/byte_source.h"
#include "io/file_read.h"

static lam_status read_head(lam__path_probe *place)
{
    lam__byte_source source;
    LAM__TRY(lam__byte_source_open(&source, place->path));
    place->gzip = source.gzip;
    /* what cannot be unpacked is for the format to complain about */
    if (lam__byte_source_read(&source, place->head, sizeof place->head, &place->head_size) !=
        LAM_OK)
        place->head_size = 0;
    lam__byte_source_close(&source);
    return LAM_OK;
}

lam_status lam__path_probe_look(const char *path, lam__path_probe *place)
{
    struct stat info;
    *place = (lam__path_probe){.path = path};
    if (stat(path, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return LAM_OK;
        return lam__fail_errno("cannot look at", path, errno);
    }
    place->exists = true;
    place->folder = S_ISDIR(info.st_mode);
    place->file = S_ISREG(info.st_mode);
    place->size = (uint64_t)info.st_size;
    if (!place->file)
        return LAM_OK;
    const lam_status status = read_head(place);
    /* a build without zlib still says what it sees */
    return status == LAM_ERR_UNSUPPORTED ? LAM_OK : status;
}

/* Whether text[*length] ends so; then *length becomes what is before it. */
static bool cut_ending(const char *text, size_t *length, const char *ending)
{
    const size_t n = strlen(ending);
    if (*length < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lam__lower(text[*length - n + i]) != ending[i])
            return false;
    *length -= n;
    return true;
}

bool lam__path_probe_ends(const lam__path_probe *place, const char *const *endings)
{
    size_t length = strlen(place->path);
    cut_ending(place->path, &length, ".gz");
    for (size_t i = 0; endings[i]; i++)
        if (cut_ending(place->path, &length, endings[i]))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Some names of a folder's entries: the first in order of those looked at. */
static void describe_folder(const lam__path_probe *place, char *text, size_t size)
{
    enum { LOOKED_AT = 64, SHOWN = 4, LONGEST = 48 };
    char names[LOOKED_AT][LONGEST];
    size_t count = 0;
    DIR *folder = opendir(place->path);
    if (!folder) {
        snprintf(text, size, "a folder that cannot be read");
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        if (count < LOOKED_AT)
            snprintf(names[count], LONGEST, "%.40s", entry->d_name);
        count++;
    }
    closedir(folder);
    if (count == 0) {
        snprintf(text, size, "an empty folder");
        return;
    }
    qsort(names, count < LOOKED_AT ? count : LOOKED_AT, LONGEST, by_name);
    int at = snprintf(text, size, "a folder with %zu entr%s: ", count, count == 1 ? "y" : "ies");
    for (size_t i = 0; i < count && i < SHOWN && at > 0 && (size_t)at < size; i++)
        at += snprintf(text + at, size - (size_t)at, "%s%s", i > 0 ? ", " : "", names[i]);
    if (count > SHOWN && at > 0 && (size_t)at < size)
        snprintf(text + at, size - (size_t)at, " ...");
}

void lam__path_probe_describe(const lam__path_probe *place, char *text, size_t size)
{
    enum { SHOWN = 8 };
    if (place->folder) {
        describe_folder(place, text, size);
        return;
    }
    if (!place->file || place->size == 0) {
        snprintf(text, size, "%s",
                 !place->exists ? "nothing"
                 : !place->file ? "no regular file"
                                : "an empty file");
        return;
    }
    int at = snprintf(text, size, "a %sfile of %" PRIu64 " byte%s", place->gzip ? "gzipped " : "",
                      place->size, place->size == 1 ? "" : "s");
    if (place->head_size > 0 && at > 0 && (size_t)at < size)
        at += snprintf(text + at, size - (size_t)at, " that begins with");
    for (size_t i = 0; i < place->head_size && i < SHOWN && at > 0 && (size_t)at < size; i++)
        at += snprintf(text + at, size - (size_t)at, " %02x", place->head[i]);
}
