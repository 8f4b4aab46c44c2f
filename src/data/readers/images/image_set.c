/* image_set.c: image files as samples: which file is which sample, and what each is brought to. */
#include "data/readers/images/image_set.h"

#include <stdlib.h>
#include <string.h>

#include <lamina/model.h>

#include "base/error.h"
#include "base/memory.h"
#include "options/load_options.h"

enum { PATH_SIZE = 1024 };

size_t lam__image_set_features(const lam__image_set *set)
{
    return set->shape.width * set->shape.height * set->shape.channels;
}

/* A file and its name, for sorting. */
typedef struct named_file {
    const char *name;
    uint32_t file;
} named_file;

static int by_name(const void *a, const void *b)
{
    const named_file *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->file > y->file) - (x->file < y->file);
}

/* All files in the order of their names, those of one name in the order of their folders. */
static named_file *sort_by_name(const lam__image_files *files)
{
    named_file *sorted = lam__allocate(files->count, sizeof *sorted, "the names of images");
    for (size_t i = 0; sorted && i < files->count; i++)
        sorted[i] = (named_file){files->names + files->files[i].name, (uint32_t)i};
    if (sorted)
        qsort(sorted, files->count, sizeof *sorted, by_name);
    return sorted;
}

/* One sample per name: its first file. */
static lam_status choose_names(lam__image_set *set)
{
    named_file *sorted = sort_by_name(&set->files);
    if (!sorted)
        return LAM_ERR_MEMORY;
    set->samples = 0;
    for (size_t i = 0; i < set->files.count; i++)
        if (i == 0 || strcmp(sorted[i].name, sorted[i - 1].name) != 0)
            set->file_of[set->samples++] = sorted[i].file;
    lam__release(sorted);
    return LAM_OK;
}

lam_status lam__image_set_choose(lam__image_set *set, const lam_load_options *options)
{
    set->samples = set->files.count;
    set->file_of = lam__allocate(set->samples, sizeof *set->file_of, "the order of images");
    if (!set->file_of)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < set->samples; i++)
        set->file_of[i] = (uint32_t)i;
    if (options->multi_label)
        LAM__TRY(choose_names(set));
    if (options->limit > 0 && options->limit < set->samples) {
        /* the first ones would be those of the first class */
        for (size_t i = 0; i < options->limit; i++)
            set->file_of[i] = set->file_of[(uint64_t)i * (uint64_t)set->samples / options->limit];
        set->samples = options->limit;
    }
    set->skip = options->on_error && strcmp(options->on_error, "skip") == 0;
    return LAM_OK;
}

/* The first image that can be read. */
static lam_status find_first(lam__image_set *set, lam__image_decoder *decoder, lam__image *first)
{
    char name[PATH_SIZE];
    lam_status status = LAM_OK;
    for (size_t i = 0; i < set->samples; i++) {
        size_t size;
        status =
            lam__image_files_read(&set->files, set->file_of[i], decoder, &size, name, sizeof name);
        if (status == LAM_OK)
            status = lam__image_decode(decoder, decoder->file.bytes, size, name, first);
        set->model = set->file_of[i];
        if (status == LAM_OK || !lam__image_set_skips(set, status))
            return status;
    }
    char last[LAM__MESSAGE_SIZE];
    strcpy(last, lam_error_message());
    return lam__fail(status, "none of %zu images can be read; the last: %s", set->samples, last);
}

static const char *colors_of(size_t channels)
{
    return channels == 1 ? "gray" : "rgb";
}

/* The model decides size and colour: others may not be asked for. */
static lam_status check_like(const lam__input *like, const lam_load_options *options)
{
    if ((options->width > 0 && options->width != like->width) ||
        (options->height > 0 && options->height != like->height))
        return lam__fail(LAM_ERR_ARGUMENT,
                         "width is %zu and height %zu, but the model takes images of %zu x %zu "
                         "pixels, and images are converted to that",
                         options->width, options->height, like->width, like->height);
    if (options->color && strcmp(options->color, colors_of(like->channels)) != 0)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "color is %s, but the model takes %s images, and images are converted "
                         "to that",
                         options->color, colors_of(like->channels));
    return LAM_OK;
}

lam_status lam__image_set_shape(lam__image_set *set, const lam_load_options *options)
{
    const lam__input *like = lam__load_input(options);
    lam__image_shape *shape = &set->shape;
    if (like->kind == LAM_INPUT_IMAGE) {
        LAM__TRY(check_like(like, options));
        *shape = (lam__image_shape){like->width, like->height, like->channels,
                                    like->invert != options->invert};
        set->any_size = set->any_color = true;
        return LAM_OK;
    }
    lam__image_decoder decoder = {.jpeg = NULL};
    lam__image first = {.width = 0};
    const lam_status status = find_first(set, &decoder, &first);
    lam__image_decoder_close(&decoder);
    LAM__TRY(status);
    set->any_size = options->width > 0 || options->height > 0;
    set->any_color = options->color != NULL;
    shape->width = options->width > 0 ? options->width : first.width;
    shape->height = options->height > 0 ? options->height : first.height;
    shape->channels = !options->color                       ? first.channels
                      : strcmp(options->color, "gray") == 0 ? 1
                                                            : 3;
    shape->invert = options->invert;
    return LAM_OK;
}

/* Another size or colour than the first, where no option says what to do about it. */
static lam_status check_shape(const lam__image_set *set, const char *name, const lam__image *image)
{
    const lam__image_shape *shape = &set->shape;
    char other[PATH_SIZE / 2];
    if (!set->any_size && (image->width != shape->width || image->height != shape->height)) {
        lam__image_files_path(&set->files, set->model, other, sizeof other);
        return lam__fail(
            LAM_ERR_SHAPE,
            "images of different sizes: %.400s has %zu x %zu pixels, %.400s %zu x %zu: give the "
            "width and height to convert them to",
            other, shape->width, shape->height, name, image->width, image->height);
    }
    if (!set->any_color && image->channels != shape->channels) {
        lam__image_files_path(&set->files, set->model, other, sizeof other);
        return lam__fail(LAM_ERR_SHAPE,
                         "images of different colours: %.400s is %s, %.400s %s: give the color "
                         "to convert them to, gray or rgb",
                         other, colors_of(shape->channels), name, colors_of(image->channels));
    }
    return LAM_OK;
}

lam_status lam__image_set_decode(const lam__image_set *set, size_t i, lam__image_decoder *decoder,
                                 uint8_t *out)
{
    char name[PATH_SIZE];
    size_t size;
    lam__image image;
    LAM__TRY(
        lam__image_files_read(&set->files, set->file_of[i], decoder, &size, name, sizeof name));
    LAM__TRY(lam__image_decode(decoder, decoder->file.bytes, size, name, &image));
    LAM__TRY(check_shape(set, name, &image));
    return lam__image_fit(decoder, &image, &set->shape, out);
}

bool lam__image_set_skips(const lam__image_set *set, lam_status status)
{
    return set->skip &&
           (status == LAM_ERR_FORMAT || status == LAM_ERR_IO || status == LAM_ERR_UNSUPPORTED);
}

/* The number of a class in the targets: its own, or that of the model of its name. */
static lam_status number_classes(const lam__image_set *set, const lam_model *like,
                                 uint32_t *numbers, size_t *classes)
{
    const lam__image_files *files = &set->files;
    const char *known = NULL, *unknown = NULL;
    *classes = files->class_count;
    for (size_t c = 0; c < files->class_count; c++)
        numbers[c] = (uint32_t)c;
    if (!like || !lam_model_class_name(like, 0))
        return LAM_OK;
    size_t names = 0;
    while (lam_model_class_name(like, names))
        names++;
    for (size_t c = 0; c < files->class_count; c++) {
        size_t at = 0;
        while (at < names && strcmp(lam_model_class_name(like, at), files->classes[c]) != 0)
            at++;
        *(at < names ? &known : &unknown) = files->classes[c];
        numbers[c] = (uint32_t)at;
    }
    *classes = known ? names : 0; /* no name fits: these are no classes, but folders */
    return known && unknown ? lam__fail(LAM_ERR_SHAPE,
                                        "'%s' is a class of the model, '%s' is not: are the "
                                        "other folders classes?",
                                        known, unknown)
                            : LAM_OK;
}

static uint32_t class_of(const lam__image_files *files, size_t file)
{
    return files->folders[files->files[file].folder].class;
}

static lam_status set_labels(const lam__image_set *set, const uint32_t *numbers, size_t classes,
                             lam_dataset *dataset)
{
    int32_t *labels = lam__allocate(set->samples, sizeof *labels, "labels");
    if (!labels)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < set->samples; i++)
        labels[i] = (int32_t)numbers[class_of(&set->files, set->file_of[i])];
    const lam_status status = lam_dataset_set_classes(dataset, labels, classes);
    lam__release(labels);
    return status;
}

/* A 1 for each class that has a file of the sample's name. */
static lam_status set_multi_hot(const lam__image_set *set, const uint32_t *numbers, size_t classes,
                                lam_dataset *dataset)
{
    const lam__image_files *files = &set->files;
    named_file *sorted = sort_by_name(files);
    float *targets = NULL;
    size_t count;
    lam_status status = sorted ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK && !lam__multiply(set->samples, classes, &count))
        status = lam__fail_memory(SIZE_MAX, "targets");
    if (status == LAM_OK && !(targets = lam__allocate_zero(count, sizeof *targets, "targets")))
        status = LAM_ERR_MEMORY;
    size_t at = 0; /* samples are in the order of their names, too */
    for (size_t i = 0; status == LAM_OK && i < set->samples; i++) {
        const char *name = files->names + files->files[set->file_of[i]].name;
        while (strcmp(sorted[at].name, name) < 0)
            at++;
        for (; at < files->count && strcmp(sorted[at].name, name) == 0; at++)
            targets[i * classes + numbers[class_of(files, sorted[at].file)]] = 1.0f;
    }
    if (status == LAM_OK)
        status = lam_dataset_set_targets(dataset, targets, classes);
    lam__release(targets);
    lam__release(sorted);
    return status;
}

static lam_status set_names(const lam__image_set *set, const lam_model *like, size_t classes,
                            lam_dataset *dataset)
{
    if (!like || !lam_model_class_name(like, 0))
        return lam_dataset_set_class_names(dataset, set->files.classes, classes);
    const char **names = lam__allocate(classes, sizeof *names, "class names");
    if (!names)
        return LAM_ERR_MEMORY;
    for (size_t c = 0; c < classes; c++)
        names[c] = lam_model_class_name(like, c);
    const lam_status status = lam_dataset_set_class_names(dataset, names, classes);
    lam__release(names);
    return status;
}

lam_status lam__image_set_targets(const lam__image_set *set, const lam_load_options *options,
                                  lam_dataset *dataset)
{
    size_t classes = 0;
    uint32_t *numbers =
        lam__allocate(set->files.class_count, sizeof *numbers, "the numbers of classes");
    if (!numbers)
        return LAM_ERR_MEMORY;
    lam_status status = number_classes(set, options->like, numbers, &classes);
    if (status == LAM_OK && classes > 0)
        status =
            (options->multi_label ? set_multi_hot : set_labels)(set, numbers, classes, dataset);
    if (status == LAM_OK && classes > 0)
        status = set_names(set, options->like, classes, dataset);
    lam__release(numbers);
    return status;
}

void lam__image_set_release(lam__image_set *set)
{
    for (size_t i = 0; i < set->skipped_count; i++)
        lam__release(set->skipped[i]);
    lam__release(set->skipped);
    lam__release(set->file_of);
    lam__image_files_release(&set->files);
    *set = (lam__image_set){.samples = 0};
}
