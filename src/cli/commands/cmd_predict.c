/* cmd_predict.c: lamina predict. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lamina/lamina.h>

#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/output_path.h"
#include "presets.h"

/* Rows a call of the predictor. */
enum { BATCH = 256 };

/* Values of inputs and outputs that a batch may have, unless one sample has more: 8 MB. */
enum { VALUES_MOST = 1 << 21 };

static const float USUAL_THRESHOLD = 0.5f;

typedef struct predict_request {
    const char *model;
    char **files;
    int file_count;
    size_t top;
    float threshold;
    const char *threshold_text;
    bool json;
    lam_load_options load;
} predict_request;

/* What the outputs mean. */
typedef enum output_kind {
    OUTPUT_CLASSES,   /* softmax: probabilities of classes that exclude each other */
    OUTPUT_DECISIONS, /* sigmoid: independent probabilities of yes */
    OUTPUT_VALUES     /* everything else: numbers */
} output_kind;

typedef struct predict_run {
    const predict_request *request;
    lam_model *model;
    lam_predictor *predictor;
    output_kind kind;
    size_t features, outputs;
    size_t batch;     /* samples at a time */
    float *x;         /* [batch][features] */
    float *y;         /* [batch][outputs] */
    float *decisions; /* [batch][outputs] */
    size_t *ranked;   /* [outputs] classes by falling probability */
    int name_width;   /* of class names, in columns */
    int file_width;   /* of the names of files that hold one sample; 0: each has a heading */
} predict_run;

static int parse(predict_request *request, const cli_command *command, int argc, char **argv)
{
    int operands;
    request->load = lam_load_options_default();
    request->top = 1;
    request->threshold = USUAL_THRESHOLD;
    const int status = cli_read_arguments(command, 0, argc, argv, request, &operands);
    if (status != CLI_SUCCESS)
        return status;
    if (operands < 2) {
        cli_error("predict takes a model file and at least one file of samples");
        return CLI_USAGE;
    }
    for (int i = 0, inputs = 0; i < operands; i++)
        if (strcmp(argv[i], "-") == 0 && ++inputs > 1) {
            cli_error("standard input ('-') can be read only once");
            return CLI_USAGE;
        }
    if (request->top == 0) {
        cli_error("--top takes a number of at least 1, not 0");
        return CLI_USAGE;
    }
    if (request->threshold_text && !cli_parse_float(request->threshold_text, &request->threshold)) {
        cli_error("--threshold takes a number, not '%s'", request->threshold_text);
        return CLI_USAGE;
    }
    request->model = argv[0];
    request->files = argv + 1;
    request->file_count = operands - 1;
    int apart = CLI_SUCCESS; /* the model stands before its files */
    for (int i = 0; i < operands && apart == CLI_SUCCESS; i++)
        apart = cli_check_printing(argv[i]);
    return apart;
}

/* The activation of the last layer that has one decides what the outputs are. */
static output_kind find_kind(const lam_model *model)
{
    for (size_t i = lam_model_layers(model); i > 0; i--) {
        lam_layer_info info;
        if (lam_model_layer(model, i - 1, &info) != LAM_OK || !info.activation)
            continue;
        if (strcmp(info.activation, "softmax") == 0)
            return OUTPUT_CLASSES;
        return strcmp(info.activation, "sigmoid") == 0 ? OUTPUT_DECISIONS : OUTPUT_VALUES;
    }
    return OUTPUT_VALUES;
}

/* The class's name, or its number where it has none. Returns out. */
static const char *class_label(const predict_run *run, size_t class, char *out, size_t size)
{
    const char *name = lam_model_class_name(run->model, class);
    if (name)
        return lam_printable(name, out, size);
    snprintf(out, size, "%zu", class);
    return out;
}

static int open_run(predict_run *run)
{
    run->model = lam_model_load(run->request->model);
    if (!run->model)
        return cli_failed();
    run->features = lam_model_features(run->model);
    run->outputs = lam_model_outputs(run->model);
    const size_t batch = VALUES_MOST / (run->features + 2 * run->outputs);
    run->batch = batch < 1 ? 1 : batch < BATCH ? batch : BATCH;
    run->predictor = lam_predictor_new(run->model, run->batch);
    if (!run->predictor)
        return cli_failed();
    for (int i = 0; i < run->request->file_count; i++) {
        const int width = (int)strlen(run->request->files[i]);
        run->file_width = width > run->file_width && width < 100 ? width : run->file_width;
    }
    run->kind = find_kind(run->model);
    run->x = calloc(run->features, run->batch * sizeof *run->x);
    run->y = calloc(run->outputs, run->batch * sizeof *run->y);
    run->decisions = calloc(run->outputs, run->batch * sizeof *run->decisions);
    run->ranked = calloc(run->outputs, sizeof *run->ranked);
    if (!run->x || !run->y || !run->decisions || !run->ranked) {
        cli_error("out of memory");
        return CLI_FAILURE;
    }
    for (size_t i = 0; i < run->outputs && run->kind == OUTPUT_CLASSES; i++) {
        char label[64];
        const int width = (int)strlen(class_label(run, i, label, sizeof label));
        run->name_width = width > run->name_width ? width : run->name_width;
    }
    return CLI_SUCCESS;
}

static void close_run(predict_run *run)
{
    free(run->ranked);
    free(run->decisions);
    free(run->y);
    free(run->x);
    lam_predictor_free(run->predictor);
    lam_model_free(run->model);
}

/* What by_probability compares by: qsort hands its callback nothing of the caller's. */
static const float *ranked_by;

static int by_probability(const void *a, const void *b)
{
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const float x = isnan(ranked_by[i]) ? -1.0f : ranked_by[i];
    const float y = isnan(ranked_by[j]) ? -1.0f : ranked_by[j];
    return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}

/* The first `top` entries of run->ranked: classes by falling probability, the first of equals
 * first. */
static size_t rank(const predict_run *run, const float *y)
{
    enum { FEW = 16 }; /* for more, sorting all is faster than putting each in its place */
    const size_t top = run->request->top < run->outputs ? run->request->top : run->outputs;
    for (size_t i = 0; i < run->outputs; i++) {
        size_t at = i < top ? i : top;
        run->ranked[i] = top > FEW ? i : run->ranked[i];
        if (top > FEW || (at == top && !(y[i] > y[run->ranked[top - 1]])))
            continue;
        at = at == top ? top - 1 : at;
        for (; at > 0 && y[i] > y[run->ranked[at - 1]]; at--)
            run->ranked[at] = run->ranked[at - 1];
        run->ranked[at] = i;
    }
    ranked_by = y;
    if (top > FEW)
        qsort(run->ranked, run->outputs, sizeof *run->ranked, by_probability);
    return top;
}

/* Whether the outputs decide for a class at all. */
static bool decides(const predict_run *run, const float *y)
{
    for (size_t i = 0; i < run->outputs; i++)
        if (isnan(y[i]))
            return false;
    return true;
}

/* `file` stands at the start of the line where it holds one picture. */
static void print_row(const predict_run *run, const char *file, size_t index, const float *y,
                      const float *decisions)
{
    char text[64], plain[512];
    if (file)
        printf("%-*s", run->file_width, lam_printable(file, plain, sizeof plain));
    else
        printf("%6zu", index);
    if (run->kind == OUTPUT_CLASSES && !decides(run, y)) {
        printf("  nan");
    } else if (run->kind == OUTPUT_CLASSES) {
        const size_t top = rank(run, y);
        for (size_t i = 0; i < top; i++)
            printf("  %-*s %.4f", run->name_width,
                   class_label(run, run->ranked[i], text, sizeof text), (double)y[run->ranked[i]]);
    } else {
        for (size_t i = 0; i < run->outputs; i++)
            if (run->kind == OUTPUT_DECISIONS)
                printf("  %.0f %.4f", (double)decisions[i], (double)y[i]);
            else
                printf("  %.6g", (double)y[i]);
    }
    putchar('\n');
}

static void write_class(const predict_run *run, cli_json *json, size_t class, float probability)
{
    cli_json_count(json, "class", class);
    cli_json_string(json, "name", lam_model_class_name(run->model, class));
    cli_json_number(json, "probability", (double)probability);
}

static void write_row(const predict_run *run, const char *file, size_t index, const float *y,
                      const float *decisions)
{
    cli_json json = {.file = stdout};
    cli_json_open_object(&json, NULL);
    cli_json_string(&json, "file", file);
    cli_json_count(&json, "index", index);
    if (run->kind == OUTPUT_CLASSES && !decides(run, y)) {
        cli_json_number(&json, "class", (double)NAN);
        cli_json_string(&json, "name", NULL);
        cli_json_number(&json, "probability", (double)NAN);
    } else if (run->kind == OUTPUT_CLASSES) {
        const size_t top = rank(run, y);
        write_class(run, &json, run->ranked[0], y[run->ranked[0]]);
        if (top > 1) {
            cli_json_open_array(&json, "top");
            for (size_t i = 0; i < top; i++) {
                cli_json_open_object(&json, NULL);
                write_class(run, &json, run->ranked[i], y[run->ranked[i]]);
                cli_json_close_object(&json);
            }
            cli_json_close_array(&json);
        }
    } else if (run->kind == OUTPUT_DECISIONS) {
        cli_json_floats(&json, "decisions", decisions, run->outputs);
        cli_json_floats(&json, "probabilities", y, run->outputs);
    } else {
        cli_json_floats(&json, "values", y, run->outputs);
    }
    cli_json_close_object(&json);
    cli_json_end_line(&json);
}

static int predict_batch(const predict_run *run, const lam_dataset *data, const char *file,
                         bool picture, size_t first, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        if (lam_dataset_sample(data, first + r, run->x + r * run->features) != LAM_OK)
            return cli_failed();
    if (lam_predictor_run(run->predictor, run->x, rows, run->y) != LAM_OK)
        return cli_failed();
    if (run->kind == OUTPUT_DECISIONS &&
        lam_model_decide(run->model, run->y, rows, run->request->threshold, run->decisions) !=
            LAM_OK)
        return cli_failed();
    for (size_t r = 0; r < rows; r++) {
        const float *y = run->y + r * run->outputs;
        const float *decisions = run->decisions + r * run->outputs;
        if (run->request->json)
            write_row(run, file, first + r, y, decisions);
        else
            print_row(run, picture ? file : NULL, first + r, y, decisions);
    }
    return CLI_SUCCESS;
}

/* The other commands take data sets, so a user may try one here. */
static int check_file(const char *file)
{
    struct stat info;
    const bool exists = stat(file, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        cli_error("'%s' is a folder: predict takes files of samples, such as those in it", file);
    else if (!exists && cli_preset_for(file)->data)
        cli_error("'%s' is a built-in data set: predict takes files of samples", file);
    else
        return CLI_SUCCESS;
    return CLI_FAILURE;
}

static int predict_file(const predict_run *run, const char *file)
{
    const char *path = cli_input_path(file);
    if (!path || (path == file && check_file(file) != CLI_SUCCESS))
        return CLI_FAILURE;
    lam_data_info info;
    lam_dataset *data = NULL;
    if (lam_data_recognize(path, &run->request->load, &info) == LAM_OK)
        data = lam_dataset_load_file(path, &run->request->load);
    if (!data)
        return cli_refused();
    int status = CLI_SUCCESS;
    const size_t samples = lam_dataset_samples(data), features = lam_dataset_features(data);
    const bool picture = strcmp(info.format, "image") == 0;
    char heading[512];
    if (features != run->features) {
        cli_error("%s: samples of %zu values, but the model %s takes %zu", file, features,
                  run->request->model, run->features);
        status = CLI_FAILURE;
    }
    if (status == CLI_SUCCESS && run->request->file_count > 1 && !run->request->json && !picture)
        printf("%s\n", lam_printable(file, heading, sizeof heading));
    for (size_t at = 0; at < samples && status == CLI_SUCCESS; at += run->batch)
        status = predict_batch(run, data, file, picture, at,
                               samples - at < run->batch ? samples - at : run->batch);
    lam_dataset_free(data);
    return status;
}

/* What the model's outputs have no use for. */
static int check_outputs(const predict_run *run)
{
    const predict_request *request = run->request;
    if (request->top > 1 && run->kind != OUTPUT_CLASSES) {
        cli_error(
            "--top is for models that end in softmax, whose outputs are classes; '%s' ends in %s",
            request->model, run->kind == OUTPUT_DECISIONS ? "decisions (sigmoid)" : "values");
        return CLI_USAGE;
    }
    if (request->threshold != USUAL_THRESHOLD && run->kind != OUTPUT_DECISIONS) {
        cli_error(
            "--threshold is for models that end in sigmoid, whose outputs are decisions; '%s' "
            "ends in %s",
            request->model, run->kind == OUTPUT_CLASSES ? "classes (softmax)" : "values");
        return CLI_USAGE;
    }
    return CLI_SUCCESS;
}

static int run_predict(const cli_command *command, int argc, char **argv)
{
    predict_request request = {0};
    int status = parse(&request, command, argc, argv);
    if (status != CLI_SUCCESS)
        return status;
    if (!cli_take_input(&request.model))
        return CLI_FAILURE;
    predict_run run = {.request = &request};
    status = open_run(&run);
    if (status == CLI_SUCCESS)
        status = check_outputs(&run);
    request.load.like = run.model;
    for (int i = 0; i < request.file_count && status == CLI_SUCCESS; i++)
        status = predict_file(&run, request.files[i]);
    close_run(&run);
    return status;
}

static const cli_flag flags[] = {
    {.name = "top",
     .argument = "K",
     .help = "softmax: the K most probable classes, best first",
     .default_value = "1",
     .kind = CLI_COUNT,
     .offset = offsetof(predict_request, top)},
    {.name = "threshold",
     .argument = "X",
     .help = "sigmoid: decide 1 above this probability",
     .default_value = "0.5",
     .kind = CLI_TEXT,
     .offset = offsetof(predict_request, threshold_text)},
    {.name = "json",
     .help = "print one JSON object per sample, each on a line",
     .kind = CLI_SWITCH,
     .offset = offsetof(predict_request, json)},
};

/* Options of built-in sets, folders and splits: predict takes files, all samples of each. */
static const char *const of_sets[] = {"samples",  "classes",     "data_seed", "test_share",
                                      "stratify", "multi_label", "on_error",  NULL};

static const char *const details[] = {
    "FILE holds samples: an IDX file, an image (PNG, JPEG, BMP), a table (CSV, TSV) or an array "
    "(.npy, .npz), recognized by its content, plain or gzipped; - is standard input, which MODEL "
    "may be as well. Images are converted to the size and colour the model was trained on, "
    "tables to its columns. A line is printed for each sample: its index in the file, counted "
    "from 0, or the name of an image, and for a softmax output the class and its probability, "
    "for sigmoid a decision and its probability for each output, otherwise the values.",
    NULL};

static const char *const examples[] = {
    "lamina predict fashion.safetensors t10k-images-idx3-ubyte.gz --limit 10 --top 3",
    "the three most probable classes of ten images",
    "lamina predict fashion.safetensors t10k-images-idx3-ubyte.gz --json", "one object per sample",
    NULL};

const cli_command cli_predict = {
    .name = "predict",
    .operands = "MODEL FILE... [OPTION]...",
    .summary = "Apply a model to the samples of files.",
    .flags = flags,
    .flag_count = sizeof flags / sizeof *flags,
    .load_options = true,
    .without = of_sets,
    .load_offset = offsetof(predict_request, load),
    .details = details,
    .examples = examples,
    .run = run_predict,
};
