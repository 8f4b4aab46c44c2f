/* test_fork.c: what a forked child may do with handles made before, and beside threads that train.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "../support/image_files.h"
#include "../support/scratch.h"
#include "lamina_features.h"

#if LAM__HAVE_GZIP
#include <zlib.h>
#endif

enum { FEATURES = 784, ROWS = 64, CLASSES = 10, SECONDS = 20 };

static float x[ROWS * FEATURES]; /* [ROWS][FEATURES] */
static int32_t classes[ROWS];
static const lam_batch batch = {.rows = ROWS, .x = x, .classes = classes};

static void make_samples(void)
{
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        x[i] = (float)(i % 97) / 97.0f;
    for (int32_t r = 0; r < ROWS; r++)
        classes[r] = r % CLASSES;
}

static lam_model *make_model(void)
{
    lam_model *model = lam_model_new(FEATURES);
    cr_assert_eq(lam_model_add_layers(model, "300:relu,10:softmax"), LAM_OK);
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    return model;
}

/* What an action found, the same here and in the child. */
typedef uint64_t (*action)(void *handle);

static uint64_t hash(const void *bytes, size_t size, uint64_t before)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < size; i++)
        before = (before ^ b[i]) * 1099511628211u; /* FNV-1a */
    return before;
}

/* Does it in a child; what it found, and in *status how the child ended. */
static uint64_t in_child(action act, void *handle, int *status)
{
    uint64_t *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(shared, MAP_FAILED);
    fflush(NULL);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        alarm(SECONDS); /* a child that hangs ends by SIGALRM */
        *shared = act(handle);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, status, 0), child);
    const uint64_t found = *shared;
    munmap(shared, sizeof *shared);
    return found;
}

/* A child must find the same as its parent. */
static void expect_same(const char *what, action act, void *handle)
{
    int status;
    const uint64_t there = in_child(act, handle, &status);
    cr_assert_eq(status, 0, "%s: status %x", what, (unsigned)status);
    const uint64_t here = act(handle);
    cr_assert_neq(here, 0, "%s: %s", what, lam_error_message());
    cr_assert_eq(there, here, "%s: another result in the child", what);
}

/* A child must end by itself. */
static void expect_end(const char *what, action act, void *handle)
{
    int status;
    in_child(act, handle, &status);
    cr_assert_eq(status, 0, "%s: status %x", what, (unsigned)status);
}

static uint64_t step(void *trainer)
{
    lam_scores scores;
    uint64_t sum = 1;
    for (int i = 0; i < 3; i++) {
        if (lam_trainer_step(trainer, &batch, &scores) != LAM_OK)
            return 0;
        sum = hash(&scores.loss, sizeof scores.loss, sum);
    }
    return sum;
}

static uint64_t free_trainer(void *trainer)
{
    lam_trainer_free(trainer);
    return 1;
}

Test(fork, trainer, .init = make_samples, .timeout = 60)
{
    lam_fit_options options = lam_fit_options_default();
    options.threads = 2;
    options.batch_size = ROWS;
    lam_model *model = make_model();
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer);
    cr_assert_neq(step(trainer), 0);
    expect_same("step", step, trainer);
    for (int i = 0; i < 5; i++)
        expect_end("free", free_trainer, trainer);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

static uint64_t predict(void *predictor)
{
    float y[ROWS * CLASSES];
    uint64_t sum = 1;
    for (int i = 0; i < 20; i++) {
        const size_t rows = i % 2 ? ROWS : 1;
        if (lam_predictor_run(predictor, x, rows, y) != LAM_OK)
            return 0;
        sum = hash(y, rows * CLASSES * sizeof *y, sum);
    }
    return sum;
}

static uint64_t free_predictor(void *predictor)
{
    lam_predictor_free(predictor);
    return 1;
}

/* A child has threads of its own: as many as there were. */
static uint64_t predict_and_free(void *predictor)
{
    const uint64_t sum = predict(predictor);
    lam_predictor_free(predictor);
    return sum;
}

Test(fork, predictor, .init = make_samples, .timeout = 60)
{
    lam_model *model = make_model();
    lam_predictor_options options = lam_predictor_options_default();
    options.threads = 2;
    lam_predictor *predictor = lam_predictor_new_with(model, ROWS, &options);
    cr_assert_not_null(predictor);
    cr_assert_neq(predict(predictor), 0);
    expect_same("run", predict, predictor);
    for (int i = 0; i < 5; i++)
        expect_end("free", free_predictor, predictor);
    expect_end("run and free", predict_and_free, predictor);
    lam_predictor_free(predictor);
    lam_model_free(model);
}

/* The next batches of samples that are read ahead. */
static uint64_t next(void *batches)
{
    lam_batch b;
    uint64_t sum = 1;
    for (int i = 0; i < 40; i++) {
        if (lam_batches_next(batches, &b) != LAM_OK)
            return 0;
        for (size_t r = 0; r < b.rows; r++)
            sum = hash(&b.x[r * 27], 27 * sizeof *b.x, sum);
    }
    return sum;
}

static uint64_t free_batches(void *batches)
{
    lam_batches_free(batches);
    return 1;
}

static uint64_t free_dataset(void *dataset)
{
    lam_dataset_free(dataset);
    return 1;
}

#if LAM__HAVE_GZIP
static uint64_t sample(void *dataset)
{
    float row[FEATURES];
    uint64_t sum = 1;
    for (size_t i = 0; i < 30; i++) {
        if (lam_dataset_sample(dataset, i * 7 % lam_dataset_samples(dataset), row) != LAM_OK)
            return 0;
        sum = hash(row, lam_dataset_features(dataset) * sizeof *row, sum);
    }
    return sum;
}

/* Everything of a dataset that is read ahead by threads. */
static void expect_stream(lam_dataset *data)
{
    lam_batches_options options = lam_batches_options_default();
    options.epochs = 0;
    options.batch_size = 8;
    lam_batches *batches = lam_batches_new(data, &options);
    cr_assert_not_null(batches, "%s", lam_error_message());
    cr_assert_neq(next(batches), 0, "%s", lam_error_message());
    for (int i = 0; i < 3; i++)
        expect_same("next", next, batches);
    expect_same("sample", sample, data);
    expect_end("free batches", free_batches, batches);
    expect_end("free dataset", free_dataset, data);
    cr_assert_neq(next(batches), 0, "%s", lam_error_message());
    lam_batches_free(batches);
    lam_dataset_free(data);
}

/* The place in the file is shared between a process and its child. */
Test(fork, gzipped_file, .timeout = 60)
{
    enum { SAMPLES = 50000, VALUES = 27 };
    static const unsigned char header[] = {0, 0, 8, 2,     0, 0, SAMPLES >> 8, SAMPLES & 255,
                                           0, 0, 0, VALUES};
    char folder[256], path[512];
    unsigned char row[VALUES];
    scratch_make(folder);
    gzFile file = gzopen(scratch_path(folder, "x-idx2-ubyte.gz", path), "wb1");
    cr_assert_eq(gzwrite(file, header, sizeof header), (int)sizeof header);
    uint32_t state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < VALUES; k++)
            row[k] = (unsigned char)((state = state * 1664525u + 1013904223u) >> 24);
        cr_assert_eq(gzwrite(file, row, VALUES), VALUES);
    }
    cr_assert_eq(gzclose(file), Z_OK);
    lam_load_options options = lam_load_options_default();
    options.memory = 1;
    options.window = 100;
    lam_dataset *data = lam_dataset_load_file(path, &options);
    cr_assert_not_null(data, "%s", lam_error_message());
    expect_stream(data);
    scratch_remove(folder);
}
#endif

Test(fork, images, .timeout = 60)
{
    enum { FILES = 40, SIDE = 3 };
    uint8_t pixels[SIDE * SIDE * 3];
    char folder[256], class[512], name[32], path[512];
    scratch_make(folder);
    for (int i = 0; i < FILES; i++) {
        size_t size;
        for (size_t k = 0; k < sizeof pixels; k++)
            pixels[k] = (uint8_t)(i * 31 + (int)k * 7);
        snprintf(class, sizeof class, "%s/%c", folder, 'a' + i % 2);
        mkdir(class, 0777);
        snprintf(name, sizeof name, "%c/%02d.bmp", 'a' + i % 2, i);
        unsigned char *bytes = bmp_make(pixels, SIDE, SIDE, 3, &size);
        scratch_write(scratch_path(folder, name, path), bytes, size);
        free(bytes);
    }
    lam_load_options options = lam_load_options_default();
    options.memory = 1;
    options.width = options.height = 200; /* 120 kB per sample: they do not all fit */
    lam_dataset *data = lam_dataset_load(folder, LAM_SPLIT_TRAIN, &options);
    cr_assert_not_null(data, "%s", lam_error_message());
    lam_batches_options how = lam_batches_options_default();
    how.epochs = 0;
    how.batch_size = 8;
    lam_batches *batches = lam_batches_new(data, &how);
    cr_assert_neq(next(batches), 0, "%s", lam_error_message());
    for (int i = 0; i < 3; i++)
        expect_same("next", next, batches);
    expect_end("free batches", free_batches, batches);
    expect_end("free dataset", free_dataset, data);
    lam_batches_free(batches);
    lam_dataset_free(data);
    scratch_remove(folder);
}

/* A source whose function waits for the one who forks, as one that needs a lock of his does. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_size_t asked, delivered; /* samples */

static int read_behind_gate(size_t first, size_t rows, void *values, int32_t *labels,
                            float *targets, void *user)
{
    (void)first, (void)labels, (void)targets, (void)user;
    atomic_fetch_add(&asked, rows);
    pthread_mutex_lock(&gate);
    memset(values, 0, rows * 4);
    pthread_mutex_unlock(&gate);
    atomic_fetch_add(&delivered, rows);
    return 0;
}

static uint64_t next_is_refused(void *batches)
{
    lam_batch b;
    pthread_mutex_unlock(&gate);
    while (lam_batches_next(batches, &b) == LAM_OK)
        ;
    return (uint64_t)lam_error_status();
}

Test(fork, a_source_that_was_reading, .timeout = 60)
{
    const lam_source source = {
        .read = read_behind_gate, .samples = 100, .features = 4, .dtype = LAM_UINT8};
    lam_dataset *data = lam_dataset_from_source(&source);
    lam_batches_options how = lam_batches_options_default();
    how.epochs = 0;
    how.batch_size = 8;
    lam_batches *batches = lam_batches_new(data, &how);
    lam_batch b;
    int status;
    cr_assert_eq(lam_batches_next(batches, &b), LAM_OK);
    while (atomic_load(&delivered) < 16) /* the second batch is there */
        usleep(1000);
    pthread_mutex_lock(&gate);
    cr_assert_eq(lam_batches_next(batches, &b), LAM_OK);
    while (atomic_load(&asked) == 16) /* the third is being read */
        usleep(1000);
    const uint64_t found = in_child(next_is_refused, batches, &status);
    pthread_mutex_unlock(&gate);
    cr_assert_eq(status, 0, "status %x", (unsigned)status);
    cr_assert_eq(found, LAM_ERR_STATE);
    cr_assert_eq(lam_batches_next(batches, &b), LAM_OK, "here it goes on");
    lam_batches_free(batches);
    lam_dataset_free(data);
}

/* Training in a thread, over and over. */
static atomic_bool enough;

static void *keep_training(void *trainer)
{
    while (!atomic_load(&enough))
        if (lam_trainer_step(trainer, &batch, NULL) != LAM_OK)
            return trainer;
    return NULL;
}

static void *keep_fitting(void *data)
{
    while (!atomic_load(&enough)) {
        lam_fit_options options = lam_fit_options_default();
        lam_model *model = make_model();
        options.threads = 2;
        options.epochs = 1;
        const lam_status status = lam_fit(model, data, &options, NULL);
        lam_model_free(model);
        if (status != LAM_OK)
            return data;
    }
    return NULL;
}

/* All that a new process would do. */
static uint64_t new_handles(void *unused)
{
    (void)unused;
    lam_fit_options options = lam_fit_options_default();
    lam_predictor_options threads = lam_predictor_options_default();
    threads.threads = 2;
    float y[CLASSES];
    options.threads = 2;
    options.epochs = 1;
    lam_model *model = make_model();
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, ROWS, FEATURES, LAM_BORROW);
    if (lam_dataset_set_classes(data, classes, CLASSES) != LAM_OK ||
        lam_fit(model, data, &options, NULL) != LAM_OK)
        return 0;
    lam_predictor *predictor = lam_predictor_new_with(model, ROWS, &threads);
    if (lam_predictor_run(predictor, x, 1, y) != LAM_OK)
        return 0;
    lam_predictor_free(predictor);
    lam_dataset_free(data);
    lam_model_free(model);
    return hash(y, sizeof y, 1);
}

Test(fork, beside_threads_that_train, .init = make_samples, .timeout = 60)
{
    enum { FORKS = 12 };
    lam_fit_options options = lam_fit_options_default();
    options.threads = 2;
    options.batch_size = ROWS;
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, ROWS, FEATURES, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_classes(data, classes, CLASSES), LAM_OK);
    lam_model *model = make_model();
    lam_trainer *trainer = lam_trainer_new(model, &options);
    const uint64_t expected = new_handles(NULL);
    pthread_t threads[2];
    void *failed;
    cr_assert_eq(pthread_create(&threads[0], NULL, keep_training, trainer), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, keep_fitting, data), 0);
    for (int i = 0; i < FORKS; i++) {
        int status;
        const uint64_t found = in_child(new_handles, NULL, &status);
        cr_assert_eq(status, 0, "status %x", (unsigned)status);
        cr_assert_eq(found, expected);
        expect_end("free of a trainer in use", free_trainer, trainer);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &failed);
        cr_assert_null(failed);
    }
    lam_trainer_free(trainer);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* Forks in the middle of a run with checkpoints, and goes on in both processes. */
typedef struct split_run {
    pid_t child;
    bool told; /* that no checkpoints are written */
} split_run;

static lam_signal split(const lam_event *event, void *user)
{
    split_run *run = user;
    if (event->kind == LAM_EVENT_BATCH_END && event->progress->epoch == 2 && event->batch == 1 &&
        run->child < 0) {
        fflush(NULL);
        run->child = fork();
        if (run->child == 0)
            alarm(SECONDS);
    }
    if (event->kind == LAM_EVENT_CHECKPOINT && event->status == LAM_ERR_STATE)
        run->told = true;
    return LAM_CONTINUE;
}

static lam_status fit_split(const char *folder, split_run *run, bool resume)
{
    const lam_callback callback = {.on_event = split, .user = run};
    lam_fit_options options = lam_fit_options_default();
    options.epochs = resume ? 4 : 3;
    options.batch_size = 16;
    options.threads = 2;
    options.callback = &callback;
    options.checkpoint = folder;
    options.checkpoint_every = "1 steps";
    options.resume = resume;
    lam_model *model = make_model();
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, ROWS, FEATURES, LAM_BORROW);
    lam_dataset_set_classes(data, classes, CLASSES);
    const lam_status status = lam_fit(model, data, &options, NULL);
    lam_model_free(model);
    lam_dataset_free(data);
    return status;
}

/* The child's run ends with an error that says so, and its checkpoints are the parent's alone. The
 * child lives on, and keeps no lock. */
Test(fork, checkpoints, .init = make_samples, .timeout = 60)
{
    if (strcmp(lam_build_info("json"), "yes") != 0)
        cr_skip_test("no JSON, no checkpoints");
    char folder[256], path[512];
    int ends[2], status;
    char found[2] = "";
    split_run run = {.child = -1};
    scratch_make(folder);
    scratch_path(folder, "run", path);
    cr_assert_eq(pipe(ends), 0);
    const lam_status result = fit_split(path, &run, false);
    if (run.child == 0) {
        found[0] = (char)result;
        found[1] = (char)run.told;
        if (write(ends[1], found, 2) != 2)
            _exit(2);
        pause(); /* like a server */
        _exit(1);
    }
    cr_assert_eq(result, LAM_OK, "%s", lam_error_message());
    cr_assert_eq(read(ends[0], found, 2), 2);
    cr_assert_eq(found[0], LAM_ERR_STATE);
    cr_assert(found[1], "an event says so");
    split_run again = {.child = 1};
    cr_assert_eq(fit_split(path, &again, true), LAM_OK, "%s", lam_error_message());
    kill(run.child, SIGKILL);
    cr_assert_eq(waitpid(run.child, &status, 0), run.child);
    scratch_remove(folder);
}
