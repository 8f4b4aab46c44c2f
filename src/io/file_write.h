/* file_write.h: replacing a file so that it is always whole: the old one or the new one. */
#ifndef LAMINA_FILE_WRITE_H
#define LAMINA_FILE_WRITE_H

#include <stddef.h>

#include <lamina/status.h>

typedef struct lam__file_writer {
    char *path;      /* of the file to replace, links followed */
    char *temporary; /* the new file, in the same folder */
    char *former;    /* a second name of the old file while it is replaced */
    int mode;        /* permissions of the old file, -1 where there is none */
    int fd, folder;  /* the new file and its folder */
} lam__file_writer;

/* Starts a new file that will become `path`. On failure nothing is left behind. */
lam_status lam__file_write_open(lam__file_writer *writer, const char *path);

/* Appends bytes. */
lam_status lam__file_write(lam__file_writer *writer, const void *bytes, size_t size);

/* Brings the bytes to the disk and gives them the name `path`, atomically. After a failure `path`
 * is what it was. Closes the writer in either case. */
lam_status lam__file_write_commit(lam__file_writer *writer);

/* Brings what was written to an open file or folder to the disk: 0, or -1 with errno. */
int lam__sync(int fd);

/* Gives up: removes the new file and closes the writer. */
void lam__file_write_abandon(lam__file_writer *writer);

#endif
