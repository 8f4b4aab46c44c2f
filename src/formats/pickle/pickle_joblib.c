/* pickle_joblib.c: the arrays of joblib's files: each is an object NumpyArrayWrapper in the pickle,
 * behind whose BUILD the numbers stand as they are, and the pickle goes on after them. Source:
 * joblib/numpy_pickle.py. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/pickle/pickle_ops.h"

/* The number of bytes of the array, which must be of numbers. */
static lam_status count_bytes(const lam__pickle *p, const lam__pickle_value *shape,
                              const lam__pickle_value *dtype, size_t *bytes)
{
    if (!shape || shape->kind != LAM__P_TUPLE || !dtype || dtype->kind != LAM__P_DTYPE)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "joblib: an array without shape or type");
    if (!dtype->u.dtype.known)
        return LAM_OK;
    *bytes = lam__st_dtype_size(dtype->u.dtype.type);
    for (size_t i = 0; i < shape->u.list.count; i++) {
        size_t length;
        if (!lam__pickle_size(shape->u.list.items[i], &length) ||
            !lam__multiply(*bytes, length, bytes))
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "joblib: a malformed shape");
    }
    return LAM_OK;
}

/* Bytes of one text of a type: 'U3' has 3 characters of 4 bytes. False for other types. */
static bool text_size(const lam__pickle_value *dtype, size_t *size)
{
    const lam__pickle_text name = dtype->u.dtype.name;
    if (name.length < 2 || name.length > 8 || (name.text[0] != 'U' && name.text[0] != 'S'))
        return false;
    *size = 0;
    for (size_t i = 1; i < name.length; i++) {
        if (name.text[i] < '0' || name.text[i] > '9')
            return false;
        *size = *size * 10 + (size_t)(name.text[i] - '0');
    }
    *size *= name.text[0] == 'U' ? 4 : 1;
    return true;
}

static bool text_bytes(const lam__pickle_value *shape, const lam__pickle_value *dtype,
                       size_t *bytes)
{
    if (!text_size(dtype, bytes))
        return false;
    for (size_t i = 0; i < shape->u.list.count; i++) {
        size_t length;
        if (!lam__pickle_size(shape->u.list.items[i], &length) ||
            !lam__multiply(*bytes, length, bytes))
            return false;
    }
    return true;
}

bool lam__numpy_text(const lam__pickle_value *type, lam__pickle_text data, size_t i, char *out,
                     size_t size)
{
    size_t one, at = 0;
    if (!text_size(type, &one) || one == 0 || i >= data.length / one || size < 5)
        return false;
    const unsigned char *b = (const unsigned char *)data.text + i * one;
    const bool wide = type->u.dtype.name.text[0] == 'U', big = type->u.dtype.big_endian;
    const size_t width = wide ? 4 : 1;
    for (size_t k = 0; k < one; k += width) {
        uint32_t code = b[k];
        if (wide)
            code = big ? (uint32_t)b[k] << 24 | (uint32_t)b[k + 1] << 16 | (uint32_t)b[k + 2] << 8 |
                             b[k + 3]
                       : (uint32_t)b[k + 3] << 24 | (uint32_t)b[k + 2] << 16 |
                             (uint32_t)b[k + 1] << 8 | b[k];
        if (code == 0)
            break;
        if (code > 0x10ffff || at + 5 > size)
            return false;
        at += lam__pickle_utf8(out + at, (long)code);
    }
    out[at] = '\0';
    return true;
}

/* Since joblib 1.2 a byte tells how many bytes of filling follow it, up to an aligned place. */
static lam_status skip_filling(lam__pickle *p, const lam__pickle_value *state)
{
    const lam__pickle_value *alignment = lam__pickle_member(state, "numpy_array_alignment_bytes");
    const unsigned char *bytes = NULL;
    uint64_t filling = 0;
    if (!alignment || alignment->kind == LAM__P_NONE)
        return LAM_OK;
    LAM__TRY(lam__pickle_take_number(p, 1, &filling));
    return lam__pickle_take_bytes(p, filling, &bytes);
}

/* An array of objects is a pickle of its own in the place of the numbers. */
static lam_status read_objects(lam__pickle *p, lam__pickle_value *value)
{
    lam__pickle_value *const result = p->result;
    const lam__pickle_list stack = p->stack, memo = p->memo;
    size_t *const marks = p->marks, mark_count = p->mark_count, capacity = p->mark_capacity;
    if (++p->nested > 8)
        return lam__pickle_fail(p, LAM_ERR_UNSUPPORTED, "joblib: arrays of objects nested deeply");
    p->stack = p->memo = (lam__pickle_list){0};
    p->marks = NULL;
    p->mark_count = p->mark_capacity = 0;
    LAM__TRY(lam__pickle_run(p));
    if (p->result->kind == LAM__P_ARRAY) {
        value->kind = LAM__P_ARRAY;
        value->u.array = p->result->u.array;
    }
    p->stopped = false;
    p->nested--;
    p->result = result;
    p->stack = stack;
    p->memo = memo;
    p->marks = marks;
    p->mark_count = mark_count;
    p->mark_capacity = capacity;
    return LAM_OK;
}

lam_status lam__pickle_joblib(lam__pickle *p, lam__pickle_value *value)
{
    size_t bytes = 0;
    const unsigned char *numbers = NULL;
    if (lam__pickle_is_object(value, "joblib.numpy_pickle_compat", "NDArrayWrapper") ||
        lam__pickle_is_object(value, "joblib.numpy_pickle_compat", "ZNDArrayWrapper"))
        return lam__pickle_fail(
            p, LAM_ERR_UNSUPPORTED,
            "joblib before 0.10 keeps arrays in other files: load the model there and save it "
            "again with a current joblib");
    if (!lam__pickle_is_object(value, "joblib.numpy_pickle", "NumpyArrayWrapper") &&
        !lam__pickle_is_object(value, "sklearn.externals.joblib.numpy_pickle",
                               "NumpyArrayWrapper")) /* before scikit-learn 0.23 */
        return LAM_OK;
    const lam__pickle_value *state = value->u.object.state;
    const lam__pickle_value *shape = lam__pickle_member(state, "shape");
    const lam__pickle_value *dtype = lam__pickle_member(state, "dtype");
    const lam__pickle_value *order = lam__pickle_member(state, "order");
    const bool fortran = order && order->kind == LAM__P_TEXT && lam__pickle_is(order->u.text, "F");
    LAM__TRY(count_bytes(p, shape, dtype, &bytes));
    if (!dtype->u.dtype.known && !text_bytes(shape, dtype, &bytes)) {
        if (dtype->u.dtype.name.length > 0 && dtype->u.dtype.name.text[0] == 'O')
            return read_objects(p, value);
        return lam__pickle_fail(
            p, LAM_ERR_UNSUPPORTED, "joblib: an array of type '%.*s'",
            (int)(dtype->u.dtype.name.length < 32 ? dtype->u.dtype.name.length : 32),
            dtype->u.dtype.name.text);
    }
    LAM__TRY(skip_filling(p, state));
    LAM__TRY(lam__pickle_take_bytes(p, bytes, &numbers));
    P_NEW(data, LAM__P_BYTES);
    data->u.text = (lam__pickle_text){(const char *)numbers, bytes};
    value->kind = LAM__P_ARRAY;
    memset(&value->u.array, 0, sizeof value->u.array);
    return lam__pickle_fill_array(p, value, shape, dtype, fortran, data);
}
