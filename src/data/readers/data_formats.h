/* data_formats.h: the table of data formats: how each is recognized and read.
 *
 * A new format is a row here and functions of its own. Rows are asked in the order of the table, so
 * one that takes almost anything stands at the end. */
#ifndef LAMINA_DATA_FORMATS_H
#define LAMINA_DATA_FORMATS_H

#include <lamina/dataset.h>

#include "io/path_probe.h"
#include "options/load_options.h"

typedef struct lam__data_format {
    const char *name, *alias, *help;
    lam__data_kind kind; /* which loading options it uses */
    /* By path, kind, name and first bytes; reads no more than a folder's entries. */
    bool (*recognizes)(const lam__path_probe *place);
    /* Whether the data have a test split of their own; NULL: never. */
    bool (*has_test)(const lam__path_probe *place);
    /* Reads one split, or everything where has_test says no. Options have been checked and are not
     * NULL. Targets may be missing; with options->like, in any file. */
    lam_status (*load)(const lam__path_probe *place, lam_split split,
                       const lam_load_options *options, lam_dataset **dataset);
} lam__data_format;

extern lam__name_table lam__data_formats;

/* The row that recognizes the place; NULL with LAM_ERR_IO or LAM_ERR_FORMAT recorded, which says
 * what is known and what was seen. */
const lam__data_format *lam__data_format_of(const lam__path_probe *place);

/* Rows in other files. */
bool lam__synthetic_recognizes(const lam__path_probe *place);
bool lam__synthetic_has_test(const lam__path_probe *place);
lam_status lam__synthetic_load(const lam__path_probe *place, lam_split split,
                               const lam_load_options *options, lam_dataset **dataset);
bool lam__idx_folder_recognizes(const lam__path_probe *place);
bool lam__idx_folder_has_test(const lam__path_probe *place);
lam_status lam__idx_folder_load(const lam__path_probe *place, lam_split split,
                                const lam_load_options *options, lam_dataset **dataset);
bool lam__idx_file_recognizes(const lam__path_probe *place);
lam_status lam__idx_file_load(const lam__path_probe *place, lam_split split,
                              const lam_load_options *options, lam_dataset **dataset);
bool lam__image_file_recognizes(const lam__path_probe *place);
lam_status lam__image_file_load(const lam__path_probe *place, lam_split split,
                                const lam_load_options *options, lam_dataset **dataset);
bool lam__image_folder_recognizes(const lam__path_probe *place);
bool lam__image_folder_has_test(const lam__path_probe *place);
lam_status lam__image_folder_load(const lam__path_probe *place, lam_split split,
                                  const lam_load_options *options, lam_dataset **dataset);
bool lam__npy_recognizes_path(const lam__path_probe *place);
lam_status lam__npy_load(const lam__path_probe *place, lam_split split,
                         const lam_load_options *options, lam_dataset **dataset);
bool lam__npy_folder_recognizes(const lam__path_probe *place);
bool lam__npy_folder_has_test(const lam__path_probe *place);
lam_status lam__npy_folder_load(const lam__path_probe *place, lam_split split,
                                const lam_load_options *options, lam_dataset **dataset);
bool lam__npz_recognizes(const lam__path_probe *place);
bool lam__npz_has_test(const lam__path_probe *place);
lam_status lam__npz_load(const lam__path_probe *place, lam_split split,
                         const lam_load_options *options, lam_dataset **dataset);
bool lam__csv_recognizes(const lam__path_probe *place);
lam_status lam__csv_load(const lam__path_probe *place, lam_split split,
                         const lam_load_options *options, lam_dataset **dataset);

#endif
