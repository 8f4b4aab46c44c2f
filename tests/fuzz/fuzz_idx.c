/* fuzz_idx.c: fuzz target of the IDX reader.
 *
 * With replay.c it is a plain program over the committed corpus (suite fuzz). With clang's fuzzer
 * (Debian: libclang-rt-14-dev), S standing for -fsanitize=fuzzer-no-link,address,undefined:
 *   CC=clang meson setup build-fuzz -Db_lundef=false -Dc_args=S -Dc_link_args=S
 *   cd build-fuzz && ninja src/liblamina.a && clang -fsanitize=fuzzer,address,undefined
 *       -I../include -I../src ../tests/fuzz/fuzz_idx.c src/liblamina.a
 *       $(pkg-config --libs openblas lapacke jansson zlib) -lpthreadpool -lcpuinfo -lm -o fuzz_idx
 *   ./fuzz_idx a-copy-of-tests/fuzz/corpus/idx */
#include <stdlib.h>

#include "base/memory.h"
#include "data/idx.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t limit = 0; limit < 2; limit++) {
        lam__idx idx;
        if (lam__idx_parse(data, size, "input", limit, &idx) != LAM_OK)
            continue;
        /* read every value that was promised */
        const unsigned char *bytes = idx.values;
        size_t length = idx.samples * idx.features * (idx.dtype == LAM_UINT8 ? 1 : 4);
        unsigned sum = 0;
        for (size_t i = 0; i < length; i++)
            sum += bytes[i];
        if (idx.samples == 0 || idx.features == 0 || sum > 255 * length)
            abort();
        lam__release(idx.values);
    }
    return 0;
}
