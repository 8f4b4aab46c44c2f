/* cores.c: how many cores this process may use, and which one a thread is on.
 *
 * Sources: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst
 * (version 1). */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/machine/cores.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "base/machine/cgroup.h"

int lam__core_now(void)
{
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

bool lam__leave_core(int core)
{
#ifdef __linux__
    cpu_set_t mine, others;
    if (core < 0 || core >= CPU_SETSIZE || sched_getaffinity(0, sizeof mine, &mine) != 0)
        return false;
    others = mine;
    CPU_CLR(core, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0)
        return false;
    sched_setaffinity(0, sizeof mine, &mine);
    return true;
#else
    (void)core;
    return false;
#endif
}

size_t lam__quota_cores(const char *text)
{
    uint64_t quota, period;
    if (!lam__small_digits(&text, &quota))
        return 0;
    text += strspn(text, " \n");
    if (!lam__small_digits(&text, &period) || quota == 0 || period == 0)
        return 0;
    const uint64_t cores = quota / period + (quota % period != 0);
    return cores < SIZE_MAX ? (size_t)cores : SIZE_MAX;
}

/* The quota of one group of version 2, whose files lie in `folder`; 0 for none. */
static uint64_t read_quota_2(const char *folder)
{
    char text[64];
    return lam__small_text(folder, "cpu.max", text, sizeof text) ? lam__quota_cores(text) : 0;
}

/* The same of version 1. */
static uint64_t read_quota_1(const char *folder)
{
    char quota[32], period[32], text[80];
    if (!lam__small_text(folder, "cpu.cfs_quota_us", quota, sizeof quota) ||
        !lam__small_text(folder, "cpu.cfs_period_us", period, sizeof period))
        return 0;
    snprintf(text, sizeof text, "%s %s", quota, period);
    return lam__quota_cores(text);
}

static const lam__cgroup_limit quotas = {"cpu", read_quota_2, read_quota_1};

size_t lam__group_cores(const char *root, const char *groups)
{
    return (size_t)lam__cgroup_least(&quotas, root, groups);
}

/* Cores of the CPU affinity. */
static size_t allowed_cores(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

size_t lam__cores(void)
{
    const size_t allowed = allowed_cores();
#ifdef __linux__
    if (allowed > 1)
        return (size_t)lam__lesser_limit(allowed, lam__cgroup_mine(&quotas));
#endif
    return allowed;
}
