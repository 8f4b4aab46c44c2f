/* memory.c: allocation through the user's allocator, and checked sizes. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* madvise */
#endif
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/struct_size.h"

#ifdef __linux__
#include <sys/mman.h>
#endif
/* Not under AddressSanitizer, which is to see the exact end of a buffer. */
#if defined(MADV_HUGEPAGE) && !defined(__SANITIZE_ADDRESS__)
#define LAM__HUGE_PAGES 1
#endif

/* Bytes from which memory lies in huge pages: of any buffer, and those of one that every step
 * touches. Less than that is so few pages that a step does without, and a program may have
 * thousands of small networks. */
enum { HUGE_PAGE = 2 << 20, HUGE_LEAST = 1 << 20, HUGE_LEAST_HOT = 1 << 16 };

/* posix_memalign rather than aligned_alloc: the size need not be a multiple of the alignment, so
 * that sanitizers see the exact end of a buffer. */
static void *system_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    void *pointer = NULL;
#ifdef LAM__HUGE_PAGES
    if (alignment == HUGE_PAGE) {
        size = lam__round_up(size, HUGE_PAGE);
        if (posix_memalign(&pointer, HUGE_PAGE, size) != 0)
            return NULL;
        madvise(pointer, size, MADV_HUGEPAGE);
        return pointer;
    }
#endif
    return posix_memalign(&pointer, alignment, size) == 0 ? pointer : NULL;
}

static void system_release(void *pointer, void *user)
{
    (void)user;
    free(pointer);
}

static const lam_allocator system_allocator = {system_allocate, system_release, NULL};
static lam_allocator current = {system_allocate, system_release, NULL};

lam_status lam_set_allocator_sized(const lam_allocator *given, size_t size)
{
    lam_allocator own = {0};
    const lam_allocator *allocator = &own;
    if (!given) {
        current = system_allocator;
        return LAM_OK;
    }
    LAM__TRY(lam__read_struct(&own, sizeof own, given, size, "lam_allocator"));
    if (!allocator->allocate || !allocator->release)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_set_allocator: the function %s is missing",
                         allocator->allocate ? "release" : "allocate");
    current = *allocator;
    return LAM_OK;
}

bool lam__multiply(size_t a, size_t b, size_t *result)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *result = a * b;
    return true;
}

bool lam__add(size_t a, size_t b, size_t *result)
{
    if (a > SIZE_MAX - b)
        return false;
    *result = a + b;
    return true;
}

/* HUGE_PAGE for what is to lie in huge pages. */
static size_t alignment_of(size_t bytes, size_t touched)
{
#ifdef LAM__HUGE_PAGES
    if (bytes >= HUGE_LEAST || touched >= HUGE_LEAST_HOT)
        return HUGE_PAGE;
#endif
    (void)bytes, (void)touched;
    return LAM__ALIGN;
}

/* `touched`: bytes that every step of training touches, 0 where there are none. */
static void *allocate(size_t count, size_t size, size_t touched, const char *what)
{
    size_t bytes;
    /* Room for rounding up, and differences of pointers stay representable. */
    if (!lam__multiply(count, size, &bytes) || bytes > PTRDIFF_MAX - LAM__ALIGN) {
        lam__fail(LAM_ERR_MEMORY, "out of memory: %zu x %zu bytes for %s", count, size, what);
        return NULL;
    }
    size_t asked = bytes > 0 ? bytes : 1, alignment = LAM__ALIGN;
    /* A user may pass the request on to C11's aligned_alloc, which wants a multiple. */
    if (current.allocate != system_allocate)
        asked = lam__round_up(asked, LAM__ALIGN);
    else
        alignment = alignment_of(asked, touched);
    void *pointer = current.allocate(asked, alignment, current.user);
    if (!pointer) {
        lam__fail_memory(bytes, what);
        return NULL;
    }
    if ((uintptr_t)pointer % LAM__ALIGN != 0) {
        lam__fail(LAM_ERR_MEMORY, "the user's allocator returned %p for %s: not aligned to %d",
                  pointer, what, LAM__ALIGN);
        current.release(pointer, current.user);
        return NULL;
    }
    return pointer;
}

void *lam__allocate(size_t count, size_t size, const char *what)
{
    return allocate(count, size, 0, what);
}

static void *allocate_zero(size_t count, size_t size, size_t touched, const char *what)
{
    void *pointer = allocate(count, size, touched, what);
    if (pointer)
        memset(pointer, 0, count * size);
    return pointer;
}

void *lam__allocate_zero(size_t count, size_t size, const char *what)
{
    return allocate_zero(count, size, 0, what);
}

void *lam__allocate_hot(size_t bytes, size_t touched, const char *what)
{
    return allocate_zero(bytes, 1, touched, what);
}

/* With the alignment of a buffer each name of a column would take two cache lines or three. A
 * user's allocator is asked as ever: it has been promised one alignment. */
char *lam__allocate_text(size_t size, const char *what)
{
    if (current.allocate != system_allocate)
        return lam__allocate(size, 1, what);
    char *text = size <= PTRDIFF_MAX ? malloc(size > 0 ? size : 1) : NULL;
    if (!text)
        lam__fail_memory(size, what);
    return text;
}

char *lam__copy_string(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = lam__allocate_text(size, "a string");
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void lam__release(void *pointer)
{
    if (pointer)
        current.release(pointer, current.user);
}
