/* cpu.h: the instruction set of the kernels. */
#ifndef LAMINA_CPU_H
#define LAMINA_CPU_H

#include <stdbool.h>

typedef enum lam__isa { LAM__BASELINE, LAM__AVX2, LAM__AVX512, LAM__ISA_COUNT } lam__isa;

/* "baseline", "avx2", "avx512". */
const char *lam__isa_name(lam__isa isa);

/* Whether this machine can run it. (aarch64: only baseline, which is NEON.) */
bool lam__isa_available(lam__isa isa);

/* The best one available, narrowed by the environment variable LAMINA_CPU, read once: a set that
 * is unknown or not available there narrows nothing. Thread-safe. */
lam__isa lam__isa_chosen(void);

/* Who made the processor, "AMD" or "Intel"; elsewhere the machine as the system names it. The same
 * instruction may give other last bits on another make. Thread-safe. */
const char *lam__processor_make(void);

/* Whether what one core writes and others read is better written past the caches, so that no core
 * waits for a line that others hold: on AMD's processors. On Intel's lines come from core to core
 * faster than from memory (bench_machine prints both). Thread-safe. */
bool lam__streaming_stores_pay(void);

#endif
