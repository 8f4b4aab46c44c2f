/* onnx_tensor.c: the constants of an ONNX graph as arrays. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/float16.h"
#include "base/memory.h"
#include "formats/onnx/onnx_graph.h"

/* Numbers of a type as they lie in raw_data, little-endian, and in which list otherwise. */
struct type {
    int number;
    const char *name;
    size_t bytes;
    enum { FLOATS, DOUBLES, INT32S, INT64S } list;
};

static const struct type types[] = {
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, "FLOAT", 4, FLOATS},
    {ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, "DOUBLE", 8, DOUBLES},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, "FLOAT16", 2, INT32S},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, "BFLOAT16", 2, INT32S},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT64, "INT64", 8, INT64S},
};

static const struct type *find_type(const Onnx__TensorProto *tensor)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].number == tensor->data_type)
            return &types[i];
    return NULL;
}

static uint64_t word_at(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

static double float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double decode(const struct type *type, uint64_t word)
{
    double value;
    switch (type->number) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return (double)lam__from_float16((uint16_t)word);
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        return (double)lam__from_bfloat((uint16_t)word);
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return float_of((uint32_t)word);
    default:
        memcpy(&value, &word, sizeof value);
        return value;
    }
}

/* Element i of a list that is as long as it should be. */
static double element(const Onnx__TensorProto *tensor, const struct type *type, size_t i)
{
    if (tensor->has_raw_data)
        return decode(type, word_at(tensor->raw_data.data + i * type->bytes, type->bytes));
    switch (type->list) {
    case FLOATS:
        return (double)tensor->float_data[i];
    case DOUBLES:
        return tensor->double_data[i];
    default:
        return decode(type, (uint64_t)(uint32_t)tensor->int32_data[i]);
    }
}

/* How many numbers the tensor holds, in whichever place. */
static lam_status count_held(const lam__onnx_node *node, const char *label,
                             const Onnx__TensorProto *tensor, const struct type *type, size_t *held)
{
    const size_t lists[] = {tensor->n_float_data, tensor->n_double_data, tensor->n_int32_data,
                            tensor->n_int64_data};
    if (tensor->segment)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "'%.64s' is in segments", label);
    *held = lists[type->list];
    if (!tensor->has_raw_data)
        return LAM_OK;
    if (tensor->raw_data.len % type->bytes != 0)
        return lam__onnx_refuse(node, LAM_ERR_FORMAT,
                                "'%.64s' has %zu bytes, no multiple of %zu for type %s", label,
                                tensor->raw_data.len, type->bytes, type->name);
    *held = tensor->raw_data.len / type->bytes;
    return LAM_OK;
}

/* A tensor that has been checked, its values within reach. */
struct held {
    const struct type *type;
    Onnx__TensorProto tensor; /* with the values, where they were in another file */
    unsigned char *own;       /* for lam__release */
};

static lam_status read_dims(const lam__onnx_node *node, const char *label,
                            const Onnx__TensorProto *tensor, lam__onnx_array *array)
{
    if (tensor->n_dims > LAM__ONNX_RANK)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "'%.64s' has %zu dimensions, at most %d",
                                label, tensor->n_dims, LAM__ONNX_RANK);
    array->rank = tensor->n_dims;
    array->count = 1;
    for (size_t i = 0; i < array->rank; i++) {
        const int64_t dim = tensor->dims[i];
        if (dim < 0 || (uint64_t)dim > SIZE_MAX ||
            !lam__multiply(array->count, (size_t)dim, &array->count))
            return lam__onnx_refuse(node, LAM_ERR_FORMAT, "'%.64s': dimension %zu is %lld", label,
                                    i, (long long)dim);
        array->dims[i] = (size_t)dim;
    }
    return LAM_OK;
}

/* Checks type, dimensions and the number of values. */
static lam_status check_tensor(const lam__onnx_node *node, const char *label,
                               const Onnx__TensorProto *tensor, struct held *held,
                               lam__onnx_array *array)
{
    size_t count = 0, bytes;
    *held = (struct held){.type = find_type(tensor)};
    if (!held->type)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "'%.64s' is of data type %d, not FLOAT, DOUBLE, FLOAT16, BFLOAT16 "
                                "or INT64",
                                label, (int)tensor->data_type);
    LAM__TRY(read_dims(node, label, tensor, array));
    if (!lam__multiply(array->count, held->type->bytes, &bytes))
        return lam__fail_memory(SIZE_MAX, "a constant");
    LAM__TRY(lam__onnx_external(node, label, tensor, bytes, &held->tensor, &held->own));
    lam_status status = count_held(node, label, &held->tensor, held->type, &count);
    if (status == LAM_OK && array->count != count)
        status = lam__onnx_refuse(node, LAM_ERR_FORMAT,
                                  "'%.64s' has the shape of %zu values, but %zu of type %s", label,
                                  array->count, count, held->type->name);
    if (status == LAM_OK)
        return LAM_OK;
    lam__release(held->own);
    held->own = NULL;
    return status;
}

/* values[cols][rows] from [rows][cols]. */
static lam_status transpose(lam__onnx_array *array)
{
    const size_t rows = array->dims[0], cols = array->dims[1];
    float *turned = lam__allocate(array->count, sizeof *turned, "a constant");
    if (!turned)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            turned[j * rows + i] = array->values[i * cols + j];
    lam__release(array->values);
    array->values = turned;
    array->dims[0] = cols;
    array->dims[1] = rows;
    return LAM_OK;
}

/* The values of a tensor that has been checked. */
static lam_status read_floats(const lam__onnx_node *node, const lam__onnx_value *value,
                              const struct held *held, lam__onnx_array *array)
{
    if (held->type->list == INT64S)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "'%.64s' is of type INT64, not a float",
                                value->name);
    if (value->transposed && array->rank != 2)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "'%.64s', which is transposed, has %zu dimensions", value->name,
                                array->rank);
    array->values = lam__allocate(array->count, sizeof *array->values, "a constant");
    if (!array->values)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < array->count; i++) {
        array->values[i] = (float)element(&held->tensor, held->type, i);
        if (!isfinite(array->values[i]))
            return lam__onnx_refuse(node, LAM_ERR_NUMERIC,
                                    "value %zu of '%.64s' is not a finite 32-bit number", i,
                                    value->name);
    }
    return value->transposed ? transpose(array) : LAM_OK;
}

lam_status lam__onnx_floats_of(const lam__onnx_node *node, const lam__onnx_value *value,
                               lam__onnx_array *array)
{
    struct held held;
    *array = (lam__onnx_array){0};
    if (value->kind != LAM__ONNX_CONSTANT)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "'%.64s' is not a constant",
                                value->name);
    LAM__TRY(check_tensor(node, value->name, value->tensor, &held, array));
    lam_status status = read_floats(node, value, &held, array);
    lam__release(held.own);
    if (status == LAM_OK)
        return LAM_OK;
    lam__release(array->values);
    array->values = NULL;
    return status;
}

static lam_status constant_at(const lam__onnx_node *node, size_t i, const lam__onnx_value **value)
{
    *value = i < node->input_count ? node->inputs[i] : NULL;
    if (!*value)
        return lam__onnx_refuse(node, LAM_ERR_FORMAT, "input %zu is missing", i);
    if ((*value)->kind != LAM__ONNX_CONSTANT)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "input %zu, '%.64s', is not a constant",
                                i, (*value)->name);
    return LAM_OK;
}

lam_status lam__onnx_floats(const lam__onnx_node *node, size_t i, lam__onnx_array *array)
{
    const lam__onnx_value *value;
    *array = (lam__onnx_array){0};
    LAM__TRY(constant_at(node, i, &value));
    return lam__onnx_floats_of(node, value, array);
}

lam_status lam__onnx_integers_of(const lam__onnx_node *node, const lam__onnx_value *value,
                                 lam__onnx_integer_list *list)
{
    struct held held;
    lam__onnx_array array = {0};
    if (value->kind == LAM__ONNX_INTEGERS) {
        *list = value->integers;
        return LAM_OK;
    }
    if (value->kind != LAM__ONNX_CONSTANT)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "'%.64s' is not a constant",
                                value->name);
    LAM__TRY(check_tensor(node, value->name, value->tensor, &held, &array));
    const bool fits = held.type->list == INT64S && array.rank <= 1 && array.count <= LAM__ONNX_RANK;
    *list = (lam__onnx_integer_list){.rank = array.rank, .count = array.count};
    for (size_t k = 0; fits && k < array.count; k++) {
        const uint64_t word = held.tensor.has_raw_data
                                  ? word_at(held.tensor.raw_data.data + 8 * k, 8)
                                  : (uint64_t)held.tensor.int64_data[k];
        memcpy(&list->values[k], &word, sizeof word);
        if (list->values[k] <= LAM__ONNX_UNTOLD) /* no length, and not one of ours */
            list->values[k] = INT64_MIN + 2;
    }
    lam__release(held.own);
    return fits ? LAM_OK
                : lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                   "'%.64s' is not a list of at most %d numbers of INT64",
                                   value->name, LAM__ONNX_RANK);
}

lam_status lam__onnx_integers(const lam__onnx_node *node, size_t i, int64_t *values, size_t *count)
{
    lam__onnx_integer_list list;
    if (i >= node->input_count || !node->inputs[i])
        return lam__onnx_refuse(node, LAM_ERR_FORMAT, "input %zu is missing", i);
    LAM__TRY(lam__onnx_integers_of(node, node->inputs[i], &list));
    memcpy(values, list.values, list.count * sizeof *values);
    *count = list.count;
    return LAM_OK;
}

lam_status lam__onnx_flag(const lam__onnx_node *node, size_t i, bool *flag)
{
    const lam__onnx_value *value;
    *flag = false;
    if (i >= node->input_count || !node->inputs[i])
        return LAM_OK;
    LAM__TRY(constant_at(node, i, &value));
    const Onnx__TensorProto *tensor = value->tensor;
    const bool one = tensor->has_raw_data ? tensor->raw_data.len == 1 : tensor->n_int32_data == 1;
    if (tensor->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__BOOL || !one)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "input %zu, '%.64s', is not one BOOL", i,
                                value->name);
    *flag = (tensor->has_raw_data ? tensor->raw_data.data[0] : tensor->int32_data[0]) != 0;
    return LAM_OK;
}
