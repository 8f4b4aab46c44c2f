/* format_pickle.c: the row of pickled NumPy arrays and objects. */
#include "base/error.h"
#include "formats/contents.h"
#include "formats/exchange.h"
#include "formats/pickle.h"

/* A pickle of protocol 2 and later begins with its number; earlier ones are told by the extension.
 */
static bool recognizes(const lam__foreign *file)
{
    return file->size > 2 && file->bytes[0] == 0x80 && file->bytes[1] >= 2 && file->bytes[1] <= 5 &&
           file->bytes[file->size - 1] == '.';
}

/* Runs the pickle and lists what is in it; closed by the caller in any case. */
static lam_status open_pickle(const lam__foreign *file, lam__pickle *pickle)
{
    lam__pickle_open(pickle, file->path, file->bytes, file->size, file->size);
    LAM__TRY(lam__pickle_run(pickle));
    return lam__pickle_walk(pickle);
}

static lam_status read(const lam__foreign *file, const lam_import_options *options,
                       lam_model **model)
{
    lam__pickle pickle;
    lam_status status = open_pickle(file, &pickle);
    if (status == LAM_OK) {
        const lam__items items = {.path = file->path,
                                  .items = pickle.items,
                                  .count = pickle.item_count,
                                  .file_size = file->size};
        status = lam__arrays_model(&items, options, model);
    }
    lam__pickle_close(&pickle);
    return status;
}

static lam_status describe(const lam__foreign *file, lam_model_contents *contents)
{
    lam__pickle pickle;
    lam_status status = open_pickle(file, &pickle);
    const lam__items items = {
        .path = file->path, .items = pickle.items, .count = pickle.item_count};
    lam_status listed = lam__contents_items(contents, &items);
    if (status == LAM_OK)
        status = listed;
    lam__pickle_close(&pickle);
    return status;
}

const lam__model_format lam__format_pickle = {
    .name = "pickle",
    .help = "pickled NumPy arrays, or objects that hold them",
    .extensions = "pkl pickle p model params parms",
    .recognizes = recognizes,
    .read = read,
    .describe = describe,
};
