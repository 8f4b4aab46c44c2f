/* inflate.c: streams of zlib and gzip, unpacked in memory. */
#include "io/inflate.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/collect.h"
#include "lamina_features.h"

bool lam__is_deflated(const unsigned char *bytes, size_t size)
{
    if (size < 8)
        return false;
    return (bytes[0] == 0x1f && bytes[1] == 0x8b) ||
           (bytes[0] == 0x78 && (bytes[0] * 256 + bytes[1]) % 31 == 0);
}

#if LAM__HAVE_GZIP
#include <zlib.h>

/* Window bits, and 32 for either header. */
enum { EITHER_HEADER = 15 + 32 };

/* A stream being unpacked. */
struct inflation {
    z_stream z;
    const unsigned char *bytes;
    size_t left;
    const char *name; /* for messages */
    size_t unpacked;
};

static bool open_stream(struct inflation *s, const unsigned char *bytes, size_t size)
{
    *s = (struct inflation){.bytes = bytes, .left = size};
    return inflateInit2(&s->z, EITHER_HEADER) == Z_OK;
}

/* Unpacks into out[count]; *got is less only at the end. Returns zlib's word. */
static int go_on(struct inflation *s, unsigned char *out, size_t count, size_t *got)
{
    int word = Z_OK;
    *got = 0;
    while (*got < count && word == Z_OK) {
        const uInt in = s->left < UINT_MAX ? (uInt)s->left : UINT_MAX;
        const uInt room = count - *got < UINT_MAX ? (uInt)(count - *got) : UINT_MAX;
        s->z.next_in = (z_const Bytef *)(uintptr_t)s->bytes;
        s->z.avail_in = in;
        s->z.next_out = out + *got;
        s->z.avail_out = room;
        word = inflate(&s->z, Z_NO_FLUSH);
        s->bytes += in - s->z.avail_in;
        s->left -= in - s->z.avail_in;
        *got += room - s->z.avail_out;
    }
    return word;
}

bool lam__inflate_first(const unsigned char *bytes, size_t size, unsigned char *out, size_t count)
{
    struct inflation s;
    size_t got = 0;
    if (!open_stream(&s, bytes, size))
        return false;
    go_on(&s, out, count, &got);
    inflateEnd(&s.z);
    return got == count;
}

/* For lam__collect. */
static lam_status give(void *context, void *out, size_t count, size_t *got)
{
    struct inflation *s = context;
    const int word = go_on(s, out, count, got);
    s->unpacked += *got;
    if (word == Z_OK || word == Z_STREAM_END)
        return LAM_OK;
    return lam__fail(word == Z_MEM_ERROR ? LAM_ERR_MEMORY : LAM_ERR_FORMAT,
                     "%s: damaged or truncated after %zu unpacked bytes", s->name, s->unpacked);
}

lam_status lam__inflate(const char *name, const unsigned char *bytes, size_t size,
                        unsigned char **out, size_t *out_size)
{
    struct inflation s;
    const size_t most = size < SIZE_MAX / 128 ? 64 * size + ((size_t)16 << 20) : SIZE_MAX / 2;
    *out = NULL;
    if (!open_stream(&s, bytes, size))
        return lam__fail_memory(65536, "a packed file");
    s.name = name;
    lam_status status = lam__collect(give, &s, most + 1, 0, "a packed file", out, out_size);
    inflateEnd(&s.z);
    if (status == LAM_OK && *out_size > most) {
        lam__release(*out);
        *out = NULL;
        status = lam__fail(LAM_ERR_FORMAT,
                           "%s: unpacks to more than %zu bytes, 64 times the file and 16 MiB", name,
                           most);
    }
    return status;
}
#else
bool lam__inflate_first(const unsigned char *bytes, size_t size, unsigned char *out, size_t count)
{
    (void)bytes, (void)size, (void)out, (void)count;
    return false;
}

lam_status lam__inflate(const char *name, const unsigned char *bytes, size_t size,
                        unsigned char **out, size_t *out_size)
{
    (void)bytes, (void)size, (void)out, (void)out_size;
    return lam__fail(LAM_ERR_UNSUPPORTED, "%s: packed, and this build of Lamina has no zlib", name);
}
#endif
