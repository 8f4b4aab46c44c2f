/* c_source.c: a model as one self-contained C file: its layers as functions of floats. */
#include "formats/c_export/c_source.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "infer/plain_run.h"

/* Inputs of a layer that are taken together: y[units] is then read and written once for all. */
enum { TOGETHER = 4 };

static void write_tables(lam__c_text *text, const lam_model *model, size_t at)
{
    const lam__layer *layer = &model->layers[at];
    const lam__layer_type *type = layer->type;
    char what[48];
    if (type->multiplies)
        lam__c_put(text, "/* Layer %zu: W [%zu][%zu] and b [%zu]. */\n", at, layer->in, layer->out,
                   layer->out);
    else
        lam__c_put(text, "/* Layer %zu: %s and %s [%zu]. */\n", at, type->weight_name,
                   type->bias_name, layer->out);
    snprintf(what, sizeof what, "%s_%zu", type->weight_name, at);
    lam__c_floats(text, what, layer->weight_rows * layer->out, model->parameters + layer->weight);
    snprintf(what, sizeof what, "%s_%zu", type->bias_name, at);
    lam__c_floats(text, what, layer->out, model->parameters + layer->bias);
}

/* y[units] += x[i .. i + count - 1] W, i being a variable or nothing (0). */
static void dense_rows(lam__c_text *text, size_t at, size_t units, size_t first, size_t count,
                       bool looped, const char *margin)
{
    if (looped)
        lam__c_put(text, "%sconst float *w = @_weight_%zu + i * %zu;\n", margin, at, units);
    else
        lam__c_put(text, "%sconst float *w = @_weight_%zu + %zu;\n", margin, at, first * units);
    lam__c_put(text, "%sconst float ", margin);
    for (size_t k = 0; k < count; k++) {
        lam__c_put(text, "%sx%zu = x[", k ? ", " : "", k);
        if (looped && k == 0)
            lam__c_put(text, "i]");
        else if (looped)
            lam__c_put(text, "i + %zu]", k);
        else
            lam__c_put(text, "%zu]", first + k);
    }
    lam__c_put(text, ";\n%sfor (size_t j = 0; j < %zu; j++) {\n%s    y[j] = y[j]", margin, units,
               margin);
    for (size_t k = 0; k < count; k++) {
        if (k > 0)
            lam__c_put(text, "\n%s          ", margin);
        lam__c_put(text, " + x%zu * $_READ_FLOAT(&w[j", k);
        if (k > 0)
            lam__c_put(text, " + %zu", k * units);
        lam__c_put(text, "])");
    }
    lam__c_put(text, ";\n%s}\n", margin);
}

/* Of a layer that multiplies. */
static void product_function(lam__c_text *text, const lam_model *model, size_t at)
{
    const lam__layer *layer = &model->layers[at];
    const size_t whole = layer->in / TOGETHER * TOGETHER, units = layer->out;
    lam__c_put(text,
               "/* y[%zu] = %s(x[%zu] W + b) */\n"
               "static void @_layer_%zu(const float *$_RESTRICT x, float *$_RESTRICT y)\n{\n"
               "    for (size_t j = 0; j < %zu; j++) {\n"
               "        y[j] = $_READ_FLOAT(&@_%s_%zu[j]);\n    }\n",
               units, layer->activation->name, layer->in, at, units, layer->type->bias_name, at);
    if (whole > 0) {
        lam__c_put(text, "    for (size_t i = 0; i < %zu; i += %d) {\n", whole, TOGETHER);
        dense_rows(text, at, units, 0, TOGETHER, true, "        ");
        lam__c_put(text, "    }\n");
    }
    if (whole < layer->in) {
        lam__c_put(text, "    {\n");
        dense_rows(text, at, units, whole, layer->in - whole, false, "        ");
        lam__c_put(text, "    }\n");
    }
    lam__c_activation(text, layer->activation, units);
    lam__c_put(text, "}\n\n");
}

static bool is_name(const char *at, size_t length, const char *name)
{
    return strlen(name) == length && strncmp(at, name, length) == 0;
}

/* What '#' and a name of so many characters stand for (c_source of a layer type). */
static void write_value(lam__c_text *text, const lam__layer *layer, size_t at, const char *name,
                        size_t length)
{
    const lam__layer_type *type = layer->type;
    if (is_name(name, length, "n"))
        lam__c_put(text, "%zu", layer->out);
    else if (is_name(name, length, "n_float"))
        lam__c_float(text, (float)layer->out);
    else if (is_name(name, length, "weight"))
        lam__c_put(text, "$_READ_FLOAT(&@_%s_%zu[j])", type->weight_name, at);
    else if (is_name(name, length, "bias"))
        lam__c_put(text, "$_READ_FLOAT(&@_%s_%zu[j])", type->bias_name, at);
    else if (is_name(name, length, "activation"))
        lam__c_put(text, "%s", layer->activation->name);
    for (size_t i = 0; i < type->field_count; i++)
        if (is_name(name, length, type->fields[i].name) &&
            type->fields[i].kind == LAM__LAYER_NUMBER)
            lam__c_float(text, lam__layer_number(layer, &type->fields[i]));
}

static void write_template(lam__c_text *text, const lam__layer *layer, size_t at,
                           const char *template)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    while (*template) {
        const size_t plain = strcspn(template, "#");
        lam__c_put(text, "%.*s", (int)plain, template);
        template += plain;
        if (*template == '#') {
            const size_t length = strspn(++template, letters);
            write_value(text, layer, at, template, length);
            template += length;
        }
    }
}

/* Of every other layer. */
static void template_function(lam__c_text *text, const lam_model *model, size_t at)
{
    const lam__layer *layer = &model->layers[at];
    lam__c_put(text, "/* y[%zu] = ", layer->out);
    write_template(text, layer, at, layer->type->c_about);
    lam__c_put(text,
               " */\nstatic void @_layer_%zu(const float *$_RESTRICT x, float *$_RESTRICT y)\n{\n",
               at);
    write_template(text, layer, at, layer->type->c_source);
    lam__c_activation(text, layer->activation, layer->out);
    lam__c_put(text, "}\n\n");
}

static lam_status check_layers(const lam_model *model)
{
    for (size_t i = 0; i < model->layer_count; i++)
        if (!model->layers[i].type->only_training && !model->layers[i].type->multiplies &&
            !model->layers[i].type->c_source)
            return lam__fail(LAM_ERR_UNSUPPORTED, "layer %zu: '%s' is not written as C source", i,
                             model->layers[i].type->name);
    return lam__plain_check(model);
}

static void transform_parts(lam__c_text *text, const lam_model *model)
{
    const lam__transform *transform = &model->transform;
    if (transform->kind == LAM_TRANSFORM_NONE)
        return;
    const bool each = transform->kind == LAM_TRANSFORM_STANDARDIZE;
    if (each) {
        lam__c_put(text, "/* The input transform: (x - mean) / std = x * scale + offset. */\n");
        lam__c_floats(text, "scale", model->features, transform->scales);
        lam__c_floats(text, "offset", model->features, transform->offsets);
    }
    lam__c_put(text,
               "static void @_transform(const float *$_RESTRICT x, float *$_RESTRICT y)\n{\n");
    lam__c_put(text, "    for (size_t i = 0; i < %zu; i++) {\n        y[i] = ", model->features);
    if (each) {
        lam__c_put(text, "x[i] * $_READ_FLOAT(&@_scale[i]) + $_READ_FLOAT(&@_offset[i]);\n");
    } else {
        lam__c_put(text, "x[i] * ");
        lam__c_float(text, transform->scale);
        lam__c_put(text, " + ");
        lam__c_float(text, transform->offset);
        lam__c_put(text, ";\n");
    }
    lam__c_put(text, "    }\n}\n\n");
}

/* What predict calls in turn, and the buffers between: the k-th result goes to buffer k % 2, the
 * last one to y. */
typedef struct call {
    char function[32];
    size_t outputs;
} call;

static size_t list_calls(const lam_model *model, call *calls)
{
    size_t count = 0;
    if (model->transform.kind != LAM_TRANSFORM_NONE)
        calls[count++] = (call){"transform", model->features};
    for (size_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].type->only_training)
            continue;
        snprintf(calls[count].function, sizeof calls[count].function, "layer_%zu", i);
        calls[count++].outputs = model->layers[i].out;
    }
    return count;
}

static void measure(const call *calls, size_t count, size_t widest[2])
{
    widest[0] = widest[1] = 0;
    for (size_t k = 0; k + 1 < count; k++)
        if (calls[k].outputs > widest[k % 2])
            widest[k % 2] = calls[k].outputs;
}

static void predict_function(lam__c_text *text, const call *calls, size_t count,
                             const size_t widest[2])
{
    static const char *const buffers[] = {"a", "b"};
    lam__c_put(text, "void @_predict(const float *x, float *y)\n{\n");
    for (size_t k = 0; k < 2; k++)
        if (widest[k] > 0)
            lam__c_put(text, "    float %s[%zu];\n", buffers[k], widest[k]);
    if (widest[0] > 0)
        lam__c_put(text, "\n");
    for (size_t k = 0; k < count; k++)
        lam__c_put(text, "    @_%s(%s, %s);\n", calls[k].function,
                   k == 0 ? "x" : buffers[(k - 1) % 2], k + 1 == count ? "y" : buffers[k % 2]);
    lam__c_put(text, "}\n");
}

static lam_status write_parts(lam__c_files *files, const lam_model *model, const call *calls,
                              size_t count, const float *x, const float *y)
{
    lam__c_text *text = &files->source;
    size_t widest[2];
    measure(calls, count, widest);
    lam__c_opening(text, model, "a neural network");
    lam__c_put(text, "#include \"%s\"\n\n%s#include <stddef.h>\n\n", files->header_name,
               lam__c_needs_math(model) ? "#include <math.h>\n" : "");
    lam__c_macros(text, false);
    lam__c_class_names(text, model);
    transform_parts(text, model);
    for (size_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].type->only_training)
            continue;
        write_tables(text, model, i);
        lam__c_row_function(text, model, i);
        if (model->layers[i].type->multiplies)
            product_function(text, model, i);
        else
            template_function(text, model, i);
    }
    predict_function(text, calls, count, widest);
    lam__c_self_test(text, model->features, lam_model_outputs(model), x, y);
    lam__c_header(files, model, "a neural network", (widest[0] + widest[1]) * sizeof(float));
    LAM__TRY(lam__c_text_finish(&files->header));
    return lam__c_text_finish(text);
}

lam_status lam__c_source_write(const lam_model *model, const char *path, const char *name)
{
    LAM__TRY(check_layers(model));
    const size_t outputs = lam_model_outputs(model);
    float *x = lam__allocate(model->features + outputs, sizeof *x, "a sample");
    call *calls = lam__allocate(model->layer_count + 1, sizeof *calls, "the list of layers");
    lam__c_files *files = lam__allocate(1, sizeof *files, "the files of C source");
    lam_status status = x && calls && files ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK) {
        lam__c_sample(model, x);
        status = lam__plain_run(model, x, x + model->features);
    }
    if (status == LAM_OK)
        status = lam__c_files_open(files, path, name);
    if (status == LAM_OK)
        status =
            lam__c_files_close(files, write_parts(files, model, calls, list_calls(model, calls), x,
                                                  x + model->features));
    lam__release(files);
    lam__release(calls);
    lam__release(x);
    return status;
}
