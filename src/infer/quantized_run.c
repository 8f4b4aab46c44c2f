/* quantized_run.c: predictions of a network of 8-bit integers: the arithmetic of its C file. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/source.h"
#include "infer/plain_run.h"
#include "infer/quantized.h"
#include "nn/metrics.h"
#include "options/fit_options.h"

unsigned char lam__q_byte(float x, float low, float twice)
{
    const float t = (x - low) * twice;
    if (!(t > 0.0f))
        return 0;
    return (unsigned char)(t < 510.0f ? ((int)t + 1) / 2 : 255);
}

unsigned lam__q_scaled(int sum, int multiplier, unsigned shift, unsigned most)
{
    if (sum <= 0)
        return 0;
    const uint64_t product = (uint64_t)sum * (uint64_t)multiplier;
    const uint64_t scaled = (product + ((uint64_t)1 << (shift - 1))) >> shift;
    return scaled < most ? (unsigned)scaled : most;
}

/* The whole part of the root. */
static uint64_t root_of(uint64_t v)
{
    uint64_t root = 0, bit = (uint64_t)1 << 62;
    while (bit > v)
        bit >>= 2;
    while (bit > 0) {
        if (v >= root + bit) {
            v -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    return root;
}

lam__q_norm lam__q_norm_of(const unsigned char *x, size_t n, uint64_t epsilon)
{
    uint64_t total = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        total += x[i];
        squares += (uint64_t)x[i] * x[i];
    }
    const uint64_t root = root_of((n * squares - total * total + epsilon) << 8);
    return (lam__q_norm){(int64_t)n, (int64_t)total, root > 0 ? (int64_t)root : 1};
}

static int sum_of(const lam__q_layer *layer, size_t j, const unsigned char *x,
                  const lam__q_norm *norm)
{
    if (layer->gamma) {
        const int t = (int)((norm->n * x[j] - norm->total) * 65536 / norm->root);
        return t * layer->gamma[j] + layer->bias[j];
    }
    const size_t in = layer->layer->in;
    const signed char *w = layer->weight + j * in;
    int sum = layer->bias[j];
    for (size_t i = 0; i < in; i++)
        sum += w[i] * x[i];
    return sum;
}

/* A layer of tables: to bytes y[out], or to floats z[out] before the activation. */
static void look_up(const lam__q_layer *layer, const unsigned char *x, unsigned char *y, float *z)
{
    for (size_t j = 0; j < layer->layer->out; j++)
        if (layer->bytes)
            y[j] = layer->bytes[j * LAM__Q_BYTE_VALUES + x[j]];
        else
            z[j] = layer->floats[j * LAM__Q_BYTE_VALUES + x[j]];
}

/* The sums of a layer, to bytes y[out] or floats z[out]. */
static void run_sums(const lam__q_layer *layer, const unsigned char *x, unsigned char *y, float *z)
{
    const size_t out = layer->layer->out;
    const bool bytes = layer->kind == LAM__Q_BYTES, table = layer->kind == LAM__Q_TABLE;
    lam__q_norm norm = {0};
    if (layer->gamma)
        norm = lam__q_norm_of(x, out, layer->epsilon);
    for (size_t j = 0; j < out; j++) {
        const int sum = sum_of(layer, j, x, &norm);
        if (bytes)
            y[j] = (unsigned char)lam__q_scaled(sum, layer->multiplier[j], layer->shift[j], 255);
        else if (table)
            y[j] = layer->table[lam__q_scaled(sum, layer->multiplier[j], layer->shift[j],
                                              LAM__Q_TABLE_SIZE - 1)];
        else
            z[j] = (float)sum * layer->scale[j];
    }
}

/* One layer: bytes x[in] to bytes y[out], or to floats z[out] for the last. */
static void run_layer(const lam__q_layer *layer, const unsigned char *x, unsigned char *y, float *z)
{
    const size_t out = layer->layer->out;
    if (lam__q_is_tables(layer))
        look_up(layer, x, y, z);
    else
        run_sums(layer, x, y, z);
    if (layer->kind == LAM__Q_BYTES || layer->kind == LAM__Q_TABLE)
        return;
    lam__plain_activation(layer->layer->activation, out, z);
    if (layer->kind == LAM__Q_ROW)
        for (size_t j = 0; j < out; j++)
            y[j] = lam__q_byte(z[j], layer->low, layer->twice);
}

/* `room`: 2 * widest bytes, then widest floats before them. */
static void run_sample(const lam_quantized *q, const float *x, float *z, unsigned char *room,
                       size_t widest, float *y)
{
    const lam_model *model = q->model;
    unsigned char *from = room, *to = room + widest;
    for (size_t i = 0; i < model->features; i++)
        from[i] = lam__q_byte(x[i], q->low[q->each ? i : 0], q->twice[q->each ? i : 0]);
    for (size_t i = 0; i < q->layer_count; i++) {
        run_layer(&q->layers[i], from, to, i + 1 == q->layer_count ? y : z);
        unsigned char *swap = from;
        from = to;
        to = swap;
    }
}

/* No byte stands for NaN: of it, the lowest value would be made. */
static lam_status check_samples(const float *x, size_t rows, size_t features)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < features; i++)
            if (isnan(x[r * features + i]))
                return lam__fail(LAM_ERR_NUMERIC, "feature %zu of sample %zu is nan", i, r);
    return LAM_OK;
}

lam_status lam_quantized_predict(const lam_quantized *q, const float *x, size_t rows, float *y)
{
    if (!q || !x || !y)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_quantized_predict: quantized, x or y is NULL");
    LAM__TRY(check_samples(x, rows, q->model->features));
    const size_t widest = lam__plain_widest(q->model), outputs = lam_model_outputs(q->model);
    float *room = lam__allocate(widest, sizeof *room + 2, "a sample");
    if (!room)
        return LAM_ERR_MEMORY;
    for (size_t r = 0; r < rows; r++)
        run_sample(q, x + r * q->model->features, room, (unsigned char *)(room + widest), widest,
                   y + r * outputs);
    lam__release(room);
    return LAM_OK;
}

/* The metrics' states while rows pass. */
typedef struct judgement {
    const lam__metric *metrics[LAM_MAX_METRICS];
    double state[LAM_MAX_METRICS][LAM_METRIC_STATE];
    const lam_fit_options *options;
    bool argmax;
} judgement;

static void judge_rows(judgement *j, lam_scores *scores, const lam_dataset *data, size_t first,
                       size_t rows, size_t outputs, const float *y)
{
    const lam_metric_rows seen = {
        .rows = rows,
        .width = outputs,
        .stride = outputs,
        .y = y,
        .classes = data->labels ? data->labels + first : NULL,
        .targets = data->targets ? data->targets + first * outputs : NULL,
        .threshold = j->options->threshold,
        .tolerance = j->options->tolerance,
        .argmax = j->argmax,
    };
    for (size_t m = 0; m < scores->metrics; m++)
        j->metrics[m]->update(&seen, j->state[m], j->metrics[m]->user);
}

static lam_status judge(const lam_quantized *q, judgement *j, const lam_dataset *data,
                        lam_scores *scores)
{
    enum { TOGETHER = 64 };
    const size_t features = q->model->features, outputs = lam_model_outputs(q->model);
    float *x = lam__allocate(TOGETHER * (features + outputs), sizeof *x, "samples");
    lam_status status = x ? LAM_OK : LAM_ERR_MEMORY;
    for (size_t first = 0; first < data->samples && status == LAM_OK; first += TOGETHER) {
        const size_t left = data->samples - first, rows = left < TOGETHER ? left : TOGETHER;
        float *y = x + TOGETHER * features;
        status = lam__source_read(data, first, rows, x);
        if (status == LAM_OK)
            status = lam_quantized_predict(q, x, rows, y);
        if (status == LAM_OK)
            judge_rows(j, scores, data, first, rows, outputs, y);
    }
    lam__release(x);
    return status;
}

lam_status lam_quantized_evaluate(const lam_quantized *q, const lam_dataset *data,
                                  const lam_fit_options *options, lam_scores *scores)
{
    lam_fit_options own;
    if (!q || !data || !scores)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "lam_quantized_evaluate: quantized, dataset or scores is NULL");
    LAM__TRY(lam__take_fit_options(&own, &options));
    LAM__TRY(lam__check_fit_options(options));
    const lam__activation *last = lam__last_dense(q->model)->activation;
    judgement j = {.options = options, .argmax = last->decision == LAM__DECIDE_ARGMAX};
    const size_t outputs = lam_model_outputs(q->model);
    if (data->features != q->model->features ||
        (data->labels && data->classes > (outputs == 1 ? 2 : outputs)) ||
        (data->targets && data->outputs != outputs) || (!data->labels && !data->targets))
        return lam__fail(LAM_ERR_SHAPE, "the data do not fit the model");
    *scores = (lam_scores){
        .samples = data->samples, .loss = NAN, .data_loss = NAN, .regularization_loss = NAN};
    const char *list = j.options->metrics ? j.options->metrics : "accuracy";
    LAM__TRY(lam__parse_metrics(list, last, j.metrics, scores->names, &scores->metrics));
    const lam_metric_rows kind = {
        .width = outputs, .classes = data->labels, .targets = data->targets, .argmax = j.argmax};
    LAM__TRY(lam__check_judging_options(j.options, j.metrics, scores->metrics, &kind));
    LAM__TRY(judge(q, &j, data, scores));
    for (size_t m = 0; m < scores->metrics; m++)
        scores->values[m] = j.metrics[m]->result(j.state[m], j.metrics[m]->user);
    return LAM_OK;
}
