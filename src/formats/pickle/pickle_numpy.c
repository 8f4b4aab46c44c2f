/* pickle_numpy.c: types, arrays and scalars of NumPy, from what a pickle would call to make them.
 * Source: NumPy's ndarray.__reduce__, dtype.__reduce__. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/pickle/pickle_ops.h"

/* numpy.dtype("f4", align, copy): its byte order comes as state. */
lam_status lam__call_dtype(lam__pickle *p, lam__pickle_value *arguments, lam__pickle_value **result)
{
    static const struct {
        const char *name;
        lam__st_dtype type;
    } types[] = {{"f2", LAM__ST_F16},  {"f4", LAM__ST_F32}, {"f8", LAM__ST_F64},
                 {"b1", LAM__ST_BOOL}, {"i1", LAM__ST_I8},  {"i2", LAM__ST_I16},
                 {"i4", LAM__ST_I32},  {"i8", LAM__ST_I64}, {"u1", LAM__ST_U8},
                 {"u2", LAM__ST_U16},  {"u4", LAM__ST_U32}, {"u8", LAM__ST_U64}};
    const lam__pickle_value *name = lam__pickle_argument(arguments, 0);
    if (!lam__pickle_is_kind(name, LAM__P_TEXT) && !lam__pickle_is_kind(name, LAM__P_BYTES))
        return lam__pickle_malformed(p, "numpy.dtype");
    P_NEW(made, LAM__P_DTYPE);
    made->u.dtype.name = name->u.text;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (lam__pickle_is(name->u.text, types[i].name)) {
            made->u.dtype.type = types[i].type;
            made->u.dtype.known = true;
        }
    *result = made;
    return LAM_OK;
}

/* An array whose shape and data come as state. */
lam_status lam__call_array(lam__pickle *p, lam__pickle_value *arguments, lam__pickle_value **result)
{
    (void)arguments;
    P_NEW(made, LAM__P_ARRAY);
    *result = made;
    return LAM_OK;
}

/* Fills a shape from a tuple of sizes; *elements is their product. */
lam_status lam__pickle_shape(lam__pickle *p, const lam__pickle_value *shape, lam__item *item,
                             size_t *elements)
{
    if (!lam__pickle_is_kind(shape, LAM__P_TUPLE) || shape->u.list.count > LAM__ST_DIMENSIONS)
        return lam__pickle_fail(p, LAM_ERR_FORMAT,
                                "a shape that is not a tuple of at most %d sizes",
                                LAM__ST_DIMENSIONS);
    item->rank = shape->u.list.count;
    *elements = 1;
    for (size_t i = 0; i < item->rank; i++)
        if (!lam__pickle_size(shape->u.list.items[i], &item->shape[i]) ||
            !lam__multiply(*elements, item->shape[i], elements))
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "a shape with an entry that is not a size");
    return LAM_OK;
}

lam_status lam__pickle_new_item(lam__pickle *p, lam__item **item)
{
    *item = lam__pickle_take(p, sizeof **item);
    if (!*item)
        return LAM_ERR_MEMORY;
    **item = (lam__item){.kind = LAM__ITEM_ARRAY, .number = (double)NAN};
    return LAM_OK;
}

/* The data of an array of NumPy: exactly what its shape asks for, or nothing that can be used. */
lam_status lam__pickle_fill_array(lam__pickle *p, lam__pickle_value *array,
                                  const lam__pickle_value *shape, const lam__pickle_value *dtype,
                                  bool first_runs_fastest, lam__pickle_value *data)
{
    lam__item *item = NULL;
    size_t elements = 0, bytes = 0;
    if (lam__pickle_is_kind(dtype, LAM__P_OPAQUE))
        return LAM_OK; /* of a type that a call would make */
    if (!lam__pickle_is_kind(dtype, LAM__P_DTYPE))
        return lam__pickle_malformed(p, "an array: its type");
    LAM__TRY(lam__pickle_new_item(p, &item));
    LAM__TRY(lam__pickle_shape(p, shape, item, &elements));
    lam__item_pack(item, first_runs_fastest);
    array->u.array.item = item;
    if (!dtype->u.dtype.known) { /* of objects, texts or records: incomplete */
        struct lam__pickle_contents *other = lam__pickle_take(p, sizeof *other);
        if (!other)
            return LAM_ERR_MEMORY;
        *other = (struct lam__pickle_contents){dtype, data};
        array->u.array.other = other;
        return LAM_OK;
    }
    item->dtype = dtype->u.dtype.type;
    item->big_endian = dtype->u.dtype.big_endian;
    if (!lam__pickle_is_kind(data, LAM__P_BYTES) && !lam__pickle_is_kind(data, LAM__P_TEXT))
        return lam__pickle_malformed(p, "an array: its data");
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
lam_status lam__call_from_buffer(lam__pickle *p, lam__pickle_value *arguments,
                                 lam__pickle_value **result)
{
    const lam__pickle_value *order = lam__pickle_argument(arguments, 3);
    P_NEW(made, LAM__P_ARRAY);
    *result = made;
    return lam__pickle_fill_array(
        p, made, lam__pickle_argument(arguments, 2), lam__pickle_argument(arguments, 1),
        lam__pickle_is_kind(order, LAM__P_TEXT) && lam__pickle_is(order->u.text, "F"),
        lam__pickle_argument(arguments, 0));
}

/* scalar(dtype, bytes): of use as a number where it is a float or small integer. */
lam_status lam__call_scalar(lam__pickle *p, lam__pickle_value *arguments,
                            lam__pickle_value **result)
{
    const lam__pickle_value *dtype = lam__pickle_argument(arguments, 0),
                            *data = lam__pickle_argument(arguments, 1);
    P_NEW(made, LAM__P_OPAQUE);
    *result = made;
    if (!lam__pickle_is_kind(dtype, LAM__P_DTYPE))
        return lam__pickle_malformed(p, "numpy.scalar");
    if (!dtype->u.dtype.known || !lam__dtype_is_float(dtype->u.dtype.type) ||
        (!lam__pickle_is_kind(data, LAM__P_BYTES) && !lam__pickle_is_kind(data, LAM__P_TEXT)) ||
        data->u.text.length != lam__st_dtype_size(dtype->u.dtype.type))
        return LAM_OK;
    const lam__item item = {.dtype = dtype->u.dtype.type,
                            .big_endian = dtype->u.dtype.big_endian,
                            .data = (const unsigned char *)data->u.text.text};
    made->kind = LAM__P_FLOAT;
    made->u.number = (double)lam__item_value(&item, 0, 0);
    return LAM_OK;
}

/* State of a dtype: (version, "<", ...). */
lam_status lam__pickle_build_dtype(lam__pickle *p, lam__pickle_value *dtype,
                                   const lam__pickle_value *state)
{
    const lam__pickle_value *order =
        lam__pickle_is_kind(state, LAM__P_TUPLE) ? lam__pickle_argument(state, 1) : NULL;
    if (!lam__pickle_is_kind(order, LAM__P_TEXT) && !lam__pickle_is_kind(order, LAM__P_BYTES))
        return lam__pickle_malformed(p, "numpy.dtype: its state");
    dtype->u.dtype.big_endian = lam__pickle_is(order->u.text, ">");
    return LAM_OK;
}

/* State of an array: (version, shape, dtype, is_fortran, data); the version may be missing. */
lam_status lam__pickle_build_array(lam__pickle *p, lam__pickle_value *array,
                                   const lam__pickle_value *state)
{
    if (array->u.array.item || !lam__pickle_is_kind(state, LAM__P_TUPLE) || state->u.list.count < 4)
        return lam__pickle_malformed(p, "an array: its state");
    const size_t from = state->u.list.count - 4;
    const lam__pickle_value *fortran = lam__pickle_argument(state, from + 2);
    const bool first =
        (lam__pickle_is_kind(fortran, LAM__P_BOOL) || lam__pickle_is_kind(fortran, LAM__P_INT)) &&
        fortran->u.integer != 0;
    return lam__pickle_fill_array(p, array, lam__pickle_argument(state, from),
                                  lam__pickle_argument(state, from + 1), first,
                                  lam__pickle_argument(state, from + 3));
}
