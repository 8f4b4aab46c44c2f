/* fuzz_image.c: fuzz target of the readers of PNG, JPEG and BMP files. */
#include <stdlib.h>

#include "base/memory.h"
#include "data/readers/images/image_fit.h"
#include "fuzz.h"

static void check(lam__image_decoder *decoder, const lam__image *decoded)
{
    static uint8_t out[7 * 5 * 3];
    const lam__image image = *decoded;
    /* read every value that was promised */
    const size_t values = image.width * image.height * image.channels;
    size_t sum = 0;
    fuzz_unpacked(values);
    for (size_t i = 0; i < values; i++)
        sum += image.pixels[i];
    if (values == 0 || sum > 255 * values || (image.channels != 1 && image.channels != 3))
        abort();
    for (size_t channels = 1; channels <= 3; channels += 2) {
        const lam__image_shape shape = {7, 5, channels, channels == 1};
        if (lam__image_fit(decoder, &image, &shape, out) != LAM_OK)
            abort();
    }
}

void fuzz_input(const uint8_t *data, size_t size)
{
    /* one for each: what an earlier image left would not count */
    lam__image_decoder decoder = {.no_checksums = true};
    lam__image image;
    if (lam__image_decode(&decoder, data, size, "input", &image) == LAM_OK)
        check(&decoder, &image);
    lam__image_decoder_close(&decoder);
}
