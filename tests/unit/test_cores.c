/* test_cores.c: the number of cores: quotas of control groups, as the kernel writes them. */
#include <criterion/criterion.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../support/scratch.h"
#include "base/machine/cores.h"

Test(cores, reads_quotas)
{
    static const struct {
        const char *text;
        size_t cores;
    } quotas[] = {
        {"max 100000\n", 0},
        {"-1\n 100000\n", 0},
        {"100000 100000\n", 1},
        {"400000 100000\n", 4},
        {"400000\n 100000\n", 4},
        {"150000 100000\n", 2}, /* a share of a core needs a thread too */
        {"1000 100000\n", 1},
        {"250000 50000", 5},
        {"99999999999999999999999 1", SIZE_MAX},
        {"0 100000", 0},
        {"100000 0", 0},
        {"100000", 0},
        {"100000 max", 0},
        {"100000 -1", 0},
        {"", 0},
        {"\n", 0},
        {"nonsense", 0},
    };
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++)
        cr_expect_eq(lam__quota_cores(quotas[i].text), quotas[i].cores, "'%s': %zu", quotas[i].text,
                     lam__quota_cores(quotas[i].text));
}

static char root[256];

static void make_root(void)
{
    scratch_make(root);
}

static void remove_root(void)
{
    scratch_remove(root);
}

TestSuite(cores, .init = make_root, .fini = remove_root);

static void put(const char *name, const char *text)
{
    scratch_put(root, name, text);
}

Test(cores, version_2_takes_the_least_on_the_way_up)
{
    static const char groups[] = "0::/outer/inner\n";
    cr_expect_eq(lam__group_cores(root, groups), 0, "no files, no limit");
    put("outer/inner/cpu.max", "max 100000\n");
    cr_expect_eq(lam__group_cores(root, groups), 0);
    put("outer/cpu.max", "300000 100000\n");
    cr_expect_eq(lam__group_cores(root, groups), 3, "the group around it");
    put("outer/inner/cpu.max", "500000 100000\n");
    cr_expect_eq(lam__group_cores(root, groups), 3);
    put("outer/inner/cpu.max", "200000 100000\n");
    cr_expect_eq(lam__group_cores(root, groups), 2);
    cr_expect_eq(lam__group_cores(root, "0::/outer"), 3, "another group's limit is not ours");
    cr_expect_eq(lam__group_cores(root, "0::/"), 0);
    put("cpu.max", "100000 100000\n"); /* where a container sees its own group */
    cr_expect_eq(lam__group_cores(root, "0::/"), 1);
    cr_expect_eq(lam__group_cores(root, "0::/out/of/sight"), 1);
    cr_expect_eq(lam__group_cores(root, "0::/../other"), 1);
}

Test(cores, version_1_and_both)
{
    put("cpu/box/cpu.cfs_quota_us", "250000\n");
    cr_expect_eq(lam__group_cores(root, "3:cpu,cpuacct:/box\n"), 0, "no period");
    put("cpu/box/cpu.cfs_period_us", "100000\n");
    static const char *const same[] = {"3:cpu,cpuacct:/box\n", "3:cpuacct,cpu:/box/in",
                                       "9:memory:/x\n3:cpu:/box\n1:name=systemd:/\n0::/\n"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        cr_expect_eq(lam__group_cores(root, same[i]), 3, "%s", same[i]);
    cr_expect_eq(lam__group_cores(root, "3:cpuset,cpuacct:/box\n"), 0, "another controller");
    put("cpu/box/cpu.cfs_quota_us", "-1\n");
    cr_expect_eq(lam__group_cores(root, same[0]), 0);
}

Test(cores, survives_what_is_no_list_of_groups)
{
    static const char *const bad[] = {
        "", "\n\n", ":", "::", "0:", "0::", "cpu", "1:cpu", "1:cpu:", ":,:", "0::relative"};
    put("cpu.max", "max\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(lam__group_cores(root, bad[i]), 0, "'%s'", bad[i]);
    char longest[8000];
    snprintf(longest, sizeof longest, "0::/%07900d", 0);
    cr_expect_eq(lam__group_cores(root, longest), 0);
    cr_expect_geq(lam__cores(), 1);
}
