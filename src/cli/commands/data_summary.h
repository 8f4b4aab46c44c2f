/* data_summary.h: one pass over a data set: ranges, classes, distances. */
#ifndef LAMINA_DATA_SUMMARY_H
#define LAMINA_DATA_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/lamina.h>

/* Of some values. */
typedef struct cli_range {
    double low, high, mean, deviation;
} cli_range;

/* What `lamina data` tells. */
typedef struct cli_data_summary {
    const char *path;
    lam_split split;
    lam_data_info info;
    const lam_dataset *data;
    size_t samples, features, classes, outputs;
    cli_range all;       /* of all features */
    cli_range *feature;  /* [features] */
    cli_range *target;   /* [outputs] */
    size_t *class_count; /* [classes], or [outputs] with several classes a sample */
    bool many_classes;   /* rows of 0 and 1 that have names */
} cli_data_summary;

/* Looks at every sample. Returns an exit status; cli_data_summary_close in any case. */
int cli_data_summary_run(cli_data_summary *summary);
void cli_data_summary_close(cli_data_summary *summary);

/* The table on stdout, or one JSON object with the first `rows` samples. */
int cli_data_summary_print(const cli_data_summary *summary, size_t rows);
int cli_data_summary_write(const cli_data_summary *summary, size_t rows);

#endif
