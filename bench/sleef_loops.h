/* sleef_loops.h: exp, log and tanh of arrays through SLEEF's functions of at most 1 ulp. */
#ifndef LAMINA_BENCH_SLEEF_LOOPS_H
#define LAMINA_BENCH_SLEEF_LOOPS_H

#include <stddef.h>

typedef void sleef_loop(size_t n, const float *x, float *y);

/* The functions compared, by the names of our kernels. */
typedef struct sleef_loops {
    sleef_loop *exp, *log, *tanh;
} sleef_loops;

extern const sleef_loops sleef_baseline, sleef_avx2, sleef_avx512;

#endif
