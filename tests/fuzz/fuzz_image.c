/* fuzz_image.c: fuzz target of the readers of PNG, JPEG and BMP files; how to build it for clang's
 * fuzzer says fuzz_idx.c (with libpng and libturbojpeg). */
#include <stdlib.h>

#include "base/memory.h"
#include "data/image_fit.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lam__image_decoder decoder = {.no_checksums = true}; /* one for many files, as folders */
    static uint8_t out[7 * 5 * 3];
    lam__image image;
    if (lam__image_decode(&decoder, data, size, "input", &image) != LAM_OK)
        return 0;
    /* read every value that was promised */
    const size_t values = image.width * image.height * image.channels;
    size_t sum = 0;
    for (size_t i = 0; i < values; i++)
        sum += image.pixels[i];
    if (values == 0 || sum > 255 * values || (image.channels != 1 && image.channels != 3))
        abort();
    for (size_t channels = 1; channels <= 3; channels += 2) {
        const lam__image_shape shape = {7, 5, channels, channels == 1};
        if (lam__image_fit(&decoder, &image, &shape, out) != LAM_OK)
            abort();
    }
    return 0;
}
