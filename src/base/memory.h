/* memory.h: allocation through the user's allocator, and checked sizes. */
#ifndef LAMINA_MEMORY_H
#define LAMINA_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Alignment of every buffer: one cache line, one AVX-512 vector. */
#define LAM__ALIGN 64

/* Uninitialized memory of count * size bytes, aligned to LAM__ALIGN; NULL with the error recorded
 * (which names `what`) on overflow or exhaustion. A size of 0 gives a valid pointer. */
void *lam__allocate(size_t count, size_t size, const char *what);

/* The same, zeroed. */
void *lam__allocate_zero(size_t count, size_t size, const char *what);

/* The same, `bytes` long, for what training touches `touched` bytes of in every step: from 64 KB of
 * those on in huge pages where the system has them, even if most of one stays unused. */
void *lam__allocate_hot(size_t bytes, size_t touched, const char *what);

/* Room for text of `size` bytes, its NUL included, without the alignment of a buffer; NULL with the
 * error recorded. */
char *lam__allocate_text(size_t size, const char *what);

/* A copy of a string; NULL with the error recorded. */
char *lam__copy_string(const char *text);

/* Releases what the functions above returned; NULL is allowed. */
void lam__release(void *pointer);

/* *result = a * b or a + b; false on overflow. */
bool lam__multiply(size_t a, size_t b, size_t *result);
bool lam__add(size_t a, size_t b, size_t *result);

/* `n` rounded up to a multiple of the power of two `unit`. n + unit must not overflow. */
static inline size_t lam__round_up(size_t n, size_t unit)
{
    return (n + unit - 1) & ~(unit - 1);
}

#endif
