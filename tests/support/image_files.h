/* image_files.h: BMP files for tests, which every build reads. */
#ifndef LAMINA_TEST_IMAGE_FILES_H
#define LAMINA_TEST_IMAGE_FILES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scratch.h"

static inline void bmp_number(unsigned char *at, size_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(number >> 8 * i);
}

/* The bytes of a BMP file of pixels[height][width][channels], channels 1 or 3; to be freed. */
static inline unsigned char *bmp_make(const uint8_t *pixels, size_t width, size_t height,
                                      size_t channels, size_t *size)
{
    const size_t colours = channels == 1 ? 1024 : 0, stride = (width * channels + 3) / 4 * 4;
    *size = 54 + colours + stride * height;
    unsigned char *b = calloc(*size, 1);
    if (!b)
        abort();
    b[0] = 'B';
    b[1] = 'M';
    bmp_number(b + 2, *size);
    bmp_number(b + 10, 54 + colours);
    bmp_number(b + 14, 40);
    bmp_number(b + 18, width);
    bmp_number(b + 22, height);
    b[26] = 1;
    b[28] = (unsigned char)(8 * channels);
    for (size_t i = 0; i < colours; i++)
        b[54 + i] = i % 4 == 3 ? 0 : (unsigned char)(i / 4);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width * channels; x++) {
            const size_t from = channels == 3 ? x / 3 * 3 + 2 - x % 3 : x;
            b[54 + colours + (height - 1 - y) * stride + x] = pixels[y * width * channels + from];
        }
    return b;
}

/* Makes the folders of a path FOLDER/A/B/NAME, and writes FOLDER/A/B/NAME. */
static inline void image_put(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[512];
    scratch_path(folder, name, path);
    for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0777);
        *at = '/';
    }
    scratch_write(path, bytes, size);
}

/* Writes FOLDER/NAME, an image whose value i is (seed + 7 i) modulo 256. */
static inline void image_write(const char *folder, const char *name, size_t width, size_t height,
                               size_t channels, unsigned seed)
{
    size_t size;
    uint8_t *pixels = malloc(width * height * channels);
    if (!pixels)
        abort();
    for (size_t i = 0; i < width * height * channels; i++)
        pixels[i] = (uint8_t)(seed + 7 * i);
    unsigned char *bytes = bmp_make(pixels, width, height, channels, &size);
    image_put(folder, name, bytes, size);
    free(bytes);
    free(pixels);
}

#endif
