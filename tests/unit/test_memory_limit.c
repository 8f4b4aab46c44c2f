/* test_memory_limit.c: how much memory this process may use: limits of control groups, as the
 * kernel writes them, and of resources. */
#include <criterion/criterion.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/limits.h"
#include "../support/scratch.h"
#include "base/machine/memory_limit.h"

#define MB ((uint64_t)1 << 20)

static char root[256];

static void make_root(void)
{
    scratch_make(root);
}

static void remove_root(void)
{
    scratch_remove(root);
}

TestSuite(memory_limit, .init = make_root, .fini = remove_root);

static void put(const char *name, const char *text)
{
    scratch_put(root, name, text);
}

Test(memory_limit, version_2_takes_the_least_on_the_way_up)
{
    static const char groups[] = "0::/outer/inner\n";
    cr_expect_eq(lam__group_memory(root, groups), 0, "no files, no limit");
    put("outer/inner/memory.max", "max\n");
    cr_expect_eq(lam__group_memory(root, groups), 0);
    put("outer/memory.max", "314572800\n");
    cr_expect_eq(lam__group_memory(root, groups), 300 * MB, "the group around it");
    put("outer/inner/memory.max", "524288000\n");
    cr_expect_eq(lam__group_memory(root, groups), 300 * MB);
    put("outer/inner/memory.high", "209715200\n");
    cr_expect_eq(lam__group_memory(root, groups), 200 * MB, "beyond it all stands still");
    put("outer/inner/memory.high", "max\n");
    put("outer/inner/memory.max", "104857600\n");
    cr_expect_eq(lam__group_memory(root, groups), 100 * MB);
    cr_expect_eq(lam__group_memory(root, "0::/outer"), 300 * MB, "another group's is not ours");
    cr_expect_eq(lam__group_memory(root, "0::/"), 0);
}

/* A container: its own path is out of sight, or said to be the root, and its files lie there. */
Test(memory_limit, containers)
{
    put("memory.max", "104857600\n");
    put("memory/memory.limit_in_bytes", "52428800\n");
    static const char *const version_2[] = {"0::/", "0::/docker/0123abc\n", "0::/../other",
                                            "0::/kubepods/pod1/c1"};
    for (size_t i = 0; i < sizeof version_2 / sizeof *version_2; i++)
        cr_expect_eq(lam__group_memory(root, version_2[i]), 100 * MB, "%s", version_2[i]);
    static const char *const version_1[] = {"4:memory:/\n", "4:memory:/docker/0123abc",
                                            "9:name=systemd:/\n5:cpu,memory:/a/b\n0::/\n"};
    for (size_t i = 0; i < sizeof version_1 / sizeof *version_1; i++)
        cr_expect_eq(lam__group_memory(root, version_1[i]), 50 * MB, "%s", version_1[i]);
    char longest[8000];
    snprintf(longest, sizeof longest, "0::/%07900d", 0);
    cr_expect_eq(lam__group_memory(root, longest), 100 * MB, "a path too long to be looked up");
}

Test(memory_limit, version_1_and_what_is_no_limit)
{
    static const char groups[] = "4:memory:/box/in\n0::/\n";
    put("memory/memory.limit_in_bytes", "9223372036854771712\n"); /* as without a limit */
    cr_expect_geq(lam__group_memory(root, groups), (uint64_t)1 << 62);
    put("memory/box/memory.limit_in_bytes", "314572800\n");
    cr_expect_eq(lam__group_memory(root, groups), 300 * MB);
    static const char *const none[] = {"", "\n", "max", "-1", "nonsense", "0"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        put("memory/box/in/memory.limit_in_bytes", none[i]);
        cr_expect_eq(lam__group_memory(root, groups), 300 * MB, "'%s'", none[i]);
    }
    put("memory/box/in/memory.limit_in_bytes", "99999999999999999999999");
    cr_expect_eq(lam__group_memory(root, groups), 300 * MB);
    cr_expect_eq(lam__group_memory(root, "4:memoryless:/box\n"), 0, "another controller");
}

/* The limit a child has when it may use `bytes`, or as much as it is if that is 0. Skips the test
 * where limits are ignored. */
static uint64_t limit_of_child(int resource, uint64_t bytes)
{
    int ends[2];
    uint64_t limit = 0;
    cr_assert_eq(pipe(ends), 0);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        const struct rlimit most = {bytes, bytes};
        if (bytes > 0 && setrlimit(resource, &most) != 0)
            _exit(1);
        limit = bytes > 0 && !limit_is_kept(resource, bytes) ? UINT64_MAX : lam__memory_limit();
        _exit(write(ends[1], &limit, sizeof limit) != sizeof limit);
    }
    close(ends[1]);
    cr_assert_eq(read(ends[0], &limit, sizeof limit), (ssize_t)sizeof limit);
    close(ends[0]);
    waitpid(child, NULL, 0);
    if (limit == UINT64_MAX)
        cr_skip_test("limits on memory have no effect here");
    return limit;
}

Test(memory_limit, resources)
{
    cr_expect_eq(lam__left_of_limit(100, 30), 70);
    cr_expect_eq(lam__left_of_limit(100, 100), 1);
    cr_expect_eq(lam__left_of_limit(100, 200), 1, "the limit came later");
    const uint64_t free = limit_of_child(RLIMIT_AS, 0);
    cr_expect_geq(free, 1);
    const uint64_t most = 1024 * MB; /* of address space, of which the test has some in use */
    const uint64_t space = limit_of_child(RLIMIT_AS, most);
    cr_expect(space < most && space >= 1, "%ju", (uintmax_t)space);
    const uint64_t data = limit_of_child(RLIMIT_DATA, most);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* whose shadow is data, too */
    cr_expect(data <= most && data >= 1, "%ju", (uintmax_t)data);
#else
    cr_expect(data <= most && data >= most / 2, "%ju", (uintmax_t)data);
#endif
}
