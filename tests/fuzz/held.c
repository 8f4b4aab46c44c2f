/* held.c: counts what malloc and its kin hand out, to the system's libraries too. */
#include "held.h"

#include <stdatomic.h>
#include <stdint.h>

static atomic_size_t now, most;

static void add(size_t bytes)
{
    const size_t held = atomic_fetch_add(&now, bytes) + bytes;
    size_t before = atomic_load(&most);
    while (held > before && !atomic_compare_exchange_weak(&most, &before, held))
        ;
}

static void subtract(size_t bytes)
{
    atomic_fetch_sub(&now, bytes);
}

size_t held_begin(void)
{
    const size_t held = atomic_load(&now);
    atomic_store(&most, held);
    return held;
}

size_t held_most(void)
{
    return atomic_load(&most);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if defined(UNDER_ASAN) || defined(__SANITIZE_ADDRESS__)

/* As in LLVM's sanitizer/allocator_interface.h, a header that gcc does not have. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *block);

static void on_malloc(const volatile void *block, size_t size)
{
    (void)block;
    add(size);
}

static void on_free(const volatile void *block)
{
    if (block)
        subtract(__sanitizer_get_allocated_size(block));
}

/* Before libraries are loaded nothing is counted; what was taken then is never below zero, for it
 * is compared with what is held at the begin of an input. */
__attribute__((constructor)) static void start(void)
{
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

bool held_counts(void)
{
    return true;
}

#elif defined(__GLIBC__)

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

/* The dynamic linker takes these for every call of malloc in the process, as glibc's manual says
 * under "Replacing malloc"; the functions behind them are glibc's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static void *counted(void *block)
{
    if (block)
        add(malloc_usable_size(block));
    return block;
}

void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    const size_t before = block ? malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);
    if (moved || size == 0) {
        subtract(before);
        counted(moved);
    }
    return moved;
}

void *memalign(size_t alignment, size_t size)
{
    return counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made = memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *block = made;
    return 0;
}

void free(void *block)
{
    if (block)
        subtract(malloc_usable_size(block));
    __libc_free(block);
}

bool held_counts(void)
{
    return true;
}

#else

bool held_counts(void)
{
    return false;
}

#endif
