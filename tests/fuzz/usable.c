/* usable.c: what every model that a reader accepts must be. */
#include <math.h>
#include <stdlib.h>

#include <lamina/model.h>

#include "fuzz.h"

void fuzz_usable_model(lam_model *model)
{
    lam_layer_info info;
    for (size_t i = 0; i < lam_model_layers(model); i++)
        if (lam_model_layer(model, i, &info) != LAM_OK || info.outputs == 0)
            abort();
    if (lam_model_outputs(model) == 0 || lam_model_tensors(model) == 0)
        abort();
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        lam_tensor tensor;
        if (lam_model_tensor(model, i, &tensor) != LAM_OK)
            abort();
        for (size_t j = 0; j < tensor.rows * tensor.cols; j++)
            if (!isfinite(tensor.data[j]))
                abort();
    }
    lam_model_free(model);
}
