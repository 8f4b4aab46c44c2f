/* data_summary.c: one pass over a data set: ranges and classes. */
#include "data_summary.h"

#include <math.h>
#include <stdlib.h>

#include "cli/cli.h"

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

static int look(cli_data_summary *summary, float *x, float *y)
{
    for (size_t i = 0; i < summary->samples; i++) {
        const double count = (double)i + 1.0;
        if (lam_dataset_sample(summary->data, i, x) != LAM_OK)
            return cli_failed();
        for (size_t f = 0; f < summary->features; f++)
            add(&summary->feature[f], (double)x[f], count);
        if (summary->classes > 0)
            summary->class_count[lam_dataset_class(summary->data, i)]++;
        if (summary->outputs > 0 && lam_dataset_target(summary->data, i, y) != LAM_OK)
            return cli_failed();
        for (size_t o = 0; o < summary->outputs; o++) {
            add(&summary->target[o], (double)y[o], count);
            summary->class_count[o] += y[o] == 1.0f;
            summary->many_classes &= y[o] == 0.0f || y[o] == 1.0f;
        }
    }
    return CLI_SUCCESS;
}

/* The range of all features from those of each. */
static void combine(cli_data_summary *summary)
{
    const double n = (double)summary->features;
    double square = 0.0;
    summary->all = summary->feature[0];
    summary->all.mean = 0.0;
    for (size_t f = 0; f < summary->features; f++) {
        const cli_range *one = &summary->feature[f];
        summary->all.low = one->low < summary->all.low ? one->low : summary->all.low;
        summary->all.high = one->high > summary->all.high ? one->high : summary->all.high;
        summary->all.mean += one->mean / n;
        square += (one->deviation * one->deviation + one->mean * one->mean) / n;
    }
    square -= summary->all.mean * summary->all.mean;
    summary->all.deviation = square > 0.0 ? sqrt(square) : 0.0;
}

int cli_data_summary_run(cli_data_summary *summary)
{
    summary->samples = lam_dataset_samples(summary->data);
    summary->features = lam_dataset_features(summary->data);
    summary->classes = lam_dataset_classes(summary->data);
    summary->outputs = lam_dataset_outputs(summary->data);
    summary->many_classes = summary->outputs > 0 && lam_dataset_class_name(summary->data, 0);
    float *x = calloc(summary->features, sizeof *x);
    float *y = calloc(summary->outputs + 1, sizeof *y);
    summary->feature = calloc(summary->features, sizeof *summary->feature);
    summary->target = calloc(summary->outputs + 1, sizeof *summary->target);
    summary->class_count =
        calloc(summary->classes + summary->outputs + 1, sizeof *summary->class_count);
    int status = CLI_FAILURE;
    if (!x || !y || !summary->feature || !summary->target || !summary->class_count)
        cli_error("out of memory");
    else
        status = look(summary, x, y);
    free(x);
    free(y);
    if (status != CLI_SUCCESS)
        return status;
    for (size_t f = 0; f < summary->features; f++)
        finish(&summary->feature[f], (double)summary->samples);
    for (size_t o = 0; o < summary->outputs; o++)
        finish(&summary->target[o], (double)summary->samples);
    combine(summary);
    return CLI_SUCCESS;
}

void cli_data_summary_close(cli_data_summary *summary)
{
    free(summary->feature);
    free(summary->target);
    free(summary->class_count);
}
