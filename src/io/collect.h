/* collect.h: bytes that come from where nobody can say beforehand how many there are: unpacked
 * data, whose size is at best claimed. */
#ifndef LAMINA_COLLECT_H
#define LAMINA_COLLECT_H

#include <stddef.h>

#include <lamina/status.h>

/* Hands out up to `count` bytes; *got is less only at the end. */
typedef lam_status (*lam__read_bytes)(void *context, void *to, size_t count, size_t *got);

/* Reads to the end, but no more than `want` bytes: *bytes [*size + slack], the slack zeroed, to be
 * released with lam__release. At no time more than twice the bytes that have come, and 8 MB, are
 * held. `what` names them where memory runs out. */
lam_status lam__collect(lam__read_bytes read, void *context, size_t want, size_t slack,
                        const char *what, unsigned char **bytes, size_t *size);

#endif
