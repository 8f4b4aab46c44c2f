/* test_checkpoint_damage.c: every truncation and every changed byte of a checkpoint is seen. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "fit/checkpoints/checkpoint_inspect.h"
#include "formats/safetensors/model_file.h"
#include "io/checksum.h"

static lam_trainer *make_trainer(lam_model **model)
{
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = 16;
    *model = lam_model_new(2);
    lam_model_add_layers(*model, "5:tanh,dropout:0.1,3:softmax");
    lam_trainer *trainer = lam_trainer_new(*model, &options);
    cr_assert(trainer, "%s", lam_error_message());
    return trainer;
}

static void expect_refused(lam_trainer *trainer, const unsigned char *bytes, size_t size,
                           const char *what, size_t at)
{
    cr_assert_eq(lam_trainer_restore_memory(trainer, bytes, size), LAM_ERR_FORMAT, "%s %zu: %s",
                 what, at, lam_error_message());
    lam_checkpoint *checkpoint = lam__checkpoint_parse(bytes, size, "x", true);
    cr_assert(!checkpoint, "%s %zu: read", what, at);
    lam_model *model = lam__model_parse(bytes, size, "x");
    cr_assert(!model, "%s %zu: taken for a model", what, at);
}

Test(checkpoint_damage, every_truncation_and_byte)
{
    lam_model *model;
    lam_trainer *trainer = make_trainer(&model);
    lam_dataset *data = lam_dataset_spiral(48, 3, 1);
    for (int step = 0; step < 3; step++)
        cr_assert_eq(lam_trainer_step_rows(trainer, data, NULL, 16, NULL), LAM_OK);
    size_t size, changes = 0;
    cr_assert_eq(lam_trainer_save_memory(trainer, NULL, 0, &size), LAM_OK);
    unsigned char *bytes = malloc(size + 1);
    cr_assert_eq(lam_trainer_save_memory(trainer, bytes, size, &size), LAM_OK);
    for (size_t n = 0; n < size; n++)
        expect_refused(trainer, bytes, n, "cut to", n);
    bytes[size] = 0;
    expect_refused(trainer, bytes, size + 1, "one byte more", size);
    for (size_t i = 0; i < size; i++)
        for (unsigned change = 1; change < 256; change = change < 128 ? 2 * change : change + 127) {
            bytes[i] ^= (unsigned char)change;
            expect_refused(trainer, bytes, size, "byte", i);
            bytes[i] ^= (unsigned char)change;
            changes++;
        }
    cr_expect_eq(lam_trainer_steps(trainer), 3);
    cr_expect_eq(lam_trainer_restore_memory(trainer, bytes, size), LAM_OK, "%s",
                 lam_error_message());
    printf("%zu bytes: %zu truncations and %zu changes of a byte, all seen\n", size, size, changes);
    free(bytes);
    lam_trainer_free(trainer);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* The examples of RFC 3720, section B.4, and the two ways to compute it. */
Test(checkpoint_damage, checksum)
{
    unsigned char bytes[100] = {0};
    cr_expect_eq(lam__crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    cr_expect_eq(lam__crc32c(0, bytes, 32), 0x62a8ab43);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = i;
    cr_expect_eq(lam__crc32c(0, bytes, 32), 0x46dd794e);
    cr_expect_eq(lam__crc32c(0, "123456789", 9), 0xe3069283);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * i + 7);
    for (size_t from = 0; from < 9; from++)
        for (size_t n = 0; from + n <= sizeof bytes; n++) {
            const uint32_t crc = lam__crc32c(5, bytes + from, n);
            cr_expect_eq(crc, lam__crc32c_plain(5, bytes + from, n));
            cr_expect_eq(crc, lam__crc32c(lam__crc32c(5, bytes + from, n / 3), bytes + from + n / 3,
                                          n - n / 3));
        }
}
