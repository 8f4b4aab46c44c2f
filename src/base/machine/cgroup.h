/* cgroup.h: control groups, which is how a container is given less than the machine has. */
#ifndef LAMINA_CGROUP_H
#define LAMINA_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest path of a file of a group. */
#define LAM__CGROUP_PATH 1024

/* A limit of one kind, in the files of both versions of control groups. */
typedef struct lam__cgroup_limit {
    const char *controller; /* of version 1, which has a hierarchy for each: "cpu", "memory" */
    uint64_t (*read_2)(const char *folder); /* of one group of version 2; 0 for none */
    uint64_t (*read_1)(const char *folder);
} lam__cgroup_limit;

/* The least limit of the control groups named in `groups` (the text of /proc/self/cgroup) and of
 * the groups around them; 0 when no limit is set. `root` is where the hierarchies are mounted. */
uint64_t lam__cgroup_least(const lam__cgroup_limit *limit, const char *root, const char *groups);

/* The same for this process; 0 where there are no control groups. */
uint64_t lam__cgroup_mine(const lam__cgroup_limit *limit);

/* The lesser of two limits, 0 being none. */
uint64_t lam__lesser_limit(uint64_t a, uint64_t b);

/* Reads the beginning of FOLDER/NAME, as much as fits; false when there is none. */
bool lam__small_text(const char *folder, const char *name, char *text, size_t size);

/* Reads digits and advances past them; false when there are none. Too large is the largest. */
bool lam__small_digits(const char **text, uint64_t *number);

#endif
