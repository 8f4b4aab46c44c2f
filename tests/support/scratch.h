/* scratch.h: a temporary folder for tests, and whole files in it. */
#ifndef LAMINA_TEST_SCRATCH_H
#define LAMINA_TEST_SCRATCH_H

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes an empty folder under the system's place for temporary files and writes its path. */
static inline void scratch_make(char folder[256])
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, 256, "%.200s/lamina-test-XXXXXX", base && base[0] ? base : "/tmp");
    if (!mkdtemp(folder))
        abort();
}

static inline const char *scratch_path(const char *folder, const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s", folder, name);
    return path;
}

static inline void scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}

/* Writes a text to FOLDER/NAME, and makes the folders on the way to it. */
static inline void scratch_put(const char *folder, const char *name, const char *text)
{
    char path[512];
    scratch_path(folder, name, path);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0700);
    }
    scratch_write(path, text, strlen(text));
}

/* The bytes of a file, to be freed; NULL when there is none. */
static inline unsigned char *scratch_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    *size = 0;
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) != 0)
        abort();
    long length = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc((size_t)length + 1);
    if (!bytes || fread(bytes, 1, (size_t)length, file) != (size_t)length)
        abort();
    fclose(file);
    *size = (size_t)length;
    return bytes;
}

/* Number of entries in a folder. */
static inline size_t scratch_count(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;
    if (!dir)
        abort();
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

/* Removes a folder and the files and links in it. */
static inline void scratch_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    char path[1024];
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%.511s/%.255s", folder, entry->d_name);
        if (unlink(path) != 0)
            scratch_remove(path);
    }
    closedir(dir);
    rmdir(folder);
}

#endif
