/* test_images_golden.c: image files of every kind, and resizing, against Pillow and OpenCV
 * (make_images.py). */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/readers/images/image_fit.h"
#include "io/file_read.h"
#include "lamina_features.h"

static FILE *open_golden(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/images/%s", GOLDEN_DATA, name);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    return file;
}

static lam_status decode(lam__image_decoder *decoder, const char *name, lam__image *image)
{
    char path[512];
    unsigned char *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/images/%s", GOLDEN_DATA, name);
    cr_assert_eq(lam__file_read_all(path, 1 << 20, &bytes, &size), LAM_OK);
    lam_status status = lam__image_decode(decoder, bytes, size, name, image);
    lam__release(bytes);
    return status;
}

static bool readable(const char *name)
{
    return LAM__HAVE_IMAGES || strstr(name, ".bmp");
}

Test(images_golden, decoded)
{
    lam__image_decoder decoder = {.jpeg = NULL};
    FILE *list = open_golden("list.txt"), *pixels = open_golden("list.bin");
    char name[128];
    size_t width, height, channels, files = 0;
    while (fscanf(list, "%127s %zu %zu %zu", name, &width, &height, &channels) == 4) {
        const size_t size = width * height * channels;
        unsigned char expected[1 << 14];
        lam__image image;
        cr_assert(size <= sizeof expected && fread(expected, 1, size, pixels) == size);
        files++;
        if (!readable(name)) {
            cr_assert_eq(decode(&decoder, name, &image), LAM_ERR_UNSUPPORTED);
            continue;
        }
        cr_assert_eq(decode(&decoder, name, &image), LAM_OK, "%s", lam_error_message());
        cr_assert(image.width == width && image.height == height && image.channels == channels,
                  "%s: %zu x %zu x %zu", name, image.width, image.height, image.channels);
        for (size_t i = 0; i < size; i++) /* libraries round the transform of JPEG differently */
            cr_assert(abs(image.pixels[i] - expected[i]) <= (strstr(name, ".jpg") ? 1 : 0),
                      "%s: value %zu is %d, expected %d", name, i, image.pixels[i], expected[i]);
    }
    cr_assert(files > 30);
    fclose(list);
    fclose(pixels);
    lam__image_decoder_close(&decoder);
}

Test(images_golden, fitted)
{
    lam__image_decoder decoder = {.jpeg = NULL};
    FILE *list = open_golden("fit.txt"), *pixels = open_golden("fit.bin");
    char name[128];
    int invert;
    size_t cases = 0, off = 0, values = 0;
    lam__image_shape shape;
    while (fscanf(list, "%127s %zu %zu %zu %d", name, &shape.width, &shape.height, &shape.channels,
                  &invert) == 5) {
        const size_t size = shape.width * shape.height * shape.channels;
        unsigned char expected[1 << 14], found[1 << 14];
        lam__image image;
        shape.invert = invert;
        cr_assert(size <= sizeof expected && fread(expected, 1, size, pixels) == size);
        cases++;
        if (!readable(name))
            continue;
        cr_assert_eq(decode(&decoder, name, &image), LAM_OK);
        cr_assert_eq(lam__image_fit(&decoder, &image, &shape, found), LAM_OK);
        for (size_t i = 0; i < size; i++) {
            cr_assert(abs(found[i] - expected[i]) <= 1, "%s to %zu x %zu: value %zu: %d for %d",
                      name, shape.width, shape.height, i, found[i], expected[i]);
            off += found[i] != expected[i];
        }
        values += size;
    }
    cr_assert(cases > 40);
    /* OpenCV cuts digits off on its way: some 10% of its values are not the nearest */
    cr_assert(values == 0 || off * 7 <= values, "%zu of %zu values differ", off, values);
    fclose(list);
    fclose(pixels);
    lam__image_decoder_close(&decoder);
}

Test(images_golden, printing_colours_are_refused, .disabled = !LAM__HAVE_IMAGES)
{
    lam__image_decoder decoder = {.jpeg = NULL};
    lam__image image;
    cr_assert_eq(decode(&decoder, "cmyk.jpg", &image), LAM_ERR_UNSUPPORTED);
    cr_assert(strstr(lam_error_message(), "CMYK"));
    lam__image_decoder_close(&decoder);
}
