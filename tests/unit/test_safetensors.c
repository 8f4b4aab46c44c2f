/* test_safetensors.c: the reader and writer of tensors, whole files and broken ones. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdint.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "formats/safetensors/model_file.h"
#include "formats/safetensors/safetensors.h"
#include "io/checksum.h"
#include "lamina_features.h"

Test(crc32, known_values)
{
    unsigned char all[1000];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)(i * 7);
    cr_assert_eq(lam__crc32(0, "123456789", 9), 0xcbf43926u); /* the check value of CRC-32 */
    cr_assert_eq(lam__crc32_plain(0, "123456789", 9), 0xcbf43926u);
    cr_assert_eq(lam__crc32(0, all, 0), 0);
    for (size_t n = 0; n < sizeof all; n += 37)
        cr_assert_eq(lam__crc32_plain(0, all, n), lam__crc32(0, all, n));
    cr_assert_eq(lam__crc32(lam__crc32(0, all, 300), all + 300, 700), lam__crc32(0, all, 1000));
}

#if LAM__HAVE_JSON
/* A file of this header and `data` zero bytes; returns its size. */
static size_t make_file(const char *header, size_t data, unsigned char *file)
{
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(file + 8, header, length);
    memset(file + 8 + length, 0, data);
    return 8 + length + data;
}

#define T(name, dtype, shape, begin, end)                                                          \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end \
    "]}"

static const struct malformed {
    const char *header;
    size_t data;
    const char *message;
} table[] = {
    {"", 0, "byte 8: the header does not begin"},
    {"[]", 0, "byte 8: the header does not begin"},
    {" {}", 0, "byte 8: the header does not begin"},
    {"{", 0, "malformed header"},
    {"{}x", 0, "byte 10: malformed header: end of text"},
    {"{}", 1, "byte 10: 1 trailing bytes"},
    {"{\"a\":1}", 0, "tensor 'a': expected exactly"},
    {"{\"a\":{}}", 0, "tensor 'a': expected exactly"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("a", "F32", "[1]", 4, 8) "}", 8,
     "malformed header: dupl"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "duplicate"},
    {"{" T("a", "F33", "[1]", 0, 4) "}", 4, "unknown dtype 'F33'"},
    {"{" T("a", "f32", "[1]", 0, 4) "}", 4, "unknown dtype 'f32'"},
    {"{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype is missing or not"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"offsets\":[0,4]}}", 4, "data_offsets are not two"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "are not two sizes"},
    {"{" T("a", "F32", "1", 0, 4) "}", 4, "shape is not a list"},
    {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "at most 8"},
    {"{" T("a", "F32", "[-1]", 0, 4) "}", 4, "not a size"},
    {"{" T("a", "F32", "[1.0]", 0, 4) "}", 4, "not a size"},
    {"{" T("a", "F32", "[99999999999999999999]", 0, 4) "}", 4, "not a size"},
    {"{" T("a", "F32", "[01]", 0, 4) "}", 4, "not a size"},
    {"{" T("a", "F32", "[1 1]", 0, 4) "}", 4, "not a list"},
    {"{" T("a", "F32", "[1,]", 0, 4) "}", 4, "not a list"},
    {"{" T("a", "F32", "[,1]", 0, 4) "}", 4, "not a list"},
    {"{" T("a", "F32", "[1]", 0, 4) ",}", 4, "byte 62: malformed header: string expected"},
    {"{" T("a", "F32", "[1]", 0, 4) " " T("b", "F32", "[1]", 4, 8) "}", 8, "',' expected"},
    {"{" T("a", "F32", "[1]", 0, 4), 4, "malformed header: premature end"},
    {"{\"a\"}", 0, "byte 12: malformed header: ':' expected"},
    {"{\"a\":}", 0, "byte 13: malformed header: value expected"},
    {"{\"a\":\"", 0, "premature end"},
    {"{\"a\":[\"]}\"", 0, "premature end"},
    {"{\"\xff\":{}}", 0, "byte 9: malformed header: bytes that are not UTF-8"},
    {"{\"\t\":{}}", 0, "control character"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate key \"__metadata__\""},
    {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "duplicate key \"a\""},
    {"{\"__metadata__\":{\"a\":\"\\x\"}}", 0, "invalid escape"},
    {"{\"__metadata__\":{\"a\":\"\\u12g4\"}}", 0, "invalid escape"},
    {"{\"__metadata__\":{\"a\":\"\\ud800\"}}", 0, "an incomplete surrogate pair"},
    {"{\"__metadata__\":{\"a\":\"\\udc00\\ud800\"}}", 0, "an incomplete surrogate pair"},
    {"{" T("a", "F32", "[4294967295,4294967295,4294967295]", 0, 4) "}", 4,
     "more bytes than can be addressed"},
    {"{" T("a", "F32", "[9223372036854775807]", 0, 4) "}", 4,
     SIZE_MAX > UINT32_MAX ? "more bytes than can be addressed" : "not a size"},
    {"{" T("a", "F32", "[2]", 0, 4) "}", 4, "takes 8 bytes, its data_offsets [0, 4] hold 4"},
    {"{" T("a", "F64", "[1]", 0, 4) "}", 4, "takes 8 bytes"},
    {"{" T("a", "F32", "[1]", 4, 0) "}", 4, "do not lie"},
    {"{" T("a", "F32", "[1]", 0, 4) "}", 3, "[0, 4] do not lie in the 3 bytes"},
    {"{" T("a", "F32", "[1]", -4, 0) "}", 4, "are not two sizes"},
    {"{" T("a", "F32", "[1]", 9223372036854775803, 9223372036854775807) "}", 4,
     SIZE_MAX > UINT32_MAX ? "do not lie" : "are not two sizes"},
    {"{" T("a", "F32", "[1]", 0, 4) "}", 5, "1 trailing bytes"},
    {"{" T("a", "F32", "[1]", 1, 5) "}", 5, "begins 1 bytes after"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 5, 9) "}", 9,
     "'b' begins 1 bytes after"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 2, 6) "}", 6, "begins 2 bytes before"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 0, 4) "}", 4, "begins 4 bytes before"},
    {"{\"__metadata__\":[]}", 0, "__metadata__ is not an object"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "'a' is not a string"},
    {"{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0, "malformed header"},
};

Test(safetensors, malformed)
{
    unsigned char file[4096];
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        lam__st_file parsed;
        size_t size = make_file(table[i].header, table[i].data, file);
        cr_assert_eq(lam__st_parse(file, size, "it", &parsed), LAM_ERR_FORMAT, "%s: %s",
                     table[i].header, lam_error_message());
        cr_assert(strstr(lam_error_message(), table[i].message), "%s: '%s', not '%s'",
                  table[i].header, lam_error_message(), table[i].message);
        cr_assert(strncmp(lam_error_message(), "it: ", 4) == 0, "%s", lam_error_message());
    }
}

Test(safetensors, header_length)
{
    unsigned char file[64] = {0};
    lam__st_file parsed;
    size_t size = make_file("{}", 0, file);
    for (size_t cut = 0; cut < 8; cut++)
        cr_assert_eq(lam__st_parse(file, cut, "it", &parsed), LAM_ERR_FORMAT);
    file[0] = 3;
    cr_assert_eq(lam__st_parse(file, size, "it", &parsed), LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "header of 3 bytes, but only 2"), "%s",
              lam_error_message());
    memset(file, 0xff, 8);
    cr_assert_eq(lam__st_parse(file, size, "it", &parsed), LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "18446744073709551615"), "%s", lam_error_message());
}

Test(safetensors, other_types_are_read)
{
    unsigned char file[1024];
    lam__st_file parsed;
    size_t size =
        make_file("{\"__metadata__\":{\"k\":\"v\"}," T("z", "BF16", "[2,3]", 8, 20) "," T(
                      "a", "I64", "[]", 0, 8) "," T("empty", "F32", "[0,7]", 20, 20) "}  ",
                  20, file);
    cr_assert_eq(lam__st_parse(file, size, "it", &parsed), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(parsed.count, 3);
    cr_assert_eq(lam__st_find(&parsed, "z")->dtype, LAM__ST_BF16);
    cr_assert_eq(lam__st_find(&parsed, "z")->shape[1], 3);
    cr_assert_eq(lam__st_find(&parsed, "a")->rank, 0);
    cr_assert_eq(lam__st_find(&parsed, "empty")->begin, 20);
    cr_assert_null(lam__st_find(&parsed, "b"));
    cr_assert_str_eq(lam__st_metadata(&parsed, "k"), "v");
    cr_assert_null(lam__st_metadata(&parsed, "l"));
    lam__st_close(&parsed);
}

Test(safetensors, write_and_read)
{
    enum { MANY = 5000 }; /* more than one chunk of conversion */
    static float many[MANY];
    const float few[] = {-0.0f, 1e-45f};
    char folder[256], path[512];
    for (int i = 0; i < MANY; i++)
        many[i] = sinf((float)i);
    const lam__st_entry entries[] = {{"many", 2, {50, 100}, many}, {"few", 1, {2}, few}};
    const lam__st_pair pairs[] = {{"second", "\xe2\x82\xac"}, {"first", "1\n"}};
    scratch_make(folder);
    scratch_path(folder, "a.safetensors", path);
    cr_assert_eq(lam__st_write(path, pairs, 2, entries, 2), LAM_OK, "%s", lam_error_message());
    size_t size;
    unsigned char *file = scratch_read(path, &size);
    const char *expected =
        "{\"__metadata__\":{\"second\":\"\xe2\x82\xac\",\"first\":\"1\\n\"},"
        "\"many\":{\"dtype\":\"F32\",\"shape\":[50,100],\"data_offsets\":[0,20000]"
        "},\"few\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[20000,20008]"
        "}}";
    cr_assert_eq(memcmp(file + 8, expected, strlen(expected)), 0);
    lam__st_file parsed;
    cr_assert_eq(lam__st_parse(file, size, path, &parsed), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(parsed.data_at % 64, 0, "data are aligned");
    static float values[MANY];
    size_t bad;
    lam__st_floats(&parsed, lam__st_find(&parsed, "many"), values, &bad);
    cr_assert_eq(bad, SIZE_MAX);
    cr_assert_eq(memcmp(values, many, sizeof many), 0);
    lam__st_floats(&parsed, lam__st_find(&parsed, "few"), values, &bad);
    cr_assert_eq(memcmp(values, few, sizeof few), 0);
    uint32_t crc = lam__st_checksum(0, entries, 2);
    cr_assert_eq(crc, lam__crc32(0, parsed.data, parsed.data_size));
    lam__st_close(&parsed);
    free(file);
    scratch_remove(folder);
}

/* Every escape there is, and characters of one to four bytes. */
Test(safetensors, escapes)
{
    unsigned char file[512];
    lam__st_file parsed;
    const size_t size = make_file("{\"__metadata__\":{\"\\\"\\\\\\/\\b\\f\\n\\r\\t\":"
                                  "\"\\u0041\\u00e9\\u20aC\\ud83d\\ude00\xc3\xa9\\\\\"}}",
                                  0, file);
    cr_assert_eq(lam__st_parse(file, size, "it", &parsed), LAM_OK, "%s", lam_error_message());
    cr_assert_str_eq(lam__st_metadata(&parsed, "\"\\/\b\f\n\r\t"),
                     "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\\");
    lam__st_close(&parsed);
}

/* {"a":[0,0,...]}, of which a parser of all values makes 20 times as much as it is long. */
Test(safetensors, a_header_of_too_many_values)
{
    enum { VALUES = 1600000 };
    char *header = malloc(2 * VALUES + 16);
    unsigned char *file = malloc(2 * VALUES + 32);
    cr_assert(header && file);
    size_t at = (size_t)sprintf(header, "{\"a\":[0");
    for (size_t i = 0; i < VALUES; i++, at += 2)
        memcpy(header + at, ",0", 2);
    strcpy(header + at, "]}");
    lam__st_file parsed;
    cr_assert_eq(lam__st_parse(file, make_file(header, 0, file), "m", &parsed), LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "tensor 'a': expected exactly"), "%s",
              lam_error_message());
    free(header);
    free(file);
}

/* Tensors without a value, one more than a file may have; then as many pairs of metadata. */
Test(safetensors, a_header_of_too_many_members)
{
    enum { MEMBERS = LAM__ST_MEMBERS_MOST + 1, LONGEST = 80 };
    char *header = malloc((size_t)MEMBERS * LONGEST);
    unsigned char *file = malloc((size_t)MEMBERS * LONGEST);
    cr_assert(header && file);
    for (int pairs = 0; pairs < 2; pairs++) {
        size_t at = pairs ? (size_t)sprintf(header, "{\"__metadata__\":") : 0;
        for (int i = 0; i < MEMBERS; i++)
            at += (size_t)(pairs ? sprintf(header + at, "%c\"%d\":\"\"", i ? ',' : '{', i)
                                 : sprintf(header + at, "%c" T("%d", "F32", "[0]", 0, 0),
                                           i ? ',' : '{', i));
        strcpy(header + at, pairs ? "}}" : "}");
        lam__st_file parsed;
        cr_assert_eq(lam__st_parse(file, make_file(header, 0, file), "m", &parsed), LAM_ERR_FORMAT);
        cr_assert(strstr(lam_error_message(), pairs ? "m: more than 100000 pairs of __metadata__"
                                                    : "m: more than 100000 tensors"),
                  "%s", lam_error_message());
    }
    /* in a string they are no members */
    memset(header, ',', (size_t)MEMBERS * LONGEST - 1);
    memcpy(header, "{\"__metadata__\":{\"a\\\"\":\"", 24);
    strcpy(header + (size_t)MEMBERS * LONGEST - 32, "\"}}");
    lam__st_file parsed;
    cr_assert_eq(lam__st_parse(file, make_file(header, 0, file), "m", &parsed), LAM_OK, "%s",
                 lam_error_message());
    lam__st_close(&parsed);
    free(header);
    free(file);
}

/* A model of so many dropout layers, as its file describes it. */
static lam_model *many_layers(size_t layers)
{
    static const char layer[] = "{\\\"type\\\":\\\"dropout\\\",\\\"rate\\\":0.5}";
    char *header = malloc(layers * sizeof layer + 256);
    unsigned char *file = malloc(layers * sizeof layer + 512);
    cr_assert(header && file);
    size_t at = (size_t)sprintf(header, "{\"__metadata__\":{\"lamina\":\"{\\\"version\\\":1,"
                                        "\\\"features\\\":2,\\\"layers\\\":[");
    for (size_t i = 0; i < layers; i++)
        at += (size_t)sprintf(header + at, "%s%s", i ? "," : "", layer);
    strcpy(header + at, "]}\"}}");
    lam_model *model = lam__model_parse_unchecked(file, make_file(header, 0, file), "m");
    free(header);
    free(file);
    return model;
}

Test(safetensors, at_most_10000_layers)
{
    cr_assert_null(many_layers(LAM_MOST_LAYERS + 1));
    cr_assert(strstr(lam_error_message(), "m: 10001 layers, at most 10000 are read"), "%s",
              lam_error_message());
    cr_assert_null(many_layers(LAM_MOST_LAYERS)); /* dropout alone is no network */
    cr_assert_not(strstr(lam_error_message(), "at most"), "%s", lam_error_message());
    lam_model *model = lam_model_new(1);
    for (size_t i = 0; i < LAM_MOST_LAYERS; i++)
        cr_assert_eq(lam_model_dropout(model, 0.5f), LAM_OK);
    cr_assert_eq(lam_model_dropout(model, 0.5f), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "more than 10000 layers"), "%s", lam_error_message());
    lam_model_free(model);
}
#endif
