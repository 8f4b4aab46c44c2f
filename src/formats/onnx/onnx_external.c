/* onnx_external.c: values that lie in another file, as torch.onnx.export writes them by default.
 *
 * The path in an ONNX file is a stranger's: it must be relative, without "..", and what it leads
 * to, links followed, must lie in the folder of the model or below it. Offsets and lengths must lie
 * in that file, and lengths be those that the shape asks for. Source: docs/ExternalData.md of ONNX.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "formats/onnx/onnx_graph.h"
#include "io/file_read.h"

/* MOST_COUNTED: files of one model that are counted; exporters write one. */
enum { LONGEST_PATH = 4096, MOST_COUNTED = 64 };

/* The entry of a key, NULL when there is none. */
static const char *entry(const Onnx__TensorProto *tensor, const char *key)
{
    for (size_t i = 0; i < tensor->n_external_data; i++)
        if (tensor->external_data[i]->key && strcmp(tensor->external_data[i]->key, key) == 0)
            return tensor->external_data[i]->value;
    return NULL;
}

static bool is_external(const Onnx__TensorProto *tensor)
{
    return tensor->n_external_data > 0 ||
           (tensor->has_data_location &&
            tensor->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT);
}

/* Whether a path goes down only: relative, no part of it "..". */
static bool goes_down(const char *path)
{
    if (!*path || *path == '/')
        return false;
    for (const char *c = path; *c;) {
        const size_t length = strcspn(c, "/");
        if (length == 2 && c[0] == '.' && c[1] == '.')
            return false;
        c += length + (c[length] == '/');
    }
    return true;
}

/* The path beside the model, in path[LONGEST_PATH]; false when it leads out of the model's folder,
 * or nowhere. */
static bool find_file(const char *model, const char *location, char *path)
{
    char folder[LONGEST_PATH];
    const char *slash = strrchr(model, '/');
    const size_t length = slash ? (size_t)(slash - model) + 1 : 0;
    if (length + strlen(location) + 3 > sizeof folder)
        return false;
    snprintf(folder, sizeof folder, "%.*s.", (int)length, model);
    snprintf(path, LONGEST_PATH, "%.*s%s", (int)length, model, location);
    char *inside = realpath(folder, NULL), *real = realpath(path, NULL);
    bool below = false;
    if (inside && real) {
        const size_t n = strcmp(inside, "/") == 0 ? 0 : strlen(inside);
        below = strncmp(real, inside, n) == 0 && real[n] == '/';
    }
    free(inside);
    free(real);
    return below;
}

/* Opens the file of a tensor. */
static lam_status open_file(const lam__onnx_node *node, const char *label, const char *location,
                            int *fd, uint64_t *size, char *path)
{
    if (!location || !goes_down(location))
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "the values of '%.64s' are in another file, '%.200s': only one "
                                "beside the model, or in a folder there, is read",
                                label, location ? location : "");
    if (!find_file(node->onnx->name, location, path))
        return lam__onnx_refuse(node, LAM_ERR_IO,
                                "the values of '%.64s' are in another file, '%.200s', which is not "
                                "in the folder of the model",
                                label, location);
    return lam__file_open(path, fd, size);
}

static lam_status number_of(const lam__onnx_node *node, const char *label,
                            const Onnx__TensorProto *tensor, const char *key, uint64_t otherwise,
                            uint64_t *number)
{
    const char *text = entry(tensor, key);
    *number = otherwise;
    if (text && !lam__parse_u64(text, number))
        return lam__onnx_refuse(node, LAM_ERR_FORMAT, "'%.64s': its %s '%.40s' is not a number",
                                label, key, text);
    return LAM_OK;
}

/* Reads `count` bytes from `offset` on. */
static lam_status read_part(int fd, const char *path, uint64_t offset, size_t count,
                            unsigned char **own)
{
    size_t got = 0;
    *own = lam__allocate(count ? count : 1, 1, "the values of a tensor");
    if (!*own)
        return LAM_ERR_MEMORY;
    LAM__TRY(lam__file_read_at(fd, path, *own, count, offset, &got));
    return got == count ? LAM_OK : lam__fail(LAM_ERR_IO, "%s: became shorter", path);
}

lam_status lam__onnx_external(const lam__onnx_node *node, const char *label,
                              const Onnx__TensorProto *tensor, size_t bytes,
                              Onnx__TensorProto *inside, unsigned char **own)
{
    char path[LONGEST_PATH];
    uint64_t offset, length, size;
    int fd;
    *inside = *tensor;
    *own = NULL;
    if (!is_external(tensor))
        return LAM_OK;
    LAM__TRY(number_of(node, label, tensor, "offset", 0, &offset));
    LAM__TRY(number_of(node, label, tensor, "length", bytes, &length));
    LAM__TRY(open_file(node, label, entry(tensor, "location"), &fd, &size, path));
    lam_status status = LAM_OK;
    if (length != bytes || offset > size || bytes > size - offset)
        status =
            lam__onnx_refuse(node, LAM_ERR_FORMAT,
                             "'%.64s' has the shape of %zu bytes, but %llu of the %llu bytes "
                             "in '%.200s' from byte %llu on",
                             label, bytes, (unsigned long long)length, (unsigned long long)size,
                             entry(tensor, "location"), (unsigned long long)offset);
    if (status == LAM_OK)
        status = read_part(fd, path, offset, bytes, own);
    close(fd);
    if (status != LAM_OK) {
        lam__release(*own);
        *own = NULL;
        return status;
    }
    inside->has_raw_data = 1;
    inside->raw_data.len = bytes;
    inside->raw_data.data = *own;
    inside->n_external_data = 0;
    inside->has_data_location = 0;
    return LAM_OK;
}

static bool is_among(const char *text, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, texts[i]) == 0)
            return true;
    return false;
}

/* Each file counts once, however many tensors take their values from it. */
size_t lam__onnx_external_bytes(const lam__onnx *onnx)
{
    const char *counted[MOST_COUNTED];
    size_t total = 0, count = 0;
    for (size_t i = 0; i < onnx->graph->n_initializer && count < MOST_COUNTED; i++) {
        const char *location = entry(onnx->graph->initializer[i], "location");
        char path[LONGEST_PATH];
        struct stat info;
        if (!location || is_among(location, counted, count))
            continue;
        counted[count++] = location;
        if (!goes_down(location) || !find_file(onnx->name, location, path) ||
            stat(path, &info) != 0 || info.st_size < 0)
            continue;
        if (!lam__add(total, (size_t)info.st_size, &total))
            return SIZE_MAX / 4;
    }
    return total < SIZE_MAX / 4 ? total : SIZE_MAX / 4;
}
