/* test_arrays.c: .npy files against NumPy; data/arrays.txt is made by make_arrays.py, which
 * describes it. */
#include <criterion/criterion.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "base/memory.h"
#include "base/text/decimal.h"
#include "data/readers/arrays/npy.h"

static float next_value(FILE *file)
{
    char word[64];
    float value = 0;
    cr_assert_eq(fscanf(file, "%63s", word), 1);
    const char *end = lam__parse_float(word, &value);
    cr_assert(end && *end == '\0', "%s", word);
    return value;
}

static float value_of(const lam__npy *npy, size_t i)
{
    return npy->dtype == LAM_UINT8 ? ((const uint8_t *)npy->values)[i]
                                   : ((const float *)npy->values)[i];
}

static size_t from_hex(const char *hex, unsigned char *bytes)
{
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return size;
}

Test(arrays, as_numpy_saves_them)
{
    FILE *file = fopen(GOLDEN_DATA "/arrays.txt", "r");
    static char hex[8192];
    static unsigned char bytes[4096];
    char name[64], memory[8];
    size_t samples, features, files = 0;
    cr_assert_not_null(file);
    while (fscanf(file, "%63s %8191s %7s %zu %zu", name, hex, memory, &samples, &features) == 5) {
        size_t size = from_hex(hex, bytes);
        lam__npy all, first;
        cr_assert_eq(lam__npy_parse(bytes, size, name, 0, &all), LAM_OK, "%s: %s", name,
                     lam_error_message());
        cr_assert_eq(lam__npy_parse(bytes, size, name, 2, &first), LAM_OK, "%s: %s", name,
                     lam_error_message());
        cr_assert(all.samples == samples && all.features == features, "%s", name);
        cr_assert_eq(first.samples, samples < 2 ? samples : 2);
        cr_assert_eq(all.dtype, strcmp(memory, "u8") == 0 ? LAM_UINT8 : LAM_FLOAT32, "%s", name);
        for (size_t i = 0; i < samples * features; i++) {
            const float expected = next_value(file), found = value_of(&all, i);
            cr_assert_eq(found, expected, "%s, value %zu: %.9g, expected %.9g", name, i,
                         (double)found, (double)expected);
            if (i < first.samples * features)
                cr_assert_eq(value_of(&first, i), expected, "%s limited, value %zu", name, i);
        }
        lam__release(all.values);
        lam__release(first.values);
        files++;
    }
    fclose(file);
    cr_assert_eq(files, 210);
}
