/* pickle_former.c: what torch.save wrote before version 1.6, and writes today inside other pickles:
 * several pickles one after another, and the numbers behind them. Source: torch/serialization.py,
 * _legacy_save. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/pickle/pickle_ops.h"

/* It begins with the pickle of the number 0x1950a86a20f9469cfc6c. */
static const unsigned char beginning[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                          0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};

/* Layouts inside pickles inside layouts. */
enum { DEEPEST = 4 };

bool lam__pickle_is_former(const unsigned char *bytes, size_t size)
{
    return size >= sizeof beginning && memcmp(bytes, beginning, sizeof beginning) == 0;
}

/* The storage of this key; NULL when none was named so. */
static lam__pickle_storage *find_storage(const lam__pickle *pickle, lam__pickle_text key)
{
    for (lam__pickle_storage *at = pickle->storages; at; at = at->next)
        if (at->key.length == key.length && memcmp(at->key.text, key.text, key.length) == 0)
            return at;
    return NULL;
}

/* What follows the pickles: for each key the number of elements in 8 bytes, and the elements. */
static lam_status place_storages(lam__pickle *p, const lam__pickle_value *keys)
{
    if (keys->kind != LAM__P_LIST)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "expected a list of the storages' keys");
    for (size_t i = 0; i < keys->u.list.count; i++) {
        const lam__pickle_value *key = keys->u.list.items[i];
        lam__pickle_storage *storage =
            key->kind == LAM__P_TEXT ? find_storage(p, key->u.text) : NULL;
        size_t bytes;
        uint64_t count = 0;
        p->opcode = p->at;
        if (!storage)
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "storage %zu belongs to no tensor", i);
        if (p->size - p->at < 8)
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "truncated: the storage of %zu elements",
                                    storage->elements);
        for (int k = 8; k-- > 0;)
            count = count << 8 | p->bytes[p->at + (size_t)k];
        if (count != storage->elements)
            return lam__pickle_fail(p, LAM_ERR_FORMAT, "a storage of %zu elements, expected %zu",
                                    (size_t)count, storage->elements);
        p->at += 8;
        if (!lam__multiply(storage->elements, lam__st_dtype_size(storage->dtype), &bytes) ||
            bytes > p->size - p->at)
            return lam__pickle_fail(p, LAM_ERR_FORMAT,
                                    "truncated: a storage of %zu elements, %zu bytes follow",
                                    storage->elements, p->size - p->at);
        storage->data = p->bytes + p->at;
        p->at += bytes;
    }
    return LAM_OK;
}

/* Number, version, system, the object, the keys: each a pickle. */
lam_status lam__pickle_former(lam__pickle *p)
{
    p->torch = true;
    for (int i = 0; i < 3; i++)
        LAM__TRY(lam__pickle_run(p));
    const lam__pickle_value *order = lam__pickle_member(p->result, "little_endian");
    p->big_endian = order && order->kind == LAM__P_BOOL && order->u.integer == 0;
    LAM__TRY(lam__pickle_run(p));
    lam__pickle_value *object = p->result;
    LAM__TRY(lam__pickle_run(p));
    const lam__pickle_value *keys = p->result;
    p->result = object;
    return place_storages(p, keys);
}

lam_status lam__pickle_nested(lam__pickle *p, lam__pickle_text text, lam__pickle_value **value)
{
    const lam__pickle outer = *p;
    if (!lam__pickle_is_former((const unsigned char *)text.text, text.length) ||
        p->nested >= DEEPEST)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "numbers of PyTorch in no layout of it");
    p->nested++;
    p->bytes = (const unsigned char *)text.text;
    p->size = text.length;
    p->at = p->opcode = 0;
    p->stack = p->memo = (lam__pickle_list){0};
    p->marks = NULL;
    p->mark_count = p->mark_capacity = 0;
    p->joblib = false;
    p->storages = NULL;
    LAM__TRY(lam__pickle_former(p));
    *value = p->result;
    lam__pickle_storage **end = &p->storages;
    while (*end)
        end = &(*end)->next;
    *end = outer.storages;
    const lam__pickle inner = *p;
    *p = outer; /* but for what both share */
    p->budget = inner.budget;
    p->chunks = inner.chunks;
    p->storages = inner.storages;
    p->called = inner.called;
    p->steps = inner.steps;
    return LAM_OK;
}
