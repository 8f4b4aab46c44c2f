/* fuzz_onnx.c: fuzz target of the ONNX reader. */
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
    fuzz_usable_model(model);
}
