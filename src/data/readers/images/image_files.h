/* image_files.h: the image files of a folder of class folders, in an order of their own. */
#ifndef LAMINA_IMAGE_FILES_H
#define LAMINA_IMAGE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

#include "data/readers/images/image_decode.h"

typedef struct lam__image_folder {
    char *path;
    int fd;            /* kept open while there are few folders, else -1 */
    const char *label; /* the last part of the path */
    uint32_t class;    /* number of the label among the classes */
} lam__image_folder;

typedef struct lam__image_file {
    size_t name;     /* where it begins in `names` */
    uint32_t folder; /* its folder's number */
} lam__image_file;

/* Files in the order of their folders, these in the order of their names, byte by byte: nothing
 * depends on the file system. All arrays are owned. */
typedef struct lam__image_files {
    lam__image_folder *folders;
    lam__image_file *files;
    char *names;
    const char *
        *classes; /* labels, distinct and sorted; they belong to folders or to other_labels */
    size_t folder_count, count, names_used, class_count;
    size_t folder_room, file_room, names_room;
    char **other_labels; /* of the other split: its classes count, too */
    size_t other_count, other_room;
} lam__image_files;

/* Whether a name ends with .png, .bmp, .jpg or .jpeg, in any case. */
bool lam__is_image_name(const char *name);

/* Whether there are folders, and images, in a folder; hidden ones do not count. Of one that cannot
 * be read, neither. */
void lam__image_folder_look(const char *path, bool *folders, bool *images);

/* Adds one file. */
lam_status lam__image_files_add(lam__image_files *files, const char *path);

/* Adds all images in `path` and in the folders below, hidden ones left out. */
lam_status lam__image_files_walk(lam__image_files *files, const char *path);

/* Adds the labels of a folder, as the walk above would find them, but no file. */
lam_status lam__image_files_labels(lam__image_files *files, const char *path);

/* Once all have been added: collects and numbers the classes, and opens the folders if few. */
lam_status lam__image_files_number(lam__image_files *files);

/* Reads file i to decoder->file; *size bytes. *name, the path for messages, is cut to fit. */
lam_status lam__image_files_read(const lam__image_files *files, size_t i,
                                 lam__image_decoder *decoder, size_t *size, char *name,
                                 size_t name_size);

/* Writes the path of file i for messages. */
void lam__image_files_path(const lam__image_files *files, size_t i, char *name, size_t size);

/* *to, which must hold nothing, becomes a copy of files and folders, without classes. */
lam_status lam__image_files_copy(const lam__image_files *from, lam__image_files *to);

void lam__image_files_release(lam__image_files *files);

#endif
