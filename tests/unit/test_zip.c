/* test_zip.c: zip archives, whole, damaged and hostile. The archives are made here byte by byte. */
#include <criterion/criterion.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/archives.h"
#include "../support/scratch.h"
#include "base/memory.h"
#include "io/zip_read.h"
#include "lamina_features.h"

#if LAM__HAVE_ZIP

/* "hello" stored, and 300 times 'a' deflated (Python's zlib, raw deflate). */
#define HELLO                                                                                      \
    {                                                                                              \
        "hello.txt", "hello", 5, 5, 0x3610a686, 0, 0                                               \
    }
static const struct entry whole[] = {
    HELLO, {"folder/a", "\x4b\x4c\x1c\x05\xc4\x02\x00", 7, 300, 0x89971909, 8, 0}};

static lam__zip *open_archive(const struct archive *from)
{
    lam__zip *zip = NULL;
    cr_assert_eq(lam__zip_open_memory(from->bytes, from->size, "test.zip", &zip), LAM_OK, "%s",
                 lam_error_message());
    return zip;
}

static void expect_entries(lam__zip *zip)
{
    unsigned char *bytes;
    size_t size;
    cr_assert_eq(lam__zip_entries(zip), 2);
    cr_assert_str_eq(lam__zip_entry_name(zip, 0), "hello.txt");
    cr_assert_str_eq(lam__zip_entry_name(zip, 2), "");
    cr_assert_eq(lam__zip_entry_claims(zip, 1), 300);
    cr_assert_eq(lam__zip_find(zip, "folder/a"), 1);
    cr_assert_eq(lam__zip_find(zip, "folder"), LAM__ZIP_NONE);
    cr_assert_eq(lam__zip_read(zip, 0, 5, &bytes, &size), LAM_OK, "%s", lam_error_message());
    cr_assert(size == 5 && memcmp(bytes, "hello", 5) == 0);
    lam__release(bytes);
    cr_assert_eq(lam__zip_read(zip, 1, 300, &bytes, &size), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(size, 300);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(bytes[i], 'a');
    lam__release(bytes);
    cr_assert_eq(lam__zip_read(zip, 1, 299, &bytes, &size), LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "test.zip: folder/a: 300 bytes, at most 299"), "%s",
              lam_error_message());
    cr_assert_eq(lam__zip_read(zip, 2, 9, &bytes, &size), LAM_ERR_ARGUMENT);
}

Test(zip, entries_from_memory_and_file)
{
    struct archive archive;
    make_archive(&archive, whole, 2);
    cr_assert(lam__zip_recognizes(archive.bytes, archive.size));
    cr_assert_not(lam__zip_recognizes("PK\3", 3));
    lam__zip *zip = open_archive(&archive);
    expect_entries(zip);
    lam__zip_close(zip);
    char folder[256], path[512];
    scratch_make(folder);
    scratch_write(scratch_path(folder, "test.zip", path), archive.bytes, archive.size);
    cr_assert_eq(lam__zip_open(path, &zip), LAM_OK, "%s", lam_error_message());
    expect_entries(zip);
    lam__zip_close(zip);
    lam__zip_close(NULL);
    scratch_remove(folder);
}

Test(zip, streams_in_pieces)
{
    struct archive archive;
    make_archive(&archive, whole, 2);
    lam__zip *zip = open_archive(&archive);
    lam__zip_stream stream;
    cr_assert_eq(lam__zip_stream_open(&stream, zip, 1), LAM_OK, "%s", lam_error_message());
    cr_assert_str_eq(stream.name, "test.zip: folder/a");
    char piece[70];
    for (size_t left = 300; left > 0;) {
        size_t got;
        cr_assert_eq(lam__zip_stream_read(&stream, piece, sizeof piece, &got), LAM_OK, "%s",
                     lam_error_message());
        cr_assert_eq(got, left < sizeof piece ? left : sizeof piece);
        left -= got;
        cr_assert_eq(stream.position, 300 - left);
    }
    lam__zip_stream_close(&stream);
    lam__zip_close(zip);
}

struct broken {
    struct entry entry;
    lam_status status;
    const char *message;
};

static const struct broken broken[] = {
    {{"a", "hello", 5, 5, 0x3610a687, 0, 0}, LAM_ERR_FORMAT, "CRC error"},
    {{"a", "hello", 5, 6, 0x3610a686, 0, 0},
     LAM_ERR_FORMAT,
     "test.zip: a: 5 packed bytes cannot hold the 6 it claims (stored)"},
    {{"a", "hello", 5, 0x70000000, 0x3610a686, 8, 0},
     LAM_ERR_FORMAT,
     "5 packed bytes cannot hold the 1879048192 it claims"},
    {{"a", "hello", 5, 5, 0x3610a686, 8, 0}, LAM_ERR_FORMAT, "test.zip: a: damaged"},
    {{"a", "hello", 5, 5, 0x3610a686, 12, 0}, LAM_ERR_UNSUPPORTED, "packed by method 12"},
    {{"a", "hello", 5, 5, 0x3610a686, 0, 1}, LAM_ERR_UNSUPPORTED, "test.zip: a is encrypted"},
    {{"a", "\x4b\x4c\x1c\x05\xc4\x02\x00", 7, 200, 0x89971909, 8, 0},
     LAM_ERR_FORMAT,
     "test.zip: a"},
    {{"a", "\x4b\x4c\x1c\x05\xc4\x02\x00", 7, 400, 0x89971909, 8, 0},
     LAM_ERR_FORMAT,
     "test.zip: a"},
    {{"a", "\x4b\x4c\x1c\x05\xc4\x02\x00", 5, 300, 0x89971909, 8, 0},
     LAM_ERR_FORMAT,
     "test.zip: a"},
};

Test(zip, refuses_what_is_broken)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct archive archive;
        unsigned char *bytes;
        size_t size;
        make_archive(&archive, &broken[i].entry, 1);
        lam__zip *zip = open_archive(&archive);
        lam_status status = lam__zip_read(zip, 0, UINT64_MAX, &bytes, &size);
        cr_expect_eq(status, broken[i].status, "row %zu: %d %s", i, (int)status,
                     lam_error_message());
        cr_expect(strstr(lam_error_message(), broken[i].message), "row %zu: %s", i,
                  lam_error_message());
        lam__zip_close(zip);
    }
}

/* As old programs wrote them: in code page 437, where they are not UTF-8. */
Test(zip, names_in_the_old_code_page)
{
    const struct entry entries[] = {{"\x81\xe0\xdb.npy", "hello", 5, 5, 0x3610a686, 0, 0},
                                    {"\xc3\xbc.npy", "hello", 5, 5, 0x3610a686, 0, 0}};
    struct archive archive;
    make_archive(&archive, entries, 2);
    lam__zip *zip = open_archive(&archive);
    cr_expect_str_eq(lam__zip_entry_name(zip, 0), "\xc3\xbc\xce\xb1\xe2\x96\x88.npy");
    cr_expect_str_eq(lam__zip_entry_name(zip, 1), "\xc3\xbc.npy");
    lam__zip_close(zip);
}

/* Cut anywhere, the directory at the end is gone. */
Test(zip, truncated_at_every_length)
{
    struct archive archive;
    make_archive(&archive, whole, 2);
    for (size_t size = 0; size < archive.size; size++) {
        lam__zip *zip = NULL;
        cr_assert_eq(lam__zip_open_memory(archive.bytes, size, "cut.zip", &zip), LAM_ERR_FORMAT,
                     "%zu bytes", size);
        cr_assert(strstr(lam_error_message(), "cut.zip: not a readable zip archive"), "%s",
                  lam_error_message());
    }
}

Test(zip, files_that_are_none)
{
    char folder[256], path[512];
    lam__zip *zip = NULL;
    scratch_make(folder);
    cr_expect_eq(lam__zip_open(folder, &zip), LAM_ERR_IO);
    cr_expect_eq(lam__zip_open(scratch_path(folder, "none", path), &zip), LAM_ERR_IO);
    scratch_write(path, "", 0);
    cr_expect_eq(lam__zip_open(path, &zip), LAM_ERR_FORMAT);
    scratch_write(path, "hello", 5);
    cr_expect_eq(lam__zip_open(path, &zip), LAM_ERR_FORMAT);
    cr_expect_null(zip);
    scratch_remove(folder);
}

#else

Test(zip, without_minizip)
{
    lam__zip *zip;
    cr_assert_eq(lam__zip_open_memory("PK\3\4", 4, "a.npz", &zip), LAM_ERR_UNSUPPORTED);
    cr_assert(strstr(lam_error_message(), "no minizip"));
    cr_assert_eq(lam__zip_open("a.npz", &zip), LAM_ERR_UNSUPPORTED);
    cr_assert_null(zip);
}
#endif
