/* measure.h: clocks, medians, and the limits of this machine. */
#ifndef LAMINA_BENCH_MEASURE_H
#define LAMINA_BENCH_MEASURE_H

#include <stddef.h>

/* Seconds of a monotonic clock. */
double measure_now(void);

/* The median of values[count], which are reordered. */
double measure_median(double *values, size_t count);

/* Multiply-adds of one core for the instruction set ("baseline", "avx2", "avx512"), GFLOPS: the
 * best of several short runs of independent chains in registers. */
double measure_fma_peak(const char *instruction_set);

/* The processor's name, or "unknown". Static buffer. */
const char *measure_processor(void);

/* Largest resident size of this process so far, in MB. */
double measure_peak_memory(void);

#endif
