/* pickle_run.c: the machine that obeys the opcodes of pickles, one row each. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "formats/pickle/pickle_ops.h"

/* The next `count` bytes. */
lam_status lam__pickle_take_bytes(lam__pickle *p, uint64_t count, const unsigned char **bytes)
{
    if (count > p->size - p->at)
        return lam__pickle_fail(p, LAM_ERR_FORMAT,
                                "truncated: opcode 0x%02x needs %" PRIu64 " more bytes, %zu follow",
                                p->bytes[p->opcode], count, p->size - p->at);
    *bytes = p->bytes + p->at;
    p->at += (size_t)count;
    return LAM_OK;
}

/* A little-endian number of `width` bytes. */
lam_status lam__pickle_take_number(lam__pickle *p, int width, uint64_t *number)
{
    const unsigned char *b = NULL;
    LAM__TRY(lam__pickle_take_bytes(p, (uint64_t)width, &b));
    *number = 0;
    for (int i = width; i-- > 0;)
        *number = *number << 8 | b[i];
    return LAM_OK;
}

/* The rest of the line. */
lam_status lam__pickle_take_line(lam__pickle *p, lam__pickle_text *line)
{
    const unsigned char *from = p->bytes + p->at;
    const unsigned char *end = memchr(from, '\n', p->size - p->at);
    if (!end)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "truncated: opcode 0x%02x needs a line",
                                p->bytes[p->opcode]);
    *line = (lam__pickle_text){(const char *)from, (size_t)(end - from)};
    p->at += line->length + 1;
    return LAM_OK;
}

lam_status lam__pickle_push(lam__pickle *p, lam__pickle_value *value)
{
    if (p->stack.count == p->stack.capacity) {
        const size_t capacity = p->stack.capacity ? 2 * p->stack.capacity : 64;
        lam__pickle_value **items = lam__pickle_take(p, capacity * sizeof *items);
        if (!items)
            return LAM_ERR_MEMORY;
        if (p->stack.count)
            memcpy(items, p->stack.items, p->stack.count * sizeof *items);
        p->stack.items = items;
        p->stack.capacity = capacity;
    }
    p->stack.items[p->stack.count++] = value;
    return LAM_OK;
}

lam_status lam__pickle_pop(lam__pickle *p, lam__pickle_value **value)
{
    const size_t floor = p->mark_count ? p->marks[p->mark_count - 1] : 0;
    if (p->stack.count <= floor)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "opcode 0x%02x finds nothing on the stack",
                                p->bytes[p->opcode]);
    *value = p->stack.items[--p->stack.count];
    return LAM_OK;
}

/* Everything above the latest mark: items[count], valid until the next push. */
lam_status lam__pickle_pop_mark(lam__pickle *p, lam__pickle_value ***items, size_t *count)
{
    if (p->mark_count == 0)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "opcode 0x%02x finds no mark",
                                p->bytes[p->opcode]);
    const size_t from = p->marks[--p->mark_count];
    *items = p->stack.items ? p->stack.items + from : NULL;
    *count = p->stack.count - from;
    p->stack.count = from;
    return LAM_OK;
}

/* What an opcode does; a row without a function is refused by its name. */
static const struct row {
    const char *name;
    lam__pickle_op *obey;
    int number;
} rows[256] = {
    ['('] = {"MARK", lam__op_mark, 0},
    ['.'] = {"STOP", lam__op_stop, 0},
    ['0'] = {"POP", lam__op_pop, 0},
    ['1'] = {"POP_MARK", lam__op_pop, 1},
    ['2'] = {"DUP", lam__op_dup, 0},
    ['F'] = {"FLOAT", lam__op_float_line, 0},
    ['G'] = {"BINFLOAT", lam__op_float, 0},
    ['I'] = {"INT", lam__op_int_line, 0},
    ['L'] = {"LONG", lam__op_int_line, 1},
    ['J'] = {"BININT", lam__op_int, 4},
    ['K'] = {"BININT1", lam__op_int, 1},
    ['M'] = {"BININT2", lam__op_int, 2},
    [0x8a] = {"LONG1", lam__op_long, 1},
    [0x8b] = {"LONG4", lam__op_long, 4},
    ['N'] = {"NONE", lam__op_none, 0},
    [0x88] = {"NEWTRUE", lam__op_bool, 1},
    [0x89] = {"NEWFALSE", lam__op_bool, 0},
    ['S'] = {"STRING", lam__op_string_line, 0},
    ['T'] = {"BINSTRING", lam__op_text, LAM__LONG_TEXT(4)},
    ['U'] = {"SHORT_BINSTRING", lam__op_text, LAM__LONG_TEXT(1)},
    ['V'] = {"UNICODE", lam__op_unicode_line, 0},
    ['X'] = {"BINUNICODE", lam__op_text, LAM__LONG_TEXT(4)},
    [0x8c] = {"SHORT_BINUNICODE", lam__op_text, LAM__LONG_TEXT(1)},
    [0x8d] = {"BINUNICODE8", lam__op_text, LAM__LONG_TEXT(8)},
    ['B'] = {"BINBYTES", lam__op_text, LAM__LONG_BYTES(4)},
    ['C'] = {"SHORT_BINBYTES", lam__op_text, LAM__LONG_BYTES(1)},
    [0x8e] = {"BINBYTES8", lam__op_text, LAM__LONG_BYTES(8)},
    [0x96] = {"BYTEARRAY8", lam__op_text, LAM__LONG_BYTES(8)},
    [')'] = {"EMPTY_TUPLE", lam__op_empty, LAM__P_TUPLE},
    [']'] = {"EMPTY_LIST", lam__op_empty, LAM__P_LIST},
    ['}'] = {"EMPTY_DICT", lam__op_empty, LAM__P_DICT},
    [0x8f] = {"EMPTY_SET", lam__op_empty, LAM__P_SET},
    ['t'] = {"TUPLE", lam__op_from_mark, LAM__P_TUPLE},
    ['l'] = {"LIST", lam__op_from_mark, LAM__P_LIST},
    ['d'] = {"DICT", lam__op_from_mark, LAM__P_DICT},
    [0x91] = {"FROZENSET", lam__op_from_mark, LAM__P_SET},
    [0x85] = {"TUPLE1", lam__op_tuple, 1},
    [0x86] = {"TUPLE2", lam__op_tuple, 2},
    [0x87] = {"TUPLE3", lam__op_tuple, 3},
    ['a'] = {"APPEND", lam__op_append, 0},
    ['s'] = {"SETITEM", lam__op_set_item, 0},
    ['e'] = {"APPENDS", lam__op_add_marked, 0},
    ['u'] = {"SETITEMS", lam__op_add_marked, 1},
    [0x90] = {"ADDITEMS", lam__op_add_marked, 0},
    ['p'] = {"PUT", lam__op_put, 0},
    ['q'] = {"BINPUT", lam__op_put, 1},
    ['r'] = {"LONG_BINPUT", lam__op_put, 4},
    [0x94] = {"MEMOIZE", lam__op_memoize, 0},
    ['g'] = {"GET", lam__op_get, 0},
    ['h'] = {"BINGET", lam__op_get, 1},
    ['j'] = {"LONG_BINGET", lam__op_get, 4},
    ['c'] = {"GLOBAL", lam__op_global, 0},
    [0x93] = {"STACK_GLOBAL", lam__op_stack_global, 0},
    ['R'] = {"REDUCE", lam__op_reduce, 0},
    [0x81] = {"NEWOBJ", lam__op_new, 0},
    [0x92] = {"NEWOBJ_EX", lam__op_new, 1},
    ['i'] = {"INST", lam__op_instance, 1},
    ['o'] = {"OBJ", lam__op_instance, 0},
    ['b'] = {"BUILD", lam__op_build, 0},
    ['Q'] = {"BINPERSID", lam__op_persistent, 0},
    [0x80] = {"PROTO", lam__op_protocol, 0},
    [0x95] = {"FRAME", lam__op_frame, 0},
    ['P'] = {"PERSID", NULL, 0},
    [0x82] = {"EXT1", NULL, 0},
    [0x83] = {"EXT2", NULL, 0},
    [0x84] = {"EXT4", NULL, 0},
    [0x97] = {"NEXT_BUFFER", NULL, 0},
    [0x98] = {"READONLY_BUFFER", NULL, 0},
};

lam_status lam__pickle_run(lam__pickle *p)
{
    p->stopped = false;
    p->stack.count = p->mark_count = p->memo.count = 0;
    for (size_t i = 0; i < p->memo.capacity; i++)
        p->memo.items[i] = NULL;
    while (!p->stopped) {
        p->opcode = p->at;
        if (p->at == p->size)
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "truncated: the pickle does not end");
        const struct row *row = &rows[p->bytes[p->at++]];
        if (!row->name)
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "0x%02x is not an opcode of a pickle",
                                    p->bytes[p->opcode]);
        if (!row->obey)
            return lam__pickle_fail(p, LAM_ERR_UNSUPPORTED,
                                    "refused: opcode %s, which takes values from outside the file",
                                    row->name);
        LAM__TRY(row->obey(p, row->number));
    }
    return LAM_OK;
}
