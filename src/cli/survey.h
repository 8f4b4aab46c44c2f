/* survey.h: one pass over a data set: ranges, classes, distances. */
#ifndef LAMINA_CLI_SURVEY_H
#define LAMINA_CLI_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/lamina.h>

/* Of some values. */
typedef struct cli_range {
    double low, high, mean, deviation;
} cli_range;

/* What `lamina data` tells. */
typedef struct cli_survey {
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
} cli_survey;

/* Looks at every sample. Returns an exit status; cli_survey_close in any case. */
int cli_survey_run(cli_survey *survey);
void cli_survey_close(cli_survey *survey);

/* The table on stdout, or one JSON object with the first `rows` samples. */
int cli_survey_print(const cli_survey *survey, size_t rows);
int cli_survey_write(const cli_survey *survey, size_t rows);

#endif
