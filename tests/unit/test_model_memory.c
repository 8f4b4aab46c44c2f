/* test_model_memory.c: models saved to and loaded from memory. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/model_files.h"
#include "../support/scratch.h"

static void expect_message(const char *part)
{
    cr_expect(strstr(lam_error_message(), part), "'%s' not in '%s'", part, lam_error_message());
}

static lam_model *trained(const char *layers)
{
    lam_dataset *data = lam_dataset_spiral(60, 3, 1);
    lam_model *model = lam_model_new(2);
    lam_fit_options options = lam_fit_options_default();
    options.epochs = 2;
    cr_assert_eq(lam_model_standardize_input(model, data), LAM_OK);
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK);
    cr_assert_eq(lam_fit(model, data, &options, NULL), LAM_OK, "%s", lam_error_message());
    lam_dataset_free(data);
    return model;
}

static unsigned char *saved(const lam_model *model, size_t *size)
{
    cr_assert_eq(lam_model_save_memory(model, NULL, 0, size), LAM_OK, "%s", lam_error_message());
    unsigned char *bytes = malloc(*size);
    cr_assert_eq(lam_model_save_memory(model, bytes, *size, size), LAM_OK);
    return bytes;
}

Test(model_memory, holds_the_bytes_of_the_file)
{
    lam_model *model = trained("8:relu,dropout:0.1,layer_norm:tanh,3:softmax");
    char folder[256], path[512];
    scratch_make(folder);
    scratch_path(folder, "model.safetensors", path);
    cr_assert_eq(lam_model_save(model, path), LAM_OK);
    size_t file_size, size;
    unsigned char *file = scratch_read(path, &file_size), *bytes = saved(model, &size);
    scratch_remove(folder);
    cr_assert_eq(size, file_size);
    cr_expect_eq(memcmp(bytes, file, size), 0);

    lam_model *loaded = lam_model_load_memory(bytes, size);
    cr_assert_not_null(loaded, "%s", lam_error_message());
    memset(bytes, 0, size); /* not needed any more */
    cr_expect(same_model(model, loaded));
    const float x[2] = {0.3f, -0.2f};
    float a[3], b[3];
    cr_assert_eq(lam_predict(model, x, 1, a), LAM_OK);
    cr_assert_eq(lam_predict(loaded, x, 1, b), LAM_OK);
    cr_expect_eq(memcmp(a, b, sizeof a), 0);
    free(file);
    free(bytes);
    lam_model_free(loaded);
    lam_model_free(model);
}

Test(model_memory, tells_what_it_needs)
{
    lam_model *model = trained("3:softmax");
    size_t size, needed = 0;
    unsigned char *bytes = saved(model, &size), *small = malloc(size);
    memset(small, 7, size);
    cr_expect_eq(lam_model_save_memory(model, small, size - 1, &needed), LAM_ERR_ARGUMENT);
    expect_message("a buffer of");
    cr_expect_eq(needed, size);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(small[i], 7, "nothing is written");
    cr_expect_eq(lam_model_save_memory(NULL, small, size, &needed), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_save_memory(model, NULL, size, &needed), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_model_save_memory(model, small, size, NULL), LAM_ERR_ARGUMENT);
    cr_expect_null(lam_model_load_memory(NULL, 4));
    cr_expect_eq(lam_error_status(), LAM_ERR_ARGUMENT);
    lam_model *empty = lam_model_new(2);
    cr_assert_eq(lam_model_dense(empty, 1, NULL), LAM_OK);
    cr_expect_eq(lam_model_save_memory(empty, NULL, 0, &needed), LAM_ERR_STATE);
    lam_model_free(empty);
    free(small);
    free(bytes);
    lam_model_free(model);
}

/* Cut anywhere and changed anywhere, bytes are refused; allocated to size, so that a read beyond
 * their end is seen by the sanitizers. */
Test(model_memory, refuses_other_bytes)
{
    lam_model *model = trained("3:softmax");
    size_t size;
    unsigned char *bytes = saved(model, &size);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = malloc(cut ? cut : 1);
        memcpy(part, bytes, cut);
        cr_assert_null(lam_model_load_memory(part, cut), "%zu of %zu bytes", cut, size);
        free(part);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x41;
        lam_model *loaded = lam_model_load_memory(bytes, size);
        cr_assert_null(loaded, "byte %zu changed", i);
        bytes[i] ^= 0x41;
    }
    free(bytes);
    lam_model_free(model);
}

Test(model_memory, takes_checkpoints)
{
    lam_model *model = trained("3:softmax");
    lam_trainer *trainer = lam_trainer_new(model, NULL);
    size_t size;
    cr_assert_eq(lam_trainer_save_memory(trainer, NULL, 0, &size), LAM_OK);
    unsigned char *bytes = malloc(size);
    cr_assert_eq(lam_trainer_save_memory(trainer, bytes, size, &size), LAM_OK);
    lam_model *loaded = lam_model_load_memory(bytes, size);
    cr_assert_not_null(loaded, "%s", lam_error_message());
    cr_expect_eq(lam_model_parameters(loaded), lam_model_parameters(model));
    lam_model_free(loaded);
    free(bytes);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

Test(model_memory, structure_without_parameters)
{
    lam_model *model = trained("8:relu,dropout:0.1,layer_norm:tanh,3:softmax");
    char folder[256], path[512];
    scratch_make(folder);
    scratch_path(folder, "model.safetensors", path);
    cr_assert_eq(lam_model_save(model, path), LAM_OK);
    lam_model *structure = lam_model_load_structure(path);
    cr_assert_not_null(structure, "%s", lam_error_message());

    cr_expect_eq(lam_model_parameters(structure), lam_model_parameters(model));
    cr_expect_eq(lam_model_layers(structure), lam_model_layers(model));
    cr_expect_str_eq(lam_model_loss(structure), lam_model_loss(model));
    lam_transform_info a, b;
    lam_model_transform(model, &a);
    lam_model_transform(structure, &b);
    cr_expect_eq(memcmp(a.mean, b.mean, 2 * sizeof(float)), 0);
    cr_expect_eq(memcmp(a.std, b.std, 2 * sizeof(float)), 0);
    const float x[2] = {0.3f, -0.2f};
    float y[3];
    cr_expect_eq(lam_predict(structure, x, 1, y), LAM_ERR_STATE);
    cr_expect_eq(lam_model_save(structure, path), LAM_ERR_STATE);

    /* what the whole file is refused for, but for its values */
    size_t size;
    unsigned char *bytes = scratch_read(path, &size);
    for (size_t cut = 0; cut < size; cut += cut < 16 ? 1 : 37) {
        scratch_write(path, bytes, cut);
        cr_expect_null(lam_model_load_structure(path), "cut to %zu bytes", cut);
    }
    free(bytes);
    cr_expect_null(lam_model_load_structure(folder));
    cr_expect_null(lam_model_load_structure(NULL));
    scratch_remove(folder);
    lam_model_free(structure);
    lam_model_free(model);
}
