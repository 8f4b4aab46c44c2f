/* test_dataset.c: datasets: in memory, from folders, generated, divided. */
#include <criterion/criterion.h>

#include <math.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "lamina_features.h"
#include "model/network.h"

static const float rows[] = {1, 2, 3, 4, 5, 6, 7, 8};

Test(dataset, in_memory)
{
    lam_dataset *set = lam_dataset_new(rows, LAM_FLOAT32, 4, 2, LAM_COPY);
    cr_assert_not_null(set);
    cr_assert_eq(lam_dataset_samples(set), 4);
    cr_assert_eq(lam_dataset_features(set), 2);
    cr_assert_eq(lam_dataset_dtype(set), LAM_FLOAT32);
    float x[2];
    cr_assert_eq(lam_dataset_sample(set, 3, x), LAM_OK);
    cr_assert(x[0] == 7 && x[1] == 8);
    cr_assert_eq(lam_dataset_sample(set, 4, x), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_target(set, 0, x), LAM_ERR_STATE);

    const int32_t labels[] = {0, 2, 1, 2};
    cr_assert_eq(lam_dataset_set_classes(set, labels, 3), LAM_OK);
    cr_assert_eq(lam_dataset_classes(set), 3);
    cr_assert_eq(lam_dataset_outputs(set), 0);
    cr_assert_eq(lam_dataset_class(set, 1), 2);
    cr_assert_eq(lam_dataset_class(set, 4), -1);
    cr_assert_eq(lam_dataset_set_classes(set, labels, 2), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "label 2 of sample 1"), "%s", lam_error_message());
    cr_assert_eq(lam_dataset_classes(set), 3, "a refused call changes nothing");

    const char *const names[] = {"a", "b", "c", "d"};
    cr_assert_eq(lam_dataset_set_class_names(set, names, 4), LAM_ERR_SHAPE);
    cr_assert_eq(lam_dataset_set_class_names(set, names, 3), LAM_OK);
    cr_assert_str_eq(lam_dataset_class_name(set, 2), "c");
    cr_assert_null(lam_dataset_class_name(set, 3));

    const float y[] = {0, 1, 2, 3};
    cr_assert_eq(lam_dataset_set_targets(set, y, 1), LAM_OK);
    cr_assert_eq(lam_dataset_outputs(set), 1);
    cr_assert_eq(lam_dataset_classes(set), 0);
    cr_assert_eq(lam_dataset_class(set, 0), -1);
    cr_assert_null(lam_dataset_class_name(set, 0));
    float target;
    cr_assert_eq(lam_dataset_target(set, 3, &target), LAM_OK);
    cr_assert(target == 3);
    cr_assert_eq(lam_dataset_target(set, 4, &target), LAM_ERR_ARGUMENT);
    const float bad[] = {0, 1, NAN, 3};
    cr_assert_eq(lam_dataset_set_targets(set, bad, 1), LAM_ERR_NUMERIC);
    cr_assert(strstr(lam_error_message(), "target 0 of sample 2"), "%s", lam_error_message());
    lam_dataset_free(set);
}

Test(dataset, bytes_and_borrowing)
{
    uint8_t bytes[] = {0, 255, 7, 9};
    lam_dataset *copy = lam_dataset_new(bytes, LAM_UINT8, 2, 2, LAM_COPY);
    lam_dataset *view = lam_dataset_new(bytes, LAM_UINT8, 2, 2, LAM_BORROW);
    float x[2];
    bytes[0] = 42;
    cr_assert_eq(lam_dataset_sample(copy, 0, x), LAM_OK);
    cr_assert(x[0] == 0 && x[1] == 255);
    cr_assert_eq(lam_dataset_sample(view, 0, x), LAM_OK);
    cr_assert(x[0] == 42);
    lam_dataset_free(copy);
    lam_dataset_free(view);
}

Test(dataset, wrong_arguments)
{
    lam_dataset *a, *b;
    cr_assert_null(lam_dataset_new(NULL, LAM_FLOAT32, 1, 1, LAM_COPY));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    cr_assert_null(lam_dataset_new(rows, LAM_FLOAT32, 0, 1, LAM_COPY));
    cr_assert_null(lam_dataset_new(rows, LAM_FLOAT32, 1, 0, LAM_COPY));
    cr_assert_null(lam_dataset_new(rows, (lam_dtype)7, 1, 1, LAM_COPY));
    cr_assert_null(lam_dataset_new(rows, LAM_FLOAT32, SIZE_MAX / 2, 3, LAM_COPY));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_samples(NULL), 0);
    cr_assert_eq(lam_dataset_features(NULL), 0);
    cr_assert_eq(lam_dataset_classes(NULL), 0);
    cr_assert_eq(lam_dataset_outputs(NULL), 0);
    cr_assert_eq(lam_dataset_class(NULL, 0), -1);
    cr_assert_null(lam_dataset_class_name(NULL, 0));
    cr_assert_eq(lam_dataset_sample(NULL, 0, (float[1]){0}), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_target(NULL, 0, (float[1]){0}), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_set_classes(NULL, (int32_t[1]){0}, 1), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_set_targets(NULL, rows, 1), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_set_class_names(NULL, NULL, 1), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_divide(NULL, 0.5, 0, &a, &b), LAM_ERR_ARGUMENT);
    lam_dataset_free(NULL);
}

/* Writes an IDX file of bytes; `dims` ends with 0. */
static void write_idx(const char *folder, const char *name, const unsigned *dims,
                      const unsigned char *values)
{
    unsigned char file[1024] = {0, 0, 8};
    size_t count = 1, rank = 0;
    char path[512];
    for (; dims[rank] > 0; rank++) {
        count *= dims[rank];
        file[4 + 4 * rank + 3] = (unsigned char)dims[rank];
    }
    file[3] = (unsigned char)rank;
    memcpy(file + 4 + 4 * rank, values, count);
    scratch_write(scratch_path(folder, name, path), file, 4 + 4 * rank + count);
}

static const unsigned image_dims[] = {3, 2, 2, 0}, label_dims[] = {3, 0};
static const unsigned char pixels[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};
static const unsigned char marks[] = {1, 0, 2};

static void make_folder(char folder[256])
{
    scratch_make(folder);
    write_idx(folder, "train-images-idx3-ubyte", image_dims, pixels);
    write_idx(folder, "train-labels-idx1-ubyte", label_dims, marks);
}

static void expect_load_fails(const char *path, lam_split split, lam_status status,
                              const char *message)
{
    cr_assert_null(lam_dataset_load(path, split, NULL));
    cr_assert_eq(lam_error_status(), status, "%s", lam_error_message());
    cr_assert(strstr(lam_error_message(), message), "%s", lam_error_message());
}

Test(dataset, folder)
{
    char folder[256], path[512];
    make_folder(folder);
    lam_dataset *set = lam_dataset_load(folder, LAM_SPLIT_TRAIN, NULL);
    cr_assert_not_null(set, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_samples(set), 3);
    cr_assert_eq(lam_dataset_features(set), 4);
    cr_assert_eq(lam_dataset_classes(set), 3);
    cr_assert_eq(lam_dataset_class(set, 0), 1);
    cr_assert_null(lam_dataset_class_name(set, 0));
    lam_dataset_free(set);
    lam_load_options options = lam_load_options_default();
    options.limit = 2;
    set = lam_dataset_load(folder, LAM_SPLIT_TRAIN, &options);
    cr_assert_eq(lam_dataset_samples(set), 2);
    lam_dataset_free(set);
    options.limit = 1; /* a sample of class 1; class 2 is in the rest of the file */
    set = lam_dataset_load(folder, LAM_SPLIT_TRAIN, &options);
    cr_assert_eq(lam_dataset_samples(set), 1);
    cr_assert_eq(lam_dataset_classes(set), 3);
    lam_dataset_free(set);

    expect_load_fails(folder, LAM_SPLIT_TEST, LAM_ERR_IO, "t10k-labels-idx1-ubyte.gz");
    write_idx(folder, "t10k-images-idx3-ubyte", image_dims, pixels);
    write_idx(folder, "t10k-labels-idx1-ubyte", (const unsigned[]){2, 0}, marks);
    expect_load_fails(folder, LAM_SPLIT_TEST, LAM_ERR_FORMAT, "2 labels");
    write_idx(folder, "t10k-labels-idx1-ubyte", (const unsigned[]){3, 1, 0}, marks);
    expect_load_fails(folder, LAM_SPLIT_TEST, LAM_ERR_FORMAT, "in 2 dimensions");
    set = lam_dataset_load(scratch_path(folder, "t10k-images-idx3-ubyte", path), LAM_SPLIT_TEST,
                           NULL);
    cr_assert_not_null(set, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_samples(set), 3);
    cr_assert_eq(lam_dataset_classes(set), 0);
    lam_dataset_free(set);
    expect_load_fails("/no/such/folder", LAM_SPLIT_TRAIN, LAM_ERR_IO,
                      "spiral, vertical or sine; a folder of IDX files");
    scratch_write(scratch_path(folder, "other", path), "\x89P\0G\r\n\x1a\n", 8);
    expect_load_fails(path, LAM_SPLIT_TRAIN, LAM_ERR_FORMAT,
                      "a file of 8 bytes that begins with 89 50 00 47");
    expect_load_fails("", LAM_SPLIT_TRAIN, LAM_ERR_ARGUMENT, "empty");
    expect_load_fails(NULL, LAM_SPLIT_TRAIN, LAM_ERR_ARGUMENT, "NULL");
    expect_load_fails(folder, (lam_split)5, LAM_ERR_ARGUMENT, "split 5");
    scratch_remove(folder);
}

Test(dataset, labels_file)
{
    char folder[256], path[512];
    make_folder(folder);
    scratch_path(folder, "labels.txt", path);
    const char *names = "red\r\ngreen\nblue and more\nnever seen";
    scratch_write(path, names, strlen(names));
    lam_dataset *set = lam_dataset_load(folder, LAM_SPLIT_TRAIN, NULL);
    cr_assert_not_null(set, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_classes(set), 4, "as many as names");
    cr_assert_str_eq(lam_dataset_class_name(set, 0), "red");
    cr_assert_str_eq(lam_dataset_class_name(set, 2), "blue and more");
    cr_assert_str_eq(lam_dataset_class_name(set, 3), "never seen");
    lam_dataset_free(set);
    scratch_write(path, "red\ngreen\n", 10);
    expect_load_fails(folder, LAM_SPLIT_TRAIN, LAM_ERR_FORMAT, "has 2 names");
    scratch_write(path, "red\n\nblue\n", 10);
    expect_load_fails(folder, LAM_SPLIT_TRAIN, LAM_ERR_FORMAT, "line 2 is empty");
    scratch_write(path, "", 0);
    expect_load_fails(folder, LAM_SPLIT_TRAIN, LAM_ERR_FORMAT, "no class name");
    scratch_write(path, "re\0d\n", 5);
    expect_load_fails(folder, LAM_SPLIT_TRAIN, LAM_ERR_FORMAT, "byte 2: a zero byte");
    scratch_remove(folder);
}

/* Loads through a link of this name and returns the name of class 1, "" when there is none. */
static const char *name_through(const char *folder, const char *link_name, char name[64])
{
    char path[512];
    cr_assert_eq(symlink(".", scratch_path(folder, link_name, path)), 0);
    lam_dataset *set = lam_dataset_load(path, LAM_SPLIT_TRAIN, NULL);
    cr_assert_not_null(set, "%s", lam_error_message());
    const char *found = lam_dataset_class_name(set, 1);
    snprintf(name, 64, "%s", found ? found : "");
    lam_dataset_free(set);
    return name;
}

Test(dataset, well_known_names)
{
    char folder[256], name[64];
    make_folder(folder);
    cr_assert_str_eq(name_through(folder, "MNIST", name), "1");
    cr_assert_str_eq(name_through(folder, "my-mnist", name), "1");
    cr_assert_str_eq(name_through(folder, "kmnist", name), "");
    cr_assert_str_eq(name_through(folder, "FashionMNIST", name), "Trouser");
    cr_assert_str_eq(name_through(folder, "fashion", name), "Trouser");
    cr_assert_str_eq(name_through(folder, "other", name), "");
    /* labels beyond the ten: it is something else */
    write_idx(folder, "train-labels-idx1-ubyte", label_dims, (const unsigned char[]){1, 10, 2});
    cr_assert_str_eq(name_through(folder, "mnist2", name), "");
    scratch_remove(folder);
}

Test(dataset, fashion_mnist)
{
    const char *folder = "/usr/share/datasets/fashion-mnist";
    if (!LAM__HAVE_GZIP || access(folder, R_OK) != 0)
        cr_skip_test("no gzip, or Debian's dataset-fashion-mnist is not installed");
    lam_dataset *train = lam_dataset_load(folder, LAM_SPLIT_TRAIN, NULL);
    lam_dataset *test = lam_dataset_load(folder, LAM_SPLIT_TEST, NULL);
    cr_assert(train && test, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_samples(train), 60000);
    cr_assert_eq(lam_dataset_samples(test), 10000);
    cr_assert_eq(lam_dataset_features(train), 784);
    cr_assert_eq(lam_dataset_dtype(train), LAM_UINT8);
    cr_assert_eq(lam_dataset_classes(test), 10);
    const int first[2][10] = {{9, 0, 0, 3, 0, 2, 7, 2, 5, 5}, {9, 2, 1, 1, 6, 1, 4, 6, 5, 7}};
    size_t share[10] = {0};
    for (size_t i = 0; i < 10; i++) {
        cr_assert_eq(lam_dataset_class(train, i), first[0][i]);
        cr_assert_eq(lam_dataset_class(test, i), first[1][i]);
    }
    for (size_t i = 0; i < 60000; i++)
        share[lam_dataset_class(train, i)]++;
    for (size_t i = 0; i < 10; i++)
        cr_assert_eq(share[i], 6000);
    cr_assert_str_eq(lam_dataset_class_name(train, 9), "Ankle boot");
    lam_dataset_free(train);
    lam_dataset_free(test);
}

Test(dataset, spiral)
{
    lam_dataset *set = lam_dataset_spiral(301, 3, 7), *same = lam_dataset_spiral(301, 3, 7);
    lam_dataset *other = lam_dataset_spiral(301, 3, 8);
    cr_assert(set && same && other);
    cr_assert_eq(lam_dataset_features(set), 2);
    cr_assert_eq(lam_dataset_classes(set), 3);
    size_t share[3] = {0}, different = 0;
    for (size_t i = 0; i < 301; i++) {
        float a[2], b[2], c[2];
        lam_dataset_sample(set, i, a);
        lam_dataset_sample(same, i, b);
        lam_dataset_sample(other, i, c);
        cr_assert(a[0] == b[0] && a[1] == b[1]);
        different += a[0] != c[0];
        /* the radius has no noise: place of the sample in its class */
        size_t k = (size_t)lam_dataset_class(set, i), n = k == 0 ? 101 : 100;
        cr_assert_float_eq(hypot((double)a[0], (double)a[1]), (double)(i / 3) / (double)(n - 1),
                           1e-6);
        share[k]++;
    }
    cr_assert(share[0] == 101 && share[1] == 100 && share[2] == 100);
    cr_assert(different > 290);
    lam_dataset_free(set);
    lam_dataset_free(same);
    lam_dataset_free(other);
}

Test(dataset, built_in_by_name)
{
    lam_dataset *train = lam_dataset_load("spiral", LAM_SPLIT_TRAIN, NULL);
    lam_dataset *test = lam_dataset_load("spiral", LAM_SPLIT_TEST, NULL);
    float a[2], b[2];
    cr_assert_eq(lam_dataset_samples(train), 3000);
    lam_dataset_sample(train, 2999, a);
    lam_dataset_sample(test, 2999, b);
    cr_assert(a[0] != b[0], "the splits are drawn apart");
    lam_dataset_free(train);
    lam_dataset_free(test);

    lam_load_options options = lam_load_options_default();
    options.samples = 4000;
    options.classes = 4;
    lam_dataset *vertical = lam_dataset_load("vertical", LAM_SPLIT_TRAIN, &options);
    cr_assert_eq(lam_dataset_classes(vertical), 4);
    double mean[4] = {0}, square[4] = {0};
    for (size_t i = 0; i < 4000; i++) {
        size_t k = (size_t)lam_dataset_class(vertical, i);
        lam_dataset_sample(vertical, i, a);
        double from_centre = (double)a[0] - (double)k / 3;
        mean[k] += from_centre / 1000;
        square[k] += from_centre * from_centre / 1000;
    }
    for (size_t k = 0; k < 4; k++) { /* 5 standard errors */
        cr_assert_float_eq(mean[k], 0, 0.016);
        cr_assert_float_eq(sqrt(square[k]), 0.1, 0.0112);
    }
    lam_dataset_free(vertical);

    lam_dataset *sine = lam_dataset_sine(4);
    float x, y;
    lam_dataset_sample(sine, 1, &x);
    lam_dataset_target(sine, 1, &y);
    cr_assert(x == 0.25f && y == 1.0f);
    cr_assert_eq(lam_dataset_outputs(sine), 1);
    lam_dataset_free(sine);
    options.samples = 4;
    options.classes = 0;
    sine = lam_dataset_load("sine", LAM_SPLIT_TEST, &options);
    lam_dataset_sample(sine, 1, &x);
    lam_dataset_target(sine, 1, &y);
    cr_assert(x == 0.375f);
    cr_assert_float_eq((double)y, sqrt(0.5), 1e-7);
    lam_dataset_free(sine);

    cr_assert_null(lam_dataset_spiral(2, 3, 0));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    cr_assert_null(lam_dataset_vertical(SIZE_MAX, 3, 0));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
}

Test(dataset, divide)
{
    enum { SAMPLES = 101 };
    float x[SAMPLES];
    int32_t labels[SAMPLES];
    const char *const names[] = {"even", "odd"};
    for (int i = 0; i < SAMPLES; i++) {
        x[i] = (float)i;
        labels[i] = i % 2;
    }
    lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, SAMPLES, 1, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_classes(set, labels, 2), LAM_OK);
    cr_assert_eq(lam_dataset_set_class_names(set, names, 2), LAM_OK);
    lam_dataset *parts[2], *again[2], *other[2];
    cr_assert_eq(lam_dataset_divide(set, 0.25, 3, &parts[0], &parts[1]), LAM_OK);
    cr_assert_eq(lam_dataset_divide(set, 0.25, 3, &again[0], &again[1]), LAM_OK);
    cr_assert_eq(lam_dataset_divide(set, 0.25, 4, &other[0], &other[1]), LAM_OK);
    lam_dataset_free(set); /* the parts stand alone */
    cr_assert_eq(lam_dataset_samples(parts[1]), 25);
    cr_assert_eq(lam_dataset_samples(parts[0]), 76);
    int seen[SAMPLES] = {0}, moved = 0;
    for (int p = 0; p < 2; p++)
        for (size_t i = 0; i < lam_dataset_samples(parts[p]); i++) {
            float a, b, c;
            lam_dataset_sample(parts[p], i, &a);
            lam_dataset_sample(again[p], i, &b);
            lam_dataset_sample(other[p], i, &c);
            cr_assert(a == b);
            moved += a != c;
            seen[(int)a]++;
            cr_assert_eq(lam_dataset_class(parts[p], i), (int)a % 2);
        }
    for (int i = 0; i < SAMPLES; i++)
        cr_assert_eq(seen[i], 1, "disjoint and complete");
    cr_assert(moved > 0);
    cr_assert_str_eq(lam_dataset_class_name(parts[1], 1), "odd");
    for (int p = 0; p < 2; p++) {
        lam_dataset_free(parts[p]);
        lam_dataset_free(again[p]);
        lam_dataset_free(other[p]);
    }
}

Test(dataset, divide_edges)
{
    lam_dataset *set = lam_dataset_new(rows, LAM_FLOAT32, 4, 2, LAM_BORROW), *a, *b;
    cr_assert_eq(lam_dataset_set_targets(set, rows, 2), LAM_OK);
    const double bad[] = {0, 1, -0.5, 1.5, NAN};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(lam_dataset_divide(set, bad[i], 1, &a, &b), LAM_ERR_ARGUMENT);
    a = set;
    cr_assert_eq(lam_dataset_divide(set, 0.5, 1, &a, &a), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "the same"), "%s", lam_error_message());
    cr_assert_eq(a, set, "left as it was");
    cr_assert_eq(lam_dataset_divide(set, 0.001, 1, &a, &b), LAM_OK);
    cr_assert_eq(lam_dataset_samples(b), 1);
    float x[2], y[2];
    lam_dataset_sample(b, 0, x);
    lam_dataset_target(b, 0, y);
    cr_assert(x[0] == y[0] && x[1] == y[1]);
    lam_dataset_free(a);
    lam_dataset_free(b);
    cr_assert_eq(lam_dataset_divide(set, 0.999, 1, &a, &b), LAM_OK);
    cr_assert_eq(lam_dataset_samples(a), 1);
    lam_dataset_free(a);
    lam_dataset_free(b);
    lam_dataset_free(set);
    set = lam_dataset_new(rows, LAM_FLOAT32, 1, 2, LAM_BORROW);
    cr_assert_eq(lam_dataset_divide(set, 0.5, 1, &a, &b), LAM_ERR_ARGUMENT);
    cr_assert(!a && !b);
    lam_dataset_free(set);
}

Test(dataset, standardize)
{
    const float x[] = {1, 5, 1e6f, 3, 5, 1e6f + 1}; /* [2][3]: spread, constant, far from zero */
    lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, 2, 3, LAM_COPY);
    lam_model *model = lam_model_new(3);
    cr_assert_eq(lam_model_standardize_input(model, set), LAM_OK, "%s", lam_error_message());
    lam_transform_info info;
    lam_model_transform(model, &info);
    cr_assert_eq(info.kind, LAM_TRANSFORM_STANDARDIZE);
    cr_assert(info.mean[0] == 2 && info.mean[1] == 5 && info.mean[2] == 1e6f + 0.5f);
    cr_assert(info.std[0] == 1 && info.std[1] == 0 && info.std[2] == 0.5f);
    float y[3];
    lam__transform_f32(&model->transform, 3, x, y);
    cr_assert_float_eq(y[0], -1, 1e-6f);
    cr_assert_float_eq(y[1], 0, 1e-6f);
    lam_model_free(model);
    model = lam_model_new(4);
    cr_assert_eq(lam_model_standardize_input(model, set), LAM_ERR_SHAPE);
    lam_model_free(model);
    cr_assert_eq(lam_model_standardize_input(NULL, set), LAM_ERR_ARGUMENT);
    lam_dataset_free(set);

    const uint8_t bytes[] = {0, 10, 255, 20};
    set = lam_dataset_new(bytes, LAM_UINT8, 2, 2, LAM_COPY);
    model = lam_model_new(2);
    cr_assert_eq(lam_model_standardize_input(model, set), LAM_OK);
    lam_model_transform(model, &info);
    cr_assert(info.mean[0] == 127.5f && info.std[0] == 127.5f && info.std[1] == 5);
    lam_model_free(model);
    lam_dataset_free(set);
}
