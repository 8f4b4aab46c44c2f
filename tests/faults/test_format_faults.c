/* test_format_faults.c: every allocation fails in turn while models come in and go out. */
#include <stdio.h>
#include <string.h>

#include "../support/model_files.h"
#include "../support/scratch.h"
#include "failing.h"
#include "lamina_features.h"

static char folder[256];
static const char *file, *layers; /* what the jobs of reading take */

static bool import_file(void)
{
    lam_import_options options = lam_import_options_default();
    options.layers = layers;
    lam_model *model = lam_model_import(file, &options);
    lam_model_free(model);
    return model != NULL;
}

static bool list_file(void)
{
    lam_model_contents *contents = lam_model_contents_read(file);
    const bool done = contents && lam_model_contents_status(contents) == LAM_OK;
    lam_model_contents_free(contents);
    return done;
}

Test(format_faults, every_allocation_of_reading)
{
    static const struct {
        const char *name, *layers;
    } files[] = {
        {"foreign/book-model-0.pkl", NULL},
        {"foreign/book-model-4.pkl", NULL},
        {"foreign/state-former.pth", "9:relu,9:relu,4:softmax"},
#if LAM__HAVE_ZIP
        {"foreign/batch-norm.pt", NULL},
        {"foreign/layer-norm.pt", NULL},
#endif
#if LAM__HAVE_JSON
        {"foreign/torch-named.safetensors", "9:relu,dropout:0.5,9:tanh,4:sigmoid"},
        {"foreign/layer-norm.safetensors", "layer_norm:1e-5,6,layer_norm:1e-5:tanh,3"},
        {"foreign/version-0.1-scaled.safetensors", NULL},
        {"keras/k3_layer_norm.h5", NULL},
        {"keras/k2_batch_norm.h5", NULL},
#endif
#if LAM__HAVE_JSON && LAM__HAVE_ZIP
        {"keras/k3_rescaling.keras", NULL},
#endif
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", GOLDEN_DATA, files[i].name);
        file = path;
        layers = files[i].layers;
        run(import_file, files[i].name);
        run(list_file, files[i].name);
    }
#if LAM__HAVE_ONNX
    file = GOLDEN_DATA "/foreign/onnx/sklearn_two.onnx";
    run(list_file, file);
#endif
}

static bool export_c(void)
{
    char path[512];
    lam_model *model = sample_model();
    const bool done =
        model && lam_model_export(model, scratch_path(folder, "a.c", path), NULL) == LAM_OK;
    lam_model_free(model);
    return done;
}

static bool quantize(void)
{
    char path[512];
    lam_model *model = sample_model();
    const size_t in = model ? lam_model_features(model) : 0, rows = 9;
    float x[256];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)(i % 7) - 3.0f;
    lam_dataset *data = model ? lam_dataset_new(x, LAM_FLOAT32, rows, in, LAM_COPY) : NULL;
    lam_quantized *quantized = data ? lam_quantize(model, data) : NULL;
    const bool done =
        quantized &&
        lam_quantized_export(quantized, scratch_path(folder, "b.c", path), NULL) == LAM_OK;
    lam_quantized_free(quantized);
    lam_dataset_free(data);
    lam_model_free(model);
    return done;
}

Test(format_faults, every_allocation_of_writing)
{
    scratch_make(folder);
    run(export_c, "C source");
    run(quantize, "integers");
    cr_expect_eq(scratch_count(folder), 4); /* no temporary file stays */
    scratch_remove(folder);
}
