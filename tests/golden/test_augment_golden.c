/* test_augment_golden.c: moved images against SciPy (make_augment.py), flips against themselves. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/augment.h"

enum { MOST = 256 };

#define RADIANS_A_DEGREE 0.017453292519943295

static lam__augment open_augment(const char *fill_mode)
{
    lam__augment augment;
    lam_fit_options options = lam_fit_options_default();
    options.fill_mode = fill_mode;
    lam__augment_open(&augment, &options);
    return augment;
}

Test(augment_golden, moved_as_scipy_does)
{
    FILE *list = fopen(GOLDEN_DATA "/augment.txt", "r"),
         *values = fopen(GOLDEN_DATA "/augment.bin", "rb");
    cr_assert(list && values);
    lam__input image = {.kind = LAM_INPUT_IMAGE};
    char mode[16];
    double angle, rows, columns, shear, zoom_rows, zoom_columns;
    size_t cases = 0;
    while (fscanf(list, "%zu %zu %zu %15s %lf %lf %lf %lf %lf %lf", &image.width, &image.height,
                  &image.channels, mode, &angle, &rows, &columns, &shear, &zoom_rows,
                  &zoom_columns) == 10) {
        const size_t n = image.width * image.height * image.channels;
        float x[MOST], expected[MOST], work[MOST];
        cr_assert(n <= MOST && fread(x, sizeof *x, n, values) == n &&
                  fread(expected, sizeof *x, n, values) == n);
        const lam__augment augment = open_augment(mode);
        lam__change change = {.moves = true};
        lam__augment_matrix(angle * RADIANS_A_DEGREE, rows, columns, shear * RADIANS_A_DEGREE,
                            zoom_rows, zoom_columns, change.m);
        lam__augment_apply(&augment, &image, n, true, &change, x, work);
        for (size_t i = 0; i < n; i++) /* of 0..255 */
            cr_assert(fabsf(x[i] - expected[i]) < 1e-3f,
                      "case %zu, %s: value %zu is %g, SciPy's %g", cases, mode, i, (double)x[i],
                      (double)expected[i]);
        cases++;
    }
    cr_assert_eq(cases, 36);
    fclose(list);
    fclose(values);
}

Test(augment_golden, nothing_asked_for_changes_nothing)
{
    const lam__input image = {.kind = LAM_INPUT_IMAGE, .width = 5, .height = 4, .channels = 3};
    const lam__augment augment = open_augment("nearest");
    cr_assert(!augment.any && !augment.images);
    float x[60], before[60], work[60];
    for (size_t i = 0; i < 60; i++)
        before[i] = x[i] = (float)i * 1.25f;
    for (uint32_t sample = 0; sample < 100; sample++) {
        lam__change change;
        lam__augment_draw(&augment, &image, 7, sample, &change);
        lam__augment_apply(&augment, &image, 60, false, &change, x, work);
        cr_assert(memcmp(x, before, sizeof x) == 0);
    }
}

Test(augment_golden, flips_are_exact)
{
    const lam__input image = {.kind = LAM_INPUT_IMAGE, .width = 5, .height = 4, .channels = 3};
    lam_fit_options options = lam_fit_options_default();
    options.horizontal_flip = options.vertical_flip = true;
    lam__augment augment;
    lam__augment_open(&augment, &options);
    cr_assert(augment.any && augment.images && !augment.moves);
    size_t seen[4] = {0};
    for (uint32_t sample = 0; sample < 400; sample++) {
        float x[60], work[60];
        for (size_t i = 0; i < 60; i++)
            x[i] = (float)i;
        lam__change change;
        lam__augment_draw(&augment, &image, 3, sample, &change);
        lam__augment_apply(&augment, &image, 60, true, &change, x, work);
        seen[2 * change.horizontal_flip + change.vertical_flip]++;
        for (size_t r = 0; r < 4; r++)
            for (size_t c = 0; c < 5; c++)
                for (size_t k = 0; k < 3; k++) {
                    const size_t row = change.vertical_flip ? 3 - r : r;
                    const size_t column = change.horizontal_flip ? 4 - c : c;
                    cr_assert_eq(x[(r * 5 + c) * 3 + k], (float)((row * 5 + column) * 3 + k));
                }
    }
    for (int i = 0; i < 4; i++) /* 100 each, deviation 8.7 */
        cr_assert(seen[i] > 60 && seen[i] < 140, "%zu", seen[i]);
}

Test(augment_golden, drawn_within_the_ranges_and_by_key_alone)
{
    const lam__input image = {.kind = LAM_INPUT_IMAGE, .width = 40, .height = 20, .channels = 1};
    lam_fit_options options = lam_fit_options_default();
    options.width_shift = 0.1f;
    options.height_shift = 0.2f;
    options.brightness = 0.3f;
    lam__augment augment;
    lam__augment_open(&augment, &options);
    double least = 0.0, most = 0.0;
    for (uint32_t sample = 0; sample < 1000; sample++) {
        lam__change change, again, other;
        lam__augment_draw(&augment, &image, 5, sample, &change);
        lam__augment_draw(&augment, &image, 5, sample, &again);
        lam__augment_draw(&augment, &image, 6, sample, &other);
        cr_assert(memcmp(change.m, again.m, sizeof change.m) == 0);
        cr_assert(memcmp(change.m, other.m, sizeof change.m) != 0);
        cr_assert(change.m[0] == 1.0 && change.m[1] == 0.0 && change.m[3] == 0.0 &&
                  change.m[4] == 1.0);
        cr_assert(fabs(change.m[2]) <= 4.0 && fabs(change.m[5]) <= 4.0);
        cr_assert(change.brightness >= 0.7f && change.brightness <= 1.3f);
        least = change.m[2] < least ? change.m[2] : least;
        most = change.m[2] > most ? change.m[2] : most;
    }
    cr_assert(least < -3.8 && most > 3.8);
}

Test(augment_golden, noise_has_its_deviation_and_bytes_stay_bytes)
{
    enum { VALUES = 10000 };
    static float x[VALUES], work[VALUES];
    lam_fit_options options = lam_fit_options_default();
    options.noise = 10.0f;
    lam__augment augment;
    lam__augment_open(&augment, &options);
    cr_assert(augment.any && !augment.images);
    for (int bytes = 0; bytes < 2; bytes++) {
        const lam__input values = {.kind = LAM_INPUT_VALUES};
        double sum = 0.0, squares = 0.0;
        lam__change change;
        for (size_t i = 0; i < VALUES; i++)
            x[i] = bytes ? 250.0f : 100.0f;
        lam__augment_draw(&augment, &values, 1, 1, &change);
        lam__augment_apply(&augment, &values, VALUES, bytes, &change, x, work);
        for (size_t i = 0; i < VALUES; i++) {
            sum += x[i];
            squares += ((double)x[i] - 100.0) * ((double)x[i] - 100.0);
            cr_assert(!bytes || (x[i] >= 0.0f && x[i] <= 255.0f));
        }
        if (!bytes)
            cr_assert(fabs(sum / VALUES - 100.0) < 0.4 &&
                      fabs(sqrt(squares / VALUES) - 10.0) < 0.3);
    }
}
