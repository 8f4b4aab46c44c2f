/* memory_limit.c: how much memory this process may use.
 *
 * Sources: Linux, Documentation/admin-guide/cgroup-v2.rst (memory.max, memory.high) and
 * cgroup-v1/memory.rst (memory.limit_in_bytes); getrlimit(2); proc(5) for /proc/self/statm. What a
 * group has in use is not subtracted: most of it is the system's cache of files, which gives way.
 */
#include "base/machine/memory_limit.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/machine/cgroup.h"

/* The number in a file of a group; 0 when it says "max", is missing or is not a number. */
static uint64_t read_number(const char *folder, const char *name)
{
    char text[64];
    const char *at = text;
    uint64_t number;
    return lam__small_text(folder, name, text, sizeof text) && lam__small_digits(&at, &number)
               ? number
               : 0;
}

/* Beyond memory.high a group is slowed down until it stands still, beyond memory.max it is killed.
 */
static uint64_t read_memory_2(const char *folder)
{
    return lam__lesser_limit(read_number(folder, "memory.max"), read_number(folder, "memory.high"));
}

/* Without a limit the file holds the largest number of whole pages, which limits nothing. */
static uint64_t read_memory_1(const char *folder)
{
    return read_number(folder, "memory.limit_in_bytes");
}

static const lam__cgroup_limit memory = {"memory", read_memory_2, read_memory_1};

uint64_t lam__group_memory(const char *root, const char *groups)
{
    return lam__cgroup_least(&memory, root, groups);
}

uint64_t lam__left_of_limit(uint64_t limit, uint64_t used)
{
    return limit > used ? limit - used : 1;
}

/* Bytes of address space and of data that this process has in use; 0 where it is not told. */
static void in_use(uint64_t *space, uint64_t *data)
{
    unsigned long long pages[6] = {0}; /* size, resident, shared, text, 0, data and stack */
    const long size = sysconf(_SC_PAGESIZE);
    char text[256];
    if (!lam__small_text("/proc/self", "statm", text, sizeof text) ||
        sscanf(text, "%llu %llu %llu %llu %llu %llu", &pages[0], &pages[1], &pages[2], &pages[3],
               &pages[4], &pages[5]) != 6)
        pages[0] = pages[5] = 0;
    *space = size > 0 ? pages[0] * (uint64_t)size : 0;
    *data = size > 0 ? pages[5] * (uint64_t)size : 0;
}

/* What is left of a resource limit; 0 when no limit is set. */
static uint64_t left_of_resource(int resource, uint64_t used)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return 0;
    return lam__left_of_limit(limit.rlim_cur, used);
}

uint64_t lam__memory_limit(void)
{
    const long size = sysconf(_SC_PAGESIZE);
    long pages = 0;
    uint64_t space, data;
#ifdef _SC_PHYS_PAGES
    pages = sysconf(_SC_PHYS_PAGES);
#endif
    in_use(&space, &data);
    uint64_t least = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
    least = lam__lesser_limit(least, lam__cgroup_mine(&memory));
#ifdef RLIMIT_AS
    least = lam__lesser_limit(least, left_of_resource(RLIMIT_AS, space));
#endif
    least = lam__lesser_limit(least, left_of_resource(RLIMIT_DATA, data));
    return least > 0 ? least : (uint64_t)1 << 30;
}
