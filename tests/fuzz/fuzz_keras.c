/* fuzz_keras.c: fuzz target of the readers of Keras's files. */
#include "formats/keras/hdf5.h"
#include "formats/keras/keras_read.h"
#include "fuzz.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    const lam__foreign file = {.path = "input", .bytes = data, .size = size};
    lam_import_options options = lam_import_options_default();
    options.layers = size % 2 ? "3:relu,2:softmax" : NULL; /* weights alone */
    lam_model *model = NULL;
    const lam_status status = lam__h5_recognizes(data, size)
                                  ? lam__keras_read_h5(&file, &options, NULL, &model)
                                  : lam__keras_read_archive(&file, &options, NULL, &model);
    if (status == LAM_OK)
        fuzz_usable_model(model);
}
