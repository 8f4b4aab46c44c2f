/* test_metrics_golden.c: losses and metrics of lam_evaluate against scikit-learn.
 *
 * The model is one dense layer with identity weights, so its outputs are the activation of the
 * samples. data/metrics.txt is made by make_metrics.py, which describes it. Metrics are counts
 * and must agree as such; losses are computed in float32 inside. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "golden.h"

#define METRIC_TOLERANCE 1e-12
#define LOSS_TOLERANCE 2e-6
#define MAX_FIGURES 8

typedef struct figures {
    size_t count;
    char names[MAX_FIGURES][32];
    double values[MAX_FIGURES];
} figures;

typedef struct sample_case {
    char name[48], activation[16], loss[32];
    size_t rows, width;
    float threshold, tolerance;
    lam_dataset *data;
    figures expected;
} sample_case;

static void read_samples(golden *file, sample_case *c, bool class_numbers)
{
    float *logits = golden_new_floats(file, c->rows * c->width);
    c->data = lam_dataset_new(logits, LAM_FLOAT32, c->rows, c->width, LAM_COPY);
    free(logits);
    float *targets = golden_new_floats(file, class_numbers ? c->rows : c->rows * c->width);
    if (class_numbers) {
        int32_t *labels = malloc(c->rows * sizeof *labels);
        cr_assert_not_null(labels);
        for (size_t r = 0; r < c->rows; r++)
            labels[r] = (int32_t)targets[r];
        cr_assert_eq(lam_dataset_set_classes(c->data, labels, c->width == 1 ? 2 : c->width),
                     LAM_OK);
        free(labels);
    } else {
        cr_assert_eq(lam_dataset_set_targets(c->data, targets, c->width), LAM_OK);
    }
    free(targets);
}

/* False at the end of the file. */
static bool read_case(golden *file, sample_case *c)
{
    char word[32];
    if (!golden_word(file, word, sizeof word))
        return false;
    cr_assert_str_eq(word, "case");
    golden_text(file, c->name, sizeof c->name);
    golden_text(file, c->activation, sizeof c->activation);
    golden_text(file, c->loss, sizeof c->loss);
    c->rows = golden_size(file);
    c->width = golden_size(file);
    golden_text(file, word, sizeof word);
    c->threshold = (float)golden_number(file);
    c->tolerance = (float)golden_number(file);
    read_samples(file, c, strcmp(word, "classes") == 0);
    golden_expect(file, "figures");
    c->expected.count = golden_size(file);
    cr_assert_leq(c->expected.count, MAX_FIGURES);
    for (size_t i = 0; i < c->expected.count; i++) {
        golden_text(file, c->expected.names[i], sizeof c->expected.names[i]);
        c->expected.values[i] = golden_number(file);
    }
    return true;
}

static lam_model *identity_model(size_t width, const char *activation)
{
    float *parameters = calloc((width + 1) * width, sizeof *parameters);
    cr_assert_not_null(parameters);
    for (size_t i = 0; i < width; i++)
        parameters[i * width + i] = 1.0f;
    lam_model *model = lam_model_new(width);
    lam_model_dense(model, width, activation);
    cr_assert_eq(lam_model_set_parameters(model, parameters, (width + 1) * width), LAM_OK, "%s",
                 lam_error_message());
    free(parameters);
    return model;
}

static void evaluate(const sample_case *c, const lam_model *model, size_t batch_size,
                     size_t threads)
{
    char names[256] = "";
    for (size_t i = 0; i < c->expected.count; i++) {
        if (strcmp(c->expected.names[i], "loss") == 0)
            continue;
        strcat(names, *names ? "," : "");
        strcat(names, c->expected.names[i]);
    }
    lam_fit_options options = lam_fit_options_default();
    options.loss = c->loss;
    options.metrics = names;
    options.batch_size = batch_size;
    options.threads = threads;
    options.threshold = c->threshold;
    options.tolerance = c->tolerance;
    lam_scores scores;
    cr_assert_eq(lam_evaluate(model, c->data, &options, &scores), LAM_OK, "%s: %s", c->name,
                 lam_error_message());
    cr_expect_eq(scores.samples, c->rows);
    cr_expect_eq(scores.metrics, c->expected.count - 1);
    for (size_t i = 0; i < c->expected.count; i++) {
        const char *name = c->expected.names[i];
        const double expected = c->expected.values[i], found = lam_scores_get(&scores, name);
        const double allowed = strcmp(name, "loss") == 0 || strcmp(name, "mean_absolute_error") == 0
                                   ? LOSS_TOLERANCE * (1.0 + fabs(expected))
                                   : METRIC_TOLERANCE;
        cr_expect(isnan(expected) ? isnan(found) : fabs(found - expected) <= allowed,
                  "%s, batch size %zu, %zu threads: %s is %.15g, scikit-learn has %.15g", c->name,
                  batch_size, threads, name, found, expected);
    }
}

Test(metrics_golden, as_scikit_learn)
{
    golden *file = golden_open("metrics.txt");
    sample_case c;
    size_t cases = 0;
    for (; read_case(file, &c); cases++) {
        const size_t batch_sizes[] = {c.rows, 7, 64, 1};
        lam_model *model = identity_model(c.width, c.activation);
        for (size_t i = 0; i < sizeof batch_sizes / sizeof *batch_sizes; i++)
            for (size_t threads = 1; threads <= 3; threads += 2)
                evaluate(&c, model, batch_sizes[i], threads);
        lam_model_free(model);
        lam_dataset_free(c.data);
    }
    cr_expect_geq(cases, 15);
    golden_close(file);
}
