/* fuzz_model.c: fuzz target of the model reader, with and without its checksum. */
#include <math.h>
#include <stdlib.h>

#include "formats/safetensors/model_file.h"
#include "fuzz.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    for (int checked = 0; checked < 2; checked++) {
        lam_model *model = checked ? lam__model_parse(data, size, "input")
                                   : lam__model_parse_unchecked(data, size, "input");
        if (!model)
            continue;
        /* what was accepted is a usable model with finite parameters */
        lam_layer_info info;
        for (size_t i = 0; i < lam_model_layers(model); i++)
            if (lam_model_layer(model, i, &info) != LAM_OK || info.outputs == 0)
                abort();
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
}
