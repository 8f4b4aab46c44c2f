/* intern.c: texts that last as long as the process, each kept once. */
#include "base/text/intern.h"

#include <pthread.h>
#include <search.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/memory.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static lam__fork_guard guard;

__attribute__((constructor)) static void watch_lock(void)
{
    lam__fork_watch(&guard, &lock, NULL, NULL);
}

static void *texts; /* a tree of search.h, whose keys are the copies */

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Call with the lock held. */
static const char *find_or_add(const char *text)
{
    const char *const *found = tfind(text, &texts, compare);
    if (found)
        return *found;
    char *copy = lam__copy_string(text);
    if (copy && !tsearch(copy, &texts, compare)) {
        lam__fail_memory(strlen(text) + 1, "a text");
        lam__release(copy);
        copy = NULL;
    }
    return copy;
}

const char *lam__intern(const char *text)
{
    pthread_mutex_lock(&lock);
    const char *own = find_or_add(text);
    pthread_mutex_unlock(&lock);
    return own;
}
