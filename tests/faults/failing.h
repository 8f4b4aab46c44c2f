/* failing.h: every allocation of a job fails in turn: an error, nothing lost, nothing leaked. */
#ifndef LAMINA_TEST_FAILING_H
#define LAMINA_TEST_FAILING_H

#include <criterion/criterion.h>

#include <stdbool.h>
#include <stdlib.h>

#include <lamina/lamina.h>

static struct {
    size_t calls, fail_at, held;
} memory;

static void *allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    if (memory.calls++ == memory.fail_at)
        return NULL;
    void *block = NULL;
    if (posix_memalign(&block, alignment, size > 0 ? size : 1) != 0)
        return NULL;
    memory.held++;
    return block;
}

static void release(void *pointer, void *user)
{
    (void)user;
    if (pointer)
        memory.held--;
    free(pointer);
}

/* Each job does one thing and cleans up; false when it failed. */
typedef bool job(void);

/* Runs a job with each of its allocations failing. */
static void run(job *what, const char *name)
{
    const lam_allocator allocator = {allocate, release, NULL};
    size_t at = 0;
    for (bool done = false; !done; at++) {
        cr_assert(at < 10000);
        memory.calls = 0;
        memory.fail_at = at;
        cr_assert_eq(lam_set_allocator(&allocator), LAM_OK);
        done = what();
        cr_assert_eq(lam_set_allocator(NULL), LAM_OK);
        cr_assert_eq(memory.held, 0, "%s: allocation %zu failed: %zu leaked", name, at,
                     memory.held);
        if (memory.calls <= at) {
            cr_assert(done, "%s: %s", name, lam_error_message());
            break;
        }
        cr_assert(!done, "%s: allocation %zu failed unnoticed", name, at);
        cr_assert_eq(lam_error_status(), LAM_ERR_MEMORY, "%s: allocation %zu: %s", name, at,
                     lam_error_message());
    }
    cr_assert(at > 1, "%s allocates nothing", name);
}

#endif
