/* convert_integers.c: lamina convert --quantize: the network in 8-bit integers. */
#include "convert_integers.h"

#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "presets.h"

int cli_check_integers(const cli_integers *integers, const char *format, bool transform)
{
    if (!integers->kind) {
        if (!integers->calibrate && !integers->evaluate)
            return CLI_SUCCESS;
        cli_error("--calibrate and --evaluate go with --quantize");
        return CLI_USAGE;
    }
    if (strcmp(integers->kind, "int8") != 0)
        cli_error("--quantize takes int8, not '%s'", integers->kind);
    else if (strcmp(format, "c") != 0)
        cli_error("quantized networks are written as C source, not as '%s'", format);
    else if (!integers->calibrate)
        cli_error("--quantize needs --calibrate DATA, data like what the network will see");
    else if (!transform)
        cli_error("--quantize includes the input transform: it excludes --no-transform");
    else
        return CLI_SUCCESS;
    return CLI_USAGE;
}

/* Both networks on the same data. */
static int print_loss(const lam_quantized *quantized, const lam_model *model,
                      const lam_dataset *data, const char *path)
{
    char plain[512];
    lam_fit_options options = lam_fit_options_default();
    lam_scores floats, integers;
    const bool classes = lam_dataset_classes(data) > 0;
    options.metrics = classes ? "accuracy" : "mean_absolute_error";
    if (lam_evaluate(model, data, &options, &floats) != LAM_OK ||
        lam_quantized_evaluate(quantized, data, &options, &integers) != LAM_OK)
        return cli_failed();
    const double before = lam_scores_get(&floats, options.metrics);
    const double after = lam_scores_get(&integers, options.metrics);
    lam_printable(path, plain, sizeof plain);
    if (classes)
        printf("%-12s%.4f in floats, %.4f in integers: %.2f points lost, on %zu samples of %s\n",
               "accuracy", before, after, 100 * (before - after), lam_dataset_samples(data), plain);
    else
        printf("%-12s%.6g in floats, %.6g in integers, mean absolute, on %zu samples of %s\n",
               "error", before, after, lam_dataset_samples(data), plain);
    return CLI_SUCCESS;
}

static void print_size(const lam_quantized *quantized, const lam_model *model)
{
    char bytes[32], before[32];
    const size_t size = lam_quantized_bytes(quantized), floats = 4 * lam_model_parameters(model);
    printf("%-12s%s of weights and scales instead of %s: %.1f%%\n", "integers",
           cli_format_bytes(size, bytes, sizeof bytes),
           cli_format_bytes(floats, before, sizeof before), 100.0 * (double)size / (double)floats);
}

/* The data to count on: what was asked for, else the calibration's test split, else itself. */
static int judge(const cli_integers *integers, const lam_quantized *quantized,
                 const lam_model *model, const lam_dataset *calibration,
                 const lam_load_options *load)
{
    const char *path = integers->evaluate ? integers->evaluate : integers->calibrate;
    if (!integers->evaluate && !cli_has_test_split(path, load))
        return print_loss(quantized, model, calibration, path);
    const bool split = cli_has_test_split(path, load);
    lam_dataset *data;
    int status = cli_load_data(path, split ? LAM_SPLIT_TEST : LAM_SPLIT_TRAIN, load, &data);
    if (status == CLI_SUCCESS)
        status = print_loss(quantized, model, data, path);
    lam_dataset_free(data);
    return status;
}

int cli_convert_integers(const cli_integers *integers, const lam_model *model, const char *output,
                         const char *name)
{
    lam_load_options load = lam_load_options_default();
    load.like = model;
    lam_dataset *data;
    int status = cli_load_data(integers->calibrate, LAM_SPLIT_TRAIN, &load, &data);
    if (status != CLI_SUCCESS)
        return status;
    lam_quantized *quantized = lam_quantize(model, data);
    status = quantized ? CLI_SUCCESS : cli_refused();
    if (status == CLI_SUCCESS) { /* what can fail comes before the file */
        print_size(quantized, model);
        status = judge(integers, quantized, model, data, &load);
    }
    if (status == CLI_SUCCESS && lam_quantized_export(quantized, output, name) != LAM_OK)
        status = cli_refused();
    lam_quantized_free(quantized);
    lam_dataset_free(data);
    return status;
}
