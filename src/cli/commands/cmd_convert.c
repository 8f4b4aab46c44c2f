/* cmd_convert.c: lamina convert. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lamina/lamina.h>

#include "cli/cli.h"
#include "cli/output_path.h"
#include "convert_integers.h"

/* Random inputs of the comparison, and the largest difference that is rounding. */
enum { COMPARED_ROWS = 256, COMPARED_SEED = 1 };
static const double MOST_DIFFERENCE = 1e-3;

typedef struct convert_request {
    const char *input, *output;
    bool no_transform, force;
    lam_import_options in;
    lam_export_options out;
    cli_integers integers;
} convert_request;

static int parse(convert_request *request, const cli_command *command, int argc, char **argv)
{
    int operands;
    const int status = cli_read_arguments(command, 0, argc, argv, request, &operands);
    if (status != CLI_SUCCESS)
        return status;
    if (operands != 2) {
        cli_error("convert takes two files, IN and OUT, not %d", operands);
        return CLI_USAGE;
    }
    request->input = argv[0];
    request->output = argv[1];
    request->out.transform = !request->no_transform;
    return CLI_SUCCESS;
}

/* OUT, and the header that C source has beside it. Values beside IN are read as IN is. */
static int check_files(const convert_request *request, const lam_model_format_info *to)
{
    char header[4096], values[4096]; /* ONNX: PyTorch puts weights beside the file by this name */
    const int named = snprintf(values, sizeof values, "%s.data", request->input);
    cli_output output = {.path = request->output,
                         .inputs = {request->input, request->integers.calibrate,
                                    request->integers.evaluate,
                                    named > 0 && (size_t)named < sizeof values ? values : NULL},
                         .force = request->force};
    const int status = cli_check_output(&output);
    const size_t length = strlen(request->output);
    if (status != CLI_SUCCESS || strcmp(to->name, "c") != 0 || length < 3 ||
        strcmp(request->output + length - 2, ".c") != 0 || length >= sizeof header)
        return status;
    memcpy(header, request->output, length + 1);
    header[length - 1] = 'h';
    output.path = header;
    return cli_check_output(&output);
}

/* What can be known to be wrong before the input is read. */
static int check_request(const convert_request *request, lam_model_format_info *to)
{
    const char *name =
        request->out.format ? request->out.format : lam_model_format_by_extension(request->output);
    lam_model_format_info from;
    if (request->in.format && lam_model_format(request->in.format, &from) != LAM_OK)
        return cli_refused();
    if (!name) {
        cli_error("the extension of '%s' is not that of a model format: name the format with --to",
                  request->output);
        return CLI_USAGE;
    }
    if (lam_model_format(name, to) != LAM_OK)
        return cli_refused();
    if (!to->can_write) {
        cli_error("'%s' can be read but not written", to->name);
        return CLI_USAGE;
    }
    if (request->out.name && strcmp(to->name, "c") != 0) {
        cli_error("--name '%s' applies to C source only, not to '%s'", request->out.name, to->name);
        return CLI_USAGE;
    }
    int status = cli_check_integers(&request->integers, to->name, request->out.transform);
    if (status == CLI_SUCCESS)
        status = cli_check_printing(request->input);
    if (status == CLI_SUCCESS)
        status = cli_check_extension(request->output, to->name, "OUT");
    return status == CLI_SUCCESS ? check_files(request, to) : status;
}

static void print_file(const char *label, const char *path, const char *format)
{
    struct stat info;
    char plain[512], size[32];
    const uint64_t bytes = stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
    printf("%-12s%s, %s, %s\n", label, lam_printable(path, plain, sizeof plain), format,
           cli_format_bytes(bytes, size, sizeof size));
}

static void print_model(const lam_model *model)
{
    char count[32];
    printf("%-12s%zu", "network", lam_model_features(model));
    for (size_t i = 0; i < lam_model_layers(model); i++) {
        lam_layer_info info;
        char plain[128];
        if (lam_model_layer(model, i, &info) != LAM_OK)
            continue;
        if (info.parameters)
            printf(" -> %s", cli_format_layer(model, i, plain, sizeof plain));
    }
    printf(", %s parameters\n", cli_format_count(lam_model_parameters(model), count, sizeof count));
}

/* What the import left out, took for granted and checked. */
static void print_report(const lam_import_report *report)
{
    char plain[1024];
    for (size_t i = 0; i < lam_import_report_lines(report); i++) {
        const lam_import_line *line = lam_import_report_line(report, i);
        printf("%-12s%s\n", line->key, lam_printable(line->value, plain, sizeof plain));
    }
}

/* Removes what was written, which is wrong: of a symbolic link the file that it names. */
static int remove_output(const convert_request *request)
{
    char *file = realpath(request->output, NULL);
    remove(file ? file : request->output);
    free(file);
    return CLI_FAILURE;
}

/* Reads the written file back and runs both. */
static int compare(const convert_request *request, const lam_model_format_info *to,
                   lam_model *model)
{
    lam_import_options options = lam_import_options_default();
    double largest = 0.0;
    if (!to->can_read) {
        printf("%-12snot: '%s' can be written but not read back\n", "compared", to->name);
        return CLI_SUCCESS;
    }
    options.format = to->name;
    lam_model *back = lam_model_import(request->output, &options);
    if (!back) {
        cli_failed();
        return remove_output(request);
    }
    /* without the transform in the file, the model is compared without it */
    lam_status status =
        request->out.transform ? LAM_OK : lam_model_scale_input(model, 0.0f, 1.0f, 0.0f, 1.0f);
    if (status == LAM_OK)
        status = lam_model_compare_relative(model, back, COMPARED_ROWS, COMPARED_SEED, &largest);
    lam_model_free(back);
    if (status != LAM_OK) {
        cli_failed();
        return remove_output(request);
    }
    if (!(largest <= MOST_DIFFERENCE)) {
        cli_error("'%s' would not be the same network: read back, it differs by %.3g relative to "
                  "the outputs; it was removed",
                  request->output, largest);
        return remove_output(request);
    }
    printf("%-12sOUT, read back, with what was read from IN: largest difference %.3g relative to "
           "the outputs, over %d random inputs\n",
           "compared", largest, COMPARED_ROWS);
    return CLI_SUCCESS;
}

/* Writes OUT and shows that it is the same network, or what 8-bit integers cost. */
static int write_output(const convert_request *request, const lam_model_format_info *to,
                        lam_model *model)
{
    if (request->integers.kind) {
        const int status =
            cli_convert_integers(&request->integers, model, request->output, request->out.name);
        if (status == CLI_SUCCESS)
            print_file("written", request->output, to->name);
        return status;
    }
    if (lam_model_export(model, request->output, &request->out) != LAM_OK)
        return cli_refused();
    print_file("written", request->output, to->name);
    return compare(request, to, model);
}

static int convert(const convert_request *request, const lam_model_format_info *to)
{
    const char *from = request->in.format;
    if (!from && !(from = lam_model_format_by_content(request->input)))
        return cli_failed();
    lam_import_report *report;
    lam_model *model = lam_model_import_report(request->input, &request->in, &report);
    if (!model) {
        lam_import_report_free(report);
        return cli_refused();
    }
    print_file("read", request->input, from);
    print_model(model);
    print_report(report);
    lam_import_report_free(report);
    const int status = write_output(request, to, model);
    lam_model_free(model);
    return status;
}

static int run_convert(const cli_command *command, int argc, char **argv)
{
    convert_request request = {
        .in = lam_import_options_default(),
        .out = lam_export_options_default(),
    };
    lam_model_format_info to;
    int status = parse(&request, command, argc, argv);
    if (status == CLI_SUCCESS)
        status = check_request(&request, &to);
    if (status == CLI_SUCCESS &&
        !(cli_take_input(&request.input) && cli_take_input(&request.integers.calibrate) &&
          cli_take_input(&request.integers.evaluate)))
        status = CLI_FAILURE;
    return status == CLI_SUCCESS ? convert(&request, &to) : status;
}

static const cli_flag flags[] = {
    {.name = "from",
     .argument = "FORMAT",
     .help = "format of IN",
     .default_value = "recognized by its content",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, in.format)},
    {.name = "to",
     .argument = "FORMAT",
     .help = "format of OUT",
     .default_value = "chosen by its extension",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, out.format)},
    {.name = "layers",
     .argument = "LAYERS",
     .help = "bare weights, or a module of an unknown class: the architecture, as in train; "
             "batch_norm[:EPSILON][:ACTIVATION] is accepted too and becomes part of the layer "
             "before it",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, in.layers)},
    {.name = "map",
     .argument = "NAMES",
     .help = "bare weights: the arrays of the dense layers in order, WEIGHT+BIAS or WEIGHT, "
             "separated by commas",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, in.map)},
    {.name = "order",
     .argument = "ORDER",
     .help =
         "bare weights: order of a weight's dimensions, out,in as in PyTorch or in,out as in Keras",
     .default_value = "inferred from names, else from shapes",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, in.order)},
    {.name = "scale",
     .argument = "LO,HI",
     .help = "bare weights: map bytes 0..255 to LO..HI before the first layer; "
             "FROM_LO,FROM_HI,LO,HI maps another range",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, in.scale)},
    {.name = "name",
     .argument = "NAME",
     .help = "C source: prefix of the names in it",
     .default_value = "the name of OUT",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, out.name)},
    {.name = "quantize",
     .argument = "KIND",
     .help = "C source: int8 stores weights and values as bytes, a quarter of the size",
     .default_value = "floats stay",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, integers.kind)},
    {.name = "calibrate",
     .argument = "DATA",
     .help =
         "with --quantize: data like what the network will see, to find the ranges of the bytes",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, integers.calibrate)},
    {.name = "evaluate",
     .argument = "DATA",
     .help =
         "with --quantize: data to measure the loss of accuracy on; its test split if it has one",
     .default_value = "those of --calibrate",
     .kind = CLI_TEXT,
     .offset = offsetof(convert_request, integers.evaluate)},
    {.name = "force",
     .help = "replace OUT even if Lamina did not write it; input files are never replaced",
     .kind = CLI_SWITCH,
     .offset = offsetof(convert_request, force)},
    {.name = "no-transform",
     .help = "leave the input transform out: the program that runs OUT must scale the input",
     .kind = CLI_SWITCH,
     .offset = offsetof(convert_request, no_transform)},
};

static const char *const details[] = {
    "A network from another program is run as its file describes it, step by step in double "
    "precision, and compared with the model made from it; the program that wrote the file is not "
    "consulted. Afterwards OUT is read back, if its format can be read, and compared again. If "
    "the conversion fails, no OUT is left. IN and DATA may be pipes, or - for standard input.",
    "What the file holds but a Lamina model cannot is listed as left out, and what it does not "
    "say as assumed.",
    NULL};

static const char *const examples[] = {"lamina convert weights.safetensors model.safetensors "
                                       "--layers 128:relu,10:softmax --scale -1,1",
                                       "a model from bare weights",
                                       "lamina convert module.pt model.safetensors",
                                       "a whole Sequential of PyTorch", NULL};

const cli_command cli_convert = {
    .name = "convert",
    .operands = "IN OUT [OPTION]...",
    .summary = "Convert a model file from one format to another.",
    .flags = flags,
    .flag_count = sizeof flags / sizeof *flags,
    .details = details,
    .lists_formats = true,
    .examples = examples,
    .run = run_convert,
};
