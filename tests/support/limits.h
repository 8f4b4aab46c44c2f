/* limits.h: a limit on memory for one test. */
#ifndef LAMINA_TEST_LIMITS_H
#define LAMINA_TEST_LIMITS_H

#include <criterion/criterion.h>

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Whether a limit that was just set is in force: qemu-user accepts some and ignores them. */
static inline bool limit_is_kept(int resource, rlim_t bytes)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur == bytes;
}

/* Limits the address space of this process, or skips the test where that is accepted and ignored,
 * as qemu-user does. */
static inline void limit_address_space(rlim_t bytes)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    void *all =
        mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all != MAP_FAILED) {
        munmap(all, (size_t)bytes);
        cr_skip_test("limits on the address space have no effect here");
    }
}

#endif
