/* test_environment.c: environment variables that are read, and what made a checkpoint. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "fit/checkpoints/checkpoint.h"

Test(environment, words)
{
    static const struct {
        const char *variable, *value, *known;
    } wrong[] = {{"LAMINA_CPU", "avx512x", "baseline, avx2, avx512"},
                 {"LAMINA_CPU", "AVX2", "baseline, avx2, avx512"},
                 {"LAMINA_CPU", " ", "baseline, avx2, avx512"},
                 {"LAMINA_PRODUCTS", "tile", "tiles, blas"}};
    static const char *const right[][2] = {
        {"LAMINA_CPU", "baseline"}, {"LAMINA_CPU", "avx2"},      {"LAMINA_CPU", "avx512"},
        {"LAMINA_CPU", ""},         {"LAMINA_PRODUCTS", "blas"}, {"LAMINA_PRODUCTS", "tiles"},
        {"LAMINA_PRODUCTS", ""}};
    unsetenv("LAMINA_CPU");
    unsetenv("LAMINA_PRODUCTS");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv(wrong[i].variable, wrong[i].value, 1);
        cr_assert_eq(lam_check_environment(), LAM_ERR_NAME, "%s", wrong[i].value);
        cr_assert_null(lam_model_new(1));
        cr_assert_eq(lam_error_status(), LAM_ERR_NAME);
        const char *message = lam_error_message();
        cr_assert(strstr(message, wrong[i].variable) && strstr(message, wrong[i].value) &&
                      strstr(message, wrong[i].known),
                  "%s", message);
        unsetenv(wrong[i].variable);
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        setenv(right[i][0], right[i][1], 1);
        cr_assert_eq(lam_check_environment(), LAM_OK, "%s", right[i][1]);
        unsetenv(right[i][0]);
    }
    lam_model *model = lam_model_new(1);
    cr_assert_not_null(model);
    lam_model_free(model);
}

/* The first character of the value of `key` in the settings of a checkpoint in memory. */
static char *value_of(unsigned char *bytes, size_t size, const char *key)
{
    const size_t length = strlen(key);
    for (size_t i = 0; i + length < size; i++)
        if (memcmp(bytes + i, key, length) == 0)
            return (char *)bytes + i + length;
    cr_assert_fail("no %s", key);
    return NULL;
}

/* What made a checkpoint is kept and told where it is not so here; a file that does not say is read
 * as before. */
Test(environment, origin_of_a_checkpoint)
{
    if (strcmp(lam_build_info("json"), "yes") != 0)
        cr_skip_test("no JSON, no checkpoints");
    size_t size;
    lam_model *model = lam_model_new(2);
    cr_assert_eq(lam_model_add_layers(model, "2:relu"), LAM_OK);
    lam_trainer *trainer = lam_trainer_new(model, NULL);
    cr_assert_eq(lam_trainer_save_memory(trainer, NULL, 0, &size), LAM_OK);
    unsigned char *bytes = malloc(size);
    cr_assert_eq(lam_trainer_save_memory(trainer, bytes, size, &size), LAM_OK);
    const lam__checkpoint_of of = {trainer, NULL};
    cr_assert_eq(lam_trainer_restore_memory(trainer, bytes, size), LAM_OK);
    cr_assert_null(lam_trainer_note(trainer));
    cr_assert_null(lam_trainer_note(NULL));

    char *place = value_of(bytes, size, "instruction_set\\\":\\\"");
    const char former = *place;
    *place = 'x';
    cr_assert_eq(lam__checkpoint_restore(&of, bytes, size, "c", false), LAM_OK);
    const char *note = lam_trainer_note(trainer);
    cr_assert(note && strstr(note, "instruction_set is ") &&
                  strstr(note, lam_build_info("instruction_set")) && strstr(note, "was x"),
              "%s", note ? note : "no note");
    *place = former;
    char *products = value_of(bytes, size, "products\\\":\\\"");
    char *blas = value_of(bytes, size, "\\\"blas\\\":\\\"");
    const bool tiles = strcmp(lam_build_info("products"), "tiles") == 0;
    *blas = '?';
    cr_assert_eq(lam__checkpoint_restore(&of, bytes, size, "c", false), LAM_OK);
    cr_assert_eq(lam_trainer_note(trainer) == NULL, tiles, "a BLAS that is not used");
    *products = '?';
    cr_assert_eq(lam__checkpoint_restore(&of, bytes, size, "c", false), LAM_OK);
    note = lam_trainer_note(trainer);
    cr_assert(note && strstr(note, "products is ") && strstr(note, "blas is "), "%s", note);

    memcpy(value_of(bytes, size, "\\\"made_"), "xx", 2); /* as from before this was kept */
    cr_assert_eq(lam__checkpoint_restore(&of, bytes, size, "c", false), LAM_OK);
    cr_assert_null(lam_trainer_note(trainer));
    free(bytes);
    lam_trainer_free(trainer);
    lam_model_free(model);
}
