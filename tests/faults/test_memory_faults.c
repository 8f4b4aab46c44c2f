/* test_memory_faults.c: every allocation fails in turn: an error, nothing lost, nothing leaked. */
#include <criterion/criterion.h>

#include <stdbool.h>
#include <stdlib.h>

#include <lamina/lamina.h>

#include "../support/image_files.h"
#include "../support/model_files.h"
#include "../support/scratch.h"
#include "failing.h"
#include "lamina_features.h"

#if LAM__HAVE_GZIP
#include <zlib.h>
#endif

static char folder[256];

static bool build_model(void)
{
    lam_model *model = sample_model();
    lam_model_free(model);
    return model != NULL;
}

#if LAM__HAVE_JSON
static bool save_model(void)
{
    char path[512];
    lam_model *model = sample_model();
    bool done = model && lam_model_save(model, scratch_path(folder, "saved", path)) == LAM_OK;
    lam_model_free(model);
    return done;
}

static bool load_model(void)
{
    char path[512];
    lam_model *model = lam_model_load(scratch_path(folder, "model", path));
    lam_model_free(model);
    return model != NULL;
}
#endif

#if LAM__HAVE_ONNX
static bool import_onnx(void)
{
    lam_model *model = lam_model_import(ONNX_FILE, NULL);
    lam_model_free(model);
    return model != NULL;
}

static bool export_onnx(void)
{
    char path[512];
    lam_model *model = sample_model();
    bool done =
        model && lam_model_export(model, scratch_path(folder, "a.onnx", path), NULL) == LAM_OK;
    lam_model_free(model);
    return done;
}
#endif

static bool load_folder(void)
{
    lam_dataset *set = lam_dataset_load(folder, LAM_SPLIT_TRAIN, NULL);
    bool named = set && lam_dataset_class_name(set, 1) != NULL;
    lam_dataset_free(set);
    return named;
}

static bool load_known_folder(void)
{
    char path[512];
    lam_dataset *set = lam_dataset_load(scratch_path(folder, "mnist", path), LAM_SPLIT_TRAIN, NULL);
    bool named = set && lam_dataset_class_name(set, 1) != NULL;
    lam_dataset_free(set);
    return named;
}

static bool generate_and_divide(void)
{
    lam_dataset *parts[2] = {NULL, NULL};
    const char *const names[] = {"a", "b", "c"};
    lam_dataset *spiral = lam_dataset_spiral(30, 3, 1), *sine = lam_dataset_sine(20);
    bool done = spiral && sine && lam_dataset_set_class_names(spiral, names, 3) == LAM_OK &&
                lam_dataset_divide(spiral, 0.5, 1, &parts[0], &parts[1]) == LAM_OK;
    cr_assert(done || (!parts[0] && !parts[1]));
    lam_dataset_free(parts[0]);
    lam_dataset_free(parts[1]);
    if (done)
        done = lam_dataset_divide(sine, 0.5, 1, &parts[0], &parts[1]) == LAM_OK;
    if (done) {
        lam_dataset_free(parts[0]);
        lam_dataset_free(parts[1]);
    }
    lam_dataset_free(spiral);
    lam_dataset_free(sine);
    return done;
}

/* Images of several kinds and sizes, one of which is damaged, with several labels each; their sheet
 * where PNG can be written; their batches. */
static bool load_images(void)
{
    char path[512];
    lam_load_options options = lam_load_options_default();
    lam_batches_options endless = lam_batches_options_default();
    lam_batch batch = {0};
    options.width = options.height = 5;
    options.color = "gray";
    options.on_error = "skip";
    options.multi_label = true;
    scratch_path(folder, "images", path);
    lam_dataset *set = lam_dataset_load(path, LAM_SPLIT_TRAIN, &options);
    options.multi_label = false;
    lam_dataset *classes = set ? lam_dataset_load(path, LAM_SPLIT_TEST, &options) : NULL;
    endless.epochs = 0;
    endless.batch_size = 3;
    lam_batches *batches = classes ? lam_batches_new(set, &endless) : NULL;
    bool done = batches && lam_dataset_skipped(set) == 1;
    for (int i = 0; i < 3 && done; i++)
        done = lam_batches_next(batches, &batch) == LAM_OK && batch.rows > 0;
    if (LAM__HAVE_IMAGES)
        done = done &&
               lam_dataset_write_sheet(classes, 0, scratch_path(folder, "sheet", path)) == LAM_OK;
    lam_batches_free(batches);
    lam_dataset_free(classes);
    lam_dataset_free(set);
    return done;
}

static void write_images(void)
{
    image_write(folder, "images/train/a/1.bmp", 9, 7, 3, 1);
    image_write(folder, "images/train/b/1.bmp", 9, 7, 3, 1);
    image_write(folder, "images/train/b/2.bmp", 5, 5, 1, 2);
    image_write(folder, "images/test/c/3.bmp", 8, 5, 1, 2);
    image_write(folder, "images/test/a/4.bmp", 8, 5, 1, 2);
    image_put(folder, "images/train/c/4.bmp", "no image", 8);
#if LAM__HAVE_IMAGES
    char path[512];
    uint8_t pixels[6 * 4 * 3] = {1, 2, 3};
    scratch_path(folder, "images/train/a/3.png", path);
    cr_assert_eq(lam_image_write_png(path, pixels, 6, 4, 3), LAM_OK);
#endif
}

/* A model large enough for several threads, and data for it. */
static lam_model *make_network(lam_dataset **data)
{
    *data = lam_dataset_spiral(150, 3, 1);
    lam_model *model = *data ? lam_model_new(2) : NULL;
    if (!model || lam_model_standardize_input(model, *data) != LAM_OK ||
        lam_model_add_layers(model, "150:relu,dropout:0.1,150:softmax,3:softmax") != LAM_OK) {
        lam_model_free(model);
        return NULL;
    }
    return model;
}

static bool train_and_evaluate(void)
{
    lam_dataset *data;
    lam_model *model = make_network(&data);
    lam_fit_options fit = lam_fit_options_default();
    lam_history *history = NULL;
    lam_scores scores;
    fit.initializer = lam_build_info("lapack")[0] == 'y' ? "orthogonal" : "he_normal";
    fit.epochs = 2;
    fit.threads = 2;
    fit.validation_split = 0.2;
    bool done = model && lam_fit(model, data, &fit, &history) == LAM_OK;
    cr_assert(!done || lam_history_epochs(history) == 2);
    done = done && lam_evaluate(model, data, &fit, &scores) == LAM_OK;
    lam_history_free(history);
    lam_model_free(model);
    lam_dataset_free(data);
    return done;
}

static bool step_and_predict(void)
{
    lam_dataset *data;
    lam_model *model = make_network(&data);
    lam_fit_options fit = lam_fit_options_default();
    static float y[150 * 3];
    const float x[2 * 2] = {0.5f, 0.0f, -0.25f, 0.5f};
    fit.optimizer = "sgd";
    fit.momentum = 0.9f;
    lam_trainer *trainer = model ? lam_trainer_new(model, &fit) : NULL;
    bool done = trainer && lam_trainer_step_rows(trainer, data, NULL, 100, NULL) == LAM_OK;
    lam_trainer_free(trainer);
    done = done && lam_model_initialize(model, 2, NULL) == LAM_OK &&
           lam_predict(model, x, 2, y) == LAM_OK &&
           lam_predict_dataset(model, data, 2, y) == LAM_OK;
    lam_model_free(model);
    lam_dataset_free(data);
    return done;
}

#if LAM__HAVE_JSON
/* Trains with checkpoints, resumes, and looks into what was written. */
static bool train_and_resume(void)
{
    char scratch[256], path[512], file[1024];
    scratch_make(scratch);
    lam_dataset *data = lam_dataset_spiral(40, 3, 1);
    lam_fit_options fit = lam_fit_options_default();
    bool done = data != NULL;
    fit.checkpoint = scratch_path(scratch, "c", path);
    fit.resume = true;
    fit.batch_size = 20;
    fit.patience = 9;
    fit.threads = 1;
    for (fit.epochs = 1; done && fit.epochs <= 3; fit.epochs += 2) {
        lam_model *model = lam_model_new(2);
        done = model && lam_model_add_layers(model, "4:relu,3:softmax") == LAM_OK &&
               lam_fit(model, data, &fit, NULL) == LAM_OK;
        lam_model_free(model);
    }
    snprintf(file, sizeof file, "%s/checkpoint-000000000006.safetensors", path);
    lam_checkpoint *checkpoint = done ? lam_checkpoint_open(file) : NULL;
    done = checkpoint && lam_history_epochs(lam_checkpoint_history(checkpoint)) == 3;
    lam_checkpoint_free(checkpoint);
    lam_dataset_free(data);
    scratch_remove(scratch);
    return done;
}

static bool save_and_restore_trainer(void)
{
    char path[512];
    lam_dataset *data;
    lam_model *model = make_network(&data);
    lam_trainer *trainer = model ? lam_trainer_new(model, NULL) : NULL;
    const bool done = trainer &&
                      lam_trainer_save(trainer, scratch_path(folder, "trainer", path)) == LAM_OK &&
                      lam_trainer_restore(trainer, path) == LAM_OK;
    lam_trainer_free(trainer);
    lam_model_free(model);
    lam_dataset_free(data);
    return done;
}
#endif

static void write_file(const char *name, const void *bytes, size_t size, bool packed)
{
    char path[512];
    scratch_path(folder, name, path);
#if LAM__HAVE_GZIP
    if (packed) {
        gzFile file = gzopen(path, "wb");
        cr_assert(file && gzwrite(file, bytes, (unsigned)size) == (int)size);
        gzclose(file);
        return;
    }
#endif
    (void)packed;
    scratch_write(path, bytes, size);
}

Test(memory_faults, every_allocation_of_training)
{
    run(train_and_evaluate, "train and evaluate");
    run(step_and_predict, "step and predict");
}

Test(memory_faults, every_allocation)
{
    enum { SAMPLES = 200, FEATURES = 250 * 4 }; /* packs so well that the buffer has to grow */
    static unsigned char images[12 + SAMPLES * FEATURES] = {
        0, 0, 8, 2, 0, 0, 0, SAMPLES, 0, 0, FEATURES >> 8, FEATURES & 255};
    static unsigned char labels[8 + SAMPLES] = {0, 0, 8, 1, 0, 0, 0, SAMPLES, 1, 0};
    char path[512];
    scratch_make(folder);
    write_file(LAM__HAVE_GZIP ? "train-images-idx3-ubyte.gz" : "train-images-idx3-ubyte", images,
               sizeof images, true);
    write_file("train-labels-idx1-ubyte", labels, sizeof labels, false);
    cr_assert_eq(symlink(".", scratch_path(folder, "mnist", path)), 0);
    run(load_known_folder, "load a known folder");
    write_file("labels.txt", "no\nyes\n", 7, false);
    run(load_folder, "load a folder");
    run(generate_and_divide, "generate and divide");
    run(build_model, "build a model");
    write_images();
    run(load_images, "load images");
#if LAM__HAVE_JSON
    lam_model *model = sample_model();
    cr_assert_eq(lam_model_save(model, scratch_path(folder, "model", path)), LAM_OK);
    lam_model_free(model);
    size_t files = scratch_count(folder);
    run(save_model, "save a model");
    cr_assert_eq(scratch_count(folder), files + 1);
    run(load_model, "load a model");
    run(train_and_resume, "train and resume");
    run(save_and_restore_trainer, "save and restore a trainer");
    unlink(scratch_path(folder, "trainer", path));
#endif
#if LAM__HAVE_ONNX
    run(import_onnx, "import ONNX");
    run(export_onnx, "export ONNX");
#endif
    unlink(scratch_path(folder, "mnist", path));
    scratch_remove(folder);
}
