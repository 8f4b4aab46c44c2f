/* test_fit.c: lam_fit and lam_evaluate: epochs, validation, callbacks, errors. */
#include <criterion/criterion.h>
#include <lamina/lamina.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/comma_locale.h"

static lam_model *small_model(const lam_dataset *data, const char *layers)
{
    lam_model *model = lam_model_new(lam_dataset_features(data));
    cr_assert(model);
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK, "%s", lam_error_message());
    return model;
}

Test(fit, learns_the_spiral)
{
    lam_dataset *train = lam_dataset_load("spiral", LAM_SPLIT_TRAIN, NULL);
    lam_dataset *test = lam_dataset_load("spiral", LAM_SPLIT_TEST, NULL);
    lam_model *model = small_model(train, "64:relu,64:relu,3:softmax");
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 200;
    fit.batch_size = 32;
    fit.learning_rate = 5e-3f;
    lam_history *history = NULL;
    cr_assert_eq(lam_fit(model, train, &fit, &history), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_history_epochs(history), 200);
    const lam_epoch *first = lam_history_epoch(history, 0);
    const lam_epoch *last = lam_history_epoch(history, 199);
    cr_assert_eq(first->epoch, 1);
    cr_assert_lt(last->train.loss, 0.3 * first->train.loss);
    cr_assert_null(lam_history_epoch(history, 200));
    lam_scores scores;
    cr_assert_eq(lam_evaluate(model, test, NULL, &scores), LAM_OK, "%s", lam_error_message());
    cr_assert_gt(lam_scores_get(&scores, "accuracy"), 0.85);
    cr_assert_str_eq(lam_model_loss(model), "categorical_crossentropy");
    lam_history_free(history);
    lam_model_free(model);
    lam_dataset_free(train);
    lam_dataset_free(test);
}

Test(fit, learns_the_sine)
{
    lam_dataset *train = lam_dataset_sine(500);
    lam_model *model = small_model(train, "64:relu,64:relu,1:linear");
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 200;
    fit.batch_size = 50;
    fit.learning_rate = 5e-3f;
    cr_assert_eq(lam_fit(model, train, &fit, NULL), LAM_OK, "%s", lam_error_message());
    lam_scores scores;
    cr_assert_eq(lam_evaluate(model, train, NULL, &scores), LAM_OK);
    cr_assert_lt(scores.data_loss, 5e-3);
    cr_assert(isfinite(lam_scores_get(&scores, "accuracy")));
    cr_assert(isnan(lam_scores_get(&scores, "no such metric")));
    lam_model_free(model);
    lam_dataset_free(train);
}

/* The rows an epoch trained on, seen through a metric of one's own: its state sums the first
 * target, which numbers the sample. */
static void sum_rows(const lam_metric_rows *rows, double *state, void *user)
{
    (void)user;
    for (size_t r = 0; r < rows->rows; r++) {
        state[0] += rows->targets[r * rows->width];
        state[1] += rows->targets[r * rows->width] * rows->targets[r * rows->width];
        state[2] += 1.0;
    }
}

static double first_sum(const double *state, void *user)
{
    (void)user;
    return state[0];
}

static double second_sum(const double *state, void *user)
{
    (void)user;
    return state[1];
}

Test(fit, split_is_disjoint_and_complete)
{
    enum { N = 103 };
    float x[N], y[N];
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < N; i++) {
        x[i] = (float)i / N;
        y[i] = (float)i;
        sum += i;
        squares += (double)i * i;
    }
    const lam_metric parts[] = {{"row_sum", NULL, sum_rows, first_sum, NULL},
                                {"row_squares", NULL, sum_rows, second_sum, NULL}};
    for (int i = 0; i < 2; i++)
        cr_assert_eq(lam_register_metric(&parts[i]), LAM_OK, "%s", lam_error_message());
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, N, 1, LAM_BORROW);
    cr_assert_eq(lam_dataset_set_targets(data, y, 1), LAM_OK);
    lam_model *model = small_model(data, "1:linear");
    lam_fit_options fit = lam_fit_options_default();
    fit.metrics = "row_sum,row_squares";
    fit.epochs = 3;
    fit.batch_size = 10;
    fit.learning_rate = 1e-6f;
    fit.validation_split = 0.2;
    lam_history *history = NULL;
    cr_assert_eq(lam_fit(model, data, &fit, &history), LAM_OK, "%s", lam_error_message());
    const lam_epoch *first = lam_history_epoch(history, 0);
    for (size_t e = 0; e < 3; e++) {
        const lam_epoch *epoch = lam_history_epoch(history, e);
        cr_assert(epoch->has_validation);
        cr_assert_eq(epoch->train.samples, 82, "the last partial batch is kept");
        cr_assert_eq(epoch->validation.samples, 21);
        const double train = lam_scores_get(&epoch->train, "row_sum");
        const double held = lam_scores_get(&epoch->validation, "row_sum");
        cr_assert_eq(train + held, sum);
        cr_assert_eq(lam_scores_get(&epoch->train, "row_squares") +
                         lam_scores_get(&epoch->validation, "row_squares"),
                     squares);
        cr_assert_eq(held, lam_scores_get(&first->validation, "row_sum"), "the same rows held out");
    }
    lam_history_free(history);
    lam_model_free(model);
    lam_dataset_free(data);
}

typedef struct calls {
    size_t begin, epochs, batches, ends, train_end, stop_at;
    double rate;
} calls;

static lam_signal count_calls(const lam_event *event, void *user)
{
    calls *c = user;
    c->begin += event->kind == LAM_EVENT_TRAIN_BEGIN;
    c->epochs += event->kind == LAM_EVENT_EPOCH_BEGIN;
    c->batches += event->kind == LAM_EVENT_BATCH_END;
    c->ends += event->kind == LAM_EVENT_EPOCH_END;
    c->train_end += event->kind == LAM_EVENT_TRAIN_END;
    if (event->kind == LAM_EVENT_BATCH_END) {
        c->rate = event->progress->learning_rate;
        cr_assert_leq(event->batch, event->batches);
        cr_assert_leq(event->progress->train.samples, event->samples);
    }
    return c->stop_at && c->batches >= c->stop_at ? LAM_STOP : LAM_CONTINUE;
}

Test(fit, callbacks_see_everything_and_stop)
{
    lam_dataset *data = lam_dataset_spiral(100, 3, 1);
    calls direct = {0}, named = {0};
    lam_callback callback = {count_calls, &direct}, other = {count_calls, &named};
    cr_assert_eq(lam_register_callback("counter", &other), LAM_OK);
    lam_model *model = small_model(data, "8:tanh,3:softmax");
    lam_fit_options fit = lam_fit_options_default();
    fit.callback = &callback;
    fit.callbacks = "counter";
    fit.epochs = 4;
    fit.batch_size = 30;
    fit.learning_rate = 0.01f;
    fit.decay = 0.5f;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(direct.begin, 1);
    cr_assert_eq(direct.epochs, 4);
    cr_assert_eq(direct.batches, 16);
    cr_assert_eq(direct.ends, 4);
    cr_assert_eq(direct.train_end, 1);
    cr_assert_eq(named.batches, 16);
    cr_assert_float_eq(direct.rate, 0.01 / (1.0 + 0.5 * 15.0), 1e-9);

    direct = (calls){.stop_at = 6};
    lam_history *history = NULL;
    cr_assert_eq(lam_fit(model, data, &fit, &history), LAM_OK);
    cr_assert_eq(direct.batches, 6);
    cr_assert_eq(lam_history_epochs(history), 2);
    cr_assert_eq(lam_history_epoch(history, 1)->train.samples, 60);
    direct = (calls){0}, named = (calls){0};
    fit.callbacks = " counter , other_counter ";
    cr_assert_eq(lam_register_callback("other_counter", &other), LAM_OK);
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(named.epochs, 8);
    named = (calls){0};
    fit.callbacks = " \t "; /* none, as for metrics */
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(named.epochs, 0);
    fit.callbacks = "conter";
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_NAME);
    cr_assert(strstr(lam_error_message(), "counter"), "%s", lam_error_message());
    lam_history_free(history);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(fit, errors_name_the_values)
{
    lam_dataset *data = lam_dataset_spiral(60, 3, 1);
    lam_model *model = small_model(data, "8:relu,2:softmax");
    cr_assert_eq(lam_fit(model, data, NULL, NULL), LAM_ERR_SHAPE);
    cr_assert(strstr(lam_error_message(), "3 classes"), "%s", lam_error_message());
    lam_model_free(model);

    model = lam_model_new(2);
    cr_assert_eq(lam_model_dense(model, 8, "rellu"), LAM_ERR_NAME);
    cr_assert_eq(lam_model_dense(model, 3, "softmax"), LAM_ERR_NAME, "errors are sticky");
    cr_assert_eq(lam_fit(model, data, NULL, NULL), LAM_ERR_NAME);
    cr_assert(strstr(lam_error_message(), "rellu"), "%s", lam_error_message());
    lam_model_free(model);

    model = small_model(data, "8:relu,3:softmax");
    lam_fit_options fit = lam_fit_options_default();
    fit.optimizer = "adan";
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_NAME);
    cr_assert(strstr(lam_error_message(), "adam"), "%s", lam_error_message());
    fit = lam_fit_options_default();
    fit.epochs = 0;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_ARGUMENT);
    fit = lam_fit_options_default();
    fit.validation_split = 0.2;
    fit.validation = data;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_ARGUMENT);
    lam_dataset *other = lam_dataset_sine(10);
    cr_assert_eq(lam_fit(model, other, NULL, NULL), LAM_ERR_SHAPE);
    lam_dataset_free(other);
    cr_assert_eq(lam_fit(NULL, data, NULL, NULL), LAM_ERR_ARGUMENT);
    lam_scores scores;
    lam_model *bare = small_model(data, "3:softmax");
    cr_assert_eq(lam_evaluate(bare, data, NULL, &scores), LAM_ERR_STATE);
    lam_model_free(bare);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(fit, a_loss_that_explodes_is_an_error)
{
    lam_dataset *data = lam_dataset_sine(200);
    lam_model *model = small_model(data, "16:linear,16:linear,1:linear");
    lam_fit_options fit = lam_fit_options_default();
    fit.optimizer = "sgd";
    fit.learning_rate = 1e6f;
    fit.batch_size = 20;
    lam_history *history = NULL;
    cr_assert_eq(lam_fit(model, data, &fit, &history), LAM_ERR_NUMERIC);
    cr_assert(strstr(lam_error_message(), "learning rate"), "%s", lam_error_message());
    cr_assert_not_null(history);
    lam_history_free(history);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* What a callback takes at TRAIN_BEGIN it releases at TRAIN_END, however training ends. */
typedef struct ending {
    size_t begins, ends, epoch_ends;
    lam_event_kind stop_at, latest;
    bool stops, fails;
} ending;

static lam_signal note_ending(const lam_event *event, void *user)
{
    ending *e = user;
    e->latest = event->kind;
    e->begins += event->kind == LAM_EVENT_TRAIN_BEGIN;
    e->ends += event->kind == LAM_EVENT_TRAIN_END;
    e->epoch_ends += event->kind == LAM_EVENT_EPOCH_END;
    if (event->kind == LAM_EVENT_TRAIN_END && e->fails)
        lam_model_free(lam_model_new(0)); /* another error on this thread */
    return e->stops && event->kind == e->stop_at ? LAM_STOP : LAM_CONTINUE;
}

Test(fit, the_end_of_training_is_always_told)
{
    lam_dataset *data = lam_dataset_sine(200);
    lam_model *model = small_model(data, "16:linear,16:linear,1:linear");
    lam_fit_options fit = lam_fit_options_default();
    ending seen = {.stops = true};
    const lam_callback callback = {note_ending, &seen};
    fit.callback = &callback;
    fit.epochs = 3;
    fit.batch_size = 20;
    for (int kind = LAM_EVENT_TRAIN_BEGIN; kind <= LAM_EVENT_EPOCH_END; kind++) {
        seen = (ending){.stops = true, .stop_at = (lam_event_kind)kind};
        cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
        cr_expect(seen.begins == 1 && seen.ends == 1, "stopped at %d", kind);
        cr_expect_eq(seen.latest, LAM_EVENT_TRAIN_END);
    }
    fit.optimizer = "sgd";
    fit.learning_rate = 1e6f;
    seen = (ending){.fails = true};
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_NUMERIC);
    cr_expect_eq(seen.begins, 1);
    cr_expect_eq(seen.ends, 1);
    cr_expect_eq(seen.epoch_ends, 0);
    cr_expect_eq(seen.latest, LAM_EVENT_TRAIN_END);
    cr_expect_eq(lam_error_status(), LAM_ERR_NUMERIC);
    cr_expect(strstr(lam_error_message(), "learning rate"), "%s", lam_error_message());
    fit.validation_split = 0.001; /* refused before the first event */
    seen = (ending){0};
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_ARGUMENT);
    cr_expect(seen.begins == 0 && seen.ends == 0);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(fit, regularization_is_reported_apart)
{
    lam_dataset *data = lam_dataset_spiral(90, 3, 1);
    lam_model *model = small_model(data, "8:relu,3:softmax");
    cr_assert_eq(lam_model_initialize(model, 3, NULL), LAM_OK);
    const size_t count = lam_model_parameters(model);
    float w[128];
    cr_assert_leq(count, 128);
    cr_assert_eq(lam_model_get_parameters(model, w, count), LAM_OK);
    double l1 = 0.0, l2 = 0.0; /* biases start at zero */
    for (size_t i = 0; i < count; i++) {
        l1 += fabs((double)w[i]);
        l2 += (double)w[i] * (double)w[i];
    }
    lam_fit_options fit = lam_fit_options_default();
    fit.l1 = 0.01f;
    fit.l2 = 0.1f;
    lam_scores scores;
    cr_assert_eq(lam_evaluate(model, data, &fit, &scores), LAM_OK);
    const double expected = (double)fit.l1 * l1 + (double)fit.l2 * l2;
    cr_assert_float_eq(scores.regularization_loss, expected, 1e-6 * expected);
    cr_assert_float_eq(scores.loss, scores.data_loss + scores.regularization_loss, 1e-12);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(fit, goes_on_from_what_there_is)
{
    lam_dataset *data = lam_dataset_spiral(90, 3, 1);
    lam_model *model = small_model(data, "8:relu,3:softmax");
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 30;
    lam_history *first = NULL, *second = NULL;
    cr_assert_eq(lam_fit(model, data, &fit, &first), LAM_OK);
    cr_assert_eq(lam_fit(model, data, &fit, &second), LAM_OK);
    cr_assert_lt(lam_history_epoch(second, 0)->train.loss, lam_history_epoch(first, 5)->train.loss);
    lam_history_free(first);
    lam_history_free(second);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* An allocator that has no more than this at once. */
static void *allocate_little(size_t size, size_t alignment, void *user)
{
    (void)user;
    return size <= (size_t)1 << 20 ? aligned_alloc(alignment, size) : NULL;
}

static void release_little(void *pointer, void *user)
{
    (void)user;
    free(pointer);
}

/* A batch of more rows than there are, to say "all of them at once", costs no more than they do. */
Test(fit, makes_no_buffers_for_rows_that_never_come)
{
    const lam_allocator little = {allocate_little, release_little, NULL};
    cr_assert_eq(lam_set_allocator(&little), LAM_OK);
    lam_dataset *data = lam_dataset_sine(50);
    lam_model *model = small_model(data, "1:linear");
    lam_fit_options fit = lam_fit_options_default();
    lam_scores scores;
    fit.epochs = 1;
    fit.batch_size = 2147483647;
    fit.validation = data;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    fit.validation = NULL;
    fit.validation_split = 0.5;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_evaluate(model, data, &fit, &scores), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(scores.samples, 50);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* What lam_model_loss calls "trained with", and a later loss NULL goes by. */
Test(fit, failed_training_leaves_the_loss)
{
    lam_dataset *data = lam_dataset_sine(50), *other = lam_dataset_vertical(30, 3, 1);
    lam_model *model = small_model(data, "1:linear");
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 1;
    fit.loss = "mean_squared_error";
    cr_assert_eq(lam_fit(model, other, &fit, NULL), LAM_ERR_SHAPE);
    cr_assert_null(lam_model_loss(model));
    fit.loss = "mean_absolute_error";
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    fit.loss = "mean_squared_error";
    cr_assert_eq(lam_fit(model, other, &fit, NULL), LAM_ERR_SHAPE);
    cr_assert_str_eq(lam_model_loss(model), "mean_absolute_error");
    fit.loss = NULL; /* goes on with the one it was trained with */
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    cr_assert_str_eq(lam_model_loss(model), "mean_absolute_error");
    lam_model_free(model);
    lam_dataset_free(data);
    lam_dataset_free(other);
}

/* However small the work is, and in every call that takes a number of threads. */
Test(fit, refuses_too_many_threads)
{
    lam_dataset *data = lam_dataset_sine(10);
    lam_model *model = small_model(data, "1:linear");
    lam_fit_options fit = lam_fit_options_default();
    lam_scores scores;
    float y[10];
    fit.epochs = 1;
    fit.threads = 1024;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    fit.threads = 1025;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "1024"), "%s", lam_error_message());
    cr_assert_eq(lam_evaluate(model, data, &fit, &scores), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_predict_dataset(model, data, 1025, y), LAM_ERR_ARGUMENT);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* Messages too, even in the words of a program whose user writes 1,5. */
Test(fit, names_the_learning_rate_that_was_too_large)
{
    lam_dataset *data = lam_dataset_sine(10);
    lam_model *model = small_model(data, "8:relu,1:linear");
    lam_fit_options fit = lam_fit_options_default();
    fit.learning_rate = 1.5e38f;
    comma_locale_enter(); /* where there is none, the message is all that is tested */
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_NUMERIC);
    setlocale(LC_ALL, "C");
    cr_assert(strstr(lam_error_message(), "learning rate 1.5e+38"), "%s", lam_error_message());
    lam_model_free(model);
    lam_dataset_free(data);
}
