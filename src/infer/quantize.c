/* quantize.c: a model and data become a network of 8-bit integers. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/source.h"
#include "infer/plain_run.h"
#include "infer/quantized.h"

/* Samples that ranges are taken from, and how many are read together. */
enum { SAMPLES_MOST = 4096, READ_TOGETHER = 64 };

/* Where a bias must stay: the sum of a layer with the most inputs then fits 32 bits. */
#define BIAS_MOST ((double)(1 << 29))

typedef struct range {
    float low, high;
} range;

static void widen(range *r, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        r->low = values[i] < r->low ? values[i] : r->low;
        r->high = values[i] > r->high ? values[i] : r->high;
    }
}

static double step_of(const range *r)
{
    const double width = (double)r->high - r->low;
    return width > 0 ? width / 255 : 1.0 / 255;
}

/* Ranges of everything: of the transformed input, and of each layer's z and y. All hold 0. */
typedef struct ranges {
    range input;
    range *z, *y; /* [layer_count] */
} ranges;

/* One raw sample through the layers in plain C. `room`: 2 * widest floats. */
static void measure_sample(const lam_quantized *q, const float *x, float *room, size_t widest,
                           ranges *all)
{
    const lam_model *model = q->model;
    float *from = room, *to = room + widest;
    lam__transform_f32(&model->transform, model->features, x, from);
    widen(&all->input, from, model->features);
    for (size_t i = 0; i < q->layer_count; i++) {
        const lam__layer *layer = q->layers[i].layer;
        layer->type->plain(layer, model->parameters, from, to);
        widen(&all->z[i], to, layer->out);
        lam__plain_activation(layer->activation, layer->out, to);
        widen(&all->y[i], to, layer->out);
        float *swap = from;
        from = to;
        to = swap;
    }
}

static lam_status measure(const lam_quantized *q, const lam_dataset *data, ranges *all)
{
    const lam_model *model = q->model;
    const size_t features = model->features;
    const size_t stride = (data->samples + SAMPLES_MOST - 1) / SAMPLES_MOST;
    const size_t widest = lam__plain_widest(model);
    float *rows = lam__allocate(READ_TOGETHER * features + 2 * widest, sizeof *rows, "samples");
    lam_status status = rows ? LAM_OK : LAM_ERR_MEMORY;
    for (size_t first = 0; first < data->samples && status == LAM_OK; first += READ_TOGETHER) {
        const size_t left = data->samples - first;
        const size_t count = left < READ_TOGETHER ? left : READ_TOGETHER;
        status = lam__source_read(data, first, count, rows);
        for (size_t r = 0; r < count && status == LAM_OK; r++)
            if ((first + r) % stride == 0)
                measure_sample(q, rows + r * features, rows + READ_TOGETHER * features, widest,
                               all);
    }
    lam__release(rows);
    return status;
}

/* Bytes of a transformed input t = a x + b: x = (low - b) / a is byte 0, and a / step counts. */
static void quantize_input(lam_quantized *q, const range *input)
{
    const lam__transform *transform = &q->model->transform;
    const double step = step_of(input);
    for (size_t i = 0; i < (q->each ? q->model->features : 1); i++) {
        const double a = q->each ? transform->scales[i] : transform->scale;
        const double b = q->each ? transform->offsets[i] : transform->offset;
        /* a feature that counts nothing is 0 after the transform, whatever comes in */
        q->low[i] = a != 0 ? (float)((input->low - b) / a) : 0.0f;
        q->twice[i] = (float)(2 * a / step);
    }
}

/* Column j of W: a step of its own, as small as weights and bias allow. The bias holds what the
 * lower ends of the input's and the output's range stand for. */
static double quantize_column(const lam__q_layer *to, const lam_model *model, size_t j,
                              const range *in, double out_low)
{
    const lam__layer *layer = to->layer;
    const float *w = model->parameters + layer->weight;
    const double step = step_of(in), bias = (double)model->parameters[layer->bias + j] - out_low;
    /* In float: gcc 12 for aarch64 crashes on fmax of doubles over an array of floats. */
    float largest = 0;
    for (size_t i = 0; i < layer->in; i++) {
        const float magnitude = fabsf(w[i * layer->out + j]);
        largest = magnitude > largest ? magnitude : largest;
    }
    double size = fmax((double)largest / 127, fabs(bias) / (step * BIAS_MOST));
    size = size > 0 ? size : 1;
    double total = 0;
    for (size_t i = 0; i < layer->in; i++) {
        const double rounded = nearbyint((double)w[i * layer->out + j] / size);
        to->weight[j * layer->in + i] = (signed char)rounded;
        total += rounded;
    }
    to->bias[j] = (int)nearbyint((bias / size + in->low * total) / step);
    return size * step;
}

/* gamma[j] of layer normalization, in 10 bits: what is normalized has at most 20. */
static double quantize_gamma(const lam__q_layer *to, const lam_model *model, size_t j,
                             double out_low)
{
    const double unit = 1.0 / 4096, gamma = model->parameters[to->layer->weight + j];
    const double bias = (double)model->parameters[to->layer->bias + j] - out_low;
    double size = fmax(fabs(gamma) / 1023, fabs(bias) / (unit * BIAS_MOST));
    size = size > 0 ? size : 1;
    to->gamma[j] = (int)nearbyint(gamma / size);
    to->bias[j] = (int)nearbyint(bias / size / unit);
    return size * unit;
}

/* x = multiplier / 2^shift, multiplier < 2^31. */
static void fixed_point(double x, int *multiplier, unsigned char *shift)
{
    int exponent;
    const double fraction = frexp(x, &exponent); /* in [0.5, 1) */
    int places = 31 - exponent;
    double whole = nearbyint(ldexp(fraction, 31));
    if (whole >= 2147483648.0) {
        whole /= 2;
        places--;
    }
    if (places > 62 || places < 1)
        whole = places > 62 ? 0 : 2147483647.0;
    *multiplier = (int)whole;
    *shift = (unsigned char)(places > 62 ? 62 : places < 1 ? 1 : places);
}

static void fill_table(const lam__q_layer *to, const range *z, const range *y)
{
    const double step = step_of(y);
    for (size_t i = 0; i < LAM__Q_TABLE_SIZE; i++) {
        const double at = z->low + ((double)z->high - z->low) * (double)i / (LAM__Q_TABLE_SIZE - 1);
        const double byte = nearbyint((to->layer->activation->plain((float)at) - y->low) / step);
        to->table[i] = (unsigned char)(byte < 0 ? 0 : byte > 255 ? 255 : byte);
    }
}

/* What output j is, for each byte of input j: the layer in plain C, and its activation unless that
 * takes a whole row. `room`: 2 * out floats. */
static void fill_tables(const lam__q_layer *to, const lam_model *model, const range *in,
                        const range *y, float *room)
{
    const lam__layer *layer = to->layer;
    const size_t n = layer->out;
    float *x = room, *z = room + n;
    for (size_t byte = 0; byte < LAM__Q_BYTE_VALUES; byte++) {
        for (size_t j = 0; j < n; j++)
            x[j] = (float)(in->low + (double)byte * step_of(in));
        layer->type->plain(layer, model->parameters, x, z);
        if (to->bytes)
            lam__plain_activation(layer->activation, n, z);
        for (size_t j = 0; j < n; j++) {
            const double count = nearbyint(((double)z[j] - y->low) / step_of(y));
            const size_t at = j * LAM__Q_BYTE_VALUES + byte;
            if (to->bytes)
                to->bytes[at] = (unsigned char)(count < 0 ? 0 : count > 255 ? 255 : count);
            else
                to->floats[at] = z[j];
        }
    }
}

static void quantize_sums(lam__q_layer *to, const lam_model *model, const range *in, const range *z,
                          const range *y)
{
    const bool bytes = to->kind == LAM__Q_BYTES, table = to->kind == LAM__Q_TABLE;
    const double low = bytes ? (double)y->low : table ? (double)z->low : 0.0;
    const double index = ((double)z->high - z->low) / (LAM__Q_TABLE_SIZE - 1);
    const double step = bytes ? step_of(y) : index > 0 ? index : 1.0;
    const double n = (double)to->layer->in / step_of(in);
    to->epsilon = (uint64_t)fmin((double)to->layer->epsilon * n * n, 0x1p50);
    for (size_t j = 0; j < to->layer->out; j++) {
        const double scale =
            to->gamma ? quantize_gamma(to, model, j, low) : quantize_column(to, model, j, in, low);
        if (bytes || table)
            fixed_point(scale / step, &to->multiplier[j], &to->shift[j]);
        else
            to->scale[j] = (float)scale;
    }
    if (table)
        fill_table(to, z, y);
}

/* `room`: 2 * widest floats. */
static void quantize_layer(lam__q_layer *to, const lam_model *model, const range *in,
                           const range *z, const range *y, float *room)
{
    if (lam__q_is_tables(to))
        fill_tables(to, model, in, y, room);
    else
        quantize_sums(to, model, in, z, y);
    to->low = y->low;
    to->twice = (float)(2 / step_of(y));
}

static lam_status allocate_tables(lam__q_layer *to)
{
    const bool bytes = to->kind == LAM__Q_BYTES || to->kind == LAM__Q_TABLE;
    size_t count;
    if (!lam__multiply(to->layer->out, LAM__Q_BYTE_VALUES, &count))
        return lam__fail(LAM_ERR_MEMORY, "out of memory: tables of %zu outputs", to->layer->out);
    to->bytes = bytes ? lam__allocate(count, 1, "tables") : NULL;
    to->floats = bytes ? NULL : lam__allocate(count, sizeof *to->floats, "tables");
    return to->bytes || to->floats ? LAM_OK : LAM_ERR_MEMORY;
}

static lam_status allocate_layer(lam__q_layer *to)
{
    const size_t in = to->layer->in, out = to->layer->out;
    const bool bytes = to->kind == LAM__Q_BYTES || to->kind == LAM__Q_TABLE;
    if (lam__q_is_tables(to))
        return allocate_tables(to);
    const bool norm = to->layer->type->integers == LAM__INTEGER_NORMALIZED;
    to->weight = norm ? NULL : lam__allocate(in, out, "weights of bytes");
    to->gamma = norm ? lam__allocate(out, sizeof *to->gamma, "gamma") : NULL;
    to->bias = lam__allocate(out, sizeof *to->bias, "a bias");
    to->multiplier = bytes ? lam__allocate(out, sizeof *to->multiplier, "scales") : NULL;
    to->shift = bytes ? lam__allocate(out, 1, "scales") : NULL;
    to->scale = bytes ? NULL : lam__allocate(out, sizeof *to->scale, "scales");
    to->table = to->kind == LAM__Q_TABLE ? lam__allocate(LAM__Q_TABLE_SIZE, 1, "a table") : NULL;
    const bool good = (norm ? !!to->gamma : !!to->weight) && to->bias &&
                      (bytes ? to->multiplier && to->shift : !!to->scale);
    return good && (to->table || to->kind != LAM__Q_TABLE) ? LAM_OK : LAM_ERR_MEMORY;
}

static lam_status list_layers(lam_quantized *q)
{
    const lam_model *model = q->model;
    q->layers = lam__allocate_zero(model->layer_count, sizeof *q->layers, "layers of integers");
    if (!q->layers)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (layer->type->only_training)
            continue;
        if (layer->type->integers == LAM__INTEGER_NONE)
            return lam__fail(LAM_ERR_UNSUPPORTED, "layer %zu: '%s' is not quantized", i,
                             layer->type->name);
        if (layer->in > LAM__Q_INPUTS_MOST)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "layer %zu: %zu inputs, a sum of 32 bits takes at most %d", i,
                             layer->in, LAM__Q_INPUTS_MOST);
        lam__q_layer *to = &q->layers[q->layer_count++];
        *to = (lam__q_layer){.layer = layer, .index = i};
        to->kind = layer->activation->rowwise  ? LAM__Q_ROW
                   : layer->activation->clamps ? LAM__Q_BYTES
                                               : LAM__Q_TABLE;
    }
    q->layers[q->layer_count - 1].kind = LAM__Q_FLOATS;
    for (size_t i = 0; i < q->layer_count; i++)
        LAM__TRY(allocate_layer(&q->layers[i]));
    return LAM_OK;
}

static lam_status quantize(lam_quantized *q, const lam_dataset *data)
{
    const lam_model *model = q->model;
    LAM__TRY(list_layers(q));
    q->each = model->transform.kind == LAM_TRANSFORM_STANDARDIZE;
    const size_t inputs = q->each ? model->features : 1;
    q->low = lam__allocate(2 * inputs, sizeof *q->low, "the input's scale");
    range *list = lam__allocate_zero(2 * q->layer_count, sizeof *list, "ranges");
    float *room = lam__allocate(2 * lam__plain_widest(model), sizeof *room, "a sample");
    lam_status status = q->low && list && room ? LAM_OK : LAM_ERR_MEMORY;
    ranges all = {.z = list, .y = list ? list + q->layer_count : NULL};
    if (status == LAM_OK) {
        q->twice = q->low + inputs;
        status = measure(q, data, &all);
    }
    if (status == LAM_OK)
        quantize_input(q, &all.input);
    for (size_t i = 0; i < q->layer_count && status == LAM_OK; i++)
        quantize_layer(&q->layers[i], model, i == 0 ? &all.input : &all.y[i - 1], &all.z[i],
                       &all.y[i], room);
    lam__release(list);
    lam__release(room);
    return status;
}

lam_quantized *lam_quantize(const lam_model *model, const lam_dataset *calibration)
{
    if (!model || !calibration || !model->parameters) {
        lam__fail(model && calibration ? LAM_ERR_STATE : LAM_ERR_ARGUMENT, "lam_quantize: %s",
                  !model         ? "model is NULL"
                  : !calibration ? "calibration is NULL"
                                 : "the model has no parameters yet: train or load it first");
        return NULL;
    }
    if (calibration->features != model->features) {
        lam__fail(LAM_ERR_SHAPE, "the data have %zu features, the model takes %zu",
                  calibration->features, model->features);
        return NULL;
    }
    if (lam_model_status(model) != LAM_OK || lam__plain_check(model) != LAM_OK)
        return NULL;
    lam_quantized *q = lam__allocate_zero(1, sizeof *q, "a network of integers");
    if (!q)
        return NULL;
    q->model = model;
    if (quantize(q, calibration) == LAM_OK)
        return q;
    lam_quantized_free(q);
    return NULL;
}

void lam_quantized_free(lam_quantized *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->layer_count; i++) {
        lam__q_layer *layer = &q->layers[i];
        lam__release(layer->weight);
        lam__release(layer->gamma);
        lam__release(layer->bytes);
        lam__release(layer->floats);
        lam__release(layer->bias);
        lam__release(layer->multiplier);
        lam__release(layer->shift);
        lam__release(layer->scale);
        lam__release(layer->table);
    }
    lam__release(q->layers);
    lam__release(q->low);
    lam__release(q);
}
