/* collect.c: bytes that come from where nobody can say beforehand how many there are. */
#include "io/collect.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Bytes of the first piece, and of the largest: one buffer that is doubled would hold three times
 * what has come while it is copied. */
#define LAM__FIRST_PIECE ((size_t)1 << 16)
#define LAM__LARGEST_PIECE ((size_t)8 << 20)

typedef struct piece {
    struct piece *before;
    size_t size; /* bytes that follow */
} piece;

static unsigned char *bytes_of(piece *at)
{
    return (unsigned char *)(at + 1);
}

static void release_pieces(piece *last)
{
    while (last) {
        piece *before = last->before;
        lam__release(last);
        last = before;
    }
}

/* Pieces up to the end or to `want` bytes, the last one first; also on failure. */
static lam_status read_pieces(lam__read_bytes read, void *context, size_t want, const char *what,
                              piece **last, size_t *total)
{
    for (size_t room = LAM__FIRST_PIECE;; room *= room < LAM__LARGEST_PIECE ? 2 : 1) {
        const size_t ask = room < want - *total ? room : want - *total;
        piece *next = lam__allocate(1, sizeof *next + ask, what);
        if (!next)
            return LAM_ERR_MEMORY;
        *next = (piece){*last, 0};
        *last = next;
        LAM__TRY(read(context, bytes_of(next), ask, &next->size));
        *total += next->size;
        if (next->size < ask || *total == want)
            return LAM_OK;
    }
}

/* One buffer of all pieces. */
static lam_status join_pieces(piece *last, size_t total, size_t slack, const char *what,
                              unsigned char **bytes)
{
    unsigned char *joined =
        total <= SIZE_MAX - slack ? lam__allocate(1, total + slack, what) : NULL;
    if (!joined)
        return LAM_ERR_MEMORY;
    size_t end = total;
    for (piece *at = last; at; at = at->before) {
        end -= at->size;
        memcpy(joined + end, bytes_of(at), at->size);
    }
    memset(joined + total, 0, slack);
    *bytes = joined;
    return LAM_OK;
}

lam_status lam__collect(lam__read_bytes read, void *context, size_t want, size_t slack,
                        const char *what, unsigned char **bytes, size_t *size)
{
    piece *last = NULL;
    size_t total = 0;
    lam_status status = read_pieces(read, context, want, what, &last, &total);
    if (status == LAM_OK)
        status = join_pieces(last, total, slack, what, bytes);
    release_pieces(last);
    *size = total;
    return status;
}
