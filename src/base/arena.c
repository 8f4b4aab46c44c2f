/* arena.c: many buffers from one allocation. */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

void *lam__arena_take(lam__arena *arena, size_t count, size_t size)
{
    size_t bytes, end;
    if (!lam__multiply(count, size, &bytes) || !lam__add(bytes, LAM__ALIGN - 1, &bytes) ||
        !lam__add(arena->used, bytes & ~(size_t)(LAM__ALIGN - 1), &end)) {
        arena->overflow = true;
        return NULL;
    }
    if (!arena->base) {
        arena->used = end;
        return NULL;
    }
    assert(end <= arena->size); /* the second pass takes what the first counted */
    if (end > arena->size) {
        arena->overflow = true;
        return NULL;
    }
    void *pointer = arena->base + arena->used;
    arena->used = end;
    return pointer;
}

void *lam__arena_take_apart(lam__arena *arena, size_t count, size_t bytes, size_t *step)
{
    void *first = NULL;
    const size_t from = arena->used;
    for (size_t i = 0; i < count; i++) {
        void *pointer = lam__arena_take(arena, bytes, 1);
        if (count > 1)
            lam__arena_part(arena);
        if (i == 0) {
            first = pointer;
            *step = arena->used - from;
        }
    }
    return first;
}

void lam__arena_part(lam__arena *arena)
{
    (void)lam__arena_take(arena, LAM__APART, 1);
    if (!arena->base)
        arena->gaps += LAM__APART;
}

lam_status lam__arena_open(lam__arena *arena, const char *what)
{
    assert(!arena->base);
    if (arena->overflow)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: more than %zu bytes for %s",
                         (size_t)SIZE_MAX, what);
    arena->base = arena->hot ? lam__allocate_hot(arena->used, arena->used - arena->gaps, what)
                             : lam__allocate_zero(arena->used, 1, what);
    if (!arena->base)
        return LAM_ERR_MEMORY;
    arena->size = arena->used;
    arena->used = 0;
    return LAM_OK;
}

void lam__arena_close(lam__arena *arena)
{
    lam__release(arena->base);
    *arena = (lam__arena){0};
}
