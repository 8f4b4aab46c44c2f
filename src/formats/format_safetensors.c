/* format_safetensors.c: the row of safetensors: models of Lamina, and bare weights. */
#include "formats/exchange.h"
#include "formats/model_file.h"

static bool recognizes(const lam__foreign *file)
{
    uint64_t length = 0;
    for (size_t i = 8; i-- > 0 && file->size > 8;)
        length = length << 8 | file->bytes[i];
    return file->size > 8 && length > 0 && length <= file->size - 8 && file->bytes[8] == '{';
}

static lam_status read(const lam__foreign *file, const lam_import_options *options,
                       lam_model **model)
{
    (void)options;
    *model = lam__model_parse(file->bytes, file->size, file->path);
    return *model ? LAM_OK : lam_error_status();
}

static lam_status write(const lam_model *model, const char *path, const lam_export_options *options)
{
    (void)options;
    return lam_model_save(model, path);
}

const lam__model_format lam__format_safetensors = {
    .name = "safetensors",
    .help = "Lamina's own, and bare weights of PyTorch or Keras",
    .extensions = "safetensors",
    .recognizes = recognizes,
    .read = read,
    .write = write,
};
