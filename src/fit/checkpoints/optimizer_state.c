/* optimizer_state.c: the moments and the training position of a checkpoint, for a model. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <lamina/checkpoint.h>

#include "base/error.h"
#include "base/memory.h"
#include "fit/checkpoints/checkpoint.h"
#include "formats/safetensors/model_file.h"
#include "io/file_read.h"
#include "model/network.h"

/* Tensor i of moment `number` (1 or 2) in a file, of the model's shape, and its place in the model.
 */
static lam_status find_moment(const lam__st_file *file, const lam_model *model, int number,
                              size_t i, const lam__st_tensor **found, lam__tensor_view *at)
{
    char tensor_name[LAM__TENSOR_NAME_SIZE], name[96];
    lam__tensor_at(model, i, at);
    lam__tensor_name(at, tensor_name, sizeof tensor_name);
    snprintf(name, sizeof name, LAM__CHECKPOINT_PREFIX "moment_%d.%s", number, tensor_name);
    const lam__st_tensor *tensor = *found = lam__st_find(file, name);
    const size_t rank = at->flat ? 1 : 2, rows = at->flat ? at->cols : at->rows;
    if (!tensor || tensor->dtype != LAM__ST_F32 || tensor->rank != rank ||
        tensor->shape[0] != rows || tensor->shape[rank - 1] != at->cols)
        return lam__fail(LAM_ERR_STATE,
                         "%s: another network: it has no tensor '%s' of %zu x %zu values",
                         file->name, name, at->rows, at->cols);
    return LAM_OK;
}

/* Reads one moment to values, laid out as the model's parameters. */
static lam_status read_moment(const lam__st_file *file, const lam_model *model, int number,
                              float *values)
{
    for (size_t i = 0; i < lam__tensor_count(model); i++) {
        const lam__st_tensor *tensor;
        lam__tensor_view at;
        size_t bad;
        LAM__TRY(find_moment(file, model, number, i, &tensor, &at));
        LAM__TRY(lam__st_floats(file, tensor, values + at.offset, &bad));
        if (bad != SIZE_MAX)
            return lam__fail(LAM_ERR_NUMERIC, "%s: tensor '%s': value %zu is not a finite number",
                             file->name, tensor->name, bad);
    }
    return LAM_OK;
}

/* How many moments a file has: those of the first tensor. */
static size_t count_moments(const lam__st_file *file, const lam_model *model)
{
    size_t count = 0;
    const lam__st_tensor *tensor;
    lam__tensor_view at;
    while (count < 2 && find_moment(file, model, (int)count + 1, 0, &tensor, &at) == LAM_OK)
        count++;
    return count;
}

static lam_status read_counts(const lam__st_file *file, uint64_t counts[LAM__COUNTS])
{
    const lam__st_tensor *tensor = lam__st_find(file, LAM__CHECKPOINT_PREFIX "counts");
    if (!tensor || tensor->dtype != LAM__ST_U64 || tensor->rank != 1 ||
        tensor->shape[0] != LAM__COUNTS)
        return lam__fail(LAM_ERR_FORMAT, "%s: its counts are missing", file->name);
    for (size_t i = 0; i < LAM__COUNTS; i++) {
        counts[i] = 0;
        for (size_t b = 0; b < 8; b++)
            counts[i] |= (uint64_t)file->data[tensor->begin + 8 * i + b] << 8 * b;
    }
    return LAM_OK;
}

/* Reads everything, and only then changes the model. */
static lam_status take(const lam__st_file *file, const char *settings, lam_model *model)
{
    char name[LAM__OPTIMIZER_TEXT];
    uint64_t counts[LAM__COUNTS];
    lam__began_at began;
    lam__moments read = {0};
    LAM__TRY(lam__checkpoint_optimizer(file->name, settings, name, sizeof name));
    LAM__TRY(lam__checkpoint_began_at(file->name, settings, &began));
    LAM__TRY(read_counts(file, counts));
    read.optimizer = lam__find_optimizer(name);
    if (!read.optimizer)
        return lam_error_status();
    read.from = began.moments_from;
    const size_t count = count_moments(file, model);
    float **const buffers[] = {&read.m, &read.v};
    lam_status status = LAM_OK;
    for (size_t i = 0; i < count && status == LAM_OK; i++) {
        *buffers[i] = lam__allocate_zero(model->parameter_floats, sizeof(float), "moments");
        status = *buffers[i] ? read_moment(file, model, (int)i + 1, *buffers[i]) : LAM_ERR_MEMORY;
    }
    lam_fit_options usual = lam_fit_options_default();
    if (status == LAM_OK && count < read.optimizer->moments(&usual))
        status =
            lam__fail(LAM_ERR_STATE, "%s: another network, or no moments of %s", file->name, name);
    if (status != LAM_OK) {
        lam__release(read.m);
        lam__release(read.v);
        return status;
    }
    lam__model_drop_moments(model);
    model->moments = read;
    model->steps_done = began.steps + counts[LAM__COUNT_STEPS];
    model->epochs_done = began.epochs + counts[LAM__COUNT_EPOCH] + (counts[LAM__COUNT_BATCH] > 0);
    return LAM_OK;
}

static lam_status take_file(const unsigned char *bytes, size_t size, const char *path,
                            lam_model *model)
{
    lam__st_file file;
    LAM__TRY(lam__st_parse(bytes, size, path, &file));
    const char *settings = lam__st_metadata(&file, LAM__CHECKPOINT_KEY);
    lam_status status =
        settings ? lam__checkpoint_check_crc(bytes, size, path)
                 : lam__fail(LAM_ERR_FORMAT,
                             "%s: not a checkpoint: a model's file has no moments of an optimizer",
                             path);
    if (status == LAM_OK)
        status = take(&file, settings, model);
    lam__st_close(&file);
    return status;
}

lam_status lam_model_load_optimizer(lam_model *model, const char *path)
{
    unsigned char *bytes;
    size_t size;
    if (!model || !path)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_load_optimizer: model or path is NULL");
    LAM__TRY(lam_model_status(model));
    if (!model->parameters)
        return lam__fail(LAM_ERR_STATE, "the model has no parameters yet: load or set them first");
    LAM__TRY(lam__file_read_all(path, SIZE_MAX, &bytes, &size));
    const lam_status status = take_file(bytes, size, path, model);
    lam__release(bytes);
    return status;
}
