/* fuzz_keras.c: fuzz target of the readers of Keras's files; fuzz_idx.c says how to run it under
 * clang's fuzzer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/hdf5.h"
#include "formats/keras_read.h"
#include "fuzz.h"

/* Counts what is allocated at once. Blocks are 64 bytes longer and hold their size in front. */
static size_t allocated;

static void *count_allocate(size_t size, size_t alignment, void *most)
{
    (void)alignment;
    unsigned char *block =
        size < *(size_t *)most ? aligned_alloc(64, (size + 127) / 64 * 64) : NULL;
    allocated += size;
    if (allocated > *(size_t *)most || !block)
        abort(); /* a claim was believed */
    memcpy(block, &size, sizeof size);
    return block + 64;
}

static void count_release(void *pointer, void *most)
{
    size_t size;
    (void)most;
    if (!pointer)
        return;
    memcpy(&size, (unsigned char *)pointer - 64, sizeof size);
    allocated -= size;
    free((unsigned char *)pointer - 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* twice the file and 64 MB for an unpacked dataset, twice and 16 MB for entries of an archive
     */
    size_t most = 8 * size + (100u << 20);
    const lam_allocator counting = {count_allocate, count_release, &most};
    if (lam_set_allocator(&counting) != LAM_OK)
        abort();
    const lam__foreign file = {.path = "input", .bytes = data, .size = size};
    lam_model *model = NULL;
    const lam_status status = lam__h5_recognizes(data, size)
                                  ? lam__keras_read_h5(&file, NULL, &model)
                                  : lam__keras_read_archive(&file, NULL, &model);
    if (status != LAM_OK)
        return 0;
    /* what was accepted is a usable model with finite parameters */
    if (lam_model_outputs(model) == 0 || lam_model_tensors(model) == 0)
        abort();
    for (size_t i = 0; i < lam_model_tensors(model); i++) {
        lam_tensor tensor;
        if (lam_model_tensor(model, i, &tensor) != LAM_OK)
            abort();
        for (size_t j = 0; j < tensor.rows * tensor.cols; j++)
            if (!isfinite(tensor.data[j]))
                abort();
    }
    lam_model_free(model);
    return 0;
}
