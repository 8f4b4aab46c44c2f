/* format_pickle.c: the row of pickles: NumPy arrays, objects that hold them, scikit-learn's
 * networks, plain, packed by gzip or zlib, or written by joblib. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/contents.h"
#include "formats/model_formats.h"
#include "formats/pickle/pickle_model.h"
#include "io/inflate.h"

/* A pickle of protocol 2 and later begins with its number; earlier ones are told by the extension.
 */
static bool begins_pickle(const unsigned char *bytes)
{
    return bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

static bool recognizes(const lam__foreign *file)
{
    unsigned char first[2];
    if (file->size <= 2)
        return false;
    if (begins_pickle(file->bytes))
        return file->bytes[file->size - 1] == '.';
    return lam__is_deflated(file->bytes, file->size) &&
           lam__inflate_first(file->bytes, file->size, first, 2) && begins_pickle(first);
}

/* Ways to pack a file that joblib has and Lamina has not. */
static lam_status check_packing(const lam__foreign *file)
{
    static const struct {
        const char *name, *bytes;
        size_t length;
    } others[] = {{"bzip2", "BZh", 3},
                  {"xz",
                   "\xfd"
                   "7zXZ",
                   5},
                  {"lzma", "]\0\0", 3},
                  {"lz4", "\x04\x22\x4d\x18", 4}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (file->size > others[i].length &&
            memcmp(file->bytes, others[i].bytes, others[i].length) == 0)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: packed by %s: pickles packed by gzip or zlib are read, such as "
                             "joblib.dump(model, FILE, compress=3) writes",
                             file->path, others[i].name);
    return LAM_OK;
}

/* A pickle being read, and what it was unpacked to. */
struct pickle_file {
    lam__foreign file; /* plain */
    unsigned char *unpacked;
    lam__pickle pickle;
};

/* Runs the pickle and lists what is in it; closed by the caller in any case. */
static lam_status open_pickle(const lam__foreign *file, struct pickle_file *f)
{
    *f = (struct pickle_file){.file = *file};
    LAM__TRY(check_packing(file));
    if (lam__is_deflated(file->bytes, file->size)) {
        LAM__TRY(lam__inflate(file->path, file->bytes, file->size, &f->unpacked, &f->file.size));
        f->file.bytes = f->unpacked;
    }
    lam__pickle_open(&f->pickle, f->file.path, f->file.bytes, f->file.size, f->file.size);
    f->pickle.joblib = true;
    LAM__TRY(lam__pickle_run(&f->pickle));
    return lam__pickle_walk(&f->pickle);
}

static void close_pickle(struct pickle_file *f)
{
    lam__pickle_close(&f->pickle);
    lam__release(f->unpacked);
}

static lam_status read(const lam__foreign *file, const lam_import_options *options,
                       lam_model **model)
{
    struct pickle_file f;
    lam_status status = open_pickle(file, &f);
    if (status == LAM_OK)
        status = lam__pickled_model(&f.file, options, &f.pickle, model);
    close_pickle(&f);
    return status;
}

static lam_status describe(const lam__foreign *file, lam_model_contents *contents)
{
    struct pickle_file f;
    lam_status status = open_pickle(file, &f);
    const lam__items items = {
        .path = file->path, .items = f.pickle.items, .count = f.pickle.item_count};
    lam_status listed = lam__contents_items(contents, &items);
    if (status == LAM_OK)
        status = listed;
    close_pickle(&f);
    return status;
}

const lam__model_format lam__format_pickle = {
    .name = "pickle",
    .help = "pickles: scikit-learn networks, also saved by joblib; NumPy arrays and objects that "
            "hold them",
    .extensions = "pkl pickle p joblib model params parms",
    .recognizes = recognizes,
    .read = read,
    .describe = describe,
};
