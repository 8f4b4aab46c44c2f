/* bench_c_source.c: one sample at a time: the library's predictor beside generated C files, in
 * floats and in 8-bit integers, each compiled by cc with -O2, with -O3 and for this machine.
 *
 * Everything that is compared runs in turns within one process. Outputs are held to the library's.
 */
#include <dlfcn.h>
#include <lamina/lamina.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "networks.h"
#include "report.h"

enum { SAMPLES = 256, MOST_TURNS = 101, CONTENDERS = 6 };

typedef void predict(const float *x, float *y);

typedef struct contender {
    const char *name, *source, *flags;
    double most; /* difference from the library's outputs, as a share of 1 */
    predict *run;
    void *library;
    double seconds[MOST_TURNS];
} contender;

static const contender files[CONTENDERS] = {
    {.name = "library"},
    {.name = "C, -O2", .source = "floats", .flags = "-O2", .most = 1e-5},
    {.name = "C, -O3 -march=native",
     .source = "floats",
     .flags = "-O3 -march=native",
     .most = 1e-5},
    {.name = "int8 C, -O2", .source = "bytes", .flags = "-O2", .most = 0.1},
    {.name = "int8 C, -O3", .source = "bytes", .flags = "-O3", .most = 0.1},
    {.name = "int8 C, -O3 -march=native",
     .source = "bytes",
     .flags = "-O3 -march=native",
     .most = 0.1},
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_c_source: %s: %s\n", what, lam_error_message());
    exit(1);
}

static void write_sources(const lam_model *model, const lam_dataset *data, const char *folder)
{
    char path[300];
    snprintf(path, sizeof path, "%s/floats.c", folder);
    if (lam_model_export(model, path, NULL) != LAM_OK)
        fail(path);
    snprintf(path, sizeof path, "%s/bytes.c", folder);
    lam_quantized *quantized = lam_quantize(model, data);
    if (!quantized || lam_quantized_export(quantized, path, NULL) != LAM_OK)
        fail(path);
    lam_quantized_free(quantized);
}

static void compile(contender *c, const char *folder, size_t number)
{
    char line[900], path[400], name[64];
    if (!c->source)
        return;
    snprintf(path, sizeof path, "%s/%zu.so", folder, number);
    snprintf(line, sizeof line, "cc -std=c99 %s -shared -fPIC %s/%s.c -o %s -lm", c->flags, folder,
             c->source, path);
    if (system(line) != 0)
        fail(line);
    snprintf(name, sizeof name, "%s_predict", c->source);
    c->library = dlopen(path, RTLD_NOW);
    void *symbol = c->library ? dlsym(c->library, name) : NULL;
    if (!symbol)
        fail(path);
    memcpy(&c->run, &symbol, sizeof c->run);
}

static void call(const contender *c, lam_predictor *predictor, const float *x, float *y)
{
    if (c->run)
        c->run(x, y);
    else if (lam_predictor_run(predictor, x, 1, y) != LAM_OK)
        fail("predicting");
}

/* Holds every contender to the library, then times them in turns. */
static void compare(const network *net, const lam_model *model, contender *all, const float *x,
                    size_t turns)
{
    const size_t outputs = lam_model_outputs(model);
    lam_predictor *predictor = lam_predictor_new(model, 1);
    float *expected = calloc(outputs, sizeof *expected), *y = calloc(outputs, sizeof *y);
    if (!predictor || !expected || !y)
        fail(net->name);
    for (size_t i = 0; i < CONTENDERS; i++)
        for (size_t s = 0; s < SAMPLES; s++) {
            call(&all[0], predictor, x + s * net->features, expected);
            call(&all[i], predictor, x + s * net->features, y);
            for (size_t j = 0; j < outputs; j++)
                if (!(fabs((double)y[j] - (double)expected[j]) <= all[i].most)) {
                    fprintf(stderr, "bench_c_source: %s of %s is wrong\n", all[i].name, net->name);
                    exit(1);
                }
        }
    for (size_t t = 0; t < turns; t++)
        for (size_t i = 0; i < CONTENDERS; i++) {
            const double begin = measure_now();
            for (size_t s = 0; s < SAMPLES; s++)
                call(&all[i], predictor, x + s * net->features, y);
            all[i].seconds[t] = (measure_now() - begin) / SAMPLES;
        }
    for (size_t i = 0; i < CONTENDERS; i++) {
        const double ratio = measure_median_ratio(all[i].seconds, all[0].seconds, turns);
        report_begin();
        report_text("network", net->name);
        report_text("contender", all[i].name);
        report_number("us", 2, 1e6 * measure_median(all[i].seconds, turns));
        report_number("of library", 2, ratio);
        report_end();
    }
    lam_predictor_free(predictor);
    free(expected);
    free(y);
}

static void run(const network *net, size_t turns)
{
    char folder[] = "/tmp/lamina-bench-XXXXXX", line[64];
    contender all[CONTENDERS];
    memcpy(all, files, sizeof all);
    lam_model *model = lam_model_new(net->features);
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, net->layers);
    float *x = malloc(SAMPLES * net->features * sizeof *x);
    if (lam_model_initialize(model, 1, NULL) != LAM_OK || !x || !mkdtemp(folder))
        fail(net->name);
    uint32_t state = 1;
    for (size_t i = 0; i < SAMPLES * net->features; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 24);
    }
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, SAMPLES, net->features, LAM_BORROW);
    write_sources(model, data, folder);
    for (size_t i = 0; i < CONTENDERS; i++)
        compile(&all[i], folder, i);
    compare(net, model, all, x, turns);
    for (size_t i = 0; i < CONTENDERS; i++)
        if (all[i].library)
            dlclose(all[i].library);
    snprintf(line, sizeof line, "rm -rf %s", folder);
    if (system(line) != 0)
        fail(line);
    lam_dataset_free(data);
    lam_model_free(model);
    free(x);
}

int main(int argc, char **argv)
{
    bool json = false, quick = false;
    for (int i = 1; i < argc; i++) {
        json = json || strcmp(argv[i], "--json") == 0;
        quick = quick || strcmp(argv[i], "--quick") == 0;
        if (strcmp(argv[i], "--json") != 0 && strcmp(argv[i], "--quick") != 0) {
            fprintf(stderr, "usage: bench_c_source [--json] [--quick]\n");
            return 2;
        }
    }
    report_open("c_source", json);
    report_text_width(25);
    for (size_t i = 0; i < NETWORK_COUNT; i++)
        if (strcmp(networks[i].name, "fashion") == 0 || strcmp(networks[i].name, "tabular") == 0 ||
            strcmp(networks[i].name, "mnist-small") == 0)
            run(&networks[i], quick ? 3 : MOST_TURNS);
    return 0;
}
