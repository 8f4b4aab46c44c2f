/* test_sources.c: samples that are not in memory: in a file, from a function, in windows. */
#include <criterion/criterion.h>

#include <math.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "data/readers/arrays/file_rows.h"
#include "data/source.h"
#include "lamina_features.h"
#include "model/network.h"

enum { SAMPLES = 300, FEATURES = 5, CLASSES = 3 };

static float value_of(size_t sample, size_t feature)
{
    return (float)((sample * 7 + feature * 13) % 29) - 14.0f;
}

static int32_t class_of(size_t sample)
{
    return (int32_t)(sample * sample % CLASSES);
}

static void give_classes(lam_dataset *data)
{
    int32_t labels[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++)
        labels[i] = class_of(i);
    cr_assert_eq(lam_dataset_set_classes(data, labels, CLASSES), LAM_OK);
}

static lam_dataset *in_memory(void)
{
    float x[SAMPLES][FEATURES];
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t f = 0; f < FEATURES; f++)
            x[i][f] = value_of(i, f);
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, SAMPLES, FEATURES, LAM_COPY);
    cr_assert_not_null(data);
    give_classes(data);
    return data;
}

/* A file with 16 bytes before big-endian doubles. */
static void write_doubles(const char *path, size_t bad)
{
    static unsigned char bytes[16 + 8 * SAMPLES * FEATURES];
    for (size_t i = 0; i < SAMPLES * FEATURES; i++) {
        const double value = i == bad ? NAN : (double)value_of(i / FEATURES, i % FEATURES);
        uint64_t word;
        memcpy(&word, &value, sizeof word);
        for (int b = 0; b < 8; b++)
            bytes[16 + 8 * i + (size_t)b] = (unsigned char)(word >> (56 - 8 * b));
    }
    scratch_write(path, bytes, sizeof bytes);
}

static lam_status open_doubles(const char *path, lam_dataset **data)
{
    const lam__file_rows rows = {
        .path = path,
        .offset = 16,
        .type = {.kind = LAM__NPY_FLOAT, .size = 8, .big = true},
        .samples = SAMPLES,
        .features = FEATURES,
    };
    *data = NULL;
    return lam__file_rows_open(&rows, data);
}

/* Trains a small model; its parameters. */
static lam_status train(const lam_dataset *data, double share, float *parameters, size_t batch)
{
    lam_model *model = lam_model_new(FEATURES);
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 3;
    fit.batch_size = batch;
    fit.validation_split = share;
    cr_assert_eq(lam_model_standardize_input(model, data), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_add_layers(model, "8:tanh,3:softmax"), LAM_OK);
    const lam_status status = lam_fit(model, data, &fit, NULL);
    if (status == LAM_OK)
        cr_assert_eq(lam_model_get_parameters(model, parameters, lam_model_parameters(model)),
                     LAM_OK);
    lam_model_free(model);
    return status;
}

enum { PARAMETERS = FEATURES * 8 + 8 + 8 * CLASSES + CLASSES };

/* Everything that can be asked of a dataset agrees with the one in memory, to the bit. */
static void expect_same(const lam_dataset *data)
{
    float x[FEATURES], expected[PARAMETERS], found[PARAMETERS];
    lam_dataset *memory = in_memory();
    for (size_t i = SAMPLES; i-- > 0;) {
        cr_assert_eq(lam_dataset_sample(data, i, x), LAM_OK, "%s", lam_error_message());
        for (size_t f = 0; f < FEATURES; f++)
            cr_assert_eq(x[f], value_of(i, f));
    }
    for (int split = 0; split < 2; split++) {
        cr_assert_eq(train(memory, split ? 0.25 : 0.0, expected, 32), LAM_OK);
        cr_assert_eq(train(data, split ? 0.25 : 0.0, found, 32), LAM_OK, "%s", lam_error_message());
        cr_assert_arr_eq(found, expected, sizeof found);
    }
    lam_dataset *parts[4];
    cr_assert_eq(lam_dataset_divide(memory, 0.3, 5, &parts[0], &parts[1]), LAM_OK);
    cr_assert_eq(lam_dataset_divide(data, 0.3, 5, &parts[2], &parts[3]), LAM_OK, "%s",
                 lam_error_message());
    for (int p = 0; p < 2; p++) {
        cr_assert_eq(train(parts[p], 0.0, expected, 16), LAM_OK);
        cr_assert_eq(train(parts[p + 2], 0.0, found, 16), LAM_OK);
        cr_assert_arr_eq(found, expected, sizeof found);
    }
    for (int p = 0; p < 4; p++)
        lam_dataset_free(parts[p]);
    lam_dataset_free(memory);
}

Test(sources, file)
{
    char folder[256], path[512];
    lam_dataset *data;
    float parameters[PARAMETERS];
    scratch_make(folder);
    scratch_path(folder, "x", path);
    write_doubles(path, SIZE_MAX);
    cr_assert_eq(open_doubles(path, &data), LAM_OK, "%s", lam_error_message());
    give_classes(data);
    expect_same(data);
    cr_assert_eq(truncate(path, 16 + 8 * (SAMPLES - 1) * FEATURES), 0);
    lam_dataset *memory = in_memory();
    cr_assert_eq(train(memory, 0.0, parameters, 32), LAM_OK);
    lam_dataset_free(memory);
    lam_fit_options fit = lam_fit_options_default();
    lam_model *model = lam_model_new(FEATURES);
    cr_assert_eq(lam_model_add_layers(model, "3:softmax"), LAM_OK);
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_IO);
    cr_assert(strstr(lam_error_message(), "become shorter"), "%s", lam_error_message());
    lam_model_free(model);
    lam_dataset_free(data);

    cr_assert_eq(open_doubles(path, &data), LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "truncated"), "%s", lam_error_message());
    write_doubles(path, 11);
    cr_assert_eq(open_doubles(path, &data), LAM_OK);
    float x[FEATURES];
    cr_assert_eq(lam_dataset_sample(data, 2, x), LAM_ERR_NUMERIC);
    cr_assert(strstr(lam_error_message(), "byte 104: value 1 of sample 2"), "%s",
              lam_error_message());
    cr_assert_eq(lam_dataset_sample(data, 1, x), LAM_OK, "the error is told once");
    lam_dataset_free(data);
    scratch_remove(folder);
}

/* A source of the same samples that counts and can fail. */
typedef struct own_source {
    size_t next;    /* with a window: where the last read ended */
    size_t rewinds; /* times it began again */
    size_t most;    /* samples in one read */
    size_t fail_at; /* sample that cannot be read */
    int released;
    bool only_forward, jumped;
} own_source;

static int read_own(size_t first, size_t rows, void *x, int32_t *classes, float *targets,
                    void *user)
{
    own_source *own = user;
    (void)targets;
    if (own->only_forward && x && first != own->next) {
        own->jumped |= first != 0;
        own->rewinds++;
    }
    if (x) {
        own->next = first + rows;
        own->most = rows > own->most ? rows : own->most;
    }
    for (size_t r = 0; r < rows; r++) {
        if (first + r == own->fail_at)
            return 42;
        for (size_t f = 0; x && f < FEATURES; f++)
            ((float *)x)[r * FEATURES + f] = value_of(first + r, f);
        if (classes)
            classes[r] = class_of(first + r);
    }
    return 0;
}

static void release_own(void *user)
{
    ((own_source *)user)->released++;
}

static lam_source source_of(own_source *own, size_t window)
{
    *own = (own_source){.fail_at = SIZE_MAX, .only_forward = window > 0};
    return (lam_source){
        .samples = SAMPLES,
        .features = FEATURES,
        .dtype = LAM_FLOAT32,
        .classes = CLASSES,
        .window = window,
        .read = read_own,
        .release = release_own,
        .user = own,
    };
}

Test(sources, any_order)
{
    own_source own;
    const lam_source source = source_of(&own, 0);
    lam_dataset *data = lam_dataset_from_source(&source);
    cr_assert_not_null(data, "%s", lam_error_message());
    expect_same(data);
    lam_dataset_free(data);
    cr_assert_eq(own.released, 1);
}

Test(sources, windows)
{
    float first[PARAMETERS], second[PARAMETERS], x[FEATURES];
    own_source own;
    const lam_source source = source_of(&own, 64);
    lam_dataset *data = lam_dataset_from_source(&source);
    cr_assert_not_null(data, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_classes(data), CLASSES);
    for (size_t i = 0; i < SAMPLES; i += 37) {
        cr_assert_eq(lam_dataset_sample(data, i, x), LAM_OK);
        cr_assert_eq(x[3], value_of(i, 3));
    }
    for (int split = 0; split < 2; split++) {
        cr_assert_eq(train(data, split ? 0.25 : 0.0, first, 32), LAM_OK, "%s", lam_error_message());
        cr_assert_eq(train(data, split ? 0.25 : 0.0, second, 32), LAM_OK);
        cr_assert_arr_eq(first, second, sizeof first);
    }
    cr_assert(!own.jumped, "it is read from front to back");
    cr_assert_leq(own.most, 64);
    cr_assert_eq(train(data, 0.0, first, 200), LAM_OK, "a batch may be larger than a window");
    lam_dataset *parts[2];
    cr_assert_eq(lam_dataset_divide(data, 0.4, 1, &parts[0], &parts[1]), LAM_OK);
    lam_dataset_free(data);
    for (int p = 0; p < 2; p++) {
        cr_assert_eq(train(parts[p], 0.0, first, 16), LAM_OK, "%s", lam_error_message());
        cr_assert_eq(own.released, 0);
        lam_dataset_free(parts[p]);
    }
    cr_assert(!own.jumped);
    cr_assert_eq(own.released, 1);
}

/* The order of windows: every sample once per epoch, in windows that come in order. */
Test(sources, an_epoch_of_windows)
{
    own_source own;
    const lam_source source = source_of(&own, 64);
    lam_dataset *data = lam_dataset_from_source(&source);
    float parameters[PARAMETERS];
    own.rewinds = 0;
    cr_assert_eq(train(data, 0.0, parameters, 32), LAM_OK);
    /* two passes to standardize, three epochs */
    cr_assert_leq(own.rewinds, 5);
    lam_dataset_free(data);
}

Test(sources, failures)
{
    own_source own;
    float parameters[PARAMETERS];
    for (size_t window = 0; window <= 50; window += 50) {
        lam_source source = source_of(&own, window);
        own.fail_at = 170;
        cr_assert_null(lam_dataset_from_source(&source), "the targets cannot be read");
        cr_assert_eq(lam_error_status(), LAM_ERR_IO);
        cr_assert(strstr(lam_error_message(), "it returned 42"), "%s", lam_error_message());
        cr_assert_eq(own.released, 1);
        source = source_of(&own, window);
        lam_dataset *data = lam_dataset_from_source(&source);
        lam_model *model = lam_model_new(FEATURES);
        cr_assert_eq(lam_model_add_layers(model, "3:softmax"), LAM_OK);
        own.fail_at = 170;
        cr_assert_eq(lam_fit(model, data, NULL, NULL), LAM_ERR_IO, "window %zu", window);
        cr_assert(strstr(lam_error_message(), "it returned 42"), "%s", lam_error_message());
        lam_scores scores;
        cr_assert_eq(lam_evaluate(model, data, NULL, &scores), LAM_ERR_IO);
        float y[SAMPLES * CLASSES];
        cr_assert_eq(lam_predict_dataset(model, data, 1, y), LAM_ERR_IO);
        own.fail_at = SIZE_MAX; /* and works again when the source does */
        cr_assert_eq(lam_evaluate(model, data, NULL, &scores), LAM_OK, "%s", lam_error_message());
        cr_assert_eq(train(data, 0.0, parameters, 32), LAM_OK);
        lam_model_free(model);
        lam_dataset_free(data);
    }
    lam_source source = source_of(&own, 0);
    source.outputs = 2;
    cr_assert_null(lam_dataset_from_source(&source));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    source = source_of(&own, 0);
    source.samples = 0;
    cr_assert_null(lam_dataset_from_source(&source));
    source = source_of(&own, 0);
    source.read = NULL;
    cr_assert_null(lam_dataset_from_source(&source));
    cr_assert_null(lam_dataset_from_source(NULL));
    cr_assert_eq(own.released, 0);
    source = source_of(&own, 0);
    source.classes = 1; /* the source delivers more */
    cr_assert_null(lam_dataset_from_source(&source));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
}

#if LAM__HAVE_GZIP
#include <zlib.h>
#endif

/* A file of samples of 100 bytes from byte 12 on becomes shorter while it is in use: the message
 * says where it ends, wherever reading failed, and how many samples are there. */
static void expect_shorter(const lam_dataset *data, const char *path, bool packed)
{
    float x[100];
    char expected[128];
    unsigned long there = 0;
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    const long size = packed ? (long)info.st_size / 2 : 12 + 100 * 5000 + 50;
    cr_assert_eq(truncate(path, size), 0);
    const lam_status status = packed ? LAM_ERR_FORMAT : LAM_ERR_IO;
    cr_assert_eq(lam_dataset_sample(data, 17000, x), status);
    snprintf(expected, sizeof expected,
             packed ? "end at byte %ld (" : "ends at byte %ld, with 5000", size);
    cr_assert(strstr(lam_error_message(), expected), "%s", lam_error_message());
    cr_assert(strstr(lam_error_message(), " of 20000 samples"), "%s", lam_error_message());
    if (packed)
        cr_assert_eq(sscanf(strstr(lam_error_message(), "; "), "; %lu of", &there), 1);
    else
        there = 5000;
    cr_assert(there > 5000 - 1 && there < 15000, "%lu", there);
    cr_assert_eq(lam_dataset_sample(data, 0, x), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_sample(data, 4999, x), LAM_OK, "%s", lam_error_message());
}

/* Bytes as an IDX file, plain or gzipped, that may not be held in memory. */
static void expect_left_in_file(const char *path, bool packed)
{
    static unsigned char bytes[12 + 100 * 20000] = {0,          0,           8, 2, 0, 0,
                                                    20000 >> 8, 20000 & 255, 0, 0, 0, 100};
    for (size_t i = 12; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * i / 7);
    if (!packed)
        scratch_write(path, bytes, sizeof bytes);
#if LAM__HAVE_GZIP
    gzFile file = packed ? gzopen(path, "wb1") : NULL;
    cr_assert(!packed || (gzwrite(file, bytes, sizeof bytes) > 0 && gzclose(file) == Z_OK));
#endif
    lam_load_options options = lam_load_options_default();
    options.memory = 1;
    options.window = packed ? 1500 : 0;
    lam_dataset *data = lam_dataset_load(path, LAM_SPLIT_TRAIN, &options);
    cr_assert_not_null(data, "%s", lam_error_message());
    cr_assert_null(data->x, "it is not in memory");
    cr_assert_eq(data->window, packed ? 1500 : 0);
    static float x[100];
    const size_t samples[] = {0, 19999, 7, 1499, 1500, 12345};
    for (size_t s = 0; s < sizeof samples / sizeof *samples; s++) {
        cr_assert_eq(lam_dataset_sample(data, samples[s], x), LAM_OK, "%s", lam_error_message());
        for (size_t f = 0; f < 100; f++)
            cr_assert_eq(x[f], bytes[12 + samples[s] * 100 + f]);
    }
    lam_dataset *memory = lam_dataset_load(path, LAM_SPLIT_TRAIN, NULL);
    lam_model *model = lam_model_new(100);
    cr_assert_eq(lam_model_standardize_input(model, data), LAM_OK);
    cr_assert_eq(lam_model_add_layers(model, "2:tanh"), LAM_OK);
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    static float left[2 * 20000], held[2 * 20000];
    cr_assert_eq(lam_predict_dataset(model, data, 2, left), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_predict_dataset(model, memory, 2, held), LAM_OK);
    cr_assert_arr_eq(left, held, sizeof left);
    expect_shorter(data, path, packed);
    lam_model_free(model);
    lam_dataset_free(memory);
    lam_dataset_free(data);
}

Test(sources, idx_larger_than_allowed)
{
    char folder[256], path[512];
    scratch_make(folder);
    scratch_path(folder, "x", path);
    expect_left_in_file(path, false);
    if (LAM__HAVE_GZIP)
        expect_left_in_file(path, true);
    scratch_remove(folder);
}

Test(sources, stratified)
{
    lam_dataset *data = in_memory(), *first, *second;
    size_t all[CLASSES] = {0}, part[CLASSES] = {0};
    cr_assert_eq(lam_dataset_divide_stratified(data, 0.25, 3, &first, &second), LAM_OK);
    cr_assert_eq(lam_dataset_samples(second), 75);
    cr_assert_eq(lam_dataset_samples(first) + lam_dataset_samples(second), SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++)
        all[class_of(i)]++;
    for (size_t i = 0; i < 75; i++)
        part[lam_dataset_class(second, i)]++;
    for (size_t c = 0; c < CLASSES; c++)
        cr_assert_leq(fabs(0.25 * (double)all[c] - (double)part[c]), 1.0);
    lam_dataset_free(first);
    lam_dataset_free(second);
    float y[SAMPLES] = {0};
    cr_assert_eq(lam_dataset_set_targets(data, y, 1), LAM_OK);
    cr_assert_eq(lam_dataset_divide_stratified(data, 0.25, 3, &first, &second), LAM_ERR_STATE);
    lam_dataset_free(data);
}
