/* image_folder.c: folders of class folders of images, and single image files, as datasets. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/readers/data_formats.h"
#include "data/readers/images/image_set.h"
#include "data/source.h"
#include "options/load_options.h"

enum { TRAIN, TEST };
static const char *const split_names[] = {[TRAIN] = "train", [TEST] = "test"};

/* ROOT/NAME; released by the caller. */
static char *join(const char *root, const char *name)
{
    const size_t size = strlen(root) + strlen(name) + 2;
    char *path = lam__allocate(size, 1, "the path of a folder");
    if (path)
        snprintf(path, size, "%s/%s", root, name);
    return path;
}

/* Whether ROOT/train or ROOT/test holds folders of classes; one that holds images itself is a class
 * of that name. */
static bool has_split(const char *root, size_t split)
{
    enum { LONGEST = 4096 }; /* the system opens no longer path */
    bool folders = false, images = false;
    char path[LONGEST];
    const int length = snprintf(path, sizeof path, "%s/%s", root, split_names[split]);
    if (length > 0 && length < LONGEST)
        lam__image_folder_look(path, &folders, &images);
    return folders && !images;
}

bool lam__image_folder_recognizes(const lam__path_probe *place)
{
    bool folders = false, images = false;
    if (place->folder)
        lam__image_folder_look(place->path, &folders, &images);
    return folders || images;
}

bool lam__image_folder_has_test(const lam__path_probe *place)
{
    return has_split(place->path, TRAIN) && has_split(place->path, TEST);
}

/* Walks the files of the split, and the labels of the other. */
static lam_status find_files(lam__image_files *files, const char *root, lam_split split)
{
    if (!has_split(root, TRAIN))
        return lam__image_files_walk(files, root);
    const bool both = has_split(root, TEST), test = both && split == LAM_SPLIT_TEST;
    char *own = join(root, split_names[test ? TEST : TRAIN]);
    char *other = join(root, split_names[test ? TRAIN : TEST]);
    lam_status status = own && other ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK)
        status = lam__image_files_walk(files, own);
    if (status == LAM_OK && both)
        status = lam__image_files_labels(files, other);
    lam__release(own);
    lam__release(other);
    return status;
}

/* Whether the folders can be classes. */
static lam_status check_classes(const lam__image_files *files, const char *root)
{
    size_t end = strlen(root);
    while (end > 1 && root[end - 1] == '/')
        end--;
    for (size_t i = 0; i < files->folder_count; i++)
        if (strlen(files->folders[i].path) == end)
            return lam__fail(LAM_ERR_FORMAT,
                             "'%s' has images itself: expected a folder of images for each "
                             "class, or folders train and test containing such folders",
                             root);
    if (files->class_count == 1)
        return lam__fail(LAM_ERR_FORMAT,
                         "'%s' has images of one class only, '%s': expected a folder for each of "
                         "two classes or more",
                         root, files->classes[0]);
    return LAM_OK;
}

/* Reads the samples, or opens a stream of them when they are larger than the memory for them. */
static lam_status open_samples(lam__image_set *set, const lam_load_options *options,
                               lam_dataset **dataset)
{
    const size_t features = lam__image_set_features(set);
    const uint64_t memory = lam__load_memory(options);
    size_t bytes;
    const bool fits = lam__multiply(set->samples, features, &bytes) && bytes <= memory;
    uint8_t *x = fits ? lam__allocate(bytes, 1, "the samples of a dataset") : NULL;
    if (fits && !x)
        return LAM_ERR_MEMORY;
    if (fits || set->skip) { /* whom to skip must be known before the first epoch */
        const lam_status status = lam__image_set_read(set, x);
        if (status != LAM_OK) {
            lam__release(x);
            return status;
        }
    }
    *dataset = fits ? lam__dataset_adopt(x, LAM_UINT8, set->samples, features)
                    : lam__image_stream_open(set, memory);
    return *dataset ? LAM_OK : LAM_ERR_MEMORY;
}

/* All of a dataset but its samples, which are read or opened in the middle. */
static lam_status make_dataset(lam__image_set *set, const char *root,
                               const lam_load_options *options, bool targets, lam_dataset **dataset)
{
    LAM__TRY(lam__image_files_number(&set->files));
    if (targets && !options->like)
        LAM__TRY(check_classes(&set->files, root));
    LAM__TRY(lam__image_set_choose(set, options));
    LAM__TRY(lam__image_set_shape(set, options));
    const lam__image_shape shape = set->shape;
    LAM__TRY(open_samples(set, options, dataset));
    /* a stream has taken the set over */
    const lam__image_set *now = set->samples > 0 ? set : lam__image_stream_set(*dataset);
    LAM__TRY(lam__input_set_image(&(*dataset)->input, shape.width, shape.height, shape.channels,
                                  shape.invert));
    if (targets)
        LAM__TRY(lam__image_set_targets(now, options, *dataset));
    return lam__dataset_set_skipped(*dataset, (const char *const *)now->skipped,
                                    now->skipped_count);
}

static lam_status finish(lam_status status, lam__image_set *set, lam_dataset **dataset)
{
    lam__image_set_release(set);
    if (status != LAM_OK) {
        lam_dataset_free(*dataset);
        *dataset = NULL;
    }
    return status;
}

lam_status lam__image_folder_load(const lam__path_probe *place, lam_split split,
                                  const lam_load_options *options, lam_dataset **dataset)
{
    lam__image_set set = {.samples = 0};
    lam_status status = find_files(&set.files, place->path, split);
    if (status == LAM_OK && set.files.count == 0)
        status = lam__fail(LAM_ERR_FORMAT,
                           "'%s' has no images: expected .png, .bmp, .jpg or .jpeg files in a "
                           "folder for each class",
                           place->path);
    if (status == LAM_OK)
        status = make_dataset(&set, place->path, options, true, dataset);
    return finish(status, &set, dataset);
}

bool lam__image_file_recognizes(const lam__path_probe *place)
{
    return place->file && !place->gzip && lam__image_format(place->head, place->head_size);
}

lam_status lam__image_file_load(const lam__path_probe *place, lam_split split,
                                const lam_load_options *options, lam_dataset **dataset)
{
    (void)split;
    lam__image_set set = {.samples = 0};
    lam_status status = lam__image_files_add(&set.files, place->path);
    if (status == LAM_OK)
        status = make_dataset(&set, place->path, options, false, dataset);
    return finish(status, &set, dataset);
}
