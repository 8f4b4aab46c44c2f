/* image_files.c: the image files of a folder of class folders, in an order of their own. */
#include "data/readers/images/image_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/memory.h"
#include "io/file_read.h"

enum {
    MOST_OPEN = 256, /* folders kept open: a name alone is looked up faster than a path */
    MOST_DEEP = 32,  /* folders one in another; more are a link in a circle */
    FIRST_READ = 1 << 16,
};

/* No image file is longer. */
#define MOST_BYTES ((size_t)1 << 31)

/* The entries of one folder: for each a letter for its kind and its name, ended by 0. */
typedef struct listing {
    char *text;
    size_t used, room;
    const char **names; /* [count] into text, sorted: files before folders */
    size_t count;
} listing;

enum { FILE_KIND = 'a', FOLDER_KIND = 'b' };

bool lam__is_image_name(const char *name)
{
    static const char *const endings[] = {".png", ".bmp", ".jpg", ".jpeg"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t n = strlen(endings[i]);
        if (length > n && lam__same_letters(name + length - n, endings[i], n))
            return true;
    }
    return false;
}

/* Makes room for `need` items, keeping the first `used`. */
static lam_status grow(void *array, size_t used, size_t need, size_t *room, size_t size)
{
    void *old, *larger;
    if (need <= *room)
        return LAM_OK;
    const size_t more = need > 2 * *room ? need : 2 * *room;
    memcpy(&old, array, sizeof old);
    larger = lam__allocate(more, size, "the list of image files");
    if (!larger)
        return LAM_ERR_MEMORY;
    if (used > 0)
        memcpy(larger, old, used * size);
    lam__release(old);
    memcpy(array, &larger, sizeof larger);
    *room = more;
    return LAM_OK;
}

/* The kind of an entry; 0 for what is neither an image by its name nor a folder. */
static char kind_of(DIR *folder, const struct dirent *entry)
{
    struct stat info;
    bool is_folder = false, is_file = false;
#ifdef DT_DIR
    is_folder = entry->d_type == DT_DIR;
    is_file = entry->d_type == DT_REG;
#endif
    if (!is_folder && !is_file && fstatat(dirfd(folder), entry->d_name, &info, 0) == 0) {
        is_folder = S_ISDIR(info.st_mode);
        is_file = S_ISREG(info.st_mode);
    }
    return is_folder ? FOLDER_KIND : is_file && lam__is_image_name(entry->d_name) ? FILE_KIND : 0;
}

void lam__image_folder_look(const char *path, bool *folders, bool *images)
{
    DIR *folder = opendir(path);
    *folders = *images = false;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const char kind = entry->d_name[0] == '.' ? '\0' : kind_of(folder, entry);
        *folders = *folders || kind == FOLDER_KIND;
        *images = *images || kind == FILE_KIND;
        if (*folders && *images)
            break;
    }
    if (folder)
        closedir(folder);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static lam_status read_entries(DIR *folder, const char *path, listing *list)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            return errno == 0 ? LAM_OK : lam__fail_errno("cannot read the folder", path, errno);
        const char kind = entry->d_name[0] == '.' ? '\0' : kind_of(folder, entry);
        if (!kind)
            continue;
        const size_t length = strlen(entry->d_name) + 2;
        LAM__TRY(grow(&list->text, list->used, list->used + length, &list->room, 1));
        list->text[list->used] = kind;
        memcpy(list->text + list->used + 1, entry->d_name, length - 1);
        list->used += length;
        list->count++;
    }
}

static lam_status list_folder(const char *path, listing *list)
{
    *list = (listing){.text = NULL};
    DIR *folder = opendir(path);
    if (!folder)
        return lam__fail_errno("cannot open the folder", path, errno);
    const lam_status status = read_entries(folder, path, list);
    closedir(folder);
    LAM__TRY(status);
    list->names = lam__allocate(list->count, sizeof *list->names, "the list of image files");
    if (!list->names)
        return LAM_ERR_MEMORY;
    const char *at = list->text;
    for (size_t i = 0; i < list->count; i++, at += strlen(at) + 1)
        list->names[i] = at;
    qsort(list->names, list->count, sizeof *list->names, by_text);
    return LAM_OK;
}

static void release_listing(listing *list)
{
    lam__release(list->text);
    lam__release(list->names);
}

/* The last part of a path, be there slashes behind it or not: *length bytes. */
static const char *last_part(const char *path, size_t *length)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    *length = end - begin;
    return path + begin;
}

/* A copy of a path without slashes at its end. */
static char *copy_path(const char *path)
{
    size_t length;
    const char *label = last_part(path, &length);
    const size_t size = (size_t)(label - path) + length;
    char *copy = lam__allocate(size + 1, 1, "the path of a folder");
    if (copy) {
        memcpy(copy, path, size);
        copy[size] = '\0';
    }
    return copy;
}

/* Puts the files of a listing, if there are any, on the list. */
static lam_status add_files(lam__image_files *files, const char *path, const listing *list)
{
    size_t count = 0, text = 0;
    for (; count < list->count && list->names[count][0] == FILE_KIND; count++)
        text += strlen(list->names[count]);
    if (count == 0)
        return LAM_OK;
    LAM__TRY(grow(&files->folders, files->folder_count, files->folder_count + 1,
                  &files->folder_room, sizeof *files->folders));
    LAM__TRY(grow(&files->files, files->count, files->count + count, &files->file_room,
                  sizeof *files->files));
    LAM__TRY(
        grow(&files->names, files->names_used, files->names_used + text, &files->names_room, 1));
    char *copy = copy_path(path);
    if (!copy)
        return LAM_ERR_MEMORY;
    size_t length;
    const uint32_t number = (uint32_t)files->folder_count++;
    files->folders[number] =
        (lam__image_folder){.path = copy, .fd = -1, .label = last_part(copy, &length)};
    for (size_t i = 0; i < count; i++) {
        const size_t size = strlen(list->names[i]); /* less the kind, with the 0 */
        files->files[files->count++] = (lam__image_file){files->names_used, number};
        memcpy(files->names + files->names_used, list->names[i] + 1, size);
        files->names_used += size;
    }
    return LAM_OK;
}

/* Puts the name of a folder with files among the other labels. */
static lam_status add_label(lam__image_files *files, const char *path, const listing *list)
{
    if (list->count == 0 || list->names[0][0] != FILE_KIND)
        return LAM_OK;
    LAM__TRY(grow(&files->other_labels, files->other_count, files->other_count + 1,
                  &files->other_room, sizeof *files->other_labels));
    size_t length;
    const char *label = last_part(path, &length);
    char *copy = lam__allocate(length + 1, 1, "a label");
    if (!copy)
        return LAM_ERR_MEMORY;
    memcpy(copy, label, length);
    copy[length] = '\0';
    files->other_labels[files->other_count++] = copy;
    return LAM_OK;
}

typedef lam_status visitor(lam__image_files *files, const char *path, const listing *list);

static lam_status walk(lam__image_files *files, const char *path, size_t deep, visitor *visit);

/* Walks the folders of a listing. */
static lam_status walk_below(lam__image_files *files, const char *path, const listing *list,
                             size_t deep, visitor *visit)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->names[i][0] != FOLDER_KIND)
            continue;
        const size_t size = strlen(path) + strlen(list->names[i]) + 1;
        char *below = lam__allocate(size, 1, "the path of a folder");
        if (!below)
            return LAM_ERR_MEMORY;
        snprintf(below, size, "%s/%s", path, list->names[i] + 1);
        const lam_status status = walk(files, below, deep + 1, visit);
        lam__release(below);
        LAM__TRY(status);
    }
    return LAM_OK;
}

static lam_status walk(lam__image_files *files, const char *path, size_t deep, visitor *visit)
{
    listing list;
    if (deep > MOST_DEEP)
        return lam__fail(LAM_ERR_IO, "'%s' is more than %d folders deep: do links form a cycle?",
                         path, (int)MOST_DEEP);
    lam_status status = list_folder(path, &list);
    if (status == LAM_OK && list.count == 0)
        status = lam__fail(LAM_ERR_FORMAT,
                           "'%s' has no images: expected files (.png, .bmp, .jpg, .jpeg) or "
                           "folders of them",
                           path);
    if (status == LAM_OK)
        status = visit(files, path, &list);
    if (status == LAM_OK)
        status = walk_below(files, path, &list, deep, visit);
    release_listing(&list);
    return status;
}

lam_status lam__image_files_walk(lam__image_files *files, const char *path)
{
    LAM__TRY(walk(files, path, 0, add_files));
    if (files->count > UINT32_MAX)
        return lam__fail(LAM_ERR_FORMAT, "'%s' has %zu images, at most %lu are read", path,
                         files->count, (unsigned long)UINT32_MAX);
    return LAM_OK;
}

lam_status lam__image_files_add(lam__image_files *files, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t length = slash ? (size_t)(slash - path) : 0;
    const char *name = slash ? slash + 1 : path;
    const size_t size = strlen(name) + 2;
    char *folder = lam__allocate(length + 2, 1, "the path of a folder");
    char *entry = lam__allocate(size, 1, "the name of a file");
    lam_status status = folder && entry ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK) {
        memcpy(folder, length > 0 ? path : slash ? "/" : ".", length > 0 ? length : 1);
        folder[length > 0 ? length : 1] = '\0';
        entry[0] = FILE_KIND;
        memcpy(entry + 1, name, size - 1);
        const char *names[] = {entry};
        const listing one = {.names = names, .count = 1};
        status = add_files(files, folder, &one);
    }
    lam__release(folder);
    lam__release(entry);
    return status;
}

lam_status lam__image_files_labels(lam__image_files *files, const char *path)
{
    return walk(files, path, 0, add_label);
}

lam_status lam__image_files_number(lam__image_files *files)
{
    const size_t most = files->folder_count + files->other_count;
    files->classes = lam__allocate(most, sizeof *files->classes, "the names of classes");
    if (!files->classes)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < files->folder_count; i++)
        files->classes[i] = files->folders[i].label;
    for (size_t i = 0; i < files->other_count; i++)
        files->classes[files->folder_count + i] = files->other_labels[i];
    qsort(files->classes, most, sizeof *files->classes, by_text);
    for (size_t i = 0; i < most; i++)
        if (i == 0 || strcmp(files->classes[i], files->classes[files->class_count - 1]) != 0)
            files->classes[files->class_count++] = files->classes[i];
    for (size_t i = 0; i < files->folder_count; i++) {
        lam__image_folder *folder = &files->folders[i];
        const char **found = bsearch(&folder->label, files->classes, files->class_count,
                                     sizeof *files->classes, by_text);
        folder->class = (uint32_t)(found - files->classes);
        if (files->folder_count <= MOST_OPEN) /* when it fails, paths will do */
            folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return LAM_OK;
}

lam_status lam__image_files_copy(const lam__image_files *from, lam__image_files *to)
{
    *to = (lam__image_files){.count = 0};
    LAM__TRY(grow(&to->names, 0, from->names_used, &to->names_room, 1));
    LAM__TRY(grow(&to->files, 0, from->count, &to->file_room, sizeof *to->files));
    LAM__TRY(grow(&to->folders, 0, from->folder_count, &to->folder_room, sizeof *to->folders));
    memcpy(to->names, from->names, from->names_used);
    memcpy(to->files, from->files, from->count * sizeof *to->files);
    to->names_used = from->names_used;
    to->count = from->count;
    for (size_t i = 0; i < from->folder_count; i++) {
        size_t length;
        const lam__image_folder *folder = &from->folders[i];
        char *path = lam__copy_string(folder->path);
        if (!path)
            return LAM_ERR_MEMORY;
        to->folders[to->folder_count++] = (lam__image_folder){
            .path = path,
            .fd = folder->fd < 0 ? -1 : fcntl(folder->fd, F_DUPFD_CLOEXEC, 0),
            .label = last_part(path, &length),
            .class = folder->class,
        };
    }
    return LAM_OK;
}

void lam__image_files_path(const lam__image_files *files, size_t i, char *name, size_t size)
{
    const lam__image_file *file = &files->files[i];
    snprintf(name, size, "%s/%s", files->folders[file->folder].path, files->names + file->name);
}

static int open_file(const lam__image_files *files, size_t i)
{
    const lam__image_file *file = &files->files[i];
    const lam__image_folder *folder = &files->folders[file->folder];
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    if (folder->fd >= 0)
        return openat(folder->fd, files->names + file->name, flags);
    const size_t size = strlen(folder->path) + strlen(files->names + file->name) + 2;
    char *path = lam__allocate(size, 1, "the path of a file");
    if (!path) {
        errno = ENOMEM;
        return -1;
    }
    snprintf(path, size, "%s/%s", folder->path, files->names + file->name);
    const int fd = open(path, flags);
    lam__release(path);
    return fd;
}

/* Doubles decoder->file, keeping what it holds. */
static lam_status double_file(lam__image_decoder *decoder, const char *name)
{
    lam__scratch larger = {NULL, 0};
    if (decoder->file.size >= MOST_BYTES)
        return lam__fail(LAM_ERR_FORMAT, "%s: more than %zu bytes", name, MOST_BYTES);
    LAM__TRY(lam__scratch_need(&larger, 2 * decoder->file.size, "an image file"));
    memcpy(larger.bytes, decoder->file.bytes, decoder->file.size);
    lam__release(decoder->file.bytes);
    decoder->file = larger;
    return LAM_OK;
}

/* Reads to the end. The length is not asked for: a call less for each of many small files. */
static lam_status read_file(int fd, lam__image_decoder *decoder, const char *name, size_t *size)
{
    *size = 0;
    for (;;) {
        const size_t room = decoder->file.size - *size;
        size_t got;
        ssize_t n;
        do
            n = read(fd, decoder->file.bytes + *size, room);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return lam__fail_errno("cannot read", name, errno);
        got = (size_t)n;
        *size += got;
        if (got < room)
            return LAM_OK;
        LAM__TRY(double_file(decoder, name));
    }
}

lam_status lam__image_files_read(const lam__image_files *files, size_t i,
                                 lam__image_decoder *decoder, size_t *size, char *name,
                                 size_t name_size)
{
    lam__image_files_path(files, i, name, name_size);
    LAM__TRY(lam__scratch_need(&decoder->file, FIRST_READ, "an image file"));
    int fd;
    do
        fd = open_file(files, i);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return errno == ENOMEM ? lam__fail_memory(0, "the path of a file")
                               : lam__fail_errno("cannot open", name, errno);
    const lam_status status = read_file(fd, decoder, name, size);
    close(fd);
    return status;
}

void lam__image_files_release(lam__image_files *files)
{
    for (size_t i = 0; i < files->folder_count; i++) {
        if (files->folders[i].fd >= 0)
            close(files->folders[i].fd);
        lam__release(files->folders[i].path);
    }
    for (size_t i = 0; i < files->other_count; i++)
        lam__release(files->other_labels[i]);
    lam__release(files->folders);
    lam__release(files->files);
    lam__release(files->names);
    lam__release(files->classes);
    lam__release(files->other_labels);
    *files = (lam__image_files){.count = 0};
}
