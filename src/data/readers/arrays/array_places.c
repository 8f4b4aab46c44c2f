/* array_places.c: where named arrays are: .npz archives, folders of .npy files, a single file. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/readers/arrays/named_arrays.h"
#include "data/readers/arrays/npy.h"
#include "data/readers/data_formats.h"
#include "io/zip_read.h"
#include "options/load_options.h"

/* More arrays than this are not looked at. */
enum { MOST_ARRAYS = 4096, NAME_SIZE = 64 };

/* "NAME.npy" to name; false for what ends otherwise or is too long. */
static bool array_name(const char *file, char name[NAME_SIZE])
{
    const size_t length = strlen(file);
    if (length <= 4 || length - 4 >= NAME_SIZE || strcmp(file + length - 4, ".npy") != 0)
        return false;
    memcpy(name, file, length - 4);
    name[length - 4] = '\0';
    return true;
}

static lam_status make_names(lam__arrays *arrays, size_t count)
{
    arrays->names = lam__allocate(count > 0 ? count : 1, sizeof *arrays->names, "names of arrays");
    return arrays->names ? LAM_OK : LAM_ERR_MEMORY;
}

/* .npz */

static lam_status read_stream(void *context, void *to, size_t count, size_t *got)
{
    return lam__zip_stream_read(context, to, count, got);
}

static lam_status read_entry(const lam__arrays *arrays, size_t i, size_t limit, lam__npy *npy)
{
    lam__zip *zip = arrays->context;
    lam__zip_stream stream;
    char file[NAME_SIZE + 4];
    snprintf(file, sizeof file, "%s.npy", arrays->names[i]);
    LAM__TRY(lam__zip_stream_open(&stream, zip, lam__zip_find(zip, file)));
    lam__npy_source source = {.name = stream.name,
                              .read = read_stream,
                              .context = &stream,
                              .size = UINT64_MAX,
                              .most = arrays->memory};
    const lam_status status = lam__npy_take(&source, limit, npy);
    lam__zip_stream_close(&stream);
    return status;
}

static lam_status open_npz(const char *path, lam__zip *zip, lam__arrays *arrays)
{
    const size_t entries = lam__zip_entries(zip);
    *arrays = (lam__arrays){.path = path, .context = zip, .read = read_entry};
    if (entries > MOST_ARRAYS)
        return lam__fail(LAM_ERR_FORMAT, "%s: %zu entries, at most %d expected", path, entries,
                         MOST_ARRAYS);
    LAM__TRY(make_names(arrays, entries));
    for (size_t i = 0; i < entries; i++)
        if (array_name(lam__zip_entry_name(zip, i), arrays->names[arrays->count]))
            arrays->count++;
    return LAM_OK;
}

/* Takes over the archive. */
static lam_status load_npz(const char *path, lam__zip *zip, lam_split split,
                           const lam_load_options *options, lam_dataset **dataset)
{
    lam__arrays arrays;
    lam_status status = open_npz(path, zip, &arrays);
    if (status == LAM_OK)
        status = lam__arrays_load(&arrays, split, options, dataset);
    lam__release(arrays.names);
    lam__zip_close(zip);
    return status;
}

lam_status lam__npz_parse(const void *bytes, size_t size, const char *name, lam_split split,
                          const lam_load_options *options, lam_dataset **dataset)
{
    lam__zip *zip;
    LAM__TRY(lam__zip_open_memory(bytes, size, name, &zip));
    return load_npz(name, zip, split, options, dataset);
}

bool lam__npz_recognizes(const lam__path_probe *place)
{
    static const char *const endings[] = {".npz", NULL};
    return place->file && !place->gzip && lam__path_probe_ends(place, endings);
}

bool lam__npz_has_test(const lam__path_probe *place)
{
    lam__zip *zip;
    char name[NAME_SIZE];
    unsigned meaning = 0;
    if (lam__zip_open(place->path, &zip) != LAM_OK)
        return false;
    for (size_t i = 0; i < lam__zip_entries(zip); i++)
        if (array_name(lam__zip_entry_name(zip, i), name))
            meaning |= lam__array_meaning(name);
    lam__zip_close(zip);
    return (meaning & LAM__ARRAY_SPLITS) == LAM__ARRAY_SPLITS;
}

lam_status lam__npz_load(const lam__path_probe *place, lam_split split,
                         const lam_load_options *options, lam_dataset **dataset)
{
    lam__zip *zip;
    LAM__TRY(lam__zip_open(place->path, &zip));
    return load_npz(place->path, zip, split, options, dataset);
}

/* Folders. */

static lam_status read_file(const lam__arrays *arrays, size_t i, size_t limit, lam__npy *npy)
{
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/%s.npy", arrays->path, arrays->names[i]);
    if (length < 0 || (size_t)length >= sizeof path)
        return lam__fail(LAM_ERR_IO, "%s: the path is too long", arrays->path);
    return lam__npy_read_within(path, limit, arrays->memory, npy);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names in order, so that nothing depends on the file system. */
static lam_status open_folder(const char *path, lam__arrays *arrays)
{
    *arrays = (lam__arrays){.path = path, .read = read_file};
    LAM__TRY(make_names(arrays, MOST_ARRAYS));
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (arrays->count < MOST_ARRAYS && array_name(entry->d_name, arrays->names[arrays->count]))
            arrays->count++;
    if (folder)
        closedir(folder);
    qsort(arrays->names, arrays->count, sizeof *arrays->names, by_bytes);
    return LAM_OK;
}

/* What the names in a folder say together. */
static unsigned folder_meaning(const char *path)
{
    char name[NAME_SIZE];
    unsigned meaning = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (array_name(entry->d_name, name))
            meaning |= lam__array_meaning(name);
    if (folder)
        closedir(folder);
    return meaning;
}

bool lam__npy_folder_recognizes(const lam__path_probe *place)
{
    return place->folder && (folder_meaning(place->path) & LAM__ARRAY_SAMPLES) != 0;
}

bool lam__npy_folder_has_test(const lam__path_probe *place)
{
    return (folder_meaning(place->path) & LAM__ARRAY_SPLITS) == LAM__ARRAY_SPLITS;
}

lam_status lam__npy_folder_load(const lam__path_probe *place, lam_split split,
                                const lam_load_options *options, lam_dataset **dataset)
{
    lam__arrays arrays;
    lam_status status = open_folder(place->path, &arrays);
    if (status == LAM_OK)
        status = lam__arrays_load(&arrays, split, options, dataset);
    lam__release(arrays.names);
    return status;
}

/* A single file: samples. */

bool lam__npy_recognizes_path(const lam__path_probe *place)
{
    return place->file && lam__npy_recognizes(place->head, place->head_size);
}

lam_status lam__npy_load(const lam__path_probe *place, lam_split split,
                         const lam_load_options *options, lam_dataset **dataset)
{
    (void)split;
    lam__npy npy;
    LAM__TRY(lam__npy_read_within(place->path, options->limit, lam__load_memory(options), &npy));
    const lam_status status = lam__npy_dataset(&npy, place->path, options, dataset);
    lam__release(npy.values);
    return status;
}
