/* test_resume_sources.c: resuming where samples are changed at random, decoded again each time, or
 * delivered by a function: the same bits as without a stop. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "../support/image_files.h"
#include "../support/scratch.h"

enum { SAMPLES = 330, FEATURES = 12, SIDE = 32, PER_CLASS = 220 };

static char folder[256];

/* Features and class of a sample that is the same each time. */
static int read_samples(size_t first, size_t rows, void *x, int32_t *classes, float *targets,
                        void *user)
{
    size_t *calls = user;
    ++*calls;
    (void)targets;
    for (size_t r = 0; r < rows; r++) {
        const size_t sample = first + r;
        float *values = (float *)x + r * FEATURES;
        for (size_t f = 0; x && f < FEATURES; f++)
            values[f] = (float)((sample * 7 + f * f * 13) % 31) / 31.0f;
        if (classes)
            classes[r] = (int32_t)(sample * sample % 3);
    }
    return 0;
}

static lam_dataset *from_function(size_t window)
{
    static size_t calls;
    const lam_source source = {.samples = SAMPLES,
                               .features = FEATURES,
                               .dtype = LAM_FLOAT32,
                               .classes = 3,
                               .window = window,
                               .read = read_samples,
                               .user = &calls};
    return lam_dataset_from_source(&source);
}

static lam_dataset *in_any_order(void)
{
    return from_function(0);
}

static lam_dataset *front_to_back(void)
{
    return from_function(50);
}

static lam_dataset *part_of_it(void)
{
    lam_dataset *whole = from_function(50), *train = NULL, *test = NULL;
    cr_assert_eq(lam_dataset_divide(whole, 0.3, 5, &train, &test), LAM_OK);
    lam_dataset_free(test);
    lam_dataset_free(whole);
    return train;
}

/* 1.3 MB of images, and one megabyte to hold them: they are streamed. */
static lam_dataset *streamed_images(void)
{
    char path[512];
    lam_load_options options = lam_load_options_default();
    options.memory = 1;
    lam_dataset *data =
        lam_dataset_load(scratch_path(folder, "images", path), LAM_SPLIT_TRAIN, &options);
    cr_assert(data, "%s", lam_error_message());
    return data;
}

static lam_dataset *images_in_memory(void)
{
    char path[512];
    return lam_dataset_load(scratch_path(folder, "images", path), LAM_SPLIT_TRAIN, NULL);
}

static void make_images(void)
{
    static uint8_t pixels[SIDE * SIDE * 3];
    uint32_t state = 1;
    for (int i = 0; i < 2 * PER_CLASS; i++) {
        char name[64];
        size_t size;
        for (size_t k = 0; k < sizeof pixels; k++) {
            state = state * 1664525u + 1013904223u;
            pixels[k] = (uint8_t)((state >> 25) + (i % 2 && k / 3 % SIDE > SIDE / 2 ? 100 : 0));
        }
        unsigned char *bytes = bmp_make(pixels, SIDE, SIDE, 3, &size);
        snprintf(name, sizeof name, "images/%s/%03d.bmp", i % 2 ? "right" : "plain", i);
        image_put(folder, name, bytes, size);
        free(bytes);
    }
}

typedef struct setup {
    const char *name;
    lam_dataset *(*make)(void);
    bool images;
    double validation_split;
} setup;

static const setup setups[] = {
    {"a function, in any order", in_any_order, false, 0.2},
    {"a function, front to back", front_to_back, false, 0.2},
    {"a part of that", part_of_it, false, 0.0},
    {"images in memory, changed", images_in_memory, true, 0.1},
    {"images streamed, changed", streamed_images, true, 0.1},
};

typedef struct stopper {
    size_t batches, after, resumed;
} stopper;

static lam_signal on_event(const lam_event *event, void *user)
{
    stopper *s = user;
    s->resumed += event->kind == LAM_EVENT_RESUME && event->status == LAM_OK;
    return event->kind == LAM_EVENT_BATCH_END && ++s->batches == s->after ? LAM_STOP : LAM_CONTINUE;
}

static lam_fit_options make_options(const setup *s)
{
    lam_fit_options options = lam_fit_options_default();
    options.epochs = 3;
    options.batch_size = 16;
    options.validation_split = s->validation_split;
    options.noise = s->images ? 4.0f : 0.05f;
    if (s->images) {
        options.width_shift = options.height_shift = 0.1f;
        options.rotation = 10.0f;
        options.zoom = 0.1f;
        options.shear = 5.0f;
        options.brightness = 0.2f;
        options.horizontal_flip = true;
    }
    return options;
}

/* Trains on a set opened anew, as another process would, and saves to `file`. */
static void train(const setup *s, lam_fit_options options, stopper *stop, const char *file)
{
    lam_dataset *data = s->make();
    cr_assert(data, "%s", lam_error_message());
    lam_model *model = lam_model_new(lam_dataset_features(data));
    const lam_callback callback = {on_event, stop};
    if (s->images)
        cr_assert_eq(lam_model_scale_input(model, 0, 255, -1, 1), LAM_OK);
    cr_assert_eq(lam_model_add_layers(model, s->images ? "12:relu,dropout:0.1,2:softmax"
                                                       : "12:relu,dropout:0.1,3:softmax"),
                 LAM_OK);
    options.callback = &callback;
    cr_assert_eq(lam_fit(model, data, &options, NULL), LAM_OK, "%s: %s", s->name,
                 lam_error_message());
    cr_assert_eq(lam_model_save(model, file), LAM_OK, "%s", lam_error_message());
    lam_model_free(model);
    lam_dataset_free(data);
}

/* Stopped every `after` batches, in the middle of epochs, until it is done. */
static size_t check_stops(const setup *s, size_t after)
{
    char whole[512], parts[512], checkpoints[512];
    size_t sizes[2], runs = 0;
    scratch_path(folder, "whole", whole);
    scratch_path(folder, "parts", parts);
    scratch_path(folder, "checkpoints", checkpoints);
    train(s, make_options(s), &(stopper){0}, whole);
    for (bool stopped = true; stopped; runs++) {
        stopper stop = {.after = after};
        lam_fit_options options = make_options(s);
        options.threads = 1 + runs % 2;
        options.checkpoint = checkpoints;
        options.checkpoint_every = "4 steps";
        options.resume = true;
        train(s, options, &stop, parts);
        cr_expect_eq(stop.resumed, runs > 0, "%s", s->name);
        stopped = stop.batches == after;
    }
    unsigned char *a = scratch_read(whole, &sizes[0]), *b = scratch_read(parts, &sizes[1]);
    cr_expect(a && b && sizes[0] == sizes[1] && memcmp(a, b, sizes[0]) == 0,
              "%s, every %zu batches: the files differ", s->name, after);
    free(a);
    free(b);
    scratch_remove(checkpoints);
    return runs;
}

Test(resume_sources, the_same_bits, .timeout = 300)
{
    size_t resumed = 0;
    scratch_make(folder);
    make_images();
    for (size_t i = 0; i < sizeof setups / sizeof *setups; i++)
        for (size_t after = 5; after <= 17; after += 12)
            resumed += check_stops(&setups[i], after) - 1;
    printf("%zu runs resumed, each as if never stopped\n", resumed);
    scratch_remove(folder);
}

/* The window is part of what the order of an epoch follows from. */
Test(resume_sources, another_window)
{
    char checkpoints[512];
    scratch_make(folder);
    for (size_t window = 50; window <= 60; window += 10) {
        lam_dataset *data = from_function(window);
        lam_model *model = lam_model_new(FEATURES);
        lam_fit_options options = lam_fit_options_default();
        cr_assert_eq(lam_model_add_layers(model, "3:softmax"), LAM_OK);
        options.epochs = 2;
        options.checkpoint = scratch_path(folder, "checkpoints", checkpoints);
        options.resume = true;
        const lam_status status = lam_fit(model, data, &options, NULL);
        cr_expect_eq(status, window == 50 ? LAM_OK : LAM_ERR_STATE);
        cr_expect(window == 50 || strstr(lam_error_message(), "data.window is 60 here and 50"),
                  "%s", lam_error_message());
        lam_model_free(model);
        lam_dataset_free(data);
    }
    scratch_remove(folder);
}

/* What no reader would take is not written: a model that is no longer finite. */
Test(resume_sources, not_finite)
{
    char path[512];
    size_t needed;
    scratch_make(folder);
    lam_model *model = lam_model_new(2);
    lam_fit_options options = lam_fit_options_default();
    const float huge[4] = {3e38f, 3e38f, -3e38f, 3e38f}, targets[2] = {-3e38f, 3e38f};
    const lam_batch batch = {.x = huge, .targets = targets, .rows = 2};
    cr_assert_eq(lam_model_add_layers(model, "1:linear"), LAM_OK);
    options.loss = "mean_squared_error";
    options.optimizer = "sgd";
    options.batch_size = 2;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert(trainer, "%s", lam_error_message());
    cr_assert_eq(lam_trainer_save_memory(trainer, NULL, 0, &needed), LAM_OK);
    lam_trainer_step(trainer, &batch, NULL); /* whatever it says of its loss */
    cr_expect_eq(lam_trainer_save(trainer, scratch_path(folder, "state", path)), LAM_ERR_NUMERIC);
    cr_expect(strstr(lam_error_message(), "not a finite number"), "%s", lam_error_message());
    cr_expect(access(path, F_OK) != 0);
    lam_trainer_free(trainer);
    lam_model_free(model);
    scratch_remove(folder);
}
