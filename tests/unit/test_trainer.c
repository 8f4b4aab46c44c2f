/* test_trainer.c: one's own loop, and prediction. */
#include <criterion/criterion.h>
#include <lamina/lamina.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "train/trainer_inside.h"

enum { FEATURES = 5, OUTPUTS = 3, ROWS = 20 };

static float batch_x[ROWS * FEATURES];
static int32_t batch_classes[ROWS];

static void fill_batch(void)
{
    for (int i = 0; i < ROWS * FEATURES; i++)
        batch_x[i] = sinf((float)i * 1.7f);
    for (int i = 0; i < ROWS; i++)
        batch_classes[i] = i % OUTPUTS;
}

static lam_model *make_model(void)
{
    lam_model *model = lam_model_new(FEATURES);
    lam_model_add_layers(model, "7:tanh,3:softmax");
    cr_assert_eq(lam_model_initialize(model, 9, NULL), LAM_OK, "%s", lam_error_message());
    return model;
}

TestSuite(trainer, .init = fill_batch);

/* A step is the same as gradients followed by an update, to the bit. */
Test(trainer, step_equals_gradients_and_update)
{
    lam_model *a = make_model(), *b = make_model();
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = ROWS;
    options.l2 = 0.01f;
    options.decay = 0.1f;
    lam_trainer *ta = lam_trainer_new(a, &options), *tb = lam_trainer_new(b, &options);
    const lam_batch batch = {ROWS, batch_x, batch_classes, NULL};
    for (int step = 0; step < 5; step++) {
        lam_scores sa, sb;
        cr_assert_float_eq(lam_trainer_learning_rate(ta), 0.001 / (1.0 + 0.1 * step), 1e-9);
        cr_assert_eq(lam_trainer_step(ta, &batch, &sa), LAM_OK, "%s", lam_error_message());
        cr_assert_eq(lam_trainer_gradients(tb, &batch, &sb), LAM_OK);
        cr_assert_eq(lam_trainer_update(tb), LAM_OK);
        cr_assert_eq(sa.loss, sb.loss);
    }
    cr_assert_eq(lam_trainer_update(tb), LAM_ERR_STATE);
    cr_assert_eq(lam_trainer_steps(ta), 5);
    const size_t count = lam_model_parameters(a);
    float wa[128], wb[128];
    cr_assert_leq(count, 128);
    lam_model_get_parameters(a, wa, count);
    lam_model_get_parameters(b, wb, count);
    cr_assert_arr_eq(wa, wb, count * sizeof *wa);
    lam_trainer_free(ta);
    lam_trainer_free(tb);
    lam_model_free(a);
    lam_model_free(b);
}

/* Whether another processor stands in for this one, as .ci/others says: slow, and with memory of
 * its own. */
static bool emulated(void)
{
    return getenv("LAMINA_EMULATED") != NULL;
}

/* Trains a network wide enough for panels and for several threads, by steps and by gradients with
 * updates, also on part of a batch; `switching`: from several threads to one and back as it goes.
 */
static void train_wide(size_t threads, bool switching, size_t rows, size_t outputs, float *to,
                       size_t count)
{
    enum { IN = 100, STEPS = 9 };
    lam_model *model = lam_model_new(IN);
    char layers[64];
    snprintf(layers, sizeof layers, "%zu:relu,70:tanh,10:softmax", outputs);
    lam_model_add_layers(model, layers);
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = rows;
    options.threads = threads;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    float *x = malloc(rows * IN * sizeof *x);
    int32_t *classes = malloc(rows * sizeof *classes);
    cr_assert(trainer && x && classes, "%s", lam_error_message());
    for (size_t i = 0; i < rows * IN; i++)
        x[i] = (float)(i * 2654435761u % 1000) * 0.002f - 1.0f;
    for (size_t i = 0; i < rows; i++)
        classes[i] = (int32_t)(i * 7 % 10);
    for (size_t step = 0; step < STEPS; step++) {
        lam__thread_tuning *tuning = &trainer->engine.tuning;
        if (switching) {
            trainer->engine.tuned = true;
            *tuning = (lam__thread_tuning){.compared = 2, .alone = step % 3 == 1};
        }
        const lam_batch batch = {
            .rows = step == 4 ? rows / 2 + 1 : rows, .x = x, .classes = classes};
        if (step % 4 == 3) {
            cr_assert_eq(lam_trainer_gradients(trainer, &batch, NULL), LAM_OK);
            cr_assert_eq(lam_trainer_update(trainer), LAM_OK);
        } else {
            cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_OK, "%s",
                         lam_error_message());
        }
    }
    cr_assert_eq(lam__pool_threads(trainer->engine.pool), threads);
    cr_assert_eq(lam_model_get_parameters(model, to, count), LAM_OK);
    lam_trainer_free(trainer);
    lam_model_free(model);
    free(x);
    free(classes);
}

Test(trainer, same_bits_from_one_thread_to_several_and_back, .timeout = 120)
{
    static const size_t shapes[][2] = {
        {128, 96}, {40, 80}, {1100, 512} /* dL/dz of more than 2 MB */};
    /* The largest takes minutes where a processor is emulated. */
    const size_t shape_count = sizeof shapes / sizeof *shapes - (emulated());
    for (size_t i = 0; i < shape_count; i++) {
        const size_t rows = shapes[i][0], outputs = shapes[i][1];
        const size_t count = 101 * outputs + (outputs + 1) * 70 + 71 * 10;
        float *one = malloc(count * sizeof *one), *other = malloc(count * sizeof *other);
        cr_assert(one && other);
        train_wide(1, false, rows, outputs, one, count);
        for (size_t threads = 2; threads <= 3; threads++)
            for (int switching = 0; switching < 2; switching++) {
                train_wide(threads, switching != 0, rows, outputs, other, count);
                cr_assert_eq(memcmp(one, other, count * sizeof *one), 0,
                             "%zu rows, %zu outputs, %zu threads%s", rows, outputs, threads,
                             switching ? ", switching" : "");
            }
        free(one);
        free(other);
    }
}

/* Changing the gradients changes the update: zero gradients leave plain SGD where it is. */
Test(trainer, gradients_can_be_changed)
{
    lam_model *model = make_model();
    lam_fit_options options = lam_fit_options_default();
    options.optimizer = "sgd";
    lam_trainer *trainer = lam_trainer_new(model, &options);
    const lam_batch batch = {ROWS, batch_x, batch_classes, NULL};
    float before[128], after[128];
    const size_t count = lam_model_parameters(model);
    lam_model_get_parameters(model, before, count);
    cr_assert_eq(lam_trainer_gradients(trainer, &batch, NULL), LAM_OK);
    double sum = 0.0;
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        lam_tensor gradient, tensor;
        cr_assert_eq(lam_trainer_gradient(trainer, i, &gradient), LAM_OK);
        cr_assert_eq(lam_model_tensor(model, i, &tensor), LAM_OK);
        cr_assert_str_eq(gradient.name, tensor.name);
        cr_assert_eq(gradient.rows, tensor.rows);
        cr_assert_eq(gradient.cols, tensor.cols);
        for (size_t k = 0; k < gradient.rows * gradient.cols; k++) {
            sum += fabs((double)gradient.data[k]);
            gradient.data[k] = 0.0f;
        }
    }
    cr_assert_gt(sum, 0.01, "there were gradients");
    cr_assert_eq(lam_trainer_update(trainer), LAM_OK);
    lam_model_get_parameters(model, after, count);
    cr_assert_arr_eq(before, after, count * sizeof *before);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

Test(trainer, refuses_what_does_not_fit)
{
    lam_model *model = make_model();
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = 8;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    lam_batch batch = {ROWS, batch_x, batch_classes, NULL};
    cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_ERR_SHAPE);
    batch.rows = 0;
    cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_ERR_SHAPE);
    batch.rows = 8;
    int32_t classes[8] = {0, 1, 2, 3, 0, 0, 0, 0};
    batch.classes = classes;
    cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "classes[3] is 3"), "%s", lam_error_message());
    batch.classes = NULL;
    cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_trainer_step(NULL, &batch, NULL), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_trainer_steps(trainer), 0);
    cr_assert_eq(lam_trainer_learning_rate(NULL), 0.0);
    const double rates[] = {-1.0, 0.0, NAN, INFINITY, 1e39}; /* the last is no float */
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        cr_assert_eq(lam_trainer_set_learning_rate(trainer, rates[i]), LAM_ERR_ARGUMENT);
    cr_assert_null(lam_model_loss(model), "no step was made, so the model is not trained");
    cr_assert_null(lam_trainer_new(NULL, NULL));
    lam_dataset *data = lam_dataset_new(batch_x, LAM_FLOAT32, ROWS, FEATURES, LAM_BORROW);
    lam_dataset_set_classes(data, batch_classes, OUTPUTS);
    const uint32_t index[2] = {0, ROWS};
    cr_assert_eq(lam_trainer_step_rows(trainer, data, index, 2, NULL), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "index[1]"), "%s", lam_error_message());
    lam_dataset_free(data);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* A number of rows that is too large is found before the rows are read: the memory behind the
 * batch may not be there. */
Test(trainer, rows_are_checked_before_anything_is_read)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(pages, MAP_FAILED);
    cr_assert_eq(mprotect(pages + page, page, PROT_NONE), 0);
    lam_model *model = make_model();
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = 8;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    const int32_t *zeros = (const int32_t *)(const void *)(pages + page) - 8;
    lam_dataset *data = lam_dataset_new(batch_x, LAM_FLOAT32, ROWS, FEATURES, LAM_BORROW);
    lam_dataset_set_classes(data, batch_classes, OUTPUTS);
    const size_t counts[] = {9, 4096, SIZE_MAX / 8, SIZE_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const lam_batch batch = {counts[i], batch_x, zeros, NULL};
        cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_ERR_SHAPE);
        cr_assert_eq(lam_trainer_gradients(trainer, &batch, NULL), LAM_ERR_SHAPE);
        cr_assert(strstr(lam_error_message(), "takes 1 to 8"), "%s", lam_error_message());
        cr_assert_eq(lam_trainer_step_rows(trainer, data, (const uint32_t *)zeros, counts[i], NULL),
                     LAM_ERR_SHAPE);
    }
    lam_dataset_free(data);
    lam_trainer_free(trainer);
    lam_model_free(model);
    munmap(pages, 2 * page);
}

/* The outputs before the update are what a predictor says of the model before the update. */
Test(trainer, outputs_are_the_predictions)
{
    lam_model *model = make_model();
    lam_trainer *trainer = lam_trainer_new(model, NULL);
    float expected[ROWS * OUTPUTS];
    cr_assert_eq(lam_predict(model, batch_x, ROWS, expected), LAM_OK, "%s", lam_error_message());
    const lam_batch batch = {ROWS, batch_x, batch_classes, NULL};
    cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_OK);
    size_t stride = 0;
    const float *y = lam_trainer_outputs(trainer, &stride);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < OUTPUTS; c++)
            cr_assert_float_eq(y[(size_t)r * stride + (size_t)c], expected[r * OUTPUTS + c], 1e-6);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* Any number of rows a call gives the same outputs, bytes the same as floats. */
Test(predictor, rows_and_types_agree)
{
    enum { N = 200, WIDTH = 30 };
    lam_model *model = lam_model_new(WIDTH);
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, "40:relu,dropout:0.5,33:sigmoid,4:softmax");
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    static uint8_t bytes[N * WIDTH];
    static float x[N * WIDTH], all[N * 4], part[N * 4], whole[N * 4];
    for (int i = 0; i < N * WIDTH; i++)
        x[i] = bytes[i] = (uint8_t)(i * 31 % 256);
    lam_predictor *predictor = lam_predictor_new(model, N);
    cr_assert_eq(lam_predictor_run(predictor, x, N, all), LAM_OK);
    cr_assert_eq(lam_predictor_run_bytes(predictor, bytes, N, part), LAM_OK);
    cr_assert_arr_eq(all, part, sizeof all);
    for (size_t rows = 1; rows <= 9; rows += 4)
        for (size_t first = 0; first + rows <= N; first += rows) {
            cr_assert_eq(lam_predictor_run(predictor, x + first * WIDTH, rows, part), LAM_OK);
            for (size_t i = 0; i < rows * 4; i++)
                cr_assert_float_eq(part[i], all[first * 4 + i], 2e-6);
        }
    lam_dataset *data = lam_dataset_new(bytes, LAM_UINT8, N, WIDTH, LAM_COPY);
    cr_assert_eq(lam_predict_dataset(model, data, 2, whole), LAM_OK);
    for (int i = 0; i < N * 4; i++)
        cr_assert_float_eq(whole[i], all[i], 2e-6);
    cr_assert_eq(lam_predictor_run(predictor, x, N + 1, all), LAM_ERR_SHAPE);
    cr_assert_null(lam_predictor_new(model, 0));
    lam_dataset_free(data);
    lam_predictor_free(predictor);
    lam_model_free(model);
}

typedef struct worker {
    const lam_model *model;
    const float *x;
    float y[ROWS * OUTPUTS];
} worker;

static void *predict_often(void *argument)
{
    worker *w = argument;
    lam_predictor *predictor = lam_predictor_new(w->model, ROWS);
    for (int i = 0; i < 200; i++)
        if (lam_predictor_run(predictor, w->x, ROWS, w->y) != LAM_OK)
            return argument;
    lam_predictor_free(predictor);
    return NULL;
}

Test(predictor, many_threads_share_a_model)
{
    enum { THREADS = 4 };
    fill_batch();
    lam_model *model = make_model();
    float expected[ROWS * OUTPUTS];
    cr_assert_eq(lam_predict(model, batch_x, ROWS, expected), LAM_OK);
    static worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.model = model, .x = batch_x};
        cr_assert_eq(pthread_create(&threads[i], NULL, predict_often, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed = &failed;
        pthread_join(threads[i], &failed);
        cr_assert_null(failed);
        cr_assert_arr_eq(workers[i].y, expected, sizeof expected);
    }
    lam_model_free(model);
}

/* Resident bytes of this process; 0 where the system does not tell. */
static size_t resident(void)
{
    unsigned long pages[2] = {0, 0};
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%lu %lu", &pages[0], &pages[1]) != 2)
            pages[1] = 0;
        fclose(file);
    }
    return (size_t)pages[1] * (size_t)sysconf(_SC_PAGESIZE);
}

/* A program may have a network for each of thousands of things. */
Test(trainer, small_networks_take_kilobytes)
{
    enum { COUNT = 100, MOST = 64 << 10 };
    static lam_model *models[COUNT];
    static lam_trainer *trainers[COUNT];
    static lam_predictor *predictors[COUNT];
    lam_fit_options options = lam_fit_options_default();
    const lam_batch batch = {ROWS, batch_x, batch_classes, NULL};
    float y[OUTPUTS];
    options.threads = 4; /* none of them pays */
    size_t before = 0;
    for (int i = -1; i < COUNT; i++) { /* the first for what is made once */
        lam_model *model = make_model();
        lam_trainer *trainer = lam_trainer_new(model, &options);
        cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_OK, "%s", lam_error_message());
        lam_predictor *predictor = lam_predictor_new(model, 1);
        cr_assert_eq(lam_predictor_run(predictor, batch_x, 1, y), LAM_OK);
        if (i < 0) {
            lam_predictor_free(predictor);
            lam_trainer_free(trainer);
            lam_model_free(model);
            before = resident();
            continue;
        }
        models[i] = model, trainers[i] = trainer, predictors[i] = predictor;
    }
    const size_t more = resident() - before;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which keep what is freed */
    if (before > 0 && !emulated()) /* an emulator's own memory counts as this process's */
        cr_expect_lt(more / COUNT, MOST, "%zu bytes for a network of 5-7-3", more / COUNT);
#else
    (void)more;
#endif
    for (int i = 0; i < COUNT; i++) {
        lam_predictor_free(predictors[i]);
        lam_trainer_free(trainers[i]);
        lam_model_free(models[i]);
    }
}
