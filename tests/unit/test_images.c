/* test_images.c: folders of images as datasets, single image files, streams of images. */
#include <criterion/criterion.h>

#include <math.h>

#include <lamina/lamina.h>

#include "../support/image_files.h"
#include "lamina_features.h"

static char folder[256];

static void set_up(void)
{
    scratch_make(folder);
}

static void tear_down(void)
{
    scratch_remove(folder);
}

static lam_dataset *load(lam_split split, const lam_load_options *options)
{
    return lam_dataset_load(folder, split, options);
}

/* The first value of sample i tells which file it was. */
static float first_value(const lam_dataset *data, size_t i)
{
    static float x[1 << 16];
    cr_assert(lam_dataset_features(data) <= sizeof x / sizeof *x);
    cr_assert_eq(lam_dataset_sample(data, i, x), LAM_OK, "%s", lam_error_message());
    return x[0];
}

TestSuite(images, .init = set_up, .fini = tear_down);

Test(images, classes_and_files_are_sorted_by_bytes)
{
    image_write(folder, "zebra/a.bmp", 4, 3, 1, 5);
    image_write(folder, "Cat/10.BMP", 4, 3, 1, 1);
    image_write(folder, "Cat/9.bmp", 4, 3, 1, 2);
    image_write(folder, "Cat/.hidden.bmp", 9, 9, 1, 9);
    image_write(folder, ".hidden/x.bmp", 9, 9, 1, 9);
    image_write(folder, "cat/deeper/dog/x.bmp", 4, 3, 1, 3);
    image_write(folder, "cat/y.jpeg", 4, 3, 1, 4); /* a BMP by its first bytes */
    image_put(folder, "cat/notes.txt", "no image", 8);
    lam_dataset *data = load(LAM_SPLIT_TRAIN, NULL);
    cr_assert(data, "%s", lam_error_message());
    const char *const names[] = {"Cat", "cat", "dog", "zebra"};
    const int classes[] = {0, 0, 1, 2, 3};
    const float values[] = {1, 2, 4, 3, 5}; /* files of a folder before its folders */
    cr_assert_eq(lam_dataset_classes(data), 4);
    for (size_t i = 0; i < 4; i++)
        cr_assert_str_eq(lam_dataset_class_name(data, i), names[i]);
    cr_assert_eq(lam_dataset_samples(data), 5);
    for (size_t i = 0; i < 5; i++) {
        cr_expect_eq(lam_dataset_class(data, i), classes[i]);
        cr_expect_eq(first_value(data, i), values[i]);
    }
    lam_input_info info;
    lam_dataset_input(data, &info);
    cr_assert(info.kind == LAM_INPUT_IMAGE && info.width == 4 && info.height == 3 &&
              info.channels == 1 && !info.invert);
    cr_assert_eq(lam_dataset_dtype(data), LAM_UINT8);
    lam_dataset_free(data);
}

Test(images, splits_share_their_classes)
{
    image_write(folder, "train/b/1.bmp", 2, 2, 3, 1);
    image_write(folder, "train/c/1.bmp", 2, 2, 3, 2);
    image_write(folder, "test/c/2.bmp", 2, 2, 3, 3);
    image_write(folder, "test/a/2.bmp", 2, 2, 3, 4);
    lam_dataset *train = load(LAM_SPLIT_TRAIN, NULL), *test = load(LAM_SPLIT_TEST, NULL);
    cr_assert(train && test, "%s", lam_error_message());
    cr_assert(lam_dataset_classes(train) == 3 && lam_dataset_classes(test) == 3);
    cr_assert(lam_dataset_class(train, 0) == 1 && lam_dataset_class(train, 1) == 2);
    cr_assert(lam_dataset_class(test, 0) == 0 && lam_dataset_class(test, 1) == 2);
    cr_assert_eq(lam_dataset_features(train), 12);
    lam_dataset_free(train);
    lam_dataset_free(test);
}

Test(images, a_class_may_be_called_train)
{
    image_write(folder, "train/1.bmp", 2, 2, 1, 1);
    image_write(folder, "bus/1.bmp", 2, 2, 1, 2);
    lam_dataset *data = load(LAM_SPLIT_TRAIN, NULL);
    cr_assert(data, "%s", lam_error_message());
    cr_assert_str_eq(lam_dataset_class_name(data, 1), "train");
    lam_dataset_free(data);
}

Test(images, shares_without_a_test_split)
{
    char name[32];
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "%c/%02u.bmp", i % 2 ? 'x' : 'y', i);
        image_write(folder, name, 2, 2, 1, i);
    }
    lam_load_options options = lam_load_options_default();
    options.test_share = 0.25;
    options.stratify = true;
    lam_dataset *train = load(LAM_SPLIT_TRAIN, &options), *test = load(LAM_SPLIT_TEST, &options);
    cr_assert(train && test, "%s", lam_error_message());
    cr_assert(lam_dataset_samples(train) == 30 && lam_dataset_samples(test) == 10);
    bool seen[40] = {false};
    size_t xs = 0;
    for (size_t i = 0; i < 40; i++) {
        const lam_dataset *part = i < 30 ? train : test;
        const size_t at = i < 30 ? i : i - 30;
        seen[(size_t)first_value(part, at)] = true;
        xs += i >= 30 && lam_dataset_class(part, at) == 0;
    }
    for (size_t i = 0; i < 40; i++)
        cr_assert(seen[i]);
    cr_assert_eq(xs, 5);
    lam_dataset_free(train);
    lam_dataset_free(test);
}

Test(images, limit_takes_of_each_class)
{
    char name[32];
    for (unsigned i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "%u/%02u.bmp", i / 10, i);
        image_write(folder, name, 2, 2, 1, i);
    }
    lam_load_options options = lam_load_options_default();
    options.limit = 6;
    lam_dataset *data = load(LAM_SPLIT_TRAIN, &options);
    cr_assert(data && lam_dataset_samples(data) == 6 && lam_dataset_classes(data) == 3);
    for (size_t i = 0; i < 6; i++)
        cr_assert(lam_dataset_class(data, i) == (int32_t)i / 2 &&
                  first_value(data, i) == (float)i * 5);
    lam_dataset_free(data);
}

Test(images, several_labels)
{
    image_write(folder, "red/a.bmp", 2, 2, 1, 1);
    image_write(folder, "red/c.bmp", 2, 2, 1, 2);
    image_write(folder, "round/a.bmp", 2, 2, 1, 1);
    image_write(folder, "round/b.bmp", 2, 2, 1, 3);
    image_write(folder, "soft/c.bmp", 2, 2, 1, 2);
    lam_load_options options = lam_load_options_default();
    options.multi_label = true;
    lam_dataset *data = load(LAM_SPLIT_TRAIN, &options);
    cr_assert(data, "%s", lam_error_message());
    const float values[] = {1, 3, 2}, targets[3][3] = {{1, 1, 0}, {0, 1, 0}, {1, 0, 1}};
    cr_assert(lam_dataset_samples(data) == 3 && lam_dataset_outputs(data) == 3);
    cr_assert_str_eq(lam_dataset_class_name(data, 2), "soft");
    for (size_t i = 0; i < 3; i++) {
        float y[3];
        cr_assert_eq(lam_dataset_target(data, i, y), LAM_OK);
        cr_assert(memcmp(y, targets[i], sizeof y) == 0 && first_value(data, i) == values[i]);
    }
    lam_dataset_free(data);
}

Test(images, brought_to_one_size_and_color)
{
    image_write(folder, "a/1.bmp", 4, 4, 3, 0);
    image_write(folder, "b/2.bmp", 9, 5, 1, 200);
    lam_load_options options = lam_load_options_default();
    options.width = 8;
    options.height = 2;
    options.color = "gray";
    lam_dataset *data = load(LAM_SPLIT_TRAIN, &options);
    cr_assert(data && lam_dataset_features(data) == 16, "%s", lam_error_message());
    const float plain = first_value(data, 1);
    lam_dataset_free(data);
    options.invert = true;
    data = load(LAM_SPLIT_TRAIN, &options);
    cr_assert(data && first_value(data, 1) == 255.0f - plain);
    lam_dataset_free(data);
    options.color = "rgb";
    data = load(LAM_SPLIT_TRAIN, &options);
    cr_assert(data && lam_dataset_features(data) == 48);
    lam_dataset_free(data);
}

/* What is wrong, and a part of the message that says so. */
static void expect_refused(const lam_load_options *options, lam_status status, const char *part,
                           const char *other)
{
    lam_dataset *data = load(LAM_SPLIT_TRAIN, options);
    cr_assert_null(data);
    cr_assert_eq(lam_error_status(), status, "%s", lam_error_message());
    cr_assert(strstr(lam_error_message(), part) && strstr(lam_error_message(), other),
              "'%s' and '%s' are not both in: %s", part, other, lam_error_message());
}

Test(images, mixed_images_are_named)
{
    lam_load_options options = lam_load_options_default();
    image_write(folder, "a/1.bmp", 4, 4, 1, 0);
    image_write(folder, "b/2.bmp", 4, 5, 1, 0);
    expect_refused(&options, LAM_ERR_SHAPE, "a/1.bmp has 4 x 4 pixels", "b/2.bmp 4 x 5");
    image_write(folder, "b/2.bmp", 4, 4, 3, 0);
    expect_refused(&options, LAM_ERR_SHAPE, "a/1.bmp is gray", "b/2.bmp rgb");
}

Test(images, folders_that_are_no_classes)
{
    lam_load_options options = lam_load_options_default();
    char path[512];
    image_write(folder, "a/1.bmp", 4, 4, 1, 0);
    expect_refused(&options, LAM_ERR_FORMAT, "one class only, 'a'", "two classes or more");
    mkdir(scratch_path(folder, "b", path), 0777);
    expect_refused(&options, LAM_ERR_FORMAT, "/b' has no images", ".png");
    rmdir(path);
    image_write(folder, "1.bmp", 4, 4, 1, 0);
    expect_refused(&options, LAM_ERR_FORMAT, "has images itself", "for each class");
    scratch_remove(folder);
    mkdir(folder, 0777);
    image_put(folder, "a/notes.txt", "x", 1);
    expect_refused(&options, LAM_ERR_FORMAT, "/a' has no images", ".jpeg");
}

/* Files that are no images, the message for each, and whether only a build with libraries knows. */
static const struct {
    const char *bytes;
    size_t size;
    const char *message;
    bool library;
} damaged[] = {
    {"", 0, "truncated: 0 bytes", false},
    {"hello world", 11, "byte 0: not an image: it begins with 68 65 6c 6c", false},
    {"BM", 2, "truncated: the headers reach up to byte 26, the file has 2", false},
    {"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f\1\0\x18\0"
     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
     54, "truncated: 2147483647 rows", false},
    {"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x08\0"
     "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
     54, "a compressed BMP (kind 1 with 8 bits per pixel)", false},
    {"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x07\0"
     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
     54, "7 bits per pixel, expected 1, 4, 8, 16, 24 or 32", false},
    {"\x89PNG\r\n\x1a\n", 8, "damaged PNG near byte 8 of 8: the file ends too soon", true},
    {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x80\0\0\0\x80\0\x08\0\0\0\0"
     "\xe1\x17\xfc\xa3\0\0\0\0IDAT\x35\xaf\x06\x1e",
     45, "32768 x 32768 pixels, at most 268435456 are read", true},
    {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x3e\x80\0\0\x3e\x80\x08\0\0\0\0"
     "\x64\x15\x80\x02\0\0\0\0IDAT\x35\xaf\x06\x1e",
     45, "truncated: 16000 x 16000 pixels, but a file of its length holds at most 46440", true},
    {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x3e\x80\0\0\x3e\x80\x08\0\0\0\0"
     "\0\0\0\0\0\0\0\0",
     37, "damaged PNG near byte 33 of 37: IHDR: CRC error", true},
    {"\xff\xd8\xff\xe0", 4, "damaged JPEG", true},
};

Test(images, damaged_files_are_named_or_skipped)
{
    lam_load_options options = lam_load_options_default();
    image_write(folder, "a/1.bmp", 4, 4, 1, 10);
    image_write(folder, "b/3.bmp", 4, 4, 1, 30);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        image_put(folder, "b/2.png", damaged[i].bytes, damaged[i].size);
        lam_dataset *data = load(LAM_SPLIT_TRAIN, NULL);
        cr_assert_null(data);
        cr_assert(strstr(lam_error_message(), "b/2.png: "), "%zu: %s", i, lam_error_message());
        if (LAM__HAVE_IMAGES || !damaged[i].library)
            cr_assert(strstr(lam_error_message(), damaged[i].message), "%zu: %s", i,
                      lam_error_message());
        else
            cr_assert_eq(lam_error_status(), LAM_ERR_UNSUPPORTED);
        options.on_error = "skip";
        data = load(LAM_SPLIT_TRAIN, &options);
        cr_assert(data && lam_dataset_samples(data) == 2, "%s", lam_error_message());
        cr_assert(first_value(data, 1) == 30.0f && lam_dataset_class(data, 1) == 1);
        cr_assert_eq(lam_dataset_skipped(data), 1);
        cr_assert(strstr(lam_dataset_skipped_file(data, 0), "b/2.png: "));
        cr_assert_null(lam_dataset_skipped_file(data, 1));
        lam_dataset_free(data);
        options.test_share = 0.5; /* a part tells of the whole */
        data = load(LAM_SPLIT_TEST, &options);
        cr_assert_eq(lam_dataset_skipped(data), 1);
        options.test_share = 0.0;
        lam_dataset_free(data);
    }
    image_put(folder, "a/1.bmp", "x", 1);
    image_put(folder, "b/3.bmp", "x", 1);
    expect_refused(&options, LAM_ERR_FORMAT, "none of 3 images", "b/3.bmp");
}

/* Images whose brightness is their class: more than a megabyte of them. */
static void write_large(void)
{
    char name[32];
    for (unsigned i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "%u/%03u.bmp", i % 3, i);
        image_write(folder, name, 48, 40, 1, i * 13 + i % 3 * 60);
    }
}

static void train(const lam_dataset *data, double share, float *parameters, size_t count)
{
    lam_model *model = lam_model_new(lam_dataset_features(data));
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, "8:relu,3:softmax");
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 2;
    fit.batch_size = 50;
    fit.validation_split = share;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_get_parameters(model, parameters, count), LAM_OK);
    lam_model_free(model);
}

enum { COUNT = 48 * 40 * 8 + 8 + 8 * 3 + 3 };

Test(images, streamed_and_in_memory_train_to_the_same_bits)
{
    static float memory[COUNT], stream[COUNT];
    lam_load_options options = lam_load_options_default();
    write_large();
    for (int i = 0; i < 2; i++) {
        lam_dataset *held = load(LAM_SPLIT_TRAIN, NULL);
        options.memory = 1;
        options.on_error = i ? "skip" : "stop";
        lam_dataset *streamed = load(LAM_SPLIT_TRAIN, &options);
        cr_assert(held && streamed, "%s", lam_error_message());
        train(held, i * 0.2, memory, COUNT);
        train(streamed, i * 0.2, stream, COUNT);
        cr_assert(memcmp(memory, stream, sizeof memory) == 0);
        for (size_t s = 0; s < 600; s += 7)
            cr_assert_eq(first_value(held, s), first_value(streamed, s));
        lam_dataset_free(held);
        lam_dataset_free(streamed);
    }
}

Test(images, parts_of_a_stream)
{
    lam_load_options options = lam_load_options_default();
    write_large();
    options.memory = 1;
    options.test_share = 0.2;
    lam_dataset *parts[2] = {load(LAM_SPLIT_TRAIN, &options), load(LAM_SPLIT_TEST, &options)};
    options.memory = 0;
    lam_dataset *held[2] = {load(LAM_SPLIT_TRAIN, &options), load(LAM_SPLIT_TEST, &options)};
    for (int i = 0; i < 2; i++) {
        cr_assert(parts[i] && held[i], "%s", lam_error_message());
        cr_assert_eq(lam_dataset_samples(parts[i]), i ? 120 : 480);
        for (size_t s = 0; s < lam_dataset_samples(parts[i]); s++)
            cr_assert(first_value(parts[i], s) == first_value(held[i], s) &&
                      lam_dataset_class(parts[i], s) == lam_dataset_class(held[i], s));
        lam_dataset_free(parts[i]);
        lam_dataset_free(held[i]);
    }
}

/* Every batch but the one with the bad file is right, and so is what is decoded meanwhile. */
Test(images, a_stream_goes_on_after_a_failure)
{
    lam_load_options options = lam_load_options_default();
    write_large();
    lam_dataset *held = load(LAM_SPLIT_TRAIN, NULL);
    options.memory = 1;
    lam_dataset *data = load(LAM_SPLIT_TRAIN, &options);
    cr_assert(held && data, "%s", lam_error_message());
    image_put(folder, "1/301.bmp", "x", 1);
    lam_batches_options order = lam_batches_options_default();
    order.batch_size = 32;
    order.epochs = 3;
    order.shuffle = false;
    lam_batches *batches = lam_batches_new(data, &order);
    size_t failed = 0, good = 0;
    for (lam_batch batch = {.rows = 1}; failed + good < 3 * 19;) {
        if (lam_batches_next(batches, &batch) != LAM_OK) {
            cr_assert(strstr(lam_error_message(), "1/301.bmp"), "%s", lam_error_message());
            failed++;
            continue;
        }
        good++;
        const float *x = batch.x;
        for (size_t r = 0; r < batch.rows; r++)
            cr_assert_eq(x[r * 48 * 40], first_value(held, lam_batches_index(batches)[r]));
    }
    cr_assert_eq(failed, 3);
    lam_batches_free(batches);
    lam_dataset_free(held);
    lam_dataset_free(data);
}

Test(images, a_stream_names_the_file_that_goes_bad)
{
    lam_load_options options = lam_load_options_default();
    write_large();
    options.memory = 1;
    lam_dataset *data = load(LAM_SPLIT_TRAIN, &options);
    cr_assert(data, "%s", lam_error_message());
    image_put(folder, "1/301.bmp", "x", 1);
    lam_model *model = lam_model_new(lam_dataset_features(data));
    lam_model_add_layers(model, "3:softmax");
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 1;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "1/301.bmp"), "%s", lam_error_message());
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(images, one_file_as_a_model_wants_it)
{
    char path[512];
    image_write(folder, "photo.jpg", 9, 7, 3, 3);
    scratch_path(folder, "photo.jpg", path);
    lam_dataset *data = lam_dataset_load_file(path, NULL);
    cr_assert(data && lam_dataset_samples(data) == 1 && lam_dataset_features(data) == 9 * 7 * 3);
    cr_assert(lam_dataset_classes(data) == 0 && lam_dataset_outputs(data) == 0);
    lam_dataset_free(data);

    image_write(folder, "train/a/1.bmp", 4, 4, 1, 0);
    image_write(folder, "train/b/2.bmp", 4, 4, 1, 100);
    lam_load_options options = lam_load_options_default();
    options.invert = true;
    lam_dataset *train_set = load(LAM_SPLIT_TRAIN, &options);
    lam_model *model = lam_model_new(16);
    lam_model_add_layers(model, "2:softmax");
    lam_fit_options fit = lam_fit_options_default();
    cr_assert_eq(lam_fit(model, train_set, &fit, NULL), LAM_OK, "%s", lam_error_message());
    lam_load_options like = lam_load_options_default();
    like.like = model;
    data = lam_dataset_load_file(path, &like);
    cr_assert(data && lam_dataset_features(data) == 16, "%s", lam_error_message());
    lam_input_info info;
    lam_dataset_input(data, &info);
    cr_assert(info.width == 4 && info.height == 4 && info.channels == 1 && info.invert);
    lam_dataset_free(data);
    /* classes by the model's names, whatever else is there or missing */
    image_write(folder, "more/b/3.bmp", 8, 8, 3, 100);
    data = lam_dataset_load_file(scratch_path(folder, "more", path), &like);
    cr_assert(data && lam_dataset_classes(data) == 2 && lam_dataset_class(data, 0) == 1);
    lam_dataset_free(data);
    image_write(folder, "more/c/3.bmp", 8, 8, 3, 100);
    cr_assert_null(lam_dataset_load_file(path, &like));
    cr_assert(strstr(lam_error_message(), "'c' is not"));
    lam_model_free(model);
    lam_dataset_free(train_set);
}

Test(images, contact_sheet, .disabled = !LAM__HAVE_IMAGES)
{
    char path[512];
    image_write(folder, "data/a/1.bmp", 30, 20, 1, 0);
    image_write(folder, "data/a/2.bmp", 30, 20, 1, 50);
    image_write(folder, "data/b/2.bmp", 30, 20, 1, 100);
    lam_dataset *data = lam_dataset_load(scratch_path(folder, "data", path), LAM_SPLIT_TRAIN, NULL);
    scratch_path(folder, "sheet.png", path);
    cr_assert_eq(lam_dataset_write_sheet(data, 3, path), LAM_OK, "%s", lam_error_message());
    lam_dataset_free(data);
    data = lam_dataset_load_file(path, NULL);
    lam_input_info info;
    lam_dataset_input(data, &info);
    cr_assert(info.width == 2 + 3 * 32 && info.height == 2 + 2 * 22 && info.channels == 1);
    static float x[98 * 46];
    lam_dataset_sample(data, 0, x);
    cr_assert(x[0] == 255.0f && x[2 * 98 + 2] == 0.0f && x[2 * 98 + 2 + 32] == 50.0f);
    cr_assert(x[24 * 98 + 2] == 100.0f && x[24 * 98 + 3] == 107.0f && x[24 * 98 + 34] == 255.0f);
    lam_dataset_free(data);
    data = lam_dataset_spiral(30, 3, 1);
    cr_assert_eq(lam_dataset_write_sheet(data, 3, path), LAM_ERR_SHAPE);
    lam_dataset_free(data);
    cr_assert_eq(lam_image_write_png("/nonexistent/x.png", (const uint8_t *)"abcd", 2, 2, 1),
                 LAM_ERR_IO);
    cr_assert_eq(lam_image_write_png(path, (const uint8_t *)"abcd", 2, 2, 2), LAM_ERR_ARGUMENT);
}
