/* replay.c: runs a fuzz target over a corpus and simple changes of it, always the same ones. Files
 * called hostile-... claim more than they hold (make_hostile.py): they are large, and it is them as
 * they are that matters, so they get few changes.
 *
 * Usage: replay FOLDER [CHANGES]: CHANGES random changes of each file, 2000 when not given. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static uint64_t state = 1;

/* xorshift64 (Marsaglia 2003). */
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Runs on an exact copy, so that a sanitizer sees any read beyond the end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (!exact)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

/* One small change; returns the new size, at most `room`. */
static size_t change(uint8_t *data, size_t size, size_t room)
{
    static const uint8_t interesting[] = {0,   1,   0x7f, 0x80, 0xff, '"',
                                          '{', '[', ',',  '9',  '-',  ' '};
    size_t at = size > 0 ? next_random() % size : 0;
    if (size == 0)
        return 0;
    switch (next_random() % 6) {
    case 0:
        data[at] ^= (uint8_t)(1u << next_random() % 8);
        break;
    case 1:
        data[at] = interesting[next_random() % sizeof interesting];
        break;
    case 2:
        data[at] = (uint8_t)next_random();
        break;
    case 3: /* leave some bytes out */
        memmove(data + at, data + at + 1, size - at - 1);
        return size - 1;
    case 4: /* put one in */
        if (size < room) {
            memmove(data + at + 1, data + at, size - at);
            data[at] = interesting[next_random() % sizeof interesting];
            return size + 1;
        }
        break;
    default: { /* repeat a part elsewhere */
        size_t from = next_random() % size, length = next_random() % 16;
        size_t most = size - (from > at ? from : at);
        memmove(data + at, data + from, length < most ? length : most);
    }
    }
    return size;
}

static void run_file(const uint8_t *data, size_t size, size_t changes, bool hostile)
{
    const size_t whole = hostile ? 0 : size, step = 1 + size / 8192; /* of large files a part */
    size_t room = size + 16;
    uint8_t *copy = malloc(room);
    if (!copy)
        abort();
    run(data, size);
    for (size_t cut = 0; cut < whole; cut += step)
        run(data, cut);
    for (size_t at = 0; at < whole; at += step) { /* every byte once */
        memcpy(copy, data, size);
        copy[at] ^= (uint8_t)(1u << next_random() % 8);
        run(copy, size);
    }
    for (size_t i = 0; i < changes; i++) {
        size_t now = size;
        memcpy(copy, data, size);
        for (uint64_t n = 1 + next_random() % 4; n > 0; n--)
            now = change(copy, now, room);
        run(copy, now);
    }
    free(copy);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* alphasort would follow the locale */
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    size_t changes = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 2000, files = 0;
    int count = argc > 1 ? scandir(argv[1], &entries, NULL, by_name) : -1;
    if (count < 0) {
        fprintf(stderr, "usage: %s FOLDER [CHANGES]\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        char path[1024];
        static uint8_t data[1 << 16];
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        FILE *file = entries[i]->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (file) {
            const bool hostile = strncmp(entries[i]->d_name, "hostile-", 8) == 0;
            const size_t size = fread(data, 1, sizeof data, file);
            run_file(data, size, hostile ? changes / 200 : changes, hostile);
            fclose(file);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%zu files, %zu changes of each\n", files, changes);
    return files > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
