/* hdf5_objects.c: superblock, object headers, groups. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/keras/hdf5.h"

static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

uint64_t lam__h5_number(const unsigned char *p, size_t count)
{
    uint64_t number = 0;
    while (count-- > 0)
        number = number << 8 | p[count];
    return number;
}

lam_status lam__h5_damaged(const lam__h5 *file, uint64_t at, const char *what)
{
    return lam__fail(LAM_ERR_FORMAT, "%s: HDF5: byte %" PRIu64 ": %s", file->name, at, what);
}

const unsigned char *lam__h5_span(const lam__h5 *file, uint64_t at, uint64_t count,
                                  const char *what)
{
    if (at <= file->size && count <= file->size - at)
        return file->bytes + at;
    lam__fail(LAM_ERR_FORMAT,
              "%s: HDF5: %s should be %" PRIu64 " bytes at byte %" PRIu64 ", the file has %zu",
              file->name, what, count, at, file->size);
    return NULL;
}

/* No file has more structures than this many bytes each; a walk that meets more goes in circles. */
void lam__h5_refill(lam__h5 *file)
{
    file->budget = file->size / 8 + 64;
}

lam_status lam__h5_step(lam__h5 *file)
{
    if (file->budget == 0)
        return lam__fail(LAM_ERR_FORMAT, "%s: HDF5: its structures form a cycle", file->name);
    file->budget--;
    return LAM_OK;
}

bool lam__h5_recognizes(const void *bytes, size_t size)
{
    return size >= sizeof signature && memcmp(bytes, signature, sizeof signature) == 0;
}

/* Versions 0 and 1 hold the root group's entry, 2 and 3 its address; sizes of 8 bytes. */
static lam_status read_superblock(lam__h5 *file)
{
    const unsigned char *p = lam__h5_span(file, 0, 48, "the superblock");
    if (!p)
        return LAM_ERR_FORMAT;
    const unsigned version = p[8];
    if (version > 3)
        return lam__h5_damaged(file, 8, "an unknown version of the superblock");
    const size_t sizes = version < 2 ? 13 : 9;
    if (p[sizes] != 8 || p[sizes + 1] != 8)
        return lam__h5_damaged(file, sizes, "addresses and lengths should have 8 bytes");
    const size_t base = version == 0 ? 24 : version == 1 ? 28 : 12;
    const size_t root = version < 2 ? base + 32 + 8 : base + 24;
    p = lam__h5_span(file, 0, root + 8, "the superblock");
    if (!p)
        return LAM_ERR_FORMAT;
    const uint64_t end = lam__h5_number(p + base + 16, 8);
    if (lam__h5_number(p + base, 8) != 0)
        return lam__h5_damaged(file, base, "the base address should be 0");
    if (end > file->size)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: HDF5: the file is cut short: it should have %" PRIu64
                         " bytes and has %zu",
                         file->name, end, file->size);
    file->root = lam__h5_number(p + root, 8);
    return LAM_OK;
}

lam_status lam__h5_open(lam__h5 *file, const void *bytes, size_t size, const char *name)
{
    *file = (lam__h5){.bytes = bytes, .size = size, .name = name};
    if (!lam__h5_recognizes(bytes, size))
        return lam__fail(LAM_ERR_FORMAT, "%s: not an HDF5 file", name);
    return read_superblock(file);
}

/* A header of version 2: "OHDR", and its first block. */
static lam_status open_second(lam__h5 *file, uint64_t object, lam__h5_walk *walk)
{
    const unsigned char *p = lam__h5_span(file, object, 6, "an object header");
    if (!p)
        return LAM_ERR_FORMAT;
    const unsigned flags = p[5];
    const uint64_t skip = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const size_t width = (size_t)1 << (flags & 3);
    if (p[4] != 2)
        return lam__h5_damaged(file, object + 4, "an unknown version of object header");
    p = lam__h5_span(file, object + skip, width, "an object header");
    if (!p)
        return LAM_ERR_FORMAT;
    const uint64_t size = lam__h5_number(p, width), begin = object + skip + width;
    if (!lam__h5_span(file, begin, size, "an object header"))
        return LAM_ERR_FORMAT;
    walk->version = 2;
    walk->ordered = flags & 4;
    walk->list[0].at = begin;
    walk->list[0].end = begin + size;
    return LAM_OK;
}

lam_status lam__h5_walk_open(lam__h5 *file, uint64_t object, lam__h5_walk *walk)
{
    *walk = (lam__h5_walk){.version = 1, .blocks = 1};
    LAM__TRY(lam__h5_step(file));
    const unsigned char *p = lam__h5_span(file, object, 16, "an object header");
    if (!p)
        return LAM_ERR_FORMAT;
    if (memcmp(p, "OHDR", 4) == 0)
        return open_second(file, object, walk);
    if (p[0] != 1)
        return lam__h5_damaged(file, object, "not an object header");
    const uint64_t size = lam__h5_number(p + 8, 4);
    if (!lam__h5_span(file, object + 16, size, "an object header"))
        return LAM_ERR_FORMAT;
    walk->list[0].at = object + 16;
    walk->list[0].end = object + 16 + size;
    return LAM_OK;
}

/* Version 2 blocks have a signature in front and a checksum behind. */
static lam_status add_block(lam__h5 *file, lam__h5_walk *walk, const lam__h5_message *message)
{
    if (message->size < 16)
        return lam__h5_damaged(file, (uint64_t)(message->data - file->bytes),
                               "a continuation that is too short");
    uint64_t at = lam__h5_number(message->data, 8), size = lam__h5_number(message->data + 8, 8);
    const unsigned char *p = lam__h5_span(file, at, size, "a continued object header");
    if (!p)
        return LAM_ERR_FORMAT;
    if (walk->blocks == LAM__H5_BLOCKS)
        return lam__h5_damaged(file, at, "an object header in too many pieces");
    if (walk->version == 2) {
        if (size < 8 || memcmp(p, "OCHK", 4) != 0)
            return lam__h5_damaged(file, at, "not a continued object header");
        at += 4;
        size -= 8;
    }
    walk->list[walk->blocks].at = at;
    walk->list[walk->blocks++].end = at + size;
    return LAM_OK;
}

lam_status lam__h5_walk_next(lam__h5 *file, lam__h5_walk *walk, lam__h5_message *message)
{
    const size_t prefix = walk->version == 1 ? 8 : walk->ordered ? 6 : 4;
    *message = (lam__h5_message){0};
    while (walk->block < walk->blocks) {
        const uint64_t at = walk->list[walk->block].at, end = walk->list[walk->block].end;
        if (end - at < prefix) { /* version 2 may leave a gap */
            walk->block++;
            continue;
        }
        LAM__TRY(lam__h5_step(file));
        const unsigned char *p = file->bytes + at;
        const bool first = walk->version == 1;
        const size_t size = (size_t)lam__h5_number(first ? p + 2 : p + 1, 2);
        if (size > end - at - prefix)
            return lam__h5_damaged(file, at, "a message that is longer than its object header");
        walk->list[walk->block].at = at + prefix + size;
        *message = (lam__h5_message){.type = (unsigned)lam__h5_number(p, first ? 2 : 1),
                                     .flags = first ? p[4] : p[3],
                                     .data = p + prefix,
                                     .size = size};
        if (message->type != LAM__H5_CONTINUATION)
            return LAM_OK;
        LAM__TRY(add_block(file, walk, message));
    }
    *message = (lam__h5_message){0};
    return LAM_OK;
}

lam_status lam__h5_message_of(lam__h5 *file, uint64_t object, unsigned type,
                              lam__h5_message *message)
{
    lam__h5_walk walk;
    LAM__TRY(lam__h5_walk_open(file, object, &walk));
    do
        LAM__TRY(lam__h5_walk_next(file, &walk, message));
    while (message->data && message->type != type);
    if (message->data && message->flags & 2)
        return lam__h5_damaged(file, object, "a shared message: not supported");
    return LAM_OK;
}

/* A group as a symbol table: a B-tree of nodes whose entries name members by their place in a
 * heap. */
typedef struct table {
    const unsigned char *heap;
    uint64_t heap_size;
    const char *name;
    size_t length;
    uint64_t found;
} table;

/* Whether the string at an offset of the heap is the name that is looked for. */
static bool names(const table *t, uint64_t offset)
{
    return offset < t->heap_size && t->length < t->heap_size - offset &&
           memcmp(t->heap + offset, t->name, t->length) == 0 && t->heap[offset + t->length] == 0;
}

static lam_status search_node(lam__h5 *file, uint64_t at, table *t)
{
    enum { ENTRY = 40 };
    const unsigned char *p = lam__h5_span(file, at, 8, "a node of symbols");
    if (!p)
        return LAM_ERR_FORMAT;
    if (memcmp(p, "SNOD", 4) != 0)
        return lam__h5_damaged(file, at, "not a node of symbols");
    const size_t count = (size_t)lam__h5_number(p + 6, 2);
    p = lam__h5_span(file, at + 8, (uint64_t)count * ENTRY, "a node of symbols");
    if (!p)
        return LAM_ERR_FORMAT;
    for (size_t i = 0; i < count && !t->found; i++, p += ENTRY) {
        LAM__TRY(lam__h5_step(file));
        if (!names(t, lam__h5_number(p, 8)))
            continue;
        if (lam__h5_number(p + 16, 4) == 2)
            return lam__h5_damaged(file, (uint64_t)(p - file->bytes),
                                   "a symbolic link: not supported");
        t->found = lam__h5_number(p + 8, 8);
    }
    return LAM_OK;
}

/* Depth-first; `level` falls at each step down, which bounds the depth. */
static lam_status search_tree(lam__h5 *file, uint64_t at, unsigned most, table *t)
{
    LAM__TRY(lam__h5_step(file));
    const unsigned char *p = lam__h5_span(file, at, 24, "a tree of symbols");
    if (!p)
        return LAM_ERR_FORMAT;
    const unsigned level = p[5];
    const size_t count = (size_t)lam__h5_number(p + 6, 2);
    if (memcmp(p, "TREE", 4) != 0 || p[4] != 0 || level > most)
        return lam__h5_damaged(file, at, "not a tree of symbols");
    p = lam__h5_span(file, at + 24, 8 + (uint64_t)count * 16, "a tree of symbols");
    if (!p)
        return LAM_ERR_FORMAT;
    for (size_t i = 0; i < count && !t->found; i++) {
        const uint64_t child = lam__h5_number(p + 8 + 16 * i, 8);
        if (level > 0)
            LAM__TRY(search_tree(file, child, level - 1, t));
        else
            LAM__TRY(search_node(file, child, t));
    }
    return LAM_OK;
}

static lam_status search_table(lam__h5 *file, const lam__h5_message *message, table *t)
{
    const uint64_t here = (uint64_t)(message->data - file->bytes);
    if (message->size < 16)
        return lam__h5_damaged(file, here, "a symbol table that is too short");
    const uint64_t heap = lam__h5_number(message->data + 8, 8);
    const unsigned char *p = lam__h5_span(file, heap, 32, "the heap of a group");
    if (!p)
        return LAM_ERR_FORMAT;
    if (memcmp(p, "HEAP", 4) != 0)
        return lam__h5_damaged(file, heap, "not the heap of a group");
    t->heap_size = lam__h5_number(p + 8, 8);
    t->heap = lam__h5_span(file, lam__h5_number(p + 24, 8), t->heap_size, "the heap of a group");
    return t->heap ? search_tree(file, lam__h5_number(message->data, 8), 16, t) : LAM_ERR_FORMAT;
}

/* A link in the header of a group: version 1; flags: bits 0 and 1 the width of the name's length,
 * 2 a creation order, 3 a type of link, 4 a character set. */
static lam_status match_link(lam__h5 *file, const lam__h5_message *message, table *t)
{
    const unsigned char *p = message->data;
    const uint64_t here = (uint64_t)(p - file->bytes);
    if (message->size < 2 || p[0] != 1)
        return lam__h5_damaged(file, here, "no link");
    const unsigned flags = p[1];
    const size_t width = (size_t)1 << (flags & 3);
    const size_t kind = flags & 8 ? 1 : 0;
    const size_t skip = 2 + kind + (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
    if (message->size < skip + width)
        return lam__h5_damaged(file, here, "a link that is too short");
    const uint64_t length = lam__h5_number(p + skip, width);
    if (length > message->size - skip - width)
        return lam__h5_damaged(file, here, "a link that is too short");
    const unsigned char *name = p + skip + width;
    if (length != t->length || memcmp(name, t->name, t->length) != 0)
        return LAM_OK;
    if ((kind && p[2] != 0) || message->size - skip - width - length < 8)
        return lam__h5_damaged(file, here, "a soft or external link: not supported");
    t->found = lam__h5_number(name + length, 8);
    return LAM_OK;
}

/* Groups of many links, made with an order, keep them in another kind of heap. */
static lam_status check_link_info(lam__h5 *file, const lam__h5_message *message)
{
    const size_t skip = message->size > 1 && message->data[1] & 1 ? 10 : 2;
    if (message->size >= skip + 8 && lam__h5_number(message->data + skip, 8) != UINT64_MAX)
        return lam__h5_damaged(file, (uint64_t)(message->data - file->bytes),
                               "a group with a fractal heap: not supported");
    return LAM_OK;
}

static lam_status find_member(lam__h5 *file, uint64_t group, const char *name, size_t length,
                              uint64_t *object)
{
    table t = {.name = name, .length = length};
    lam__h5_walk walk;
    lam__h5_message message;
    lam__h5_refill(file);
    LAM__TRY(lam__h5_walk_open(file, group, &walk));
    for (;;) {
        LAM__TRY(lam__h5_walk_next(file, &walk, &message));
        if (!message.data || t.found)
            break;
        if (message.type == LAM__H5_LINK_INFO)
            LAM__TRY(check_link_info(file, &message));
        else if (message.type == LAM__H5_SYMBOL_TABLE)
            LAM__TRY(search_table(file, &message, &t));
        else if (message.type == LAM__H5_LINK)
            LAM__TRY(match_link(file, &message, &t));
    }
    *object = t.found;
    return LAM_OK;
}

lam_status lam__h5_find(lam__h5 *file, uint64_t group, const char *path, uint64_t *object)
{
    *object = group;
    while (*path && *object) {
        const size_t length = strcspn(path, "/");
        if (length > 0)
            LAM__TRY(find_member(file, *object, path, length, object));
        path += length + (path[length] == '/');
    }
    return LAM_OK;
}
