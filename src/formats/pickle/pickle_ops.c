/* pickle_ops.c: the opcodes of pickles for the stack, containers, the memo and objects. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "formats/pickle/pickle_ops.h"

lam_status lam__op_mark(lam__pickle *p, int unused)
{
    (void)unused;
    if (p->mark_count == p->mark_capacity) {
        const size_t capacity = p->mark_capacity ? 2 * p->mark_capacity : 32;
        size_t *marks = lam__pickle_take(p, capacity * sizeof *marks);
        if (!marks)
            return LAM_ERR_MEMORY;
        if (p->mark_count)
            memcpy(marks, p->marks, p->mark_count * sizeof *marks);
        p->marks = marks;
        p->mark_capacity = capacity;
    }
    p->marks[p->mark_count++] = p->stack.count;
    return LAM_OK;
}

lam_status lam__op_stop(lam__pickle *p, int unused)
{
    (void)unused;
    LAM__TRY(lam__pickle_pop(p, &p->result));
    p->stopped = true;
    return LAM_OK;
}

lam_status lam__op_pop(lam__pickle *p, int to_mark)
{
    lam__pickle_value *value, **items;
    size_t count;
    const size_t floor = p->mark_count ? p->marks[p->mark_count - 1] : 0;
    if (to_mark || (p->mark_count && p->stack.count == floor))
        return lam__pickle_pop_mark(p, &items, &count);
    return lam__pickle_pop(p, &value);
}

lam_status lam__op_dup(lam__pickle *p, int unused)
{
    lam__pickle_value *value = NULL;
    (void)unused;
    LAM__TRY(lam__pickle_pop(p, &value));
    LAM__TRY(lam__pickle_push(p, value));
    return lam__pickle_push(p, value);
}

lam_status lam__op_empty(lam__pickle *p, int kind)
{
    P_NEW(value, (lam__pickle_kind)kind);
    return lam__pickle_push(p, value);
}

/* A container of what lies above the mark. */
lam_status lam__op_from_mark(lam__pickle *p, int kind)
{
    lam__pickle_value **items = NULL;
    size_t count = 0;
    LAM__TRY(lam__pickle_pop_mark(p, &items, &count));
    if (kind == LAM__P_DICT && count % 2)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "a dictionary with a key without a value");
    P_NEW(value, (lam__pickle_kind)kind);
    for (size_t i = 0; i < count; i++)
        LAM__TRY(lam__pickle_append(p, value, items[i]));
    return lam__pickle_push(p, value);
}

lam_status lam__op_tuple(lam__pickle *p, int count)
{
    lam__pickle_value *items[3] = {NULL};
    for (int i = count; i-- > 0;)
        LAM__TRY(lam__pickle_pop(p, &items[i]));
    P_NEW(value, LAM__P_TUPLE);
    for (int i = 0; i < count; i++)
        LAM__TRY(lam__pickle_append(p, value, items[i]));
    return lam__pickle_push(p, value);
}

/* The container below `items`, or what an object keeps as one. */
static lam_status target(lam__pickle *p, bool dict, lam__pickle_value **to)
{
    lam__pickle_value *value = NULL;
    LAM__TRY(lam__pickle_pop(p, &value));
    LAM__TRY(lam__pickle_push(p, value));
    if (value->kind == LAM__P_OBJECT) {
        if (!value->u.object.entries) {
            P_NEW(entries, dict ? LAM__P_DICT : LAM__P_LIST);
            value->u.object.entries = entries;
        }
        value = value->u.object.entries;
    }
    if (value->kind == LAM__P_OPAQUE) { /* what is added to it is as opaque */
        P_NEW(sink, dict ? LAM__P_DICT : LAM__P_LIST);
        value = sink;
    }
    const bool fits =
        dict ? value->kind == LAM__P_DICT : value->kind == LAM__P_LIST || value->kind == LAM__P_SET;
    if (!fits)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "opcode 0x%02x finds no %s to add to",
                                p->bytes[p->opcode], dict ? "dictionary" : "list");
    *to = value;
    return LAM_OK;
}

lam_status lam__op_append(lam__pickle *p, int unused)
{
    lam__pickle_value *value = NULL, *to = NULL;
    (void)unused;
    LAM__TRY(lam__pickle_pop(p, &value));
    LAM__TRY(target(p, false, &to));
    return lam__pickle_append(p, to, value);
}

lam_status lam__op_set_item(lam__pickle *p, int unused)
{
    lam__pickle_value *value = NULL, *key = NULL, *to = NULL;
    (void)unused;
    LAM__TRY(lam__pickle_pop(p, &value));
    LAM__TRY(lam__pickle_pop(p, &key));
    LAM__TRY(target(p, true, &to));
    LAM__TRY(lam__pickle_append(p, to, key));
    return lam__pickle_append(p, to, value);
}

/* APPENDS, SETITEMS, ADDITEMS */
lam_status lam__op_add_marked(lam__pickle *p, int dict)
{
    lam__pickle_value **items = NULL, *to = NULL;
    size_t count = 0;
    LAM__TRY(lam__pickle_pop_mark(p, &items, &count));
    if (dict && count % 2)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "a dictionary with a key without a value");
    LAM__TRY(target(p, dict, &to)); /* pops and pushes one below the items: they stay */
    for (size_t i = 0; i < count; i++)
        LAM__TRY(lam__pickle_append(p, to, items[i]));
    return LAM_OK;
}

static lam_status remember(lam__pickle *p, uint64_t index)
{
    if (p->stack.count == 0)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "opcode 0x%02x finds nothing on the stack",
                                p->bytes[p->opcode]);
    if (index >= p->memo.capacity) {
        if (index > p->size)
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "memo %" PRIu64 " of a pickle of %zu bytes",
                                    index, p->size);
        size_t capacity = p->memo.capacity ? 2 * p->memo.capacity : 64;
        while (capacity <= index)
            capacity *= 2;
        lam__pickle_value **items = lam__pickle_take(p, capacity * sizeof *items);
        if (!items)
            return LAM_ERR_MEMORY;
        for (size_t i = 0; i < capacity; i++)
            items[i] = i < p->memo.capacity ? p->memo.items[i] : NULL;
        p->memo.items = items;
        p->memo.capacity = capacity;
    }
    if (!p->memo.items[index])
        p->memo.count++; /* MEMOIZE numbers by how many there are */
    p->memo.items[index] = p->stack.items[p->stack.count - 1];
    return LAM_OK;
}

/* The index of PUT and GET: as a line, or a number of `width` bytes. */
static lam_status take_index(lam__pickle *p, int width, uint64_t *index)
{
    lam__pickle_text line;
    char text[24];
    if (width)
        return lam__pickle_take_number(p, width, index);
    LAM__TRY(lam__pickle_take_line(p, &line));
    snprintf(text, sizeof text, "%.*s", (int)(line.length < 23 ? line.length : 23), line.text);
    if (!lam__parse_u64(text, index))
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "'%s' is not a memo number", text);
    return LAM_OK;
}

lam_status lam__op_put(lam__pickle *p, int width)
{
    uint64_t index = 0;
    LAM__TRY(take_index(p, width, &index));
    return remember(p, index);
}

lam_status lam__op_memoize(lam__pickle *p, int unused)
{
    (void)unused;
    return remember(p, p->memo.count);
}

lam_status lam__op_get(lam__pickle *p, int width)
{
    uint64_t index = 0;
    LAM__TRY(take_index(p, width, &index));
    if (index >= p->memo.capacity || !p->memo.items[index])
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "memo %" PRIu64 " was never written", index);
    return lam__pickle_push(p, p->memo.items[index]);
}

/* A class or function, which stays a name. */
static lam_status push_class(lam__pickle *p, lam__pickle_text module, lam__pickle_text name)
{
    P_NEW(value, LAM__P_CLASS);
    value->u.class.module = module;
    value->u.class.name = name;
    return lam__pickle_push(p, value);
}

lam_status lam__op_global(lam__pickle *p, int unused)
{
    lam__pickle_text module, name;
    (void)unused;
    LAM__TRY(lam__pickle_take_line(p, &module));
    LAM__TRY(lam__pickle_take_line(p, &name));
    return push_class(p, module, name);
}

lam_status lam__op_stack_global(lam__pickle *p, int unused)
{
    lam__pickle_value *name = NULL, *module = NULL;
    (void)unused;
    LAM__TRY(lam__pickle_pop(p, &name));
    LAM__TRY(lam__pickle_pop(p, &module));
    if (name->kind != LAM__P_TEXT || module->kind != LAM__P_TEXT)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "a class whose name is not a text");
    return push_class(p, module->u.text, name->u.text);
}

lam_status lam__op_reduce(lam__pickle *p, int unused)
{
    lam__pickle_value *arguments = NULL, *function = NULL, *result = NULL;
    (void)unused;
    LAM__TRY(lam__pickle_pop(p, &arguments));
    LAM__TRY(lam__pickle_pop(p, &function));
    LAM__TRY(lam__pickle_call(p, function, arguments, &result));
    return lam__pickle_push(p, result);
}

/* cls.__new__(cls, *arguments): an object, of which class and arguments are kept. */
lam_status lam__op_new(lam__pickle *p, int with_keywords)
{
    lam__pickle_value *keywords = NULL, *arguments = NULL, *class = NULL;
    if (with_keywords)
        LAM__TRY(lam__pickle_pop(p, &keywords));
    LAM__TRY(lam__pickle_pop(p, &arguments));
    LAM__TRY(lam__pickle_pop(p, &class));
    if (class->kind == LAM__P_OPAQUE && arguments->kind == LAM__P_TUPLE) {
        lam__pickle_value *opaque = NULL;
        LAM__TRY(lam__pickle_opaque(p, class, &opaque));
        return lam__pickle_push(p, opaque);
    }
    if (class->kind != LAM__P_CLASS || arguments->kind != LAM__P_TUPLE)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "an object without a class or arguments");
    P_NEW(value, LAM__P_OBJECT);
    value->u.object.class = class;
    value->u.object.arguments = arguments;
    return lam__pickle_push(p, value);
}

/* OBJ and INST of protocol 0 and 1: an object of a class without arguments; with arguments they
 * would call it. */
lam_status lam__op_instance(lam__pickle *p, int by_name)
{
    lam__pickle_value **items = NULL, *class = NULL;
    size_t count = 0;
    if (by_name) {
        LAM__TRY(lam__op_global(p, 0));
        LAM__TRY(lam__pickle_pop(p, &class));
    }
    LAM__TRY(lam__pickle_pop_mark(p, &items, &count));
    if (!by_name && count > 0) {
        class = items[0];
        count--;
    }
    if (!class || (class->kind != LAM__P_CLASS && class->kind != LAM__P_OPAQUE))
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "an object without a class");
    if (count > 0 || class->kind == LAM__P_OPAQUE) {
        lam__pickle_value *opaque = NULL;
        LAM__TRY(lam__pickle_opaque(p, class, &opaque));
        return lam__pickle_push(p, opaque);
    }
    P_NEW(value, LAM__P_OBJECT);
    value->u.object.class = class;
    return lam__pickle_push(p, value);
}

lam_status lam__op_build(lam__pickle *p, int unused)
{
    lam__pickle_value *state = NULL, *value = NULL;
    (void)unused;
    LAM__TRY(lam__pickle_pop(p, &state));
    LAM__TRY(lam__pickle_pop(p, &value));
    LAM__TRY(lam__pickle_build(p, value, state));
    if (p->joblib)
        LAM__TRY(lam__pickle_joblib(p, value));
    return lam__pickle_push(p, value);
}

lam_status lam__op_persistent(lam__pickle *p, int unused)
{
    lam__pickle_value *name = NULL, *value = NULL;
    (void)unused;
    LAM__TRY(lam__pickle_pop(p, &name));
    LAM__TRY(lam__pickle_persistent(p, name, &value));
    return lam__pickle_push(p, value);
}

lam_status lam__op_protocol(lam__pickle *p, int unused)
{
    uint64_t protocol = 0;
    (void)unused;
    LAM__TRY(lam__pickle_take_number(p, 1, &protocol));
    return protocol <= 5
               ? LAM_OK
               : lam__pickle_fail(p, LAM_ERR_UNSUPPORTED,
                                  "protocol %d of pickle, 5 is the latest known", (int)protocol);
}

lam_status lam__op_frame(lam__pickle *p, int unused)
{
    uint64_t length = 0;
    (void)unused;
    LAM__TRY(lam__pickle_take_number(p, 8, &length));
    return length <= p->size - p->at
               ? LAM_OK
               : lam__pickle_fail(p, LAM_ERR_FORMAT,
                                  "truncated: a frame of %" PRIu64 " bytes, %zu follow", length,
                                  p->size - p->at);
}
