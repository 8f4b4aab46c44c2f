/* test_determinism.c: the same seed gives the same bits with any number of threads. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

static const size_t thread_counts[] = {1, 2, 3, 8};
#define COUNTS (sizeof thread_counts / sizeof *thread_counts)
#define EPOCHS 2

/* What a run leaves behind. */
typedef struct result {
    float *parameters, *outputs; /* [count], [samples * outputs] */
    size_t parameter_count, output_count;
    double losses[EPOCHS][2];           /* training and validation of each epoch */
    double accuracy, evaluated, recall; /* of lam_evaluate */
} result;

typedef struct setup {
    const char *data; /* "spiral", "vertical", "sine", "bytes" */
    size_t samples;
    const char *layers;
    const char *loss; /* NULL: by the last activation */
    size_t batch_size;
    float l1, l2;
} setup;

static const setup setups[] = {
    {"spiral", 301, "64:relu,dropout:0.1,64:tanh,3:softmax", NULL, 32, 0.0f, 1e-4f},
    {"spiral", 700, "300:relu,200:sigmoid,dropout:0.3,3:softmax", NULL, 128, 1e-5f, 1e-4f},
    {"vertical", 777, "dropout:0.05,300:tanh,200:relu,3:softmax", "mean_squared_error", 250, 0.0f,
     0.0f},
    {"sine", 1000, "300:tanh,200:relu,1:linear", NULL, 1000, 0.0f, 1e-5f},
    {"sine", 333, "128:relu,dropout:0.2,128:relu,1:linear", "mean_absolute_error", 7, 0.0f, 0.0f},
    {"bytes", 515, "300:relu,dropout:0.1,200:relu,10:softmax", NULL, 128, 0.0f, 0.0f},
    {"bytes", 515, "128:relu,128:relu,10:sigmoid", "binary_crossentropy", 129, 1e-5f, 0.0f},
    {"spiral", 700, "300:linear,layer_norm:relu,200:relu,layer_norm,3:softmax", NULL, 128, 0.0f,
     1e-4f},
    {"bytes", 515, "layer_norm,300:relu,dropout:0.1,10:linear,layer_norm:softmax", NULL, 128, 0.0f,
     1e-4f},
    {"bytes", 515, "450:relu,dropout:0.1,590:tanh,10:softmax", NULL, 100, 0.0f, 0.0f},
    {"bytes", 300, "513:sigmoid,257:softmax,10:tanh", "mean_squared_error", 299, 0.0f, 0.0f},
};

/* Bytes like an image's, with class numbers: [samples][600]. */
static lam_dataset *make_bytes(size_t samples)
{
    enum { FEATURES = 600 };
    uint8_t *x = malloc(samples * FEATURES);
    int32_t *labels = malloc(samples * sizeof *labels);
    cr_assert(x && labels);
    uint32_t state = 1;
    for (size_t i = 0; i < samples * FEATURES; i++)
        x[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    for (size_t i = 0; i < samples; i++)
        labels[i] = (int32_t)(x[i * FEATURES] % 10);
    lam_dataset *data = lam_dataset_new(x, LAM_UINT8, samples, FEATURES, LAM_COPY);
    cr_assert_eq(lam_dataset_set_classes(data, labels, 10), LAM_OK);
    free(x);
    free(labels);
    return data;
}

static lam_dataset *make_data(const setup *s)
{
    lam_dataset *data = strcmp(s->data, "spiral") == 0     ? lam_dataset_spiral(s->samples, 3, 1)
                        : strcmp(s->data, "vertical") == 0 ? lam_dataset_vertical(s->samples, 3, 1)
                        : strcmp(s->data, "sine") == 0     ? lam_dataset_sine(s->samples)
                                                           : make_bytes(s->samples);
    cr_assert_not_null(data, "%s", lam_error_message());
    return data;
}

static void read_result(result *r, const lam_model *model, const lam_dataset *data,
                        const lam_fit_options *options)
{
    r->parameter_count = lam_model_parameters(model);
    r->output_count = lam_dataset_samples(data) * lam_model_outputs(model);
    r->parameters = malloc(r->parameter_count * sizeof *r->parameters);
    r->outputs = malloc(r->output_count * sizeof *r->outputs);
    cr_assert(r->parameters && r->outputs);
    cr_assert_eq(lam_model_get_parameters(model, r->parameters, r->parameter_count), LAM_OK);
    cr_assert_eq(lam_predict_dataset(model, data, options->threads, r->outputs), LAM_OK);
    lam_scores scores;
    lam_fit_options judge = *options;
    judge.metrics = NULL;
    cr_assert_eq(lam_evaluate(model, data, &judge, &scores), LAM_OK, "%s", lam_error_message());
    r->evaluated = scores.loss;
    r->accuracy = lam_scores_get(&scores, "accuracy");
    r->recall = lam_scores_get(&scores, "recall");
}

static void run(const setup *s, const char *optimizer, size_t threads, result *r)
{
    lam_dataset *data = make_data(s);
    lam_model *model = lam_model_new(lam_dataset_features(data));
    if (strcmp(s->data, "bytes") == 0)
        lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, s->layers);
    lam_fit_options options = lam_fit_options_default();
    options.loss = s->loss;
    options.optimizer = optimizer;
    options.momentum = strcmp(optimizer, "sgd") == 0 ? 0.9f : 0.0f;
    options.decay = 1e-3f;
    options.learning_rate = 0.003f;
    options.batch_size = s->batch_size;
    options.l1 = s->l1;
    options.l2 = s->l2;
    options.epochs = EPOCHS;
    options.validation_split = 0.2;
    options.threads = threads;
    lam_history *history = NULL;
    cr_assert_eq(lam_fit(model, data, &options, &history), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_history_epochs(history), EPOCHS);
    for (size_t e = 0; e < EPOCHS; e++) {
        r->losses[e][0] = lam_history_epoch(history, e)->train.loss;
        r->losses[e][1] = lam_history_epoch(history, e)->validation.loss;
    }
    read_result(r, model, data, &options);
    lam_history_free(history);
    lam_model_free(model);
    lam_dataset_free(data);
}

static void free_result(result *r)
{
    free(r->parameters);
    free(r->outputs);
}

/* Position of the first difference, n when there is none. */
static size_t first_difference(const float *a, const float *b, size_t n)
{
    size_t i = 0;
    while (i < n && memcmp(&a[i], &b[i], sizeof *a) == 0)
        i++;
    return i;
}

static void compare(const char *label, const result *a, const result *b)
{
    size_t at = first_difference(a->parameters, b->parameters, a->parameter_count);
    cr_expect(at == a->parameter_count, "%s: parameter %zu of %zu is %.9g, with one thread %.9g",
              label, at, a->parameter_count, (double)b->parameters[at], (double)a->parameters[at]);
    at = first_difference(a->outputs, b->outputs, a->output_count);
    cr_expect(at == a->output_count, "%s: output %zu of %zu is %.9g, with one thread %.9g", label,
              at, a->output_count, (double)b->outputs[at], (double)a->outputs[at]);
    cr_expect_arr_eq(a->losses, b->losses, sizeof a->losses, "%s: losses", label);
    cr_expect_eq(memcmp(&a->evaluated, &b->evaluated, sizeof a->evaluated), 0, "%s", label);
    cr_expect_eq(memcmp(&a->accuracy, &b->accuracy, sizeof a->accuracy), 0, "%s", label);
    cr_expect_eq(memcmp(&a->recall, &b->recall, sizeof a->recall), 0, "%s", label);
}

static void check_optimizer(const char *optimizer)
{
    for (size_t i = 0; i < sizeof setups / sizeof *setups; i++) {
        result one, other;
        run(&setups[i], optimizer, thread_counts[0], &one);
        cr_expect(isfinite(one.losses[EPOCHS - 1][0]) &&
                      one.losses[EPOCHS - 1][0] != one.losses[0][0],
                  "%s: nothing was learnt", setups[i].layers);
        for (size_t t = 1; t < COUNTS; t++) {
            char label[128];
            run(&setups[i], optimizer, thread_counts[t], &other);
            snprintf(label, sizeof label, "%s, %s, batch %zu, %zu threads", optimizer,
                     setups[i].layers, setups[i].batch_size, thread_counts[t]);
            compare(label, &one, &other);
            free_result(&other);
        }
        free_result(&one);
    }
}

Test(determinism, every_optimizer, .timeout = 300)
{
    for (size_t i = 0; i < lam_catalog_size(LAM_OPTIMIZER); i++) {
        lam_catalog_entry entry;
        cr_assert_eq(lam_catalog(LAM_OPTIMIZER, i, &entry), LAM_OK);
        check_optimizer(entry.name);
    }
}

/* Another seed gives other parameters, or the test above would see nothing. */
Test(determinism, seed_matters)
{
    float values[2][64];
    for (uint64_t seed = 1; seed <= 2; seed++) {
        lam_dataset *data = lam_dataset_spiral(90, 3, 1);
        lam_model *model = lam_model_new(2);
        lam_model_add_layers(model, "8:relu,3:softmax");
        lam_fit_options options = lam_fit_options_default();
        options.seed = seed;
        options.epochs = 1;
        cr_assert_eq(lam_fit(model, data, &options, NULL), LAM_OK);
        cr_assert_eq(lam_model_parameters(model), 51);
        cr_assert_eq(lam_model_get_parameters(model, values[seed - 1], 51), LAM_OK);
        lam_model_free(model);
        lam_dataset_free(data);
    }
    cr_expect(memcmp(values[0], values[1], 51 * sizeof **values) != 0);
}

/* A step is its gradients and then its update, to the bit. */
Test(determinism, step_in_two)
{
    enum { ROWS = 100, COUNT = 3 * 150 + 151 * 3 };
    static float values[2][COUNT], x[ROWS * 2];
    static int32_t classes[ROWS];
    lam_dataset *data = lam_dataset_spiral(ROWS, 3, 1);
    for (size_t i = 0; i < ROWS; i++) {
        cr_assert_eq(lam_dataset_sample(data, i, x + 2 * i), LAM_OK);
        classes[i] = lam_dataset_class(data, i);
    }
    lam_dataset_free(data);
    for (int two = 0; two < 2; two++) {
        lam_model *model = lam_model_new(2);
        lam_model_add_layers(model, "150:relu,dropout:0.2,3:softmax");
        lam_trainer *trainer = lam_trainer_new(model, NULL);
        cr_assert_not_null(trainer, "%s", lam_error_message());
        const lam_batch batch = {.rows = ROWS, .x = x, .classes = classes};
        for (int step = 0; step < 5; step++) {
            if (two) {
                cr_assert_eq(lam_trainer_gradients(trainer, &batch, NULL), LAM_OK);
                cr_assert_eq(lam_trainer_update(trainer), LAM_OK);
            } else {
                cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_OK);
            }
        }
        lam_trainer_free(trainer);
        cr_assert_eq(lam_model_get_parameters(model, values[two], COUNT), LAM_OK);
        lam_model_free(model);
    }
    cr_expect_arr_eq(values[0], values[1], sizeof values[0]);
}
