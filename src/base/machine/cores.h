/* cores.h: how many cores this process may use. */
#ifndef LAMINA_CORES_H
#define LAMINA_CORES_H

#include <stdbool.h>
#include <stddef.h>

/* The core this thread runs on, -1 where the system does not tell. */
int lam__core_now(void);

/* Moves this thread to a core other than the given one, if it may use another, and leaves its
 * affinity as it was. Whether it moved. */
bool lam__leave_core(int core);

/* Cores this process may use, at least 1: those of its CPU affinity, and no more than the quotas
 * of its control groups (what a container is given) let it keep busy. */
size_t lam__cores(void);

/* The cores that "QUOTA PERIOD", as in the file cpu.max, keep busy: quota over period, rounded up.
 * 0 for no limit ("max 100000", "-1 100000") and for what is not of that form. */
size_t lam__quota_cores(const char *text);

/* The least quota of the control groups named in `groups` (the text of /proc/self/cgroup) and of
 * the groups around them, in cores; 0 when there is none. `root` is where the hierarchies are
 * mounted: /sys/fs/cgroup. */
size_t lam__group_cores(const char *root, const char *groups);

#endif
