/* c_parts.c: what C files of a network share: header, opening, activations, self-test. */
#include "base/ascii.h"
#include "formats/c_export/c_source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"

static bool is_identifier(const char *name)
{
    const size_t length = strlen(name);
    bool good = length > 0 && length <= LAM__C_NAME_MOST && !lam__is_digit(name[0]);
    for (size_t i = 0; i < length; i++)
        good = good && (name[i] == '_' || lam__is_alphanumeric(name[i]));
    return good;
}

/* Splits "folder/model.c": the length of all but ".c", and the file's name without it. */
static lam_status split_path(const char *path, size_t *length, const char **stem)
{
    const char *slash = strrchr(path, '/');
    *stem = slash ? slash + 1 : path;
    *length = strlen(path);
    if (*length < 3 || strcmp(path + *length - 2, ".c") != 0 || **stem == '.')
        return lam__fail(LAM_ERR_ARGUMENT, "'%s': a file of C source is called NAME.c", path);
    *length -= 2;
    for (const char *c = *stem; c < path + *length; c++)
        if (!lam__is_alphanumeric(*c) && !strchr("_-+. ", *c))
            return lam__fail(LAM_ERR_ARGUMENT,
                             "'%s': '%c' cannot stand in the name of a file that C source includes",
                             path, *c);
    return LAM_OK;
}

static lam_status choose_name(const char *stem, size_t length, const char *given, char *name)
{
    if (given) {
        if (!is_identifier(given))
            return lam__fail(LAM_ERR_ARGUMENT,
                             "the name '%s' is not a C identifier of at most %d characters", given,
                             LAM__C_NAME_MOST);
        snprintf(name, LAM__C_NAME_MOST + 1, "%s", given);
        return LAM_OK;
    }
    if (length > LAM__C_NAME_MOST)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "'%s' is too long to name a network after: give another name", stem);
    for (size_t i = 0; i < length; i++)
        name[i] = lam__is_alphanumeric(stem[i]) ? stem[i] : '_';
    name[length] = '\0';
    if (!is_identifier(name))
        return lam__fail(LAM_ERR_ARGUMENT, "'%s' is not a C identifier: give another name", name);
    return LAM_OK;
}

lam_status lam__c_files_open(lam__c_files *files, const char *path, const char *given)
{
    char name[LAM__C_NAME_MOST + 1];
    const char *stem;
    size_t length;
    LAM__TRY(split_path(path, &length, &stem));
    const size_t stem_length = (size_t)(path + length - stem);
    LAM__TRY(choose_name(stem, stem_length, given, name));
    if (stem_length + 3 > sizeof files->header_name)
        return lam__fail(LAM_ERR_ARGUMENT, "'%s': the name is too long", path);
    memcpy(files->header_name, stem, stem_length);
    memcpy(files->header_name + stem_length, ".h", 3);
    char *header = lam__copy_string(path);
    if (!header)
        return LAM_ERR_MEMORY;
    header[length + 1] = 'h';
    lam_status status = lam__c_text_open(&files->header, header, name);
    lam__release(header);
    LAM__TRY(status);
    status = lam__c_text_open(&files->source, path, name);
    if (status != LAM_OK)
        lam__file_write_abandon(&files->header.file);
    return status;
}

/* The header first. Where the source then fails, a header that was not there before is taken away
 * again: one without the other is no output. */
static lam_status commit_both(lam__c_files *files)
{
    const bool was_there = files->header.file.mode >= 0;
    char *header = lam__copy_string(files->header.file.path);
    if (!header) {
        lam__file_write_abandon(&files->header.file);
        lam__file_write_abandon(&files->source.file);
        return LAM_ERR_MEMORY;
    }
    lam_status status = lam__file_write_commit(&files->header.file);
    if (status == LAM_OK) {
        status = lam__file_write_commit(&files->source.file);
        if (status != LAM_OK && !was_there)
            remove(header);
    } else {
        lam__file_write_abandon(&files->source.file);
    }
    lam__release(header);
    return status;
}

lam_status lam__c_files_close(lam__c_files *files, lam_status status)
{
    if (status == LAM_OK)
        return commit_both(files);
    lam__file_write_abandon(&files->header.file);
    lam__file_write_abandon(&files->source.file);
    return status;
}

/* Whether a piece of source calls a function, which is one of libm: "expf(". */
static bool calls_math(const char *source)
{
    for (const char *c = source; c && *c; c++)
        if (c[0] == 'f' && c[1] == '(' && c != source && lam__is_alphanumeric(c[-1]))
            return true;
    return false;
}

bool lam__c_needs_math(const lam_model *model)
{
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (calls_math(layer->type->c_source) ||
            (layer->activation && calls_math(layer->activation->c_source)))
            return true;
    }
    return false;
}

void lam__c_opening(lam__c_text *text, const lam_model *model, const char *what)
{
    lam__c_put(text, "/* @: %s, written by Lamina %s.\n *\n * %zu inputs", what, LAM_VERSION_STRING,
               model->features);
    const lam__transform *transform = &model->transform;
    if (transform->kind == LAM_TRANSFORM_SCALE) {
        lam__c_put(text, ", from ");
        lam__c_float(text, transform->from_lo);
        lam__c_put(text, " .. ");
        lam__c_float(text, transform->from_hi);
        lam__c_put(text, " scaled to ");
        lam__c_float(text, transform->to_lo);
        lam__c_put(text, " .. ");
        lam__c_float(text, transform->to_hi);
    } else if (transform->kind == LAM_TRANSFORM_STANDARDIZE) {
        lam__c_put(text, ", standardized");
    }
    lam__c_put(text, "\n");
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (layer->type->only_training)
            lam__c_put(text, " * layer %zu: %s, in training only\n", i, layer->type->name);
        else
            lam__c_put(text, " * layer %zu: %s, %zu outputs%s%s\n", i, layer->type->name,
                       layer->out, layer->activation ? ", " : "",
                       layer->activation ? layer->activation->name : "");
    }
    lam__c_put(text, " */\n");
}

void lam__c_header(lam__c_files *files, const lam_model *model, const char *what,
                   size_t stack_bytes)
{
    lam__c_text *text = &files->header;
    lam__c_opening(text, model, what);
    lam__c_put(
        text,
        "#ifndef $_H\n#define $_H\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
        "#define $_INPUTS %zu\n#define $_OUTPUTS %zu\n\n"
        "/* Bytes of constant tables, which are marked $_FLASH in the source; of buffers on the\n"
        " * stack during a call; and of memory that is written and always taken. */\n"
        "#define $_FLASH_BYTES %zu\n#define $_STACK_BYTES %zu\n#define $_STATIC_BYTES 0\n\n",
        model->features, lam_model_outputs(model), files->source.table_bytes, stack_bytes);
    if (model->class_count > 0)
        lam__c_put(text,
                   "/* Names of the classes: output i is that of class i. */\n"
                   "#define $_CLASSES %zu\nextern const char *const @_class_names[$_CLASSES];\n\n",
                   model->class_count);
    lam__c_put(text, "/* Computes y[$_OUTPUTS] from a raw sample x[$_INPUTS], to which the input\n"
                     " * transform is applied. x and y must not overlap. No memory is allocated,\n"
                     " * nothing static is written: any number of threads may call it at once. */\n"
                     "void @_predict(const float *x, float *y);\n\n"
                     "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

/* How a table's values are read: the macro's ending, the type, and AVR's word for it. */
static void read_macro(lam__c_text *text, const char *ending, const char *type, const char *word)
{
    lam__c_put(text, "#define $_READ_%s(place) ((%s)%s(place))\n", ending, type, word);
}

static const char *const reads[][3] = {{"FLOAT", "float", "pgm_read_float"},
                                       {"INT32", "int32_t", "pgm_read_dword"},
                                       {"INT8", "int8_t", "pgm_read_byte"},
                                       {"UINT8", "uint8_t", "pgm_read_byte"}};

void lam__c_macros(lam__c_text *text, bool integers)
{
    const size_t count = integers ? sizeof reads / sizeof *reads : 1;
    lam__c_put(text,
               "/* Tables are marked $_FLASH, and read by $_READ_FLOAT and the like: nothing, and\n"
               " * plainly, unless the program says otherwise. On AVR, -D$_PROGMEM leaves them in\n"
               " * flash. */\n#ifdef $_PROGMEM\n#include <avr/pgmspace.h>\n"
               "#define $_FLASH PROGMEM\n");
    for (size_t i = 0; i < count; i++)
        read_macro(text, reads[i][0], reads[i][1], reads[i][2]);
    lam__c_put(text, "#endif\n#ifndef $_FLASH\n#define $_FLASH\n#endif\n#ifndef $_READ_FLOAT\n");
    for (size_t i = 0; i < count; i++)
        lam__c_put(text, "#define $_READ_%s(place) (*(place))\n", reads[i][0]);
    lam__c_put(text, "#endif\n#ifdef __cplusplus\n#define $_RESTRICT\n#else\n"
                     "#define $_RESTRICT restrict\n#endif\n\n");
}

void lam__c_class_names(lam__c_text *text, const lam_model *model)
{
    if (model->class_count == 0)
        return;
    lam__c_put(text, "const char *const @_class_names[$_CLASSES] = {\n");
    for (size_t i = 0; i < model->class_count; i++) {
        lam__c_put(text, "    ");
        lam__c_string(text, model->class_names[i]);
        lam__c_put(text, ",\n");
    }
    lam__c_put(text, "};\n\n");
}

void lam__c_activation(lam__c_text *text, const lam__activation *activation, size_t units)
{
    if (activation->rowwise)
        lam__c_put(text, "    @_%s(%zu, y);\n", activation->name, units);
    else if (strcmp(activation->c_source, "z") != 0)
        lam__c_put(text,
                   "    for (size_t j = 0; j < %zu; j++) {\n        const float z = y[j];\n"
                   "        y[j] = %s;\n    }\n",
                   units, activation->c_source);
}

void lam__c_row_function(lam__c_text *text, const lam_model *model, size_t at)
{
    const lam__activation *activation = model->layers[at].activation;
    if (!activation || !activation->rowwise)
        return;
    for (size_t i = 0; i < at; i++)
        if (model->layers[i].activation == activation)
            return;
    lam__c_put(text, "static void @_%s(size_t n, float *y)\n{\n", activation->name);
    lam__c_statements(text, activation->c_source, 1);
    lam__c_put(text, "}\n\n");
}

void lam__c_sample(const lam_model *model, float *x)
{
    const lam__transform *transform = &model->transform;
    lam__stream stream = lam__stream_open(lam__derive_key(0, LAM__FOR_TOY, 0), 0);
    for (size_t i = 0; i < model->features; i++) {
        const double u = lam__next_uniform(&stream);
        double value = 2 * u - 1;
        if (transform->kind == LAM_TRANSFORM_SCALE)
            value = transform->from_lo + u * ((double)transform->from_hi - transform->from_lo);
        else if (transform->kind == LAM_TRANSFORM_STANDARDIZE)
            value = transform->mean[i] + value * transform->std[i];
        x[i] = (float)value;
    }
}

void lam__c_self_test(lam__c_text *text, size_t inputs, size_t outputs, const float *x,
                      const float *y)
{
    float largest = 1.0f;
    for (size_t j = 0; j < outputs; j++)
        largest = fmaxf(largest, fabsf(y[j]));
    lam__c_put(text, "\n#ifdef $_SELF_TEST\n"
                     "/* Returns 0 when one sample gives what it gave in Lamina, else 1. */\n");
    text->plain = true;
    lam__c_floats(text, "sample", inputs, x);
    lam__c_floats(text, "expected", outputs, y);
    lam__c_put(text,
               "int main(void)\n{\n    float y[$_OUTPUTS];\n\n"
               "    @_predict(@_sample, y);\n"
               "    for (size_t j = 0; j < %zu; j++) {\n"
               "        const float error = y[j] - @_expected[j];\n\n"
               "        if (!(error < ",
               outputs);
    lam__c_float(text, largest * 1e-4f);
    lam__c_put(text, " && error > ");
    lam__c_float(text, largest * -1e-4f);
    lam__c_put(text, ")) {\n            return 1;\n        }\n    }\n    return 0;\n}\n#endif\n");
}
