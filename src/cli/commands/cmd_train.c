/* cmd_train.c: lamina train. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "cli/cli.h"
#include "cli/output_path.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "presets.h"
#include "resume_command.h"

/* What the command line asked for. */
typedef struct train_request {
    const char *data, *output, *layers, *scale, *init_from;
    bool standardize, json, quiet, force;
    lam_load_options load;
    lam_fit_options fit;
} train_request;

/* What training needs and leaves. */
typedef struct train_run {
    train_request request;
    cli_flags flags;
    lam_dataset *train, *test;
    lam_model *model;
    cli_progress progress;
    char again[4096]; /* the command line that resumes this run */
    int exit_status;  /* of a run that saves its model although something failed */
} train_run;

static lam_signal on_event(const lam_event *event, void *user)
{
    cli_progress_show(user, event);
    return cli_caught_signal() ? LAM_STOP : LAM_CONTINUE;
}

static int parse(train_run *run, const cli_command *command, int argc, char **argv)
{
    train_request *request = &run->request;
    int operands;
    request->fit = lam_fit_options_default();
    request->load = lam_load_options_default();
    if (!cli_flags_open(&run->flags, command, offsetof(train_request, fit)))
        return CLI_FAILURE;
    const int status = cli_parse(&run->flags, argc, argv, request, &operands);
    if (status != CLI_SUCCESS)
        return status;
    if (operands == 0) {
        cli_error("no data given: name a file or folder of samples, or spiral, vertical or sine");
        return CLI_USAGE;
    }
    if (operands > 1) {
        cli_error("train takes one data set: '%s' is a second one", argv[1]);
        return CLI_USAGE;
    }
    request->data = argv[0];
    if (!request->output) {
        cli_error("no output given: name the model file with -o MODEL");
        return CLI_USAGE;
    }
    static const char *const of_checkpoints[] = {"checkpoint-every", "keep"};
    for (size_t i = 0; i < sizeof of_checkpoints / sizeof *of_checkpoints; i++)
        if (cli_was_given(&run->flags, of_checkpoints[i]) && !request->fit.checkpoint) {
            cli_error("--%s needs --checkpoint DIR", of_checkpoints[i]);
            return CLI_USAGE;
        }
    if (request->init_from && cli_was_given(&run->flags, "initializer")) {
        cli_error("--initializer and --init-from exclude each other: both set the initial weights");
        return CLI_USAGE;
    }
    if (request->fit.keep_optimizer && !request->init_from) {
        cli_error("--keep-optimizer needs --init-from CHECKPOINT, whose optimizer state it keeps");
        return CLI_USAGE;
    }
    if (cli_was_given(&run->flags, "scale") && cli_was_given(&run->flags, "standardize") &&
        request->standardize && strcmp(request->scale, "none") != 0) {
        cli_error("--scale and --standardize exclude each other");
        return CLI_USAGE;
    }
    return CLI_SUCCESS;
}

/* "LO,HI" */
static bool parse_range(const char *text, float *lo, float *hi)
{
    char first[64];
    const char *comma = strchr(text, ',');
    if (!comma || (size_t)(comma - text) >= sizeof first)
        return false;
    memcpy(first, text, (size_t)(comma - text));
    first[comma - text] = '\0';
    return cli_parse_float(first, lo) && cli_parse_float(comma + 1, hi) && *lo != *hi;
}

/* Whether this build writes model files at all: to be said before training, not after. */
static int check_saving(void)
{
    const char *json = lam_build_info("json");
    if (!json || strcmp(json, "yes") == 0)
        return CLI_SUCCESS;
    cli_error("this build of Lamina writes no model files: it has no JSON library (Jansson)");
    return CLI_FAILURE;
}

/* Everything about the request that can be wrong without a look at the data. */
static int check_request(const train_request *request)
{
    float lo, hi;
    if (request->scale && strcmp(request->scale, "none") != 0 &&
        !parse_range(request->scale, &lo, &hi)) {
        cli_error("--scale takes two different numbers LO,HI, or none, not '%s'", request->scale);
        return CLI_USAGE;
    }
    if (request->layers) {
        lam_model *trial = lam_model_new(1);
        const bool good = trial && lam_model_add_layers(trial, request->layers) == LAM_OK;
        lam_model_free(trial);
        if (!good) {
            cli_error("--layers: %s", lam_error_message());
            return CLI_USAGE;
        }
    }
    const cli_output output = {.path = request->output,
                               .inputs = {request->data, request->init_from},
                               .checkpoints = request->fit.checkpoint,
                               .force = request->force};
    int status = cli_check_printing(request->data);
    if (status == CLI_SUCCESS)
        status = cli_check_extension(request->output, "safetensors", "a model");
    if (status == CLI_SUCCESS)
        status = cli_check_output(&output);
    return status == CLI_SUCCESS ? check_saving() : status;
}

/* Training and test data from one set, which is read once. */
static int load_shares(train_run *run)
{
    const train_request *request = &run->request;
    lam_load_options whole = request->load;
    whole.test_share = 0.0; /* and what goes with it */
    whole.stratify = false;
    whole.seed = 0;
    lam_dataset *data;
    const int loaded = cli_load_data(request->data, LAM_SPLIT_TRAIN, &whole, &data);
    if (loaded != CLI_SUCCESS)
        return loaded;
    const lam_load_options *parts = &request->load;
    const lam_status status =
        (parts->stratify ? lam_dataset_divide_stratified : lam_dataset_divide)(
            data, parts->test_share, parts->seed, &run->train, &run->test);
    lam_dataset_free(data);
    return status == LAM_OK ? CLI_SUCCESS : cli_failed();
}

static int load(train_run *run)
{
    const train_request *request = &run->request;
    lam_load_options own = request->load;
    own.test_share = 0.0;
    const bool validation = !cli_was_given(&run->flags, "validation_split");
    if (validation && request->load.test_share > 0.0 && !cli_has_test_split(request->data, &own))
        return load_shares(run);
    int status = cli_load_data(request->data, LAM_SPLIT_TRAIN, &request->load, &run->train);
    if (status != CLI_SUCCESS || !validation || !cli_has_test_split(request->data, &request->load))
        return status;
    status = cli_load_data(request->data, LAM_SPLIT_TEST, &request->load, &run->test);
    if (status != CLI_SUCCESS)
        return status;
    if (lam_dataset_features(run->test) == lam_dataset_features(run->train))
        return CLI_SUCCESS;
    cli_error("%s: samples have %zu values in the training split but %zu in the test split",
              request->data, lam_dataset_features(run->train), lam_dataset_features(run->test));
    return CLI_FAILURE;
}

/* Smallest and largest value of all samples; bytes are 0..255 whatever they hold. */
static int find_range(const lam_dataset *data, float *lo, float *hi)
{
    const size_t features = lam_dataset_features(data), samples = lam_dataset_samples(data);
    *lo = 0.0f;
    *hi = 255.0f;
    if (lam_dataset_dtype(data) == LAM_UINT8)
        return CLI_SUCCESS;
    float *x = calloc(features, sizeof *x);
    if (!x) {
        cli_error("out of memory");
        return CLI_FAILURE;
    }
    for (size_t s = 0; s < samples; s++) {
        if (lam_dataset_sample(data, s, x) != LAM_OK) {
            free(x);
            return cli_failed();
        }
        for (size_t f = 0; f < features; f++) {
            *lo = (s == 0 && f == 0) || x[f] < *lo ? x[f] : *lo;
            *hi = (s == 0 && f == 0) || x[f] > *hi ? x[f] : *hi;
        }
    }
    free(x);
    return CLI_SUCCESS;
}

/* Bytes to -1..1 and floats to mean 0 and deviation 1, unless asked for otherwise. */
static int set_transform(train_run *run)
{
    const train_request *request = &run->request;
    const bool bytes = lam_dataset_dtype(run->train) == LAM_UINT8;
    const bool asked = cli_was_given(&run->flags, "standardize");
    float from_lo, from_hi, lo = -1.0f, hi = 1.0f;
    if (asked && request->standardize)
        return lam_model_standardize_input(run->model, run->train) == LAM_OK ? CLI_SUCCESS
                                                                             : cli_failed();
    if (request->scale ? strcmp(request->scale, "none") == 0 : asked && !bytes)
        return CLI_SUCCESS;
    if (!request->scale && !bytes)
        return lam_model_standardize_input(run->model, run->train) == LAM_OK ? CLI_SUCCESS
                                                                             : cli_failed();
    if (request->scale)
        parse_range(request->scale, &lo, &hi);
    const int status = find_range(run->train, &from_lo, &from_hi);
    if (status != CLI_SUCCESS)
        return status;
    return lam_model_scale_input(run->model, from_lo, from_hi, lo, hi) == LAM_OK ? CLI_SUCCESS
                                                                                 : cli_failed();
}

static int build(train_run *run)
{
    train_request *request = &run->request;
    const cli_preset *preset = cli_preset_for(request->data);
    char layers[256];
    if (lam_dataset_classes(run->train) == 0 && lam_dataset_outputs(run->train) == 0) {
        cli_error("%s: the samples have no targets, so there is nothing to learn", request->data);
        return CLI_FAILURE;
    }
    if (!request->layers && lam_dataset_classes(run->train) == 1) {
        cli_error("%s: all samples belong to one class, so there is nothing to learn",
                  request->data);
        return CLI_FAILURE;
    }
    cli_default_layers(preset, run->train, run->test, request->load.multi_label, layers,
                       sizeof layers);
    if (request->load.multi_label && !cli_was_given(&run->flags, "metrics"))
        request->fit.metrics = cli_multi_label_metrics();
    run->model = lam_model_new(lam_dataset_features(run->train));
    if (!run->model)
        return cli_failed();
    if (lam_model_add_layers(run->model, request->layers ? request->layers : layers) != LAM_OK)
        return cli_refused();
    int status = set_transform(run);
    if (status == CLI_SUCCESS && request->init_from)
        status = cli_take_weights(run->model, request->init_from);
    if (status == CLI_SUCCESS && request->fit.keep_optimizer &&
        lam_model_load_optimizer(run->model, request->init_from) != LAM_OK)
        status = cli_failed();
    /* what could not be saved is not trained */
    if (status == CLI_SUCCESS && lam_model_check_save(run->model, run->train) != LAM_OK)
        status = cli_failed();
    return status;
}

/* What is about to happen, for people who watch. */
static void introduce(const train_run *run)
{
    char count[32], plain[512];
    if (run->progress.mode != CLI_PROGRESS_TERMINAL)
        return;
    printf("%s: %s samples of %zu values", lam_printable(run->request.data, plain, sizeof plain),
           cli_format_count(lam_dataset_samples(run->train), count, sizeof count),
           lam_dataset_features(run->train));
    if (run->test)
        printf(", %s for validation",
               cli_format_count(lam_dataset_samples(run->test), count, sizeof count));
    else if (run->request.fit.validation_split > 0.0)
        printf(", %g%% of them for validation", 100.0 * run->request.fit.validation_split);
    printf("\nmodel: %zu", lam_model_features(run->model));
    for (size_t i = 0; i < lam_model_layers(run->model); i++)
        printf(" > %s", cli_format_layer(run->model, i, plain, sizeof plain));
    printf(", %s parameters\n",
           cli_format_count(lam_model_parameters(run->model), count, sizeof count));
}

/* Training and its display. CLI_SUCCESS also when a signal ended it. */
static int fit(train_run *run)
{
    train_request *request = &run->request;
    const lam_callback callback = {.on_event = on_event, .user = &run->progress};
    request->fit.callback = &callback;
    request->fit.validation = run->test;
    run->progress.mode = request->quiet      ? CLI_PROGRESS_QUIET
                         : request->json     ? CLI_PROGRESS_JSON
                         : cli_on_terminal() ? CLI_PROGRESS_TERMINAL
                                             : CLI_PROGRESS_LINES;
    introduce(run);
    /* they end training after the current batch; a reader of stdout that goes away costs the
     * progress, not the model */
    cli_catch_signals();
    lam_history *history = NULL;
    const lam_status status = lam_fit(run->model, run->train, &request->fit, &history);
    const size_t best = lam_history_best(history);
    lam_history_free(history);
    request->fit.callback = NULL;
    cli_progress_clear(&run->progress);
    if (status == LAM_OK && best && !request->quiet && !request->json)
        printf("the weights are those of epoch %zu\n", best);
    const cli_progress *progress = &run->progress;
    const bool trained = progress->epochs > 0 &&
                         (cli_caught_signal() || progress->finished_epochs == progress->epochs);
    if (status != LAM_ERR_IO || !request->fit.checkpoint || !trained)
        return status == LAM_OK ? CLI_SUCCESS : cli_refused();
    run->exit_status = cli_failed(); /* the last checkpoint: no reason to lose the model as well */
    return CLI_SUCCESS;
}

static void say_how_to_go_on(const train_run *run)
{
    if (run->request.fit.checkpoint && (run->progress.kept || run->progress.resumed))
        cli_error("to continue: %s", run->again);
}

static int save(const train_run *run)
{
    const cli_progress *progress = &run->progress;
    const char *output = run->request.output;
    /* a signal after the last batch has nothing left to stop */
    const int number = cli_caught_signal();
    const bool interrupted = number && progress->finished_epochs < progress->epochs;
    struct stat info;
    char parameters[32], size[32] = "?", plain[512];
    if (interrupted && progress->batch == 0) {
        cli_error("interrupted before the first batch; nothing was saved");
        say_how_to_go_on(run);
        return CLI_BY_SIGNAL + number;
    }
    if (cli_save_model(run->model, output) != CLI_SUCCESS)
        return CLI_FAILURE;
    if (interrupted) {
        cli_error("interrupted in epoch %zu of %zu, after batch %zu of %zu; the model so far was "
                  "saved in '%s'",
                  progress->epoch, progress->epochs, progress->batch, progress->batches, output);
        say_how_to_go_on(run);
        return CLI_BY_SIGNAL + number;
    }
    if (progress->mode == CLI_PROGRESS_TERMINAL) {
        if (stat(output, &info) == 0)
            cli_format_bytes((uint64_t)info.st_size, size, sizeof size);
        printf("saved %s: %s parameters, %s, after %.1f s\n",
               lam_printable(output, plain, sizeof plain),
               cli_format_count(lam_model_parameters(run->model), parameters, sizeof parameters),
               size, cli_now() - progress->started);
    }
    return run->exit_status;
}

static int train(train_run *run, const cli_command *command, int argc, char **argv)
{
    int status = parse(run, command, argc, argv);
    if (status == CLI_SUCCESS)
        status = check_request(&run->request);
    if (status == CLI_SUCCESS &&
        !(cli_take_input(&run->request.data) && cli_take_input(&run->request.init_from)))
        status = CLI_FAILURE;
    if (status == CLI_SUCCESS)
        status =
            cli_apply_preset(cli_preset_for(run->request.data), &run->flags, &run->request.fit);
    if (status == CLI_SUCCESS)
        status = cli_check_parts(run->request.data, &run->request.load, false);
    if (status == CLI_SUCCESS)
        status = load(run);
    if (status == CLI_SUCCESS)
        status = build(run);
    if (status == CLI_SUCCESS)
        status = fit(run);
    if (status == CLI_SUCCESS)
        status = save(run);
    return status;
}

static int run_train(const cli_command *command, int argc, char **argv)
{
    train_run run = {.request.standardize = true};
    cli_resume_command(argc, argv, run.again, sizeof run.again);
    const int status = train(&run, command, argc, argv);
    lam_model_free(run.model);
    lam_dataset_free(run.train);
    lam_dataset_free(run.test);
    cli_flags_close(&run.flags);
    return status;
}

static const cli_flag flags[] = {
    {.name = "output",
     .letter = 'o',
     .argument = "MODEL",
     .help = "write the model to this file, once training is done",
     .kind = CLI_TEXT,
     .offset = offsetof(train_request, output)},
    {.name = "layers",
     .argument = "LIST",
     .help = "layers such as 128:relu,dropout:0.1,10:softmax, of those listed below; without "
             "ACTIVATION, linear",
     .default_value = "two hidden layers of relu, and an output that fits DATA",
     .kind = CLI_TEXT,
     .offset = offsetof(train_request, layers)},
    {.name = "scale",
     .argument = "LO,HI",
     .help = "map the input to LO..HI, bytes from 0..255, other numbers from their range in the "
             "training data; none = leave it unscaled",
     .default_value = "-1,1 for bytes",
     .kind = CLI_TEXT,
     .offset = offsetof(train_request, scale)},
    {.name = "standardize",
     .help = "subtract each feature's mean and divide by its standard deviation [numbers other "
             "than bytes]; --no-standardize leaves them unscaled",
     .kind = CLI_SWITCH,
     .offset = offsetof(train_request, standardize)},
    {.name = "init-from",
     .argument = "FILE",
     .help = "start from the weights of this model file or checkpoint and nothing else in it; "
             "with --keep-optimizer also from a checkpoint's optimizer moments and position; - "
             "is standard input",
     .kind = CLI_TEXT,
     .offset = offsetof(train_request, init_from)},
    {.name = "force",
     .help = "replace MODEL even if Lamina did not write it; input files are never replaced",
     .kind = CLI_SWITCH,
     .offset = offsetof(train_request, force)},
    {.name = "json",
     .help = "print one JSON object per epoch, each on a line",
     .kind = CLI_SWITCH,
     .offset = offsetof(train_request, json)},
    {.name = "quiet",
     .letter = 'q',
     .help = "print nothing but errors",
     .kind = CLI_SWITCH,
     .offset = offsetof(train_request, quiet)},
};

static const char *const details[] = {
    "DATA is a file or folder of samples, recognized by its content, as listed under Data below, "
    "or one of the built-in sets spiral, vertical and sine, for which epochs, batch size and "
    "learning rate default to values that solve them. The test split of DATA, if any, or "
    "--test-share of it, is the validation set, unless --validation-split is given; 0 means "
    "none. - is standard input; pipes can be read too.",
    "On a terminal, a bar shows the progress; otherwise one line is printed per epoch. Ctrl-C "
    "stops training after the current batch, saves the model and exits with status 130; a second "
    "Ctrl-C stops at once. After the last batch it has no effect. SIGTERM, SIGHUP and SIGXCPU do "
    "the same.",
    "With --checkpoint the run can be resumed whatever ended it: the same command with --resume "
    "continues from the newest undamaged checkpoint up to the requested number of epochs, and "
    "produces the same file, byte for byte. --epochs, --threads, --patience and the checkpoint "
    "options may then differ.",
    NULL};

static const char *const examples[] = {
    "lamina train /usr/share/datasets/fashion-mnist -o fashion.safetensors",
    "classify images with the defaults",
    "lamina train spiral -o spiral.safetensors --layers 64:tanh,dropout:0.1,3:softmax \\\n"
    "      --optimizer adam --learning-rate 0.02 --epochs 300",
    "choose layers, optimizer and length",
    "lamina train spiral -o spiral.safetensors --checkpoint spiral.run --resume",
    "survive anything: run it again, and it continues",
    NULL};

const cli_command cli_train = {
    .name = "train",
    .operands = "DATA -o MODEL [OPTION]...",
    .summary = "Train a network on a data set and write it to a file.",
    .flags = flags,
    .flag_count = sizeof flags / sizeof *flags,
    .load_options = true,
    .load_offset = offsetof(train_request, load),
    .all_fit_options = true,
    .details = details,
    .lists_catalog = true,
    .examples = examples,
    .run = run_train,
};
