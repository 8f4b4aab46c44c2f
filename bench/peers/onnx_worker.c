/* onnx_worker.c: ONNX Runtime among its peers, by its C interface, so that no Python is timed.
 *
 * The Python package ships the library without its header. What is needed of it is below: the
 * interface is a table of functions to which members are only ever added at the end, so a place in
 * it is fixed once released. Extra argument: the path of libonnxruntime.so. The folder has
 * model-ROWS.onnx for every number of rows asked for. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

enum {
    API_VERSION = 14,
    LOG_ERRORS = 3,
    ALL_OPTIMIZATIONS = 99,
    ARENA = 1,
    DEFAULT_MEMORY = 0,
    KEPT_FLOATS = 4096,
    FLOAT = 1
};

/* Places in the table. */
enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_OPTIMIZATION_LEVEL = 23,
    SET_INTRA_OP_THREADS = 24,
    CREATE_TENSOR_WITH_DATA = 49,
    CREATE_CPU_MEMORY_INFO = 69,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96
};

typedef void (*slot)(void);
typedef struct api_base {
    const slot *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
} api_base;

typedef void status; /* NULL is success */
typedef const char *get_error_message(const status *s);
typedef status *create_env(int log_level, const char *name, void **env);
typedef status *create_session_options(void **options);
typedef status *set_optimization_level(void *options, int level);
typedef status *set_threads(void *options, int threads);
typedef status *create_session(const void *env, const char *path, const void *options,
                               void **session);
typedef status *create_memory_info(int allocator, int type, void **info);
typedef status *create_tensor(const void *info, void *data, size_t bytes, const int64_t *shape,
                              size_t dimensions, int type, void **value);
typedef status *run_session(void *session, const void *options, const char *const *input_names,
                            const void *const *inputs, size_t input_count,
                            const char *const *output_names, size_t output_count, void **outputs);
typedef void release(void *object);

static const worker_job *job;
static const slot *api;
static void *env, *options, *memory, *session;
static size_t planned_rows;
static float kept_x[KEPT_FLOATS], kept_y[KEPT_FLOATS];
static void *kept_input, *kept_output;

static void check(status *s, const char *what)
{
    if (!s)
        return;
    fprintf(stderr, "onnxruntime: %s: %s\n", what,
            ((get_error_message *)api[GET_ERROR_MESSAGE])(s));
    exit(1);
}

static const api_base *load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        worker_absent("%s", dlerror());
    /* POSIX lets a function be kept in a void pointer, C does not: through a union. */
    union {
        void *object;
        const api_base *(*get_base)(void);
    } symbol = {.object = dlsym(library, "OrtGetApiBase")};
    if (!symbol.object)
        worker_absent("no OrtGetApiBase in %s", path);
    return symbol.get_base();
}

static void open_onnx(const worker_job *given, char *version, size_t size)
{
    job = given;
    if (job->extra_count < 1)
        worker_absent("no library named");
    const api_base *base = load(job->extra[0]);
    api = base->get_api(API_VERSION);
    if (!api)
        worker_absent("no interface of version %d", (int)API_VERSION);
    check(((create_env *)api[CREATE_ENV])(LOG_ERRORS, "peers", &env), "environment");
    check(((create_session_options *)api[CREATE_SESSION_OPTIONS])(&options), "options");
    check(((set_optimization_level *)api[SET_OPTIMIZATION_LEVEL])(options, ALL_OPTIMIZATIONS),
          "options");
    check(((set_threads *)api[SET_INTRA_OP_THREADS])(options, (int)job->threads), "threads");
    check(((create_memory_info *)api[CREATE_CPU_MEMORY_INFO])(ARENA, DEFAULT_MEMORY, &memory),
          "memory");
    snprintf(version, size, "ONNX Runtime %s", base->get_version());
}

static void *tensor(const float *data, size_t rows, size_t columns)
{
    const int64_t shape[2] = {(int64_t)rows, (int64_t)columns};
    void *value = NULL;
    check(((create_tensor *)api[CREATE_TENSOR_WITH_DATA])(memory, (void *)(uintptr_t)data,
                                                          rows * columns * sizeof *data, shape, 2,
                                                          FLOAT, &value),
          "a tensor");
    return value;
}

/* A small batch is copied to and from memory that stays, with tensors made once: making them for
 * each call costs 0.3 to 1 us, more than the copy. */
static void keep_tensors(size_t rows)
{
    if (kept_input) {
        ((release *)api[RELEASE_VALUE])(kept_input);
        ((release *)api[RELEASE_VALUE])(kept_output);
        kept_input = kept_output = NULL;
    }
    if (rows * job->features > KEPT_FLOATS)
        return;
    kept_input = tensor(kept_x, rows, job->features);
    kept_output = tensor(kept_y, rows, job->outputs);
}

static void prepare(size_t rows)
{
    char path[4096];
    if (rows == planned_rows)
        return;
    if (session)
        ((release *)api[RELEASE_SESSION])(session);
    snprintf(path, sizeof path, "%s/model-%zu.onnx", job->folder, rows);
    check(((create_session *)api[CREATE_SESSION])(env, path, options, &session), path);
    keep_tensors(rows);
    planned_rows = rows;
}

static void run(void *input, void *output)
{
    static const char *const in = "x", *const out = "y";
    const void *const inputs[1] = {input};
    check(((run_session *)api[RUN])(session, NULL, &in, inputs, 1, &out, 1, &output), "run");
}

/* Larger ones are used where they lie. */
static void predict(const float *x, size_t rows, float *y)
{
    if (kept_input) {
        memcpy(kept_x, x, rows * job->features * sizeof *x);
        run(kept_input, kept_output);
        memcpy(y, kept_y, rows * job->outputs * sizeof *y);
        return;
    }
    void *input = tensor(x, rows, job->features), *output = tensor(y, rows, job->outputs);
    run(input, output);
    ((release *)api[RELEASE_VALUE])(input);
    ((release *)api[RELEASE_VALUE])(output);
}

int main(int argc, char **argv)
{
    return worker_main(argc, argv, &(worker){open_onnx, NULL, prepare, predict});
}
