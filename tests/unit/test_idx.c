/* test_idx.c: IDX files, whole and broken. */
#include <criterion/criterion.h>

#include <math.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "base/memory.h"
#include "data/readers/arrays/idx.h"
#include "lamina_features.h"

#if LAM__HAVE_GZIP
#include <zlib.h>
#endif

/* 3 samples of 2 x 2 bytes. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0,  0,
                                       0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};

#define BYTES(...)                                                                                 \
    (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__})

struct malformed {
    const char *what;
    const unsigned char *bytes;
    size_t size;
    lam_status status;
    const char *message; /* a part of it */
};

static const struct malformed table[] = {
    {"empty", BYTES(0), LAM_ERR_FORMAT, "truncated: byte 0"},
    {"text", BYTES('h', 'e', 'l', 'l', 'o'), LAM_ERR_FORMAT, "byte 0: not an IDX file"},
    {"second byte", BYTES(0, 1, 8, 1, 0, 0, 0, 1, 7), LAM_ERR_FORMAT, "begins with 00 01 08 01"},
    {"signed", BYTES(0, 0, 9, 1, 0, 0, 0, 1, 7), LAM_ERR_FORMAT, "0x09 (signed byte)"},
    {"short", BYTES(0, 0, 0x0b, 1, 0, 0, 0, 1, 7, 7), LAM_ERR_FORMAT, "0x0b (16-bit integer)"},
    {"int", BYTES(0, 0, 0x0c, 1, 0, 0, 0, 1, 7, 7, 7, 7), LAM_ERR_FORMAT, "(32-bit integer)"},
    {"double", BYTES(0, 0, 0x0e, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), LAM_ERR_FORMAT,
     "(64-bit float)"},
    {"type", BYTES(0, 0, 0x0a, 1, 0, 0, 0, 1, 7), LAM_ERR_FORMAT, "0x0a (unknown)"},
    {"no dimensions", BYTES(0, 0, 8, 0, 1), LAM_ERR_FORMAT, "byte 3: 0 dimensions"},
    {"missing dimension", BYTES(0, 0, 8, 2, 0, 0, 0, 1, 0, 0), LAM_ERR_FORMAT,
     "truncated: byte 8: a dimension needs 4 bytes, 2"},
    {"no samples", BYTES(0, 0, 8, 1, 0, 0, 0, 0), LAM_ERR_FORMAT, "byte 4: dimension 0 is 0"},
    {"no features", BYTES(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 0), LAM_ERR_FORMAT,
     "byte 8: dimension 1 is 0"},
    {"short data", BYTES(0, 0, 8, 1, 0, 0, 0, 3, 1, 2), LAM_ERR_FORMAT,
     "truncated at byte 10: 3 samples of 1 values need 3 bytes after the header of 8, found 2"},
    {"trailing", BYTES(0, 0, 8, 1, 0, 0, 0, 1, 1, 2), LAM_ERR_FORMAT,
     "trailing bytes from byte 9 on"},
    {"huge", BYTES(0, 0, 8, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 1), LAM_ERR_FORMAT,
     SIZE_MAX > UINT32_MAX ? "truncated at byte 13" : "more bytes than can be addressed"},
    {"overflow",
     BYTES(0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
     LAM_ERR_FORMAT, "more bytes than can be addressed"},
    {"float overflow", BYTES(0, 0, 0x0d, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
     LAM_ERR_FORMAT,
     SIZE_MAX > UINT32_MAX ? "byte 8: the dimensions up to this one (4294967295) ask for more"
                           : "byte 4: the dimensions up to this one (4294967295) ask for more"},
    {"nan", BYTES(0, 0, 0x0d, 1, 0, 0, 0, 2, 0x3f, 0x80, 0, 0, 0x7f, 0xc0, 0, 0), LAM_ERR_NUMERIC,
     "byte 12: value 0 of sample 1"},
    {"infinity", BYTES(0, 0, 0x0d, 1, 0, 0, 0, 1, 0xff, 0x80, 0, 0), LAM_ERR_NUMERIC, "ff800000"},
    {"gzip of nothing", BYTES(0x1f, 0x8b), LAM__HAVE_GZIP ? LAM_ERR_FORMAT : LAM_ERR_UNSUPPORTED,
     LAM__HAVE_GZIP ? "truncated: the gzip data end at byte 2" : "no zlib"},
    {"gzip garbage", BYTES(0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9),
     LAM__HAVE_GZIP ? LAM_ERR_FORMAT : LAM_ERR_UNSUPPORTED,
     LAM__HAVE_GZIP ? "damaged gzip data near byte" : "no zlib"},
};

static void expect_refused(const void *bytes, size_t size, lam_status status, const char *message,
                           const char *what)
{
    lam__idx idx;
    lam_status got = lam__idx_parse(bytes, size, "some.file", 0, &idx);
    cr_assert_eq(got, status, "%s: %s: %s", what, lam_status_name(got), lam_error_message());
    cr_assert_eq(lam_error_status(), status);
    cr_assert(strstr(lam_error_message(), message), "%s: '%s'", what, lam_error_message());
    cr_assert(strncmp(lam_error_message(), "some.file", 9) == 0, "%s", lam_error_message());
    cr_assert_null(idx.values);
}

Test(idx, malformed)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_refused(table[i].bytes, i == 0 ? 0 : table[i].size, table[i].status,
                       table[i].message, table[i].what);
}

Test(idx, bytes_in_three_dimensions)
{
    lam__idx idx;
    cr_assert_eq(lam__idx_parse(images, sizeof images, "images", 0, &idx), LAM_OK);
    cr_assert_eq(idx.dtype, LAM_UINT8);
    cr_assert_eq(idx.rank, 3);
    cr_assert_eq(idx.total, 3);
    cr_assert_eq(idx.samples, 3);
    cr_assert_eq(idx.features, 4);
    cr_assert_eq(memcmp(idx.values, images + 16, 12), 0);
    lam__release(idx.values);
}

Test(idx, floats)
{
    static const unsigned char file[] = {0,    0,    0x0d, 2,    0,    0, 0,    2,    0, 0,
                                         0,    2,    0x3f, 0x80, 0,    0, 0xc0, 0x20, 0, 0,
                                         0x7f, 0x7f, 0xff, 0xff, 0x80, 0, 0,    1};
    lam__idx idx;
    cr_assert_eq(lam__idx_parse(file, sizeof file, "floats", 0, &idx), LAM_OK);
    cr_assert_eq(idx.dtype, LAM_FLOAT32);
    const float *values = idx.values;
    cr_assert(values[0] == 1.0f && values[1] == -2.5f && values[2] == 3.40282347e38f);
    cr_assert(values[3] < 0 && values[3] > -1e-44f);
    lam__release(idx.values);
}

Test(idx, limit)
{
    lam__idx idx;
    cr_assert_eq(lam__idx_parse(images, sizeof images, "images", 2, &idx), LAM_OK);
    cr_assert_eq(idx.total, 3);
    cr_assert_eq(idx.samples, 2);
    cr_assert_eq(memcmp(idx.values, images + 16, 8), 0);
    lam__release(idx.values);
    cr_assert_eq(lam__idx_parse(images, sizeof images, "images", 9, &idx), LAM_OK);
    cr_assert_eq(idx.samples, 3);
    lam__release(idx.values);
    /* the whole file is checked even when a part of it would do */
    cr_assert_eq(lam__idx_parse(images, sizeof images - 1, "images", 1, &idx), LAM_ERR_FORMAT);
}

Test(idx, truncated_at_every_length)
{
    for (size_t size = 0; size < sizeof images; size++)
        expect_refused(images, size, LAM_ERR_FORMAT, "truncated", "plain");
}

Test(idx, paths)
{
    char folder[256], path[512];
    scratch_make(folder);
    scratch_write(scratch_path(folder, "a.idx", path), images, sizeof images);
    lam_dataset *set = lam_dataset_load_idx(path, NULL);
    cr_assert_not_null(set, "%s", lam_error_message());
    float x[4];
    cr_assert_eq(lam_dataset_samples(set), 3);
    cr_assert_eq(lam_dataset_sample(set, 2, x), LAM_OK);
    cr_assert(x[0] == 8 && x[3] == 255);
    cr_assert_eq(lam_dataset_classes(set), 0);
    cr_assert_eq(lam_dataset_class(set, 0), -1);
    lam_dataset_free(set);

    cr_assert_null(lam_dataset_load_idx(scratch_path(folder, "missing", path), NULL));
    cr_assert_eq(lam_error_status(), LAM_ERR_IO);
    cr_assert(strstr(lam_error_message(), "missing"));
    cr_assert_null(lam_dataset_load_idx(folder, NULL));
    cr_assert_eq(lam_error_status(), LAM_ERR_IO);
    cr_assert(strstr(lam_error_message(), "it is a folder"));
    cr_assert_null(lam_dataset_load_idx("/dev/null", NULL));
    cr_assert(strstr(lam_error_message(), "not a regular file"));
    cr_assert_eq(mkfifo(scratch_path(folder, "pipe", path), 0600), 0);
    cr_assert_null(lam_dataset_load_idx(path, NULL)); /* and does not wait for a writer */
    cr_assert_eq(lam_error_status(), LAM_ERR_IO);
    cr_assert_null(lam_dataset_load_idx(NULL, NULL));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    scratch_remove(folder);
}

#if LAM__HAVE_GZIP
/* Packs bytes; the result is to be freed. */
static unsigned char *pack(const void *bytes, size_t size, size_t *packed_size)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (unsigned)size};
    unsigned char *packed = malloc(size + 200);
    z.next_out = packed;
    z.avail_out = (unsigned)size + 200;
    cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    *packed_size = z.total_out;
    deflateEnd(&z);
    return packed;
}

Test(idx, gzip_is_told_by_content)
{
    char folder[256], path[512];
    size_t size;
    unsigned char *packed = pack(images, sizeof images, &size);
    scratch_make(folder);
    scratch_write(scratch_path(folder, "no-ending", path), packed, size);
    lam_dataset *set = lam_dataset_load_idx(path, NULL);
    cr_assert_not_null(set, "%s", lam_error_message());
    cr_assert_eq(lam_dataset_features(set), 4);
    lam_dataset_free(set);
    scratch_write(scratch_path(folder, "plain.gz", path), images, sizeof images);
    set = lam_dataset_load_idx(path, NULL);
    cr_assert_not_null(set, "%s", lam_error_message());
    lam_dataset_free(set);
    free(packed);
    scratch_remove(folder);
}

Test(idx, gzip_truncated_at_every_length)
{
    size_t size;
    unsigned char *packed = pack(images, sizeof images, &size);
    for (size_t cut = 2; cut < size; cut++)
        expect_refused(packed, cut, LAM_ERR_FORMAT, "truncated", "gzip");
    free(packed);
}

/* A change is found by inflate, by the checksum or by the sizes, or leaves the same data: the
 * header of gzip has 7 bytes that do not matter (time, level, system), and the last byte of the
 * packed data up to 7 bits. */
Test(idx, gzip_every_byte_changed)
{
    size_t size, accepted = 0;
    unsigned char *packed = pack(images, sizeof images, &size);
    for (size_t at = 0; at < size; at++)
        for (int bit = 0; bit < 8; bit++) {
            lam__idx idx;
            packed[at] ^= (unsigned char)(1 << bit);
            if (lam__idx_parse(packed, size, "packed", 0, &idx) == LAM_OK) {
                accepted++;
                cr_assert_eq(memcmp(idx.values, images + 16, 12), 0);
                lam__release(idx.values);
            }
            packed[at] ^= (unsigned char)(1 << bit);
        }
    cr_assert(accepted <= 7 * 8 + 7);
    free(packed);
}

Test(idx, gzip_trailing_and_members)
{
    size_t first_size, second_size;
    unsigned char *first = pack(images, 20, &first_size);
    unsigned char *second = pack(images + 20, sizeof images - 20, &second_size);
    unsigned char both[400];
    memcpy(both, first, first_size);
    memcpy(both + first_size, second, second_size);
    size_t size = first_size + second_size;
    lam__idx idx; /* two members are one file */
    cr_assert_eq(lam__idx_parse(both, size, "both", 0, &idx), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(memcmp(idx.values, images + 16, 12), 0);
    lam__release(idx.values);
    memcpy(both + size, "extra", 5);
    expect_refused(both, size + 5, LAM_ERR_FORMAT, "5 trailing bytes after the gzip data", "extra");
    memcpy(both + size, first, first_size); /* more data than the header says */
    expect_refused(both, size + first_size, LAM_ERR_FORMAT, "trailing bytes from byte 28", "more");
    free(first);
    free(second);
}

static size_t in_use, peak;

static void *counting_allocate(size_t size, size_t alignment, void *user)
{
    (void)user, (void)alignment;
    size_t *block = aligned_alloc(64, (size + 64 + 63) / 64 * 64);
    *block = size;
    in_use += size;
    if (in_use > peak)
        peak = in_use;
    return (char *)block + 64;
}

static void counting_release(void *pointer, void *user)
{
    (void)user;
    if (!pointer)
        return;
    size_t *block = (size_t *)(void *)((char *)pointer - 64);
    in_use -= *block;
    free(block);
}

/* A header that claims 2^30 bytes gets room for what really comes. */
Test(idx, hostile_gzip_allocates_what_comes)
{
    enum { LENGTH = 300000 };
    unsigned char *file = calloc(1, LENGTH);
    const unsigned char header[] = {0, 0, 8, 2, 0x00, 0x10, 0, 0, 0x00, 0, 0x04, 0};
    memcpy(file, header, sizeof header);
    size_t size;
    unsigned char *packed = pack(file, LENGTH, &size);
    const lam_allocator allocator = {counting_allocate, counting_release, NULL};
    cr_assert_eq(lam_set_allocator(&allocator), LAM_OK);
    expect_refused(packed, size, LAM_ERR_FORMAT, "truncated at byte 300000", "hostile");
    cr_assert_eq(lam_set_allocator(NULL), LAM_OK);
    cr_assert_eq(in_use, 0);
    cr_assert(peak > 0 && peak < 4 * LENGTH, "%zu bytes", peak);
    free(file);
    free(packed);
}

Test(idx, gzip_large_and_limited)
{
    enum { SAMPLES = 5000, FEATURES = 100 };
    size_t length = 12 + (size_t)SAMPLES * FEATURES, size;
    unsigned char *file = malloc(length);
    const unsigned char header[] = {0, 0, 8, 2,       0, 0, SAMPLES >> 8, SAMPLES & 255,
                                    0, 0, 0, FEATURES};
    memcpy(file, header, sizeof header);
    for (size_t i = 12; i < length; i++)
        file[i] = (unsigned char)(i / 1000); /* packs well: the buffer has to grow */
    unsigned char *packed = pack(file, length, &size);
    cr_assert(size < length / 20);
    lam__idx idx;
    cr_assert_eq(lam__idx_parse(packed, size, "large", 0, &idx), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(memcmp(idx.values, file + 12, length - 12), 0);
    lam__release(idx.values);
    cr_assert_eq(lam__idx_parse(packed, size, "large", 1234, &idx), LAM_OK);
    cr_assert_eq(idx.samples, 1234);
    cr_assert_eq(memcmp(idx.values, file + 12, 1234 * FEATURES), 0);
    lam__release(idx.values);
    free(file);
    free(packed);
}
#endif
