/* presets.h: what `lamina train DATA` does where the user left it open. */
#ifndef LAMINA_PRESETS_H
#define LAMINA_PRESETS_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/lamina.h>

#include "cli/args.h"

/* Choices for a data set; texts as on the command line, NULL = as in lam_fit_options_default. */
typedef struct cli_preset {
    const char *data;   /* name of a built-in set, NULL for folders */
    const char *hidden; /* hidden layers */
    const char *epochs, *batch_size, *learning_rate, *decay;
} cli_preset;

const cli_preset *cli_preset_for(const char *data);

/* Fills in what the user has not given. CLI_SUCCESS or an exit status after a message. */
int cli_apply_preset(const cli_preset *preset, const cli_flags *flags, lam_fit_options *fit);

/* "128:relu,128:relu,10:softmax": the preset's hidden layers and an output layer that fits the
 * targets of the training data and of the test data, which may be NULL. */
void cli_default_layers(const cli_preset *preset, const lam_dataset *data, const lam_dataset *test,
                        bool multi_label, char *layers, size_t size);

/* The metrics of samples that have several classes, unless others are asked for. */
const char *cli_multi_label_metrics(void);

/* Loads a data set into *data. CLI_SUCCESS, or *data = NULL and an exit status after a message,
 * with the nearest built-in name when `path` is no file. */
int cli_load_data(const char *path, lam_split split, const lam_load_options *options,
                  lam_dataset **data);

/* Tells that --test-share is not used where DATA has a test split of its own. CLI_USAGE after a
 * message when `test`, the test split, is asked for and there is none. What is wrong with data that
 * are not known is for cli_load_data to say. */
int cli_check_parts(const char *path, const lam_load_options *options, bool test);

/* Whether DATA has a test split, its own or by --test-share; false for what is no data. */
bool cli_has_test_split(const char *path, const lam_load_options *options);

#endif
