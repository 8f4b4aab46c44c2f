/* pickle_call.c: the functions that a pickle may call: constructors of containers, NumPy arrays and
 * PyTorch tensors. Each is imitated; a call of anything else is not made. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/pickle/pickle_ops.h"

lam_status lam__pickle_opaque(lam__pickle *p, const lam__pickle_value *function,
                              lam__pickle_value **result)
{
    P_NEW(made, LAM__P_OPAQUE);
    made->u.class.module = function->u.class.module;
    made->u.class.name = function->u.class.name;
    if (!p->called && made->u.class.name.length > 0)
        p->called = made;
    *result = made;
    return LAM_OK;
}

lam_status lam__pickle_malformed(const lam__pickle *p, const char *what)
{
    return lam__pickle_fail(p, LAM_ERR_FORMAT, "malformed arguments of %s", what);
}

lam__pickle_value *lam__pickle_argument(const lam__pickle_value *arguments, size_t i)
{
    return arguments->kind == LAM__P_TUPLE && i < arguments->u.list.count
               ? arguments->u.list.items[i]
               : NULL;
}

bool lam__pickle_is_kind(const lam__pickle_value *value, lam__pickle_kind kind)
{
    return value && value->kind == kind;
}

/* A container of the items of its one argument, or an empty one. */
static lam_status make_list(lam__pickle *p, lam__pickle_value *arguments, lam__pickle_kind kind,
                            lam__pickle_value **result)
{
    const lam__pickle_value *from = lam__pickle_argument(arguments, 0);
    P_NEW(made, kind);
    *result = made;
    if (!from)
        return LAM_OK;
    if (!lam__pickle_is_kind(from, LAM__P_LIST) && !lam__pickle_is_kind(from, LAM__P_TUPLE) &&
        !lam__pickle_is_kind(from, LAM__P_SET))
        return lam__pickle_malformed(p, "a container");
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
    const lam__pickle_value *pairs = lam__pickle_argument(arguments, 0);
    P_NEW(made, LAM__P_DICT);
    *result = made;
    if (!lam__pickle_is_kind(pairs, LAM__P_LIST) && !lam__pickle_is_kind(pairs, LAM__P_TUPLE))
        return LAM_OK; /* a defaultdict's factory */
    for (size_t i = 0; i < pairs->u.list.count; i++) {
        const lam__pickle_value *pair = pairs->u.list.items[i];
        if ((!lam__pickle_is_kind(pair, LAM__P_LIST) && !lam__pickle_is_kind(pair, LAM__P_TUPLE)) ||
            pair->u.list.count != 2)
            return lam__pickle_malformed(p, "a dictionary");
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
    const lam__pickle_value *from = lam__pickle_argument(arguments, 0);
    P_NEW(made, LAM__P_BYTES);
    *result = made;
    if (!from)
        return LAM_OK;
    if (!lam__pickle_is_kind(from, LAM__P_TEXT) && !lam__pickle_is_kind(from, LAM__P_BYTES))
        return lam__pickle_malformed(p, "bytes");
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
                return lam__pickle_malformed(p, "bytes: a character beyond 255");
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
    if (!lam__pickle_is_kind(lam__pickle_argument(arguments, 0), LAM__P_CLASS))
        return lam__pickle_malformed(p, "an object");
    P_NEW(made, LAM__P_OBJECT);
    made->u.object.class = lam__pickle_argument(arguments, 0);
    made->u.object.arguments = lam__pickle_argument(arguments, 2);
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
    const lam__pickle_value *storage = lam__pickle_argument(arguments, 0),
                            *stride = lam__pickle_argument(arguments, 3);
    lam__item *item = NULL;
    size_t elements = 0;
    if (lam__pickle_is_kind(storage, LAM__P_OPAQUE))
        return lam__pickle_opaque(p, storage, result);
    P_NEW(made, LAM__P_ARRAY);
    *result = made;
    if (!lam__pickle_is_kind(storage, LAM__P_STORAGE) ||
        !lam__pickle_is_kind(stride, LAM__P_TUPLE) ||
        !lam__pickle_size(lam__pickle_argument(arguments, 1), &made->u.array.offset))
        return lam__pickle_malformed(p, "a tensor");
    LAM__TRY(lam__pickle_new_item(p, &item));
    LAM__TRY(lam__pickle_shape(p, lam__pickle_argument(arguments, 2), item, &elements));
    if (stride->u.list.count != item->rank)
        return lam__pickle_malformed(p, "a tensor: its strides");
    for (size_t i = 0; i < item->rank; i++)
        if (!lam__pickle_size(stride->u.list.items[i], &item->stride[i]))
            return lam__pickle_malformed(p, "a tensor: its strides");
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
    *result = lam__pickle_argument(arguments, 0);
    return lam__pickle_is_kind(*result, LAM__P_ARRAY) || lam__pickle_is_kind(*result, LAM__P_OPAQUE)
               ? LAM_OK
               : lam__pickle_malformed(p, "a parameter");
}

/* torch.storage._load_from_bytes(bytes), as pickle.dump has tensors: a file of torch.save of one
 * storage. */
static lam_status call_storage(lam__pickle *p, lam__pickle_value *arguments,
                               lam__pickle_value **result)
{
    const lam__pickle_value *bytes = lam__pickle_argument(arguments, 0);
    if (!lam__pickle_is_kind(bytes, LAM__P_BYTES))
        return lam__pickle_malformed(p, "a storage");
    LAM__TRY(lam__pickle_nested(p, bytes->u.text, result));
    return lam__pickle_is_kind(*result, LAM__P_STORAGE) ? LAM_OK
                                                        : lam__pickle_malformed(p, "a storage");
}

/* Everything that may be called. */
static const struct row {
    const char *module, *name;
    lam__pickle_constructor *call;
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
    {"numpy", "dtype", lam__call_dtype},
    {"numpy.core.multiarray", "_reconstruct", lam__call_array},
    {"numpy._core.multiarray", "_reconstruct", lam__call_array},
    {"numpy.core.multiarray", "scalar", lam__call_scalar},
    {"numpy._core.multiarray", "scalar", lam__call_scalar},
    {"numpy.core.numeric", "_frombuffer", lam__call_from_buffer},
    {"numpy._core.numeric", "_frombuffer", lam__call_from_buffer},
    {"torch._utils", "_rebuild_tensor", call_tensor},
    {"torch._utils", "_rebuild_tensor_v2", call_tensor},
    {"torch._utils", "_rebuild_parameter", call_parameter},
    {"torch._utils", "_rebuild_parameter_with_state", call_parameter},
    {"torch.storage", "_load_from_bytes", call_storage},
    {"torch", "Size", call_tuple},
    {"torch", "device", call_opaque},
};

lam_status lam__pickle_call(lam__pickle *p, const lam__pickle_value *function,
                            lam__pickle_value *arguments, lam__pickle_value **result)
{
    if (function->kind == LAM__P_OPAQUE && arguments->kind == LAM__P_TUPLE)
        return lam__pickle_opaque(p, function, result);
    if (function->kind != LAM__P_CLASS || arguments->kind != LAM__P_TUPLE)
        return lam__pickle_fail(p, LAM_ERR_FORMAT,
                                "a call of something that is not a class or function, or without "
                                "arguments");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (lam__pickle_is(function->u.class.module, rows[i].module) &&
            lam__pickle_is(function->u.class.name, rows[i].name))
            return rows[i].call(p, arguments, result);
    return lam__pickle_opaque(p, function, result);
}

lam_status lam__pickle_build(lam__pickle *p, lam__pickle_value *value, lam__pickle_value *state)
{
    switch (value->kind) {
    case LAM__P_OBJECT:
        /* (attributes, slots): the slots are attributes too, and rare */
        if (state->kind == LAM__P_TUPLE && state->u.list.count == 2 &&
            lam__pickle_is_kind(state->u.list.items[0], LAM__P_DICT))
            state = state->u.list.items[0];
        value->u.object.state = state;
        return LAM_OK;
    case LAM__P_DTYPE:
        return lam__pickle_build_dtype(p, value, state);
    case LAM__P_ARRAY:
        return value->u.array.storage ? LAM_OK : lam__pickle_build_array(p, value, state);
    case LAM__P_DICT: /* attributes of an OrderedDict */
    case LAM__P_LIST:
    case LAM__P_SET:
    case LAM__P_OPAQUE:
        return LAM_OK;
    default:
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "a state for something that has none");
    }
}

/* The class of ("module", class, file, source), as the former layout keeps those of modules. */
static lam__pickle_value *module_class(const lam__pickle *p, const lam__pickle_value *name)
{
    const bool module = p->torch && lam__pickle_is_kind(name, LAM__P_TUPLE) &&
                        lam__pickle_is_kind(lam__pickle_argument(name, 0), LAM__P_TEXT) &&
                        lam__pickle_is(lam__pickle_argument(name, 0)->u.text, "module") &&
                        lam__pickle_is_kind(lam__pickle_argument(name, 1), LAM__P_CLASS);
    return module ? lam__pickle_argument(name, 1) : NULL;
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
    const lam__pickle_value *type =
        lam__pickle_is_kind(name, LAM__P_TUPLE) ? lam__pickle_argument(name, 1) : NULL;
    const lam__pickle_value *key = type ? lam__pickle_argument(name, 2) : NULL;
    size_t elements, i = 0;
    *value = module_class(p, name);
    if (*value)
        return LAM_OK;
    if (!p->torch || !lam__pickle_is_kind(lam__pickle_argument(name, 0), LAM__P_TEXT) ||
        !lam__pickle_is(lam__pickle_argument(name, 0)->u.text, "storage") ||
        !lam__pickle_is_kind(type, LAM__P_CLASS) || !lam__pickle_is_kind(key, LAM__P_TEXT) ||
        !lam__pickle_size(lam__pickle_argument(name, 4), &elements))
        return lam__pickle_fail(p, LAM_ERR_UNSUPPORTED,
                                "refused: a persistent name that is not a storage of PyTorch");
    if (lam__pickle_argument(name, 5) && lam__pickle_argument(name, 5)->kind != LAM__P_NONE)
        return lam__pickle_fail(p, LAM_ERR_UNSUPPORTED, "a storage that is a view of another");
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
