/* data_files.c: a data set as IDX files, plain and gzipped, and as the bytes in them. */
#include "data_files.h"

#include <errno.h>
#include <lamina/lamina.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/source.h"
#include "lamina_features.h"
#if LAM__HAVE_GZIP
#include <zlib.h>
#endif

enum { CLASSES = 10, SIDE = 28 };

static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};

static data_files files;
static char base[200]; /* the temporary folder, with plain/ and packed/ */

static void fail(const char *what, const char *path)
{
    fprintf(stderr, "bench_data: %s '%s': %s\n", what, path, strerror(errno));
    exit(1);
}

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    if (!memory) {
        fputs("bench_data: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* What may lie in the temporary folder, and the folders from the inside out. */
static char written[4][sizeof base + 64], folders[3][sizeof base + 16];

/* What was never written is not missed. Calls nothing that a handler of signals may not. */
static void remove_files(void)
{
    for (size_t i = 0; i < 4; i++)
        unlink(written[i]);
    for (size_t i = 0; i < 3; i++)
        rmdir(folders[i]);
}

static void remove_and_end(int number)
{
    remove_files();
    _exit(128 + number);
}

static void make_folders(void)
{
    const char *temporary = getenv("TMPDIR");
    const int length = snprintf(base, sizeof base, "%s/lamina-bench-XXXXXX",
                                temporary && *temporary ? temporary : "/tmp");
    if (length < 0 || (size_t)length >= sizeof base) {
        errno = ENAMETOOLONG;
        fail("TMPDIR is", temporary);
    }
    if (!mkdtemp(base))
        fail("cannot make the folder", base);
    for (size_t i = 0; i < 2; i++) {
        snprintf(written[2 * i], sizeof written[0], "%s/plain/%s", base, names[i]);
        snprintf(written[2 * i + 1], sizeof written[0], "%s/packed/%s.gz", base, names[i]);
    }
    snprintf(folders[0], sizeof folders[0], "%s/plain", base);
    snprintf(folders[1], sizeof folders[0], "%s/packed", base);
    snprintf(folders[2], sizeof folders[0], "%s", base);
    atexit(remove_files);
    static const int ends[] = {SIGHUP, SIGINT, SIGPIPE, SIGTERM};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        signal(ends[i], remove_and_end);
    if (mkdir(folders[0], 0700) != 0 || mkdir(folders[1], 0700) != 0)
        fail("cannot make a folder in", base);
    memcpy(files.plain, folders[0], sizeof folders[0]);
    memcpy(files.packed, folders[1], sizeof folders[1]);
}

/* Images that gzip can do something with: flat, with noise in the middle. */
static void make_up(size_t samples)
{
    uint32_t state = 1;
    files.samples = samples;
    files.features = (size_t)SIDE * SIDE;
    files.values = allocate(samples * files.features);
    files.labels = allocate(samples * sizeof *files.labels);
    for (size_t i = 0; i < samples; i++) {
        for (size_t j = 0; j < files.features; j++) {
            const size_t row = j / SIDE, col = j % SIDE;
            const bool inside = row > 4 && row < 23 && col > 4 && col < 23;
            state = state * 1664525u + 1013904223u;
            files.values[i * files.features + j] = inside ? (uint8_t)(state >> 25) : 0;
        }
        files.labels[i] = (int32_t)(state >> 8) % CLASSES;
    }
}

/* False where `from` has no such data set. */
static bool read_real(const char *from)
{
    lam_dataset *data = lam_dataset_load(from, LAM_SPLIT_TRAIN, NULL);
    if (!data || lam_dataset_dtype(data) != LAM_UINT8 || !data->labels) {
        lam_dataset_free(data);
        return false;
    }
    files.real = true;
    files.samples = data->samples;
    files.features = data->features;
    files.values = allocate(data->samples * data->features);
    files.labels = allocate(data->samples * sizeof *files.labels);
    memcpy(files.values, data->x, data->samples * data->features);
    memcpy(files.labels, data->labels, data->samples * sizeof *files.labels);
    lam_dataset_free(data);
    return true;
}

/* The bytes of an IDX file of images (which == 0) or labels. The caller frees them. */
static uint8_t *idx_bytes(int which, size_t *size)
{
    const uint32_t images[] = {0x0803, (uint32_t)files.samples, 1, (uint32_t)files.features};
    const uint32_t labels[] = {0x0801, (uint32_t)files.samples};
    const uint32_t *words = which ? labels : images;
    const size_t count = which ? 2 : 4;
    *size = 4 * count + files.samples * (which ? 1 : files.features);
    uint8_t *bytes = allocate(*size), *to = bytes;
    for (size_t i = 0; i < count; i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            *to++ = (uint8_t)(words[i] >> shift);
    if (!which)
        memcpy(to, files.values, files.samples * files.features);
    else
        for (size_t i = 0; i < files.samples; i++)
            *to++ = (uint8_t)files.labels[i];
    return bytes;
}

static void write_plain(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        fail("cannot write", path);
}

#if LAM__HAVE_GZIP
static void write_packed(const char *path, const uint8_t *bytes, size_t size)
{
    gzFile file = gzopen(path, "wb6");
    if (!file || gzwrite(file, bytes, (unsigned)size) != (int)size || gzclose(file) != Z_OK)
        fail("cannot write", path);
}

static void read_packed_images(void)
{
    struct stat status;
    const char *path = files.packed_images;
    FILE *file = fopen(path, "rb");
    if (!file || stat(path, &status) != 0)
        fail("cannot read", path);
    files.packed_size = (size_t)status.st_size;
    files.packed_bytes = allocate(files.packed_size);
    if (fread(files.packed_bytes, 1, files.packed_size, file) != files.packed_size)
        fail("cannot read", path);
    fclose(file);
}

/* The gzipped files of `from` where it has them, else our own. */
static void find_packed(const char *from)
{
    char path[2][sizeof files.packed_images];
    bool there = files.real && strlen(from) < sizeof files.packed;
    for (int i = 0; there && i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s.gz", from, names[i]);
        there = access(path[i], R_OK) == 0;
    }
    if (there)
        snprintf(files.packed, sizeof files.packed, "%s", from);
    for (int i = 0; !there && i < 2; i++) {
        size_t size;
        uint8_t *bytes = idx_bytes(i, &size);
        snprintf(path[i], sizeof path[i], "%s/%s.gz", files.packed, names[i]);
        write_packed(path[i], bytes, size);
        free(bytes);
    }
    memcpy(files.packed_images, path[0], sizeof path[0]);
    read_packed_images();
}

size_t data_files_inflate(const data_files *f, uint8_t *to, size_t room)
{
    z_stream stream = {.next_in = f->packed_bytes,
                       .avail_in = (unsigned)f->packed_size,
                       .next_out = to,
                       .avail_out = (unsigned)room};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) /* the largest window, gzip's header */
        return 0;
    const int end = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return end == Z_STREAM_END ? stream.total_out : 0;
}
#else
static void find_packed(const char *from)
{
    (void)from;
    files.packed[0] = '\0';
}

size_t data_files_inflate(const data_files *f, uint8_t *to, size_t room)
{
    (void)f;
    (void)to;
    (void)room;
    return 0;
}
#endif

const data_files *data_files_open(const char *from, size_t samples)
{
    if (!read_real(from))
        make_up(samples);
    make_folders();
    find_packed(from);
    for (int i = 0; i < 2; i++) {
        char path[sizeof files.plain_images];
        size_t size;
        uint8_t *bytes = idx_bytes(i, &size);
        snprintf(path, sizeof path, "%s/%s", files.plain, names[i]);
        write_plain(path, bytes, size);
        free(bytes);
        if (i == 0)
            memcpy(files.plain_images, path, sizeof path);
    }
    return &files;
}
