/* compare.c: how far two models are apart on random inputs. */
#include <lamina/exchange.h>

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "formats/import/output_gap.h"
#include "model/network.h"

#include <lamina/predictor.h>

/* One value of feature i as the model might be given it. */
static float draw(const lam__transform *transform, size_t i, lam__stream *stream)
{
    const double u = lam__next_uniform(stream);
    switch (transform->kind) {
    case LAM_TRANSFORM_SCALE:
        return (float)(transform->from_lo + u * ((double)transform->from_hi - transform->from_lo));
    case LAM_TRANSFORM_STANDARDIZE:
        return (float)(transform->mean[i] + 2.0 * (2.0 * u - 1.0) * transform->std[i]);
    case LAM_TRANSFORM_NONE:
        break;
    }
    return (float)(2.0 * u - 1.0);
}

/* Floats of inputs and outputs that are there at once, unless a single row has more: 4 MB. */
enum { FLOATS_MOST = 1 << 20 };

/* Runs both on x[rows][features], the outputs going to y, first those of a. Each has its predictor,
 * which has a copy of the weights, while it runs. */
static lam_status run_both(const lam_model *a, const lam_model *b, const float *x, size_t rows,
                           float *y)
{
    const lam_model *models[] = {a, b};
    for (int i = 0; i < 2; i++) {
        lam_predictor *predictor = lam_predictor_new(models[i], rows);
        if (!predictor)
            return lam_error_status();
        lam_status status =
            lam_predictor_run(predictor, x, rows, y + (i ? rows * lam_model_outputs(a) : 0));
        lam_predictor_free(predictor);
        LAM__TRY(status);
    }
    return LAM_OK;
}

static lam_status check(const lam_model *a, const lam_model *b, size_t rows, const double *largest)
{
    if (!a || !b || !largest || rows == 0)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_compare: %s",
                         rows == 0 ? "0 rows" : "a model or the result is NULL");
    LAM__TRY(lam_model_status(a));
    LAM__TRY(lam_model_status(b));
    if (a->features != b->features || lam_model_outputs(a) != lam_model_outputs(b))
        return lam__fail(LAM_ERR_SHAPE, "a model from %zu values to %zu, and one from %zu to %zu",
                         a->features, lam_model_outputs(a), b->features, lam_model_outputs(b));
    return LAM_OK;
}

static lam_status measure(const lam_model *a, const lam_model *b, size_t rows, uint64_t seed,
                          lam__output_gap *gap)
{
    const size_t in = a->features, out = lam_model_outputs(a);
    size_t row, floats;
    if (!lam__multiply(out, 2, &row) || !lam__add(row, in, &row))
        return lam__fail_memory(SIZE_MAX, "inputs and outputs");
    const size_t at_once = row < FLOATS_MOST ? FLOATS_MOST / row : 1;
    const size_t most = rows < at_once ? rows : at_once;
    if (!lam__multiply(row, most, &floats))
        return lam__fail_memory(SIZE_MAX, "inputs and outputs");
    float *x = lam__allocate(floats, sizeof *x, "inputs and outputs");
    if (!x)
        return LAM_ERR_MEMORY;
    float *y = x + most * in;
    lam__stream stream = lam__stream_open(lam__derive_key(seed, LAM__FOR_TOY, UINT32_MAX), 0);
    lam_status status = LAM_OK;
    *gap = (lam__output_gap){0};
    for (size_t done = 0, now; done < rows && status == LAM_OK; done += now) {
        now = rows - done < most ? rows - done : most;
        for (size_t i = 0; i < now * in; i++)
            x[i] = draw(&a->transform, i % in, &stream);
        status = run_both(a, b, x, now, y);
        for (size_t i = 0; status == LAM_OK && i < now * out; i++)
            lam__widen_gap(gap, y[i], y[now * out + i]);
    }
    lam__release(x);
    return status;
}

lam_status lam_model_compare(const lam_model *a, const lam_model *b, size_t rows, uint64_t seed,
                             double *largest)
{
    lam__output_gap gap;
    LAM__TRY(check(a, b, rows, largest));
    LAM__TRY(measure(a, b, rows, seed, &gap));
    *largest = gap.largest;
    return LAM_OK;
}

lam_status lam_model_compare_relative(const lam_model *a, const lam_model *b, size_t rows,
                                      uint64_t seed, double *largest)
{
    lam__output_gap gap;
    LAM__TRY(check(a, b, rows, largest));
    LAM__TRY(measure(a, b, rows, seed, &gap));
    *largest = gap.largest / fmax(gap.size, 1.0);
    return LAM_OK;
}
