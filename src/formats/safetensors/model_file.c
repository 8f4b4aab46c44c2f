/* model_file.c: saving and loading models. */
#include "formats/safetensors/model_file.h"

#include <lamina/output.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/finite.h"
#include "base/memory.h"
#include "data/learn_input.h"
#include "formats/safetensors/checkpoint_keys.h"
#include "io/checksum.h"
#include "io/file_read.h"
#include "model/network.h"

/* "1a2b3c4d" and its zero. */
#define LAM__CRC_TEXT 9

static lam_status check_finite(const lam__st_entry *entry)
{
    const size_t count = entry->values ? lam__st_entry_count(entry) : 0;
    const size_t bad = lam__first_not_finite(entry->values, count);
    if (bad == count)
        return LAM_OK;
    return lam__fail(LAM_ERR_NUMERIC,
                     "tensor '%s': value %zu is not a finite number: such a model is not saved",
                     entry->name, bad);
}

static void fill_vector(lam__st_entry *entry, const char *name, size_t size, const float *values)
{
    snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->rank = 1;
    entry->shape[0] = size;
    entry->values = values;
}

/* Lists the tensors of a model: parameters, then those of the input transform. */
static lam_status list_tensors(const lam_model *model, lam__st_entry **entries, size_t *count)
{
    size_t parameters = lam__tensor_count(model);
    bool standardize = model->transform.kind == LAM_TRANSFORM_STANDARDIZE;
    *count = parameters + (standardize ? 2 : 0);
    lam__st_entry *list = lam__allocate_zero(*count, sizeof *list, "the list of tensors");
    if (!list)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < parameters; i++) {
        lam__tensor_view at;
        if (!lam__tensor_at(model, i, &at))
            break;
        lam__tensor_name(&at, list[i].name, sizeof list[i].name);
        list[i].rank = at.flat ? 1 : 2;
        list[i].shape[0] = at.flat ? at.cols : at.rows;
        list[i].shape[1] = at.cols;
        list[i].values = model->parameters ? model->parameters + at.offset : NULL;
    }
    if (standardize) {
        fill_vector(&list[parameters], LAM__TENSOR_MEAN, model->features, model->transform.mean);
        fill_vector(&list[parameters + 1], LAM__TENSOR_STD, model->features, model->transform.std);
    }
    lam_status status = LAM_OK;
    for (size_t i = 0; i < *count && status == LAM_OK; i++)
        status = check_finite(&list[i]);
    if (status != LAM_OK) {
        lam__release(list);
        return status;
    }
    *entries = list;
    return LAM_OK;
}

/* Where a model is written: a file, or buffer[size] where path is NULL. */
typedef struct destination {
    const char *path;
    void *buffer;
    size_t size, *needed;
} destination;

static lam_status save(const lam_model *model, const destination *to)
{
    LAM__TRY(lam_model_status(model));
    if (!model->parameters)
        return lam__fail(LAM_ERR_STATE, "a model without parameters cannot be saved: train it or "
                                        "call lam_model_initialize first");
    char *text = NULL;
    lam__st_entry *entries = NULL;
    size_t count;
    LAM__TRY(lam__model_describe(model, &text));
    lam_status status = list_tensors(model, &entries, &count);
    if (status == LAM_OK) {
        char checksum[LAM__CRC_TEXT];
        uint32_t crc = lam__st_checksum(lam__crc32(0, text, strlen(text)), entries, count);
        snprintf(checksum, sizeof checksum, "%08" PRIx32, crc);
        const lam__st_pair pairs[] = {{LAM__MODEL_KEY, text}, {LAM__MODEL_CHECKSUM_KEY, checksum}};
        const size_t n = sizeof pairs / sizeof pairs[0];
        status = to->path ? lam__st_write(to->path, pairs, n, entries, count)
                          : lam__st_write_memory(to->buffer, to->size, to->needed, pairs, n,
                                                 entries, count);
    }
    lam__release(entries);
    lam__release(text);
    return status;
}

lam_status lam_model_save(const lam_model *model, const char *path)
{
    if (!model || !path || path[0] == '\0')
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_save: %s",
                         !model  ? "model is NULL"
                         : !path ? "path is NULL"
                                 : "path is empty");
    return save(model, &(destination){.path = path});
}

lam_status lam_model_save_memory(const lam_model *model, void *buffer, size_t size, size_t *needed)
{
    if (!model || !needed || (!buffer && size > 0))
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_save_memory: %s is NULL",
                         !model    ? "model"
                         : !needed ? "needed"
                                   : "buffer");
    LAM__TRY(save(model, &(destination){.buffer = buffer, .size = size, .needed = needed}));
    if (size == 0 || size >= *needed)
        return LAM_OK;
    return lam__fail(LAM_ERR_ARGUMENT, "a buffer of %zu bytes, the model has %zu", size, *needed);
}

lam_status lam_model_check_save(const lam_model *model, const lam_dataset *dataset)
{
    /* what training adds to the description: the name of a loss */
    static const char spare[] = "                                                                ";
    char *text = NULL;
    lam__st_entry *entries = NULL;
    size_t count;
    if (!model)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_check_save: model is NULL");
    LAM__TRY(lam_model_status(model));
    lam_model learnt = *model;
    if (dataset)
        lam__model_view_learnt(model, dataset, &learnt);
    LAM__TRY(lam__model_describe(&learnt, &text));
    lam_status status = list_tensors(&learnt, &entries, &count);
    if (status == LAM_OK) {
        const lam__st_pair pairs[] = {{LAM__MODEL_KEY, text}, {LAM__MODEL_CHECKSUM_KEY, spare}};
        status = lam__st_check(pairs, sizeof pairs / sizeof pairs[0], entries, count);
    }
    lam__release(entries);
    lam__release(text);
    return status;
}

static lam_status check_checksum(const lam__st_file *file, const char *text)
{
    const char *expected = lam__st_metadata(file, LAM__MODEL_CHECKSUM_KEY);
    char found[LAM__CRC_TEXT];
    uint32_t crc = lam__crc32(0, text, strlen(text));
    LAM__TRY(lam__st_data_checksum(file, &crc));
    snprintf(found, sizeof found, "%08" PRIx32, crc);
    if (!expected)
        return lam__fail(LAM_ERR_FORMAT, "%s: no checksum: __metadata__ has no '%s'", file->name,
                         LAM__MODEL_CHECKSUM_KEY);
    if (strcmp(found, expected) != 0)
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: the file is damaged: its checksum should be '%.16s', "
                         "description and data have %s",
                         file->name, expected, found);
    return LAM_OK;
}

/* A checkpoint has a checksum over all of it in place of a model's. */
static lam_status check(const lam__st_file *file, const char *text, const void *bytes, size_t size)
{
    return lam__st_metadata(file, LAM__CHECKPOINT_KEY)
               ? lam__checkpoint_check_crc(bytes, size, file->name)
               : check_checksum(file, text);
}

/* The description in a file; NULL with the error recorded. */
static const char *description(const lam__st_file *file)
{
    const char *text = lam__st_metadata(file, LAM__MODEL_KEY);
    if (!text)
        lam__fail(LAM_ERR_FORMAT,
                  "%s: a safetensors file, but not a model of Lamina: __metadata__ "
                  "has no '%s'",
                  file->name, LAM__MODEL_KEY);
    return text;
}

static lam_model *parse(const void *bytes, size_t size, const char *name, bool checked)
{
    lam__st_file file;
    lam_model *model = NULL;
    if (lam__st_parse(bytes, size, name, &file) != LAM_OK)
        return NULL;
    const char *text = description(&file);
    if (text && (!checked || check(&file, text, bytes, size) == LAM_OK))
        lam__model_restore(&file, text, &model);
    lam__st_close(&file);
    return model;
}

lam_model *lam__model_parse(const void *bytes, size_t size, const char *name)
{
    return parse(bytes, size, name, true);
}

lam_model *lam__model_parse_unchecked(const void *bytes, size_t size, const char *name)
{
    return parse(bytes, size, name, false);
}

/* A checkpoint's checksum covers all of its bytes. */
static lam_model *load_checkpoint(const char *path)
{
    unsigned char *bytes;
    size_t size;
    if (lam__file_read_all(path, SIZE_MAX, &bytes, &size) != LAM_OK)
        return NULL;
    lam_model *model = lam__model_parse(bytes, size, path);
    lam__release(bytes);
    return model;
}

/* The values are read to where they stay: there is no copy of the file. */
lam_model *lam_model_load(const char *path)
{
    if (!path) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_model_load: path is NULL");
        return NULL;
    }
    lam__st_file file;
    lam_model *model = NULL;
    if (lam__st_open_values(path, &file) != LAM_OK)
        return NULL;
    if (lam__st_metadata(&file, LAM__CHECKPOINT_KEY)) {
        lam__st_close(&file);
        return load_checkpoint(path);
    }
    const char *text = description(&file);
    if (text && check_checksum(&file, text) == LAM_OK)
        lam__model_restore(&file, text, &model);
    lam__st_close(&file);
    return model;
}

/* What a structure is told in beside the header. */
static bool is_of_transform(const char *name)
{
    return strcmp(name, LAM__TENSOR_MEAN) == 0 || strcmp(name, LAM__TENSOR_STD) == 0;
}

lam_model *lam_model_load_structure(const char *path)
{
    lam__st_file file;
    lam_model *model = NULL;
    if (!path) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_model_load_structure: path is NULL");
        return NULL;
    }
    if (lam__st_open(path, is_of_transform, &file) != LAM_OK)
        return NULL;
    const char *text = description(&file);
    if (text)
        lam__model_restore(&file, text, &model);
    lam__st_close(&file);
    return model;
}

lam_model *lam_model_load_memory(const void *bytes, size_t size)
{
    if (bytes)
        return lam__model_parse(bytes, size, "the model");
    lam__fail(LAM_ERR_ARGUMENT, "lam_model_load_memory: bytes is NULL");
    return NULL;
}
