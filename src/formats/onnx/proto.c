/* proto.c: protocol buffers of strangers: the wire format checked, and unpacking within a budget.
 *
 * protobuf-c recurses into messages as deep as they go and allocates a structure for each, however
 * small it is in the file: a few bytes may ask for much stack and much memory. So nesting is looked
 * at first, and memory is counted. */
#include "formats/onnx/proto.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* A message that is being walked through. */
struct level {
    const ProtobufCMessageDescriptor *descriptor;
    size_t end;
};

struct walk {
    const char *name; /* of the file */
    const unsigned char *bytes;
    size_t at;
    size_t depth;
    struct level levels[LAM__PROTO_DEPTH];
};

static const struct level *level_of(const struct walk *walk)
{
    return &walk->levels[walk->depth - 1];
}

/* An unsigned number of up to 10 bytes, seven bits each. */
static lam_status read_varint(struct walk *walk, uint64_t *value)
{
    const size_t first = walk->at, end = level_of(walk)->end;
    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (walk->at >= end)
            return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: a number goes beyond its message",
                             walk->name, first);
        const unsigned char byte = walk->bytes[walk->at++];
        *value |= shift < 64 ? (uint64_t)(byte & 127) << shift : 0;
        if (byte < 128)
            return LAM_OK;
    }
    return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: a number of more than 10 bytes", walk->name,
                     first);
}

enum wire { WIRE_VARINT, WIRE_64, WIRE_LENGTH, WIRE_GROUP, WIRE_END_GROUP, WIRE_32 };

static enum wire wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_LENGTH;
    default:
        return WIRE_VARINT;
    }
}

/* What has a length: steps into a message, else over it. */
static lam_status walk_length(struct walk *walk, const ProtobufCFieldDescriptor *field,
                              const char *label, size_t first)
{
    uint64_t length;
    LAM__TRY(read_varint(walk, &length));
    const size_t left = level_of(walk)->end - walk->at;
    if (length > left)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: byte %zu: %s claims %llu bytes, but %zu are left of its message",
                         walk->name, first, label, (unsigned long long)length, left);
    if (field && field->type == PROTOBUF_C_TYPE_STRING &&
        memchr(walk->bytes + walk->at, '\0', (size_t)length))
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: %s has a zero byte in its text", walk->name,
                         first, label);
    if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE) {
        walk->at += (size_t)length;
        return LAM_OK;
    }
    if (walk->depth == LAM__PROTO_DEPTH)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: %s is nested more than %d deep", walk->name,
                         first, label, LAM__PROTO_DEPTH);
    walk->levels[walk->depth++] =
        (struct level){.descriptor = field->descriptor, .end = walk->at + (size_t)length};
    return LAM_OK;
}

static lam_status walk_field(struct walk *walk)
{
    const size_t first = walk->at;
    uint64_t tag;
    LAM__TRY(read_varint(walk, &tag));
    const struct level *level = level_of(walk);
    const enum wire wire = (enum wire)(tag & 7);
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: no field has the number %llu", walk->name,
                         first, (unsigned long long)(tag >> 3));
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(level->descriptor, (unsigned)(tag >> 3));
    const char *label = field ? field->name : "an unknown field";
    const bool packed = field && field->label == PROTOBUF_C_LABEL_REPEATED && wire == WIRE_LENGTH;
    if (field && !packed && wire != wire_of(field->type))
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: '%s' of %s is of wire type %d, not %d",
                         walk->name, first, label, level->descriptor->short_name, (int)wire,
                         (int)wire_of(field->type));
    uint64_t number;
    size_t fixed = 8;
    switch (wire) {
    case WIRE_VARINT:
        return read_varint(walk, &number);
    case WIRE_LENGTH:
        return walk_length(walk, field, label, first);
    case WIRE_32:
        fixed = 4;
        break;
    case WIRE_64:
        break;
    default:
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: wire type %d", walk->name, first,
                         (int)wire);
    }
    if (fixed > level->end - walk->at)
        return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: '%s' goes beyond its message", walk->name,
                         first, label);
    walk->at += fixed;
    return LAM_OK;
}

lam_status lam__proto_check(const char *name, const ProtobufCMessageDescriptor *descriptor,
                            const unsigned char *bytes, size_t size)
{
    struct walk walk = {.name = name,
                        .bytes = bytes,
                        .depth = 1,
                        .levels = {{.descriptor = descriptor, .end = size}}};
    while (walk.depth > 0) {
        if (walk.at == level_of(&walk)->end)
            walk.depth--;
        else
            LAM__TRY(walk_field(&walk));
    }
    return LAM_OK;
}

/* Each block is preceded by its size. What is counted is what the block takes from the system. */
enum { HEAD = 16, UNIT = 64 };

static void *budget_allocate(void *context, size_t size)
{
    lam__proto *proto = context;
    size_t whole;
    if (!lam__add(size, HEAD + UNIT, &whole) || whole > proto->left) {
        proto->exhausted = true;
        return NULL;
    }
    whole = lam__round_up(size + HEAD, UNIT);
    unsigned char *block = lam__allocate(whole, 1, "an unpacked message");
    if (!block) {
        proto->failed = true;
        return NULL;
    }
    proto->left -= whole;
    memcpy(block, &whole, sizeof whole);
    return block + HEAD;
}

static void budget_free(void *context, void *pointer)
{
    lam__proto *proto = context;
    size_t whole;
    if (!pointer)
        return;
    unsigned char *block = (unsigned char *)pointer - HEAD;
    memcpy(&whole, block, sizeof whole);
    proto->left += whole;
    lam__release(block);
}

lam_status lam__proto_open(lam__proto *proto, const char *name,
                           const ProtobufCMessageDescriptor *descriptor, const unsigned char *bytes,
                           size_t size)
{
    *proto = (lam__proto){.allocator = {budget_allocate, budget_free, proto}};
    if (size > (SIZE_MAX - LAM__PROTO_EXTRA) / 2)
        return lam__fail_memory(size, "an unpacked message");
    proto->left = 2 * size + LAM__PROTO_EXTRA;
    LAM__TRY(lam__proto_check(name, descriptor, bytes, size));
    proto->message = protobuf_c_message_unpack(descriptor, &proto->allocator, size, bytes);
    if (proto->message)
        return LAM_OK;
    if (proto->failed)
        return lam__fail_memory(size, "an unpacked message");
    if (proto->exhausted)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: its %zu bytes unpack to more than %zu, which no valid file does",
                         name, size, 2 * size + LAM__PROTO_EXTRA);
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: not a message of type %s: a number or a list in it is "
                     "malformed, or something required is missing",
                     name, descriptor->short_name);
}

void lam__proto_close(lam__proto *proto)
{
    if (proto->message)
        protobuf_c_message_free_unpacked(proto->message, &proto->allocator);
    proto->message = NULL;
}
