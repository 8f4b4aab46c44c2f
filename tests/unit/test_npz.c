/* test_npz.c: named arrays, in archives and folders, as samples and targets. */
#include <criterion/criterion.h>

#include <stdio.h>

#include <lamina/lamina.h>

#include "../support/archives.h"
#include "../support/scratch.h"
#include "data/readers/arrays/named_arrays.h"
#include "io/checksum.h"
#include "lamina_features.h"

/* An array of bytes: name, type, shape, values. */
struct array {
    const char *name, *type, *shape;
    const char *values;
    size_t size;
};

#define VALUES(...) (const char[]){__VA_ARGS__}, sizeof((const char[]){__VA_ARGS__})

static size_t make_npy(const struct array *array, unsigned char *bytes)
{
    char header[128];
    const int length =
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                 array->type, array->shape);
    memcpy(bytes, "\x93NUMPY\1\0", 8);
    bytes[8] = (unsigned char)length;
    bytes[9] = 0;
    memcpy(bytes + 10, header, (size_t)length);
    memcpy(bytes + 10 + length, array->values, array->size);
    return 10 + (size_t)length + array->size;
}

static void write_folder(const char *folder, const struct array *arrays, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[512];
        char path[512], name[64];
        const size_t size = make_npy(&arrays[i], bytes);
        snprintf(name, sizeof name, "%s.npy", arrays[i].name);
        scratch_write(scratch_path(folder, name, path), bytes, size);
    }
}

static const struct array splits[] = {
    {"x_train", "|u1", "(4, 2)", VALUES(1, 2, 3, 4, 5, 6, 7, 8)},
    {"Y_train", "|i1", "(4,)", VALUES(0, 2, 1, 2)},
    {"test_x", "|u1", "(2, 2)", VALUES(9, 10, 11, 12)},
    {"y_test", "<i2", "(2, 1)", VALUES(1, 0, 0, 0)},
    {"other", "|O", "(2,)", VALUES(0)},
};

static void expect_splits(const char *path)
{
    lam_data_info info;
    cr_assert_eq(lam_data_recognize(path, NULL, &info), LAM_OK, "%s", lam_error_message());
    cr_assert(info.has_test_split);
    lam_dataset *train = lam_dataset_load(path, LAM_SPLIT_TRAIN, NULL);
    lam_dataset *test = lam_dataset_load(path, LAM_SPLIT_TEST, NULL);
    cr_assert(train && test, "%s", lam_error_message());
    float x[2];
    cr_assert_eq(lam_dataset_dtype(train), LAM_UINT8);
    cr_assert(lam_dataset_samples(train) == 4 && lam_dataset_features(train) == 2);
    cr_assert_eq(lam_dataset_classes(train), 3);
    cr_assert_eq(lam_dataset_class(train, 3), 2);
    cr_assert_eq(lam_dataset_sample(test, 1, x), LAM_OK);
    cr_assert(x[0] == 11 && x[1] == 12);
    cr_assert_eq(lam_dataset_class(test, 0), 1);
    lam_dataset_free(train);
    lam_dataset_free(test);
}

Test(npz, folder_of_arrays)
{
    char folder[256];
    scratch_make(folder);
    write_folder(folder, splits, 5);
    expect_splits(folder);
    scratch_remove(folder);
}

struct kind {
    struct array targets;
    const char *task;
    size_t classes, outputs;
};

/* When targets are class numbers. */
Test(npz, classes_or_values)
{
    const struct kind kinds[] = {
        {{"y", "|u1", "(4,)", VALUES(0, 1, 5, 1)}, "auto", 6, 0},
        {{"target", "|b1", "(4, 1)", VALUES(0, 1, 1, 1)}, "auto", 2, 0},
        {{"labels", "|u1", "(4,)", VALUES(0, 1, 100, 1)}, "auto", 0, 1},
        {{"labels", "|u1", "(4,)", VALUES(0, 1, 100, 1)}, "classification", 101, 0},
        {{"y", "|i1", "(4,)", VALUES(0, 1, -1, 1)}, "auto", 0, 1},
        {{"y", "|u1", "(4,)", VALUES(0, 1, 2, 1)}, "regression", 0, 1},
        {{"y", "|u1", "(4, 2)", VALUES(0, 1, 1, 0, 0, 0, 1, 1)}, "auto", 0, 2},
        {{"y", "<f2", "(4,)", VALUES(0, 0, 0, 0x3c, 0, 0, 0, 0x3c)}, "auto", 0, 1},
        {{"y", "<f2", "(4,)", VALUES(0, 0, 0, 0x3c, 0, 0, 0, 0x3c)}, "classification", 2, 0},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char folder[256];
        const struct array arrays[] = {{"X", "|i1", "(4, 1)", VALUES(-1, 2, 3, 4)},
                                       kinds[i].targets};
        lam_load_options options = lam_load_options_default();
        options.task = kinds[i].task;
        scratch_make(folder);
        write_folder(folder, arrays, 2);
        lam_dataset *data = lam_dataset_load(folder, LAM_SPLIT_TRAIN, &options);
        cr_assert_not_null(data, "%s", lam_error_message());
        cr_expect_eq(lam_dataset_classes(data), kinds[i].classes, "row %zu", i);
        cr_expect_eq(lam_dataset_outputs(data), kinds[i].outputs, "row %zu", i);
        float x;
        cr_expect(lam_dataset_sample(data, 0, &x) == LAM_OK && x == -1.0f);
        lam_dataset_free(data);
        scratch_remove(folder);
    }
}

struct refusal {
    struct array arrays[2];
    size_t count;
    const char *target, *task, *message;
};

Test(npz, refuses_what_does_not_fit)
{
    const struct array x = {"x", "|u1", "(2,)", VALUES(1, 2)};
    const struct refusal rows[] = {
        {{x, {"y", "|u1", "(3,)", VALUES(0, 1, 2)}},
         2,
         NULL,
         "auto",
         "x has 2 samples, but y has 3 targets"},
        {{x, {"y", "|u1", "(2,)", VALUES(0, 0)}},
         2,
         NULL,
         "auto",
         "all 2 targets are class 0: with one class"},
        {{x, {"y", "|i1", "(2,)", VALUES(-1, 0)}}, 2, NULL, "classification", "not class numbers"},
        {{x, {"y", "|u1", "(2,)", VALUES(0, 1)}},
         2,
         "z",
         "auto",
         "target: there is no array 'z'; there are x, y"},
        {{x, {"y", "|O", "(2,)", VALUES(0, 1)}}, 2, NULL, "auto", "Python objects"},
        {{x, {"y", "|u1", "(2,)", VALUES(0)}}, 2, NULL, "auto", "truncated"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char folder[256];
        lam_load_options options = lam_load_options_default();
        options.target = rows[i].target;
        options.task = rows[i].task;
        scratch_make(folder);
        write_folder(folder, rows[i].arrays, rows[i].count);
        cr_expect_null(lam_dataset_load(folder, LAM_SPLIT_TRAIN, &options), "row %zu", i);
        cr_expect(strstr(lam_error_message(), rows[i].message), "row %zu: %s", i,
                  lam_error_message());
        scratch_remove(folder);
    }
}

/* Images stay images, so that a model of them takes image files. */
Test(npz, single_file_of_images)
{
    const struct array images = {"pictures", "|u1", "(2, 1, 3)", VALUES(1, 2, 3, 4, 5, 6)};
    char folder[256], path[512];
    scratch_make(folder);
    write_folder(folder, &images, 1);
    lam_dataset *data = lam_dataset_load_file(scratch_path(folder, "pictures.npy", path), NULL);
    cr_assert_not_null(data, "%s", lam_error_message());
    lam_input_info input;
    lam_dataset_input(data, &input);
    cr_assert(input.kind == LAM_INPUT_IMAGE && input.width == 3 && input.height == 1);
    cr_assert(lam_dataset_samples(data) == 2 && lam_dataset_classes(data) == 0);
    lam_dataset_free(data);
    scratch_remove(folder);
}

#if LAM__HAVE_ZIP

static size_t make_npz(const struct array *arrays, size_t count, struct archive *archive)
{
    static unsigned char bytes[8][512];
    static char names[8][64];
    struct entry entries[8];
    for (size_t i = 0; i < count; i++) {
        const size_t size = make_npy(&arrays[i], bytes[i]);
        snprintf(names[i], sizeof names[i], "%s.npy", arrays[i].name);
        entries[i] = (struct entry){.name = names[i],
                                    .packed = (const char *)bytes[i],
                                    .packed_size = (uint32_t)size,
                                    .size = (uint32_t)size,
                                    .crc = lam__crc32(0, bytes[i], size)};
    }
    make_archive(archive, entries, count);
    return archive->size;
}

Test(npz, archive)
{
    static struct archive archive;
    char folder[256], path[512];
    const size_t size = make_npz(splits, 5, &archive);
    scratch_make(folder);
    scratch_write(scratch_path(folder, "a.npz", path), archive.bytes, size);
    expect_splits(path);
    scratch_remove(folder);
}

Test(npz, names_that_help_and_do_not)
{
    static struct archive archive;
    const struct array one[] = {{"anything", "|u1", "(2,)", VALUES(1, 2)}};
    const struct array two[] = {{"foo", "|u1", "(2,)", VALUES(1, 2)},
                                {"bar", "|u1", "(2,)", VALUES(0, 1)}};
    lam_load_options options = lam_load_options_default();
    lam_dataset *data = NULL;
    size_t size = make_npz(one, 1, &archive);
    cr_assert_eq(lam__npz_parse(archive.bytes, size, "a.npz", LAM_SPLIT_TRAIN, &options, &data),
                 LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_samples(data), 2);
    lam_dataset_free(data);
    data = NULL;
    size = make_npz(two, 2, &archive);
    cr_assert_eq(lam__npz_parse(archive.bytes, size, "a.npz", LAM_SPLIT_TRAIN, &options, &data),
                 LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "a.npz: no array is named as samples"), "%s",
              lam_error_message());
    cr_assert(strstr(lam_error_message(), "there are foo, bar"), "%s", lam_error_message());
    options.target = "bar"; /* then the other one is samples */
    cr_assert_eq(lam__npz_parse(archive.bytes, size, "a.npz", LAM_SPLIT_TRAIN, &options, &data),
                 LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_classes(data), 2);
    lam_dataset_free(data);
    data = NULL;
    archive.bytes[40] ^= 1; /* in the first array */
    cr_assert_neq(lam__npz_parse(archive.bytes, size, "a.npz", LAM_SPLIT_TRAIN, &options, &data),
                  LAM_OK);
    lam_dataset_free(data);
}
#endif
