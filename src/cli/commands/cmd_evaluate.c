/* cmd_evaluate.c: lamina evaluate. */
#include <string.h>

#include <lamina/lamina.h>

#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/output_path.h"
#include "presets.h"

typedef struct evaluate_request {
    const char *model, *data;
    lam_split split;
    bool json, split_given;
    lam_load_options load;
    lam_fit_options fit;
} evaluate_request;

static int parse(evaluate_request *request, const cli_command *command, int argc, char **argv)
{
    int operands;
    request->split = LAM_SPLIT_TEST;
    request->load = lam_load_options_default();
    request->fit = lam_fit_options_default();
    cli_flags given;
    if (!cli_flags_open(&given, command, offsetof(evaluate_request, fit)))
        return CLI_FAILURE;
    const int status = cli_parse(&given, argc, argv, request, &operands);
    request->split_given = cli_was_given(&given, "split");
    cli_flags_close(&given);
    if (status != CLI_SUCCESS)
        return status;
    if (operands != 2) {
        cli_error("evaluate takes a model file and a data set, not %d operand%s", operands,
                  operands == 1 ? "" : "s");
        return CLI_USAGE;
    }
    request->model = argv[0];
    request->data = argv[1];
    const int apart = cli_check_printing(request->model);
    return apart == CLI_SUCCESS ? cli_check_printing(request->data) : apart;
}

static void print_figure(const char *name, double value)
{
    char text[32];
    printf("%-24s %12s\n", name, cli_format_figure(value, text, sizeof text));
}

static void print_table(const lam_scores *scores)
{
    char text[32];
    printf("%-24s %12s\n", "samples", cli_format_count(scores->samples, text, sizeof text));
    print_figure("loss", scores->loss);
    if (scores->regularization_loss > 0.0) {
        print_figure("data_loss", scores->data_loss);
        print_figure("regularization_loss", scores->regularization_loss);
    }
    for (size_t i = 0; i < scores->metrics; i++)
        print_figure(scores->names[i], scores->values[i]);
}

/* accuracy, precision and recall are always there: null where they mean nothing. */
static void print_json(const lam_scores *scores)
{
    static const char *const always[] = {"accuracy", "precision", "recall"};
    cli_json json = {.file = stdout};
    cli_json_open_object(&json, NULL);
    cli_json_count(&json, "samples", scores->samples);
    cli_json_number(&json, "loss", scores->loss);
    cli_json_number(&json, "data_loss", scores->data_loss);
    cli_json_number(&json, "regularization_loss", scores->regularization_loss);
    for (size_t a = 0; a < sizeof always / sizeof *always; a++)
        cli_json_number(&json, always[a], lam_scores_get(scores, always[a]));
    for (size_t i = 0; i < scores->metrics; i++) {
        bool done = false;
        for (size_t a = 0; a < sizeof always / sizeof *always; a++)
            done |= strcmp(scores->names[i], always[a]) == 0;
        if (!done)
            cli_json_number(&json, scores->names[i], scores->values[i]);
    }
    cli_json_close_object(&json);
    cli_json_end_line(&json);
}

static int evaluate(const evaluate_request *request)
{
    lam_scores scores = {0};
    lam_model *model = lam_model_load(request->model);
    if (!model)
        return cli_failed();
    lam_load_options load = request->load;
    load.like = model;
    lam_dataset *data;
    int status = cli_load_data(request->data, request->split, &load, &data);
    if (status == CLI_SUCCESS)
        status = lam_evaluate(model, data, &request->fit, &scores) == LAM_OK ? CLI_SUCCESS
                                                                             : cli_refused();
    if (status == CLI_SUCCESS && request->json)
        print_json(&scores);
    else if (status == CLI_SUCCESS)
        print_table(&scores);
    lam_dataset_free(data);
    lam_model_free(model);
    return status;
}

static int run_evaluate(const cli_command *command, int argc, char **argv)
{
    evaluate_request request = {0};
    const int status = parse(&request, command, argc, argv);
    if (status != CLI_SUCCESS)
        return status;
    if (!cli_take_input(&request.model) || !cli_take_input(&request.data))
        return CLI_FAILURE;
    const bool test = request.split_given && request.split == LAM_SPLIT_TEST;
    const int parts = cli_check_parts(request.data, &request.load, test);
    return parts == CLI_SUCCESS ? evaluate(&request) : parts;
}

static const cli_flag flags[] = {
    {.name = "split",
     .argument = "NAME",
     .help = "which part of DATA: test or train",
     .default_value = "test",
     .kind = CLI_SPLIT,
     .offset = offsetof(evaluate_request, split)},
    {.name = "loss",
     .argument = "NAME",
     .help = "loss; by default the one the model was trained with",
     .kind = CLI_FIT,
     .offset = offsetof(evaluate_request, fit)},
    {.name = "metrics",
     .argument = "NAMES",
     .help = "metrics, separated by commas; by default accuracy, precision and recall, for "
             "regression accuracy and mean_absolute_error",
     .kind = CLI_FIT,
     .offset = offsetof(evaluate_request, fit)},
    {.name = "json",
     .help = "print one JSON object",
     .kind = CLI_SWITCH,
     .offset = offsetof(evaluate_request, json)},
};

static const char *const fit_options[] = {"batch_size", "threads", "threshold", "tolerance", "l1",
                                          "l2",         "bias_l1", "bias_l2",   NULL};

static const char *const details[] = {
    "With --json, accuracy, precision and recall are always present, null where they were not "
    "computed or have nothing to divide by. MODEL and DATA may be pipes; one of them may be - "
    "for standard input.",
    NULL};

static const char *const examples[] = {
    "lamina evaluate fashion.safetensors /usr/share/datasets/fashion-mnist",
    "loss, accuracy, precision and recall on the test images",
    "lamina evaluate spiral.safetensors spiral --split train --json", "one JSON object", NULL};

const cli_command cli_evaluate = {
    .name = "evaluate",
    .operands = "MODEL DATA [OPTION]...",
    .summary = "Measure a model's loss and metrics on a data set.",
    .flags = flags,
    .flag_count = sizeof flags / sizeof *flags,
    .load_options = true,
    .load_offset = offsetof(evaluate_request, load),
    .fit_options = fit_options,
    .details = details,
    .examples = examples,
    .run = run_evaluate,
};
