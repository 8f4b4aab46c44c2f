/* fuzz_npz.c: fuzz target of .npz archives, and with them of zip archives. */
#include <math.h>
#include <stdlib.h>

#include <lamina/lamina.h>

#include "data/readers/arrays/named_arrays.h"
#include "fuzz.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    const lam_load_options options = lam_load_options_default();
    for (int split = 0; split < 2; split++) {
        lam_dataset *set = NULL;
        if (lam__npz_parse(data, size, "input", (lam_split)split, &options, &set) == LAM_OK) {
            const size_t features = lam_dataset_features(set);
            float *x = malloc(features * sizeof *x);
            for (size_t i = 0; i < lam_dataset_samples(set); i++) {
                if (!x || lam_dataset_sample(set, i, x) != LAM_OK)
                    abort();
                for (size_t j = 0; j < features; j++)
                    if (!isfinite(x[j]))
                        abort();
            }
            free(x);
        }
        lam_dataset_free(set);
    }
}
