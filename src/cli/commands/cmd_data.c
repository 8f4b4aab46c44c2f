/* cmd_data.c: lamina data. */
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "cli/cli.h"
#include "cli/output_path.h"
#include "data_summary.h"
#include "presets.h"

typedef struct data_request {
    const char *data, *sheet;
    lam_split split;
    size_t rows;
    bool json, force;
    lam_load_options load;
} data_request;

static int parse(data_request *request, const cli_command *command, int argc, char **argv)
{
    int operands;
    request->split = LAM_SPLIT_TRAIN;
    request->rows = 5;
    request->load = lam_load_options_default();
    const int status = cli_read_arguments(command, 0, argc, argv, request, &operands);
    if (status != CLI_SUCCESS)
        return status;
    if (operands != 1) {
        cli_error("data takes one data set, not %d operands", operands);
        return CLI_USAGE;
    }
    request->data = argv[0];
    const int apart = cli_check_printing(request->data);
    if (request->force && !request->sheet) {
        cli_error("--force applies to the FILE of --sheet only");
        return CLI_USAGE;
    }
    if (apart != CLI_SUCCESS || !request->sheet)
        return apart;
    const cli_output output = {
        .path = request->sheet, .inputs = {request->data}, .force = request->force};
    const int named = cli_check_extension(request->sheet, "png", "a contact sheet");
    return named == CLI_SUCCESS ? cli_check_output(&output) : named;
}

static void print_range(const cli_range *range)
{
    printf(" %12.6g %12.6g %12.6g %12.6g", range->low, range->high, range->mean, range->deviation);
}

static void print_range_heads(void)
{
    printf(" %12s %12s %12s %12s", "lowest", "highest", "mean", "deviation");
}

/* Classes with their counts, and numbers to predict with their ranges. */
static void print_targets(const cli_data_summary *summary)
{
    char name[64], count[32];
    const size_t listed = summary->classes + (summary->many_classes ? summary->outputs : 0);
    if (listed > 0)
        printf("\n%5s  %-24s %12s %8s\n", "class", "name", "samples", "share");
    for (size_t i = 0; i < listed; i++) {
        const char *known = lam_dataset_class_name(summary->data, i);
        printf("%5zu  %-24s %12s %7.2f%%\n", i,
               known ? lam_printable(known, name, sizeof name) : "",
               cli_format_count(summary->class_count[i], count, sizeof count),
               100.0 * (double)summary->class_count[i] / (double)summary->samples);
    }
    if (summary->many_classes || summary->outputs == 0)
        return;
    printf("\n%-24s", "");
    print_range_heads();
    putchar('\n');
    for (size_t o = 0; o < summary->outputs; o++) {
        char label[40];
        snprintf(label, sizeof label, "target %zu", o);
        printf("%-24s", label);
        print_range(&summary->target[o]);
        putchar('\n');
    }
}

/* Every column of a table. */
static void print_columns(const cli_data_summary *summary, size_t columns)
{
    printf("\n%-24s %-8s", "column", "kind");
    print_range_heads();
    printf(" %8s\n", "missing");
    for (size_t i = 0; i < columns; i++) {
        lam_column_info column;
        char name[64];
        if (lam_dataset_column(summary->data, i, &column) != LAM_OK)
            continue;
        printf("%-24s ", lam_printable(column.name, name, sizeof name));
        if (column.kind == LAM_COLUMN_IGNORED)
            printf("ignored");
        else if (column.kind == LAM_COLUMN_TEXT && column.target)
            printf("text     %zu classes, to be predicted", column.category_count);
        else if (column.kind == LAM_COLUMN_TEXT)
            printf("text     %12zu %-38s %8zu", column.category_count, "categories",
                   column.missing);
        else if (column.target)
            printf("number   to be predicted");
        else {
            printf("%-8s", "number");
            print_range(&summary->feature[column.first_feature]);
            printf(" %8zu", column.missing);
        }
        putchar('\n');
    }
}

static void print_first(const cli_data_summary *summary, size_t rows)
{
    enum { SHOWN = 8 };
    float *x = calloc(summary->features + summary->outputs, sizeof *x);
    for (size_t i = 0; x && i < rows && i < summary->samples; i++) {
        if (lam_dataset_sample(summary->data, i, x) != LAM_OK)
            break;
        printf("%s%6zu ", i == 0 ? "\n" : "", i);
        for (size_t f = 0; f < summary->features && f < SHOWN; f++)
            printf(" %.6g", (double)x[f]);
        printf("%s", summary->features > SHOWN ? " ..." : "");
        const int32_t class = lam_dataset_class(summary->data, i);
        const char *name =
            class >= 0 ? lam_dataset_class_name(summary->data, (size_t) class) : NULL;
        char plain[64];
        if (name)
            printf("  -> %s", lam_printable(name, plain, sizeof plain));
        else if (class >= 0)
            printf("  -> class %d", (int)class);
        else if (summary->outputs > 0 && lam_dataset_target(summary->data, i, x) == LAM_OK) {
            printf("  ->");
            for (size_t o = 0; o < summary->outputs && o < SHOWN; o++)
                printf(" %.6g", (double)x[o]);
        }
        putchar('\n');
    }
    free(x);
}

int cli_data_summary_print(const cli_data_summary *summary, size_t rows)
{
    char count[32], plain[512];
    lam_input_info input;
    lam_dataset_input(summary->data, &input);
    printf("%-12s%s\n", "data", lam_printable(summary->path, plain, sizeof plain));
    printf("%-12s%s: %s\n", "format", summary->info.format, summary->info.help);
    printf("%-12s%s%s\n", "split", summary->split == LAM_SPLIT_TEST ? "test" : "train",
           summary->info.has_test_split ? "" : ", which is all of it");
    printf("%-12s%s of %zu values, %s\n", "samples",
           cli_format_count(summary->samples, count, sizeof count), summary->features,
           lam_dataset_dtype(summary->data) == LAM_UINT8 ? "bytes" : "floats");
    if (lam_dataset_skipped(summary->data) > 0)
        printf("%-12s%zu files that could not be read\n", "skipped",
               lam_dataset_skipped(summary->data));
    if (input.kind == LAM_INPUT_IMAGE)
        printf("%-12simages of %zu x %zu pixels, %s%s\n", "from", input.width, input.height,
               input.channels == 1 ? "gray" : "rgb", input.invert ? ", inverted" : "");
    printf("%-12s%.6g to %.6g, mean %.6g, deviation %.6g\n", "values", summary->all.low,
           summary->all.high, summary->all.mean, summary->all.deviation);
    if (summary->classes > 0)
        printf("%-12s%zu classes\n", "targets", summary->classes);
    else if (summary->many_classes)
        printf("%-12sany of %zu classes\n", "targets", summary->outputs);
    else if (summary->outputs > 0)
        printf("%-12s%zu number%s\n", "targets", summary->outputs, summary->outputs > 1 ? "s" : "");
    else
        printf("%-12snone\n", "targets");
    if (input.kind == LAM_INPUT_TABLE)
        print_columns(summary, input.columns);
    print_targets(summary);
    print_first(summary, rows);
    return CLI_SUCCESS;
}

static int refuse_sheet(const data_request *request)
{
    char plain[512];
    cli_error("--sheet is for images, but the samples of '%s' are not images",
              lam_printable(request->data, plain, sizeof plain));
    return CLI_USAGE;
}

/* What nothing would use of the request, as far as it is known before the data are read. */
static int check_use(const data_request *request)
{
    lam_data_info info;
    if (request->sheet && lam_data_recognize(request->data, NULL, &info) == LAM_OK &&
        (strcmp(info.format, "csv") == 0 || strcmp(info.format, "built-in") == 0))
        return refuse_sheet(request);
    return cli_check_parts(request->data, &request->load, request->split == LAM_SPLIT_TEST);
}

static int show(const data_request *request)
{
    cli_data_summary summary = {.path = request->data, .split = request->split};
    int status = check_use(request);
    if (status != CLI_SUCCESS)
        return status;
    lam_dataset *data;
    status = cli_load_data(request->data, request->split, &request->load, &data);
    if (status != CLI_SUCCESS)
        return status;
    lam_input_info input;
    lam_dataset_input(data, &input);
    if (request->sheet && input.kind != LAM_INPUT_IMAGE)
        status = refuse_sheet(request);
    if (status == CLI_SUCCESS &&
        lam_data_recognize(request->data, &request->load, &summary.info) != LAM_OK)
        status = cli_failed();
    summary.data = data;
    if (status == CLI_SUCCESS)
        status = cli_data_summary_run(&summary);
    if (status == CLI_SUCCESS)
        status = (request->json ? cli_data_summary_write : cli_data_summary_print)(&summary,
                                                                                   request->rows);
    if (status == CLI_SUCCESS && request->sheet &&
        lam_dataset_write_sheet(data, 0, request->sheet) != LAM_OK)
        status = cli_failed();
    cli_data_summary_close(&summary);
    lam_dataset_free(data);
    return status;
}

static int run_data(const cli_command *command, int argc, char **argv)
{
    data_request request = {0};
    const int status = parse(&request, command, argc, argv);
    if (status == CLI_SUCCESS && !(request.data = cli_input_path(request.data)))
        return CLI_FAILURE;
    return status == CLI_SUCCESS ? show(&request) : status;
}

static const cli_flag flags[] = {
    {.name = "split",
     .argument = "NAME",
     .help = "which part of DATA: train or test",
     .default_value = "train",
     .kind = CLI_SPLIT,
     .offset = offsetof(data_request, split)},
    {.name = "rows",
     .argument = "N",
     .help = "show the first N samples",
     .default_value = "5",
     .kind = CLI_COUNT,
     .offset = offsetof(data_request, rows)},
    {.name = "sheet",
     .argument = "FILE",
     .help = "images: write a contact sheet to this PNG file",
     .kind = CLI_TEXT,
     .offset = offsetof(data_request, sheet)},
    {.name = "force",
     .help = "replace the contact sheet's FILE even if Lamina did not write it",
     .kind = CLI_SWITCH,
     .offset = offsetof(data_request, force)},
    {.name = "json",
     .help = "print one JSON object",
     .kind = CLI_SWITCH,
     .offset = offsetof(data_request, json)},
};

static const char *const details[] = {
    "Says what DATA was recognized as, and what is in it: samples, shapes, classes with their "
    "counts, ranges, missing values, the first samples. DATA may be a pipe, or - for standard "
    "input.",
    NULL};

static const char *const examples[] = {
    "lamina data /usr/share/datasets/fashion-mnist --sheet sheet.png",
    "classes, counts and a contact sheet", "lamina data houses.csv --target price --missing mean",
    "columns and ranges of a table", NULL};

const cli_command cli_data = {
    .name = "data",
    .operands = "DATA [OPTION]...",
    .summary = "Show what a data set was recognized as and what is in it.",
    .flags = flags,
    .flag_count = sizeof flags / sizeof *flags,
    .load_options = true,
    .load_offset = offsetof(data_request, load),
    .details = details,
    .examples = examples,
    .run = run_data,
};
