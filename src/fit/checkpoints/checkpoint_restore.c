/* checkpoint_restore.c: putting the state in a checkpoint back. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "fit/checkpoints/checkpoint.h"
#include "fit/checkpoints/checkpoint_inspect.h"
#include "formats/safetensors/model_file.h"
#include "model/network.h"

/* Whole and other numbers of a file, and where the rest lies. */
typedef struct contents {
    const lam__st_file *file;
    lam__began_at began;
    uint64_t counts[LAM__COUNTS];
    double numbers[LAM__NUMBERS];
} contents;

static const unsigned char *bytes_of(const lam__st_file *file, const lam__st_tensor *tensor)
{
    return file->data + tensor->begin;
}

/* Finds a part with exactly its type and shape. */
static lam_status find_part(const lam__st_file *file, const lam__part *part,
                            const lam__st_tensor **found)
{
    const lam__st_tensor *tensor = lam__st_find(file, part->label.name);
    *found = tensor;
    if (!tensor)
        return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s' is missing", file->name,
                         part->label.name);
    bool same = tensor->dtype == part->label.dtype && tensor->rank == part->label.rank;
    for (size_t i = 0; same && i < part->label.rank; i++)
        same = tensor->shape[i] == part->label.shape[i];
    if (same)
        return LAM_OK;
    return lam__fail(LAM_ERR_FORMAT,
                     "%s: tensor '%s' does not have the expected type %s, %zu dimensions and %zu "
                     "bytes",
                     file->name, part->label.name, lam__st_dtype_name(part->label.dtype),
                     part->label.rank, part->bytes);
}

/* Reads the numbers, and checks that what they say can be. */
static lam_status read_numbers(const lam__checkpoint_of *of, contents *read)
{
    lam__part part;
    const lam__st_tensor *tensor;
    lam__checkpoint_part(of, 0, LAM__PART_COUNTS, &part);
    LAM__TRY(find_part(read->file, &part, &tensor));
    for (size_t i = 0; i < LAM__COUNTS; i++)
        read->counts[i] = lam__word_at(bytes_of(read->file, tensor), i);
    lam__checkpoint_part(of, 0, LAM__PART_NUMBERS, &part);
    LAM__TRY(find_part(read->file, &part, &tensor));
    for (size_t i = 0; i < LAM__NUMBERS; i++)
        read->numbers[i] = lam__double_at(bytes_of(read->file, tensor), i);
    const double rate = read->numbers[LAM__NUMBER_RATE];
    if (!(rate > 0.0 && isfinite(rate)))
        return lam__fail(LAM_ERR_FORMAT, "%s: tensor '%s': the learning rate is not above 0",
                         read->file->name, part.label.name);
    return LAM_OK;
}

/* Whether the place lies in this run: behind it the order and the buffers are taken by it. */
static lam_status check_place(const lam__fit *run, const contents *read)
{
    const uint64_t *counts = read->counts;
    const uint64_t batch = run->trainer->pass.workspace.plan.request.batch,
                   samples = counts[LAM__COUNT_SAMPLES];
    if (counts[LAM__COUNT_EPOCH] > 1000000000 || counts[LAM__COUNT_BEST_EPOCH] > 1000000000)
        return lam__fail(LAM_ERR_FORMAT, "%s: more epochs than there can be", read->file->name);
    if (counts[LAM__COUNT_BATCH] >= lam__fit_batches(run) ||
        samples != counts[LAM__COUNT_BATCH] * batch)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: %llu batches done of %zu, and %llu samples: no epoch can be at "
                         "that point",
                         read->file->name, (unsigned long long)counts[LAM__COUNT_BATCH],
                         lam__fit_batches(run), (unsigned long long)samples);
    if (!isfinite(read->numbers[LAM__NUMBER_LOSS]) || !isfinite(read->numbers[LAM__NUMBER_PENALTY]))
        return lam__fail(LAM_ERR_FORMAT, "%s: the loss so far is not finite", read->file->name);
    const bool more = counts[LAM__COUNT_EPOCH] > run->options->epochs ||
                      (counts[LAM__COUNT_EPOCH] == run->options->epochs && samples > 0);
    if (more)
        return lam__fail(LAM_ERR_STATE, "%s: %llu epochs are done, more than the %zu asked for",
                         read->file->name, (unsigned long long)counts[LAM__COUNT_EPOCH],
                         run->options->epochs);
    return LAM_OK;
}

/* Parameters must be finite, as in a model file. */
static lam_status check_finite(const lam__st_file *file, const lam__st_tensor *tensor)
{
    size_t bad;
    if (lam__all_finite(bytes_of(file, tensor), (tensor->end - tensor->begin) / 4, &bad))
        return LAM_OK;
    return lam__fail(LAM_ERR_NUMERIC, "%s: tensor '%s': value %zu is not a finite number",
                     file->name, tensor->name, bad);
}

/* Every part must be there as this run has it, and no other; those that stay as they are, of the
 * input transform, must be the same. A trainer passes over what only a run of lam_fit has. */
static lam_status check_parts(const lam__checkpoint_of *of, const contents *read)
{
    const lam__st_file *file = read->file;
    const lam_model *model = of->trainer->model;
    lam__part part;
    size_t count = 0;
    for (; lam__checkpoint_part(of, (size_t)read->counts[LAM__COUNT_EPOCH], count, &part);
         count++) {
        const lam__st_tensor *tensor;
        LAM__TRY(find_part(file, &part, &tensor));
        if (part.floats && strncmp(part.label.name, LAM__CHECKPOINT_PREFIX, 11) != 0)
            LAM__TRY(check_finite(file, tensor));
        if (!part.floats ||
            (part.floats != model->transform.mean && part.floats != model->transform.std))
            continue;
        for (size_t i = 0; i < part.label.shape[0]; i++) {
            float value;
            lam__st_value(file, tensor, i, &value);
            if (memcmp(&value, &part.floats[i], sizeof value) != 0)
                return lam__fail(LAM_ERR_STATE,
                                 "%s: a different input transform: value %zu of '%s' differs",
                                 file->name, i, part.label.name);
        }
    }
    if (of->run && file->count != count)
        return lam__fail(LAM_ERR_FORMAT, "%s: %zu tensors, but its settings ask for %zu",
                         file->name, file->count, count);
    return LAM_OK;
}

static lam_status restore_history(lam__fit *run, const contents *read)
{
    double row[3 + 2 * (4 + LAM_MAX_METRICS)];
    const size_t columns = lam__history_columns(run);
    const lam__st_tensor *tensor = lam__st_find(read->file, LAM__CHECKPOINT_PREFIX "history");
    const unsigned char *b = bytes_of(read->file, tensor);
    run->history->count = 0;
    for (uint64_t e = 0; e < read->counts[LAM__COUNT_EPOCH]; e++) {
        lam_epoch epoch;
        for (size_t i = 0; i < columns; i++, b += 8)
            row[i] = lam__double_at(b, 0);
        lam__history_read_row(run, row, &epoch);
        LAM__TRY(lam__history_add(run->history, &epoch));
    }
    return LAM_OK;
}

static void restore_place(lam__fit *run, const contents *read)
{
    const uint64_t *counts = read->counts;
    lam__fit_position *place = &run->place;
    *place = (lam__fit_position){
        .epoch = (size_t)counts[LAM__COUNT_EPOCH],
        .batch = (size_t)counts[LAM__COUNT_BATCH],
        .seconds = read->numbers[LAM__NUMBER_SECONDS],
        .has_order = counts[LAM__COUNT_BATCH] > 0,
        .order_id = (uint32_t)counts[LAM__COUNT_ORDER],
    };
    place->tally.samples = (size_t)counts[LAM__COUNT_SAMPLES];
    place->tally.loss = read->numbers[LAM__NUMBER_LOSS];
    place->tally.penalty = read->numbers[LAM__NUMBER_PENALTY];
    const lam__st_tensor *sums = lam__st_find(read->file, LAM__CHECKPOINT_PREFIX "metric_sums");
    for (size_t i = 0; i < run->trainer->pass.metric_count; i++)
        for (size_t k = 0; k < LAM_METRIC_STATE; k++)
            place->tally.states[i][k] =
                lam__double_at(bytes_of(read->file, sums), i * LAM_METRIC_STATE + k);
    run->early.best = read->numbers[LAM__NUMBER_BEST];
    run->early.best_epoch = (size_t)counts[LAM__COUNT_BEST_EPOCH];
    run->early.waited = (size_t)counts[LAM__COUNT_WAITED];
}

/* Everything has been checked. The floats of parts are the model's and the trainer's own. */
static void restore_floats(const lam__checkpoint_of *of, const contents *read)
{
    lam__part part;
    for (size_t i = 0; lam__checkpoint_part(of, 0, i, &part); i++) {
        const lam__st_tensor *tensor =
            part.floats ? lam__st_find(read->file, part.label.name) : NULL;
        for (size_t k = 0; tensor && k < part.bytes / sizeof(float); k++)
            lam__st_value(read->file, tensor, k, (float *)(uintptr_t)&part.floats[k]);
    }
    lam_trainer *trainer = of->trainer;
    trainer->steps = read->counts[LAM__COUNT_STEPS];
    trainer->base_rate = read->numbers[LAM__NUMBER_RATE];
    trainer->has_gradients = trainer->keeps_gradients = false;
    trainer->steps_before = read->began.steps;
    trainer->weights.moments_from = read->began.moments_from;
    trainer->model->steps_done = read->began.steps + trainer->steps;
    trainer->model->epochs_done =
        read->began.epochs + read->counts[LAM__COUNT_EPOCH] + (read->counts[LAM__COUNT_BATCH] > 0);
    if (of->run)
        of->run->epochs_before = read->began.epochs;
    trainer->model->changes++;
    if (trainer->steps > 0) {
        trainer->model->loss = trainer->pass.loss;
        trainer->model->loss_name = NULL;
    }
}

static lam_status restore(const lam__checkpoint_of *of, const lam__st_file *file)
{
    contents read = {.file = file};
    const char *model = lam__st_metadata(file, LAM__MODEL_KEY);
    const char *settings = lam__st_metadata(file, LAM__CHECKPOINT_KEY);
    if (!model || !settings)
        return lam__fail(LAM_ERR_FORMAT, "%s: not a checkpoint: __metadata__ has no '%s'",
                         file->name, model ? LAM__CHECKPOINT_KEY : LAM__MODEL_KEY);
    LAM__TRY(lam__checkpoint_compare(of, file->name, model, settings));
    LAM__TRY(lam__checkpoint_began_at(file->name, settings, &read.began));
    LAM__TRY(read_numbers(of, &read));
    if (of->run)
        LAM__TRY(check_place(of->run, &read));
    LAM__TRY(check_parts(of, &read));
    if (of->run) {
        LAM__TRY(restore_history(of->run, &read));
        restore_place(of->run, &read);
    }
    restore_floats(of, &read);
    return LAM_OK;
}

lam_status lam__checkpoint_restore(const lam__checkpoint_of *of, const unsigned char *bytes,
                                   size_t size, const char *name, bool checked)
{
    lam__st_file file;
    LAM__TRY(lam__st_parse(bytes, size, name, &file));
    lam_status status = LAM_OK;
    if (!lam__st_metadata(&file, LAM__CHECKPOINT_KEY))
        status = lam__fail(LAM_ERR_FORMAT, "%s: not a checkpoint: __metadata__ has no '%s'", name,
                           LAM__CHECKPOINT_KEY);
    else if (checked)
        status = lam__checkpoint_check_crc(bytes, size, name);
    if (status == LAM_OK)
        status = restore(of, &file);
    lam__st_close(&file);
    return status;
}
