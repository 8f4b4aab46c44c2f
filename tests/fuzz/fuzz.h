/* fuzz.h: what a fuzz target is.
 *
 * With replay.c it is a plain program over its committed corpus (suite fuzz); under clang's fuzzer
 * and AddressSanitizer `.ci/run fuzz` builds and runs it. In both, entry.c holds the memory that an
 * input takes, the system's libraries included, to twice its size and a constant. */
#ifndef LAMINA_FUZZ_H
#define LAMINA_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that an input of any size may take. */
#define FUZZ_CONSTANT ((size_t)16 << 20)

/* The target: gives one input to its reader, and aborts when something is wrong. */
void fuzz_input(const uint8_t *data, size_t size);

/* For targets: what was accepted has unpacked to so many bytes (pixels, one-hot columns), which
 * docs/formats.md says it may. */
void fuzz_unpacked(size_t bytes);

/* For targets: a model that was accepted has outputs, and parameters that are finite. Frees it. */
struct lam_model;
void fuzz_usable_model(struct lam_model *model);

/* What fuzzers call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
