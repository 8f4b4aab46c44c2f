/* import_graph_check.c: a network run step by step as its file tells it, beside the model made of
 * it. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "formats/import/import_graph_steps.h"
#include "formats/import/import_report.h"
#include "formats/import/output_gap.h"
#include "infer/plain_run.h"

#include <lamina/predictor.h>

/* Random inputs: at most so many, with so many values, and so many multiplications. */
enum { MOST_ROWS = 256, MOST_VALUES = 1 << 20 };
static const double MOST_PRODUCTS = 3e8;

/* The largest difference that is rounding, of outputs of size 1. */
static const double MOST_DIFFERENCE = 1e-3;

struct lam__import_graph_check {
    size_t rows, in, out;
    float *x;  /* [rows][in] */
    double *y; /* [rows][out] */
};

static size_t choose_rows(const lam__import_graph *imported, size_t widest)
{
    double products = 1.0;
    for (size_t i = 0; i < imported->count; i++)
        products +=
            (double)imported->steps[i].in *
            (imported->steps[i].kind == LAM__STEP_DENSE ? (double)imported->steps[i].out : 1.0);
    const double by_time = MOST_PRODUCTS / products, by_memory = MOST_VALUES / (double)widest;
    const double rows = by_time < by_memory ? by_time : by_memory;
    return rows > MOST_ROWS ? MOST_ROWS : rows < 1.0 ? 1 : (size_t)rows;
}

static void run_dense(const lam__step *step, const double *x, double *y)
{
    memcpy(y, step->b, step->out * sizeof *y);
    for (size_t i = 0; i < step->in; i++)
        for (size_t j = 0; j < step->out; j++)
            y[j] += x[i] * step->a[i * step->out + j];
}

/* Through the plain form of its type. `room`: 4 * in floats, for x, y and the parameters. */
static void run_layer(const lam__step *step, float *room, const double *x, double *y)
{
    const size_t n = step->in;
    lam__layer layer = step->layer;
    layer.in = layer.out = n;
    layer.weight = 2 * n;
    layer.bias = 3 * n;
    for (size_t i = 0; i < n; i++) {
        room[i] = (float)x[i];
        room[layer.weight + i] = (float)step->a[i];
        room[layer.bias + i] = (float)step->b[i];
    }
    layer.type->plain(&layer, room, room, room + n);
    for (size_t i = 0; i < n; i++)
        y[i] = (double)room[n + i];
}

/* y = f(x), through the floats of the plain functions. */
static void run_activation(const lam__step *step, float *room, const double *x, double *y)
{
    for (size_t i = 0; i < step->in; i++)
        room[i] = (float)x[i];
    lam__plain_activation(step->activation, step->in, room);
    for (size_t i = 0; i < step->in; i++)
        y[i] = (double)room[i];
}

/* Runs the steps on a sample that stands in room[0]; each row of the room has `widest` values. The
 * result is in the row returned. */
static double *run_steps(const lam__import_graph *imported, double *room[2], float *floats)
{
    double *x = room[0], *y = room[1];
    for (size_t i = 0; i < imported->count; i++) {
        const lam__step *step = &imported->steps[i];
        if (step->kind == LAM__STEP_GONE ||
            (step->kind == LAM__STEP_LAYER && step->layer.type->only_training))
            continue;
        if (step->kind == LAM__STEP_DENSE)
            run_dense(step, x, y);
        else if (step->kind == LAM__STEP_LAYER)
            run_layer(step, floats, x, y);
        else if (step->kind == LAM__STEP_ACTIVATION)
            run_activation(step, floats, x, y);
        else
            for (size_t k = 0; k < step->in; k++)
                y[k] = x[k] * step->a[k] + step->b[k];
        double *swap = x;
        x = y;
        y = swap;
    }
    return x;
}

/* An input from which the first step, where it scales, makes values of -1 to 1. */
static float draw(const lam__import_graph *imported, size_t i, lam__stream *stream)
{
    const double u = 2.0 * lam__next_uniform(stream) - 1.0;
    const lam__step *first = &imported->steps[0];
    if (imported->count == 0 || first->kind != LAM__STEP_AFFINE || first->a[i] == 0.0)
        return (float)u;
    const double x = (u - first->b[i]) / first->a[i];
    return fabs(x) < 1e6 ? (float)x : (float)u;
}

static void fill(const lam__import_graph *imported, lam__import_graph_check *check, double *room[2],
                 float *floats)
{
    lam__stream stream = lam__stream_open(lam__derive_key(1, LAM__FOR_TOY, UINT32_MAX), 0);
    for (size_t row = 0; row < check->rows; row++) {
        float *x = check->x + row * check->in;
        for (size_t i = 0; i < check->in; i++) {
            x[i] = draw(imported, i, &stream);
            room[0][i] = (double)x[i];
        }
        memcpy(check->y + row * check->out, run_steps(imported, room, floats),
               check->out * sizeof *check->y);
    }
}

lam__import_graph_check *lam__import_graph_expect(const lam__import_graph *imported,
                                                  size_t features)
{
    size_t widest = features, out = features, values;
    for (size_t i = 0; i < imported->count; i++) {
        if (imported->steps[i].kind == LAM__STEP_DENSE)
            out = imported->steps[i].out;
        widest = out > widest ? out : widest;
    }
    const size_t rows = choose_rows(imported, widest);
    lam__import_graph_check *check = lam__allocate_zero(1, sizeof *check, "a comparison");
    float *floats = lam__multiply(widest, 4, &values)
                        ? lam__allocate(values, sizeof *floats, "a comparison")
                        : NULL;
    double *room = lam__multiply(widest, 2, &values)
                       ? lam__allocate(values, sizeof *room, "a comparison")
                       : NULL;
    if (check && lam__multiply(rows, features, &values))
        check->x = lam__allocate(values, sizeof *check->x, "a comparison");
    if (check && lam__multiply(rows, out, &values))
        check->y = lam__allocate(values, sizeof *check->y, "a comparison");
    if (!check || !floats || !room || !check->x || !check->y) {
        lam__import_graph_check_free(check);
        check = NULL;
    } else {
        check->rows = rows;
        check->in = features;
        check->out = out;
        fill(imported, check, (double *[]){room, room + widest}, floats);
    }
    lam__release(floats);
    lam__release(room);
    return check;
}

/* What is too large for single precision is infinite there. */
static double as_single(double value)
{
    return fabs(value) > (double)FLT_MAX ? copysign(INFINITY, value) : value;
}

/* The largest difference, of outputs of size 1. */
static lam_status compare(const lam__import_graph_check *check, const lam_model *model,
                          double *largest)
{
    lam__output_gap gap = {.size = 1.0};
    float *y = lam__allocate(check->rows * check->out, sizeof *y, "a comparison");
    lam_predictor *predictor = y ? lam_predictor_new(model, check->rows) : NULL;
    lam_status status =
        predictor ? lam_predictor_run(predictor, check->x, check->rows, y) : lam_error_status();
    for (size_t i = 0; status == LAM_OK && i < check->rows * check->out; i++)
        lam__widen_gap(&gap, as_single(check->y[i]), y[i]);
    *largest = gap.largest / gap.size;
    lam_predictor_free(predictor);
    lam__release(y);
    return status;
}

lam_status lam__import_graph_compare(const lam__import_graph_check *check, const char *name,
                                     const lam_model *model, lam_import_report *report)
{
    double largest = 0.0;
    LAM__TRY(compare(check, model, &largest));
    if (!(largest <= MOST_DIFFERENCE))
        return lam__fail(
            LAM_ERR_NUMERIC,
            "%s: the network as the file describes it, in double precision, and the model made "
            "from it, in single, differ by %.3g relative to the outputs on random inputs",
            name, largest);
    lam__report(
        report, LAM__CHECKED,
        "against the steps in the file, run in double precision: largest difference %.3g "
        "relative to the outputs, over %zu random inputs; not compared with the program that "
        "made it",
        largest, check->rows);
    return LAM_OK;
}

void lam__import_graph_check_free(lam__import_graph_check *check)
{
    if (!check)
        return;
    lam__release(check->x);
    lam__release(check->y);
    lam__release(check);
}
