/* onnx_tensor.c: the constants of an ONNX graph as arrays. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "base/memory.h"
#include "formats/onnx_graph.h"

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
        return (double)lam__from_half((uint16_t)word);
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
    if (tensor->n_external_data > 0 ||
        (tensor->has_data_location &&
         tensor->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT))
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "the values of '%.64s' are in another file: save the model as one",
                                label);
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

/* Checks type, dimensions and the number of values. */
static lam_status check_tensor(const lam__onnx_node *node, const char *label,
                               const Onnx__TensorProto *tensor, const struct type **type,
                               lam__onnx_array *array)
{
    size_t held = 0;
    *type = find_type(tensor);
    if (!*type)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "'%.64s' is of data type %d, not FLOAT, DOUBLE, FLOAT16, BFLOAT16 "
                                "or INT64",
                                label, (int)tensor->data_type);
    LAM__TRY(count_held(node, label, tensor, *type, &held));
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
    if (array->count != held)
        return lam__onnx_refuse(node, LAM_ERR_FORMAT,
                                "'%.64s' has the shape of %zu values, but %zu of type %s", label,
                                array->count, held, (*type)->name);
    return LAM_OK;
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

lam_status lam__onnx_floats_of(const lam__onnx_node *node, const lam__onnx_value *value,
                               lam__onnx_array *array)
{
    const struct type *type;
    *array = (lam__onnx_array){0};
    LAM__TRY(check_tensor(node, value->name, value->tensor, &type, array));
    if (type->list == INT64S)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "'%.64s' is of type INT64, not a float",
                                value->name);
    if (value->transposed && array->rank != 2)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "'%.64s', which is transposed, has %zu dimensions", value->name,
                                array->rank);
    array->values = lam__allocate(array->count, sizeof *array->values, "a constant");
    if (!array->values)
        return LAM_ERR_MEMORY;
    lam_status status = LAM_OK;
    for (size_t i = 0; i < array->count && status == LAM_OK; i++) {
        array->values[i] = (float)element(value->tensor, type, i);
        if (!isfinite(array->values[i]))
            status = lam__onnx_refuse(node, LAM_ERR_NUMERIC,
                                      "value %zu of '%.64s' is not a finite 32-bit number", i,
                                      value->name);
    }
    if (status == LAM_OK && value->transposed)
        status = transpose(array);
    if (status != LAM_OK) {
        lam__release(array->values);
        array->values = NULL;
    }
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

lam_status lam__onnx_integers(const lam__onnx_node *node, size_t i, int64_t *values, size_t *count)
{
    const lam__onnx_value *value;
    const struct type *type;
    lam__onnx_array array = {0};
    LAM__TRY(constant_at(node, i, &value));
    LAM__TRY(check_tensor(node, value->name, value->tensor, &type, &array));
    if (type->list != INT64S || array.rank > 1 || array.count > LAM__ONNX_RANK)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "input %zu, '%.64s', is not a list of at most %d numbers of INT64",
                                i, value->name, LAM__ONNX_RANK);
    for (size_t k = 0; k < array.count; k++) {
        const uint64_t word = value->tensor->has_raw_data
                                  ? word_at(value->tensor->raw_data.data + 8 * k, 8)
                                  : (uint64_t)value->tensor->int64_data[k];
        memcpy(&values[k], &word, sizeof word);
    }
    *count = array.count;
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
