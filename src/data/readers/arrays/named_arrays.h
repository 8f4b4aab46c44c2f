/* named_arrays.h: named arrays, in an .npz archive or as .npy files of a folder, as samples and
 * targets.
 *
 * Names, in any case: x, data, images, features, inputs, samples or arr_0 for samples, and y,
 * target(s), label(s), classes or arr_1 for targets; with train_ or test_ before or _train or _test
 * behind for the splits. A single array is samples. */
#ifndef LAMINA_NAMED_ARRAYS_H
#define LAMINA_NAMED_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/dataset.h>

#include "data/readers/arrays/npy.h"

/* Where named arrays are. */
typedef struct lam__arrays {
    const char *path; /* for messages */
    size_t count;
    char (*names)[64]; /* [count], without .npy; owned */
    void *context;
    uint64_t memory; /* bytes that samples may take, those of a plain file stay in it beyond that */
    lam_status (*read)(const struct lam__arrays *arrays, size_t i, size_t limit, lam__npy *npy);
} lam__arrays;

/* What one name says, for recognition: bits that are set in several names by |. */
enum {
    LAM__ARRAY_SAMPLES = 1, /* samples of any split, or of none */
    LAM__ARRAY_TRAIN = 2,   /* samples of the training split */
    LAM__ARRAY_TEST = 4,
    LAM__ARRAY_TEST_TARGETS = 8,
    LAM__ARRAY_SPLITS = LAM__ARRAY_TRAIN | LAM__ARRAY_TEST | LAM__ARRAY_TEST_TARGETS
};
unsigned lam__array_meaning(const char *name);

lam_status lam__arrays_load(const lam__arrays *arrays, lam_split split,
                            const lam_load_options *options, lam_dataset **dataset);

/* A dataset of an array's values, without targets; takes over npy->values. */
lam_status lam__npy_dataset(lam__npy *npy, const char *path, const lam_load_options *options,
                            lam_dataset **dataset);

/* An .npz archive in memory, called `name` in messages. */
lam_status lam__npz_parse(const void *bytes, size_t size, const char *name, lam_split split,
                          const lam_load_options *options, lam_dataset **dataset);

#endif
