/* image_set.h: image files as samples: which file is which sample, and what each is brought to. */
#ifndef LAMINA_IMAGE_SET_H
#define LAMINA_IMAGE_SET_H

#include <lamina/dataset.h>

#include "data/readers/images/image_files.h"
#include "data/readers/images/image_fit.h"

typedef struct lam__image_set {
    lam__image_files files;
    uint32_t *file_of; /* [samples] */
    size_t samples;
    lam__image_shape shape;
    bool any_size, any_color; /* brought to the shape; else another is an error */
    size_t model;             /* a file that has the shape, for that error */
    bool skip;                /* files that cannot be read */
    char **skipped;           /* [skipped_count] what was wrong with them */
    size_t skipped_count;
} lam__image_set;

/* Values of a sample. */
size_t lam__image_set_features(const lam__image_set *set);

/* Chooses the samples among the files: all of them, or with options->limit every so many-th; with
 * options->multi_label, files of one name are one sample. */
lam_status lam__image_set_choose(lam__image_set *set, const lam_load_options *options);

/* Finds the shape: what the options or the model that they name ask for, the rest as the first
 * image that can be read. */
lam_status lam__image_set_shape(lam__image_set *set, const lam_load_options *options);

/* Reads sample i to out[features]. */
lam_status lam__image_set_decode(const lam__image_set *set, size_t i, lam__image_decoder *decoder,
                                 uint8_t *out);

/* Whether a failure is one that `skip` passes over. */
bool lam__image_set_skips(const lam__image_set *set, lam_status status);

/* Reads all samples to x[samples][features], on all cores; NULL: only looks whether they can be
 * read. Samples that are skipped are taken out. The first failure in the order of the samples is
 * the one reported, whatever the number of threads. */
lam_status lam__image_set_read(lam__image_set *set, uint8_t *x);

/* The labels or, with multi_label, the targets of the samples, and the classes' names. */
lam_status lam__image_set_targets(const lam__image_set *set, const lam_load_options *options,
                                  lam_dataset *dataset);

void lam__image_set_release(lam__image_set *set);

/* A dataset that reads its samples again and again, with threads that decode ahead; it takes over
 * the set, also on failure. `memory`: bytes for samples decoded ahead. */
lam_dataset *lam__image_stream_open(lam__image_set *set, uint64_t memory);

/* The set that such a dataset has taken over. */
const lam__image_set *lam__image_stream_set(const lam_dataset *dataset);

#endif
