/* name_table.c: a table of named rows: the built-in ones and, after them, the registered ones. */
#include "base/text/name_table.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/memory.h"
#include "base/text.h"

enum { LONGEST_NAME = 63 };

/* Guards the registered rows of all tables: registering is rare, looking up happens when something
 * is built, never in a step. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static lam__fork_guard guard;

__attribute__((constructor)) static void watch_lock(void)
{
    lam__fork_watch(&guard, &lock, NULL, NULL);
}

lam__row_names lam__row_names_of(const void *row)
{
    lam__row_names names;
    memcpy(&names, row, sizeof names);
    return names;
}

static bool has_name(const void *row, const char *name)
{
    const lam__row_names names = lam__row_names_of(row);
    return strcmp(names.name, name) == 0 || (names.alias && strcmp(names.alias, name) == 0);
}

static const void *lookup_built_in(const lam__name_table *table, const char *name)
{
    for (size_t i = 0; i < table->built_in_count; i++)
        if (has_name(table->built_in(i), name))
            return table->built_in(i);
    return NULL;
}

/* Call with the lock held. */
static const void *lookup_added(const lam__name_table *table, const char *name)
{
    for (size_t i = 0; i < table->added_count; i++)
        if (has_name(table->added[i], name))
            return table->added[i];
    return NULL;
}

size_t lam__table_size(lam__name_table *table)
{
    pthread_mutex_lock(&lock);
    const size_t size = table->built_in_count + table->added_count;
    pthread_mutex_unlock(&lock);
    return size;
}

const void *lam__table_at(lam__name_table *table, size_t i)
{
    if (i < table->built_in_count)
        return table->built_in(i);
    i -= table->built_in_count;
    pthread_mutex_lock(&lock);
    const void *row = i < table->added_count ? table->added[i] : NULL;
    pthread_mutex_unlock(&lock);
    return row;
}

const void *lam__table_lookup(lam__name_table *table, const char *name)
{
    const void *row = lookup_built_in(table, name);
    if (row)
        return row;
    pthread_mutex_lock(&lock);
    row = lookup_added(table, name);
    pthread_mutex_unlock(&lock);
    return row;
}

/* Records that `name` is not in the table. */
static void fail_unknown(lam__name_table *table, const char *name)
{
    const size_t size = lam__table_size(table);
    const char **words = lam__allocate(2 * size, sizeof *words, "a list of known words");
    if (!words)
        return; /* with LAM_ERR_MEMORY recorded */
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        const lam__row_names names = lam__row_names_of(lam__table_at(table, i));
        words[count++] = names.name;
        if (names.alias)
            words[count++] = names.alias;
    }
    char message[768];
    lam__unknown_word(table->kind, name, words, count, message, sizeof message);
    lam__release(words);
    lam__fail(LAM_ERR_NAME, "%s", message);
}

const void *lam__table_find(lam__name_table *table, const char *name)
{
    if (!name) {
        lam__fail(LAM_ERR_ARGUMENT, "the name of the %s is NULL", table->kind);
        return NULL;
    }
    const void *row = lam__table_lookup(table, name);
    if (!row)
        fail_unknown(table, name);
    return row;
}

lam_status lam__check_new_name(const char *kind, const char *name)
{
    if (!name)
        return lam__fail(LAM_ERR_ARGUMENT, "the name of the %s to register is NULL", kind);
    size_t length = 0;
    for (; length <= LONGEST_NAME && name[length]; length++) {
        const char c = name[length];
        const bool letter = c >= 'a' && c <= 'z';
        if (!letter && (length == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return lam__fail(LAM_ERR_ARGUMENT,
                             "malformed name '%.64s' of a %s: character %zu does not fit "
                             "[a-z][a-z0-9_]*",
                             name, kind, length + 1);
    }
    if (length == 0)
        return lam__fail(LAM_ERR_ARGUMENT, "the name of the %s to register is empty", kind);
    if (length > LONGEST_NAME)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "the name '%.64s...' of a %s has more than %d characters", name, kind,
                         (int)LONGEST_NAME);
    return LAM_OK;
}

/* Makes room for one more registered row. Call with the lock held. */
static lam_status grow(lam__name_table *table)
{
    if (table->added_count < table->capacity)
        return LAM_OK;
    const size_t capacity = table->capacity ? 2 * table->capacity : 8;
    const void **added = lam__allocate(capacity, sizeof *added, "registered names");
    if (!added)
        return LAM_ERR_MEMORY;
    if (table->added_count)
        memcpy(added, table->added, table->added_count * sizeof *added);
    lam__release(table->added);
    table->added = added;
    table->capacity = capacity;
    return LAM_OK;
}

lam_status lam__table_add(lam__name_table *table, const void *row)
{
    const char *name = lam__row_names_of(row).name;
    pthread_mutex_lock(&lock);
    lam_status status;
    if (lookup_built_in(table, name) || lookup_added(table, name))
        status = lam__fail(LAM_ERR_NAME, "the name '%s' of a %s is taken", name, table->kind);
    else
        status = grow(table);
    if (status == LAM_OK)
        table->added[table->added_count++] = row;
    pthread_mutex_unlock(&lock);
    return status;
}
