/* archives.h: zip archives made byte by byte, for tests. */
#ifndef LAMINA_TEST_ARCHIVES_H
#define LAMINA_TEST_ARCHIVES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One entry, as the archive will describe it. */
struct entry {
    const char *name;
    const char *packed; /* the bytes as stored */
    uint32_t packed_size, size, crc;
    uint16_t method, flags;
};

struct archive {
    unsigned char bytes[4096];
    size_t size;
};

static inline void put(struct archive *to, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to->bytes[to->size++] = (unsigned char)(i < sizeof value ? value >> 8 * i : 0);
}

static inline void put_bytes(struct archive *to, const char *bytes, size_t count)
{
    memcpy(to->bytes + to->size, bytes, count);
    to->size += count;
}

/* What the local header and the directory have in common. */
static inline void put_common(struct archive *to, const struct entry *e)
{
    put(to, 20, 2); /* version needed */
    put(to, e->flags, 2);
    put(to, e->method, 2);
    put(to, 0x21 << 16, 4); /* time and date */
    put(to, e->crc, 4);
    put(to, e->packed_size, 4);
    put(to, e->size, 4);
    put(to, strlen(e->name), 2);
    put(to, 0, 2); /* extra */
}

/* APPNOTE.TXT 4.3. */
static inline void make_archive(struct archive *to, const struct entry *entries, size_t count)
{
    size_t at[8];
    to->size = 0;
    for (size_t i = 0; i < count; i++) {
        at[i] = to->size;
        put(to, 0x04034b50, 4);
        put_common(to, &entries[i]);
        put_bytes(to, entries[i].name, strlen(entries[i].name));
        put_bytes(to, entries[i].packed, entries[i].packed_size);
    }
    size_t directory = to->size;
    for (size_t i = 0; i < count; i++) {
        put(to, 0x02014b50, 4);
        put(to, 20, 2); /* made by */
        put_common(to, &entries[i]);
        put(to, 0, 2 + 2 + 2 + 4); /* comment, disk, attributes */
        put(to, at[i], 4);
        put_bytes(to, entries[i].name, strlen(entries[i].name));
    }
    size_t length = to->size - directory;
    put(to, 0x06054b50, 4);
    put(to, 0, 4);
    put(to, count, 2);
    put(to, count, 2);
    put(to, length, 4);
    put(to, directory, 4);
    put(to, 0, 2);
}

#endif
