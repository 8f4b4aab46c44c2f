/* test_allocations.c: a step and a prediction allocate nothing, not even in libraries underneath.
 *
 * Two counters watch: one in an allocator given to the library, and, with glibc, malloc and its
 * kin defined here in front of the C library's. The sanitizers have a malloc of their own, so the
 * second is left out under them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__GLIBC__) && !defined(SANITIZED)
#define INTERPOSED 1
#else
#define INTERPOSED 0
#endif

static atomic_size_t through_library, through_malloc;

#if INTERPOSED
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    atomic_fetch_add(&through_malloc, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(&through_malloc, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size)
{
    atomic_fetch_add(&through_malloc, 1);
    return __libc_realloc(pointer, size);
}

void *memalign(size_t alignment, size_t size)
{
    atomic_fetch_add(&through_malloc, 1);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
    *pointer = memalign(alignment, size);
    return *pointer ? 0 : ENOMEM;
}
#endif

static void *count_and_allocate(size_t size, size_t alignment, void *user)
{
    atomic_fetch_add((atomic_size_t *)user, 1);
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void release(void *pointer, void *user)
{
    (void)user;
    free(pointer);
}

typedef struct counts {
    size_t library, libc;
} counts;

static counts now(void)
{
    return (counts){atomic_load(&through_library), atomic_load(&through_malloc)};
}

/* Fails when something was allocated since `before`. */
static void expect_none(counts before, const char *what)
{
    const counts after = now();
    cr_expect_eq(after.library, before.library, "%s: %zu allocations by the library", what,
                 after.library - before.library);
    cr_expect_eq(after.libc, before.libc, "%s: %zu calls of malloc", what,
                 after.libc - before.libc);
}

static void watch_library(void)
{
    const lam_allocator counting = {count_and_allocate, release, &through_library};
    cr_assert_eq(lam_set_allocator(&counting), LAM_OK);
}

#define FEATURES 100
#define OUTPUTS 10
#define ROWS 96
#define SAMPLES 300

static float x[SAMPLES * FEATURES];
static int32_t classes[SAMPLES];
static uint32_t order[SAMPLES];

/* Samples, and a model with layers of every kind. */
static lam_model *make_model(void)
{
    for (size_t i = 0; i < SAMPLES * FEATURES; i++)
        x[i] = (float)(i * 7919 % 1000) / 500.0f - 1.0f;
    for (size_t i = 0; i < SAMPLES; i++) {
        classes[i] = (int32_t)(i * 31 % OUTPUTS);
        order[i] = (uint32_t)(i * 7 % SAMPLES);
    }
    lam_model *model = lam_model_new(FEATURES);
    lam_model_add_layers(model, "dropout:0.05,200:relu,dropout:0.1,150:tanh,50:softmax,60:sigmoid,"
                                "10:softmax");
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK, "%s", lam_error_message());
    return model;
}

static void check_trainer(const char *optimizer, const char *loss, size_t threads)
{
    lam_model *model = make_model();
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, SAMPLES, FEATURES, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_classes(data, classes, OUTPUTS), LAM_OK);
    lam_fit_options options = lam_fit_options_default();
    options.optimizer = optimizer;
    options.loss = loss;
    options.momentum = strcmp(optimizer, "sgd") == 0 ? 0.9f : 0.0f;
    options.l1 = options.l2 = options.bias_l1 = options.bias_l2 = 1e-4f;
    options.batch_size = ROWS;
    options.threads = threads;
    options.metrics = "accuracy,precision,recall";

    counts before = now();
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    cr_expect_gt(now().library, before.library, "the counter in the allocator counts nothing");

    lam_scores scores;
    for (size_t warm_up = 0; warm_up < 3; warm_up++)
        cr_assert_eq(lam_trainer_step_rows(trainer, data, order, ROWS, &scores), LAM_OK);
    before = now();
    for (size_t first = 0; first < SAMPLES; first += ROWS) {
        size_t rows = SAMPLES - first < ROWS ? SAMPLES - first : ROWS;
        cr_assert_eq(lam_trainer_step_rows(trainer, data, order + first, rows, &scores), LAM_OK);
    }
    expect_none(before, "lam_trainer_step_rows");

    const lam_batch batch = {.rows = ROWS, .x = x, .classes = classes};
    before = now();
    cr_assert_eq(lam_trainer_step(trainer, &batch, &scores), LAM_OK);
    cr_assert_eq(lam_trainer_gradients(trainer, &batch, &scores), LAM_OK);
    cr_assert_eq(lam_trainer_update(trainer), LAM_OK);
    expect_none(before, "lam_trainer_step, gradients and update");
    lam_trainer_free(trainer);
    lam_dataset_free(data);
    lam_model_free(model);
}

Test(allocations, none_in_a_step)
{
    watch_library();
    for (size_t threads = 1; threads <= 3; threads += 2)
        for (size_t i = 0; i < lam_catalog_size(LAM_OPTIMIZER); i++)
            for (size_t l = 0; l < lam_catalog_size(LAM_LOSS); l++) {
                lam_catalog_entry optimizer, loss;
                cr_assert_eq(lam_catalog(LAM_OPTIMIZER, i, &optimizer), LAM_OK);
                cr_assert_eq(lam_catalog(LAM_LOSS, l, &loss), LAM_OK);
                check_trainer(optimizer.name, loss.name, threads);
            }
}

/* What was allocated since the batch before, within an epoch; and the checkpoints there were. */
typedef struct between {
    counts before;
    size_t batches, checkpoints;
} between;

static lam_signal watch_batches(const lam_event *event, void *user)
{
    between *b = user;
    b->checkpoints += event->kind == LAM_EVENT_CHECKPOINT && event->status == LAM_OK;
    if (event->kind != LAM_EVENT_BATCH_END)
        return LAM_CONTINUE;
    if (event->batch > 1) {
        expect_none(b->before, "a step with checkpoints");
        b->batches++;
    }
    b->before = now();
    return LAM_CONTINUE;
}

Test(allocations, none_in_a_step_with_checkpoints)
{
    char folder[256];
    if (strcmp(lam_build_info("json"), "yes") != 0)
        cr_skip_test("no checkpoints in this build");
    scratch_make(folder);
    watch_library();
    lam_model *model = make_model();
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, SAMPLES, FEATURES, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_classes(data, classes, OUTPUTS), LAM_OK);
    between b = {.batches = 0};
    const lam_callback callback = {watch_batches, &b};
    lam_fit_options options = lam_fit_options_default();
    options.callback = &callback;
    options.batch_size = 2;
    options.epochs = 2;
    options.checkpoint = folder;
    options.checkpoint_every = "1 step";
    cr_assert_eq(lam_fit(model, data, &options, NULL), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(b.batches, 2 * (SAMPLES / 2 - 1));
    cr_expect_geq(b.checkpoints, 2, "%zu checkpoints", b.checkpoints);
    lam_dataset_free(data);
    lam_model_free(model);
    scratch_remove(folder);
}

static void check_predictor(size_t threads)
{
    static float y[ROWS * OUTPUTS];
    static uint8_t bytes[ROWS * FEATURES];
    lam_predictor_options options = lam_predictor_options_default();
    options.threads = threads;
    lam_model *model = make_model();
    counts before = now();
    lam_predictor *predictor = lam_predictor_new_with(model, ROWS, &options);
    cr_assert_not_null(predictor, "%s", lam_error_message());
    cr_expect_gt(now().library, before.library, "the counter in the allocator counts nothing");
    cr_assert_eq(lam_predictor_run(predictor, x, ROWS, y), LAM_OK);
    cr_assert_eq(lam_predictor_run_bytes(predictor, bytes, ROWS, y), LAM_OK);
    before = now();
    for (size_t rows = 1; rows <= ROWS; rows += rows == 1 ? 1 : 47)
        cr_assert_eq(lam_predictor_run(predictor, x, rows, y), LAM_OK);
    expect_none(before, "lam_predictor_run");
    before = now();
    for (size_t rows = 1; rows <= ROWS; rows += rows == 1 ? 1 : 47)
        cr_assert_eq(lam_predictor_run_bytes(predictor, bytes, rows, y), LAM_OK);
    expect_none(before, "lam_predictor_run_bytes");
    lam_predictor_free(predictor);
    lam_model_free(model);
}

Test(allocations, none_in_a_prediction)
{
    watch_library();
    check_predictor(1);
    check_predictor(3);
}

/* That the second counter sees what the library allocates from the C library. */
Test(allocations, malloc_is_watched)
{
    if (!INTERPOSED)
        cr_skip_test("malloc cannot be watched here");
    lam_model *model = make_model();
    const size_t before = now().libc;
    lam_predictor *predictor = lam_predictor_new(model, ROWS);
    cr_expect_gt(now().libc, before);
    lam_predictor_free(predictor);
    lam_model_free(model);
}
