/* load.c: data by name or path: looks, recognizes, reads, and divides what has no test split. */
#include <lamina/dataset.h>

#include "base/error.h"
#include "base/struct_size.h"
#include "data/dataset_parts.h"
#include "data/readers/data_formats.h"
#include "data/source.h"
#include "options/load_options.h"

/* Checks the arguments, looks at the path and finds its format. */
static lam_status recognize(const char *what, const char *path, const lam_load_options *options,
                            lam__path_probe *place, const lam__data_format **format)
{
    if (!path || path[0] == '\0')
        return lam__fail(LAM_ERR_ARGUMENT, "%s: path is %s", what, path ? "empty" : "NULL");
    LAM__TRY(lam__check_load_options(options));
    LAM__TRY(lam__path_probe_look(path, place));
    *format = lam__data_format_of(place);
    return *format ? LAM_OK : lam_error_status();
}

static bool has_own_test(const lam__data_format *format, const lam__path_probe *place)
{
    return format->has_test && format->has_test(place);
}

/* The part of *dataset that `split` means by test_share takes its place. */
static lam_status take_share(lam_split split, const lam_load_options *options,
                             lam_dataset **dataset)
{
    lam_dataset *train = NULL, *test = NULL;
    LAM__TRY((options->stratify ? lam_dataset_divide_stratified : lam_dataset_divide)(
        *dataset, options->test_share, options->seed, &train, &test));
    lam_dataset *const chosen = split == LAM_SPLIT_TEST ? test : train;
    lam_dataset_free(split == LAM_SPLIT_TEST ? train : test);
    const lam_status status = lam__dataset_set_skipped(
        chosen, (const char *const *)(*dataset)->skipped, (*dataset)->skipped_count);
    lam_dataset_free(*dataset);
    *dataset = chosen;
    return status;
}

static lam_status load(const char *path, lam_split split, const lam_load_options *options,
                       lam_dataset **dataset)
{
    lam__path_probe place;
    const lam__data_format *format;
    LAM__TRY(recognize("lam_dataset_load", path, options, &place, &format));
    LAM__TRY(lam__check_used_load_options(options, format->kind, path));
    const bool share = options->test_share > 0.0 && !has_own_test(format, &place);
    LAM__TRY(format->load(&place, share ? LAM_SPLIT_TRAIN : split, options, dataset));
    return share ? take_share(split, options, dataset) : LAM_OK;
}

lam_dataset *lam_dataset_load(const char *path, lam_split split, const lam_load_options *options)
{
    lam_load_options own;
    lam_dataset *dataset = NULL;
    if (split != LAM_SPLIT_TRAIN && split != LAM_SPLIT_TEST) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_dataset_load: split %d is neither train nor test",
                  (int)split);
        return NULL;
    }
    if (lam__take_load_options(&own, &options) == LAM_OK &&
        load(path, split, options, &dataset) == LAM_OK)
        return dataset;
    lam_dataset_free(dataset);
    return NULL;
}

/* What is read as a whole has no part to choose. */
static lam_status check_whole(const char *path, const lam_load_options *options,
                              const lam__data_format *format)
{
    if (options->test_share > 0.0)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "test_share has no effect on '%.200s': all samples of the file are used",
                         path);
    return lam__check_used_load_options(options, format->kind, path);
}

lam_dataset *lam_dataset_load_file(const char *path, const lam_load_options *options)
{
    lam_load_options own;
    lam__path_probe place;
    const lam__data_format *format;
    lam_dataset *dataset = NULL;
    lam_status status = lam__take_load_options(&own, &options);
    if (status == LAM_OK)
        status = recognize("lam_dataset_load_file", path, options, &place, &format);
    if (status == LAM_OK)
        status = check_whole(path, options, format);
    if (status == LAM_OK)
        status = format->load(&place, LAM_SPLIT_TEST, options, &dataset);
    if (status == LAM_OK)
        return dataset;
    lam_dataset_free(dataset);
    return NULL;
}

lam_status lam_data_recognize_sized(const char *path, const lam_load_options *options,
                                    lam_data_info *info, size_t size)
{
    lam_load_options own;
    lam__path_probe place;
    const lam__data_format *format;
    if (!info)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_data_recognize: info is NULL");
    LAM__TRY(lam__take_load_options(&own, &options));
    LAM__TRY(recognize("lam_data_recognize", path, options, &place, &format));
    const lam_data_info found = {
        .format = format->name,
        .help = format->help,
        .has_test_split = options->test_share > 0.0 || has_own_test(format, &place),
    };
    lam__write_struct(info, size, &found, sizeof found);
    return LAM_OK;
}
