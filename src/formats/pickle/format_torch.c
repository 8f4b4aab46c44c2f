/* format_torch.c: the row of torch.save: state dictionaries and whole modules, in a zip archive or
 * in the former layout of several pickles one after another. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/contents.h"
#include "formats/model_formats.h"
#include "formats/pickle/pickle_model.h"
#include "io/file_read.h"
#include "io/zip_read.h"

/* A file being read. */
struct torch_file {
    const lam__foreign *file;
    lam__pickle pickle;
    lam__zip *zip;
    unsigned char *program;   /* data.pkl */
    unsigned char **storages; /* [storage_count] */
    size_t storage_count, prefix_length;
    const char *prefix; /* "archive/" of the entries' names */
};

static bool is_former(const lam__foreign *file)
{
    return lam__pickle_is_former(file->bytes, file->size);
}

/* Number of the entry "SOMETHING/data.pkl". */
static size_t find_program(const lam__zip *zip)
{
    static const char ending[] = "data.pkl";
    for (size_t i = 0; i < lam__zip_entries(zip); i++) {
        const char *name = lam__zip_entry_name(zip, i), *slash = strchr(name, '/');
        if (strcmp(slash ? slash + 1 : name, ending) == 0)
            return i;
    }
    return LAM__ZIP_NONE;
}

/* A zip archive with a data.pkl in its folder; its directory comes last, so the text is there. */
static bool recognizes(const lam__foreign *file)
{
    static const char mark[] = "data.pkl";
    if (is_former(file))
        return true;
    if (!lam__zip_recognizes(file->bytes, file->size) || file->size < 64)
        return false;
    /* the first entry's name begins at byte 30 */
    const size_t length = file->bytes[26] | (size_t)file->bytes[27] << 8;
    const size_t n = sizeof mark - 1;
    return length >= n && length <= file->size - 30 &&
           memcmp(file->bytes + 30 + length - n, mark, n) == 0;
}

/* Reads the numbers of a storage; those of all take no more than the pickle's budget. */
static lam_status load_storage(struct torch_file *t, lam__pickle_storage *storage)
{
    char name[256];
    size_t bytes = 0, got = 0;
    if (!lam__multiply(storage->elements, lam__st_dtype_size(storage->dtype), &bytes) ||
        bytes > t->pickle.budget)
        return lam__fail(LAM_ERR_FORMAT, "%s: storage '%.*s' of %zu elements, more than the file",
                         t->file->path, (int)(storage->key.length < 60 ? storage->key.length : 60),
                         storage->key.text, storage->elements);
    snprintf(name, sizeof name, "%.*sdata/%.*s",
             (int)(t->prefix_length < 150 ? t->prefix_length : 150), t->prefix,
             (int)(storage->key.length < 60 ? storage->key.length : 60), storage->key.text);
    const size_t entry = lam__zip_find(t->zip, name);
    if (entry == LAM__ZIP_NONE)
        return lam__fail(LAM_ERR_FORMAT, "%s: no entry '%s'", t->file->path, name);
    unsigned char *data = NULL;
    LAM__TRY(lam__zip_read(t->zip, entry, bytes, &data, &got));
    t->storages[t->storage_count++] = data;
    if (got != bytes)
        return lam__fail(LAM_ERR_FORMAT, "%s: '%s': %zu bytes, expected %zu", t->file->path, name,
                         got, bytes);
    t->pickle.budget -= bytes;
    storage->data = data;
    return LAM_OK;
}

static lam_status load_storages(struct torch_file *t)
{
    size_t count = 0;
    for (lam__pickle_storage *at = t->pickle.storages; at; at = at->next)
        count++;
    t->storages = lam__allocate_zero(count, sizeof *t->storages, "the list of storages");
    if (!t->storages)
        return LAM_ERR_MEMORY;
    for (lam__pickle_storage *at = t->pickle.storages; at; at = at->next)
        LAM__TRY(load_storage(t, at));
    return LAM_OK;
}

/* The byte order of the storages, as an entry says; little-endian without it. */
static lam_status read_byte_order(struct torch_file *t, bool *big_endian)
{
    char name[256];
    unsigned char *text = NULL;
    size_t size = 0;
    *big_endian = false;
    snprintf(name, sizeof name, "%.*sbyteorder",
             (int)(t->prefix_length < 150 ? t->prefix_length : 150), t->prefix);
    const size_t entry = lam__zip_find(t->zip, name);
    if (entry == LAM__ZIP_NONE)
        return LAM_OK;
    LAM__TRY(lam__zip_read(t->zip, entry, 16, &text, &size));
    *big_endian = size == 3 && memcmp(text, "big", 3) == 0;
    lam__release(text);
    return LAM_OK;
}

static lam_status open_archive(struct torch_file *t)
{
    const lam__foreign *file = t->file;
    size_t size = 0;
    bool big_endian;
    LAM__TRY(file->bytes ? lam__zip_open_memory(file->bytes, file->size, file->path, &t->zip)
                         : lam__zip_open(file->path, &t->zip));
    const size_t entry = find_program(t->zip);
    if (entry == LAM__ZIP_NONE)
        return lam__fail(LAM_ERR_FORMAT, "%s: a zip archive without data.pkl: not of torch.save",
                         file->path);
    t->prefix = lam__zip_entry_name(t->zip, entry);
    t->prefix_length = strlen(t->prefix) - strlen("data.pkl");
    LAM__TRY(read_byte_order(t, &big_endian));
    LAM__TRY(lam__zip_read(t->zip, entry, 2 * (uint64_t)file->size + LAM__PICKLE_FIXED, &t->program,
                           &size));
    lam__pickle_open(&t->pickle, file->path, t->program, size, file->bytes ? file->size : size);
    t->pickle.torch = true;
    t->pickle.big_endian = big_endian;
    LAM__TRY(lam__pickle_run(&t->pickle));
    if (file->bytes)
        return load_storages(t);
    for (lam__pickle_storage *at = t->pickle.storages; at; at = at->next)
        at->described = true;
    return LAM_OK;
}

static lam_status open_former(struct torch_file *t)
{
    lam__pickle_open(&t->pickle, t->file->path, t->file->bytes, t->file->size, t->file->size);
    return lam__pickle_former(&t->pickle);
}

static lam_status open_torch(const lam__foreign *file, struct torch_file *t)
{
    *t = (struct torch_file){.file = file};
    LAM__TRY(file->bytes && is_former(file) ? open_former(t) : open_archive(t));
    return lam__pickle_walk(&t->pickle);
}

static void close_torch(struct torch_file *t)
{
    lam__pickle_close(&t->pickle);
    for (size_t i = 0; i < t->storage_count; i++)
        lam__release(t->storages[i]);
    lam__release(t->storages);
    lam__release(t->program);
    if (t->zip)
        lam__zip_close(t->zip);
}

static lam_status read_torch(const lam__foreign *file, const lam_import_options *options,
                             lam_model **model)
{
    struct torch_file t;
    lam_status status = open_torch(file, &t);
    if (status == LAM_OK)
        status = lam__pickled_model(file, options, &t.pickle, model);
    close_torch(&t);
    return status;
}

static lam_status describe(const lam__foreign *file, lam_model_contents *contents)
{
    struct torch_file t;
    lam_status status = open_torch(file, &t);
    const lam__items items = {
        .path = file->path, .items = t.pickle.items, .count = t.pickle.item_count};
    const bool former = file->bytes && is_former(file);
    lam_status listed =
        lam__contents_fact(contents, "layout", former ? "pickles, one after another" : "zip");
    if (listed == LAM_OK)
        listed = lam__contents_items(contents, &items);
    close_torch(&t);
    return status == LAM_OK ? listed : status;
}

/* Of an archive data.pkl tells all arrays; the entries with their values stay unread. */
static lam_status peek(const char *path, lam_model_contents *contents, bool *told)
{
    unsigned char first[512];
    lam__foreign file = {.path = path};
    uint64_t size;
    int fd;
    LAM__TRY(lam__file_open(path, &fd, &size));
    const lam_status status = lam__file_read_at(fd, path, first, sizeof first, 0, &file.size);
    close(fd);
    file.bytes = first;
    *told = status == LAM_OK && recognizes(&file) && !is_former(&file);
    if (!*told)
        return status;
    file.bytes = NULL;
    file.size = size < SIZE_MAX / 2 ? (size_t)size : SIZE_MAX / 4;
    return describe(&file, contents);
}

const lam__model_format lam__format_torch = {
    .name = "pytorch",
    .alias = "torch",
    .help = "PyTorch: state dictionaries and whole modules saved by torch.save",
    .extensions = "pt pth",
    .recognizes = recognizes,
    .read = read_torch,
    .describe = describe,
    .peek = peek,
};
