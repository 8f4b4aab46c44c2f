/* model_formats.c: models in and out, through the table of formats. */
#include "formats/model_formats.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "base/text.h"
#include "formats/import/import_report.h"
#include "io/file_read.h"
#include "model/network.h"

/* In the order in which they are asked whether a content is theirs. */
static const lam__model_format *const formats[] = {
    &lam__format_safetensors, &lam__format_torch, &lam__format_pickle,
    &lam__format_onnx,        &lam__format_c,     &lam__format_keras,
};

enum { FORMATS = sizeof formats / sizeof *formats };

LAM__CHECK_ROW(lam__model_format);

static const void *built_in(size_t i)
{
    return formats[i];
}

lam__name_table lam__model_formats = {
    .kind = "model format",
    .built_in = built_in,
    .built_in_count = FORMATS,
};

const lam__model_format *lam__find_format(const char *name)
{
    return lam__table_find(&lam__model_formats, name);
}

/* Whether a word is in a list separated by spaces, whatever the case of its letters. */
static bool lists(const char *list, const char *word)
{
    const size_t length = strlen(word);
    while (*list) {
        const size_t next = strcspn(list, " ");
        if (next == length && lam__same_letters(list, word, length))
            return true;
        list += next + (list[next] == ' ');
    }
    return false;
}

const lam__model_format *lam__format_of_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && dot[1] && i < FORMATS; i++)
        if (lists(formats[i]->extensions, dot + 1))
            return formats[i];
    return NULL;
}

/* "safetensors (.safetensors), onnx (.onnx)", those that can be read or those that can be written
 */
static void list_formats(bool written, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < FORMATS && at < size; i++) {
        if (written ? !formats[i]->write : !formats[i]->read)
            continue;
        const int length = (int)strcspn(formats[i]->extensions, " ");
        at += (size_t)snprintf(text + at, size - at, "%s%s (.%.*s)", at ? ", " : "",
                               formats[i]->name, length, formats[i]->extensions);
    }
}

const lam__model_format *lam__format_of_file(const lam__foreign *file)
{
    char known[256];
    for (size_t i = 0; i < FORMATS; i++)
        if (formats[i]->recognizes && formats[i]->recognizes(file))
            return formats[i];
    const lam__model_format *format = lam__format_of_path(file->path);
    if (format)
        return format;
    list_formats(false, known, sizeof known);
    lam__fail(LAM_ERR_FORMAT,
              "%s: neither its content nor its extension is that of a known model format: %s",
              file->path, known);
    return NULL;
}

void lam_import_options_init(lam_import_options *options, size_t size)
{
    lam_import_options own = {.format = NULL};
    lam__write_options(options, size, &own, sizeof own);
}

void lam_export_options_init(lam_export_options *options, size_t size)
{
    lam_export_options own = {.transform = true};
    lam__write_options(options, size, &own, sizeof own);
}

static lam_status read_as(const lam__model_format *format, const lam__foreign *file,
                          const lam_import_options *options, lam_model **model)
{
    if (!format->read)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: models can be written as '%s' but not read",
                         file->path, format->name);
    return format->read(file, options, model);
}

/* Asks the formats that read files by themselves, or the one that is given. */
static lam_status read_file(const lam__model_format *given, const lam__foreign *file,
                            const lam_import_options *options, lam_model **model, bool *taken)
{
    *taken = false;
    for (size_t i = 0; i < FORMATS && !*taken; i++)
        if (formats[i]->read_file && (!given || given == formats[i]))
            LAM__TRY(formats[i]->read_file(file, options, model, taken));
    return LAM_OK;
}

lam_model *lam_model_import(const char *path, const lam_import_options *options)
{
    return lam_model_import_report(path, options, NULL);
}

lam_model *lam_model_import_report(const char *path, const lam_import_options *options,
                                   lam_import_report **report)
{
    lam_import_options own = lam_import_options_default();
    lam__foreign file = {.path = path};
    unsigned char *bytes;
    lam_model *model = NULL;
    if (report)
        *report = file.report = lam__report_new();
    if (lam__read_options(&own, sizeof own, options, "lam_import_options") != LAM_OK)
        return NULL;
    options = &own;
    if (!path) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_model_import: path is NULL");
        return NULL;
    }
    const lam__model_format *format = options->format ? lam__find_format(options->format) : NULL;
    if (options->format && !format)
        return NULL;
    bool taken;
    const lam_status status = read_file(format, &file, options, &model, &taken);
    if (taken || status != LAM_OK)
        return status == LAM_OK ? model : NULL;
    if (lam__file_read_all(path, SIZE_MAX, &bytes, &file.size) != LAM_OK)
        return NULL;
    file.bytes = bytes;
    if (!format)
        format = lam__format_of_file(&file);
    if (format && read_as(format, &file, options, &model) != LAM_OK)
        model = NULL;
    lam__release(bytes);
    return model;
}

lam_status lam_model_export(const lam_model *model, const char *path,
                            const lam_export_options *options)
{
    lam_export_options own = lam_export_options_default();
    LAM__TRY(lam__read_options(&own, sizeof own, options, "lam_export_options"));
    options = &own;
    if (!model || !path || path[0] == '\0')
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_export: %s",
                         !model  ? "model is NULL"
                         : !path ? "path is NULL"
                                 : "path is empty");
    LAM__TRY(lam_model_status(model));
    const lam__model_format *format =
        options->format ? lam__find_format(options->format) : lam__format_of_path(path);
    if (options->format && !format)
        return lam_error_status();
    char known[256];
    list_formats(true, known, sizeof known);
    if (!format)
        return lam__fail(LAM_ERR_NAME, "%s: its extension is not that of a model format; known: %s",
                         path, known);
    if (!format->write)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: models can be read from '%s' but not written; can be written: %s",
                         path, format->name, known);
    if (options->name && strcmp(format->name, "c") != 0)
        return lam__fail(LAM_ERR_ARGUMENT, "%s: name '%.100s' is for C source, not for '%s'", path,
                         options->name, format->name);
    if (!model->parameters)
        return lam__fail(LAM_ERR_STATE, "a model without parameters cannot be written: train it or "
                                        "call lam_model_initialize first");
    LAM__TRY(lam__model_check_finite(model));
    return format->write(model, path, options);
}

lam_status lam_model_format_sized(const char *name, lam_model_format_info *info, size_t size)
{
    const lam__model_format *format = lam__find_format(name);
    if (!format)
        return lam_error_status();
    if (!info)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_model_format: info is NULL");
    const lam_model_format_info own = {
        .name = format->name,
        .extensions = format->extensions,
        .help = format->help,
        .can_read = format->read != NULL,
        .can_write = format->write != NULL,
    };
    lam__write_struct(info, size, &own, sizeof own);
    return LAM_OK;
}

const char *lam_model_format_by_extension(const char *path)
{
    const lam__model_format *format = path ? lam__format_of_path(path) : NULL;
    return format ? format->name : NULL;
}

const char *lam_model_format_by_content(const char *path)
{
    lam__foreign file = {.path = path};
    unsigned char *bytes;
    if (!path) {
        lam__fail(LAM_ERR_ARGUMENT, "lam_model_format_by_content: path is NULL");
        return NULL;
    }
    if (lam__file_read_all(path, SIZE_MAX, &bytes, &file.size) != LAM_OK)
        return NULL;
    file.bytes = bytes;
    const lam__model_format *format = lam__format_of_file(&file);
    lam__release(bytes);
    return format ? format->name : NULL;
}
