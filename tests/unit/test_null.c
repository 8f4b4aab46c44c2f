/* test_null.c: every public function with NULL for each of its pointers: an error or nothing, never
 * a crash. The calls are made of the headers: see null_calls.py. */
#include <criterion/criterion.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "lamina_features.h"

enum { FEATURES = 2, CLASSES = 3, SAMPLES = 30, SECONDS = 20 };

/* Functions that may crash by NULL, as their headers say: none. */
static const char *const may_crash[] = {NULL};

/* What stands for pointers that are not NULL. */
static unsigned char memory[1 << 16];
static const char *const text = "/nowhere/x";
static const char *texts[CLASSES] = {"a", "b", "c"};
static float x[SAMPLES * FEATURES];
static int32_t classes[SAMPLES];
static lam_batch batch = {.rows = 1, .x = x, .classes = classes};
static lam_model *model;
static lam_dataset *dataset;
static lam_trainer *trainer;
static lam_predictor *predictor;
static lam_batches *batches;
static lam_checkpoint *checkpoint;
static lam_quantized *quantized;
static lam_fit_options fit_options;
static lam_load_options load_options;
static lam_import_options import_options;
static lam_export_options export_options;
static lam_dense_options dense_options;
static lam_layer_norm_options layer_norm_options;
static lam_batches_options batches_options;
static lam_predictor_options predictor_options;

static void make_options(void)
{
    fit_options = lam_fit_options_default();
    fit_options.epochs = 1;
    fit_options.threads = 1; /* no threads that a child would not have */
    load_options = lam_load_options_default();
    import_options = lam_import_options_default();
    export_options = lam_export_options_default();
    dense_options = lam_dense_options_default();
    dense_options.units = 1;
    layer_norm_options = lam_layer_norm_options_default();
    batches_options = lam_batches_options_default();
    predictor_options = lam_predictor_options_default();
    predictor_options.threads = 1;
}

static void make_handles(void)
{
    dataset = lam_dataset_spiral(SAMPLES, CLASSES, 1);
    model = lam_model_new(FEATURES);
    cr_assert_eq(lam_model_add_layers(model, "4:relu,3:softmax"), LAM_OK);
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    trainer = lam_trainer_new(model, &fit_options);
    predictor = lam_predictor_new(model, 1);
    batches = lam_batches_new(dataset, NULL);
    quantized = lam_quantize(model, dataset);
    cr_assert(dataset && trainer && predictor && batches && quantized, "%s", lam_error_message());
#if LAM__HAVE_JSON
    char folder[256], path[512];
    scratch_make(folder);
    cr_assert_eq(lam_trainer_save(trainer, scratch_path(folder, "c.safetensors", path)), LAM_OK);
    checkpoint = lam_checkpoint_open(path);
    cr_assert_not_null(checkpoint, "%s", lam_error_message());
    scratch_remove(folder);
#endif
}

static void free_handles(void)
{
    lam_checkpoint_free(checkpoint);
    lam_quantized_free(quantized);
    lam_batches_free(batches);
    lam_predictor_free(predictor);
    lam_trainer_free(trainer);
    lam_model_free(model);
    lam_dataset_free(dataset);
}

static bool is_allowed(const char *what)
{
    for (const char *const *at = may_crash; *at; at++)
        if (strncmp(what, *at, strlen(*at)) == 0 && what[strlen(*at)] == '(')
            return true;
    return false;
}

/* In a child each, which has the handles as they are. */
#define CALL(what, call)                                                                           \
    do {                                                                                           \
        const pid_t child = fork();                                                                \
        if (child == 0) {                                                                          \
            alarm(SECONDS);                                                                        \
            (void)(call);                                                                          \
            _exit(0);                                                                              \
        }                                                                                          \
        int status = -1;                                                                           \
        waitpid(child, &status, 0);                                                                \
        cr_expect(status == 0 || is_allowed(what), "%s: %s %d", what,                              \
                  WIFSIGNALED(status) ? "signal" : "exit status",                                  \
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));                   \
    } while (0);

Test(null, is_refused_by_every_function)
{
    make_options();
    make_handles();
#include "null_calls.h"
    free_handles();
}
