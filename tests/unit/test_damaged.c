/* test_damaged.c: small files of foreign weights and networks, cut at each byte and with each byte
 * changed to some values (in the slow tests to all; those of Keras are larger): refused with a
 * message, or a model that can be used; and no more memory than twice the file and a fixed amount.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/every_value.h"
#include "../support/scratch.h"
#include "formats/model_formats.h"
#include "lamina_features.h"

static struct {
    size_t held, most;
} memory;

enum { HEAD = 64, FIXED = 24 << 20 }; /* before each block: its size */

static void *count_allocate(size_t size, size_t alignment, void *user)
{
    void *block = NULL;
    (void)user;
    cr_assert_leq(alignment, HEAD);
    if (posix_memalign(&block, HEAD, size + HEAD) != 0)
        return NULL;
    memcpy(block, &size, sizeof size);
    memory.held += size;
    memory.most = memory.held > memory.most ? memory.held : memory.most;
    return (char *)block + HEAD;
}

static void count_release(void *pointer, void *user)
{
    size_t size;
    (void)user;
    if (!pointer)
        return;
    memcpy(&size, (char *)pointer - HEAD, sizeof size);
    memory.held -= size;
    free((char *)pointer - HEAD);
}

/* The model can be run, and its parameters are finite. */
static void check_accepted(lam_model *model)
{
    lam_tensor tensor;
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        cr_assert_eq(lam_model_tensor(model, i, &tensor), LAM_OK);
        for (size_t j = 0; j < tensor.rows * tensor.cols; j++)
            cr_assert(isfinite(tensor.data[j]));
    }
    float *x = calloc(lam_model_features(model), sizeof *x);
    float *y = calloc(lam_model_outputs(model), sizeof *y);
    cr_assert_eq(lam_predict(model, x, 1, y), LAM_OK);
    free(x);
    free(y);
}

static bool try(const lam__model_format *format, const unsigned char *bytes, size_t size,
                const lam_import_options *options)
{
    const lam__foreign file = {.path = "file", .bytes = bytes, .size = size};
    lam_model *model = NULL;
    memory.most = memory.held;
    const size_t before = memory.held;
    const lam_status status = format->read(&file, options, &model);
    if (status == LAM_OK)
        check_accepted(model);
    else
        cr_assert(strlen(lam_error_message()) > 3);
    cr_assert_leq(memory.most - before, 2 * size + FIXED);
    if (status == LAM_OK)
        lam_model_free(model);
    cr_assert_eq(memory.held, before, "nothing leaks");
    return status == LAM_OK;
}

static void damage(const char *format_name, const char *name, const char *layers, unsigned step)
{
    const lam__model_format *format = lam__find_format(format_name);
    const lam_allocator allocator = {.allocate = count_allocate, .release = count_release};
    lam_import_options options = lam_import_options_default();
    char path[1024];
    size_t size, cut_accepted = 0;
    options.layers = layers;
    snprintf(path, sizeof path, "%s/%s", CORPUS, name);
    unsigned char *bytes = scratch_read(path, &size), *copy = malloc(size);
    cr_assert_eq(lam_set_allocator(&allocator), LAM_OK);
    cr_assert(try(format, bytes, size, &options), "%s: %s", name, lam_error_message());
    for (size_t cut = 0; cut < size; cut++) {
        memcpy(copy, bytes, cut);
        cut_accepted += try(format, copy, cut, &options);
    }
    cr_expect_eq(cut_accepted, 0, "%s: %zu cuts are accepted", name, cut_accepted);
    memcpy(copy, bytes, size);
    for (size_t i = 0; i < size; i++) {
        for (unsigned change = 1 + (unsigned)i % step; change < 256; change += step) {
            copy[i] = (unsigned char)(bytes[i] ^ change);
            try(format, copy, size, &options);
        }
        copy[i] = bytes[i];
    }
    cr_assert_eq(lam_set_allocator(NULL), LAM_OK);
    free(copy);
    free(bytes);
}

Test(damaged, pickles_of_protocol_0, .timeout = 300)
{
    damage("pickle", "foreign/objects-0", NULL, value_step(7));
}

Test(damaged, former_files_of_pytorch, .timeout = 300)
{
    damage("pytorch", "foreign/torch-former", "3:relu,2", value_step(7));
}

#if LAM__HAVE_ZIP
Test(damaged, archives_of_pytorch, .timeout = 300)
{
    damage("pytorch", "foreign/torch", "3:relu,2", value_step(7));
}
#endif

#if LAM__HAVE_JSON
Test(damaged, bare_safetensors, .timeout = 300)
{
    damage("safetensors", "foreign/safetensors", "3:relu,2", value_step(7));
}
#endif

#if LAM__HAVE_JSON
Test(damaged, hdf5_of_keras, .timeout = 300)
{
    damage("keras", "keras/latest", NULL, 97);
}
#endif

#if LAM__HAVE_JSON && LAM__HAVE_ZIP
Test(damaged, archives_of_keras, .timeout = 300)
{
    damage("keras", "keras/archive", NULL, 251);
}
#endif
