/* compare_builds.c: two or more builds of the library training the same network in turns.
 *
 *     compare_builds [--networks NAMES] [--threads N] [--seconds S] [--repeat N] LIBRARY LIBRARY...
 *
 * Each LIBRARY is the path of a liblamina.so. They take turns of a few milliseconds in one process,
 * since what disturbs one then disturbs the next as well; and each repetition is a process of its
 * own with the libraries loaded in another order, since where memory happens to lie is worth 2%
 * either way. Prints microseconds per step and the ratio of its time to that of the first library:
 * the median over the repetitions of the median over the turns, and the least and the greatest of
 * them. What is between a library and its copy is noise.
 *
 * The samples are made up. The libraries must agree on the calls; lam_fit_options may differ, being
 * made and set by each library itself. */
#define _GNU_SOURCE /* RTLD_DEEPBIND */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "measure.h"
#include "networks.h"
#include "report.h"

/* SAMPLES are whole batches of every network. */
enum { MOST_BUILDS = 8, MOST_REPEATS = 32, MOST_TURNS = 20000, SAMPLES = 8192 };

typedef struct settings {
    const char *networks; /* a list; NULL: all */
    size_t threads;       /* 0: 1 and 2 */
    double seconds;       /* of a build in a repetition */
    size_t repeats;
    const char *builds[MOST_BUILDS];
    size_t build_count;
    size_t first; /* in a repetition: the build loaded first, from 1 on; else 0 */
} settings;

/* One build with what it trains. */
typedef struct build {
    __typeof__(lam_trainer_step_rows) *step;
    lam_trainer *trainer;
    lam_dataset *data;
    size_t at;     /* row of the next batch */
    double *times; /* [turns] seconds per step */
} build;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "compare_builds: %s: %s\n", what, why);
    exit(1);
}

static void *room(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory)
        fail("memory", "there is not enough");
    return memory;
}

/* A repetition */

/* Without the copy that this program is linked with getting in between; from this folder, not from
 * the linker's, where the path has no slash. */
static void *load(const char *path)
{
    char here[4096];
    int flags = RTLD_NOW | RTLD_LOCAL;
    snprintf(here, sizeof here, "%s%s", strchr(path, '/') ? "" : "./", path);
#ifdef RTLD_DEEPBIND
    flags |= RTLD_DEEPBIND;
#endif
    void *library = dlopen(here, flags);
    if (!library)
        fail(path, dlerror());
    return library;
}

/* function points to a pointer to a function. */
static void find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    if (!found)
        fail(name, dlerror());
    memcpy(function, &found, sizeof found);
}

/* Options of a library, of which only it knows the layout. */
typedef struct any_options {
    _Alignas(max_align_t) unsigned char bytes[4096];
} any_options;

/* The defaults: before structs told their size they were returned. */
static any_options options_of(void *library)
{
    any_options options = {{0}};
    void (*init)(lam_fit_options *, size_t);
    any_options (*defaults)(void);
    if (dlsym(library, "lam_fit_options_init")) {
        find(library, "lam_fit_options_init", &init);
        init((lam_fit_options *)(void *)&options, sizeof(lam_fit_options));
        return options;
    }
    find(library, "lam_fit_options_default", &defaults);
    return defaults();
}

static void open_build(build *b, const char *path, const network *net, size_t threads,
                       const uint8_t *x, const int32_t *labels)
{
    void *library = load(path);
    __typeof__(lam_model_new) *new_model;
    __typeof__(lam_model_scale_input) *scale;
    __typeof__(lam_model_add_layers) *add_layers;
    __typeof__(lam_fit_options_set) *set;
    __typeof__(lam_trainer_new) *new_trainer;
    __typeof__(lam_dataset_new) *new_data;
    __typeof__(lam_dataset_set_classes) *set_classes;
    __typeof__(lam_error_message) *message;
    find(library, "lam_model_new", &new_model);
    find(library, "lam_model_scale_input", &scale);
    find(library, "lam_model_add_layers", &add_layers);
    find(library, "lam_fit_options_set", &set);
    find(library, "lam_trainer_new", &new_trainer);
    find(library, "lam_trainer_step_rows", &b->step);
    find(library, "lam_dataset_new", &new_data);
    find(library, "lam_dataset_set_classes", &set_classes);
    find(library, "lam_error_message", &message);

    lam_model *model = new_model(net->features);
    if (!model || scale(model, 0, 255, -1, 1) != LAM_OK || add_layers(model, net->layers) != LAM_OK)
        fail(path, message());
    any_options made = options_of(library);
    lam_fit_options *options = (lam_fit_options *)(void *)&made;
    char batch[32], count[32];
    snprintf(batch, sizeof batch, "%zu", net->batch);
    snprintf(count, sizeof count, "%zu", threads);
    const char *const values[][2] = {{"optimizer", net->optimizer},
                                     {"batch_size", batch},
                                     {"threads", count},
                                     {"metrics", "accuracy"}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (set(options, values[i][0], values[i][1]) != LAM_OK)
            fail(values[i][0], message());
    b->trainer = new_trainer(model, options);
    b->data = new_data(x, LAM_UINT8, SAMPLES, net->features, LAM_COPY);
    const size_t classes = strstr(net->layers, "sigmoid") ? 2 : 10;
    if (!b->trainer || !b->data || set_classes(b->data, labels, classes) != LAM_OK)
        fail(path, message());
}

/* So many steps; returns seconds per step. */
static double take_turn(build *b, size_t steps, const uint32_t *order, size_t batch)
{
    const double start = measure_now();
    for (size_t i = 0; i < steps; i++, b->at = (b->at + batch) % SAMPLES)
        if (b->step(b->trainer, b->data, order + b->at, batch, NULL) != LAM_OK)
            fail("a step", "failed");
    return (measure_now() - start) / (double)steps;
}

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* In a process of its own: prints a build's seconds per step and its ratio to the first build, a
 * line each. */
static int repetition(const settings *s, const network *net)
{
    build builds[MOST_BUILDS] = {0};
    uint8_t *x = room(SAMPLES * net->features);
    int32_t *labels = room(SAMPLES * sizeof *labels);
    uint32_t *order = room(SAMPLES * sizeof *order), state = 1;
    for (size_t i = 0; i < SAMPLES * net->features; i++)
        x[i] = (uint8_t)draw(&state);
    for (size_t i = 0; i < SAMPLES; i++) {
        labels[i] = x[i * net->features] > 127;
        order[i] = draw(&state) % SAMPLES;
    }
    for (size_t i = 0; i < s->build_count; i++) {
        const size_t b = (s->first - 1 + i) % s->build_count;
        builds[b].times = room(MOST_TURNS * sizeof(double));
        open_build(&builds[b], s->builds[b], net, s->threads, x, labels);
    }
    double step = 0.0; /* seconds, to choose the length of a turn by */
    for (size_t i = 0; i < 3 * s->build_count; i++)
        step = take_turn(&builds[i % s->build_count], 10, order, net->batch);
    const size_t steps = (size_t)fmax(1.0, 0.004 / step);
    const double end = measure_now() + s->seconds * (double)s->build_count;
    size_t turns = 0;
    for (; turns < MOST_TURNS && (turns < 3 || measure_now() < end); turns++)
        for (size_t i = 0; i < s->build_count; i++) {
            build *b = &builds[(turns + i) % s->build_count];
            b->times[turns] = take_turn(b, steps, order, net->batch);
        }
    double ratios[MOST_BUILDS]; /* before measure_median sorts the times */
    for (size_t b = 0; b < s->build_count; b++)
        ratios[b] = measure_median_ratio(builds[b].times, builds[0].times, turns);
    for (size_t b = 0; b < s->build_count; b++)
        printf("%.9g %.9g\n", measure_median(builds[b].times, turns), ratios[b]);
    return 0;
}

/* The program itself */

/* Starts this program anew for one repetition; fills times[] and ratios[] of the builds. */
static void repeat(const settings *s, const network *net, size_t threads, size_t first,
                   double *times, double *ratios)
{
    char count[32], which[32], seconds[32], output[MOST_BUILDS * 64];
    const char *arguments[MOST_BUILDS + 12] = {"compare_builds", "--networks", net->name,
                                               "--threads",      count,        "--seconds",
                                               seconds,          "--first",    which};
    for (size_t b = 0; b < s->build_count; b++)
        arguments[9 + b] = s->builds[b];
    snprintf(count, sizeof count, "%zu", threads);
    snprintf(which, sizeof which, "%zu", first);
    snprintf(seconds, sizeof seconds, "%g", s->seconds);
    if (!measure_run_again(arguments, output, sizeof output))
        fail(net->name, "a repetition failed");
    char *at = output;
    for (size_t b = 0; b < s->build_count; b++) {
        times[b] = strtod(at, &at);
        ratios[b] = strtod(at, &at);
    }
}

/* The name of a library's file, without its ending. */
static const char *name_of(const char *path)
{
    static char name[64];
    const char *slash = strrchr(path, '/');
    const char *from = slash ? slash + 1 : path;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(from, "."), from);
    return name;
}

static void compare(const settings *s, const network *net, size_t threads)
{
    double times[MOST_REPEATS][MOST_BUILDS], ratios[MOST_REPEATS][MOST_BUILDS];
    for (size_t r = 0; r < s->repeats; r++)
        repeat(s, net, threads, 1 + r % s->build_count, times[r], ratios[r]);
    for (size_t b = 0; b < s->build_count; b++) {
        double step[MOST_REPEATS], ratio[MOST_REPEATS];
        for (size_t r = 0; r < s->repeats; r++) {
            step[r] = times[r][b];
            ratio[r] = ratios[r][b];
        }
        const double median = measure_median(ratio, s->repeats); /* sorts them */
        report_begin();
        report_text("network", net->name);
        report_number("threads", 0, (double)threads);
        report_text("build", name_of(s->builds[b]));
        report_number("step_us", 1, measure_median(step, s->repeats) * 1e6);
        report_number("ratio", 3, median);
        report_number("least", 3, ratio[0]);
        report_number("greatest", 3, ratio[s->repeats - 1]);
        report_end();
    }
}

static const char help[] =
    "usage: compare_builds [--networks NAMES] [--threads N] [--seconds S] [--repeat N]\n"
    "                      [--json] [--quick] LIBRARY LIBRARY...\n"
    "Trains each network with several builds of liblamina.so in turns, and prints the times of a\n"
    "step and their ratios to the first one's. NAMES: fashion,mnist-small,wide,deep,tabular.\n"
    "--threads: that many instead of 1 and 2. --seconds: for each build in each process (2).\n"
    "--repeat: processes for each network and number of threads (6). --quick: briefly, once.\n";

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "compare_builds: %s '%s'\n%s", what, value, help);
    return 2;
}

/* A whole number from 1 to most; 0 for anything else. */
static size_t whole(const char *text, size_t most)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && value <= most ? value : 0;
}

static void parse_value(settings *s, const char *flag, const char *value)
{
    char *end;
    bool good = true;
    if (strcmp(flag, "--networks") == 0) {
        s->networks = networks_parse("compare_builds", value);
    } else if (strcmp(flag, "--threads") == 0) {
        good = (s->threads = whole(value, 1024)) > 0;
    } else if (strcmp(flag, "--repeat") == 0) {
        good = (s->repeats = whole(value, MOST_REPEATS)) > 0;
    } else if (strcmp(flag, "--first") == 0) { /* of a repetition: see repeat() */
        good = (s->first = whole(value, MOST_BUILDS)) > 0;
    } else if (strcmp(flag, "--seconds") == 0) {
        s->seconds = strtod(value, &end);
        good = !*end && s->seconds > 0.0 && s->seconds < 1000.0;
    } else {
        exit(usage("unknown argument", flag));
    }
    if (!good)
        exit(usage(flag, value));
}

int main(int argc, char **argv)
{
    settings s = {.seconds = 2.0, .repeats = 6};
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        } else if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            s.seconds = 0.01;
            s.repeats = 1;
        } else if (argv[i][0] == '-' && i + 1 < argc) {
            parse_value(&s, argv[i], argv[i + 1]);
            i++;
        } else if (argv[i][0] == '-') {
            return usage("unknown argument, or its value is missing:", argv[i]);
        } else if (s.build_count < MOST_BUILDS) {
            s.builds[s.build_count++] = argv[i];
        } else {
            return usage("one library too many:", argv[i]);
        }
    }
    if (s.build_count < 2)
        return usage("two libraries at least, not", s.build_count ? s.builds[0] : "none");
    if (!s.first)
        report_open("builds", json);
    for (size_t i = 0; i < NETWORK_COUNT; i++) {
        if (!network_listed(s.networks, networks[i].name))
            continue;
        if (s.first)
            return repetition(&s, &networks[i]);
        for (size_t threads = 1; threads <= (s.threads ? s.threads : 2); threads++)
            if (!s.threads || threads == s.threads)
                compare(&s, &networks[i], threads);
    }
    return 0;
}
