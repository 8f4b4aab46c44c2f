/* fuzz.h: the entry point of a fuzz target. */
#ifndef LAMINA_FUZZ_H
#define LAMINA_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Gives one input to the target; it aborts, or a sanitizer does, when something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
