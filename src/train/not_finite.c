/* not_finite.c: where numbers that are not finite come from. */
#include "train/not_finite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/finite.h"
#include "base/memory.h"
#include "base/text.h"

static void describe(const char *what, size_t i, size_t sample, float value, const char *when,
                     char *text, size_t size)
{
    char number[32];
    snprintf(text, size, "%s %zu of sample %zu is %s%s", what, i, sample,
             lam__format_float(value, number, sizeof number), when);
}

/* In gathered rows x[rows][ld]. */
static bool find_gathered(const float *x, size_t ld, size_t cols, const uint32_t *index,
                          size_t first, size_t rows, const char *what, const char *when, char *text,
                          size_t size)
{
    for (size_t r = 0; r < rows; r++) {
        const size_t bad = lam__first_not_finite(x + r * ld, cols);
        if (bad == cols)
            continue;
        describe(what, bad, index ? index[r] : first + r, x[r * ld + bad], when, text, size);
        return true;
    }
    return false;
}

/* Looks at samples one by one, as they are and as the model's input transform makes them. */
static bool find_in_rows(const lam__pass *pass, const lam_dataset *dataset, const uint32_t *index,
                         size_t first, size_t rows, float *row, char *text, size_t size)
{
    static const lam__transform none = {.kind = LAM_TRANSFORM_NONE, .scale = 1.0f};
    const size_t n = dataset->features;
    for (size_t r = 0; r < rows; r++)
        for (int raw = 1; raw >= 0; raw--) {
            dataset->ops->gather(dataset, index ? index + r : NULL, first + r, 1,
                                 raw ? &none : &pass->model->transform, row, n);
            if (find_gathered(row, n, n, index ? index + r : NULL, first + r, 1, "feature",
                              raw ? "" : " after the input transform", text, size))
                return true;
        }
    return false;
}

bool lam__find_bad_sample(const lam__pass *pass, const lam_dataset *dataset, const uint32_t *index,
                          size_t first, size_t rows, char *text, size_t size)
{
    float *row = lam__allocate(dataset->features, sizeof *row, "a sample");
    const bool found = row && find_in_rows(pass, dataset, index, first, rows, row, text, size);
    lam__release(row);
    return found;
}

bool lam__find_bad_output(const lam__pass *pass, const uint32_t *index, size_t first, size_t rows,
                          char *text, size_t size)
{
    const lam__stage *last = lam__workspace_last(&pass->workspace);
    return find_gathered(last->y, last->ldy, pass->outputs, index, first, rows, "output", "", text,
                         size);
}
