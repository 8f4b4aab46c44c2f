/* name_table.h: a table of named rows: the built-in ones and, after them, the registered ones.
 *
 * Every row is a struct that begins with `const char *name, *alias, *help`. Rows are found by name
 * or alias; a registered row lives as long as the process, so pointers to rows stay valid. */
#ifndef LAMINA_NAME_TABLE_H
#define LAMINA_NAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

/* How each row begins. */
typedef struct lam__row_names {
    const char *name, *alias, *help; /* alias may be NULL */
} lam__row_names;

typedef struct lam__name_table {
    const char *kind; /* "activation", for messages */
    const void *(*built_in)(size_t i);
    size_t built_in_count;
    const void **added; /* [added_count], registered rows; under the lock of name_table.c */
    size_t added_count, capacity;
} lam__name_table;

/* Checks at compile time that a row type begins with the names. */
#define LAM__CHECK_ROW(type)                                                                       \
    _Static_assert(offsetof(type, name) == offsetof(lam__row_names, name) &&                       \
                       offsetof(type, alias) == offsetof(lam__row_names, alias) &&                 \
                       offsetof(type, help) == offsetof(lam__row_names, help),                     \
                   "rows begin with their names")

lam__row_names lam__row_names_of(const void *row);

/* All of these may be called from any thread. */
size_t lam__table_size(lam__name_table *table);

/* Row i, NULL when out of range. */
const void *lam__table_at(lam__name_table *table, size_t i);

/* The row with this name or alias; NULL, with no error recorded, when there is none. */
const void *lam__table_lookup(lam__name_table *table, const char *name);

/* The same; NULL with LAM_ERR_NAME recorded, which lists the known words and the nearest, or with
 * LAM_ERR_ARGUMENT when name is NULL. */
const void *lam__table_find(lam__name_table *table, const char *name);

/* Whether a name has the form [a-z][a-z0-9_]* of at most 63 characters; records the error. */
lam_status lam__check_new_name(const char *kind, const char *name);

/* Adds a row, whose strings and whose memory are then the table's, for good. LAM_ERR_NAME when its
 * name is taken, LAM_ERR_MEMORY; then the row stays the caller's. */
lam_status lam__table_add(lam__name_table *table, const void *row);

#endif
