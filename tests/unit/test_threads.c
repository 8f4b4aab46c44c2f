/* test_threads.c: where threads meet, through the public interface.
 *
 * A plain program, not one of Criterion's: ThreadSanitizer and Criterion's processes do not get on,
 * and these are the tests it is for. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/image_files.h"

enum { THREADS = 4, ROWS = 64, FEATURES = 20, CLASSES = 5, ROUNDS = 20 };

static atomic_int failures;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            atomic_fetch_add(&failures, 1);                                                        \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, " (%s)\n", lam_error_message());                                       \
        }                                                                                          \
    } while (0)

static uint8_t bytes[ROWS * FEATURES]; /* [ROWS][FEATURES] */
static float floats[ROWS * FEATURES];  /* the same values */
static int32_t labels[ROWS];

static void make_samples(void)
{
    uint64_t state = 3;
    for (int i = 0; i < ROWS * FEATURES; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
        floats[i] = bytes[i];
    }
    for (int r = 0; r < ROWS; r++)
        labels[r] = bytes[r * FEATURES] % CLASSES;
}

static lam_dataset *make_dataset(void)
{
    lam_dataset *data = lam_dataset_new(bytes, LAM_UINT8, ROWS, FEATURES, LAM_BORROW);
    CHECK(data && lam_dataset_set_classes(data, labels, CLASSES) == LAM_OK, "dataset");
    return data;
}

static lam_model *make_model(void)
{
    lam_model *model = lam_model_new(FEATURES);
    lam_model_scale_input(model, 0, 255, -1, 1);
    CHECK(lam_model_add_layers(model, "237:relu,dropout:0.2,124:tanh,5:softmax") == LAM_OK,
          "model");
    return model;
}

/* Trains a new model; its parameters, to be freed, *count of them. */
static float *train(const lam_dataset *data, size_t threads, size_t *count)
{
    lam_model *model = make_model();
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 4;
    fit.batch_size = 64; /* enough for several threads to share a step */
    fit.threads = threads;
    fit.l2 = 1e-4f;
    fit.validation_split = 0.25;
    CHECK(lam_fit(model, data, &fit, NULL) == LAM_OK, "fit with %zu threads", threads);
    *count = lam_model_parameters(model);
    float *values = calloc(*count, sizeof *values);
    CHECK(values && lam_model_get_parameters(model, values, *count) == LAM_OK, "parameters");
    lam_model_free(model);
    return values;
}

/* Runs `work` in all threads at once, each with its number. */
typedef struct shared {
    const lam_model *model;
    const lam_dataset *data;
    const float *expected; /* outputs or parameters of a thread alone */
    size_t count;
    lam_scores scores;
} shared;

typedef struct job {
    pthread_t thread;
    atomic_int *waiting;
    void (*work)(const shared *with, int number);
    const shared *with;
    int number;
} job;

static void *start(void *argument)
{
    job *own = argument;
    atomic_fetch_sub(own->waiting, 1);
    while (atomic_load(own->waiting) > 0)
        ; /* so that the calls really overlap */
    own->work(own->with, own->number);
    return NULL;
}

static void all_at_once(void (*work)(const shared *with, int number), const shared *with)
{
    atomic_int waiting = THREADS;
    job jobs[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){.waiting = &waiting, .work = work, .with = with, .number = i};
        if (pthread_create(&jobs[i].thread, NULL, start, &jobs[i]) != 0) {
            fprintf(stderr, "no thread\n");
            exit(EXIT_FAILURE);
        }
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(jobs[i].thread, NULL);
}

static void predict(const shared *with, int number)
{
    float y[ROWS * CLASSES]; /* [ROWS][CLASSES] */
    lam_predictor_options options = lam_predictor_options_default();
    options.threads = (size_t)number % 3 + 1;
    for (int round = 0; round < ROUNDS; round++) {
        lam_predictor *predictor = lam_predictor_new_with(with->model, ROWS, &options);
        CHECK(predictor, "thread %d", number);
        CHECK(lam_predictor_run(predictor, floats, ROWS, y) == LAM_OK, "thread %d", number);
        CHECK(memcmp(y, with->expected, sizeof y) == 0, "thread %d, floats", number);
        CHECK(lam_predictor_run_bytes(predictor, bytes, ROWS, y) == LAM_OK, "thread %d", number);
        CHECK(memcmp(y, with->expected, sizeof y) == 0, "thread %d, bytes", number);
        lam_predictor_free(predictor);
    }
}

static void evaluate(const shared *with, int number)
{
    lam_fit_options options = lam_fit_options_default();
    options.threads = (size_t)number % 2 + 1;
    for (int round = 0; round < ROUNDS; round++) {
        lam_scores scores;
        CHECK(lam_evaluate(with->model, with->data, &options, &scores) == LAM_OK, "evaluate");
        CHECK(scores.loss == with->scores.loss, "%.17g, not %.17g", scores.loss, with->scores.loss);
    }
}

static void fit_beside_others(const shared *with, int number)
{
    size_t count;
    float *values = train(with->data, (size_t)number % 3 + 1, &count);
    CHECK(count == with->count && memcmp(values, with->expected, count * sizeof *values) == 0,
          "thread %d learnt something else", number);
    free(values);
}

static void fail(const shared *with, int number)
{
    (void)with;
    char word[16];
    snprintf(word, sizeof word, "nonsense%d", number);
    for (int round = 0; round < ROUNDS; round++) {
        lam_fit_options options = lam_fit_options_default();
        CHECK(lam_fit_options_set(&options, word, "1") == LAM_ERR_NAME, "%s", word);
        CHECK(strstr(lam_error_message(), word), "a message of another thread's, not %s", word);
    }
}

/* Weights learnt from a folder of images, with so much memory for samples in MB (0: enough). */
static float *train_on_images(const char *folder, size_t memory, size_t threads, size_t *count)
{
    lam_load_options load = lam_load_options_default();
    lam_fit_options fit = lam_fit_options_default();
    load.memory = memory;
    fit.threads = threads;
    fit.epochs = 2;
    fit.batch_size = 60;
    fit.validation_split = 0.1;
    fit.rotation = 5.0f;
    lam_dataset *data = lam_dataset_load(folder, LAM_SPLIT_TRAIN, &load);
    lam_model *model = lam_model_new(lam_dataset_features(data));
    lam_model_add_layers(model, "40:relu,3:softmax");
    CHECK(lam_fit(model, data, &fit, NULL) == LAM_OK, "%zu MB, %zu threads", memory, threads);
    *count = lam_model_parameters(model);
    float *values = calloc(*count, sizeof *values);
    CHECK(values && lam_model_get_parameters(model, values, *count) == LAM_OK, "parameters");
    lam_model_free(model);
    lam_dataset_free(data);
    return values;
}

/* Threads that decode, threads that gather, and the one that waits for them. */
static void stream_images(void)
{
    char folder[256], name[32];
    size_t count = 0, other = 0;
    scratch_make(folder);
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "%u/%03u.bmp", i % 3, i);
        image_write(folder, name, 60, 50, 1, i % 3 * 80 + i);
    }
    float *held = train_on_images(folder, 0, 1, &count);
    for (size_t threads = 1; threads <= 3; threads++) {
        float *streamed = train_on_images(folder, 1, threads, &other);
        CHECK(count == other && memcmp(held, streamed, count * sizeof *held) == 0, "%zu threads",
              threads);
        free(streamed);
    }
    free(held);
    scratch_remove(folder);
}

int main(void)
{
    make_samples();
    lam_dataset *data = make_dataset();
    shared with = {.data = data};

    float *alone = train(data, 1, &with.count);
    with.expected = alone;
    for (size_t threads = 2; threads <= 5; threads++) {
        size_t count;
        float *values = train(data, threads, &count);
        CHECK(memcmp(values, alone, count * sizeof *values) == 0, "%zu threads", threads);
        free(values);
    }
    all_at_once(fit_beside_others, &with);

    lam_model *model = make_model();
    CHECK(lam_model_set_parameters(model, alone, with.count) == LAM_OK, "set");
    float y[ROWS * CLASSES]; /* [ROWS][CLASSES] */
    CHECK(lam_predict(model, floats, ROWS, y) == LAM_OK, "predict");
    CHECK(y[0] != y[CLASSES], "the network answers the same to everything");
    CHECK(lam_evaluate(model, data, NULL, &with.scores) == LAM_OK, "evaluate");
    with.model = model;
    with.expected = y;
    all_at_once(predict, &with);
    all_at_once(evaluate, &with);
    all_at_once(fail, &with);

    lam_model_free(model);
    lam_dataset_free(data);
    free(alone);
    stream_images();
    return atomic_load(&failures) ? EXIT_FAILURE : EXIT_SUCCESS;
}
