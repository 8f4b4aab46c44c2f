/* test_model_file.c: saving and loading models; damaged and hostile model files. */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>

#include <lamina/lamina.h>

#include "../support/comma_locale.h"
#include "../support/model_files.h"
#include "../support/scratch.h"
#include "formats/safetensors/model_file.h"
#include "io/checksum.h"
#include "lamina_features.h"

#if LAM__HAVE_JSON
/* Saves a model and returns the bytes, to be freed. */
static unsigned char *saved(const lam_model *model, size_t *size)
{
    char folder[256], path[512];
    scratch_make(folder);
    scratch_path(folder, "model.safetensors", path);
    cr_assert_eq(lam_model_save(model, path), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(scratch_count(folder), 1);
    unsigned char *bytes = scratch_read(path, size);
    scratch_remove(folder);
    return bytes;
}

Test(model_file, round_trip)
{
    lam_model *model = sample_model();
    cr_assert_not_null(model, "%s", lam_error_message());
    size_t size, again_size;
    unsigned char *bytes = saved(model, &size);
    lam_model *loaded = lam__model_parse(bytes, size, "m");
    cr_assert_not_null(loaded, "%s", lam_error_message());
    cr_assert(same_model(model, loaded));
    cr_assert_str_eq(lam_model_loss(loaded), "categorical_crossentropy");
    cr_assert_str_eq(lam_model_class_name(loaded, 0), "caf\xc3\xa9 \"au\" lait");
    unsigned char *again = saved(loaded, &again_size);
    cr_assert(size == again_size && memcmp(bytes, again, size) == 0, "the same bytes again");
    free(bytes);
    free(again);
    lam_model_free(model);
    lam_model_free(loaded);
}

static bool holds(const unsigned char *bytes, size_t size, const char *text)
{
    const size_t length = strlen(text);
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, text, length) == 0)
            return true;
    return false;
}

/* Layer normalization takes version 2; without it the file stays one of version 1. */
Test(model_file, layer_normalization)
{
    lam_model *model = lam_model_new(4);
    lam_model_add_layers(model, "3:relu,layer_norm:1e-5:tanh,dropout:0.5,2:softmax");
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    lam_tensor tensor;
    cr_assert_eq(lam_model_tensor(model, 2, &tensor), LAM_OK);
    for (size_t i = 0; i < 3; i++)
        tensor.data[i] = 0.25f * (float)i;
    size_t size;
    unsigned char *bytes = saved(model, &size);
    cr_assert(holds(bytes, size, "\\\"version\\\":2"));
    lam_model *loaded = lam__model_parse(bytes, size, "m");
    cr_assert_not_null(loaded, "%s", lam_error_message());
    cr_assert(same_model(model, loaded));
    lam_layer_info info;
    cr_assert_eq(lam_model_layer(loaded, 1, &info), LAM_OK);
    cr_expect_str_eq(info.type, "layer_norm");
    cr_expect_str_eq(info.activation, "tanh");
    cr_expect_eq(info.epsilon, 1e-5f);
    free(bytes);
    lam_model_free(loaded);
    lam_model_free(model);
    model = sample_model();
    bytes = saved(model, &size);
    cr_assert(holds(bytes, size, "\\\"version\\\":1"));
    free(bytes);
    lam_model_free(model);
}

Test(model_file, path)
{
    char folder[256], path[512], link_path[512];
    lam_model *model = sample_model();
    scratch_make(folder);
    scratch_path(folder, "m", path);
    cr_assert_eq(symlink("m", scratch_path(folder, "link", link_path)), 0);
    cr_assert_eq(lam_model_save(model, path), LAM_OK);
    cr_assert_eq(lam_model_save(model, link_path), LAM_OK, "%s", lam_error_message());
    struct stat status;
    cr_assert(lstat(link_path, &status) == 0 && S_ISLNK(status.st_mode), "the link survives");
    mode_t mask = umask(0);
    umask(mask);
    cr_assert(stat(path, &status) == 0 && (status.st_mode & 0777) == (0666 & ~mask));
    cr_assert_eq(scratch_count(folder), 2);
    cr_assert(chmod(path, 0600) == 0 && lam_model_save(model, path) == LAM_OK);
    cr_assert(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "still private");
    lam_model *loaded = lam_model_load(link_path);
    cr_assert(loaded && same_model(model, loaded));
    lam_model_free(loaded);

    cr_assert_eq(lam_model_save(model, folder), LAM_ERR_IO);
    cr_assert(strstr(lam_error_message(), "it is a folder"));
    cr_assert_eq(lam_model_save(model, "/dev/null"), LAM_ERR_IO);
    cr_assert(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode), "it is still a device");
    cr_assert_eq(lam_model_save(model, scratch_path(folder, "no/such/m", path)), LAM_ERR_IO);
    cr_assert(strstr(lam_error_message(), "no/such"), "%s", lam_error_message());
    cr_assert_eq(lam_model_save(model, ""), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_model_save(model, NULL), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_model_save(NULL, path), LAM_ERR_ARGUMENT);
    cr_assert_null(lam_model_load(NULL));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    cr_assert_null(lam_model_load(scratch_path(folder, "missing", path)));
    cr_assert_eq(lam_error_status(), LAM_ERR_IO);
    cr_assert(strstr(lam_error_message(), path), "%s", lam_error_message());
    lam_model_free(model);
    scratch_remove(folder);
}

Test(model_file, longest_name)
{
    char folder[256], name[256], path[512];
    lam_model *model = sample_model();
    memset(name, 'n', 255);
    name[255] = '\0';
    scratch_make(folder);
    scratch_path(folder, name, path);
    cr_assert_eq(lam_model_save(model, path), LAM_OK, "%s", lam_error_message());
    lam_model_free(model);
    scratch_remove(folder);
}

Test(model_file, not_to_be_saved)
{
    char folder[256], path[512];
    scratch_make(folder);
    scratch_path(folder, "never-written", path);
    lam_model *model = lam_model_new(2);
    cr_assert_eq(lam_model_dense(model, 1, "linear"), LAM_OK);
    cr_assert_eq(lam_model_save(model, path), LAM_ERR_STATE);
    cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
    lam_tensor tensor;
    cr_assert_eq(lam_model_tensor(model, 0, &tensor), LAM_OK);
    tensor.data[1] = NAN;
    cr_assert_eq(lam_model_save(model, path), LAM_ERR_NUMERIC);
    cr_assert(strstr(lam_error_message(), "'layers.0.weight': value 1"), "%s", lam_error_message());
    tensor.data[1] = 0;
    cr_assert_eq(lam_model_set_class_names(model, (const char *const[]){"\xff"}, 1), LAM_OK);
    cr_assert_eq(lam_model_save(model, path), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "class 0 ('\\xff') is not valid UTF-8"), "%s",
              lam_error_message());
    cr_assert_eq(scratch_count(folder), 0);
    scratch_remove(folder);
    lam_model_free(model);
}

Test(model_file, transforms)
{
    for (int kind = 0; kind < 2; kind++) {
        lam_model *model = lam_model_new(2);
        if (kind == 1)
            cr_assert_eq(lam_model_scale_input(model, 0.1f, 255, -1, 1.0f / 3), LAM_OK);
        cr_assert_eq(lam_model_dense(model, 1, "sigmoid"), LAM_OK);
        cr_assert_eq(lam_model_initialize(model, 1, NULL), LAM_OK);
        size_t size;
        unsigned char *bytes = saved(model, &size);
        lam_model *loaded = lam__model_parse(bytes, size, "m");
        cr_assert(loaded && same_model(model, loaded), "%s", lam_error_message());
        cr_assert_null(lam_model_loss(loaded));
        free(bytes);
        lam_model_free(model);
        lam_model_free(loaded);
    }
}

/* Numbers must not depend on the locale, in either direction. */
Test(model_file, comma_locale)
{
    lam_model *model = sample_model();
    size_t size, comma_size;
    unsigned char *bytes = saved(model, &size);
    if (!comma_locale_enter()) {
        free(bytes);
        lam_model_free(model);
        cr_skip_test("no locale with a decimal comma");
    }
    unsigned char *comma = saved(model, &comma_size);
    cr_assert(size == comma_size && memcmp(bytes, comma, size) == 0);
    lam_model *loaded = lam__model_parse(bytes, size, "m");
    cr_assert(loaded && same_model(model, loaded), "%s", lam_error_message());
    setlocale(LC_ALL, "C");
    free(bytes);
    free(comma);
    lam_model_free(model);
    lam_model_free(loaded);
}

Test(model_file, every_truncation)
{
    lam_model *model = sample_model();
    size_t size;
    unsigned char *bytes = saved(model, &size);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *exact = malloc(cut + 1); /* so that a sanitizer sees a read beyond */
        memcpy(exact, bytes, cut);
        cr_assert_null(lam__model_parse(exact, cut, "m"), "cut at %zu", cut);
        cr_assert_eq(lam_error_status(), LAM_ERR_FORMAT, "%s", lam_error_message());
        free(exact);
    }
    bytes = realloc(bytes, size + 1);
    bytes[size] = 0;
    cr_assert_null(lam__model_parse(bytes, size + 1, "m"));
    cr_assert(strstr(lam_error_message(), "1 trailing bytes"), "%s", lam_error_message());
    free(bytes);
    lam_model_free(model);
}

/* One changed byte is refused, or (white space) leaves an equal model. */
Test(model_file, every_byte_changed)
{
    lam_model *model = sample_model();
    size_t size, accepted = 0;
    unsigned char *bytes = saved(model, &size);
    for (size_t at = 0; at < size; at++)
        for (int change = 1; change < 256; change += at < 8 ? 1 : 6) {
            bytes[at] ^= (unsigned char)change;
            lam_model *loaded = lam__model_parse(bytes, size, "m");
            if (loaded) {
                cr_assert(same_model(model, loaded), "byte %zu ^ %d", at, change);
                accepted++;
            } else {
                cr_assert(lam_error_status() == LAM_ERR_FORMAT, "%s", lam_error_message());
            }
            lam_model_free(loaded);
            bytes[at] ^= (unsigned char)change;
        }
    cr_assert(accepted < 64 * 256 / 6, "%zu", accepted);
    free(bytes);
    lam_model_free(model);
}

/* The file of a description and the tensors W [2][1] and b [1], or others; returns its size. */
static size_t make_model(const char *description, const char *tensors, const float *data,
                         size_t count, unsigned char *file)
{
    char header[4096], escaped[2048];
    unsigned char raw[256];
    size_t n = 0;
    for (const char *c = description; *c; c++) {
        if (*c == '"' || *c == '\\')
            escaped[n++] = '\\';
        escaped[n++] = *c;
    }
    escaped[n] = '\0';
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, &data[i], 4);
        for (int j = 0; j < 4; j++)
            raw[4 * i + (size_t)j] = (unsigned char)(word >> 8 * j);
    }
    uint32_t crc = lam__crc32(0, description, strlen(description));
    crc = lam__crc32(crc, raw, 4 * count);
    int length =
        snprintf(header, sizeof header,
                 "{\"__metadata__\":{\"lamina\":\"%s\",\"lamina_crc32\":\"%08" PRIx32 "\"},%s}",
                 escaped, crc, tensors);
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(file + 8, header, (size_t)length);
    memcpy(file + 8 + length, raw, 4 * count);
    return 8 + (size_t)length + 4 * count;
}

#define W "\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}"
#define B "\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}"
#define DENSE "{\"type\":\"dense\",\"units\":1,\"activation\":\"linear\"}"
#define MODEL(more) "{\"version\":1,\"features\":2,\"layers\":[" DENSE "]" more "}"
#define NORM "{\"type\":\"layer_norm\",\"epsilon\":0.001,\"activation\":\"relu\"}"
#define MODEL_2(layers) "{\"version\":2,\"features\":2,\"layers\":[" layers "]}"
#define G "\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define H "\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}"
#define INPUT(input) "{\"version\":2,\"features\":2,\"layers\":[" DENSE "],\"input\":" input "}"
#define TABLE(columns) INPUT("{\"kind\":\"table\",\"columns\":[" columns "]}")
#define LAYERS(layers) "{\"version\":1,\"features\":2,\"layers\":[" layers "]}"

static const struct wrong {
    const char *description, *tensors;
    lam_status status;
    const char *message;
} wrong[] = {
    {"", W "," B, LAM_ERR_FORMAT, "malformed description"},
    {"[]", W "," B, LAM_ERR_FORMAT, "under 'version'"},
    {"{}", W "," B, LAM_ERR_FORMAT, "under 'version'"},
    {"{\"version\":99}", W "," B, LAM_ERR_FORMAT, "format version 99"},
    {"{\"version\":0}", W "," B, LAM_ERR_FORMAT, "under 'version'"},
    {"{\"version\":1}", W "," B, LAM_ERR_FORMAT, "under 'features'"},
    {"{\"version\":1,\"version\":1}", W "," B, LAM_ERR_FORMAT, "duplicate"},
    {"{\"version\":1,\"features\":2}", W "," B, LAM_ERR_FORMAT, "under 'layers'"},
    {"{\"version\":1,\"features\":-2,\"layers\":[" DENSE "]}", W "," B, LAM_ERR_FORMAT,
     "'features'"},
    {"{\"version\":1,\"features\":3,\"layers\":[" DENSE "]}", W "," B, LAM_ERR_FORMAT,
     "'layers.0.weight': dimension 0 is 2, but the description asks for 3"},
    {MODEL(",\"extra\":1"), W "," B, LAM_ERR_FORMAT, "description: unknown key 'extra'"},
    {MODEL(",\"loss\":1"), W "," B, LAM_ERR_FORMAT, "under 'loss'"},
    {MODEL(",\"class_names\":\"a\""), W "," B, LAM_ERR_FORMAT, "list of strings"},
    {MODEL(",\"class_names\":[1]"), W "," B, LAM_ERR_FORMAT, "list of strings"},
    {MODEL(",\"transform\":{}"), W "," B, LAM_ERR_FORMAT,
     "transform: expected a string under 'kind'"},
    {MODEL(",\"transform\":{\"kind\":\"turn\"}"), W "," B, LAM_ERR_FORMAT, "unknown kind 'turn'"},
    {MODEL(",\"transform\":{\"kind\":\"scale\",\"from\":[0,1]}"), W "," B, LAM_ERR_FORMAT, "'to'"},
    {MODEL(",\"transform\":{\"kind\":\"scale\",\"from\":[0,1e39],\"to\":[0,1]}"), W "," B,
     LAM_ERR_FORMAT, "two numbers under 'from'"},
    {MODEL(",\"transform\":{\"kind\":\"scale\",\"from\":[1,1],\"to\":[0,1]}"), W "," B,
     LAM_ERR_ARGUMENT, "transform"},
    {MODEL(",\"transform\":{\"kind\":\"standardize\"}"), W "," B, LAM_ERR_FORMAT,
     "tensor 'transform.mean' is missing"},
    {MODEL(",\"input\":{}"), W "," B, LAM_ERR_FORMAT, "description: unknown key 'input'"},
    {INPUT("1"), W "," B, LAM_ERR_FORMAT, "input: expected a string under 'kind'"},
    {INPUT("{\"kind\":\"sound\"}"), W "," B, LAM_ERR_FORMAT, "input: unknown kind 'sound'"},
    {INPUT("{\"kind\":\"image\",\"width\":2,\"height\":1}"), W "," B, LAM_ERR_FORMAT,
     "input: expected a positive integer under 'channels'"},
    {INPUT("{\"kind\":\"image\",\"width\":1,\"height\":1,\"channels\":2}"), W "," B, LAM_ERR_FORMAT,
     "channels are 1 (gray) or 3"},
    {INPUT("{\"kind\":\"image\",\"width\":70000,\"height\":1,\"channels\":1}"), W "," B,
     LAM_ERR_FORMAT, "each side takes 1 to 65535"},
    {INPUT("{\"kind\":\"image\",\"width\":3,\"height\":1,\"channels\":1}"), W "," B, LAM_ERR_FORMAT,
     "input: it gives 3 features, but the model takes 2"},
    {INPUT("{\"kind\":\"image\",\"width\":2,\"height\":1,\"channels\":1,\"invert\":1}"), W "," B,
     LAM_ERR_FORMAT, "true or false under 'invert'"},
    {INPUT("{\"kind\":\"image\",\"width\":2,\"height\":1,\"channels\":1,\"depth\":8}"), W "," B,
     LAM_ERR_FORMAT, "unknown key 'depth'"},
    {TABLE(""), W "," B, LAM_ERR_FORMAT, "list of columns under 'columns'"},
    {TABLE("{\"name\":\"a\"}"), W "," B, LAM_ERR_FORMAT,
     "input, column 1: expected a string under 'kind'"},
    {TABLE("{\"name\":\"a\",\"kind\":\"number\"}"), W "," B, LAM_ERR_FORMAT, "it gives 1 features"},
    {TABLE("{\"name\":\"a\",\"kind\":\"number\",\"fill\":\"x\"}"), W "," B, LAM_ERR_FORMAT,
     "number under 'fill'"},
    {TABLE("{\"name\":\"a\",\"kind\":\"number\",\"categories\":[\"x\"]}"), W "," B, LAM_ERR_FORMAT,
     "only texts have 'categories'"},
    {TABLE("{\"name\":\"a\",\"kind\":\"text\",\"categories\":[\"x\",\"x\"]}"), W "," B,
     LAM_ERR_FORMAT, "different strings under 'categories'"},
    {TABLE("{\"name\":\"a\",\"kind\":\"text\",\"fill\":1,\"categories\":[\"x\",\"y\"]}"), W "," B,
     LAM_ERR_FORMAT, "only numbers have a 'fill'"},
    {TABLE("{\"name\":\"a\",\"kind\":\"text\"}"), W "," B, LAM_ERR_FORMAT,
     "list of strings under 'categories'"},
    {LAYERS(""), W "," B, LAM_ERR_FORMAT, "under 'layers'"},
    {LAYERS("1"), W "," B, LAM_ERR_FORMAT, "layer 0: expected a string under 'type'"},
    {LAYERS("{\"type\":\"magic\"}"), W "," B, LAM_ERR_NAME, "layer 0: unknown type 'magic'"},
    {LAYERS(NORM), G "," H, LAM_ERR_FORMAT, "'layer_norm' in a description of version 1"},
    {MODEL_2(NORM), G "," H, LAM_ERR_FORMAT, "'layers.0.bias': dimension 0 is 1, but"},
    {MODEL_2(NORM), W "," B, LAM_ERR_FORMAT, "'layers.0.weight': 2 dimensions, expected 1"},
    {MODEL_2("{\"type\":\"layer_norm\",\"activation\":\"relu\"}"), G "," H, LAM_ERR_FORMAT,
     "a number under 'epsilon'"},
    {MODEL_2("{\"type\":\"layer_norm\",\"epsilon\":1}"), G "," H, LAM_ERR_FORMAT,
     "a string under 'activation'"},
    {LAYERS("{\"type\":\"dropout\",\"rate\":1}," DENSE), W "," B, LAM_ERR_ARGUMENT, "layer 0"},
    {LAYERS("{\"type\":\"dropout\",\"rate\":\"1\"}"), W "," B, LAM_ERR_FORMAT,
     "number under 'rate'"},
    {LAYERS("{\"type\":\"dropout\",\"rate\":0.5}"), W "," B, LAM_ERR_STATE, ""},
    {LAYERS("{\"type\":\"dense\",\"units\":0,\"activation\":\"linear\"}"), W "," B, LAM_ERR_FORMAT,
     "layer 0: expected a positive integer under 'units'"},
    {LAYERS("{\"type\":\"dense\",\"units\":4611686018427387904,\"activation\":\"linear\"}"),
     W "," B, LAM_ERR_FORMAT, "4611686018427387904 under 'units' is more than can be addressed"},
    {LAYERS("{\"type\":\"dense\",\"units\":1000000000000,\"activation\":\"linear\"}"), W "," B,
     LAM_ERR_FORMAT,
     SIZE_MAX > UINT32_MAX ? "dimension 1 is 1, but the description asks for 1000000000000"
                           : "1000000000000 under 'units' is more than can be addressed"},
    {LAYERS("{\"type\":\"dense\",\"units\":1}"), W "," B, LAM_ERR_FORMAT, "under 'activation'"},
    {LAYERS("{\"type\":\"dense\",\"units\":1,\"activation\":\"linear\",\"l1\":-1}"), W "," B,
     LAM_ERR_FORMAT, "number >= 0 under 'l1'"},
    {LAYERS("{\"type\":\"dense\",\"units\":1,\"activation\":\"linear\",\"rate\":0}"), W "," B,
     LAM_ERR_FORMAT, "layer 0: unknown key 'rate'"},
    {LAYERS("{\"type\":\"dense\",\"units\":1,\"activation\":\"linear\",\"initializer\":1}"),
     W "," B, LAM_ERR_FORMAT, "expected a string under 'initializer'"},
    {LAYERS(DENSE "," DENSE), W "," B, LAM_ERR_FORMAT, "tensor 'layers.1.weight' is missing"},
    {MODEL(""), W ",\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}",
     LAM_ERR_FORMAT, "tensor 'layers.0.bias' is missing"},
    {MODEL(""), W ",\"layers.0.bias\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[8,12]}",
     LAM_ERR_FORMAT, "type I32, expected F32"},
    {MODEL(""), W ",\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[8,12]}",
     LAM_ERR_FORMAT, "2 dimensions, expected 1"},
    {MODEL(""), W "," B ",\"x\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[12,12]}",
     LAM_ERR_FORMAT, "3 tensors, but the description asks for 2"},
};

Test(model_file, wrong_descriptions)
{
    const float data[] = {1, 2, 3};
    unsigned char file[8192];
    size_t size = make_model(MODEL(""), W "," B, data, 3, file);
    lam_model *model = lam__model_parse(file, size, "m");
    cr_assert_not_null(model, "%s", lam_error_message());
    cr_assert(model->parameters[1] == 2);
    lam_model_free(model);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size = make_model(wrong[i].description, wrong[i].tensors, data, 3, file);
        cr_assert_null(lam__model_parse(file, size, "m"), "%s", wrong[i].description);
        cr_assert_eq(lam_error_status(), wrong[i].status, "%s: %s", wrong[i].description,
                     lam_error_message());
        cr_assert(strstr(lam_error_message(), wrong[i].message), "%s: '%s'", wrong[i].description,
                  lam_error_message());
    }
}

Test(model_file, numbers_must_be_finite)
{
    const float data[] = {1, INFINITY, 3};
    unsigned char file[8192];
    size_t size = make_model(MODEL(""), W "," B, data, 3, file);
    cr_assert_null(lam__model_parse(file, size, "m"));
    cr_assert_eq(lam_error_status(), LAM_ERR_NUMERIC);
    cr_assert(strstr(lam_error_message(), "'layers.0.weight': value 1"), "%s", lam_error_message());
}

Test(model_file, checksum)
{
    const float data[] = {1, 2, 3};
    unsigned char file[8192];
    size_t size = make_model(MODEL(""), W "," B, data, 3, file);
    file[size - 1] ^= 1;
    cr_assert_null(lam__model_parse(file, size, "m"));
    cr_assert(strstr(lam_error_message(), "the file is damaged"), "%s", lam_error_message());
    lam_model *model = lam__model_parse_unchecked(file, size, "m");
    cr_assert_not_null(model);
    lam_model_free(model);

    const char *other = "{\"__metadata__\":{\"format\":\"pt\"}}";
    memset(file, 0, 8);
    file[0] = (unsigned char)strlen(other);
    memcpy(file + 8, other, strlen(other));
    cr_assert_null(lam__model_parse(file, 8 + strlen(other), "m"));
    cr_assert(strstr(lam_error_message(), "not a model of Lamina"), "%s", lam_error_message());
}
#else
Test(model_file, without_json)
{
    cr_assert_null(lam__model_parse("", 0, "m"));
    cr_assert_eq(lam_error_status(), LAM_ERR_UNSUPPORTED);
}
#endif
