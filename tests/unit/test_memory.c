/* test_memory.c: allocation, the user's allocator, checked sizes, the arena. */
#include <criterion/criterion.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"

Test(memory, checked_multiplication)
{
    const size_t half = (size_t)1 << (sizeof(size_t) * 4);
    size_t r = 7;
    cr_assert(lam__multiply(0, SIZE_MAX, &r) && r == 0);
    cr_assert(lam__multiply(SIZE_MAX, 0, &r) && r == 0);
    cr_assert(lam__multiply(SIZE_MAX, 1, &r) && r == SIZE_MAX);
    cr_assert(lam__multiply(half - 1, half + 1, &r) && r == SIZE_MAX);
    r = 7;
    cr_assert_not(lam__multiply(half, half, &r));
    cr_assert_not(lam__multiply(SIZE_MAX / 2 + 1, 2, &r));
    cr_assert_eq(r, 7);
}

Test(memory, checked_addition)
{
    size_t r = 7;
    cr_assert(lam__add(SIZE_MAX - 1, 1, &r) && r == SIZE_MAX);
    cr_assert(lam__add(0, 0, &r) && r == 0);
    r = 7;
    cr_assert_not(lam__add(SIZE_MAX, 1, &r));
    cr_assert_not(lam__add(SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, &r));
    cr_assert_eq(r, 7);
}

Test(memory, rounding_up)
{
    cr_assert_eq(lam__round_up(0, 64), 0);
    cr_assert_eq(lam__round_up(1, 64), 64);
    cr_assert_eq(lam__round_up(64, 64), 64);
    cr_assert_eq(lam__round_up(65, 8), 72);
}

Test(memory, buffers_are_aligned_and_writable)
{
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *p = lam__allocate(size, 1, "test");
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % LAM__ALIGN, 0);
        memset(p, 0xA5, size);
        lam__release(p);
        unsigned char *z = lam__allocate_zero(size, 3, "test");
        cr_assert_not_null(z);
        for (size_t i = 0; i < size * 3; i++)
            cr_assert_eq(z[i], 0);
        lam__release(z);
    }
    lam__release(NULL);
}

Test(memory, a_size_that_overflows_is_refused_by_name)
{
    cr_assert_null(lam__allocate(SIZE_MAX / 4 + 1, 8, "the moon"));
    cr_assert_eq(lam_error_status(), LAM_ERR_MEMORY);
    cr_assert_not_null(strstr(lam_error_message(), "the moon"));
    cr_assert_null(lam__allocate(SIZE_MAX, 1, "the sun"));
    cr_assert_not_null(strstr(lam_error_message(), "the sun"));
    cr_assert_null(lam__allocate_zero((size_t)PTRDIFF_MAX + 1, 1, "a star"));
    cr_assert_not_null(strstr(lam_error_message(), "a star"));
}

Test(memory, strings_are_copied)
{
    char text[] = "a word";
    char *copy = lam__copy_string(text);
    text[0] = 'x';
    cr_assert_str_eq(copy, "a word");
    lam__release(copy);
    copy = lam__copy_string("");
    cr_assert_str_eq(copy, "");
    lam__release(copy);
}

/* An allocator that counts, and can fail or return a crooked pointer. */
typedef struct counter {
    size_t allocated, released, asked, alignment;
    int fail, crooked;
} counter;

static void *count_allocate(size_t size, size_t alignment, void *user)
{
    counter *c = user;
    c->asked = size;
    c->alignment = alignment;
    if (c->fail)
        return NULL;
    c->allocated++;
    char *p = aligned_alloc(alignment, size + alignment);
    if (p)
        memset(p, 0xFF, size + alignment);
    return p && c->crooked ? p + 8 : p;
}

static void count_release(void *pointer, void *user)
{
    counter *c = user;
    c->released++;
    free(c->crooked ? (char *)pointer - 8 : (char *)pointer);
}

Test(memory, the_users_allocator_gets_every_call)
{
    counter c = {0};
    cr_assert_eq(lam_set_allocator(&(lam_allocator){count_allocate, count_release, &c}), LAM_OK);
    void *p = lam__allocate(10, 10, "test");
    cr_assert_eq(c.allocated, 1);
    cr_assert_geq(c.asked, 100);
    cr_assert_eq(c.asked % c.alignment, 0, "C11's aligned_alloc wants a multiple");
    cr_assert_eq(c.alignment, LAM__ALIGN);
    char *text = lam__copy_string("x");
    void *nothing = lam__allocate_zero(0, 4, "test");
    cr_assert_not_null(nothing);
    cr_assert_eq(c.allocated, 3);
    lam__release(p);
    lam__release(text);
    lam__release(nothing);
    lam__release(NULL);
    cr_assert_eq(c.released, 3);
    cr_assert_eq(lam_set_allocator(NULL), LAM_OK);
    p = lam__allocate(1, 1, "test");
    lam__release(p);
    cr_assert_eq(c.allocated, 3);
}

Test(memory, zeroed_buffers_and_arenas_do_not_rely_on_the_allocator)
{
    counter c = {0};
    lam_set_allocator(&(lam_allocator){count_allocate, count_release, &c});
    unsigned char *p = lam__allocate_zero(33, 3, "test");
    for (size_t i = 0; i < 99; i++)
        cr_assert_eq(p[i], 0);
    lam__release(p);
    lam__arena arena = {0};
    lam__arena_take(&arena, 100, 4);
    cr_assert_eq(lam__arena_open(&arena, "test"), LAM_OK);
    p = lam__arena_take(&arena, 100, 4);
    for (size_t i = 0; i < 400; i++)
        cr_assert_eq(p[i], 0);
    lam__arena_close(&arena);
    cr_assert_eq(c.allocated, c.released);
    lam_set_allocator(NULL);
}

Test(memory, no_size_wraps_round_on_its_way_to_the_users_allocator)
{
    counter c = {0};
    lam_set_allocator(&(lam_allocator){count_allocate, count_release, &c});
    cr_assert_null(lam__allocate(SIZE_MAX, 1, "test"));
    cr_assert_null(lam__allocate((size_t)PTRDIFF_MAX, 1, "test"));
    cr_assert_eq(c.asked, 0, "the allocator was asked for %zu bytes", c.asked);
    lam_set_allocator(NULL);
}

Test(memory, a_failing_allocator_is_reported)
{
    counter c = {.fail = 1};
    lam_set_allocator(&(lam_allocator){count_allocate, count_release, &c});
    cr_assert_null(lam__allocate(25, 4, "weights"));
    cr_assert_str_eq(lam_error_message(), "out of memory: 100 bytes for weights");
    cr_assert_null(lam__allocate_zero(25, 4, "weights"));
    cr_assert_null(lam__copy_string("weights"));
    lam_set_allocator(NULL);
}

Test(memory, a_crooked_allocator_is_refused)
{
    counter c = {.crooked = 1};
    lam_set_allocator(&(lam_allocator){count_allocate, count_release, &c});
    cr_assert_null(lam__allocate(25, 4, "weights"));
    cr_assert_eq(lam_error_status(), LAM_ERR_MEMORY);
    cr_assert_eq(c.released, 1);
    lam_set_allocator(NULL);
}

Test(memory, an_allocator_needs_both_functions)
{
    cr_assert_eq(lam_set_allocator(&(lam_allocator){count_allocate, NULL, NULL}), LAM_ERR_ARGUMENT);
    cr_assert_not_null(strstr(lam_error_message(), "release"));
    cr_assert_eq(lam_set_allocator(&(lam_allocator){NULL, count_release, NULL}), LAM_ERR_ARGUMENT);
    cr_assert_not_null(strstr(lam_error_message(), "allocate"));
    void *p = lam__allocate(1, 1, "still the C library's");
    cr_assert_not_null(p);
    lam__release(p);
}

Test(arena, two_passes_give_disjoint_aligned_zeroed_buffers)
{
    enum { COUNT = 20 };
    unsigned char *taken[COUNT];
    lam__arena arena = {0};
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_null(lam__arena_take(&arena, i, 5));
    cr_assert_eq(lam__arena_open(&arena, "test"), LAM_OK);
    for (size_t i = 0; i < COUNT; i++) {
        taken[i] = lam__arena_take(&arena, i, 5);
        cr_assert_not_null(taken[i]);
        cr_assert_eq((uintptr_t)taken[i] % LAM__ALIGN, 0);
        for (size_t b = 0; b < i * 5; b++)
            cr_assert_eq(taken[i][b], 0);
        memset(taken[i], (int)i + 1, i * 5);
    }
    cr_assert_not(arena.overflow);
    cr_assert_eq(arena.used, arena.size);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t b = 0; b < i * 5; b++)
            cr_assert_eq(taken[i][b], i + 1, "buffers overlap");
    lam__arena_close(&arena);
    cr_assert_null(arena.base);
    cr_assert_eq(arena.used, 0);
}

Test(arena, an_empty_one_can_be_opened)
{
    lam__arena arena = {0};
    cr_assert_eq(lam__arena_open(&arena, "nothing"), LAM_OK);
    lam__arena_close(&arena);
    lam__arena_close(&arena);
}

Test(arena, sizes_that_overflow_are_refused_on_opening)
{
    lam__arena arena = {0};
    cr_assert_null(lam__arena_take(&arena, SIZE_MAX / 2, 4));
    cr_assert_null(lam__arena_take(&arena, 1, 4));
    cr_assert_eq(lam__arena_open(&arena, "a galaxy"), LAM_ERR_MEMORY);
    cr_assert_not_null(strstr(lam_error_message(), "a galaxy"));

    lam__arena sum = {0};
    lam__arena_take(&sum, SIZE_MAX / 2, 1);
    lam__arena_take(&sum, SIZE_MAX / 2, 1);
    lam__arena_take(&sum, 200, 1);
    cr_assert_eq(lam__arena_open(&sum, "two galaxies"), LAM_ERR_MEMORY);
}
