/* cgroup.c: control groups, which is how a container is given less than the machine has.
 *
 * Sources: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/; cgroups(7) for
 * /proc/self/cgroup. A group's limit holds for all groups inside it, so the least one on the way to
 * the root counts. Groups that are out of sight, as those around a container are, have no files
 * here and set no limit; a container whose own path is out of sight finds its group's files at the
 * root of what is mounted. */
#include "base/machine/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longest path of a group. */
enum { GROUP = 512 };

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

bool lam__small_text(const char *folder, const char *name, char *text, size_t size)
{
    char path[LAM__CGROUP_PATH];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && (size_t)length < sizeof path && read_text(path, text, size);
}

bool lam__small_digits(const char **text, uint64_t *number)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return true;
}

uint64_t lam__lesser_limit(uint64_t a, uint64_t b)
{
    return b && (!a || b < a) ? b : a;
}

/* The least limit of mount/group and of all groups around it. */
static uint64_t least_limit(const char *mount, const char *group, size_t length,
                            uint64_t (*read_limit)(const char *folder))
{
    char folder[GROUP];
    const int written = snprintf(folder, sizeof folder, "%s%.*s", mount, (int)length, group);
    if (written < 0 || (size_t)written >= sizeof folder)
        return read_limit(mount);
    uint64_t least = 0;
    for (;;) {
        least = lam__lesser_limit(least, read_limit(folder));
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < strlen(mount))
            return least;
        *slash = '\0';
    }
}

/* Whether `name` is among the controllers "cpu,cpuacct" of a hierarchy of version 1. */
static bool has_controller(const char *list, size_t length, const char *name)
{
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

uint64_t lam__cgroup_least(const lam__cgroup_limit *limit, const char *root, const char *groups)
{
    char mount[GROUP / 2];
    uint64_t least = 0;
    while (*groups) { /* NUMBER:CONTROLLERS:PATH, without controllers in version 2 */
        const size_t length = strcspn(groups, "\n");
        const char *first = memchr(groups, ':', length);
        const char *second =
            first ? memchr(first + 1, ':', length - (size_t)(first + 1 - groups)) : NULL;
        if (second) {
            const size_t controllers = (size_t)(second - first - 1);
            const size_t path = length - (size_t)(second + 1 - groups);
            if (controllers == 0) {
                least =
                    lam__lesser_limit(least, least_limit(root, second + 1, path, limit->read_2));
            } else if (has_controller(first + 1, controllers, limit->controller)) {
                snprintf(mount, sizeof mount, "%s/%s", root, limit->controller);
                least =
                    lam__lesser_limit(least, least_limit(mount, second + 1, path, limit->read_1));
            }
        }
        groups += length + (groups[length] == '\n');
    }
    return least;
}

uint64_t lam__cgroup_mine(const lam__cgroup_limit *limit)
{
    char groups[4096];
    return read_text("/proc/self/cgroup", groups, sizeof groups)
               ? lam__cgroup_least(limit, "/sys/fs/cgroup", groups)
               : 0;
}
