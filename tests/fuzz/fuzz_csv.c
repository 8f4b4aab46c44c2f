/* fuzz_csv.c: fuzz target of the reader of tables, as they are and as a model needs them;
 * fuzz_idx.c says how to run it under clang's fuzzer. */
#include <math.h>
#include <stdlib.h>

#include "../support/tables.h"
#include "fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lam_model *model; /* kept for all inputs */
    if (!model)
        model = make_model();
    lam_load_options options = lam_load_options_default();
    check(data, size, &options);
    options.missing = "median";
    options.header = "no";
    options.target = "1";
    options.limit = 2;
    check(data, size, &options);
    options = lam_load_options_default();
    options.like = model;
    check(data, size, &options);
    return 0;
}
