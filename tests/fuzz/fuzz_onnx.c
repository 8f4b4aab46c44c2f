/* fuzz_onnx.c: fuzz target of the ONNX reader. */
#include <math.h>
#include <stdlib.h>

#include "formats/onnx/onnx_file.h"
#include "fuzz.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    lam_model *model;
    if (lam__onnx_parse(data, size, "input", NULL, &model) != LAM_OK) {
        if (model)
            abort();
        return;
    }
    /* what was accepted is a usable model with finite parameters */
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        lam_tensor tensor;
        if (lam_model_tensor(model, i, &tensor) != LAM_OK)
            abort();
        for (size_t j = 0; j < tensor.rows * tensor.cols; j++)
            if (!isfinite(tensor.data[j]))
                abort();
    }
    if (lam_model_outputs(model) == 0 || lam_model_tensors(model) == 0)
        abort();
    lam_model_free(model);
}
