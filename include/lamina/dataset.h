/* dataset.h: samples and their targets.  Part of Lamina, MIT license.
 *
 * A dataset is a matrix of samples [samples][features], 8-bit or float, with targets that are
 * either class numbers, one a sample, or rows of floats. Values stay as they came (bytes remain
 * bytes); what scales them is the model's input transform (model.h).
 *
 * Thread safety: building calls need exclusive access; a finished dataset may be read by any
 * number of threads. */
#ifndef LAMINA_DATASET_H
#define LAMINA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/export.h>
#include <lamina/status.h>

LAM_BEGIN_DECLS

typedef struct lam_dataset lam_dataset;

typedef enum lam_split { LAM_SPLIT_TRAIN, LAM_SPLIT_TEST } lam_split;

/* Element type of samples in memory. */
typedef enum lam_dtype { LAM_FLOAT32, LAM_UINT8 } lam_dtype;

/* Who owns the samples given to lam_dataset_new. */
typedef enum lam_ownership {
    LAM_COPY,  /* the dataset takes a copy */
    LAM_BORROW /* the caller keeps them alive and unchanged as long as the dataset lives */
} lam_ownership;

/* How built-in sets are generated and files are read; fill with lam_load_options_default(). */
typedef struct lam_load_options {
    size_t samples; /* built-in sets: samples in all; 0 = the set's own default */
    size_t classes; /* spiral and vertical: number of classes; 0 = 3 */
    uint64_t seed;  /* built-in sets: seed of their random numbers */
    size_t limit;   /* files: read at most this many samples; 0 = all */
} lam_load_options;

/* The defaults: everything 0. */
LAM_API lam_load_options lam_load_options_default(void);

/* Loads a data set by name or path: "spiral", "vertical" or "sine" for the built-in sets, else a
 * folder with IDX files in the naming of MNIST (train-images-idx3-ubyte, train-labels-idx1-ubyte,
 * t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or with .gz). The split chooses the
 * pair of files; of a built-in set, the test split is drawn with another random stream. Class
 * names come from labels.txt in the folder, one a line, when there is one; the well-known sets
 * Fashion-MNIST and MNIST are recognized by their folder's name otherwise.
 * `options` may be NULL for the defaults. The caller frees the result with lam_dataset_free.
 * Returns NULL with LAM_ERR_IO, LAM_ERR_FORMAT (file, byte offset, expected and found values),
 * LAM_ERR_MEMORY or LAM_ERR_ARGUMENT. */
LAM_API lam_dataset *lam_dataset_load(const char *path, lam_split split,
                                      const lam_load_options *options);

/* Reads the samples of one IDX file (plain or gzipped; unsigned bytes or 32-bit floats; one or
 * more dimensions, the first counts samples and the others are flattened): a dataset without
 * targets. NULL on failure, as lam_dataset_load. */
LAM_API lam_dataset *lam_dataset_load_idx(const char *file, const lam_load_options *options);

/* Makes a dataset of samples in memory, x[samples][features], row-major, without targets. With
 * LAM_BORROW the data are not copied and must outlive the dataset. samples and features must be
 * at least 1. NULL with LAM_ERR_ARGUMENT or LAM_ERR_MEMORY. */
LAM_API lam_dataset *lam_dataset_new(const void *x, lam_dtype type, size_t samples, size_t features,
                                     lam_ownership ownership);

/* Gives class numbers as targets: labels[samples], each in 0..classes-1 (copied). Replaces earlier
 * targets. LAM_ERR_ARGUMENT names the first label out of range. */
LAM_API lam_status lam_dataset_set_classes(lam_dataset *dataset, const int32_t *labels,
                                           size_t classes);

/* Gives rows of floats as targets: y[samples][outputs] (copied), for regression, for one-hot and
 * for multi-hot rows. Replaces earlier targets. LAM_ERR_NUMERIC names the first that is not
 * finite. */
LAM_API lam_status lam_dataset_set_targets(lam_dataset *dataset, const float *y, size_t outputs);

/* Names the classes: names[count], copied. LAM_ERR_SHAPE when the targets have another number. */
LAM_API lam_status lam_dataset_set_class_names(lam_dataset *dataset, const char *const *names,
                                               size_t count);

/* The spiral set: `classes` interleaved arms in the plane, [samples][2] in -1..1 plus noise, equal
 * shares of each class. Source: Stanford CS231n, as in H. Kinsley and D. Kukieła, "Neural Networks
 * from Scratch in Python" (2020). */
LAM_API lam_dataset *lam_dataset_spiral(size_t samples, size_t classes, uint64_t seed);

/* The vertical set: `classes` vertical stripes of normal deviates in the plane, [samples][2]. */
LAM_API lam_dataset *lam_dataset_vertical(size_t samples, size_t classes, uint64_t seed);

/* The sine set for regression: x[samples][1] evenly in 0..1, target sin(2 pi x). */
LAM_API lam_dataset *lam_dataset_sine(size_t samples);

/* Splits off `share` (0 < share < 1) of the samples, drawn at random with `seed`: two new datasets
 * that copy what they need from `dataset`, disjoint and complete, *second with
 * round(share * samples) of them, at least 1 and at most samples - 1. LAM_ERR_ARGUMENT for another
 * share, fewer than 2 samples, or when first and second point to the same place; LAM_ERR_MEMORY. */
LAM_API lam_status lam_dataset_divide(const lam_dataset *dataset, double share, uint64_t seed,
                                      lam_dataset **first, lam_dataset **second);

/* Number of samples. */
LAM_API size_t lam_dataset_samples(const lam_dataset *dataset);

/* Number of features (values) of a sample. */
LAM_API size_t lam_dataset_features(const lam_dataset *dataset);

/* Number of classes when the targets are class numbers, else 0. */
LAM_API size_t lam_dataset_classes(const lam_dataset *dataset);

/* Number of floats in a row of targets when the targets are rows, else 0. */
LAM_API size_t lam_dataset_outputs(const lam_dataset *dataset);

/* Element type of the samples. */
LAM_API lam_dtype lam_dataset_dtype(const lam_dataset *dataset);

/* The name of class `i`, or NULL when the classes have no names or i is out of range. Owned by
 * the dataset. */
LAM_API const char *lam_dataset_class_name(const lam_dataset *dataset, size_t i);

/* The class of sample `i`, or -1 when the targets are not class numbers or i is out of range. */
LAM_API int32_t lam_dataset_class(const lam_dataset *dataset, size_t i);

/* Copies sample `i` as floats, untransformed, to x[features]. LAM_ERR_ARGUMENT when out of range.
 */
LAM_API lam_status lam_dataset_sample(const lam_dataset *dataset, size_t i, float *x);

/* Copies the target row of sample `i` to y[outputs]. LAM_ERR_STATE when the targets are not rows.
 */
LAM_API lam_status lam_dataset_target(const lam_dataset *dataset, size_t i, float *y);

/* Frees a dataset; NULL is allowed. */
LAM_API void lam_dataset_free(lam_dataset *dataset);

LAM_END_DECLS

#endif
