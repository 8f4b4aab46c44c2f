/* metrics.c: the table of metrics.
 *
 * A cell is one output of one sample. Class numbers act as one-hot rows; with one output the class
 * number is the target itself. */
#include "nn/metrics.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text/word_list.h"

/* What the target of a cell is. */
static float target_of(const lam_metric_rows *rows, size_t r, size_t c)
{
    if (!rows->classes)
        return rows->targets[r * rows->width + c];
    if (rows->width == 1)
        return (float)rows->classes[r];
    return (size_t)rows->classes[r] == c ? 1.0f : 0.0f;
}

static bool is_set(float target)
{
    return target > 0.5f;
}

/* Index of the first of the largest values; n, which is no class, where one of them is NaN. */
static size_t argmax(const float *values, size_t n)
{
    size_t best = 0;
    bool any_nan = isnan(values[0]);
    for (size_t i = 1; i < n; i++) {
        any_nan |= isnan(values[i]);
        if (values[i] > values[best])
            best = i;
    }
    return any_nan ? n : best;
}

static double cell_count(const lam_metric_rows *rows)
{
    return (double)rows->rows * (double)rows->width;
}

/* Accuracies add what is right to state[0] and what there is to state[1]. */
static void binary_accuracy(const lam_metric_rows *rows, double *state, void *user)
{
    (void)user;
    size_t right = 0;
    for (size_t r = 0; r < rows->rows; r++) {
        const float *y = rows->y + r * rows->stride; /* [width] */
        for (size_t c = 0; c < rows->width; c++)
            right += !isnan(y[c]) && (y[c] > rows->threshold) == is_set(target_of(rows, r, c));
    }
    state[0] += (double)right;
    state[1] += cell_count(rows);
}

static void categorical_accuracy(const lam_metric_rows *rows, double *state, void *user)
{
    if (rows->width == 1) { /* one output has no largest */
        binary_accuracy(rows, state, user);
        return;
    }
    size_t right = 0;
    for (size_t r = 0; r < rows->rows; r++) {
        const size_t winner = argmax(rows->y + r * rows->stride, rows->width);
        if (rows->classes)
            right += winner == (size_t)rows->classes[r];
        else
            right += winner == argmax(rows->targets + r * rows->width, rows->width);
    }
    state[0] += (double)right;
    state[1] += (double)rows->rows;
}

static void regression_accuracy(const lam_metric_rows *rows, double *state, void *user)
{
    (void)user;
    size_t right = 0;
    for (size_t r = 0; r < rows->rows; r++) {
        const float *y = rows->y + r * rows->stride; /* [width] */
        for (size_t c = 0; c < rows->width; c++)
            right += fabsf(y[c] - target_of(rows, r, c)) <= rows->tolerance;
    }
    state[0] += (double)right;
    state[1] += cell_count(rows);
}

/* The accuracy that fits outputs that are values and no probabilities; see lam__parse_metrics. */
static void accuracy(const lam_metric_rows *rows, double *state, void *user)
{
    if (rows->classes || rows->argmax)
        categorical_accuracy(rows, state, user);
    else
        regression_accuracy(rows, state, user);
}

/* Adds the cells decided for and set to state[0], decided for but not set to [1], set but not
 * decided for to [2], all to [3]. */
static void count_cells(const lam_metric_rows *rows, double *state, void *user)
{
    (void)user;
    const bool by_argmax = rows->argmax && rows->width > 1;
    size_t counts[3] = {0, 0, 0};
    for (size_t r = 0; r < rows->rows; r++) {
        const float *y = rows->y + r * rows->stride; /* [width] */
        const size_t winner = by_argmax ? argmax(y, rows->width) : 0;
        for (size_t c = 0; c < rows->width; c++) {
            const bool set = is_set(target_of(rows, r, c));
            /* NaN decides nothing, which is wrong whatever the target */
            const bool none = by_argmax ? winner == rows->width : isnan(y[c]);
            const bool decided = none ? !set : by_argmax ? c == winner : y[c] > rows->threshold;
            counts[0] += decided && set;
            counts[1] += decided && !set;
            counts[2] += !decided && set;
        }
    }
    for (int i = 0; i < 3; i++)
        state[i] += (double)counts[i];
    state[3] += cell_count(rows);
}

/* Errors add their sum to state[0] and the number of cells to state[1]. */
static void squared_error(const lam_metric_rows *rows, double *state, void *user)
{
    (void)user;
    for (size_t r = 0; r < rows->rows; r++)
        for (size_t c = 0; c < rows->width; c++) {
            const double d = (double)rows->y[r * rows->stride + c] - target_of(rows, r, c);
            state[0] += d * d;
        }
    state[1] += cell_count(rows);
}

static void absolute_error(const lam_metric_rows *rows, double *state, void *user)
{
    (void)user;
    for (size_t r = 0; r < rows->rows; r++)
        for (size_t c = 0; c < rows->width; c++)
            state[0] += fabs((double)rows->y[r * rows->stride + c] - target_of(rows, r, c));
    state[1] += cell_count(rows);
}

static double ratio(double part, double whole)
{
    return whole > 0.0 ? part / whole : NAN;
}

static double mean(const double *state, void *user)
{
    (void)user;
    return ratio(state[0], state[1]);
}

static double precision(const double *state, void *user)
{
    (void)user;
    return ratio(state[0], state[0] + state[1]);
}

static double recall(const double *state, void *user)
{
    (void)user;
    return ratio(state[0], state[0] + state[2]);
}

static double cell_accuracy(const double *state, void *user)
{
    (void)user;
    return ratio(state[3] - state[1] - state[2], state[3]);
}

/* Which rows are judged by the threshold or the tolerance. */

static bool never(const lam_metric_rows *rows)
{
    (void)rows;
    return false;
}

static bool always(const lam_metric_rows *rows)
{
    (void)rows;
    return true;
}

static bool with_one_output(const lam_metric_rows *rows)
{
    return rows->width == 1;
}

static bool without_argmax(const lam_metric_rows *rows)
{
    return !rows->argmax || rows->width == 1;
}

static bool accuracy_of_values(const lam_metric_rows *rows)
{
    return !rows->classes && !rows->argmax;
}

static bool accuracy_of_one_class(const lam_metric_rows *rows)
{
    return !accuracy_of_values(rows) && rows->width == 1;
}

/* The first three are also reached by their place, see resolve. */
enum { ACCURACY, CATEGORICAL_ACCURACY, BINARY_ACCURACY };

static const lam__metric table_rows[] = {
    [ACCURACY] = {.name = "accuracy",
                  .alias = "acc",
                  .help = "the accuracy that suits the task: categorical, binary or regression",
                  .update = accuracy,
                  .uses_threshold = accuracy_of_one_class,
                  .uses_tolerance = accuracy_of_values,
                  .result = mean},
    [CATEGORICAL_ACCURACY] = {.name = "categorical_accuracy",
                              .help = "share of samples whose largest output is the right class",
                              .update = categorical_accuracy,
                              .uses_threshold = with_one_output,
                              .uses_tolerance = never,
                              .result = mean},
    [BINARY_ACCURACY] = {.name = "binary_accuracy",
                         .help = "share of outputs on the right side of the threshold",
                         .update = binary_accuracy,
                         .uses_threshold = always,
                         .uses_tolerance = never,
                         .result = mean},
    {.name = "regression_accuracy",
     .help = "share of outputs no further from the target than the tolerance",
     .update = regression_accuracy,
     .uses_threshold = never,
     .uses_tolerance = always,
     .result = mean},
    {.name = "precision",
     .help = "share of positive decisions that are right, over all classes",
     .update = count_cells,
     .uses_threshold = without_argmax,
     .uses_tolerance = never,
     .result = precision},
    {.name = "recall",
     .help = "share of positive targets that were found, over all classes",
     .update = count_cells,
     .uses_threshold = without_argmax,
     .uses_tolerance = never,
     .result = recall},
    {.name = "cell_accuracy",
     .help = "share of right decisions, counting each class against the rest",
     .update = count_cells,
     .uses_threshold = without_argmax,
     .uses_tolerance = never,
     .result = cell_accuracy},
    {.name = "mean_squared_error",
     .alias = "mse",
     .help = "mean of (y - t)^2",
     .update = squared_error,
     .uses_threshold = never,
     .uses_tolerance = never,
     .result = mean,
     .lower_is_better = true},
    {.name = "mean_absolute_error",
     .alias = "mae",
     .help = "mean of |y - t|",
     .update = absolute_error,
     .uses_threshold = never,
     .uses_tolerance = never,
     .result = mean,
     .lower_is_better = true},
};

LAM__CHECK_ROW(lam__metric);

static const void *built_in(size_t i)
{
    return &table_rows[i];
}

lam__name_table lam__metrics = {
    .kind = "metric",
    .built_in = built_in,
    .built_in_count = sizeof table_rows / sizeof *table_rows,
};

const lam__metric *lam__find_metric(const char *name)
{
    return lam__table_find(&lam__metrics, name);
}

size_t lam__metric_count(void)
{
    return lam__table_size(&lam__metrics);
}

const lam__metric *lam__metric_at(size_t i)
{
    return lam__table_at(&lam__metrics, i);
}

/* "accuracy" for this last activation. For outputs that are values the row "accuracy" itself looks
 * at the targets it is given. */
static const lam__metric *resolve(const lam__metric *metric, const lam__activation *last)
{
    if (metric != &table_rows[ACCURACY] || !last || last->decision == LAM__DECIDE_VALUE)
        return metric;
    return &table_rows[last->decision == LAM__DECIDE_ARGMAX ? CATEGORICAL_ACCURACY
                                                            : BINARY_ACCURACY];
}

lam_status lam__parse_metrics(const char *list, const lam__activation *last,
                              const lam__metric *metrics[LAM_MAX_METRICS],
                              const char *names[LAM_MAX_METRICS], size_t *count)
{
    *count = 0;
    if (!list)
        return lam__fail(LAM_ERR_ARGUMENT, "the list of metrics is NULL");
    lam__word word = lam__optional_word_list(list);
    for (bool more;;) {
        LAM__TRY(lam__next_word(list, "metric", &word, &more));
        if (!more)
            return LAM_OK;
        const lam__metric *metric = lam__find_metric(word.text);
        if (!metric)
            return lam_error_status();
        for (size_t i = 0; i < *count; i++)
            if (names[i] == metric->name)
                return lam__fail(LAM_ERR_ARGUMENT, "metric '%s' is listed twice: '%.200s'",
                                 metric->name, list);
        if (*count == LAM_MAX_METRICS)
            return lam__fail(LAM_ERR_ARGUMENT, "more than %d metrics: '%.200s'",
                             (int)LAM_MAX_METRICS, list);
        names[*count] = metric->name;
        metrics[(*count)++] = resolve(metric, last);
    }
}

static bool used_by(bool (*uses)(const lam_metric_rows *rows), const lam_metric_rows *kind)
{
    return !uses || uses(kind);
}

bool lam__metrics_use(const lam__metric *const *metrics, size_t count, const lam_metric_rows *kind,
                      bool tolerance)
{
    for (size_t i = 0; i < count; i++)
        if (used_by(tolerance ? metrics[i]->uses_tolerance : metrics[i]->uses_threshold, kind))
            return true;
    return false;
}
