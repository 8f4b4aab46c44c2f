/* test_several_fits.c: training in several calls: it goes on where it stands. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "lamina_features.h"

enum { SAMPLES = 150, EPOCHS = 6, PARAMETERS = 2 * 16 + 16 + 16 * 8 + 8 + 8 * 3 + 3 };

static lam_model *made(void)
{
    lam_model *model = lam_model_new(2);
    cr_assert_eq(lam_model_add_layers(model, "16:relu,dropout:0.3,8:tanh,3:softmax"), LAM_OK);
    cr_assert_eq(lam_model_parameters(model), PARAMETERS);
    return model;
}

static lam_fit_options options_of(const char *optimizer, bool keep, size_t epochs)
{
    lam_fit_options options = lam_fit_options_default();
    options.optimizer = optimizer;
    options.momentum = strcmp(optimizer, "sgd") == 0 ? 0.9f : 0.0f;
    options.learning_rate = 0.02f;
    options.decay = 1e-2f;
    options.batch_size = 32;
    options.validation_split = 0.2;
    options.noise = 0.01f; /* drawn anew in each step */
    options.keep_optimizer = keep;
    options.epochs = epochs;
    return options;
}

static void fit(lam_model *model, const lam_dataset *data, lam_fit_options options)
{
    cr_assert_eq(lam_fit(model, data, &options, NULL), LAM_OK, "%s", lam_error_message());
}

static void take(const lam_model *model, float *values)
{
    cr_assert_eq(lam_model_get_parameters(model, values, PARAMETERS), LAM_OK);
}

static bool same(const lam_model *a, const lam_model *b)
{
    float x[PARAMETERS], y[PARAMETERS];
    take(a, x);
    take(b, y);
    return memcmp(x, y, sizeof x) == 0;
}

/* With the optimizer kept, calls of one epoch give the bits of one call of all. */
Test(several_fits, are_one_when_the_optimizer_is_kept)
{
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    for (size_t i = 0; i < lam_catalog_size(LAM_OPTIMIZER); i++) {
        lam_catalog_entry optimizer;
        cr_assert_eq(lam_catalog(LAM_OPTIMIZER, i, &optimizer), LAM_OK);
        lam_model *once = made(), *often = made();
        fit(once, data, options_of(optimizer.name, false, EPOCHS));
        for (size_t e = 0; e < EPOCHS; e += e ? 1 : 2)
            fit(often, data, options_of(optimizer.name, true, e ? 1 : 2));
        cr_expect(same(once, often), "%s", optimizer.name);
        fit(once, data, options_of(optimizer.name, false, 1));
        fit(often, data, options_of(optimizer.name, true, 1));
        cr_expect_not(same(once, often), "%s: the moments of one are gone", optimizer.name);
        lam_model_free(once);
        lam_model_free(often);
    }
    lam_dataset_free(data);
}

/* Without an optimizer that has a state there is nothing to keep. */
Test(several_fits, go_on_with_orders_masks_and_decay)
{
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    lam_fit_options all = options_of("sgd", false, EPOCHS), one = options_of("sgd", false, 1);
    all.momentum = one.momentum = 0.0f;
    lam_model *once = made(), *often = made();
    fit(once, data, all);
    for (size_t e = 0; e < EPOCHS; e++)
        fit(often, data, one);
    cr_expect(same(once, often));
    lam_model_free(once);
    lam_model_free(often);
    lam_dataset_free(data);
}

/* A call without momentum leaves none: what an earlier one has left is out of date after it. */
Test(several_fits, moments_that_a_call_did_not_use_are_dropped)
{
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    lam_model *kept = made(), *dropped = made();
    lam_fit_options with = options_of("sgd", true, 1), without = with;
    without.momentum = 0.0f;
    fit(kept, data, with);
    fit(dropped, data, with);
    fit(kept, data, without);
    without.keep_optimizer = false;
    fit(dropped, data, without);
    fit(kept, data, with);
    fit(dropped, data, with);
    cr_expect(same(kept, dropped));
    lam_model_free(kept);
    lam_model_free(dropped);
    lam_dataset_free(data);
}

/* A loop of one's own and lam_fit on the same model count together. */
Test(several_fits, trainers_go_on_as_well)
{
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    lam_model *models[2] = {made(), made()};
    for (int parts = 0; parts < 2; parts++) {
        const lam_fit_options options = options_of("adam", true, 1);
        lam_trainer *trainer = lam_trainer_new(models[parts], &options);
        for (size_t step = 0; step < 10; step++) {
            if (parts && step % 3 == 2) {
                lam_trainer_free(trainer);
                trainer = lam_trainer_new(models[parts], &options);
                cr_assert_not_null(trainer, "%s", lam_error_message());
                cr_expect_eq(lam_trainer_steps(trainer), 0, "its own");
            }
            cr_assert_eq(lam_trainer_step_rows(trainer, data, NULL, 32, NULL), LAM_OK);
        }
        cr_expect_float_eq(lam_trainer_learning_rate(trainer), 0.02 / (1.0 + 1e-2 * 10.0), 1e-9);
        lam_trainer_free(trainer);
        fit(models[parts], data, options);
    }
    cr_expect(same(models[0], models[1]));
    lam_model_free(models[0]);
    lam_model_free(models[1]);
    lam_dataset_free(data);
}

Test(several_fits, initialize_begins_anew)
{
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    lam_model *model = made(), *fresh = made();
    fit(model, data, options_of("adam", true, 2));
    cr_assert_eq(lam_model_initialize(model, lam_fit_options_default().seed, NULL), LAM_OK);
    fit(model, data, options_of("adam", true, 2));
    fit(fresh, data, options_of("adam", true, 2));
    cr_expect(same(model, fresh));
    lam_model_free(model);
    lam_model_free(fresh);
    lam_dataset_free(data);
}

Test(several_fits, another_optimizer_is_told)
{
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    lam_model *model = made();
    fit(model, data, options_of("adam", true, 1));
    const lam_fit_options other = options_of("sgd", true, 1);
    cr_expect_eq(lam_fit(model, data, &other, NULL), LAM_ERR_ARGUMENT);
    cr_expect(strstr(lam_error_message(), "the moments of adam, and the optimizer is sgd"), "%s",
              lam_error_message());
    fit(model, data, options_of("sgd", false, 1)); /* drops them */
    fit(model, data, options_of("sgd", true, 1));
    lam_model_free(model);
    lam_dataset_free(data);
}

/* The name of the only checkpoint in a folder. */
static void find_checkpoint(const char *folder, size_t steps, char *path, size_t size)
{
    snprintf(path, size, "%s/checkpoint-%012zu.safetensors", folder, steps);
}

/* A run that began with a trained model is resumed as it was, whatever the model has become. */
Test(several_fits, a_resumed_run_knows_where_it_began, .disabled = !LAM__HAVE_JSON)
{
    char folder[256], runs[2][512];
    scratch_make(folder);
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    lam_model *models[2] = {made(), made()};
    for (int parts = 0; parts < 2; parts++) {
        scratch_path(folder, parts ? "parts" : "whole", runs[parts]);
        fit(models[parts], data, options_of("adam", true, 2));
        lam_fit_options options = options_of("adam", true, 4);
        options.checkpoint = runs[parts];
        if (parts) {
            options.epochs = 2;
            fit(models[parts], data, options);
            options.epochs = 4;
            options.resume = true;
        }
        fit(models[parts], data, options);
    }
    cr_expect(same(models[0], models[1]));
    lam_model_free(models[0]);
    lam_model_free(models[1]);
    scratch_remove(folder);
    lam_dataset_free(data);
}

Test(several_fits, go_on_from_a_checkpoint, .disabled = !LAM__HAVE_JSON)
{
    char folder[256], run[512], path[600];
    scratch_make(folder);
    scratch_path(folder, "run", run);
    lam_dataset *data = lam_dataset_spiral(SAMPLES, 3, 1);
    lam_model *whole = made(), *first = made();
    fit(whole, data, options_of("adam", false, 5));
    lam_fit_options options = options_of("adam", false, 3);
    options.checkpoint = run;
    options.keep = 1;
    fit(first, data, options);
    find_checkpoint(run, 3 * 4, path, sizeof path);
    lam_model *second = lam_model_load(path);
    cr_assert_not_null(second, "%s", lam_error_message());
    cr_expect_eq(lam_model_load_optimizer(second, path), LAM_OK, "%s", lam_error_message());
    fit(second, data, options_of("adam", true, 2));
    cr_expect(same(whole, second));

    scratch_path(folder, "m.safetensors", run);
    cr_assert_eq(lam_model_save(second, run), LAM_OK);
    cr_expect_eq(lam_model_load_optimizer(second, run), LAM_ERR_FORMAT);
    cr_expect_eq(lam_model_load_optimizer(second, "/nowhere"), LAM_ERR_IO);
    lam_model *other = lam_model_new(2);
    cr_assert_eq(lam_model_add_layers(other, "16:relu,9:tanh,3:softmax"), LAM_OK);
    cr_expect_eq(lam_model_load_optimizer(other, path), LAM_ERR_STATE, "no parameters");
    cr_assert_eq(lam_model_initialize(other, 1, NULL), LAM_OK);
    cr_expect_eq(lam_model_load_optimizer(other, path), LAM_ERR_STATE, "another network");
    lam_model_free(other);
    lam_model_free(second);
    lam_model_free(first);
    lam_model_free(whole);
    scratch_remove(folder);
    lam_dataset_free(data);
}
