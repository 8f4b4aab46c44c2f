/* test_pickle.c: pickles: what is read, what is refused and by which words, and what they may ask
 * for. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "base/memory.h"
#include "formats/model_formats.h"
#include "formats/pickle/pickle.h"

/* Bytes in use and the most there ever were. */
static size_t in_use, most;

static void *count_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    const size_t room = (size + alignment) / alignment * alignment;
    size_t *at = aligned_alloc(alignment, room + alignment);
    if (!at)
        return NULL;
    *at = size;
    in_use += size;
    most = in_use > most ? in_use : most;
    return (char *)at + alignment;
}

static void count_release(void *pointer, void *user)
{
    (void)user;
    if (!pointer)
        return;
    size_t *at = (size_t *)(void *)((char *)pointer - LAM__ALIGN);
    in_use -= *at;
    free(at);
}

static lam_status run(const void *bytes, size_t size, lam__pickle *pickle)
{
    lam__pickle_open(pickle, "file", bytes, size, size);
    lam_status status = lam__pickle_run(pickle);
    return status == LAM_OK ? lam__pickle_walk(pickle) : status;
}

static void expect_refused(const char *bytes, size_t size, lam_status status, const char *words)
{
    lam__pickle pickle;
    cr_expect_eq(run(bytes, size, &pickle), status, "%s", lam_error_message());
    cr_expect(strstr(lam_error_message(), words), "%s", lam_error_message());
    lam__pickle_close(&pickle);
}

#define REFUSED(text, status, words) expect_refused(text, sizeof(text) - 1, status, words)

/* A pickle whose outcome is what a call would give: it is not made, and its name is known. */
static void expect_call(const char *bytes, size_t size, const char *module, const char *name)
{
    lam__pickle pickle;
    cr_assert_eq(run(bytes, size, &pickle), LAM_OK, "%s", lam_error_message());
    cr_assert_not_null(pickle.called);
    cr_expect_eq(pickle.called->kind, LAM__P_OPAQUE);
    cr_expect(lam__pickle_is(pickle.called->u.class.module, module));
    cr_expect(lam__pickle_is(pickle.called->u.class.name, name));
    lam__pickle_close(&pickle);
}

#define CALL(text, module, name) expect_call(text, sizeof(text) - 1, module, name)

Test(pickle, calls_are_not_made_and_their_names_are_known)
{
    CALL("cos\nsystem\n(S'true'\ntR.", "os", "system");
    CALL("(S'true'\nios\nsystem\n.", "os", "system");
    CALL("(cos\nsystem\nS'true'\no.", "os", "system");
    CALL("\x80\x04\x8c\x08"
         "builtins\x8c\x04"
         "eval\x93\x8c\x01x\x85R.",
         "builtins", "eval");
    CALL("cbuiltins\ngetattr\n(S'a'\nS'b'\ntR.", "builtins", "getattr");
    /* what a call would give is called, built, filled, made an object of */
    CALL("ca\nb\n)R)R.", "a", "b");
    CALL("ca\nb\n)R}b.", "a", "b");
    CALL("ca\nb\n)R(K\1K\2u.", "a", "b");
    CALL("ca\nb\n)R(K\1K\2e.", "a", "b");
    CALL("\x80\2ca\nb\n)R)\x81.", "a", "b");
}

Test(pickle, values_from_elsewhere_are_refused)
{
    REFUSED("\x80\x02\x82\x01.", LAM_ERR_UNSUPPORTED, "opcode EXT1");
    REFUSED("Pname\n.", LAM_ERR_UNSUPPORTED, "opcode PERSID");
    REFUSED("\x80\x02X\x01\0\0\0aQ.", LAM_ERR_UNSUPPORTED, "not a storage of PyTorch");
    REFUSED("\x80\x05\x97.", LAM_ERR_UNSUPPORTED, "NEXT_BUFFER");
    REFUSED("\x80\x06.", LAM_ERR_UNSUPPORTED, "protocol 6");
}

Test(pickle, damage_is_named_with_its_place)
{
    REFUSED("", LAM_ERR_FORMAT, "byte 0: truncated");
    REFUSED("\x80\x02]", LAM_ERR_FORMAT, "byte 3: truncated: the pickle does not end");
    REFUSED("\x80\x02.", LAM_ERR_FORMAT, "byte 2: opcode 0x2e finds nothing on the stack");
    REFUSED("\x80\x02N\xff.", LAM_ERR_FORMAT, "byte 3: 0xff is not an opcode");
    REFUSED("\x80\x02X\xff\xff\0\0ab.", LAM_ERR_FORMAT, "needs 65535 more bytes, 3 follow");
    REFUSED("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"
            "ab.",
            LAM_ERR_FORMAT, "needs 9223372036854775807 more bytes");
    REFUSED("\x80\x02\x8b\xff\xff\xff\x7f\x01.", LAM_ERR_FORMAT, "needs 2147483647 more bytes");
    REFUSED("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.", LAM_ERR_FORMAT, "a frame of");
    REFUSED("\x80\x02h\x05.", LAM_ERR_FORMAT, "memo 5 was never written");
    REFUSED("\x80\x02]r\xff\xff\xff\xff.", LAM_ERR_FORMAT,
            "memo 4294967295 of a pickle of 9 bytes");
    REFUSED("t.", LAM_ERR_FORMAT, "finds no mark");
    REFUSED("(K\x01"
            "d.",
            LAM_ERR_FORMAT, "a key without a value");
    REFUSED("K\x01K\x02"
            "a.",
            LAM_ERR_FORMAT, "no list to add to");
    REFUSED("Iabc\n.", LAM_ERR_FORMAT, "'abc' is not an integer");
    REFUSED("L-L\n.", LAM_ERR_FORMAT, "'-' is not an integer");
}

/* What objects hold of objects that hold them. */
Test(pickle, loops_and_depth)
{
    lam__pickle pickle;
    static const char itself[] = "\x80\x02]q\x00h\x00"
                                 "a.";
    cr_expect_eq(run(itself, sizeof itself - 1, &pickle), LAM_OK, "%s", lam_error_message());
    lam__pickle_close(&pickle);
    char deep[1024];
    size_t n = 0;
    for (int i = 0; i < 150; i++)
        deep[n++] = ']';
    for (int i = 0; i < 149; i++)
        deep[n++] = 'a';
    deep[n++] = '.';
    expect_refused(deep, n, LAM_ERR_UNSUPPORTED, "nested more than 100 levels deep");
}

/* Each object is the state of the one before it, with no container between them. */
Test(pickle, objects_as_states_are_no_way_around_the_depth)
{
    static const char begin[] = "cc\nC\nq\0)q\1";
    enum { OBJECTS = 4000 };
    char *deep = malloc(sizeof begin + 6 * OBJECTS);
    size_t n = sizeof begin - 1;
    memcpy(deep, begin, n);
    for (int i = 0; i < OBJECTS; i++, n += 5)
        memcpy(deep + n, "h\0h\1\x81", 5);
    memset(deep + n, 'b', OBJECTS - 1);
    n += OBJECTS - 1;
    deep[n++] = '.';
    expect_refused(deep, n, LAM_ERR_UNSUPPORTED, "nested more than 100 levels deep");
    free(deep);
}

/* A pickle of `n` repetitions of a part after a beginning. */
static char *repeat(const char *begin, const char *part, size_t part_size, size_t n, size_t *size)
{
    const size_t head = strlen(begin);
    char *bytes = malloc(head + n * part_size + 1);
    memcpy(bytes, begin, head);
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + head + i * part_size, part, part_size);
    bytes[head + n * part_size] = '.';
    *size = head + n * part_size + 1;
    return bytes;
}

/* However a file is made, reading it takes no more than twice its size and a fixed amount. */
Test(pickle, memory_is_limited_by_the_size_of_the_file)
{
    const lam_allocator counting = {count_allocate, count_release, NULL};
    static const struct {
        const char *begin, *part;
        size_t size;
    } bombs[] = {
        {"", "N", 1},        {"", "(", 1},          {"", "]", 1},
        {"", "}", 1},        {"](", "N", 1},        {"", "2", 1},
        {"", ")\x94", 2},    {"](", "U\0", 2},      {"cc\nC\n", "2)\x81", 3},
        {"N", "cc\nC\n", 5}, {"N", "S'aaaa'\n", 8}, {"N", "Vaaaa\n", 6},
    };
    lam_set_allocator(&counting);
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        lam__pickle pickle;
        size_t size;
        char *bytes = repeat(bombs[i].begin, bombs[i].part, bombs[i].size, 200000, &size);
        most = in_use = 0;
        run(bytes, size, &pickle);
        cr_expect_leq(most, 2 * size + LAM__PICKLE_FIXED, "bomb %zu: %zu bytes for %zu", i, most,
                      size);
        lam__pickle_close(&pickle);
        cr_expect_eq(in_use, 0);
        free(bytes);
    }
    lam_set_allocator(NULL);
}

static unsigned char *read_file(const char *name, size_t *size)
{
    char path[1024];
    unsigned char *bytes = malloc(1 << 16);
    snprintf(path, sizeof path, "%s/%s", FOREIGN_CORPUS, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    *size = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    return bytes;
}

/* Every truncation is refused; every byte changed in every way is refused or gives a model whose
 * parameters are finite. */
Test(pickle, each_cut_and_each_changed_byte)
{
    size_t size;
    unsigned char *bytes = read_file("objects-4", &size);
    lam__foreign file = {.path = "file.pkl", .bytes = bytes};
    const lam_import_options options = lam_import_options_default();
    const lam__model_format *format = lam__find_format("pickle");
    lam_model *model = NULL;
    for (file.size = 0; file.size < size; file.size++)
        cr_expect_neq(format->read(&file, &options, &model), LAM_OK, "cut at %zu", file.size);
    for (size_t i = 0; i < size; i++) {
        const unsigned char before = bytes[i];
        for (int change = 1; change < 256; change++) {
            bytes[i] = (unsigned char)(before ^ change);
            if (format->read(&file, &options, &model) != LAM_OK) {
                cr_assert(lam_error_message()[0]);
                continue;
            }
            float values[64];
            const size_t count = lam_model_parameters(model);
            cr_assert(count <= 64 && lam_model_get_parameters(model, values, count) == LAM_OK);
            for (size_t k = 0; k < count; k++)
                cr_assert(isfinite(values[k]));
            lam_model_free(model);
        }
        bytes[i] = before;
    }
    cr_expect_eq(format->read(&file, &options, &model), LAM_OK, "%s", lam_error_message());
    lam_model_free(model);
    free(bytes);
}
