/* fuzz_model.c: fuzz target of the model reader, with and without its checksum. */
#include "formats/safetensors/model_file.h"
#include "fuzz.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    for (int checked = 0; checked < 2; checked++) {
        lam_model *model = checked ? lam__model_parse(data, size, "input")
                                   : lam__model_parse_unchecked(data, size, "input");
        if (model)
            fuzz_usable_model(model);
    }
}
