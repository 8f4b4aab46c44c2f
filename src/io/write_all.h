/* write_all.h: writing to a descriptor, with every failure an errno. */
#ifndef LAMINA_WRITE_ALL_H
#define LAMINA_WRITE_ALL_H

#include <stddef.h>

/* Writes bytes[size]; 0, or the errno of what went wrong. A limit on the size of files
 * (RLIMIT_FSIZE) is EFBIG and a pipe without a reader EPIPE, whatever the program does about
 * SIGXFSZ and SIGPIPE: the calling thread does not receive those of this write. Thread-safe. */
int lam__write_all(int fd, const void *bytes, size_t size);

#endif
