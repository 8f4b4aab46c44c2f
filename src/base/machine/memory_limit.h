/* memory_limit.h: how much memory this process may use. */
#ifndef LAMINA_MEMORY_LIMIT_H
#define LAMINA_MEMORY_LIMIT_H

#include <stdint.h>

/* Bytes that this process may use: the machine's memory, and no more than its control groups (what
 * a container is given) and its resource limits (RLIMIT_AS and RLIMIT_DATA, less what is in use
 * already) let it have. At least 1; 1 GB where the system does not tell. */
uint64_t lam__memory_limit(void);

/* The least limit of memory of the control groups named in `groups` (the text of /proc/self/cgroup)
 * and of the groups around them, in bytes; 0 when there is none. `root` is where the hierarchies
 * are mounted: /sys/fs/cgroup. */
uint64_t lam__group_memory(const char *root, const char *groups);

/* The same of a resource limit of `limit` bytes, of which `used` are in use. */
uint64_t lam__left_of_limit(uint64_t limit, uint64_t used);

#endif
