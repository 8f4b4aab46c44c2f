/* data_formats.c: the table of data formats. */
#include "data/readers/data_formats.h"

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

static const lam__data_format rows[] = {
    {.name = "built-in",
     .kind = LAM__DATA_BUILT_IN,
     .help = "a generated set: spiral, vertical or sine",
     .recognizes = lam__synthetic_recognizes,
     .has_test = lam__synthetic_has_test,
     .load = lam__synthetic_load},
    {.name = "idx-folder",
     .kind = LAM__DATA_IDX,
     .help = "a folder of IDX files named like MNIST's",
     .recognizes = lam__idx_folder_recognizes,
     .has_test = lam__idx_folder_has_test,
     .load = lam__idx_folder_load},
    {.name = "idx",
     .kind = LAM__DATA_IDX,
     .help = "an IDX file of samples, plain or gzipped",
     .recognizes = lam__idx_file_recognizes,
     .load = lam__idx_file_load},
    {.name = "image",
     .kind = LAM__DATA_IMAGE,
     .help = "an image file: PNG, JPEG or BMP",
     .recognizes = lam__image_file_recognizes,
     .load = lam__image_file_load},
    {.name = "image-folder",
     .kind = LAM__DATA_IMAGE_FOLDER,
     .help = "a folder with a folder of images for each class, or folders train and test "
             "containing such folders",
     .recognizes = lam__image_folder_recognizes,
     .has_test = lam__image_folder_has_test,
     .load = lam__image_folder_load},
    {.name = "npy",
     .kind = LAM__DATA_ARRAY,
     .help = "a NumPy .npy file: samples along the first dimension",
     .recognizes = lam__npy_recognizes_path,
     .load = lam__npy_load},
    {.name = "npz",
     .kind = LAM__DATA_ARRAYS,
     .help = "a NumPy .npz archive: samples x and targets y, or x_train, y_train and so on",
     .recognizes = lam__npz_recognizes,
     .has_test = lam__npz_has_test,
     .load = lam__npz_load},
    {.name = "npy-folder",
     .kind = LAM__DATA_ARRAYS,
     .help = "a folder of .npy files x and y, or x_train, y_train and so on",
     .recognizes = lam__npy_folder_recognizes,
     .has_test = lam__npy_folder_has_test,
     .load = lam__npy_folder_load},
    {.name = "csv",
     .kind = LAM__DATA_TABLE,
     .alias = "tsv",
     .help = "a table: a .csv or .tsv file, or text that reads as one, plain or gzipped",
     .recognizes = lam__csv_recognizes,
     .load = lam__csv_load},
};

LAM__CHECK_ROW(lam__data_format);

enum { ROWS = sizeof rows / sizeof *rows };

static const void *built_in(size_t i)
{
    return &rows[i];
}

lam__name_table lam__data_formats = {
    .kind = "data format",
    .built_in = built_in,
    .built_in_count = ROWS,
};

/* "a generated set: ...; a folder of ...; ..." */
static void list_known(char *text, size_t size)
{
    int at = 0;
    for (size_t i = 0; i < ROWS && at >= 0 && (size_t)at < size; i++)
        at += snprintf(text + at, size - (size_t)at, "%s%s", i > 0 ? "; " : "", rows[i].help);
}

const lam__data_format *lam__data_format_of(const lam__path_probe *place)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].recognizes(place))
            return &rows[i];
    char known[640], seen[256];
    list_known(known, sizeof known);
    if (!place->exists) {
        lam__fail(LAM_ERR_IO, "no data set '%s': no such file or folder. Known: %s", place->path,
                  known);
        return NULL;
    }
    lam__path_probe_describe(place, seen, sizeof seen);
    lam__fail(place->file || place->folder ? LAM_ERR_FORMAT : LAM_ERR_IO,
              "'%s' is not a known kind of data set: it is %s. Known: %s", place->path, seen,
              known);
    return NULL;
}
