/* test_metrics.c: metrics on values worked out by hand, and lists of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "nn/metrics.h"

/* One metric over some rows. */
static double measure(const char *name, const lam_metric_rows *rows)
{
    double state[LAM_METRIC_STATE] = {0};
    const lam__metric *metric = lam__find_metric(name);
    cr_assert(metric, "%s", lam_error_message());
    metric->update(rows, state, metric->user);
    return metric->result(state, metric->user);
}

#define EXPECT(name, rows, value)                                                                  \
    cr_expect_float_eq(measure(name, rows), value, 1e-12, "%s: %.17g, expected %.17g", name,       \
                       measure(name, rows), (double)(value))

/* Four samples, three classes, rows longer than they are wide: 9 must not be looked at. */
static const float probabilities[4 * 5] = {
    0.2f, 0.5f, 0.3f, 9, 9, /* 1 */
    0.4f, 0.4f, 0.2f, 9, 9, /* 0 and 1: the first counts, once */
    0.1f, 0.2f, 0.7f, 9, 9, /* 2 */
    0.6f, 0.3f, 0.1f, 9, 9, /* 0 */
};
static const int32_t classes[4] = {1, 1, 2, 2};
static const float one_hot[4 * 3] = {0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1};

static lam_metric_rows three_classes(void)
{
    return (lam_metric_rows){.rows = 4,
                             .width = 3,
                             .stride = 5,
                             .y = probabilities,
                             .classes = classes,
                             .threshold = 0.5f,
                             .argmax = true};
}

/* 2 of 4 are right; of 12 cells each wrong sample makes two wrong. */
static void check_three_classes(const lam_metric_rows *rows)
{
    EXPECT("accuracy", rows, 0.5);
    EXPECT("categorical_accuracy", rows, 0.5);
    EXPECT("precision", rows, 0.5);
    EXPECT("recall", rows, 0.5);
    EXPECT("cell_accuracy", rows, 8.0 / 12.0);
}

Test(metrics, classes_by_argmax)
{
    lam_metric_rows rows = three_classes();
    check_three_classes(&rows);
    rows.classes = NULL;
    rows.targets = one_hot;
    check_three_classes(&rows);
}

Test(metrics, classes_by_threshold)
{
    lam_metric_rows rows = three_classes();
    rows.argmax = false;
    rows.threshold = 0.35f;
    /* decided for: 1 | 0 1 | 2 | 0; set: 1 | 1 | 2 | 2 */
    EXPECT("precision", &rows, 3.0 / 5.0);
    EXPECT("recall", &rows, 3.0 / 4.0);
    EXPECT("cell_accuracy", &rows, 9.0 / 12.0);
    EXPECT("binary_accuracy", &rows, 9.0 / 12.0);
    EXPECT("accuracy", &rows, 0.5);
    rows.threshold = 0.95f;
    cr_expect(isnan(measure("precision", &rows)), "nothing was decided for");
    EXPECT("recall", &rows, 0.0);
}

Test(metrics, several_labels)
{
    static const float y[2 * 3] = {0.9f, 0.6f, 0.1f, 0.5f, 0.2f, 0.8f};
    static const float t[2 * 3] = {1, 0, 0, 1, 1, 1};
    const lam_metric_rows rows = {
        .rows = 2, .width = 3, .stride = 3, .y = y, .targets = t, .threshold = 0.5f};
    /* decided for: 0 1 | 2; 0.5 is not above 0.5 */
    EXPECT("precision", &rows, 2.0 / 3.0);
    EXPECT("recall", &rows, 2.0 / 4.0);
    EXPECT("binary_accuracy", &rows, 3.0 / 6.0);
    EXPECT("cell_accuracy", &rows, 3.0 / 6.0);
}

/* With one output the class number is the target. */
Test(metrics, one_output)
{
    static const float y[4] = {0.9f, 0.2f, 0.6f, 0.4f}, t[4] = {1, 0, 0, 1};
    static const int32_t c[4] = {1, 0, 0, 1};
    for (int as_rows = 0; as_rows < 2; as_rows++) {
        lam_metric_rows rows = {
            .rows = 4, .width = 1, .stride = 1, .y = y, .threshold = 0.5f, .tolerance = 0.3f};
        if (as_rows)
            rows.targets = t;
        else
            rows.classes = c;
        EXPECT("binary_accuracy", &rows, 0.5);
        EXPECT("categorical_accuracy", &rows, 0.5);
        EXPECT("accuracy", &rows, 0.5);
        EXPECT("precision", &rows, 0.5);
        EXPECT("recall", &rows, 0.5);
        EXPECT("cell_accuracy", &rows, 0.5);
        EXPECT("regression_accuracy", &rows, 0.5);
    }
}

Test(metrics, nothing_to_divide_by)
{
    static const float y[2] = {0.1f, 0.2f}, t[2] = {0, 0};
    lam_metric_rows rows = {
        .rows = 2, .width = 1, .stride = 1, .y = y, .targets = t, .threshold = 0.5f};
    cr_expect(isnan(measure("precision", &rows)));
    cr_expect(isnan(measure("recall", &rows)));
    EXPECT("binary_accuracy", &rows, 1.0);
    rows.rows = 0;
    for (size_t i = 0; i < lam__metric_count(); i++)
        cr_expect(isnan(measure(lam__metric_at(i)->name, &rows)), "%s of no rows",
                  lam__metric_at(i)->name);
}

Test(metrics, regression)
{
    static const float y[2 * 2] = {1.0f, 2.0f, 3.0f, 4.0f}, t[2 * 2] = {1.5f, 2.25f, 3.0f, 2.0f};
    lam_metric_rows rows = {
        .rows = 2, .width = 2, .stride = 2, .y = y, .targets = t, .tolerance = 0.5f};
    EXPECT("regression_accuracy", &rows, 0.75); /* 0.5 away is still right */
    EXPECT("accuracy", &rows, 0.75);
    EXPECT("mean_absolute_error", &rows, 2.75 / 4.0);
    EXPECT("mae", &rows, 2.75 / 4.0);
    EXPECT("mse", &rows, (0.25 + 0.0625 + 4.0) / 4.0);
    rows.tolerance = 0.0f; /* what is exact is right */
    EXPECT("regression_accuracy", &rows, 0.25);
}

/* Class numbers act as one-hot rows everywhere. */
Test(metrics, classes_equal_one_hot_rows)
{
    lam_metric_rows numbers = three_classes(), as_rows = numbers;
    numbers.tolerance = as_rows.tolerance = 0.45f;
    as_rows.classes = NULL;
    as_rows.targets = one_hot;
    for (size_t i = 0; i < lam__metric_count(); i++) {
        const char *name = lam__metric_at(i)->name;
        cr_expect_eq(measure(name, &numbers), measure(name, &as_rows), "%s", name);
    }
}

/* The figure of all rows is that of the sum of the states of parts. */
Test(metrics, states_add_up)
{
    const lam_metric_rows all = three_classes();
    for (size_t i = 0; i < lam__metric_count(); i++) {
        const lam__metric *metric = lam__metric_at(i);
        double state[LAM_METRIC_STATE] = {0};
        for (size_t first = 0; first < 4; first += 3) {
            lam_metric_rows part = all;
            part.rows = first ? 1 : 3;
            part.y += first * all.stride;
            part.classes += first;
            double own[LAM_METRIC_STATE] = {0};
            metric->update(&part, own, metric->user);
            for (int k = 0; k < LAM_METRIC_STATE; k++)
                state[k] += own[k];
        }
        cr_expect_float_eq(metric->result(state, metric->user), measure(metric->name, &all), 1e-15,
                           "%s", metric->name);
    }
}

static lam_status parse(const char *list, const char *activation, const lam__metric **metrics,
                        const char **names, size_t *count)
{
    return lam__parse_metrics(list, lam__find_activation(activation), metrics, names, count);
}

Test(metrics, accuracy_becomes_the_one_that_fits)
{
    const lam__metric *metrics[LAM_MAX_METRICS];
    const char *names[LAM_MAX_METRICS];
    size_t count;
    cr_assert_eq(parse(" accuracy , mse,recall", "softmax", metrics, names, &count), LAM_OK);
    cr_assert_eq(count, 3);
    cr_expect_str_eq(names[0], "accuracy");
    cr_expect_str_eq(names[1], "mean_squared_error");
    cr_expect_eq(metrics[0], lam__find_metric("categorical_accuracy"));
    cr_expect_eq(metrics[2], lam__find_metric("recall"));
    cr_assert_eq(parse("acc", "sigmoid", metrics, names, &count), LAM_OK);
    cr_expect_str_eq(names[0], "accuracy");
    cr_expect_eq(metrics[0], lam__find_metric("binary_accuracy"));

    /* outputs that are values: by the targets */
    cr_assert_eq(parse("accuracy", "linear", metrics, names, &count), LAM_OK);
    lam_metric_rows rows = three_classes();
    rows.argmax = false;
    rows.tolerance = 0.45f;
    double state[LAM_METRIC_STATE] = {0};
    metrics[0]->update(&rows, state, metrics[0]->user);
    cr_expect_eq(metrics[0]->result(state, NULL), 0.5, "class numbers");
    rows.classes = NULL;
    rows.targets = one_hot;
    memset(state, 0, sizeof state);
    metrics[0]->update(&rows, state, metrics[0]->user);
    cr_expect_eq(metrics[0]->result(state, NULL), measure("regression_accuracy", &rows));
    cr_expect_eq(state[1], 12.0, "each output counts");
}

Test(metrics, lists)
{
    const lam__metric *metrics[LAM_MAX_METRICS];
    const char *names[LAM_MAX_METRICS];
    size_t count = 5;
    cr_expect_eq(parse("", "relu", metrics, names, &count), LAM_OK);
    cr_expect_eq(count, 0);
    cr_expect_eq(parse("  ", "relu", metrics, names, &count), LAM_OK);
    cr_expect_eq(parse(NULL, "relu", metrics, names, &count), LAM_ERR_ARGUMENT);
    cr_expect_eq(parse("mse,,mae", "relu", metrics, names, &count), LAM_ERR_ARGUMENT);
    cr_expect_eq(parse("mae,mean_absolute_error", "relu", metrics, names, &count),
                 LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "twice"), "%s", lam_error_message());
    cr_expect_eq(parse("precison", "relu", metrics, names, &count), LAM_ERR_NAME);
    cr_expect(strstr(lam_error_message(), "'precision'"), "%s", lam_error_message());
}

Test(metrics, scores_by_name)
{
    const lam_scores scores = {.loss = 1.5,
                               .data_loss = 1.25,
                               .regularization_loss = 0.25,
                               .metrics = 2,
                               .names = {"accuracy", "mean_squared_error"},
                               .values = {0.5, 0.75}};
    cr_expect_eq(lam_scores_get(&scores, "loss"), 1.5);
    cr_expect_eq(lam_scores_get(&scores, "data_loss"), 1.25);
    cr_expect_eq(lam_scores_get(&scores, "regularization_loss"), 0.25);
    cr_expect_eq(lam_scores_get(&scores, "accuracy"), 0.5);
    cr_expect_eq(lam_scores_get(&scores, "mse"), 0.75, "an alias");
    cr_expect(isnan(lam_scores_get(&scores, "recall")));
    cr_expect(isnan(lam_scores_get(&scores, "nonsense")));
    cr_expect(isnan(lam_scores_get(&scores, NULL)));
    cr_expect(isnan(lam_scores_get(NULL, "loss")));
}

/* NaN decides nothing, and nothing is right of it, whatever the target. */
Test(metrics, of_nan_are_never_right)
{
    static const char *const names[] = {
        "categorical_accuracy", "binary_accuracy", "regression_accuracy", "precision", "recall",
        "cell_accuracy"};
    const float y[2 * 2] = {NAN, 0.0f, NAN, NAN}, zeros[2 * 2] = {0.0f},
                      first[2 * 2] = {1, 0, 1, 0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int argmax = 0; argmax < 2; argmax++)
            for (int set = 0; set < 2; set++) {
                const lam__metric *metric = lam__find_metric(names[i]);
                double state[LAM_METRIC_STATE] = {0};
                const lam_metric_rows rows = {.rows = 2,
                                              .width = 2,
                                              .stride = 2,
                                              .y = y,
                                              .targets = set ? first : zeros,
                                              .threshold = 0.5f,
                                              .argmax = argmax};
                metric->update(&rows, state, metric->user);
                const double result = metric->result(state, metric->user);
                /* the one finite cell is right where cells are counted one by one */
                const bool one = !argmax && strcmp(names[i], "cell_accuracy") == 0;
                const bool alone = strcmp(names[i], "binary_accuracy") == 0 ||
                                   strcmp(names[i], "regression_accuracy") == 0;
                cr_expect(isnan(result) || result == (one || alone ? 0.25 : 0.0),
                          "%s, argmax %d, set %d: %g", names[i], argmax, set, result);
            }
}
