/* fuzz_csv.c: fuzz target of the reader of tables, as they are and as a model needs them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../support/tables.h"
#include "fuzz.h"
#include "io/byte_source.h"

/* Trained on a column of numbers with gaps and one of texts. */
static lam_model *make_model(void)
{
    static const char text[] = "a,b,y\n1,x,p\n,y,q\n3,\"z,1\",p\n";
    lam_load_options options = lam_load_options_default();
    lam_fit_options fit = lam_fit_options_default();
    lam_dataset *data;
    options.missing = "mean";
    fit.epochs = 1;
    lam_model *model = lam_model_new(4);
    if (table_from(text, sizeof text - 1, &options, &data) != LAM_OK ||
        lam_model_dense(model, 2, "softmax") != LAM_OK ||
        lam_fit(model, data, &fit, NULL) != LAM_OK)
        abort();
    lam_dataset_free(data);
    return model;
}

static void check(const uint8_t *bytes, size_t size, const lam_load_options *options)
{
    lam_dataset *data;
    if (table_from(bytes, size, options, &data) != LAM_OK)
        return;
    const size_t samples = lam_dataset_samples(data), features = lam_dataset_features(data);
    const size_t outputs = lam_dataset_classes(data) > 0 ? 1 : lam_dataset_outputs(data);
    fuzz_unpacked(samples * (features + outputs) * sizeof(float));
    float *x = malloc(features * sizeof *x);
    if (samples == 0 || features == 0 || !x)
        abort();
    for (size_t i = 0; i < samples; i++) {
        if (lam_dataset_sample(data, i, x) != LAM_OK)
            abort();
        for (size_t j = 0; j < features; j++)
            if (!isfinite(x[j]))
                abort();
        const size_t classes = lam_dataset_classes(data);
        if (classes > 0 && (size_t)lam_dataset_class(data, i) >= classes)
            abort();
    }
    free(x);
    lam_dataset_free(data);
}

/* A gzipped text is longer than its file, and each of its cells becomes a float. */
static void count_unpacked(const uint8_t *bytes, size_t size)
{
    lam__byte_source source;
    unsigned char text[4096];
    size_t got = sizeof text;
    if (lam__byte_source_open_memory(&source, bytes, size, "input") != LAM_OK)
        return;
    while (got == sizeof text &&
           lam__byte_source_read(&source, text, sizeof text, &got) == LAM_OK) {
        fuzz_unpacked(source.gzip ? got : 0);
        for (size_t i = 0; i < got; i++)
            fuzz_unpacked(text[i] && strchr(",;\t\r\n", text[i]) ? sizeof(float) : 0);
    }
    lam__byte_source_close(&source);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static lam_model *model; /* kept for all inputs */
    if (!model)
        model = make_model();
    lam_load_options options = lam_load_options_default();
    count_unpacked(data, size);
    check(data, size, &options);
    options.missing = "median";
    options.header = "no";
    options.target = "1";
    options.limit = 2;
    check(data, size, &options);
    options = lam_load_options_default();
    options.like = model;
    check(data, size, &options);
}
