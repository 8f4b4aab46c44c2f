/* test_batches.c: lam_batches, and training on changed images. */
#include <criterion/criterion.h>

#include <lamina/lamina.h>

#include "../support/image_files.h"

Test(batches, every_sample_once_an_epoch_in_fresh_orders)
{
    lam_dataset *data = lam_dataset_spiral(99, 3, 1);
    lam_batches_options options = lam_batches_options_default();
    options.batch_size = 32;
    options.epochs = 3;
    lam_batches *batches = lam_batches_new(data, &options);
    cr_assert(batches, "%s", lam_error_message());
    cr_assert_eq(lam_batches_epoch(batches), 0);
    uint32_t orders[3][100];
    for (size_t epoch = 0; epoch < 3; epoch++) {
        size_t at = 0;
        bool seen[100] = {false};
        for (size_t b = 0; b < 4; b++) {
            lam_batch batch;
            cr_assert_eq(lam_batches_next(batches, &batch), LAM_OK);
            cr_assert_eq(batch.rows, b < 3 ? 32 : 99 - 96);
            cr_assert_eq(lam_batches_epoch(batches), epoch + 1);
            cr_assert(batch.classes && !batch.targets);
            for (size_t r = 0; r < batch.rows; r++) {
                const uint32_t i = lam_batches_index(batches)[r];
                float x[2];
                lam_dataset_sample(data, i, x);
                cr_assert(!seen[i] && memcmp(x, batch.x + 2 * r, sizeof x) == 0);
                cr_assert_eq(batch.classes[r], lam_dataset_class(data, i));
                seen[i] = true;
                orders[epoch][at++] = i;
            }
        }
        cr_assert_eq(at, lam_dataset_samples(data));
    }
    cr_assert(memcmp(orders[0], orders[1], sizeof orders[0]) != 0);
    cr_assert(memcmp(orders[1], orders[2], sizeof orders[0]) != 0);
    for (int i = 0; i < 2; i++) {
        lam_batch batch;
        cr_assert_eq(lam_batches_next(batches, &batch), LAM_OK);
        cr_assert_eq(batch.rows, 0);
    }
    lam_batches_free(batches);
    lam_dataset_free(data);
}

Test(batches, without_end_and_in_order)
{
    lam_dataset *data = lam_dataset_sine(10);
    lam_batches_options options = lam_batches_options_default();
    options.batch_size = 4;
    options.epochs = 0;
    options.shuffle = false;
    lam_batches *batches = lam_batches_new(data, &options);
    for (size_t b = 0; b < 3000; b++) {
        lam_batch batch;
        cr_assert_eq(lam_batches_next(batches, &batch), LAM_OK);
        cr_assert(batch.rows == (b % 3 < 2 ? 4 : 2) && batch.targets && !batch.classes);
        cr_assert_eq(lam_batches_index(batches)[0], b % 3 * 4);
    }
    cr_assert_eq(lam_batches_epoch(batches), 1000);
    lam_batches_free(batches);
    options.batch_size = 0;
    cr_assert_null(lam_batches_new(data, &options));
    cr_assert_null(lam_batches_new(NULL, NULL));
    lam_dataset_free(data);
}

enum { SIDE = 8, SAMPLES = 90, COUNT = SIDE * SIDE * 6 + 6 + 6 * 3 + 3 };

static lam_dataset *make_images(bool known)
{
    static uint8_t pixels[SAMPLES][SIDE * SIDE];
    static int32_t labels[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = i % 3;
        for (int k = 0; k < SIDE * SIDE; k++)
            pixels[i][k] = (uint8_t)((i * 31 + k * 17) % 100 + (k / SIDE % 3 == i % 3 ? 150 : 0));
    }
    lam_dataset *data = lam_dataset_new(pixels, LAM_UINT8, SAMPLES, SIDE * SIDE, LAM_COPY);
    cr_assert_eq(lam_dataset_set_classes(data, labels, 3), LAM_OK);
    if (known)
        cr_assert_eq(lam_dataset_set_image(data, SIDE, SIDE, 1), LAM_OK);
    return data;
}

static lam_model *make_model(void)
{
    lam_model *model = lam_model_new(SIDE * SIDE);
    lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_add_layers(model, "6:relu,3:softmax");
    return model;
}

static void train(const lam_dataset *data, const lam_fit_options *fit, float *parameters,
                  lam_scores *scores)
{
    lam_model *model = make_model();
    cr_assert_eq(lam_fit(model, data, fit, NULL), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_get_parameters(model, parameters, COUNT), LAM_OK);
    cr_assert_eq(lam_evaluate(model, data, fit, scores), LAM_OK);
    lam_model_free(model);
}

Test(batches, the_same_training_as_lam_fit)
{
    float by_fit[COUNT], by_hand[COUNT];
    lam_scores scores;
    lam_fit_options fit = lam_fit_options_default();
    lam_dataset *data = make_images(true);
    fit.epochs = 3;
    fit.batch_size = 40;
    train(data, &fit, by_fit, &scores);
    lam_model *model = make_model();
    lam_trainer *trainer = lam_trainer_new(model, &fit);
    lam_batches_options options = lam_batches_options_default();
    options.batch_size = 40;
    options.epochs = 3;
    lam_batches *batches = lam_batches_new(data, &options);
    lam_batch batch;
    while (lam_batches_next(batches, &batch) == LAM_OK && batch.rows > 0)
        cr_assert_eq(lam_trainer_step(trainer, &batch, NULL), LAM_OK);
    lam_model_get_parameters(model, by_hand, COUNT);
    cr_assert(memcmp(by_fit, by_hand, sizeof by_fit) == 0);
    lam_batches_free(batches);
    lam_trainer_free(trainer);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(batches, changed_images_train_to_the_same_bits_on_any_number_of_threads)
{
    float plain[COUNT], one[COUNT], four[COUNT];
    lam_scores scores, plain_scores;
    lam_fit_options fit = lam_fit_options_default();
    lam_dataset *data = make_images(true);
    fit.epochs = 3;
    fit.batch_size = 40;
    fit.threads = 1;
    train(data, &fit, plain, &plain_scores);
    fit.rotation = 20.0f;
    fit.width_shift = fit.height_shift = 0.1f;
    fit.zoom = 0.2f;
    fit.shear = 5.0f;
    fit.horizontal_flip = true;
    fit.brightness = 0.2f;
    fit.noise = 4.0f;
    train(data, &fit, one, &scores);
    fit.threads = 4;
    train(data, &fit, four, &scores);
    cr_assert(memcmp(one, four, sizeof one) == 0);
    cr_assert(memcmp(one, plain, sizeof one) != 0);
    lam_dataset_free(data);
}

Test(batches, evaluation_and_validation_see_images_as_they_are)
{
    lam_fit_options fit = lam_fit_options_default();
    lam_dataset *data = make_images(true);
    lam_model *model = make_model();
    lam_scores plain, changed;
    lam_history *history = NULL;
    fit.epochs = 1;
    fit.validation = data;
    fit.rotation = 90.0f;
    fit.noise = 50.0f;
    cr_assert_eq(lam_fit(model, data, &fit, &history), LAM_OK);
    cr_assert_eq(lam_evaluate(model, data, &fit, &changed), LAM_OK);
    fit.rotation = fit.noise = 0.0f;
    cr_assert_eq(lam_evaluate(model, data, &fit, &plain), LAM_OK);
    cr_assert_eq(plain.loss, changed.loss);
    const lam_epoch *epoch = lam_history_epoch(history, 0);
    cr_assert(epoch && epoch->validation.loss == plain.loss);
    lam_history_free(history);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(batches, what_is_no_image_is_not_turned)
{
    lam_fit_options fit = lam_fit_options_default();
    lam_dataset *data = make_images(false);
    lam_model *model = make_model();
    fit.rotation = 10.0f;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_ERR_SHAPE);
    cr_assert(strstr(lam_error_message(), "images"), "%s", lam_error_message());
    fit.rotation = 0.0f;
    fit.noise = 1.0f; /* of any numbers */
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK);
    fit.fill_mode = "mirror";
    cr_assert_neq(lam_fit(model, data, &fit, NULL), LAM_OK);
    cr_assert(strstr(lam_error_message(), "nearest"), "%s", lam_error_message());
    lam_model_free(model);
    lam_dataset_free(data);
}
