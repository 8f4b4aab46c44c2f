/* test_onnx.c: ONNX files of other programs, made by tests/golden/make_onnx.py with what these
 * programs make of some inputs; files that are refused; and damaged ones. What ONNX Runtime makes
 * of ours is tests/golden/interop_onnx.py. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/every_value.h"
#include "../support/layer_texts.h"
#include "../support/scratch.h"
#include "base/memory.h"
#include "formats/onnx/onnx_file.h"
#include "formats/onnx/proto.h"

static const char *data_path(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", ONNX_DATA, name);
    return path;
}

static double next_number(FILE *file)
{
    double value = 0.0;
    cr_assert_eq(fscanf(file, "%lf", &value), 1);
    return value;
}

/* Runs the model on the inputs of NAME.txt and compares. */
static void check_outputs(const char *name, const lam_model *model)
{
    FILE *file = fopen(data_path(name), "r");
    cr_assert_not_null(file, "%s", name);
    const size_t rows = (size_t)next_number(file), in = (size_t)next_number(file);
    const size_t out = (size_t)next_number(file);
    cr_assert_eq(lam_model_features(model), in, "%s", name);
    cr_assert_eq(lam_model_outputs(model), out, "%s", name);
    float *x = malloc(rows * in * sizeof *x), *y = malloc(rows * out * sizeof *y);
    for (size_t i = 0; i < rows * in; i++)
        x[i] = (float)next_number(file);
    cr_assert_eq(lam_predict(model, x, rows, y), LAM_OK, "%s", lam_error_message());
    for (size_t i = 0; i < rows * out; i++) {
        const double expected = next_number(file);
        cr_expect(fabs((double)y[i] - expected) <= 1e-5 * fmax(1.0, fabs(expected)),
                  "%s: output %zu is %.9g, not %.9g", name, i, (double)y[i], expected);
    }
    fclose(file);
    free(x);
    free(y);
}

Test(onnx, files_of_other_programs)
{
    static const char *const names[] = {
        "helper_types",    "keras_batch_norm", "keras_image",  "keras_layer_norm",
        "sklearn_classes", "sklearn_number",   "sklearn_two",  "sklearn_words",
        "torch_dynamo",    "torch_fixed",      "torch_script", "torch_script_old",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.onnx", names[i]);
        lam_model *model = lam_model_import(data_path(name), NULL);
        cr_assert_not_null(model, "%s", lam_error_message());
        snprintf(name, sizeof name, "%s.txt", names[i]);
        check_outputs(name, model);
        lam_model_free(model);
    }
}

/* Each line of refused.list: a name, the file in hexadecimal, what the message must say. */
Test(onnx, refuses_by_name)
{
    static char line[1 << 16];
    static unsigned char bytes[sizeof line / 2];
    FILE *file = fopen(data_path("refused.list"), "r");
    size_t count = 0;
    cr_assert_not_null(file);
    for (; fgets(line, sizeof line, file); count++) {
        char *hex = strchr(line, ' ') + 1, *message = strchr(hex, ' ') + 1;
        lam_model *model;
        size_t size = 0;
        hex[-1] = '\0';
        message[strcspn(message, "\n")] = '\0';
        for (; hex + 2 * size + 1 < message; size++) {
            char digits[3] = {hex[2 * size], hex[2 * size + 1], '\0'};
            bytes[size] = (unsigned char)strtoul(digits, NULL, 16);
        }
        const lam_status status = lam__onnx_parse(bytes, size, "file.onnx", NULL, &model);
        cr_expect_neq(status, LAM_OK, "%s is accepted", line);
        cr_expect_null(model);
        cr_expect(strncmp(lam_error_message(), "file.onnx: ", 11) == 0 &&
                      strstr(lam_error_message(), message),
                  "%s: '%s' is not in '%s'", line, message, lam_error_message());
    }
    fclose(file);
    cr_expect_geq(count, 67);
}

/* A model that is accepted can be used, and its parameters are finite. */
static void check_accepted(lam_model *model)
{
    lam_tensor tensor;
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        cr_assert_eq(lam_model_tensor(model, i, &tensor), LAM_OK);
        for (size_t j = 0; j < tensor.rows * tensor.cols; j++)
            cr_assert(isfinite(tensor.data[j]));
    }
    float *x = calloc(lam_model_features(model), sizeof *x);
    float *y = calloc(lam_model_outputs(model), sizeof *y);
    cr_assert_eq(lam_predict(model, x, 1, y), LAM_OK);
    free(x);
    free(y);
}

static struct {
    size_t held, most;
} memory;

enum { HEAD = 64 }; /* before each block: its size; the alignment of all */

static void *count_allocate(size_t size, size_t alignment, void *user)
{
    void *block = NULL;
    (void)user;
    cr_assert_leq(alignment, HEAD);
    if (posix_memalign(&block, HEAD, size + HEAD) != 0)
        return NULL;
    memcpy(block, &size, sizeof size);
    memory.held += size;
    memory.most = memory.held > memory.most ? memory.held : memory.most;
    return (char *)block + HEAD;
}

static void count_release(void *pointer, void *user)
{
    size_t size;
    (void)user;
    if (!pointer)
        return;
    memcpy(&size, (char *)pointer - HEAD, sizeof size);
    memory.held -= size;
    free((char *)pointer - HEAD);
}

static void count_memory(void)
{
    const lam_allocator allocator = {.allocate = count_allocate, .release = count_release};
    cr_assert_eq(lam_set_allocator(&allocator), LAM_OK);
}

/* Parses a changed file; whatever it says, memory stays within twice its size and some. */
static void try(const unsigned char *bytes, size_t size)
{
    lam_model *model;
    memory.most = memory.held;
    const size_t before = memory.held;
    if (lam__onnx_parse(bytes, size, "f", NULL, &model) == LAM_OK)
        check_accepted(model);
    else
        cr_assert(strlen(lam_error_message()) > 3 && !model);
    lam_model_free(model);
    cr_assert_eq(memory.held, before, "nothing leaks");
    cr_assert_leq(memory.most - before, 2 * size + LAM__PROTO_EXTRA + (1 << 20));
}

static void damage(const char *name, size_t step)
{
    size_t size;
    unsigned char *bytes = scratch_read(data_path(name), &size);
    unsigned char *copy = malloc(size);
    for (size_t cut = 0; cut < size; cut++) {
        memcpy(copy, bytes, cut);
        try(copy, cut);
    }
    memcpy(copy, bytes, size);
    for (size_t i = 0; i < size; i++) {
        for (unsigned value = i % step; value < 256; value += (unsigned)step) {
            copy[i] = (unsigned char)value;
            try(copy, size);
        }
        copy[i] = bytes[i];
    }
    free(copy);
    free(bytes);
}

/* Every truncation, and every byte with many other values; in the slow tests with all. */
Test(onnx, damaged_files, .timeout = 300)
{
    count_memory();
    damage("helper_types.onnx", value_step(7));
    damage("sklearn_words.onnx", 37);
    damage("keras_batch_norm.onnx", 61);
}

/* A graph in an attribute of a node of a graph ...: a few bytes each. */
Test(onnx, nesting_is_limited)
{
    enum { LEVELS = 30000 };
    static unsigned char bytes[16 * LEVELS + 16];
    size_t at = sizeof bytes, size = 0;
    lam_model *model;
    for (int i = 0; i < 3 * LEVELS; i++) {
        static const unsigned char tags[] = {0x0a, 0x2a, 0x32}; /* node, attribute, graph */
        size_t length = size;
        unsigned char varint[10];
        size_t digits = 0;
        do
            varint[digits++] = (unsigned char)((length & 127) | (length > 127 ? 128 : 0));
        while (length >>= 7);
        if (at < digits + 16)
            break;
        at -= digits;
        memcpy(bytes + at, varint, digits);
        bytes[--at] = i % 3 == 2 ? tags[0] : i % 3 == 1 ? tags[1] : tags[2];
        size = sizeof bytes - at;
    }
    bytes[--at] = 0; /* place for the outermost: a graph of the model */
    unsigned char *file = malloc(size + 8);
    size_t head = 0, length = size;
    file[head++] = 0x3a;
    do
        file[head++] = (unsigned char)((length & 127) | (length > 127 ? 128 : 0));
    while (length >>= 7);
    memcpy(file + head, bytes + at + 1, size);
    cr_assert_eq(lam__onnx_parse(file, head + size, "deep", NULL, &model), LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "is nested more than"), "%s", lam_error_message());
    free(file);
}

/* Two bytes a node, each of which would be a structure of more than a hundred. */
Test(onnx, small_messages_cannot_take_much_memory)
{
    enum { NODES = 400000, SIZE = 2 * NODES + 8 };
    unsigned char *file = calloc(1, SIZE);
    const unsigned char head[] = {0x3a, 0x80 | (2 * NODES & 127), 0x80 | (2 * NODES >> 7 & 127),
                                  2 * NODES >> 14};
    lam_model *model;
    memcpy(file, head, sizeof head);
    for (size_t i = 0; i < NODES; i++)
        file[sizeof head + 2 * i] = 0x0a;
    count_memory();
    cr_assert_eq(lam__onnx_parse(file, sizeof head + 2 * NODES, "many", NULL, &model),
                 LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "unpack to more than"), "%s", lam_error_message());
    cr_assert_leq(memory.most, 2 * SIZE + LAM__PROTO_EXTRA);
    free(file);
}

Test(onnx, says_where_the_wire_format_is_broken)
{
    static const struct {
        unsigned char bytes[16];
        size_t size;
        const char *message;
    } broken[] = {
        {{0x08}, 1, "byte 1: a number goes beyond"},
        {{0x0d, 1, 2, 3, 4}, 5, "byte 0: 'ir_version' of ModelProto is of wire type 5, not 0"},
        {{0x08, 7, 0x3a, 9, 0}, 5, "byte 2: graph claims 9 bytes, but 1 are left"},
        {{0x00, 1}, 2, "byte 0: no field has the number 0"},
        {{0x0b, 1}, 2, "wire type 3"},
        {{0xf9, 0x07, 1, 2}, 4, "'an unknown field' goes beyond"},
        {{0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 12, "more than 10 bytes"},
        {{0x12, 3, 'a', 0, 'b'}, 5, "producer_name has a zero byte"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        lam_model *model;
        cr_expect_eq(lam__onnx_parse(broken[i].bytes, broken[i].size, "f", NULL, &model),
                     LAM_ERR_FORMAT);
        cr_expect(strstr(lam_error_message(), broken[i].message), "'%s' is not in '%s'",
                  broken[i].message, lam_error_message());
    }
}

/* The same bytes each time; what is read back is the same model, dropout aside. */
Test(onnx, round_trip)
{
    lam_model *model = lam_model_new(3), *back;
    const char *const names[] = {"a", "caf\xc3\xa9"};
    unsigned char *bytes, *again;
    size_t size, again_size;
    lam_model_add_layers(model, "4:relu,dropout:0.5,layer_norm:1e-4:tanh,2:softmax");
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_set_class_names(model, names, 2);
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    cr_assert_eq(lam__onnx_serialize(model, true, &bytes, &size), LAM_OK, "%s",
                 lam_error_message());
    cr_assert_eq(lam__onnx_parse(bytes, size, "m", NULL, &back), LAM_OK, "%s", lam_error_message());
    cr_expect_eq(lam_model_layers(back), 3);
    cr_expect_str_eq(lam_model_class_name(back, 1), names[1]);
    lam_transform_info transform;
    lam_model_transform(back, &transform);
    cr_expect(transform.kind == LAM_TRANSFORM_SCALE && transform.to_lo == -1.0f);
    float before[64], after[64];
    const size_t count = lam_model_parameters(model);
    cr_assert(count == lam_model_parameters(back) && count < 64);
    lam_model_get_parameters(model, before, count);
    lam_model_get_parameters(back, after, count);
    cr_expect_arr_eq(before, after, count * sizeof *before);
    lam__release(bytes);
    lam_model_free(model);
    model = back; /* has no dropout: from here on the bytes stay the same */
    cr_assert_eq(lam__onnx_serialize(model, true, &bytes, &size), LAM_OK);
    cr_assert_eq(lam__onnx_parse(bytes, size, "m", NULL, &back), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam__onnx_serialize(back, true, &again, &again_size), LAM_OK);
    cr_expect(size == again_size && memcmp(bytes, again, size) == 0);
    lam__release(bytes);
    lam__release(again);
    lam_model_free(back);
    lam_model_free(model);
}

/* Every row of the table of layers that ONNX has operators for, between two dense layers: what is
 * read back computes the same, also where it is folded into a neighbour. */
Test(onnx, every_layer)
{
    enum { ROWS = 9, IN = 4, OUT = 3 };
    const lam__layer_type *type;
    char text[128];
    float x[ROWS * IN], y[ROWS * OUT], again[ROWS * OUT];
    for (size_t k = 0; k < ROWS * IN; k++)
        x[k] = 0.25f * (float)((int)(k * k % 17) - 8);
    for (size_t i = 0; (type = layer_text(i, "linear", text, sizeof text)); i++) {
        lam_model *model = lam_model_new(IN), *back;
        unsigned char *bytes;
        size_t size;
        if (!type->only_training && !type->onnx[0].name)
            continue;
        lam_model_dense(model, 5, "tanh");
        lam_model_add_layers(model, text);
        lam_model_dense(model, OUT, "sigmoid");
        cr_assert_eq(lam_model_initialize(model, 2, NULL), LAM_OK, "%s", lam_error_message());
        lam_tensor bias;
        lam_model_tensor(model, lam_model_tensors(model) - 3, &bias);
        for (size_t j = 0; j < bias.cols; j++)
            bias.data[j] += 0.125f * (float)(j % 5);
        cr_assert_eq(lam__onnx_serialize(model, true, &bytes, &size), LAM_OK, "%s",
                     lam_error_message());
        cr_assert_eq(lam__onnx_parse(bytes, size, "m", NULL, &back), LAM_OK, "%s: %s", text,
                     lam_error_message());
        cr_assert_eq(lam_predict(model, x, ROWS, y), LAM_OK);
        cr_assert_eq(lam_predict(back, x, ROWS, again), LAM_OK);
        for (size_t k = 0; k < ROWS * OUT; k++)
            cr_expect_float_eq(y[k], again[k], 1e-6f, "%s: %g, not %g", text, (double)again[k],
                               (double)y[k]);
        lam__release(bytes);
        lam_model_free(back);
        lam_model_free(model);
    }
}

static void cube(size_t n, const float *z, float *y, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++)
        y[i] = z[i] * z[i] * z[i];
}

static void cube_back(size_t n, const float *z, const float *y, const float *dy, float *dz,
                      void *user)
{
    (void)user, (void)y;
    for (size_t i = 0; i < n; i++)
        dz[i] = 3.0f * z[i] * z[i] * dy[i];
}

Test(onnx, what_it_cannot_tell)
{
    lam_activation own = {.name = "cube", .forward = cube, .backward = cube_back};
    unsigned char *bytes;
    size_t size;
    cr_assert_eq(lam_register_activation(&own), LAM_OK, "%s", lam_error_message());
    lam_model *model = lam_model_new(2);
    lam_model_dense(model, 2, "cube");
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    cr_expect_eq(lam__onnx_serialize(model, true, &bytes, &size), LAM_ERR_UNSUPPORTED);
    cr_expect(strstr(lam_error_message(), "'cube' has no operator"), "%s", lam_error_message());
    lam_model_free(model);
    model = lam_model_new(2);
    lam_model_dense(model, 2, "softmax");
    lam_model_initialize(model, 1, NULL);
    lam_model_set_class_names(model, (const char *const[]){"a", "\xed\xa0\x80"}, 2);
    cr_expect_eq(lam__onnx_serialize(model, true, &bytes, &size), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "class 1 is not valid UTF-8"), "%s", lam_error_message());
    lam_model_free(model);
}
