/* catalog.h: what can be named, with one line of help each.  Part of Lamina, MIT license. */
#ifndef LAMINA_CATALOG_H
#define LAMINA_CATALOG_H

#include <stddef.h>

#include <lamina/export.h>
#include <lamina/status.h>

LAM_BEGIN_DECLS

/* Any number of threads may call these functions, even while another registers a name. */

/* The lists. Registered names follow the built-in ones. */
typedef enum lam_catalog_kind {
    LAM_ACTIVATION,
    LAM_LOSS,
    LAM_METRIC,
    LAM_OPTIMIZER,
    LAM_INITIALIZER,
    LAM_LAYER,
    LAM_FIT_OPTION,
    LAM_CALLBACK,
    LAM_MODEL_FORMAT,
    LAM_LOAD_OPTION,
    LAM_DATA_FORMAT /* what lam_dataset_load recognizes */
} lam_catalog_kind;

/* One entry. Strings belong to the library and live as long as the process. */
typedef struct lam_catalog_entry {
    const char *name;
    const char *alias;         /* another accepted name, or NULL */
    const char *help;          /* one line */
    const char *argument;      /* options: "X", "N", "NAME", "NAMES", "SEED", NULL for a switch */
    const char *default_value; /* options: as text; NULL when there is no default */
} lam_catalog_entry;

/* Number of entries of a list; it may grow by registration, never shrink. */
LAM_API size_t lam_catalog_size(lam_catalog_kind kind);

/* Entry i of a list in *entry. LAM_ERR_ARGUMENT when out of range. */
LAM_API lam_status lam_catalog_sized(lam_catalog_kind kind, size_t i, lam_catalog_entry *entry,
                                     size_t size);
LAM_INLINE lam_status lam_catalog(lam_catalog_kind kind, size_t i, lam_catalog_entry *entry)
{
    return lam_catalog_sized(kind, i, entry, sizeof *entry);
}

/* The entry among words[count] closest to `word` by edit distance, for "did you mean"; NULL when
 * nothing is close. */
LAM_API const char *lam_nearest(const char *word, const char *const *words, size_t count);

LAM_END_DECLS

#endif
