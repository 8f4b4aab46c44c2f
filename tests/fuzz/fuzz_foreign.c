/* fuzz_foreign.c: fuzz target of the readers of other programs' models, those of src/formats that
 * tell a file by its content. */
#include <stdlib.h>

#include "formats/model_formats.h"
#include "fuzz.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    const lam__foreign file = {.path = "input.pkl", .bytes = data, .size = size};
    const lam__model_format *format = lam__format_of_file(&file);
    static const char *const layers[] = {NULL, "3:relu,2:softmax", "2:linear"};
    for (size_t i = 0; format && i < sizeof layers / sizeof *layers; i++) {
        lam_import_options options = lam_import_options_default();
        lam_model *model = NULL;
        options.layers = layers[i];
        if (format->read && format->read(&file, &options, &model) == LAM_OK)
            fuzz_usable_model(model);
        else if (model)
            abort();
    }
}
