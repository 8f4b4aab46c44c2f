/* idx_folder.c: folders of IDX files in the naming of MNIST. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <lamina/dataset.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/class_names.h"
#include "data/readers/arrays/idx.h"
#include "data/readers/data_formats.h"
#include "io/file_read.h"

/* Files of a split: samples and labels. */
static const char *const file_names[2][2] = {
    [LAM_SPLIT_TRAIN] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
    [LAM_SPLIT_TEST] = {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
};

/* Reads FOLDER/FILE (samples by the options, without them labels), or FOLDER/FILE.gz when the plain
 * one is not there. *path is the one read; the caller releases it, also on failure. */
static lam_status read_one(const char *folder, const char *file, const lam_load_options *options,
                           char **path, lam__idx *idx)
{
    size_t size = strlen(folder) + strlen(file) + sizeof "/.gz";
    *path = lam__allocate(size, 1, "a path");
    if (!*path)
        return LAM_ERR_MEMORY;
    static const char *const endings[] = {"", ".gz"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct stat status;
        snprintf(*path, size, "%s/%s%s", folder, file, endings[i]);
        if (stat(*path, &status) == 0)
            return options ? lam__idx_read_within(*path, options, idx)
                           : lam__idx_read(*path, 0, idx);
        if (errno != ENOENT)
            return lam__fail_errno("cannot look at", *path, errno);
    }
    return lam__fail(LAM_ERR_IO,
                     "'%s' has neither %s nor %s.gz: a folder of IDX files named like MNIST's "
                     "needs one of them",
                     folder, file, file);
}

/* Checks labels against images, both as read from files of these names. */
static lam_status check_pair(const lam__idx *images, const char *images_path,
                             const lam__idx *labels, const char *labels_path)
{
    if (labels->dtype != LAM_UINT8 || labels->rank != 1)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: labels of type %s in %u dimensions, expected unsigned "
                         "bytes in 1",
                         labels_path, labels->dtype == LAM_UINT8 ? "unsigned byte" : "32-bit float",
                         labels->rank);
    if (labels->total != images->total)
        return lam__fail(LAM_ERR_FORMAT, "%s has %zu labels, but %s has %zu samples", labels_path,
                         labels->total, images_path, images->total);
    return LAM_OK;
}

/* Gives the labels and the names found for the folder to the dataset: as many labels as it has
 * samples, but all of the file count for the number of classes. */
static lam_status add_labels(lam_dataset *dataset, const lam__idx *labels, const char *labels_path,
                             const lam__class_names *known, const char *folder)
{
    const uint8_t *bytes = labels->values;
    size_t most = 0, names = known->count;
    for (size_t i = 0; i < labels->samples; i++)
        if (bytes[i] > most)
            most = bytes[i];
    if (names > 0 && most >= names) {
        if (known->text)
            return lam__fail(LAM_ERR_FORMAT, "%s/labels.txt has %zu names, but %s has label %zu",
                             folder, names, labels_path, most);
        names = 0; /* another set under a well-known name */
    }
    const size_t samples = lam_dataset_samples(dataset);
    int32_t *classes = lam__allocate(samples, sizeof *classes, "labels");
    if (!classes)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < samples; i++)
        classes[i] = bytes[i];
    /* a part of the data may lack the last classes: the names tell how many there are */
    lam_status status = lam_dataset_set_classes(dataset, classes, names > 0 ? names : most + 1);
    lam__release(classes);
    if (status == LAM_OK && names > 0)
        status = lam_dataset_set_class_names(dataset, known->names, names);
    return status;
}

/* Whether folder/name or folder/name.gz exists. */
static bool holds(const char *folder, const char *name)
{
    char path[4096];
    struct stat info;
    for (int gz = 0; gz < 2; gz++) {
        const int length = snprintf(path, sizeof path, "%s/%s%s", folder, name, gz ? ".gz" : "");
        if (length > 0 && (size_t)length < sizeof path && stat(path, &info) == 0)
            return true;
    }
    return false;
}

/* One of the four names is enough: the reader then says which one is missing. */
bool lam__idx_folder_recognizes(const lam__path_probe *place)
{
    for (size_t i = 0; place->folder && i < 4; i++)
        if (holds(place->path, file_names[i / 2][i % 2]))
            return true;
    return false;
}

bool lam__idx_folder_has_test(const lam__path_probe *place)
{
    return holds(place->path, file_names[LAM_SPLIT_TEST][0]) &&
           holds(place->path, file_names[LAM_SPLIT_TEST][1]);
}

lam_status lam__idx_folder_load(const lam__path_probe *place, lam_split split,
                                const lam_load_options *options, lam_dataset **dataset)
{
    const char *folder = place->path;
    char *images_path = NULL, *labels_path = NULL;
    lam__idx images = {.values = NULL}, labels = {.values = NULL};
    lam__class_names known = {.count = 0};
    /* labels first: they are small, and show a wrong folder soon */
    lam_status status = read_one(folder, file_names[split][1], NULL, &labels_path, &labels);
    if (status == LAM_OK)
        status = read_one(folder, file_names[split][0], options, &images_path, &images);
    if (status == LAM_OK)
        status = check_pair(&images, images_path, &labels, labels_path);
    if (status == LAM_OK)
        status = lam__class_names_find(folder, &known);
    if (status == LAM_OK)
        status = lam__idx_dataset(&images, images_path, options, dataset);
    if (status == LAM_OK)
        status = add_labels(*dataset, &labels, labels_path, &known, folder);
    if (status != LAM_OK) {
        lam_dataset_free(*dataset);
        *dataset = NULL;
    }
    lam__class_names_release(&known);
    lam__release(images.values);
    lam__release(labels.values);
    lam__release(images_path);
    lam__release(labels_path);
    return status;
}
