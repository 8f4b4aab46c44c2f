/* fuzz_checkpoint.c: fuzz target of the checkpoint reader, with and without its checksum: into a
 * trainer and into a view. */
#include <math.h>
#include <stdlib.h>

#include "fit/checkpoints/checkpoint.h"
#include "fit/checkpoints/checkpoint_inspect.h"
#include "formats/safetensors/model_file.h"
#include "fuzz.h"

/* The network that corpus/checkpoint is of. */
static lam_trainer *make_trainer(lam_model **model)
{
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = 4;
    options.threads = 1;
    *model = lam_model_new(3);
    if (!*model || lam_model_dense(*model, 2, "softmax") != LAM_OK)
        abort();
    lam_trainer *trainer = lam_trainer_new(*model, &options);
    if (!trainer)
        abort();
    return trainer;
}

/* A trainer of that network. Reading that fails changes nothing, so it is kept until one succeeds.
 */
static lam_trainer *trainer;
static lam_model *trained;

static void read_into_trainer(const uint8_t *data, size_t size, bool checked)
{
    if (!trainer)
        trainer = make_trainer(&trained);
    const lam__checkpoint_of of = {trainer, NULL};
    const float x[] = {0.5f, -1.0f, 2.0f};
    const int32_t classes[] = {1};
    const lam_batch batch = {.rows = 1, .x = x, .classes = classes};
    if (lam__checkpoint_restore(&of, data, size, "input", checked) != LAM_OK)
        return;
    float values[8];
    if (lam_model_get_parameters(trained, values, 8) != LAM_OK)
        abort();
    for (int i = 0; i < 8; i++)
        if (!isfinite(values[i]))
            abort();
    lam_trainer_step(trainer, &batch, NULL); /* any result, no crash */
    lam_trainer_free(trainer);
    lam_model_free(trained);
    trainer = NULL;
}

static void read_view(const uint8_t *data, size_t size, bool checked)
{
    lam_checkpoint *checkpoint = lam__checkpoint_parse(data, size, "input", checked);
    if (checkpoint) {
        const lam_history *history = lam_checkpoint_history(checkpoint);
        const char *name, *value;
        for (size_t i = 0; i < lam_history_epochs(history); i++)
            if (!lam_history_epoch(history, i))
                abort();
        for (size_t i = 0; lam_checkpoint_option(checkpoint, i, &name, &value) == LAM_OK; i++)
            if (!name || !value)
                abort();
    }
    lam_checkpoint_free(checkpoint);
}

/* With its checksum compared only what has the right one: all else ends there. */
void fuzz_input(const uint8_t *data, size_t size)
{
    const bool sound = lam__checkpoint_check_crc(data, size, "input") == LAM_OK;
    for (int checked = 0; checked <= sound; checked++) {
        read_into_trainer(data, size, checked);
        read_view(data, size, checked);
        lam_model_free(checked ? lam__model_parse(data, size, "input")
                               : lam__model_parse_unchecked(data, size, "input"));
    }
}
