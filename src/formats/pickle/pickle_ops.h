/* pickle_ops.h: the opcodes of pickles and what they are made of. */
#ifndef LAMINA_PICKLE_OPS_H
#define LAMINA_PICKLE_OPS_H

#include "formats/pickle/pickle.h"

/* Declares `value`, a new value of a kind; returns when there is no memory. */
#define P_NEW(value, kind)                                                                         \
    lam__pickle_value *value = lam__pickle_new(p, kind);                                           \
    if (!value)                                                                                    \
    return LAM_ERR_MEMORY

/* The next `count` bytes, which are there; a little-endian number of `width` bytes; the rest of the
 * line. */
lam_status lam__pickle_take_bytes(lam__pickle *p, uint64_t count, const unsigned char **bytes);
lam_status lam__pickle_take_number(lam__pickle *p, int width, uint64_t *number);
lam_status lam__pickle_take_line(lam__pickle *p, lam__pickle_text *line);

lam_status lam__pickle_push(lam__pickle *p, lam__pickle_value *value);
lam_status lam__pickle_pop(lam__pickle *p, lam__pickle_value **value);

/* Everything above the latest mark: items[count], valid until the next push. */
lam_status lam__pickle_pop_mark(lam__pickle *p, lam__pickle_value ***items, size_t *count);

/* LAM_ERR_FORMAT "malformed arguments of WHAT". */
lam_status lam__pickle_malformed(const lam__pickle *p, const char *what);

/* Argument i, NULL when there is none, or they are no tuple; and whether a value is there and of a
 * kind. */
lam__pickle_value *lam__pickle_argument(const lam__pickle_value *arguments, size_t i);
bool lam__pickle_is_kind(const lam__pickle_value *value, lam__pickle_kind kind);

/* What a call is imitated by. */
typedef lam_status lam__pickle_constructor(lam__pickle *p, lam__pickle_value *arguments,
                                           lam__pickle_value **result);

/* Those of NumPy, and the states that BUILD gives its types and arrays. */
lam__pickle_constructor lam__call_dtype, lam__call_array, lam__call_from_buffer, lam__call_scalar;
lam_status lam__pickle_build_dtype(lam__pickle *p, lam__pickle_value *dtype,
                                   const lam__pickle_value *state);
lam_status lam__pickle_build_array(lam__pickle *p, lam__pickle_value *array,
                                   const lam__pickle_value *state);

/* An item of an array to be filled in; its shape from a tuple of sizes, *elements their product. */
lam_status lam__pickle_new_item(lam__pickle *p, lam__item **item);
lam_status lam__pickle_shape(lam__pickle *p, const lam__pickle_value *shape, lam__item *item,
                             size_t *elements);

/* UTF-8 of a code below 0x110000, to to[4]; returns its length. */
size_t lam__pickle_utf8(char *to, long code);

/* The operand of the opcodes for text: how wide the length is, and whether it is of bytes. */
#define LAM__LONG_TEXT(width) (width)
#define LAM__LONG_BYTES(width) (16 + (width))

/* One opcode; the number is that of its row in pickle_run.c. */
typedef lam_status lam__pickle_op(lam__pickle *p, int number);

lam__pickle_op lam__op_mark, lam__op_stop, lam__op_pop, lam__op_dup, lam__op_empty,
    lam__op_from_mark, lam__op_tuple, lam__op_append, lam__op_set_item, lam__op_add_marked,
    lam__op_put, lam__op_memoize, lam__op_get, lam__op_global, lam__op_stack_global, lam__op_reduce,
    lam__op_new, lam__op_instance, lam__op_build, lam__op_persistent, lam__op_protocol,
    lam__op_frame, lam__op_none, lam__op_bool, lam__op_int, lam__op_int_line, lam__op_long,
    lam__op_float_line, lam__op_float, lam__op_text, lam__op_unicode_line, lam__op_string_line;

#endif
