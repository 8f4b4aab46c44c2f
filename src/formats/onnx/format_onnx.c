/* format_onnx.c: ONNX as a model format. */
#include "base/error.h"
#include "base/memory.h"
#include "formats/import/arrays.h"
#include "formats/model_formats.h"
#include "formats/onnx/onnx_file.h"
#include "io/file_write.h"
#include "lamina_features.h"

/* An ONNX file begins with its IR version, field 1, a small number, in whatever program wrote it;
 * then comes another field of a model. */
static bool recognizes(const lam__foreign *file)
{
    const unsigned char *bytes = file->bytes;
    if (file->size < 3 || bytes[0] != 0x08 || bytes[1] < 3 || bytes[1] > 31)
        return false;
    switch (bytes[2]) {
    case 0x12: /* producer_name, producer_version, domain, model_version, doc_string, graph, sets */
    case 0x1a:
    case 0x22:
    case 0x28:
    case 0x32:
    case 0x3a:
    case 0x42:
        return true;
    default:
        return false;
    }
}

#if LAM__HAVE_ONNX
static lam_status read_onnx(const lam__foreign *file, const lam_import_options *options,
                            lam_model **model)
{
    LAM__TRY(lam__refuse_bare_options(file->path, options));
    return lam__onnx_parse(file->bytes, file->size, file->path, file->report, model);
}

static lam_status describe_onnx(const lam__foreign *file, lam_model_contents *contents)
{
    return lam__onnx_describe(file->bytes, file->size, file->path, contents);
}

static lam_status write_onnx(const lam_model *model, const char *path,
                             const lam_export_options *options)
{
    lam__file_writer writer;
    unsigned char *bytes;
    size_t size;
    LAM__TRY(lam__onnx_serialize(model, options->transform, &bytes, &size));
    lam_status status = lam__file_write_open(&writer, path);
    if (status == LAM_OK) {
        status = lam__file_write(&writer, bytes, size);
        if (status == LAM_OK)
            status = lam__file_write_commit(&writer);
        else
            lam__file_write_abandon(&writer);
    }
    lam__release(bytes);
    return status;
}
#else
static lam_status refuse(const char *path)
{
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: this build of Lamina has no ONNX: it was made without protobuf-c", path);
}

static lam_status read_onnx(const lam__foreign *file, const lam_import_options *options,
                            lam_model **model)
{
    (void)options, (void)model;
    return refuse(file->path);
}

static lam_status describe_onnx(const lam__foreign *file, lam_model_contents *contents)
{
    (void)contents;
    return refuse(file->path);
}

static lam_status write_onnx(const lam_model *model, const char *path,
                             const lam_export_options *options)
{
    (void)model, (void)options;
    return refuse(path);
}
#endif

const lam__model_format lam__format_onnx = {
    .name = "onnx",
    .help = "ONNX: ONNX Runtime, and networks of PyTorch, Keras and scikit-learn",
    .extensions = "onnx",
    .recognizes = recognizes,
    .read = read_onnx,
    .write = write_onnx,
    .describe = describe_onnx,
};
