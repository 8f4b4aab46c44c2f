/* arrays.h: named arrays, in an .npz archive or as .npy files of a folder, as samples and targets.
 *
 * Names, in any case: x, data, images, features, inputs, samples or arr_0 for samples, and y,
 * target(s), label(s), classes or arr_1 for targets; with train_ or test_ before or _train or _test
 * behind for the splits. A single array is samples. */
#ifndef LAMINA_ARRAYS_H
#define LAMINA_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/dataset.h>

#include "data/npy.h"

/* Where named arrays are. */
typedef struct lam__arrays {
    const char *path; /* for messages */
    size_t count;
    char (*names)[64]; /* [count], without .npy; owned */
    void *context;
    lam_status (*read)(const struct lam__arrays *arrays, size_t i, size_t limit, lam__npy *npy);
} lam__arrays;

/* Whether the names hold samples and targets of a test split. */
bool lam__arrays_have_test(const lam__arrays *arrays);

/* Whether the names hold samples, for recognition. */
bool lam__arrays_have_samples(const lam__arrays *arrays);

lam_status lam__arrays_load(const lam__arrays *arrays, lam_split split,
                            const lam_load_options *options, lam_dataset **dataset);

/* A dataset of an array's values, without targets; takes over npy->values. */
lam_status lam__npy_dataset(lam__npy *npy, const char *path, const lam_load_options *options,
                            lam_dataset **dataset);

/* An .npz archive in memory, called `name` in messages. */
lam_status lam__npz_parse(const void *bytes, size_t size, const char *name, lam_split split,
                          const lam_load_options *options, lam_dataset **dataset);

#endif
