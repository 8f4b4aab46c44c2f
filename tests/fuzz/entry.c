/* entry.c: the entry point that fuzzers call: one input, and the memory it may take. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "held.h"

static size_t unpacked;

void fuzz_unpacked(size_t bytes)
{
    unpacked += bytes;
}

/* Twice what was read and 16 MiB; `unpacked` is known when the input has been accepted. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t before = held_begin();
    unpacked = 0;
    fuzz_input(data, size);
    const size_t taken = held_most() - before, allowed = 2 * (size + unpacked) + FUZZ_CONSTANT;
    if (held_counts() && taken > allowed) {
        fprintf(stderr,
                "an input of %zu bytes (unpacked: %zu) took %zu bytes of memory, allowed: %zu\n",
                size, unpacked, taken, allowed);
        abort();
    }
    return 0;
}
