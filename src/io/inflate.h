/* inflate.h: bytes in memory that zlib or gzip has packed, as joblib writes them. */
#ifndef LAMINA_INFLATE_H
#define LAMINA_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

/* Whether bytes begin as a stream of zlib or gzip does. */
bool lam__is_deflated(const unsigned char *bytes, size_t size);

/* Unpacks a whole stream: *out is for lam__release. At most 64 times the packed size and 16 MiB,
 * and never more than twice what has come out so far: LAM_ERR_FORMAT for more, and for damage;
 * LAM_ERR_UNSUPPORTED in a build without zlib. `name` is for messages. */
lam_status lam__inflate(const char *name, const unsigned char *bytes, size_t size,
                        unsigned char **out, size_t *out_size);

/* Unpacks the first `count` bytes; false when there are not so many. */
bool lam__inflate_first(const unsigned char *bytes, size_t size, unsigned char *out, size_t count);

#endif
