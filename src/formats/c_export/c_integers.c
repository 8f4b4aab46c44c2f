/* c_integers.c: a network of 8-bit integers as one self-contained C file. */
#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/c_export/c_source.h"
#include "infer/quantized.h"

static bool is_integer(const lam__q_layer *layer)
{
    return layer->kind == LAM__Q_BYTES || layer->kind == LAM__Q_TABLE;
}

static void weight_tables(lam__c_text *text, const lam__q_layer *layer)
{
    const size_t in = layer->layer->in, out = layer->layer->out, at = layer->index;
    const char *unit = is_integer(layer) ? "bytes" : "floats";
    char what[48];
    if (layer->gamma) {
        lam__c_put(text, "/* Layer %zu: gamma [%zu], then what turns sums into %s. */\n", at, out,
                   unit);
        snprintf(what, sizeof what, "gamma_%zu", at);
        lam__c_ints(text, what, out, layer->gamma);
    } else {
        lam__c_put(text,
                   "/* Layer %zu: W [%zu outputs][%zu inputs], then what turns sums into %s. */\n",
                   at, out, in, unit);
        snprintf(what, sizeof what, "weight_%zu", at);
        lam__c_bytes(text, what, in * out, layer->weight);
    }
}

/* A layer whose output j depends on input j alone. */
static void output_tables(lam__c_text *text, const lam__q_layer *layer)
{
    const size_t out = layer->layer->out, at = layer->index;
    char what[48];
    lam__c_put(text, "/* Layer %zu: the results of %zu outputs for each byte, [%zu][%d]. */\n", at,
               out, out, LAM__Q_BYTE_VALUES);
    snprintf(what, sizeof what, "outputs_%zu", at);
    if (layer->bytes)
        lam__c_unsigned_bytes(text, what, out * LAM__Q_BYTE_VALUES, layer->bytes);
    else
        lam__c_floats(text, what, out * LAM__Q_BYTE_VALUES, layer->floats);
}

static void tables(lam__c_text *text, const lam__q_layer *layer)
{
    const size_t out = layer->layer->out, at = layer->index;
    char what[48];
    if (lam__q_is_tables(layer)) {
        output_tables(text, layer);
        return;
    }
    weight_tables(text, layer);
    snprintf(what, sizeof what, "bias_%zu", at);
    lam__c_ints(text, what, out, layer->bias);
    if (!is_integer(layer)) {
        snprintf(what, sizeof what, "scale_%zu", at);
        lam__c_floats(text, what, out, layer->scale);
        return;
    }
    snprintf(what, sizeof what, "multiplier_%zu", at);
    lam__c_ints(text, what, out, layer->multiplier);
    snprintf(what, sizeof what, "shift_%zu", at);
    lam__c_unsigned_bytes(text, what, out, layer->shift);
    if (layer->table) {
        snprintf(what, sizeof what, "table_%zu", at);
        lam__c_unsigned_bytes(text, what, LAM__Q_TABLE_SIZE, layer->table);
    }
}

/* What a layer does before its loop over outputs. */
static void before_sums(lam__c_text *text, const lam__q_layer *layer)
{
    if (layer->gamma)
        lam__c_put(text,
                   "    uint32_t total = 0;\n    uint64_t squares = 0, root;\n\n"
                   "    for (size_t i = 0; i < %zu; i++) {\n        total += x[i];\n"
                   "        squares += (uint32_t)x[i] * x[i];\n    }\n"
                   "    root = %zuu * squares - (uint64_t)total * total + %lluu;\n"
                   "    root = @_root(root << 8);\n    root = root > 0 ? root : 1;\n",
                   layer->layer->in, layer->layer->in, (unsigned long long)layer->epsilon);
}

/* The sum of output j. */
static void sum(lam__c_text *text, const lam__q_layer *layer)
{
    if (layer->gamma) {
        lam__c_put(text,
                   "        /* (x - mean) / deviation in units of 2^-12 */\n"
                   "        const int64_t from_mean = %zu * (int64_t)x[j] - (int64_t)total;\n"
                   "        const int32_t t = (int32_t)(from_mean * 65536 / (int64_t)root);\n"
                   "        const int32_t sum = t * $_READ_INT32(&@_gamma_%zu[j]) +\n"
                   "                            $_READ_INT32(&@_bias_%zu[j]);\n",
                   layer->layer->in, layer->index, layer->index);
        return;
    }
    lam__c_put(text,
               "        const int8_t *w = @_weight_%zu + j * %zu;\n"
               "        int32_t sum = 0;\n"
               "        for (size_t i = 0; i < %zu; i++) {\n"
               "            sum += $_READ_INT8(&w[i]) * x[i];\n        }\n"
               "        sum += $_READ_INT32(&@_bias_%zu[j]);\n",
               layer->index, layer->layer->in, layer->layer->in, layer->index);
}

static const char *of_what(const lam__q_layer *layer)
{
    return layer->gamma              ? "normalized"
           : lam__q_is_tables(layer) ? layer->layer->type->name
                                     : "W + b of";
}

static void integer_function(lam__c_text *text, const lam__q_layer *layer)
{
    const size_t at = layer->index, out = layer->layer->out;
    lam__c_put(text,
               "/* y[%zu] = %s of %s x[%zu], all in bytes */\n"
               "static void @_layer_%zu(const uint8_t *$_RESTRICT x, uint8_t *$_RESTRICT y)\n{\n",
               out, layer->layer->activation->name, of_what(layer), layer->layer->in, at);
    before_sums(text, layer);
    lam__c_put(text, "    for (size_t j = 0; j < %zu; j++) {\n", out);
    if (layer->bytes) {
        lam__c_put(text,
                   "        y[j] = $_READ_UINT8(&@_outputs_%zu[j * %d + x[j]]);\n    }\n}\n\n", at,
                   LAM__Q_BYTE_VALUES);
        return;
    }
    sum(text, layer);
    if (layer->table)
        lam__c_put(text,
                   "        y[j] = $_READ_UINT8(&@_table_%zu[@_scaled(sum, "
                   "$_READ_INT32(&@_multiplier_%zu[j]),\n            "
                   "$_READ_UINT8(&@_shift_%zu[j]), %d)]);\n",
                   at, at, at, LAM__Q_TABLE_SIZE - 1);
    else
        lam__c_put(text,
                   "        y[j] = (uint8_t)@_scaled(sum, $_READ_INT32(&@_multiplier_%zu[j]),\n"
                   "            $_READ_UINT8(&@_shift_%zu[j]), 255);\n",
                   at, at);
    lam__c_put(text, "    }\n}\n\n");
}

/* With floats behind the sums: the last layer, and rowwise activations inside the network, whose
 * results are made bytes again. */
static void float_function(lam__c_text *text, const lam__q_layer *layer)
{
    const size_t at = layer->index, out = layer->layer->out;
    const bool inside = layer->kind == LAM__Q_ROW;
    lam__c_put(text, "/* y[%zu] = %s of %s x[%zu], in floats */\n", out,
               layer->layer->activation->name, of_what(layer), layer->layer->in);
    lam__c_put(text,
               inside ? "static void @_layer_%zu(const uint8_t *$_RESTRICT x, "
                        "uint8_t *$_RESTRICT bytes)\n{\n"
                      : "static void @_layer_%zu(const uint8_t *$_RESTRICT x, "
                        "float *$_RESTRICT y)\n{\n",
               at);
    if (inside)
        lam__c_put(text, "    float y[%zu];\n\n", out);
    before_sums(text, layer);
    lam__c_put(text, "    for (size_t j = 0; j < %zu; j++) {\n", out);
    if (layer->floats) {
        lam__c_put(text, "        y[j] = $_READ_FLOAT(&@_outputs_%zu[j * %d + x[j]]);\n    }\n", at,
                   LAM__Q_BYTE_VALUES);
    } else {
        sum(text, layer);
        lam__c_put(text, "        y[j] = (float)sum * $_READ_FLOAT(&@_scale_%zu[j]);\n    }\n", at);
    }
    lam__c_activation(text, layer->layer->activation, out);
    if (inside) {
        lam__c_put(text, "    for (size_t j = 0; j < %zu; j++) {\n        bytes[j] = @_byte(y[j], ",
                   out);
        lam__c_float(text, layer->low);
        lam__c_put(text, ", ");
        lam__c_float(text, layer->twice);
        lam__c_put(text, ");\n    }\n");
    }
    lam__c_put(text, "}\n\n");
}

static const char helpers[] =
    "/* A float as a byte: (x - low) * twice / 2, rounded. */\n"
    "static uint8_t @_byte(float x, float low, float twice)\n{\n"
    "    const float t = (x - low) * twice;\n\n"
    "    if (!(t > 0.0f)) {\n        return 0;\n    }\n"
    "    return (uint8_t)(t < 510.0f ? ((int32_t)t + 1) / 2 : 255);\n}\n\n";

static const char scaled[] =
    "/* sum * multiplier / 2^shift, rounded, in 0 .. most. */\n"
    "static uint32_t @_scaled(int32_t sum, int32_t multiplier, uint8_t shift, uint32_t most)\n{\n"
    "    uint64_t product;\n\n"
    "    if (sum <= 0) {\n        return 0;\n    }\n"
    "    product = (uint64_t)sum * (uint64_t)multiplier;\n"
    "    product = (product + ((uint64_t)1 << (shift - 1))) >> shift;\n"
    "    return product < most ? (uint32_t)product : most;\n}\n\n";

static const char root[] =
    "/* The whole part of the square root. */\n"
    "static uint64_t @_root(uint64_t v)\n{\n"
    "    uint64_t root = 0, bit = (uint64_t)1 << 62;\n\n"
    "    while (bit > v) {\n        bit >>= 2;\n    }\n"
    "    while (bit > 0) {\n        if (v >= root + bit) {\n            v -= root + bit;\n"
    "            root = (root >> 1) + bit;\n        } else {\n            root >>= 1;\n"
    "        }\n        bit >>= 2;\n    }\n    return root;\n}\n\n";

static void input_parts(lam__c_text *text, const lam_quantized *q)
{
    const size_t features = q->model->features;
    if (q->each) {
        lam__c_put(text, "/* The input: what byte 0 stands for, and twice the bytes of 1. */\n");
        lam__c_floats(text, "low", features, q->low);
        lam__c_floats(text, "twice", features, q->twice);
    }
    lam__c_put(text,
               "static void @_input(const float *$_RESTRICT x, uint8_t *$_RESTRICT y)\n{\n"
               "    for (size_t i = 0; i < %zu; i++) {\n        y[i] = @_byte(x[i], ",
               features);
    if (q->each) {
        lam__c_put(text, "$_READ_FLOAT(&@_low[i]), $_READ_FLOAT(&@_twice[i])");
    } else {
        lam__c_float(text, q->low[0]);
        lam__c_put(text, ", ");
        lam__c_float(text, q->twice[0]);
    }
    lam__c_put(text, ");\n    }\n}\n\n");
}

/* Buffers of bytes between the layers: the input's and the results in turn. Returns their bytes. */
static size_t measure(const lam_quantized *q, size_t widest[2])
{
    size_t row = 0;
    widest[0] = q->model->features;
    widest[1] = 0;
    for (size_t i = 0; i < q->layer_count; i++) {
        const size_t out = q->layers[i].layer->out;
        size_t *buffer = &widest[(i + 1) % 2];
        if (i + 1 < q->layer_count)
            *buffer = out > *buffer ? out : *buffer;
        if (q->layers[i].kind == LAM__Q_ROW && out > row)
            row = out;
    }
    return widest[0] + widest[1] + row * sizeof(float);
}

static void predict_function(lam__c_text *text, const lam_quantized *q, const size_t widest[2])
{
    static const char *const buffers[] = {"a", "b"};
    lam__c_put(text, "void @_predict(const float *x, float *y)\n{\n    uint8_t a[%zu];\n",
               widest[0]);
    if (widest[1] > 0)
        lam__c_put(text, "    uint8_t b[%zu];\n", widest[1]);
    lam__c_put(text, "\n    @_input(x, a);\n");
    for (size_t i = 0; i < q->layer_count; i++)
        lam__c_put(text, "    @_layer_%zu(%s, %s);\n", q->layers[i].index, buffers[i % 2],
                   i + 1 == q->layer_count ? "y" : buffers[(i + 1) % 2]);
    lam__c_put(text, "}\n");
}

static lam_status write_parts(lam__c_files *files, const lam_quantized *q, const float *x,
                              const float *y)
{
    lam__c_text *text = &files->source;
    const lam_model *model = q->model;
    size_t widest[2];
    const char *what = "a neural network of 8-bit integers";
    bool needs_scaled = false, needs_root = false;
    const size_t stack = measure(q, widest);
    lam__c_opening(text, model, what);
    lam__c_put(text, "#include \"%s\"\n\n%s#include <stddef.h>\n#include <stdint.h>\n\n",
               files->header_name, lam__c_needs_math(model) ? "#include <math.h>\n" : "");
    lam__c_macros(text, true);
    lam__c_class_names(text, model);
    lam__c_put(text, helpers);
    for (size_t i = 0; i < q->layer_count; i++) {
        needs_scaled =
            needs_scaled || (is_integer(&q->layers[i]) && !lam__q_is_tables(&q->layers[i]));
        needs_root = needs_root || q->layers[i].gamma;
    }
    if (needs_scaled)
        lam__c_put(text, scaled);
    if (needs_root)
        lam__c_put(text, root);
    input_parts(text, q);
    for (size_t i = 0; i < q->layer_count; i++) {
        tables(text, &q->layers[i]);
        lam__c_row_function(text, model, q->layers[i].index);
        if (is_integer(&q->layers[i]))
            integer_function(text, &q->layers[i]);
        else
            float_function(text, &q->layers[i]);
    }
    predict_function(text, q, widest);
    lam__c_self_test(text, model->features, lam_model_outputs(model), x, y);
    lam__c_header(files, model, what, stack);
    LAM__TRY(lam__c_text_finish(&files->header));
    return lam__c_text_finish(text);
}

lam_status lam_quantized_export(const lam_quantized *q, const char *path, const char *name)
{
    if (!q || !path)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_quantized_export: quantized or path is NULL");
    const size_t features = q->model->features, outputs = lam_model_outputs(q->model);
    float *x = lam__allocate(features + outputs, sizeof *x, "a sample");
    lam__c_files *files = lam__allocate(1, sizeof *files, "the files of C source");
    lam_status status = x && files ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK) {
        lam__c_sample(q->model, x);
        status = lam_quantized_predict(q, x, 1, x + features);
    }
    if (status == LAM_OK)
        status = lam__c_files_open(files, path, name);
    if (status == LAM_OK)
        status = lam__c_files_close(files, write_parts(files, q, x, x + features));
    lam__release(files);
    lam__release(x);
    return status;
}

size_t lam_quantized_bytes(const lam_quantized *q)
{
    size_t total = q && q->each ? 2 * q->model->features * sizeof(float) : 0;
    for (size_t i = 0; q && i < q->layer_count; i++) {
        const lam__q_layer *layer = &q->layers[i];
        const size_t out = layer->layer->out;
        if (lam__q_is_tables(layer)) {
            total += out * LAM__Q_BYTE_VALUES * (layer->bytes ? 1 : sizeof(float));
            continue;
        }
        total += (layer->gamma ? sizeof(int32_t) : layer->layer->in) * out + out * sizeof(int32_t);
        total += is_integer(layer) ? out * (sizeof(int32_t) + 1) : out * sizeof(float);
        total += layer->table ? LAM__Q_TABLE_SIZE : 0;
    }
    return total;
}
