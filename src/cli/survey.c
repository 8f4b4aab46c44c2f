/* survey.c: one pass over a data set: ranges and classes. */
#include "survey.h"

#include <math.h>
#include <stdlib.h>

#include "cli.h"

/* One more of `count` values seen (Welford 1962). */
static void add(cli_range *range, double x, double count)
{
    const double before = x - range->mean;
    range->low = count == 1.0 || x < range->low ? x : range->low;
    range->high = count == 1.0 || x > range->high ? x : range->high;
    range->mean += before / count;
    range->deviation += before * (x - range->mean); /* a sum of squares until it is finished */
}

static void finish(cli_range *range, double count)
{
    range->deviation = count > 0.0 ? sqrt(range->deviation / count) : 0.0;
}

static int look(cli_survey *survey, float *x, float *y)
{
    for (size_t i = 0; i < survey->samples; i++) {
        const double count = (double)i + 1.0;
        if (lam_dataset_sample(survey->data, i, x) != LAM_OK)
            return cli_failed();
        for (size_t f = 0; f < survey->features; f++)
            add(&survey->feature[f], (double)x[f], count);
        if (survey->classes > 0)
            survey->class_count[lam_dataset_class(survey->data, i)]++;
        if (survey->outputs > 0 && lam_dataset_target(survey->data, i, y) != LAM_OK)
            return cli_failed();
        for (size_t o = 0; o < survey->outputs; o++) {
            add(&survey->target[o], (double)y[o], count);
            survey->class_count[o] += y[o] == 1.0f;
            survey->many_classes &= y[o] == 0.0f || y[o] == 1.0f;
        }
    }
    return CLI_SUCCESS;
}

/* The range of all features from those of each. */
static void combine(cli_survey *survey)
{
    const double n = (double)survey->features;
    double square = 0.0;
    survey->all = survey->feature[0];
    survey->all.mean = 0.0;
    for (size_t f = 0; f < survey->features; f++) {
        const cli_range *one = &survey->feature[f];
        survey->all.low = one->low < survey->all.low ? one->low : survey->all.low;
        survey->all.high = one->high > survey->all.high ? one->high : survey->all.high;
        survey->all.mean += one->mean / n;
        square += (one->deviation * one->deviation + one->mean * one->mean) / n;
    }
    square -= survey->all.mean * survey->all.mean;
    survey->all.deviation = square > 0.0 ? sqrt(square) : 0.0;
}

int cli_survey_run(cli_survey *survey)
{
    survey->samples = lam_dataset_samples(survey->data);
    survey->features = lam_dataset_features(survey->data);
    survey->classes = lam_dataset_classes(survey->data);
    survey->outputs = lam_dataset_outputs(survey->data);
    survey->many_classes = survey->outputs > 0 && lam_dataset_class_name(survey->data, 0);
    float *x = calloc(survey->features, sizeof *x);
    float *y = calloc(survey->outputs + 1, sizeof *y);
    survey->feature = calloc(survey->features, sizeof *survey->feature);
    survey->target = calloc(survey->outputs + 1, sizeof *survey->target);
    survey->class_count =
        calloc(survey->classes + survey->outputs + 1, sizeof *survey->class_count);
    int status = CLI_FAILURE;
    if (!x || !y || !survey->feature || !survey->target || !survey->class_count)
        cli_error("out of memory");
    else
        status = look(survey, x, y);
    free(x);
    free(y);
    if (status != CLI_SUCCESS)
        return status;
    for (size_t f = 0; f < survey->features; f++)
        finish(&survey->feature[f], (double)survey->samples);
    for (size_t o = 0; o < survey->outputs; o++)
        finish(&survey->target[o], (double)survey->samples);
    combine(survey);
    return CLI_SUCCESS;
}

void cli_survey_close(cli_survey *survey)
{
    free(survey->feature);
    free(survey->target);
    free(survey->class_count);
}
