/* dataset.h: samples and their targets.  Part of Lamina, MIT license.
 *
 * A dataset is a matrix of samples [samples][features], 8-bit or float, with targets that are
 * either class numbers, one per sample, or rows of floats. Values are stored as given (bytes
 * remain bytes); the model's input transform scales them (model.h).
 *
 * Thread safety: calls that build a dataset need exclusive access; a finished one may be read
 * by any number of threads. Images, gzipped files and sources (source.h) whose samples are not
 * in memory are read ahead: only one thread at a time may use such a dataset. */
#ifndef LAMINA_DATASET_H
#define LAMINA_DATASET_H

#include <stdbool.h>
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

struct lam_model;

/* How data is found, read and generated; fill with lam_load_options_default(). Setting an option
 * that does not apply to the data to anything but its default is LAM_ERR_ARGUMENT: `width` for a
 * table, `samples` for a file, `stratify` without test_share. lam_catalog(LAM_LOAD_OPTION, ..)
 * lists the options with their help. Strings put here directly are not copied: they must outlive
 * the call; lam_load_options_set makes copies. */
typedef struct lam_load_options {
    size_t struct_size; /* set by lam_load_options_default() */
    size_t samples;     /* built-in sets: total number of samples; 0 = the set's own default */
    size_t classes;     /* spiral and vertical: number of classes; 0 = 3 */
    uint64_t seed; /* of the random numbers of built-in sets, and of the choice of a test share;
                      option "data_seed" */
    size_t limit;  /* files: read at most this many samples; 0 = all */

    /* The test split of data that has none of its own: this share of the samples, drawn with
     * `seed`; the others are the training split. 0 = both splits are all of the data. Unused where
     * the data has a test split. */
    double test_share; /* 0 <= share < 1 */
    bool stratify;     /* draw the same share of each class */

    /* Images. */
    size_t width, height; /* resize images to this size in pixels; 0 = no resizing: then all must
                             have the same size */
    const char *color; /* convert images to "gray" or "rgb"; NULL = none, and all must be alike */
    bool invert; /* black becomes white; with `like`, in addition to the model's own inversion */
    bool multi_label;     /* the same file name in several class folders is one sample of several
                             classes */
    const char *on_error; /* a file that cannot be read: "stop", or "skip" it and count it it */

    /* Tables. */
    const char *target;    /* name or number (from 1) of the column to predict, or several separated
                              by commas; NULL = the last; "" = none */
    const char *ignore;    /* names or numbers of columns to leave out, separated by commas; NULL or
                              "" = none */
    const char *task;      /* "auto", "classification" or "regression" */
    const char *header;    /* whether the first row names the columns: "auto", "yes" or "no" */
    const char *separator; /* one character, "tab" or "auto" */
    const char *missing;   /* missing numbers: "refuse", "mean", "median" or "constant:X" */

    /* Large sets. */
    size_t memory; /* megabytes of memory that samples may take; larger data is read from its file
                      again in each epoch, or refused where that is impossible (tables,
                      packed arrays); 0 = half of what the process may use: the machine's memory, or
                      the limit of a container or resource limit if lower */
    size_t window; /* samples read and shuffled at a time where a file can only
                      be read sequentially; 0 = as many as fit in 64 MB, at least 1024 */

    /* Read the data the way this model was trained: images are converted to its size, colour and
     * inversion, tables to its columns and categories; targets may be missing. width, height,
     * color, target and ignore may only repeat what the model says. NULL = read the data as it
     * is. */
    const struct lam_model *like;
} lam_load_options;

/* The defaults. */
LAM_API void lam_load_options_init(lam_load_options *options, size_t size);
LAM_INLINE lam_load_options lam_load_options_default(void)
{
    lam_load_options options;
    lam_load_options_init(&options, sizeof options);
    return options;
}

/* Sets the option `name` ("test_share"; '-' may stand for '_') from text, as lam_fit_options_set
 * does. */
LAM_API lam_status lam_load_options_set(lam_load_options *options, const char *name,
                                        const char *text);

/* Loads a data set by name or path, recognized by its content: "spiral", "vertical" or "sine" for
 * the built-in sets, a folder of IDX files named like MNIST's (train-images-idx3-ubyte,
 * train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or with .gz),
 * or one of the other formats of lam_catalog(LAM_DATA_FORMAT, ..). Data without a test split of its
 * own is divided by options->test_share. The test split of a built-in set is drawn from another
 * random stream. Class names of IDX folders come from labels.txt, one per line, if the file exists;
 * otherwise the well-known sets Fashion-MNIST and MNIST are recognized by their folder's name.
 * `options` may be NULL for the defaults. The caller frees the result with lam_dataset_free.
 * Returns NULL with LAM_ERR_IO, LAM_ERR_FORMAT (file, place, expected and found values),
 * LAM_ERR_MEMORY, LAM_ERR_UNSUPPORTED (a format this build lacks) or LAM_ERR_ARGUMENT. */
LAM_API lam_dataset *lam_dataset_load(const char *path, lam_split split,
                                      const lam_load_options *options);

/* Loads all samples of one file or folder for prediction by the model `options->like`. Like
 * lam_dataset_load, but nothing is divided, so test_share is LAM_ERR_ARGUMENT, and targets may be
 * missing. If the data has its own splits, the test split is loaded. */
LAM_API lam_dataset *lam_dataset_load_file(const char *path, const lam_load_options *options);

/* What lam_dataset_load would make of a path. Strings belong to the library and are never freed. */
typedef struct lam_data_info {
    const char *format;  /* its name in lam_catalog(LAM_DATA_FORMAT, ..) */
    const char *help;    /* one line */
    bool has_test_split; /* its own, or one made by test_share */
} lam_data_info;

/* Recognizes data without reading it and describes it in *info. Errors as lam_dataset_load, except
 * that options that do not apply to the data are not reported. */
LAM_API lam_status lam_data_recognize_sized(const char *path, const lam_load_options *options,
                                            lam_data_info *info, size_t size);
LAM_INLINE lam_status lam_data_recognize(const char *path, const lam_load_options *options,
                                         lam_data_info *info)
{
    return lam_data_recognize_sized(path, options, info, sizeof *info);
}

/* Reads the samples of one IDX file (plain or gzipped; unsigned bytes or 32-bit floats; one or
 * more dimensions, the first counts samples and the others are flattened): a dataset without
 * targets. NULL on failure, as lam_dataset_load. */
LAM_API lam_dataset *lam_dataset_load_idx(const char *file, const lam_load_options *options);

/* Makes a dataset of samples in memory, x[samples][features], row-major, without targets. With
 * LAM_BORROW the data is not copied and must outlive the dataset. samples and features must be at
 * least 1. NULL with LAM_ERR_ARGUMENT or LAM_ERR_MEMORY. */
LAM_API lam_dataset *lam_dataset_new(const void *x, lam_dtype type, size_t samples, size_t features,
                                     lam_ownership ownership);

/* Sets class numbers as targets: labels[samples], each in 0..classes-1 (copied). Replaces earlier
 * targets. LAM_ERR_ARGUMENT names the first label out of range. */
LAM_API lam_status lam_dataset_set_classes(lam_dataset *dataset, const int32_t *labels,
                                           size_t classes);

/* Sets rows of floats as targets: y[samples][outputs] (copied), for regression, one-hot or
 * multi-hot rows. Replaces earlier targets. LAM_ERR_NUMERIC names the first value that is not
 * finite. */
LAM_API lam_status lam_dataset_set_targets(lam_dataset *dataset, const float *y, size_t outputs);

/* Names the classes: names[count], copied. LAM_ERR_SHAPE when the targets have a different number
 * of classes. */
LAM_API lam_status lam_dataset_set_class_names(lam_dataset *dataset, const char *const *names,
                                               size_t count);

/* What raw samples were made from. */
typedef enum lam_input_kind {
    LAM_INPUT_VALUES, /* plain numbers */
    LAM_INPUT_IMAGE,  /* pixels: features are [height][width][channels] */
    LAM_INPUT_TABLE   /* rows of a table: one feature per number, one per category of a text column
                         column */
} lam_input_kind;

typedef struct lam_input_info {
    lam_input_kind kind;
    size_t width, height, channels; /* IMAGE: in pixels; channels 1 (gray) or 3 (rgb) */
    bool invert;                    /* IMAGE: black became white */
    bool header;                    /* TABLE: the column names come from the file */
    size_t columns;                 /* TABLE: in the file, targets and ignored ones included */
} lam_input_info;

typedef enum lam_column_kind {
    LAM_COLUMN_NUMBER,
    LAM_COLUMN_TEXT,   /* one of a set of categories */
    LAM_COLUMN_IGNORED /* not used */
} lam_column_kind;

/* A column of a table; strings belong to the dataset or model. */
typedef struct lam_column_info {
    const char *name;
    lam_column_kind kind;
    bool target;   /* to be predicted, so not a feature */
    bool has_fill; /* NUMBER: missing values become `fill`; otherwise they are refused */
    float fill;
    const char *const *categories; /* TEXT: [category_count]; the classes of a target */
    size_t category_count;
    size_t missing;                 /* dataset: values missing when it was read, before they were
                                       filled; model: 0 */
    size_t first_feature, features; /* its range within the features of a sample */
} lam_column_info;

/* What the samples were made from, in *info. */
LAM_API void lam_dataset_input_sized(const lam_dataset *dataset, lam_input_info *info, size_t size);
LAM_INLINE void lam_dataset_input(const lam_dataset *dataset, lam_input_info *info)
{
    lam_dataset_input_sized(dataset, info, sizeof *info);
}

/* Column i of a table in *info. LAM_ERR_ARGUMENT when out of range. */
LAM_API lam_status lam_dataset_column_sized(const lam_dataset *dataset, size_t i,
                                            lam_column_info *info, size_t size);
LAM_INLINE lam_status lam_dataset_column(const lam_dataset *dataset, size_t i,
                                         lam_column_info *info)
{
    return lam_dataset_column_sized(dataset, i, info, sizeof *info);
}

/* Declares that the samples are images, [height][width][channels] with 1 (gray) or 3 (rgb)
 * channels, so that a model trained on them takes image files. LAM_ERR_SHAPE when the features do
 * not fit, LAM_ERR_ARGUMENT. */
LAM_API lam_status lam_dataset_set_image(lam_dataset *dataset, size_t width, size_t height,
                                         size_t channels);

/* The spiral set: `classes` interleaved arms in the plane, [samples][2] in -1..1 plus noise,
 * classes equally frequent. Source: Stanford CS231n, as in H. Kinsley and D. Kukieła, "Neural
 * Networks from Scratch in Python" (2020). */
LAM_API lam_dataset *lam_dataset_spiral(size_t samples, size_t classes, uint64_t seed);

/* The vertical set: `classes` vertical stripes of normal deviates in the plane, [samples][2]. */
LAM_API lam_dataset *lam_dataset_vertical(size_t samples, size_t classes, uint64_t seed);

/* The sine set for regression: x[samples][1] evenly in 0..1, target sin(2 pi x). */
LAM_API lam_dataset *lam_dataset_sine(size_t samples);

/* Splits off `share` (0 < share < 1) of the samples, drawn at random with `seed`: two new datasets
 * that copy what they need from `dataset`, disjoint and complete, *second with round(share *
 * samples) of them, at least 1 and at most samples - 1. LAM_ERR_ARGUMENT for any other share, fewer
 * than 2 samples, or when first and second are the same pointer; LAM_ERR_MEMORY. */
LAM_API lam_status lam_dataset_divide(const lam_dataset *dataset, double share, uint64_t seed,
                                      lam_dataset **first, lam_dataset **second);

/* The same, stratified by class: every class has round(share * its samples) in *second, or one more
 * or less so that *second has round(share * samples) in total. LAM_ERR_STATE when the targets are
 * not class numbers. */
LAM_API lam_status lam_dataset_divide_stratified(const lam_dataset *dataset, double share,
                                                 uint64_t seed, lam_dataset **first,
                                                 lam_dataset **second);

/* Number of samples. */
LAM_API size_t lam_dataset_samples(const lam_dataset *dataset);

/* Number of features (values) per sample. */
LAM_API size_t lam_dataset_features(const lam_dataset *dataset);

/* Number of classes when the targets are class numbers, otherwise 0. */
LAM_API size_t lam_dataset_classes(const lam_dataset *dataset);

/* Number of floats in a row of targets when the targets are rows, otherwise 0. */
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
