/* test_npy.c: broken and hostile .npy files; whole ones are in tests/golden/test_arrays.c. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "base/memory.h"
#include "data/readers/arrays/npy.h"

struct file {
    unsigned char bytes[1024];
    size_t size;
};

/* Version 1 with this header and `count` bytes of values, 0, 1, 2... */
static void make(struct file *file, const char *header, size_t count)
{
    const size_t length = strlen(header);
    memcpy(file->bytes, "\x93NUMPY\1\0", 8);
    file->bytes[8] = (unsigned char)length;
    file->bytes[9] = (unsigned char)(length >> 8);
    memcpy(file->bytes + 10, header, length);
    for (size_t i = 0; i < count; i++)
        file->bytes[10 + length + i] = (unsigned char)i;
    file->size = 10 + length + count;
}

struct malformed {
    const char *header;
    size_t count;
    lam_status status;
    const char *message; /* a part of it */
};

#define HEAD(descr, fortran, shape)                                                                \
    "{'descr': " descr ", 'fortran_order': " fortran ", 'shape': " shape ", }"

static const struct malformed table[] = {
    {HEAD("'|O'", "False", "(1,)"), 8, LAM_ERR_UNSUPPORTED,
     "in.npy: byte 20: type '|O' is refused: an array of Python objects"},
    {HEAD("'<c8'", "False", "(1,)"), 8, LAM_ERR_UNSUPPORTED, "an array of complex numbers"},
    {HEAD("'<U3'", "False", "(1,)"), 12, LAM_ERR_UNSUPPORTED, "an array of text"},
    {HEAD("'|S3'", "False", "(1,)"), 3, LAM_ERR_UNSUPPORTED, "an array of byte strings"},
    {HEAD("'<M8[ns]'", "False", "(1,)"), 8, LAM_ERR_UNSUPPORTED, "an array of dates"},
    {HEAD("'|V8'", "False", "(1,)"), 8, LAM_ERR_UNSUPPORTED, "an array of records"},
    {HEAD("[('a', '<f4')]", "False", "(1,)"), 4, LAM_ERR_UNSUPPORTED, "records with named fields"},
    {HEAD("'<f16'", "False", "(1,)"), 16, LAM_ERR_UNSUPPORTED, "type '<f16' is not supported"},
    {HEAD("'<i3'", "False", "(1,)"), 3, LAM_ERR_UNSUPPORTED, "type '<i3' is not supported"},
    {HEAD("'<f4x'", "False", "(1,)"), 4, LAM_ERR_UNSUPPORTED, "'<f4x' is not supported"},
    {HEAD("''", "False", "(1,)"), 4, LAM_ERR_UNSUPPORTED, "'' is not supported"},
    {HEAD("'<\\x66'", "False", "(1,)"), 4, LAM_ERR_FORMAT, "has '\\' where a type"},
    {HEAD("f4", "False", "(1,)"), 4, LAM_ERR_FORMAT, "byte 20: the header has 'f' where a type"},
    {HEAD("'<f4'", "0", "(1,)"), 4, LAM_ERR_FORMAT, "has '0' where True or False"},
    {HEAD("'<f4'", "False", "1"), 4, LAM_ERR_FORMAT, "has '1' where a tuple"},
    {HEAD("'<f4'", "False", "(1)"), 4, LAM_ERR_FORMAT, "has ')' where a comma"},
    {HEAD("'<f4'", "False", "(-1,)"), 4, LAM_ERR_FORMAT, "has '-' where a dimension"},
    {HEAD("'<f4'", "False", "(1.0,)"), 4, LAM_ERR_FORMAT, "has '.' where a comma"},
    {HEAD("'<f4'", "False", "(1,,)"), 4, LAM_ERR_FORMAT, "has ',' where a dimension"},
    {HEAD("'<f4'", "False", "()"), 4, LAM_ERR_FORMAT, "a single number (shape ())"},
    {HEAD("'<f4'", "False", "(0,)"), 0, LAM_ERR_FORMAT, "dimension 0 is 0"},
    {HEAD("'<f4'", "False", "(2, 0)"), 0, LAM_ERR_FORMAT, "dimension 1 is 0"},
    {HEAD("'<f4'", "False", "(99999999999999999999,)"), 4, LAM_ERR_FORMAT,
     "has '9' where a dimension that can be addressed"},
    {HEAD("'<f4'", "False", "(4294967296, 4294967296)"), 4, LAM_ERR_FORMAT,
     SIZE_MAX > UINT32_MAX
         ? "the dimensions up to number 1 (4294967296) ask for more bytes than can be addressed"
         : "has '4' where a dimension that can be addressed"},
    {HEAD("'|u1'", "False", "(9223372036854775807,)"), 4, LAM_ERR_FORMAT, "can be addressed"},
    {HEAD("'<f8'", "False", "(1000000000000,)"), 8, LAM_ERR_FORMAT,
     SIZE_MAX > UINT32_MAX ? "1000000000000 samples of 1 values need 8000000000000 bytes"
                           : "has '1' where a dimension that can be addressed"},
    {HEAD("'<f4'", "False", "(3,)"), 11, LAM_ERR_FORMAT, "truncated at byte"},
    {HEAD("'<f4'", "False", "(3,)"), 13, LAM_ERR_FORMAT, "trailing bytes from byte"},
    {HEAD("'<f4'", "False", "(3,)") "x", 12, LAM_ERR_FORMAT, "has 'x' where only space"},
    {"{'descr': '<f4', 'shape': (1,)}", 4, LAM_ERR_FORMAT,
     "has '}' where 'descr', 'fortran_order' and 'shape' were expected before"},
    {"{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}", 4, LAM_ERR_FORMAT,
     "byte 27: the header has ''' where the key"},
    {"{'other': 1}", 4, LAM_ERR_FORMAT, "byte 11: the header has ''' where the key"},
    {"{'descr' '<f4'}", 4, LAM_ERR_FORMAT, "where a colon"},
    {"{'descr': '<f4'; }", 4, LAM_ERR_FORMAT, "has ';' where ',' or '}'"},
    {"[]", 4, LAM_ERR_FORMAT, "byte 10: the header has '[' where '{'"},
    {"{", 4, LAM_ERR_FORMAT, "byte 11: the header has its end where the key"},
    {"", 4, LAM_ERR_FORMAT, "byte 10: the header has its end where '{'"},
    {"{\x01", 0, LAM_ERR_FORMAT, "byte 11: the header has byte 01 where the key"},
};

Test(npy, refuses_what_is_malformed)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct file file;
        lam__npy npy;
        make(&file, table[i].header, table[i].count);
        const lam_status status = lam__npy_parse(file.bytes, file.size, "in.npy", 0, &npy);
        cr_expect_eq(status, table[i].status, "%s: status %d", table[i].header, (int)status);
        cr_expect(strstr(lam_error_message(), table[i].message), "%s: %s", table[i].header,
                  lam_error_message());
        cr_expect_null(npy.values);
    }
}

static void expect_refused(const void *bytes, size_t size, lam_status status, const char *message)
{
    lam__npy npy;
    cr_expect_eq(lam__npy_parse(bytes, size, "in.npy", 0, &npy), status);
    cr_expect(strstr(lam_error_message(), message), "%s", lam_error_message());
}

Test(npy, refuses_other_starts)
{
    expect_refused("", 0, LAM_ERR_FORMAT, "truncated: byte 0: the start");
    expect_refused("\x93NUMPX\1\0\2\0{}", 12, LAM_ERR_FORMAT, "byte 0: not an .npy file");
    expect_refused("\x93NUMPY\4\0\2\0{}", 12, LAM_ERR_UNSUPPORTED, "byte 6: version 4.0");
    expect_refused("\x93NUMPY\1\1\2\0{}", 12, LAM_ERR_UNSUPPORTED, "byte 6: version 1.1");
    expect_refused("\x93NUMPY\1\0\2", 9, LAM_ERR_FORMAT, "byte 8: the length of the header");
    expect_refused("\x93NUMPY\1\0\5\0{}", 12, LAM_ERR_FORMAT, "byte 10: the header needs 5 bytes");
    expect_refused("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14, LAM_ERR_FORMAT,
                   "byte 8: a header of 4294967295 bytes, at most 65536");
    expect_refused("\x93NUMPY\1\0\3\0{\0}", 13, LAM_ERR_FORMAT, "byte 11: a NUL in the header");
}

Test(npy, truncated_at_every_length)
{
    struct file file;
    make(&file, HEAD("'<i2'", "True", "(3, 2)"), 12);
    for (size_t size = 0; size < file.size; size++) {
        lam__npy npy;
        cr_assert_eq(lam__npy_parse(file.bytes, size, "in.npy", 0, &npy), LAM_ERR_FORMAT, "%zu",
                     size);
    }
}

Test(npy, headers_as_others_write_them)
{
    static const char *const headers[] = {
        HEAD("'<i2'", "True", "(3, 2)"), "{'shape':(3,2),'fortran_order':True,'descr':\"<i2\"}",
        " {\n'descr' : '<i2' ,'fortran_order' : True , 'shape' : ( 3L , 2L , ) , }\t \r\n"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct file file;
        lam__npy npy;
        make(&file, headers[i], 12);
        cr_assert_eq(lam__npy_parse(file.bytes, file.size, "in.npy", 0, &npy), LAM_OK, "%s",
                     lam_error_message());
        const float *x = npy.values; /* [3][2] of 0x0100, 0x0302, .. in the order of Fortran */
        cr_assert(npy.samples == 3 && npy.features == 2 && npy.rank == 2 && npy.fortran);
        cr_assert(x[0] == 0x0100 && x[1] == 0x0706 && x[2] == 0x0302 && x[5] == 0x0b0a);
        lam__release(npy.values);
    }
}

Test(npy, values_that_are_no_finite_floats)
{
    struct file file;
    make(&file, HEAD("'<f4'", "False", "(1, 2)"), 8);
    const float pair[2] = {1.0f, -HUGE_VALF};
    memcpy(file.bytes + file.size - 8, pair, 8);
    lam__npy npy;
    cr_assert_eq(lam__npy_parse(file.bytes, file.size, "in.npy", 0, &npy), LAM_ERR_NUMERIC);
    cr_assert(strstr(lam_error_message(), "in.npy: value 1 of sample 0 is infinite"), "%s",
              lam_error_message());
    make(&file, HEAD("'<f8'", "False", "(1,)"), 8);
    const double large = 1e300;
    memcpy(file.bytes + file.size - 8, &large, 8);
    cr_assert_eq(lam__npy_parse(file.bytes, file.size, "in.npy", 0, &npy), LAM_ERR_NUMERIC);
}

Test(npy, bool_is_zero_or_one)
{
    struct file file;
    lam__npy npy;
    make(&file, HEAD("'|b1'", "False", "(4,)"), 4);
    cr_assert_eq(lam__npy_parse(file.bytes, file.size, "in.npy", 0, &npy), LAM_OK);
    cr_assert_eq(npy.dtype, LAM_UINT8);
    cr_assert_eq(memcmp(npy.values, "\0\1\1\1", 4), 0);
    lam__release(npy.values);
}

Test(npy, from_a_file)
{
    char folder[256], path[512];
    struct file file;
    lam__npy npy;
    scratch_make(folder);
    make(&file, HEAD("'|u1'", "False", "(3, 2)"), 6);
    scratch_write(scratch_path(folder, "a.npy", path), file.bytes, file.size);
    cr_assert_eq(lam__npy_read(path, 2, 0, &npy), LAM_OK, "%s", lam_error_message());
    cr_assert(npy.total == 3 && npy.samples == 2 && npy.features == 2);
    cr_assert_eq(npy.offset, file.size - 6);
    lam__release(npy.values);
    cr_assert_eq(lam__npy_read_header(path, &npy), LAM_OK);
    cr_assert(npy.total == 3 && !npy.values);
    cr_assert_eq(lam__npy_read(folder, 0, 0, &npy), LAM_ERR_IO);
    scratch_remove(folder);
}
