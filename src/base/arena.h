/* arena.h: many buffers from one allocation.
 *
 * Used in two passes over the same code: with base == NULL the calls only count, then
 * lam__arena_open allocates the counted size and the second pass hands out the buffers. */
#ifndef LAMINA_ARENA_H
#define LAMINA_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

/* Bytes between memory that one thread writes and memory that another does, in every step: so many
 * that what a processor fetches ahead, out of one, does not reach the other. With less, a core
 * takes lines from the other core without need. */
enum { LAM__APART = 65536 };

typedef struct lam__arena {
    unsigned char *base;
    size_t used, size;
    size_t gaps; /* of `used`: gaps that are never touched */
    bool overflow;
    bool hot; /* set before it is opened: see lam__allocate_hot */
} lam__arena;

/* Space for count * size bytes aligned to LAM__ALIGN, zeroed; NULL in the counting pass. */
void *lam__arena_take(lam__arena *arena, size_t count, size_t size);

/* Space for what `count` threads write, `bytes` each: *step bytes from one to the next, with a gap
 * after each where there are several. */
void *lam__arena_take_apart(lam__arena *arena, size_t count, size_t bytes, size_t *step);

/* Leaves a gap of LAM__APART bytes. */
void lam__arena_part(lam__arena *arena);

/* Ends the counting pass: allocates what was counted, zeroed, and starts handing out. */
lam_status lam__arena_open(lam__arena *arena, const char *what);

/* Releases the memory; the arena is empty again. */
void lam__arena_close(lam__arena *arena);

#endif
