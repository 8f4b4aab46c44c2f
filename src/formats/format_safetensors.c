/* format_safetensors.c: the row of safetensors: models of Lamina, and bare weights. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/contents.h"
#include "formats/import/arrays.h"
#include "formats/import/import_report.h"
#include "formats/model_formats.h"
#include "formats/safetensors/model_file.h"
#include "model/network.h"

/* Pairs of metadata that are told. */
enum { MOST_FACTS = 1000 };

static bool recognizes(const lam__foreign *file)
{
    return lam__st_begins(file->bytes, file->size, file->size);
}

static int by_name(const void *a, const void *b)
{
    return lam__natural_order(((const lam__item *)a)->name, ((const lam__item *)b)->name);
}

/* The tensors in the natural order of their names: the format keeps no other. */
static lam_status list_items(const lam__st_file *file, lam__item **items)
{
    *items = lam__allocate_zero(file->count, sizeof **items, "the list of arrays");
    if (!*items)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < file->count; i++) {
        const lam__st_tensor *tensor = &file->tensors[i];
        lam__item *item = &(*items)[i];
        *item = (lam__item){.kind = LAM__ITEM_ARRAY,
                            .name = tensor->name,
                            .number = NAN,
                            .dtype = tensor->dtype,
                            .complete = true,
                            .rank = tensor->rank,
                            .data = file->data + tensor->begin};
        for (size_t k = 0; k < tensor->rank; k++)
            item->shape[k] = tensor->shape[k];
        lam__item_pack(item, false);
    }
    if (file->count)
        qsort(*items, file->count, sizeof **items, by_name);
    return LAM_OK;
}

static lam_status read_bare(const lam__foreign *file, const lam__st_file *st,
                            const lam_import_options *options, lam_model **model)
{
    lam__item *items;
    lam__name_list keys = {0};
    const char *key, *value;
    LAM__TRY(list_items(st, &items));
    for (size_t i = 0; i < MOST_FACTS && lam__st_metadata_at(st, i, &key, &value); i++)
        lam__name_list_add(&keys, key);
    if (keys.count)
        lam__report(file->report, LAM__LEFT_OUT, "metadata: %s", lam__name_list_text(&keys));
    const lam__items list = {
        .path = st->name, .items = items, .count = st->count, .report = file->report};
    lam_status status = lam__arrays_model(&list, options, model);
    lam__release(items);
    return status;
}

static lam_status read(const lam__foreign *file, const lam_import_options *options,
                       lam_model **model)
{
    lam__st_file st;
    LAM__TRY(lam__st_parse(file->bytes, file->size, file->path, &st));
    const bool whole = lam__st_metadata(&st, LAM__MODEL_KEY) != NULL;
    lam_status status = whole ? lam__refuse_bare_options(file->path, options)
                              : read_bare(file, &st, options, model);
    lam__st_close(&st);
    if (!whole || status != LAM_OK)
        return status;
    *model = lam__model_parse(file->bytes, file->size, file->path);
    return *model ? LAM_OK : lam_error_status();
}

static lam_status read_file(const lam__foreign *file, const lam_import_options *options,
                            lam_model **model, bool *taken)
{
    lam__st_file st;
    bool begins;
    *taken = false;
    LAM__TRY(lam__st_begins_file(file->path, &begins));
    if (!begins)
        return LAM_OK;
    LAM__TRY(lam__st_open(file->path, NULL, &st));
    *taken = lam__st_metadata(&st, LAM__MODEL_KEY) != NULL;
    lam__st_close(&st);
    if (!*taken)
        return LAM_OK;
    LAM__TRY(lam__refuse_bare_options(file->path, options));
    *model = lam_model_load(file->path);
    return *model ? LAM_OK : lam_error_status();
}

static lam_status describe_open(const lam__st_file *st, lam_model_contents *contents)
{
    lam__item *items = NULL;
    lam_status status = list_items(st, &items);
    const char *key, *value;
    for (size_t i = 0;
         i < MOST_FACTS && status == LAM_OK && lam__st_metadata_at(st, i, &key, &value); i++)
        status = lam__contents_fact(contents, key, value);
    if (status == LAM_OK) {
        const lam__items list = {.path = st->name, .items = items, .count = st->count};
        status = lam__contents_items(contents, &list);
    }
    lam__release(items);
    return status;
}

static lam_status describe(const lam__foreign *file, lam_model_contents *contents)
{
    lam__st_file st;
    LAM__TRY(lam__st_parse(file->bytes, file->size, file->path, &st));
    const lam_status status = describe_open(&st, contents);
    lam__st_close(&st);
    return status;
}

static lam_status peek(const char *path, lam_model_contents *contents, bool *told)
{
    LAM__TRY(lam__st_begins_file(path, told));
    if (!*told)
        return LAM_OK;
    lam__st_file st;
    LAM__TRY(lam__st_open(path, NULL, &st));
    const lam_status status = describe_open(&st, contents);
    lam__st_close(&st);
    return status;
}

static lam_status write(const lam_model *model, const char *path, const lam_export_options *options)
{
    if (!options->transform && model->transform.kind != LAM_TRANSFORM_NONE)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: a safetensors file keeps the input transform of its model", path);
    return lam_model_save(model, path);
}

const lam__model_format lam__format_safetensors = {
    .name = "safetensors",
    .help = "Lamina's own, and bare weights of PyTorch or Keras",
    .extensions = "safetensors",
    .recognizes = recognizes,
    .read = read,
    .read_file = read_file,
    .write = write,
    .describe = describe,
    .peek = peek,
};
