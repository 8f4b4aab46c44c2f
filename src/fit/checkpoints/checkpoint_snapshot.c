/* checkpoint_snapshot.c: the bytes of a checkpoint: a header that is ready beforehand, and the
 * state copied behind it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/machine/clock.h"
#include "base/memory.h"
#include "fit/checkpoints/checkpoint.h"
#include "formats/safetensors/model_file.h"
#include "io/checksum.h"
#include "model/network.h"

/* Rows of history there is room for from the start; the data begin at a multiple of ALIGN; images
 * lie at pages, for the system's copy of them. */
enum { ROWS_AT_ONCE = 1024 };

/* Values of 4 or 8 bytes, little-endian whatever the machine's own order. */
static void copy_words(unsigned char *to, const void *from, size_t bytes, size_t width)
{
    memcpy(to, from, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < bytes; i += width)
        for (size_t j = 0; j < width / 2; j++) {
            const unsigned char byte = to[i + j];
            to[i + j] = to[i + width - 1 - j];
            to[i + width - 1 - j] = byte;
        }
#else
    (void)width;
#endif
}

static size_t data_size(const lam__checkpoint_of *of, size_t epochs)
{
    size_t size = 0;
    lam__part part;
    for (size_t i = 0; lam__checkpoint_part(of, epochs, i, &part); i++)
        size += part.bytes;
    return size;
}

void lam__snapshot_close(lam__snapshot *snapshot)
{
    lam__release(snapshot->model);
    lam__release(snapshot->settings);
    lam__release(snapshot->header);
    lam__release(snapshot->bytes);
    *snapshot = (lam__snapshot){0};
}

/* Whose parts are labelled, with how many rows of history. */
typedef struct part_list {
    const lam__checkpoint_of *of;
    size_t epochs;
} part_list;

static bool part_label(const void *of, size_t i, lam__st_label *label)
{
    const part_list *list = of;
    lam__part part;
    if (!lam__checkpoint_part(list->of, list->epochs, i, &part))
        return false;
    *label = part.label;
    return true;
}

lam_status lam__snapshot_lay_out(lam__snapshot *snapshot, const lam__checkpoint_of *of,
                                 size_t epochs)
{
    const lam__st_pair pairs[] = {
        {LAM__FILE_CRC_KEY, "00000000"},
        {LAM__MODEL_KEY, snapshot->model},
        {LAM__CHECKPOINT_KEY, snapshot->settings},
    };
    const part_list list = {of, epochs};
    const lam__st_header parts = {"a checkpoint", pairs, sizeof pairs / sizeof *pairs, part_label,
                                  &list};
    unsigned char *header;
    size_t size;
    LAM__TRY(lam__st_make_header(&parts, &header, &size));
    lam__release(snapshot->header);
    snapshot->header = header;
    snapshot->header_size = size;
    snapshot->epochs = epochs;
    return LAM_OK;
}

lam_status lam__snapshot_open(lam__snapshot *snapshot, const lam__checkpoint_of *of)
{
    *snapshot = (lam__snapshot){0};
    lam_status status = lam__checkpoint_model(of, &snapshot->model);
    if (status == LAM_OK)
        status = lam__checkpoint_settings(of, &snapshot->settings);
    if (status == LAM_OK)
        status = lam__snapshot_lay_out(snapshot, of, of->run ? of->run->place.epoch : 0);
    if (status == LAM_OK)
        status = lam__snapshot_grow(snapshot, of);
    if (status != LAM_OK)
        lam__snapshot_close(snapshot);
    return status;
}
bool lam__snapshot_fits(const lam__snapshot *snapshot, const lam__checkpoint_of *of)
{
    return snapshot->header_size + data_size(of, snapshot->epochs) <= snapshot->capacity;
}

lam_status lam__snapshot_grow(lam__snapshot *snapshot, const lam__checkpoint_of *of)
{
    const size_t room = snapshot->epochs < ROWS_AT_ONCE ? ROWS_AT_ONCE : 2 * snapshot->epochs;
    lam__release(snapshot->bytes);
    snapshot->capacity = snapshot->header_size + data_size(of, of->run ? room : 0);
    snapshot->bytes =
        lam__allocate_zero(snapshot->capacity, 1, "a checkpoint"); /* pages are there */
    if (!snapshot->bytes)
        snapshot->capacity = 0;
    return snapshot->bytes ? LAM_OK : LAM_ERR_MEMORY;
}

static void take_counts(const lam__checkpoint_of *of, unsigned char *to)
{
    uint64_t counts[LAM__COUNTS] = {0};
    counts[LAM__COUNT_STEPS] = of->trainer->steps;
    counts[LAM__COUNT_SEED] = of->trainer->weights.options.seed;
    if (of->run) {
        const lam__fit_position *place = &of->run->place;
        counts[LAM__COUNT_EPOCH] = place->epoch;
        counts[LAM__COUNT_BATCH] = place->batch;
        counts[LAM__COUNT_SAMPLES] = place->tally.samples;
        counts[LAM__COUNT_ORDER] = place->batch ? place->order_id : 0;
        counts[LAM__COUNT_BEST_EPOCH] = of->run->early.best_epoch;
        counts[LAM__COUNT_WAITED] = of->run->early.waited;
    }
    copy_words(to, counts, sizeof counts, sizeof *counts);
}

static void take_numbers(const lam__checkpoint_of *of, unsigned char *to)
{
    double numbers[LAM__NUMBERS] = {0};
    numbers[LAM__NUMBER_RATE] = of->trainer->base_rate;
    if (of->run) {
        const lam__fit_position *place = &of->run->place;
        numbers[LAM__NUMBER_SECONDS] =
            place->batch ? place->seconds + lam__now() - of->run->started : 0.0;
        numbers[LAM__NUMBER_LOSS] = place->tally.loss;
        numbers[LAM__NUMBER_PENALTY] = place->tally.penalty;
        numbers[LAM__NUMBER_BEST] = of->run->early.best;
    }
    copy_words(to, numbers, sizeof numbers, sizeof *numbers);
}

static void take_history(const lam__fit *run, size_t epochs, unsigned char *to)
{
    /* as many columns as there can be */
    double row[3 + 2 * (4 + LAM_MAX_METRICS)];
    const size_t bytes = lam__history_columns(run) * sizeof *row;
    for (size_t e = 0; e < epochs; e++) {
        lam__history_write_row(run, &run->history->epochs[e], row);
        copy_words(to + e * bytes, row, bytes, sizeof *row);
    }
}

void lam__snapshot_take(lam__snapshot *snapshot, const lam__checkpoint_of *of)
{
    unsigned char *to = snapshot->bytes + snapshot->header_size;
    memcpy(snapshot->bytes, snapshot->header, snapshot->header_size);
    const size_t numbers = of->run ? 4 : 2, tensors = lam__tensor_count(of->trainer->model);
    lam__part part;
    for (size_t i = 0; lam__checkpoint_part(of, snapshot->epochs, i, &part); i++) {
        if (part.floats)
            copy_words(to, part.floats, part.bytes, sizeof *part.floats);
        else if (i == LAM__PART_COUNTS)
            take_counts(of, to);
        else if (i == LAM__PART_NUMBERS)
            take_numbers(of, to);
        else if (i == LAM__PART_SUMS)
            copy_words(to, of->run->place.tally.states, part.bytes, sizeof(double));
        else
            take_history(of->run, snapshot->epochs, to);
        const size_t begin = (size_t)(to - snapshot->bytes);
        to += part.bytes;
        if (i == numbers)
            snapshot->parameters = begin;
        if (i < numbers + tensors)
            snapshot->parameters_end = begin + part.bytes;
    }
    snapshot->size = (size_t)(to - snapshot->bytes);
}

/* Little-endian floats: an exponent of ones is an infinity or no number. */
bool lam__all_finite(const unsigned char *floats, size_t count, size_t *bad)
{
    unsigned any = 0;
    for (size_t i = 0; i < count; i++) /* without branches: some GB a second */
        any |= (unsigned)((floats[4 * i + 3] & 0x7f) == 0x7f) & floats[4 * i + 2] >> 7;
    for (*bad = 0; any && *bad < count; ++*bad)
        if ((floats[4 * *bad + 3] & 0x7f) == 0x7f && floats[4 * *bad + 2] >> 7)
            break;
    return !any;
}

lam_status lam__snapshot_seal(lam__snapshot *snapshot)
{
    const size_t floats = (snapshot->parameters_end - snapshot->parameters) / sizeof(float);
    size_t bad;
    if (!lam__all_finite(snapshot->bytes + snapshot->parameters, floats, &bad))
        return lam__fail(LAM_ERR_NUMERIC,
                         "no checkpoint: parameter %zu of the model is not a finite number", bad);
    char digits[LAM__FILE_CRC_DIGITS + 1];
    snprintf(digits, sizeof digits, "%08" PRIx32,
             lam__checkpoint_crc(snapshot->bytes, snapshot->size));
    memcpy(snapshot->bytes + lam__checkpoint_crc_place(snapshot->bytes, snapshot->size), digits,
           LAM__FILE_CRC_DIGITS);
    return LAM_OK;
}
