/* cmd_inspect.c: lamina inspect. */
#include <string.h>
#include <sys/stat.h>

#include <lamina/lamina.h>

#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/output_path.h"
#include "inspect_file.h"
#include "show_checkpoint.h"

/* Files of our own up to this size are read whole, which takes a moment, and their checksum is
 * compared; of larger ones only what is shown. */
enum { WHOLE_MOST = 64 << 20 };

typedef struct inspect_request {
    const char *file;
    bool json, check;
    bool whole;                   /* read and checked */
    lam_model_contents *contents; /* NULL of a model of Lamina, which tells everything itself */
    bool own;                     /* it is one, or was meant to be */
} inspect_request;

static int parse(inspect_request *request, const cli_command *command, int argc, char **argv)
{
    int operands;
    const int status = cli_read_arguments(command, 0, argc, argv, request, &operands);
    if (status != CLI_SUCCESS)
        return status;
    if (operands != 1) {
        cli_error("inspect takes one model file, not %d", operands);
        return CLI_USAGE;
    }
    request->file = argv[0];
    return cli_check_printing(request->file);
}

static uint64_t file_size(const char *file)
{
    struct stat info;
    return stat(file, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static size_t class_names(const lam_model *model)
{
    size_t count = 0;
    while (lam_model_class_name(model, count))
        count++;
    return count;
}

static void print_transform(const lam_model *model)
{
    lam_transform_info info;
    lam_model_transform(model, &info);
    switch (info.kind) {
    case LAM_TRANSFORM_NONE:
        printf("as they are");
        break;
    case LAM_TRANSFORM_SCALE:
        printf("scaled from %g..%g to %g..%g", (double)info.from_lo, (double)info.from_hi,
               (double)info.to_lo, (double)info.to_hi);
        break;
    case LAM_TRANSFORM_STANDARDIZE:
        printf("standardized, each by its mean and deviation");
        break;
    }
}

static const char *column_kind(const lam_column_info *column)
{
    return column->kind == LAM_COLUMN_NUMBER ? "number"
           : column->kind == LAM_COLUMN_TEXT ? "text"
                                             : "ignored";
}

/* What samples are made from, in lines of their own where that is more than numbers. */
static void print_source(const lam_model *model)
{
    lam_input_info info;
    lam_model_input(model, &info);
    if (info.kind == LAM_INPUT_IMAGE)
        printf("%-12simages of %zu x %zu pixels, %s%s\n", "from", info.width, info.height,
               info.channels == 1 ? "gray" : "rgb", info.invert ? ", inverted" : "");
    for (size_t i = 0; i < info.columns; i++) {
        lam_column_info column;
        char plain[128];
        if (lam_model_column(model, i, &column) != LAM_OK)
            continue;
        printf("%-12s%s: %s", i == 0 ? "from" : "", lam_printable(column.name, plain, sizeof plain),
               column_kind(&column));
        if (column.kind == LAM_COLUMN_TEXT)
            printf(" of %zu %s", column.category_count, column.target ? "classes" : "categories");
        if (column.has_fill)
            printf(", %g where missing", (double)column.fill);
        printf("%s\n", column.target ? ", to be predicted" : "");
    }
}

/* Number `from` and those after it, such as "  l1 0.001", but for what is 0 or left to the options
 * of a run. */
static void print_numbers(const lam_model *model, size_t layer, size_t from)
{
    const char *name;
    float value;
    for (size_t i = from; i < lam_model_layer_numbers(model, layer); i++)
        if (lam_model_layer_number(model, layer, i, &name, &value) == LAM_OK &&
            value != LAM_INHERIT && value != 0.0f)
            printf("  %s %g", name, (double)value);
}

static void print_layers(const lam_model *model)
{
    char count[32];
    const size_t layers = lam_model_layers(model);
    printf("\n%5s  %-10s  %14s  %-14s %12s\n", "layer", "type", "shape", "activation",
           "parameters");
    for (size_t i = 0; i < layers; i++) {
        lam_layer_info info;
        char shape[48], text[64], plain[64] = "";
        if (lam_model_layer(model, i, &info) != LAM_OK)
            continue;
        snprintf(shape, sizeof shape, "%zu x %zu", info.inputs, info.outputs);
        const char *first;
        float value;
        const bool bare =
            !info.activation && lam_model_layer_number(model, i, 0, &first, &value) == LAM_OK;
        if (bare) /* its first number has room where the activation of others stands */
            snprintf(plain, sizeof plain, "%s %g", first, (double)value);
        else if (info.activation)
            lam_printable(info.activation, plain, sizeof plain);
        printf("%5zu  %-10s  %14s  %-14s %12s", i, lam_printable(info.type, text, sizeof text),
               shape, plain, cli_format_count(info.parameters, count, sizeof count));
        print_numbers(model, i, bare ? 1 : 0);
        putchar('\n');
    }
    printf("%5s  %-10s  %14s  %-14s %12s\n\n", "", "", "", "all",
           cli_format_count(lam_model_parameters(model), count, sizeof count));
}

/* The names, as many to a line as fit. */
static void print_class_names(const lam_model *model, size_t width)
{
    const size_t count = class_names(model);
    char name[128];
    size_t at = 12;
    if (count == 0)
        return;
    printf("%-12s", "classes");
    for (size_t i = 0; i < count; i++) {
        lam_printable(lam_model_class_name(model, i), name, sizeof name);
        const size_t length = strlen(name) + (i + 1 < count);
        if (at > 12 && at + 1 + length > width) {
            printf("\n%12s", "");
            at = 12;
        }
        at += (size_t)printf("%s%s%s", at > 12 ? " " : "", name, i + 1 < count ? "," : "");
    }
    putchar('\n');
}

static void print_model(const lam_model *model, const char *file)
{
    char size[32], plain[512];
    const char *loss = lam_model_loss(model);
    printf("%-12s%s, %s\n", "file", lam_printable(file, plain, sizeof plain),
           cli_format_bytes(file_size(file), size, sizeof size));
    printf("%-12s%zu values, ", "input", lam_model_features(model));
    print_transform(model);
    putchar('\n');
    print_source(model);
    print_layers(model);
    printf("%-12s%s\n", "loss", loss ? lam_printable(loss, plain, sizeof plain) : "none yet");
    print_class_names(model, cli_terminal_width(1));
}

static void write_transform(cli_json *json, const lam_model *model)
{
    lam_transform_info info;
    lam_model_transform(model, &info);
    cli_json_open_object(json, "transform");
    switch (info.kind) {
    case LAM_TRANSFORM_NONE:
        cli_json_string(json, "kind", "none");
        break;
    case LAM_TRANSFORM_SCALE:
        cli_json_string(json, "kind", "scale");
        cli_json_number(json, "from_lo", (double)info.from_lo);
        cli_json_number(json, "from_hi", (double)info.from_hi);
        cli_json_number(json, "to_lo", (double)info.to_lo);
        cli_json_number(json, "to_hi", (double)info.to_hi);
        break;
    case LAM_TRANSFORM_STANDARDIZE:
        cli_json_string(json, "kind", "standardize");
        cli_json_floats(json, "mean", info.mean, lam_model_features(model));
        cli_json_floats(json, "std", info.std, lam_model_features(model));
        break;
    }
    cli_json_close_object(json);
}

static void write_source(cli_json *json, const lam_model *model)
{
    static const char *const kinds[] = {"values", "image", "table"};
    lam_input_info info;
    lam_model_input(model, &info);
    cli_json_open_object(json, "input");
    cli_json_string(json, "kind", kinds[info.kind]);
    if (info.kind == LAM_INPUT_IMAGE) {
        cli_json_count(json, "width", info.width);
        cli_json_count(json, "height", info.height);
        cli_json_count(json, "channels", info.channels);
        cli_json_bool(json, "invert", info.invert);
    }
    if (info.kind == LAM_INPUT_TABLE)
        cli_json_open_array(json, "columns");
    for (size_t i = 0; i < info.columns; i++) {
        lam_column_info column;
        if (lam_model_column(model, i, &column) != LAM_OK)
            continue;
        cli_json_open_object(json, NULL);
        cli_json_string(json, "name", column.name);
        cli_json_string(json, "kind", column_kind(&column));
        cli_json_bool(json, "target", column.target);
        if (column.has_fill)
            cli_json_number(json, "fill", (double)column.fill);
        if (column.kind == LAM_COLUMN_TEXT) {
            cli_json_open_array(json, "categories");
            for (size_t c = 0; c < column.category_count; c++)
                cli_json_string(json, NULL, column.categories[c]);
            cli_json_close_array(json);
        }
        cli_json_close_object(json);
    }
    if (info.kind == LAM_INPUT_TABLE)
        cli_json_close_array(json);
    cli_json_close_object(json);
}

/* Strengths are null where the training options decide. */
static void write_numbers(cli_json *json, const lam_model *model, size_t layer)
{
    const char *name;
    float value;
    for (size_t i = 0; i < lam_model_layer_numbers(model, layer); i++) {
        if (lam_model_layer_number(model, layer, i, &name, &value) != LAM_OK)
            continue;
        if (value == LAM_INHERIT)
            cli_json_string(json, name, NULL);
        else
            cli_json_number(json, name, (double)value);
    }
}

static void write_layers(cli_json *json, const lam_model *model)
{
    cli_json_open_array(json, "layers");
    for (size_t i = 0; i < lam_model_layers(model); i++) {
        lam_layer_info info;
        if (lam_model_layer(model, i, &info) != LAM_OK)
            continue;
        cli_json_open_object(json, NULL);
        cli_json_string(json, "type", info.type);
        cli_json_count(json, "inputs", info.inputs);
        cli_json_count(json, "outputs", info.outputs);
        cli_json_count(json, "parameters", info.parameters);
        if (info.activation)
            cli_json_string(json, "activation", info.activation);
        write_numbers(json, model, i);
        cli_json_close_object(json);
    }
    cli_json_close_array(json);
}

static void write_file(cli_json *json, const char *file)
{
    cli_json_open_object(json, NULL);
    cli_json_string(json, "file", file);
    cli_json_count(json, "bytes", (size_t)file_size(file));
}

static void write_model(const lam_model *model, const inspect_request *request,
                        const lam_checkpoint *checkpoint)
{
    cli_json json = {.file = stdout};
    write_file(&json, request->file);
    cli_json_bool(&json, "checked", request->whole);
    cli_json_count(&json, "features", lam_model_features(model));
    cli_json_count(&json, "outputs", lam_model_outputs(model));
    cli_json_count(&json, "parameters", lam_model_parameters(model));
    cli_json_string(&json, "loss", lam_model_loss(model));
    write_source(&json, model);
    write_transform(&json, model);
    cli_json_open_array(&json, "class_names");
    for (size_t i = 0; lam_model_class_name(model, i); i++)
        cli_json_string(&json, NULL, lam_model_class_name(model, i));
    cli_json_close_array(&json);
    write_layers(&json, model);
    if (request->contents)
        cli_write_contents(&json, request->contents);
    cli_write_checkpoint(&json, checkpoint);
    cli_json_close_object(&json);
    cli_json_end_line(&json);
}

/* A model of Lamina tells everything itself; of other files it is told what they hold, too. */
static bool is_own(const lam_model_contents *contents)
{
    for (size_t i = 0; i < lam_model_contents_facts(contents); i++)
        if (strcmp(lam_model_contents_fact(contents, i)->key, "lamina") == 0)
            return true;
    return false;
}

static int inspect_model(const inspect_request *request, const lam_model *model)
{
    lam_checkpoint *checkpoint = request->whole /* NULL: a model alone */
                                     ? lam_checkpoint_open(request->file)
                                     : lam_checkpoint_peek(request->file);
    if (request->json) {
        write_model(model, request, checkpoint);
    } else {
        print_model(model, request->file);
        if (!request->whole)
            printf(
                "%-12snot verified, and parameters not read, in a file of this size: see --check\n",
                "checksum");
        cli_print_checkpoint(checkpoint);
        if (request->contents) {
            printf("%-12s%s\n", "format", lam_model_contents_format(request->contents));
            cli_print_contents(request->contents);
        }
    }
    lam_checkpoint_free(checkpoint);
    return CLI_SUCCESS;
}

/* A file that is no model as it is: what it holds, and what is missing. */
static int inspect_contents(const inspect_request *request, lam_status why, const char *message)
{
    char size[32], plain[512];
    const lam_model_contents *contents = request->contents;
    if (lam_model_contents_arrays(contents) == 0) {
        cli_error("%s", message);
        return CLI_FAILURE;
    }
    if (request->json) {
        cli_json json = {.file = stdout};
        write_file(&json, request->file);
        cli_json_string(&json, "refused", message);
        cli_write_contents(&json, contents);
        cli_json_close_object(&json);
        cli_json_end_line(&json);
    } else {
        printf("%-12s%s, %s\n", "file", lam_printable(request->file, plain, sizeof plain),
               cli_format_bytes(file_size(request->file), size, sizeof size));
        printf("%-12s%s\n", "format", lam_model_contents_format(contents));
        cli_print_contents(contents);
        printf("%s: %s\n", why == LAM_OK ? "the network" : "not a model as it is",
               lam_printable(message, plain, sizeof plain));
    }
    /* bare weights are sound; they want --layers of convert */
    return why == LAM_OK || why == LAM_ERR_ARGUMENT ? CLI_SUCCESS : CLI_FAILURE;
}

/* What there is to read of a file. */
typedef enum reading { READ_WHOLE, READ_STRUCTURE, READ_ARRAYS } reading;

/* Of a large file its list of arrays is enough, where that comes without their values: of
 * safetensors, and of PyTorch's archives. */
static reading choose_reading(const inspect_request *request)
{
    if (request->check || file_size(request->file) <= WHOLE_MOST)
        return READ_WHOLE;
    if (request->own)
        return READ_STRUCTURE;
    const char *format = lam_model_contents_format(request->contents);
    const bool header = format &&
                        (strcmp(format, "safetensors") == 0 || strcmp(format, "pytorch") == 0) &&
                        lam_model_contents_status(request->contents) == LAM_OK;
    return header ? READ_ARRAYS : READ_WHOLE;
}

/* The contents of a file, not kept where its model tells them: of a long description one copy is
 * enough. */
static void read_contents(inspect_request *request)
{
    request->contents = lam_model_contents_read(request->file);
    request->own = is_own(request->contents);
    if (!request->own)
        return;
    lam_model_contents_free(request->contents);
    request->contents = NULL;
}

static int inspect(inspect_request *request)
{
    const reading chosen = choose_reading(request);
    request->whole = chosen == READ_WHOLE;
    const char *format = lam_model_contents_format(request->contents);
    if (chosen == READ_ARRAYS && strcmp(format, "safetensors") != 0)
        return inspect_contents(request, LAM_OK, "not read in a file of this size: see --check");
    if (chosen == READ_ARRAYS)
        return inspect_contents(request, LAM_ERR_ARGUMENT,
                                "bare weights, without the network that uses them: give lamina "
                                "convert the architecture with --layers");
    lam_model *model = request->whole ? lam_model_import(request->file, NULL)
                                      : lam_model_load_structure(request->file);
    if (!model) {
        char message[1024];
        snprintf(message, sizeof message, "%s", lam_error_message());
        return inspect_contents(request, lam_error_status(), message);
    }
    const int status = inspect_model(request, model);
    lam_model_free(model);
    return status;
}

static int run_inspect(const cli_command *command, int argc, char **argv)
{
    inspect_request request = {0};
    int status = parse(&request, command, argc, argv);
    if (status != CLI_SUCCESS)
        return status;
    if (!cli_take_input(&request.file))
        return CLI_FAILURE;
    read_contents(&request);
    status = inspect(&request);
    lam_model_contents_free(request.contents);
    return status;
}

static const cli_flag flags[] = {
    {.name = "check",
     .help = "read files over 64 MB whole as well, and verify the checksum",
     .kind = CLI_SWITCH,
     .offset = offsetof(inspect_request, check)},
    {.name = "json",
     .help = "print one JSON object",
     .kind = CLI_SWITCH,
     .offset = offsetof(inspect_request, json)},
};

static const char *const details[] = {"MODEL may be a pipe, or - for standard input.", NULL};

static const char *const examples[] = {"lamina inspect fashion.safetensors",
                                       "layers and sizes",
                                       "lamina inspect fashion.safetensors --json",
                                       "everything, mean and deviation of the input included",
                                       "lamina inspect weights.pt",
                                       "the arrays of another program's file",
                                       NULL};

const cli_command cli_inspect = {
    .name = "inspect",
    .operands = "MODEL [OPTION]...",
    .summary = "Show the layers, shapes and input transform of a model file or checkpoint, or of "
               "another program's model.",
    .flags = flags,
    .flag_count = sizeof flags / sizeof *flags,
    .details = details,
    .examples = examples,
    .run = run_inspect,
};
