/* proto.h: protocol buffers of strangers, through protobuf-c: checked before they are unpacked, and
 * unpacked within a budget. */
#ifndef LAMINA_PROTO_H
#define LAMINA_PROTO_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

/* Messages inside messages: deeper ones are refused before anything recurses into them. */
enum { LAM__PROTO_DEPTH = 24 };

/* What unpacking a file of `size` bytes may hold at a time: twice the file and this. */
#define LAM__PROTO_EXTRA ((size_t)1 << 20)

/* An unpacked message with the allocator that frees it. */
typedef struct lam__proto {
    ProtobufCAllocator allocator;
    size_t left;    /* of the budget */
    bool exhausted; /* the budget has been asked for more */
    bool failed;    /* the system had no memory */
    ProtobufCMessage *message;
} lam__proto;

/* Checks the wire format of bytes[size] against the descriptor: every field within its message, of
 * the type it should have, nothing nested too deeply. LAM_ERR_FORMAT with the byte and the field;
 * `name` is the file. */
lam_status lam__proto_check(const char *name, const ProtobufCMessageDescriptor *descriptor,
                            const unsigned char *bytes, size_t size);

/* Checks and unpacks. Close it, also after a failure. */
lam_status lam__proto_open(lam__proto *proto, const char *name,
                           const ProtobufCMessageDescriptor *descriptor, const unsigned char *bytes,
                           size_t size);
void lam__proto_close(lam__proto *proto);

#endif
