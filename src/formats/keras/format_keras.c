/* format_keras.c: the row of Keras's files. */
#include <string.h>

#include "base/error.h"
#include "formats/import/arrays.h"
#include "formats/keras/hdf5.h"
#include "formats/keras/keras_read.h"
#include "formats/model_formats.h"
#include "io/zip_read.h"
#include "lamina_features.h"

/* A .keras file begins with metadata.json or config.json as its first entry. */
static bool recognizes(const lam__foreign *file)
{
    static const char *const first[] = {"metadata.json", "config.json", "model.weights.h5"};
    enum { NAME_LENGTH = 26, NAME = 30 }; /* places in a zip archive's local header */
    if (lam__h5_recognizes(file->bytes, file->size))
        return true;
    if (!lam__zip_recognizes(file->bytes, file->size) || file->size < NAME)
        return false;
    const size_t length = file->bytes[NAME_LENGTH] | (size_t)file->bytes[NAME_LENGTH + 1] << 8;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (strlen(first[i]) == length && length <= file->size - NAME &&
            memcmp(file->bytes + NAME, first[i], length) == 0)
            return true;
    return false;
}

static lam_status open_file(const lam__foreign *file, const lam_import_options *options,
                            lam_model_contents *contents, lam_model **model)
{
#if LAM__HAVE_JSON
    return lam__h5_recognizes(file->bytes, file->size)
               ? lam__keras_read_h5(file, options, contents, model)
               : lam__keras_read_archive(file, options, contents, model);
#else
    (void)options, (void)contents, (void)model;
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: this build of Lamina reads no Keras files: it has no JSON library "
                     "(Jansson)",
                     file->path);
#endif
}

static lam_status read(const lam__foreign *file, const lam_import_options *options,
                       lam_model **model)
{
    return open_file(file, options, NULL, model);
}

static lam_status describe(const lam__foreign *file, lam_model_contents *contents)
{
    lam_model *none = NULL;
    const lam_import_options options = lam_import_options_default();
    return open_file(file, &options, contents, &none);
}

const lam__model_format lam__format_keras = {
    .name = "keras",
    .help = "Keras: sequential models, .keras or .h5, and weights alone",
    .extensions = "keras h5 hdf5",
    .recognizes = recognizes,
    .read = read,
    .describe = describe,
};
