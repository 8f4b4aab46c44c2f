/* pickle_walk.c: the arrays and objects of a pickle, in the order in which they stand.
 *
 * An object is listed with the arrays among its attributes right after it, then come the objects
 * below it. An object that stands in a list, or among the modules of a PyTorch Sequential, is
 * listed there, under the name it has there, wherever else it is mentioned: so the layers of a
 * network come in the order of calculation even where each also knows the next one. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "formats/pickle/pickle.h"

/* Longest part of a name, longest name. */
enum { MOST_KEY = 64, MOST_NAME = 256 };

/* Where the walk is. */
struct place {
    const char *path; /* name so far, "" at the top */
    unsigned depth;
};

static bool is_container(const lam__pickle_value *value)
{
    return value->kind == LAM__P_LIST || value->kind == LAM__P_TUPLE || value->kind == LAM__P_SET ||
           value->kind == LAM__P_DICT;
}

static size_t child_count(const lam__pickle_value *container)
{
    return container->kind == LAM__P_DICT ? container->u.list.count / 2 : container->u.list.count;
}

static lam__pickle_value *child(const lam__pickle_value *container, size_t i)
{
    return container->u.list.items[container->kind == LAM__P_DICT ? 2 * i + 1 : i];
}

static const lam__pickle_value *key_of(const lam__pickle_value *container, size_t i)
{
    return container->kind == LAM__P_DICT ? container->u.list.items[2 * i] : NULL;
}

static lam_status step(lam__pickle *p, const struct place *place)
{
    if (p->steps-- == 0 || place->depth > LAM__PICKLE_DEEPEST) {
        p->steps = 0;
        return lam__pickle_fail(p, LAM_ERR_UNSUPPORTED,
                                place->depth > LAM__PICKLE_DEEPEST
                                    ? "objects nested more than %d levels deep"
                                    : "objects too entangled to be listed (%d levels)",
                                LAM__PICKLE_DEEPEST);
    }
    return LAM_OK;
}

/* Attributes that hold others and are no part of a name. */
static bool is_silent(lam__pickle_text key)
{
    return lam__pickle_is(key, "_parameters") || lam__pickle_is(key, "_modules") ||
           lam__pickle_is(key, "_buffers");
}

/* The name of child i: "path.key", into name[MOST_NAME]. */
static void name_child(const char *path, const lam__pickle_value *container, size_t i, char *name)
{
    const lam__pickle_value *key = key_of(container, i);
    char part[MOST_KEY + 1] = "?";
    if (!key)
        snprintf(part, sizeof part, "%zu", i);
    else if (key->kind == LAM__P_TEXT || key->kind == LAM__P_BYTES)
        snprintf(part, sizeof part, "%.*s",
                 (int)(key->u.text.length < MOST_KEY ? key->u.text.length : MOST_KEY),
                 key->u.text.text);
    else if (key->kind == LAM__P_INT)
        snprintf(part, sizeof part, "%" PRId64, key->u.integer);
    if (key && key->kind == LAM__P_TEXT && is_silent(key->u.text))
        snprintf(name, MOST_NAME, "%s", path);
    else
        snprintf(name, MOST_NAME, "%.*s%s%s", MOST_NAME - MOST_KEY - 2, path, path[0] ? "." : "",
                 part);
}

static char *copy(lam__pickle *p, const char *text, size_t length)
{
    char *made = lam__pickle_take(p, length + 1);
    if (!made)
        return NULL;
    memcpy(made, text, length);
    made[length] = '\0';
    return made;
}

static lam_status add_item(lam__pickle *p, const lam__item *item, const char *name)
{
    if (p->item_count == p->item_capacity) {
        const size_t capacity = p->item_capacity ? 2 * p->item_capacity : 16;
        lam__item *items = lam__pickle_take(p, capacity * sizeof *items);
        if (!items)
            return LAM_ERR_MEMORY;
        if (p->item_count)
            memcpy(items, p->items, p->item_count * sizeof *items);
        p->items = items;
        p->item_capacity = capacity;
    }
    lam__item *added = &p->items[p->item_count];
    *added = *item;
    added->name = copy(p, name, strlen(name));
    if (!added->name)
        return LAM_ERR_MEMORY;
    p->item_count++;
    return LAM_OK;
}

bool lam__pickle_array(const lam__pickle_value *array, lam__item *item)
{
    if (!array || array->kind != LAM__P_ARRAY || !array->u.array.item)
        return false; /* its state never came */
    *item = *array->u.array.item;
    const lam__pickle_storage *storage = array->u.array.storage;
    if (storage) {
        item->complete = storage->data != NULL || storage->described;
        item->big_endian = storage->big_endian;
        if (storage->described)
            item->data = NULL;
        else if (item->complete && lam__item_elements(item) > 0)
            item->data = storage->data + array->u.array.offset * lam__st_dtype_size(storage->dtype);
        else if (item->complete)
            item->data = storage->data;
    }
    return true;
}

static lam_status add_array(lam__pickle *p, const lam__pickle_value *array, const char *name)
{
    lam__item item;
    return lam__pickle_array(array, &item) ? add_item(p, &item, name) : LAM_OK;
}

static const char *class_name(lam__pickle *p, const lam__pickle_value *class);

/* What a call would give that was not made: it may have been an array. */
static lam_status add_opaque(lam__pickle *p, const lam__pickle_value *opaque, const char *name)
{
    const lam__item item = {.kind = LAM__ITEM_OPAQUE, .type = class_name(p, opaque)};
    return item.type ? add_item(p, &item, name) : LAM_ERR_MEMORY;
}

static bool is_opaque(const lam__pickle_value *value)
{
    return value->kind == LAM__P_OPAQUE && value->u.class.name.length > 0;
}

/* Lists the arrays in a value and the containers in it, not those of objects in it. */
static lam_status list_arrays(lam__pickle *p, struct place place, lam__pickle_value *value)
{
    LAM__TRY(step(p, &place));
    if (value->kind == LAM__P_ARRAY && value->u.array.other && value->u.array.other->data &&
        value->u.array.other->data->kind == LAM__P_LIST) /* an array of objects: a list of them */
        return list_arrays(p, (struct place){place.path, place.depth + 1},
                           value->u.array.other->data);
    if (value->kind == LAM__P_ARRAY)
        return add_array(p, value, place.path);
    if (is_opaque(value))
        return add_opaque(p, value, place.path);
    if (!is_container(value) || value->stamp == p->stamp)
        return LAM_OK;
    value->stamp = p->stamp;
    for (size_t i = 0; i < child_count(value); i++) {
        char name[MOST_NAME];
        const lam__pickle_value *one = child(value, i);
        if (one->kind != LAM__P_ARRAY && !is_opaque(one) && !is_container(one))
            continue;
        name_child(place.path, value, i, name);
        LAM__TRY(list_arrays(p, (struct place){name, place.depth + 1}, child(value, i)));
    }
    return LAM_OK;
}

/* A number among the attributes. */
static bool attribute(const lam__pickle_value *object, const char *name, double *number)
{
    const lam__pickle_value *value = lam__pickle_member(object->u.object.state, name);
    if (!value || (value->kind != LAM__P_FLOAT && value->kind != LAM__P_INT))
        return false;
    *number = value->kind == LAM__P_FLOAT ? value->u.number : (double)value->u.integer;
    return true;
}

/* What the attributes of PyTorch's layers and of the book's say: see lam__item.number. */
static double number_of(const lam__pickle_value *object)
{
    double number;
    if (attribute(object, "p", &number) || attribute(object, "eps", &number))
        return number;
    if (lam__pickle_is(object->u.object.class->u.class.name, "Softmax") &&
        attribute(object, "dim", &number))
        return number;
    if (attribute(object, "rate", &number)) /* "Neural Networks from Scratch" keeps 1 - rate */
        return 1.0 - number;
    return (double)NAN;
}

/* "module.Class" */
static const char *class_name(lam__pickle *p, const lam__pickle_value *class)
{
    char text[2 * MOST_KEY + 2];
    const lam__pickle_text module = class->u.class.module, name = class->u.class.name;
    snprintf(text, sizeof text, "%.*s.%.*s",
             (int)(module.length < MOST_KEY ? module.length : MOST_KEY), module.text,
             (int)(name.length < MOST_KEY ? name.length : MOST_KEY), name.text);
    return copy(p, text, strlen(text));
}

static lam_status list_objects(lam__pickle *p, struct place place, lam__pickle_value *value);

/* What an object holds: its state, items and arguments, in this order. */
static size_t parts_of(const lam__pickle_value *object, lam__pickle_value *parts[3])
{
    lam__pickle_value *all[] = {object->u.object.state, object->u.object.entries,
                                object->u.object.arguments};
    size_t count = 0;
    for (int i = 0; i < 3; i++)
        if (all[i])
            parts[count++] = all[i];
    return count;
}

static bool is_sequential(const lam__pickle_value *object)
{
    return lam__pickle_is(object->u.object.class->u.class.name, "Sequential");
}

/* Objects in lists belong there, before anything else claims them. */
static lam_status claim(lam__pickle *p, struct place place, lam__pickle_value *container)
{
    LAM__TRY(step(p, &place));
    if (!is_container(container) || container->claimed)
        return LAM_OK;
    container->claimed = container;
    const bool list = container->kind == LAM__P_LIST || container->kind == LAM__P_TUPLE;
    for (size_t i = 0; i < child_count(container); i++) {
        lam__pickle_value *one = child(container, i);
        if (is_container(one))
            LAM__TRY(claim(p, (struct place){place.path, place.depth + 1}, one));
    }
    for (size_t i = 0; i < child_count(container); i++) {
        lam__pickle_value *one = child(container, i);
        if (one->kind != LAM__P_OBJECT || one->claimed)
            continue;
        one->claimed = container;
        one->in_sequence = list;
    }
    return LAM_OK;
}

/* The modules of a Sequential are a sequence, though they are kept in a dict. */
static void mark_modules(const lam__pickle_value *object)
{
    lam__pickle_value *modules =
        is_sequential(object) ? lam__pickle_member(object->u.object.state, "_modules") : NULL;
    for (size_t i = 0; modules && modules->kind == LAM__P_DICT && i < child_count(modules); i++)
        if (child(modules, i)->kind == LAM__P_OBJECT && child(modules, i)->claimed == modules)
            child(modules, i)->in_sequence = true;
}

static lam_status list_object(lam__pickle *p, struct place place, lam__pickle_value *object)
{
    lam__pickle_value *parts[3];
    const size_t count = parts_of(object, parts);
    const struct place below = {place.path, place.depth + 1};
    const bool known = object->stamp != 0; /* listed before: once more, without what is below it */
    const lam__item item = {.kind = LAM__ITEM_OBJECT,
                            .type = class_name(p, object->u.object.class),
                            .in_sequence = object->in_sequence,
                            .sequence = object->claimed,
                            .number = number_of(object)};
    LAM__TRY(step(p, &place));
    if (!item.type)
        return LAM_ERR_MEMORY;
    LAM__TRY(add_item(p, &item, place.path));
    object->stamp = ++p->stamp;
    for (size_t i = 0; i < count; i++)
        LAM__TRY(list_arrays(p, below, parts[i]));
    if (known)
        return LAM_OK;
    for (size_t i = 0; i < count; i++)
        LAM__TRY(claim(p, below, parts[i]));
    mark_modules(object);
    for (size_t i = 0; i < count; i++)
        LAM__TRY(list_objects(p, below, parts[i]));
    return LAM_OK;
}

/* Lists the objects of a container and of those in it. */
static lam_status list_objects(lam__pickle *p, struct place place, lam__pickle_value *value)
{
    LAM__TRY(step(p, &place));
    if (value->kind == LAM__P_OBJECT)
        return list_object(p, place, value);
    if (!is_container(value) || value->walked)
        return LAM_OK;
    value->walked = true;
    for (size_t i = 0; i < child_count(value); i++) {
        char name[MOST_NAME];
        lam__pickle_value *one = child(value, i);
        if (one->kind == LAM__P_OBJECT ? one->claimed != value : !is_container(one))
            continue;
        name_child(place.path, value, i, name);
        LAM__TRY(list_objects(p, (struct place){name, place.depth + 1}, one));
    }
    return LAM_OK;
}

lam_status lam__pickle_walk(lam__pickle *p)
{
    const struct place top = {"", 0};
    p->opcode = p->result->at;
    p->stamp++;
    if (p->result->kind != LAM__P_OBJECT)
        LAM__TRY(list_arrays(p, top, p->result));
    LAM__TRY(claim(p, top, p->result));
    return list_objects(p, top, p->result);
}
