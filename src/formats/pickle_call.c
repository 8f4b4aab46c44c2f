/* pickle_call.c: the functions that a pickle may call: constructors of containers, NumPy arrays and
 * PyTorch tensors. Each is imitated; anything else is refused. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/pickle_ops.h"

lam_status lam__pickle_refuse(const lam__pickle *p, const lam__pickle_value *function)
{
    const lam__pickle_text module = function->u.class.module, name = function->u.class.name;
    return lam__pickle_fail(p, LAM_ERR_UNSUPPORTED,
                            "refused: the pickle would call %.*s.%.*s, which is no constructor of "
                            "arrays or containers",
                            (int)(module.length < 80 ? module.length : 80), module.text,
                            (int)(name.length < 80 ? name.length : 80), name.text);
}

static lam_status fail_arguments(const lam__pickle *p, const char *what)
{
    return lam__pickle_fail(p, LAM_ERR_FORMAT, "malformed arguments of %s", what);
}

/* Argument i, NULL when there is none, or they are no tuple. */
static lam__pickle_value *argument(const lam__pickle_value *arguments, size_t i)
{
    return arguments->kind == LAM__P_TUPLE && i < arguments->u.list.count
               ? arguments->u.list.items[i]
               : NULL;
}

static bool is_kind(const lam__pickle_value *value, lam__pickle_kind kind)
{
    return value && value->kind == kind;
}

typedef lam_status constructor(lam__pickle *p, lam__pickle_value *arguments,
                               lam__pickle_value **result);

/* A container of the items of its one argument, or an empty one. */
static lam_status make_list(lam__pickle *p, lam__pickle_value *arguments, lam__pickle_kind kind,
                            lam__pickle_value **result)
{
    const lam__pickle_value *from = argument(arguments, 0);
    P_NEW(made, kind);
    *result = made;
    if (!from)
        return LAM_OK;
    if (!is_kind(from, LAM__P_LIST) && !is_kind(from, LAM__P_TUPLE) && !is_kind(from, LAM__P_SET))
        return fail_arguments(p, "a container");
    for (size_t i = 0; i < from->u.list.count; i++)
        LAM__TRY(lam__pickle_append(p, made, from->u.list.items[i]));
    return LAM_OK;
}

static lam_status call_list(lam__pickle *p, lam__pickle_value *arguments,
                            lam__pickle_value **result)
{
    return make_list(p, arguments, LAM__P_LIST, result);
}

static lam_status call_set(lam__pickle *p, lam__pickle_value *arguments, lam__pickle_value **result)
{
    return make_list(p, arguments, LAM__P_SET, result);
}

static lam_status call_tuple(lam__pickle *p, lam__pickle_value *arguments,
                             lam__pickle_value **result)
{
    return make_list(p, arguments, LAM__P_TUPLE, result);
}

/* OrderedDict() or OrderedDict([(key, value), ...]). */
static lam_status call_dict(lam__pickle *p, lam__pickle_value *arguments,
                            lam__pickle_value **result)
{
    const lam__pickle_value *pairs = argument(arguments, 0);
    P_NEW(made, LAM__P_DICT);
    *result = made;
    if (!is_kind(pairs, LAM__P_LIST) && !is_kind(pairs, LAM__P_TUPLE))
        return LAM_OK; /* a defaultdict's factory */
    for (size_t i = 0; i < pairs->u.list.count; i++) {
        const lam__pickle_value *pair = pairs->u.list.items[i];
        if ((!is_kind(pair, LAM__P_LIST) && !is_kind(pair, LAM__P_TUPLE)) ||
            pair->u.list.count != 2)
            return fail_arguments(p, "a dictionary");
        LAM__TRY(lam__pickle_append(p, made, pair->u.list.items[0]));
        LAM__TRY(lam__pickle_append(p, made, pair->u.list.items[1]));
    }
    return LAM_OK;
}

/* encode(text, "latin1"), bytearray(bytes), bytearray(text, "latin-1"): every character of the
 * UTF-8 text is one byte. */
static lam_status call_bytes(lam__pickle *p, lam__pickle_value *arguments,
                             lam__pickle_value **result)
{
    const lam__pickle_value *from = argument(arguments, 0);
    P_NEW(made, LAM__P_BYTES);
    *result = made;
    if (!from)
        return LAM_OK;
    if (!is_kind(from, LAM__P_TEXT) && !is_kind(from, LAM__P_BYTES))
        return fail_arguments(p, "bytes");
    made->u.text = from->u.text;
    if (from->kind == LAM__P_BYTES)
        return LAM_OK;
    const unsigned char *b = (const unsigned char *)from->u.text.text;
    const size_t length = from->u.text.length;
    char *bytes = lam__pickle_take(p, length + 1);
    if (!bytes)
        return LAM_ERR_MEMORY;
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (b[i] >= 0x80) {
            if (b[i] < 0xc2 || b[i] > 0xc3 || i + 1 == length || (b[i + 1] & 0xc0) != 0x80)
                return fail_arguments(p, "bytes: a character beyond 255");
            bytes[count++] = (char)((b[i] & 3) << 6 | (b[i + 1] & 0x3f));
            i++;
        } else {
            bytes[count++] = (char)b[i];
        }
    }
    made->u.text = (lam__pickle_text){bytes, count};
    return LAM_OK;
}

/* copyreg._reconstructor(class, base, state): an object of that class. */
static lam_status call_object(lam__pickle *p, lam__pickle_value *arguments,
                              lam__pickle_value **result)
{
    if (!is_kind(argument(arguments, 0), LAM__P_CLASS))
        return fail_arguments(p, "an object");
    P_NEW(made, LAM__P_OBJECT);
    made->u.object.class = argument(arguments, 0);
    made->u.object.arguments = argument(arguments, 2);
    *result = made;
    return LAM_OK;
}

static lam_status call_opaque(lam__pickle *p, lam__pickle_value *arguments,
                              lam__pickle_value **result)
{
    (void)arguments;
    P_NEW(made, LAM__P_OPAQUE);
    *result = made;
    return LAM_OK;
}

/* numpy.dtype("f4", align, copy): its byte order comes as state. */
static lam_status call_dtype(lam__pickle *p, lam__pickle_value *arguments,
                             lam__pickle_value **result)
{
    static const struct {
        const char *name;
        lam__st_dtype type;
    } types[] = {{"f2", LAM__ST_F16},  {"f4", LAM__ST_F32}, {"f8", LAM__ST_F64},
                 {"b1", LAM__ST_BOOL}, {"i1", LAM__ST_I8},  {"i2", LAM__ST_I16},
                 {"i4", LAM__ST_I32},  {"i8", LAM__ST_I64}, {"u1", LAM__ST_U8},
                 {"u2", LAM__ST_U16},  {"u4", LAM__ST_U32}, {"u8", LAM__ST_U64}};
    const lam__pickle_value *name = argument(arguments, 0);
    if (!is_kind(name, LAM__P_TEXT) && !is_kind(name, LAM__P_BYTES))
        return fail_arguments(p, "numpy.dtype");
    P_NEW(made, LAM__P_DTYPE);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (lam__pickle_is(name->u.text, types[i].name)) {
            made->u.dtype.type = types[i].type;
            made->u.dtype.known = true;
        }
    *result = made;
    return LAM_OK;
}

/* An array whose shape and data come as state. */
static lam_status call_array(lam__pickle *p, lam__pickle_value *arguments,
                             lam__pickle_value **result)
{
    (void)arguments;
    P_NEW(made, LAM__P_ARRAY);
    *result = made;
    return LAM_OK;
}

/* Fills a shape from a tuple of sizes; *elements is their product. */
static lam_status read_shape(lam__pickle *p, const lam__pickle_value *shape, lam__item *item,
                             size_t *elements)
{
    if (!is_kind(shape, LAM__P_TUPLE) || shape->u.list.count > LAM__ST_DIMENSIONS)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "a shape that is no tuple of at most %d sizes",
                                LAM__ST_DIMENSIONS);
    item->rank = shape->u.list.count;
    *elements = 1;
    for (size_t i = 0; i < item->rank; i++)
        if (!lam__pickle_size(shape->u.list.items[i], &item->shape[i]) ||
            !lam__multiply(*elements, item->shape[i], elements))
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "a shape with an entry that is no size");
    return LAM_OK;
}

static lam_status new_item(lam__pickle *p, lam__item **item)
{
    *item = lam__pickle_take(p, sizeof **item);
    if (!*item)
        return LAM_ERR_MEMORY;
    **item = (lam__item){.kind = LAM__ITEM_ARRAY, .number = (double)NAN};
    return LAM_OK;
}

/* The data of an array of NumPy: exactly what its shape asks for, or nothing that can be used. */
static lam_status fill_array(lam__pickle *p, lam__pickle_value *array,
                             const lam__pickle_value *shape, const lam__pickle_value *dtype,
                             bool first_runs_fastest, const lam__pickle_value *data)
{
    lam__item *item = NULL;
    size_t elements = 0, bytes = 0;
    if (!is_kind(dtype, LAM__P_DTYPE))
        return fail_arguments(p, "an array: its type");
    LAM__TRY(new_item(p, &item));
    LAM__TRY(read_shape(p, shape, item, &elements));
    lam__item_pack(item, first_runs_fastest);
    array->u.array.item = item;
    if (!dtype->u.dtype.known)
        return LAM_OK; /* of objects or records: incomplete */
    item->dtype = dtype->u.dtype.type;
    item->big_endian = dtype->u.dtype.big_endian;
    if (!is_kind(data, LAM__P_BYTES) && !is_kind(data, LAM__P_TEXT))
        return fail_arguments(p, "an array: its data");
    if (!lam__multiply(elements, lam__st_dtype_size(item->dtype), &bytes) ||
        bytes != data->u.text.length)
        return lam__pickle_fail(p, LAM_ERR_FORMAT,
                                "an array of %zu elements of %zu bytes, but %zu bytes of data",
                                elements, lam__st_dtype_size(item->dtype), data->u.text.length);
    item->data = (const unsigned char *)data->u.text.text;
    item->complete = true;
    return LAM_OK;
}

/* _frombuffer(data, dtype, shape, order) */
static lam_status call_from_buffer(lam__pickle *p, lam__pickle_value *arguments,
                                   lam__pickle_value **result)
{
    const lam__pickle_value *order = argument(arguments, 3);
    P_NEW(made, LAM__P_ARRAY);
    *result = made;
    return fill_array(p, made, argument(arguments, 2), argument(arguments, 1),
                      is_kind(order, LAM__P_TEXT) && lam__pickle_is(order->u.text, "F"),
                      argument(arguments, 0));
}

/* scalar(dtype, bytes): of use as a number where it is a float or small integer. */
static lam_status call_scalar(lam__pickle *p, lam__pickle_value *arguments,
                              lam__pickle_value **result)
{
    const lam__pickle_value *dtype = argument(arguments, 0), *data = argument(arguments, 1);
    P_NEW(made, LAM__P_OPAQUE);
    *result = made;
    if (!is_kind(dtype, LAM__P_DTYPE))
        return fail_arguments(p, "numpy.scalar");
    if (!dtype->u.dtype.known || !lam__dtype_is_float(dtype->u.dtype.type) ||
        (!is_kind(data, LAM__P_BYTES) && !is_kind(data, LAM__P_TEXT)) ||
        data->u.text.length != lam__st_dtype_size(dtype->u.dtype.type))
        return LAM_OK;
    const lam__item item = {.dtype = dtype->u.dtype.type,
                            .big_endian = dtype->u.dtype.big_endian,
                            .data = (const unsigned char *)data->u.text.text};
    made->kind = LAM__P_FLOAT;
    made->u.number = (double)lam__item_value(&item, 0, 0);
    return LAM_OK;
}

/* Every element of a strided tensor must lie in its storage, and it must have no more of them than
 * the storage: so that a tensor is no larger than its file. */
static lam_status check_strides(const lam__pickle *p, const lam__item *item, size_t offset,
                                size_t elements, size_t available)
{
    size_t last = offset;
    if (elements == 0)
        return LAM_OK;
    for (size_t i = 0; i < item->rank; i++) {
        size_t reach;
        if (!lam__multiply(item->shape[i] - 1, item->stride[i], &reach) ||
            !lam__add(last, reach, &last))
            last = SIZE_MAX;
    }
    if (last >= available || elements > available)
        return lam__pickle_fail(p, LAM_ERR_FORMAT,
                                "a tensor of %zu elements that does not lie in the %zu of its "
                                "storage",
                                elements, available);
    return LAM_OK;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, ...) */
static lam_status call_tensor(lam__pickle *p, lam__pickle_value *arguments,
                              lam__pickle_value **result)
{
    const lam__pickle_value *storage = argument(arguments, 0), *stride = argument(arguments, 3);
    lam__item *item = NULL;
    size_t elements = 0;
    P_NEW(made, LAM__P_ARRAY);
    *result = made;
    if (!is_kind(storage, LAM__P_STORAGE) || !is_kind(stride, LAM__P_TUPLE) ||
        !lam__pickle_size(argument(arguments, 1), &made->u.array.offset))
        return fail_arguments(p, "a tensor");
    LAM__TRY(new_item(p, &item));
    LAM__TRY(read_shape(p, argument(arguments, 2), item, &elements));
    if (stride->u.list.count != item->rank)
        return fail_arguments(p, "a tensor: its strides");
    for (size_t i = 0; i < item->rank; i++)
        if (!lam__pickle_size(stride->u.list.items[i], &item->stride[i]))
            return fail_arguments(p, "a tensor: its strides");
    LAM__TRY(check_strides(p, item, made->u.array.offset, elements, storage->u.storage->elements));
    item->dtype = storage->u.storage->dtype;
    made->u.array.item = item;
    made->u.array.storage = storage->u.storage;
    return LAM_OK;
}

/* _rebuild_parameter(tensor, requires_grad, hooks) is the tensor. */
static lam_status call_parameter(lam__pickle *p, lam__pickle_value *arguments,
                                 lam__pickle_value **result)
{
    *result = argument(arguments, 0);
    return is_kind(*result, LAM__P_ARRAY) ? LAM_OK : fail_arguments(p, "a parameter");
}

/* Everything that may be called. */
static const struct row {
    const char *module, *name;
    constructor *call;
} rows[] = {
    {"collections", "OrderedDict", call_dict},
    {"collections", "defaultdict", call_dict},
    {"collections", "deque", call_list},
    {"builtins", "dict", call_dict},
    {"builtins", "list", call_list},
    {"builtins", "tuple", call_tuple},
    {"builtins", "set", call_set},
    {"builtins", "frozenset", call_set},
    {"builtins", "bytearray", call_bytes},
    {"builtins", "bytes", call_bytes},
    {"builtins", "complex", call_opaque},
    {"__builtin__", "dict", call_dict},
    {"__builtin__", "list", call_list},
    {"__builtin__", "tuple", call_tuple},
    {"__builtin__", "set", call_set},
    {"__builtin__", "frozenset", call_set},
    {"__builtin__", "bytearray", call_bytes},
    {"__builtin__", "bytes", call_bytes},
    {"_codecs", "encode", call_bytes},
    {"copyreg", "_reconstructor", call_object},
    {"copy_reg", "_reconstructor", call_object},
    {"numpy", "dtype", call_dtype},
    {"numpy.core.multiarray", "_reconstruct", call_array},
    {"numpy._core.multiarray", "_reconstruct", call_array},
    {"numpy.core.multiarray", "scalar", call_scalar},
    {"numpy._core.multiarray", "scalar", call_scalar},
    {"numpy.core.numeric", "_frombuffer", call_from_buffer},
    {"numpy._core.numeric", "_frombuffer", call_from_buffer},
    {"torch._utils", "_rebuild_tensor", call_tensor},
    {"torch._utils", "_rebuild_tensor_v2", call_tensor},
    {"torch._utils", "_rebuild_parameter", call_parameter},
    {"torch._utils", "_rebuild_parameter_with_state", call_parameter},
    {"torch", "Size", call_tuple},
    {"torch", "device", call_opaque},
};

lam_status lam__pickle_call(lam__pickle *p, const lam__pickle_value *function,
                            lam__pickle_value *arguments, lam__pickle_value **result)
{
    if (function->kind != LAM__P_CLASS || arguments->kind != LAM__P_TUPLE)
        return lam__pickle_fail(p, LAM_ERR_FORMAT,
                                "a call of something that is no class or function, or without "
                                "arguments");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (lam__pickle_is(function->u.class.module, rows[i].module) &&
            lam__pickle_is(function->u.class.name, rows[i].name))
            return rows[i].call(p, arguments, result);
    return lam__pickle_refuse(p, function);
}

/* State of a dtype: (version, "<", ...). */
static lam_status build_dtype(lam__pickle *p, lam__pickle_value *dtype,
                              const lam__pickle_value *state)
{
    const lam__pickle_value *order = is_kind(state, LAM__P_TUPLE) ? argument(state, 1) : NULL;
    if (!is_kind(order, LAM__P_TEXT) && !is_kind(order, LAM__P_BYTES))
        return fail_arguments(p, "numpy.dtype: its state");
    dtype->u.dtype.big_endian = lam__pickle_is(order->u.text, ">");
    return LAM_OK;
}

/* State of an array: (version, shape, dtype, is_fortran, data); the version may be missing. */
static lam_status build_array(lam__pickle *p, lam__pickle_value *array,
                              const lam__pickle_value *state)
{
    if (array->u.array.item || !is_kind(state, LAM__P_TUPLE) || state->u.list.count < 4)
        return fail_arguments(p, "an array: its state");
    const size_t from = state->u.list.count - 4;
    const lam__pickle_value *fortran = argument(state, from + 2);
    const bool first =
        (is_kind(fortran, LAM__P_BOOL) || is_kind(fortran, LAM__P_INT)) && fortran->u.integer != 0;
    return fill_array(p, array, argument(state, from), argument(state, from + 1), first,
                      argument(state, from + 3));
}

lam_status lam__pickle_build(lam__pickle *p, lam__pickle_value *value, lam__pickle_value *state)
{
    switch (value->kind) {
    case LAM__P_OBJECT:
        /* (attributes, slots): the slots are attributes too, and rare */
        if (state->kind == LAM__P_TUPLE && state->u.list.count == 2 &&
            is_kind(state->u.list.items[0], LAM__P_DICT))
            state = state->u.list.items[0];
        value->u.object.state = state;
        return LAM_OK;
    case LAM__P_DTYPE:
        return build_dtype(p, value, state);
    case LAM__P_ARRAY:
        return value->u.array.storage ? LAM_OK : build_array(p, value, state);
    case LAM__P_DICT: /* attributes of an OrderedDict */
    case LAM__P_LIST:
    case LAM__P_SET:
    case LAM__P_OPAQUE:
        return LAM_OK;
    default:
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "a state for something that has none");
    }
}

lam_status lam__pickle_persistent(lam__pickle *p, const lam__pickle_value *name,
                                  lam__pickle_value **value)
{
    static const struct {
        const char *name;
        lam__st_dtype type;
    } types[] = {{"FloatStorage", LAM__ST_F32}, {"DoubleStorage", LAM__ST_F64},
                 {"HalfStorage", LAM__ST_F16},  {"BFloat16Storage", LAM__ST_BF16},
                 {"LongStorage", LAM__ST_I64},  {"IntStorage", LAM__ST_I32},
                 {"ShortStorage", LAM__ST_I16}, {"CharStorage", LAM__ST_I8},
                 {"ByteStorage", LAM__ST_U8},   {"BoolStorage", LAM__ST_BOOL}};
    const lam__pickle_value *type = is_kind(name, LAM__P_TUPLE) ? argument(name, 1) : NULL;
    const lam__pickle_value *key = type ? argument(name, 2) : NULL;
    size_t elements, i = 0;
    if (!p->torch || !is_kind(argument(name, 0), LAM__P_TEXT) ||
        !lam__pickle_is(argument(name, 0)->u.text, "storage") || !is_kind(type, LAM__P_CLASS) ||
        !is_kind(key, LAM__P_TEXT) || !lam__pickle_size(argument(name, 4), &elements))
        return lam__pickle_fail(p, LAM_ERR_UNSUPPORTED,
                                "refused: a persistent name that is no storage of PyTorch");
    while (i < sizeof types / sizeof *types && !lam__pickle_is(type->u.class.name, types[i].name))
        i++;
    if (i == sizeof types / sizeof *types)
        return lam__pickle_fail(
            p, LAM_ERR_UNSUPPORTED, "a storage of type %.*s",
            (int)(type->u.class.name.length < 60 ? type->u.class.name.length : 60),
            type->u.class.name.text);
    lam__pickle_storage *storage = p->storages;
    while (storage && (storage->key.length != key->u.text.length ||
                       memcmp(storage->key.text, key->u.text.text, storage->key.length) != 0 ||
                       storage->dtype != types[i].type || storage->elements != elements)) {
        storage = storage->next;
        if (p->steps-- <= 1)
            return lam__pickle_fail(p, LAM_ERR_UNSUPPORTED, "too many storages");
    }
    if (!storage) {
        storage = lam__pickle_take(p, sizeof *storage);
        if (!storage)
            return LAM_ERR_MEMORY;
        *storage = (lam__pickle_storage){.key = key->u.text,
                                         .dtype = types[i].type,
                                         .big_endian = p->big_endian,
                                         .elements = elements,
                                         .next = p->storages};
        p->storages = storage;
    }
    P_NEW(made, LAM__P_STORAGE);
    made->u.storage = storage;
    *value = made;
    return LAM_OK;
}
