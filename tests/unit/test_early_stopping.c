/* test_early_stopping.c: early stopping ends where its rule says, with the weights of the best
 * epoch. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <lamina/lamina.h>

enum { EPOCHS = 60, PARAMETERS = 3 * 16 + 17 * 3 };

static lam_fit_options make_options(void)
{
    lam_fit_options options = lam_fit_options_default();
    options.learning_rate = 0.1f;
    options.batch_size = 16;
    options.epochs = EPOCHS;
    options.validation_split = 0.3;
    return options;
}

static lam_history *train(const lam_fit_options *options, float *parameters)
{
    lam_dataset *data = lam_dataset_spiral(400, 3, 1);
    lam_model *model = lam_model_new(2);
    lam_history *history = NULL;
    lam_model_add_layers(model, "16:tanh,dropout:0.1,3:softmax");
    cr_assert_eq(lam_fit(model, data, options, &history), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_get_parameters(model, parameters, PARAMETERS), LAM_OK);
    lam_model_free(model);
    lam_dataset_free(data);
    return history;
}

static double figure(const lam_epoch *epoch, const char *monitor)
{
    const bool validation = strncmp(monitor, "val_", 4) == 0;
    return lam_scores_get(validation ? &epoch->validation : &epoch->train,
                          validation ? monitor + 4 : monitor);
}

/* The rule, once more: the last epoch to run and the best one. */
static size_t last_epoch(const lam_history *whole, const char *monitor, bool lower, size_t patience,
                         double min_delta, size_t *best)
{
    double record = NAN;
    *best = 0;
    for (size_t e = 1; e <= lam_history_epochs(whole); e++) {
        const double now = figure(lam_history_epoch(whole, e - 1), monitor);
        if (*best == 0 || (lower ? record - now : now - record) > min_delta) {
            record = now;
            *best = e;
        }
        if (e - *best >= patience)
            return e;
    }
    return lam_history_epochs(whole);
}

static void check(const lam_history *whole, const char *monitor, bool lower, size_t patience,
                  float min_delta)
{
    float stopped[PARAMETERS], shorter[PARAMETERS];
    size_t best;
    const size_t last = last_epoch(whole, monitor, lower, patience, (double)min_delta, &best);
    lam_fit_options options = make_options();
    options.patience = patience;
    options.min_delta = min_delta;
    options.monitor = strcmp(monitor, "val_loss") == 0 ? NULL : monitor;
    lam_history *history = train(&options, stopped);
    cr_expect_eq(lam_history_epochs(history), last, "%s: %zu epochs, not %zu", monitor,
                 lam_history_epochs(history), last);
    cr_expect_eq(lam_history_best(history), best, "%s: the best is %zu, not %zu", monitor,
                 lam_history_best(history), best);
    for (size_t e = 0; e < last; e++)
        cr_expect_eq(figure(lam_history_epoch(history, e), monitor),
                     figure(lam_history_epoch(whole, e), monitor));
    lam_history_free(history);

    options = make_options();
    options.epochs = best;
    history = train(&options, shorter);
    cr_expect_eq(lam_history_best(history), 0);
    cr_expect_arr_eq(stopped, shorter, sizeof stopped, "%s: not the weights of epoch %zu", monitor,
                     best);
    lam_history_free(history);
}

Test(early, ends_where_the_rule_says)
{
    float parameters[PARAMETERS];
    size_t best;
    const lam_fit_options options = make_options();
    lam_history *whole = train(&options, parameters);
    /* the test means something: it ends before the epochs do, and not at once */
    const size_t last = last_epoch(whole, "val_loss", true, 3, 0.0, &best);
    cr_assert(last < EPOCHS && best > 1, "%zu, %zu", last, best);
    check(whole, "val_loss", true, 3, 0.0f);
    check(whole, "val_loss", true, 5, 0.01f);
    check(whole, "val_accuracy", false, 4, 0.0f);
    check(whole, "accuracy", false, 6, 0.001f);
    check(whole, "loss", true, 2, 0.0f);
    check(whole, "val_loss", true, EPOCHS, 0.0f); /* the best weights also where none stops it */
    lam_history_free(whole);
}

Test(early, refuses_what_is_not_there)
{
    lam_dataset *data = lam_dataset_spiral(60, 3, 1);
    lam_model *model = lam_model_new(2);
    lam_model_add_layers(model, "3:softmax");
    lam_fit_options options = lam_fit_options_default();
    options.patience = 2;
    options.monitor = "val_loss";
    cr_expect_eq(lam_fit(model, data, &options, NULL), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "val_loss"), "%s", lam_error_message());
    options.monitor = "acuracy";
    cr_expect_eq(lam_fit(model, data, &options, NULL), LAM_ERR_NAME);
    cr_expect(strstr(lam_error_message(), "did you mean 'accuracy'"), "%s", lam_error_message());
    options.monitor = "";
    cr_expect_eq(lam_fit(model, data, &options, NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_history_best(NULL), 0);
    lam_model_free(model);
    lam_dataset_free(data);
}
