/* cores.c: how many cores this process may use, and which one a thread is on.
 *
 * Sources: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst
 * (version 1); cgroups(7) for /proc/self/cgroup. A group's limit holds for all groups inside it, so
 * the least one on the way to the root counts. Groups that are out of sight, as those around a
 * container are, have no files here and set no limit. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/cores.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

/* Longest path of a group, and of a file of it. */
enum { GROUP = 512, FILE_PATH = 1024 };

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

/* Reads the beginning of a small file; false when there is none. */
static bool read_text(const char *path, char *text, size_t size)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    const ssize_t length = read(file, text, size - 1);
    close(file);
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* Reads digits and goes on behind them; false when there are none. Too large is the largest. */
static bool read_digits(const char **text, unsigned long long *number)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return true;
}

size_t lam__quota_cores(const char *text)
{
    unsigned long long quota, period;
    if (!read_digits(&text, &quota))
        return 0;
    text += strspn(text, " \n");
    if (!read_digits(&text, &period) || quota == 0 || period == 0)
        return 0;
    const unsigned long long cores = quota / period + (quota % period != 0);
    return cores < SIZE_MAX ? (size_t)cores : SIZE_MAX;
}

/* The quota of one group of version 2, whose files lie in `folder`; 0 for none. */
static size_t read_quota_2(const char *folder)
{
    char path[FILE_PATH], text[64];
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    return read_text(path, text, sizeof text) ? lam__quota_cores(text) : 0;
}

/* The same of version 1. */
static size_t read_quota_1(const char *folder)
{
    char path[FILE_PATH], quota[32], period[32], text[80];
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_text(path, quota, sizeof quota))
        return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (!read_text(path, period, sizeof period))
        return 0;
    snprintf(text, sizeof text, "%s %s", quota, period);
    return lam__quota_cores(text);
}

static size_t lesser(size_t a, size_t b)
{
    return b && (!a || b < a) ? b : a;
}

/* The least quota of mount/group and of all groups around it. */
static size_t least_quota(const char *mount, const char *group, size_t length,
                          size_t (*read_quota)(const char *folder))
{
    char folder[GROUP];
    const int written = snprintf(folder, sizeof folder, "%s%.*s", mount, (int)length, group);
    if (written < 0 || (size_t)written >= sizeof folder)
        return 0;
    size_t least = 0;
    for (;;) {
        least = lesser(least, read_quota(folder));
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < strlen(mount))
            return least;
        *slash = '\0';
    }
}

/* Whether "cpu" is among the controllers "cpu,cpuacct" of a hierarchy of version 1. */
static bool has_cpu(const char *list, size_t length)
{
    static const char name[] = "cpu";
    while (length > 0) {
        const char *comma = memchr(list, ',', length);
        const size_t word = comma ? (size_t)(comma - list) : length;
        if (word == strlen(name) && memcmp(list, name, word) == 0)
            return true;
        list += word + (comma != NULL);
        length -= word + (comma != NULL);
    }
    return false;
}

size_t lam__group_cores(const char *root, const char *groups)
{
    char mount[GROUP / 2];
    size_t least = 0;
    while (*groups) { /* NUMBER:CONTROLLERS:PATH, without controllers in version 2 */
        const size_t length = strcspn(groups, "\n");
        const char *first = memchr(groups, ':', length);
        const char *second =
            first ? memchr(first + 1, ':', length - (size_t)(first + 1 - groups)) : NULL;
        if (second) {
            const size_t controllers = (size_t)(second - first - 1);
            const size_t path = length - (size_t)(second + 1 - groups);
            if (controllers == 0)
                least = lesser(least, least_quota(root, second + 1, path, read_quota_2));
            else if (has_cpu(first + 1, controllers)) {
                snprintf(mount, sizeof mount, "%s/cpu", root);
                least = lesser(least, least_quota(mount, second + 1, path, read_quota_1));
            }
        }
        groups += length + (groups[length] == '\n');
    }
    return least;
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
    char groups[4096];
    if (allowed > 1 && read_text("/proc/self/cgroup", groups, sizeof groups))
        return lesser(allowed, lam__group_cores("/sys/fs/cgroup", groups));
#endif
    return allowed;
}
