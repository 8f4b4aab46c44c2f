/* presets.c: what `lamina train DATA` does where the user left it open. */
#include "presets.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"

/* The built-in sets are small: many passes cost little, and a larger, falling rate solves them. */
static const cli_preset presets[] = {
    {.data = "spiral",
     .hidden = "64:relu,64:relu",
     .epochs = "200",
     .batch_size = "32",
     .learning_rate = "0.01",
     .decay = "1e-3"},
    {.data = "vertical",
     .hidden = "64:relu,64:relu",
     .epochs = "50",
     .batch_size = "32",
     .learning_rate = "0.01",
     .decay = "1e-3"},
    {.data = "sine",
     .hidden = "64:relu,64:relu",
     .epochs = "200",
     .batch_size = "32",
     .learning_rate = "0.005",
     .decay = "1e-3"},
    {.hidden = "128:relu,128:relu"},
};

enum { RECIPES = sizeof presets / sizeof *presets, BUILT_IN = RECIPES - 1 };

const cli_preset *cli_preset_for(const char *data)
{
    for (size_t i = 0; i < BUILT_IN; i++)
        if (strcmp(presets[i].data, data) == 0)
            return &presets[i];
    return &presets[BUILT_IN];
}

int cli_apply_preset(const cli_preset *preset, const cli_flags *flags, lam_fit_options *fit)
{
    const struct {
        const char *name, *value;
    } choices[] = {
        {"epochs", preset->epochs},
        {"batch_size", preset->batch_size},
        {"learning_rate", preset->learning_rate},
        {"decay", preset->decay},
    };
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        /* rates were chosen for the default optimizer, together */
        const bool rate = i >= 2;
        if (!choices[i].value || cli_was_given(flags, choices[i].name) ||
            (rate && (cli_was_given(flags, "optimizer") || cli_was_given(flags, "learning_rate"))))
            continue;
        if (lam_fit_options_set(fit, choices[i].name, choices[i].value) != LAM_OK)
            return cli_failed();
    }
    return CLI_SUCCESS;
}

void cli_default_layers(const cli_preset *preset, const lam_dataset *data, const lam_dataset *test,
                        bool multi_label, char *layers, size_t size)
{
    size_t classes = lam_dataset_classes(data);
    if (test && lam_dataset_classes(test) > classes)
        classes = lam_dataset_classes(test);
    if (classes)
        snprintf(layers, size, "%s,%zu:softmax", preset->hidden, classes);
    else
        snprintf(layers, size, "%s,%zu:%s", preset->hidden, lam_dataset_outputs(data),
                 multi_label ? "sigmoid" : "linear");
}

/* Which files were left out, as the user asked for. */
static void tell_skipped(const char *path, const lam_dataset *data)
{
    enum { SHOWN = 5 };
    const size_t skipped = lam_dataset_skipped(data);
    for (size_t i = 0; i < skipped && i < SHOWN; i++)
        cli_error("skipped: %s", lam_dataset_skipped_file(data, i));
    if (skipped > 0)
        cli_error("%s: %zu file%s could not be read and %s skipped, %zu samples are left", path,
                  skipped, skipped == 1 ? "" : "s", skipped == 1 ? "was" : "were",
                  lam_dataset_samples(data));
}

const char *cli_multi_label_metrics(void)
{
    return "accuracy,precision,recall";
}

int cli_load_data(const char *path, lam_split split, const lam_load_options *options,
                  lam_dataset **data)
{
    struct stat info;
    *data = lam_dataset_load(path, split, options);
    if (*data) {
        tell_skipped(path, *data);
        return CLI_SUCCESS;
    }
    const char *names[BUILT_IN];
    for (size_t i = 0; i < BUILT_IN; i++)
        names[i] = presets[i].data;
    const char *near = lam_nearest(path, names, BUILT_IN);
    if (!near || strcmp(near, path) == 0 || stat(path, &info) == 0)
        return cli_refused();
    cli_error("%s; did you mean the built-in set '%s'?", lam_error_message(), near);
    return CLI_FAILURE;
}

bool cli_has_test_split(const char *path, const lam_load_options *options)
{
    lam_data_info info;
    return lam_data_recognize(path, options, &info) == LAM_OK && info.has_test_split;
}

int cli_check_parts(const char *path, const lam_load_options *options, bool test)
{
    lam_data_info info;
    lam_load_options own = *options;
    char plain[512];
    own.test_share = 0.0;
    if (lam_data_recognize(path, &own, &info) != LAM_OK)
        return CLI_SUCCESS;
    lam_printable(path, plain, sizeof plain);
    if (options->test_share > 0.0 && info.has_test_split)
        cli_error("--test-share is not used: '%s' has its own test split", plain);
    if (!test || info.has_test_split || options->test_share > 0.0)
        return CLI_SUCCESS;
    cli_error("--split test: '%s' has no test split; --test-share X makes one, and without --split "
              "all samples are used",
              plain);
    return CLI_USAGE;
}
