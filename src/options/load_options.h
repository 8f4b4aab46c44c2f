/* load_options.h: the table of loading options, and the words among them as values. */
#ifndef LAMINA_LOAD_OPTIONS_H
#define LAMINA_LOAD_OPTIONS_H

#include <stdint.h>

#include <lamina/dataset.h>

#include "base/text/option_table.h"
#include "model/sample_schema.h"

extern lam__name_table lam__load_options;

/* Copies what the program gives, NULL for the defaults, to *own as this version has it; *options
 * then points there. Errors as lam__read_options. */
lam_status lam__take_load_options(lam_load_options *own, const lam_load_options **options);

/* Checks every field. */
lam_status lam__check_load_options(const lam_load_options *options);

/* Kinds of data, for which options are: bits of lam__option.kinds. */
typedef enum lam__data_kind {
    LAM__DATA_BUILT_IN = 1,
    LAM__DATA_IDX = 2, /* files and folders */
    LAM__DATA_IMAGE = 4,
    LAM__DATA_IMAGE_FOLDER = 8,
    LAM__DATA_ARRAY = 16,  /* samples alone */
    LAM__DATA_ARRAYS = 32, /* samples and targets */
    LAM__DATA_TABLE = 64
} lam__data_kind;

/* Refuses what data of this kind do not use: LAM_ERR_ARGUMENT names the option and the kinds that
 * it is for. */
lam_status lam__check_used_load_options(const lam_load_options *options, lam__data_kind kind,
                                        const char *path);

/* What `like` was trained on; VALUES without one. */
const lam__input *lam__load_input(const lam_load_options *options);

/* Bytes that samples may take in memory: `memory`, or half of what this process may use. */
uint64_t lam__load_memory(const lam_load_options *options);

/* Samples of a window for rows of this many bytes: `window`, or its default. */
size_t lam__load_window(const lam_load_options *options, size_t row_bytes);

/* Missing numbers. */
typedef enum lam__missing {
    LAM__MISSING_REFUSE,
    LAM__MISSING_MEAN,
    LAM__MISSING_MEDIAN,
    LAM__MISSING_CONSTANT
} lam__missing;

/* Reads options->missing, which has been checked; *constant for LAM__MISSING_CONSTANT. */
lam__missing lam__load_missing(const lam_load_options *options, float *constant);

/* The separator: its character, or 0 for auto. */
char lam__load_separator(const lam_load_options *options);

#endif
